// The same bytes as the server: what it wrote into the vectors comes out here, and what it signed verifies.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  canonical,
  enrolment,
  formDigest,
  makeKey,
  MissingEvidence,
  NotCanonical,
  sha256,
  signatureDigest,
  signedText,
  signForm,
  thumbprint,
} from "../../../build/signing/index.js";

const file = new URL("../../../tests/vectors/signing/vectors.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8"));
const ES256 = { name: "ECDSA", hash: "SHA-256" };

async function verifies(jwk, text, value) {
  const key = await crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, true, ["verify"]);
  return crypto.subtle.verify(ES256, key, Buffer.from(value, "base64url"), Buffer.from(text, "utf8"));
}

test("every text and number comes out as the server writes it", () => {
  for (const { text, canonical: wanted } of [...vectors.canonical, ...vectors.numbers]) {
    assert.equal(canonical(JSON.parse(text)), wanted, text);
  }
});

test("what has no canonical JSON is refused", () => {
  assert.ok(vectors.hopeless.length > 0);
  for (const text of vectors.hopeless) assert.throws(() => canonical(JSON.parse(text)), NotCanonical, text);
  for (const value of [NaN, undefined, () => 0, 1n, [undefined]]) {
    assert.throws(() => canonical(value), NotCanonical);
  }
  assert.equal(canonical({ left: undefined, there: 1 }), '{"there":1}');
});

test("forms, people's signatures and keys have the server's digests", async () => {
  for (const { form, sha256: wanted, form_digest } of vectors.forms) {
    assert.equal(await sha256(signedText(form)), wanted);
    assert.equal(await formDigest(form), form_digest);
  }
  for (const { document, pictures, digest } of vectors.signatures) {
    assert.equal(await signatureDigest(document, pictures), digest);
  }
  for (const { jwk, kid } of vectors.keys) assert.equal(await thumbprint(jwk), kid);
});

test("what the server's library signed verifies here, and nothing else does", async () => {
  const { jwk, form } = vectors.signed;
  const { value, digest } = form.signature_of_device;
  assert.equal(await sha256(signedText(form)), digest);
  assert.ok(await verifies(jwk, signedText(form), value));
  assert.ok(!(await verifies(jwk, signedText({ ...form, status: "draft" }), value)));
  assert.ok(await verifies(jwk, vectors.proof.canonical, vectors.proof.proof));
});

test("a key made here signs what it shows, and does not leave", async () => {
  const key = await makeKey();
  assert.equal(key.privateKey.extractable, false);
  await assert.rejects(crypto.subtle.exportKey("jwk", key.privateKey));
  assert.equal(key.kid, await thumbprint(key.jwk));
  const { jwk, proof } = await enrolment(key, "tablet-one", "wang");
  const said = canonical({ purpose: "hezha device key 1", device: "tablet-one", user: "wang", jwk });
  assert.ok(await verifies(jwk, said, proof));

  const { form } = vectors.forms[0];
  const evidence = { photos: { "p-1": "1", "p-2": "2" }, signatures: { "s-1": "3" } };
  const signed = await signForm(form, evidence, key);
  assert.ok(await verifies(key.jwk, signedText(signed), signed.signature_of_device.value));
  const again = await signForm(signed, evidence, key);
  assert.equal(again.signature_of_device.digest, signed.signature_of_device.digest);
});

test("a form is not signed while a photo or a signature that it names has no digest", async () => {
  const key = await makeKey();
  const { form } = vectors.forms[0];
  const signing = signForm(form, { photos: { "p-1": "1" }, signatures: {} }, key);
  await assert.rejects(signing, (error) => {
    assert.ok(error instanceof MissingEvidence);
    assert.deepEqual(error.ids, ["p-2", "s-1"]);
    return true;
  });
});

test("the README's example prints what it says", () => {
  const text = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [, example] = /```js\n(.*?)```/s.exec(text);
  const [, promised] = /^\/\/ (.*)$/m.exec(example);
  const built = new URL("../../../build/signing/index.js", import.meta.url).href;
  const program = example.replace('"@hezha/signing"', JSON.stringify(built));
  const printed = execFileSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" });
  assert.equal(printed.trim(), promised);
});
