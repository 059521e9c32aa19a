/** Bytes, digests and their texts. */

const UTF8 = new TextEncoder();

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return UTF8.encode(text);
}

/** SHA-256 of bytes or of a text in UTF-8, in lower-case hex. */
export async function sha256(data: BufferSource | string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", typeof data === "string" ? utf8(data) : data);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** base64url without padding (RFC 7515, 2). */
export function base64url(data: ArrayBuffer): string {
  const binary = String.fromCharCode(...new Uint8Array(data));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
