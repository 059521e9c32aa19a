// The sandbox is bare ECMAScript. cel-js asks for TextEncoder and TextDecoder while it loads, so this module
// must be imported before it.

class Utf8Encoder {
  encode(text = "") {
    const bytes = [];
    for (const character of String(text).toWellFormed()) {
      const code = character.codePointAt(0);
      if (code < 0x80) bytes.push(code);
      else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
      else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
      else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    }
    return Uint8Array.from(bytes);
  }
}

class Utf8Decoder {
  decode(bytes = new Uint8Array()) {
    const escaped = Array.from(bytes, (byte) => "%" + byte.toString(16).padStart(2, "0")).join("");
    return decodeURIComponent(escaped);
  }
}

globalThis.TextEncoder ??= Utf8Encoder;
globalThis.TextDecoder ??= Utf8Decoder;
