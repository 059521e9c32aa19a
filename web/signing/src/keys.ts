/** The tablet's key: made here, not to be exported, and named by its thumbprint. */

import { base64url, utf8 } from "./bytes.ts";
import { canonical } from "./canonical.ts";

const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;
const ES256 = { name: "ECDSA", hash: "SHA-256" } as const;

/** A key that signs. `privateKey` cannot be read, not even here; IndexedDB keeps it as it is. */
export interface DeviceKey {
  readonly kid: string;
  readonly jwk: PublicJwk;
  readonly privateKey: CryptoKey;
}

export interface PublicJwk {
  readonly crv: "P-256";
  readonly kty: "EC";
  readonly x: string;
  readonly y: string;
}

export async function makeKey(): Promise<DeviceKey> {
  const pair = await crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
  const { x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const jwk: PublicJwk = { crv: "P-256", kty: "EC", x: x ?? "", y: y ?? "" };
  return { kid: await thumbprint(jwk), jwk, privateKey: pair.privateKey };
}

/** A key's name (RFC 7638). */
export async function thumbprint({ crv, kty, x, y }: PublicJwk): Promise<string> {
  return base64url(await crypto.subtle.digest("SHA-256", utf8(canonical({ crv, kty, x, y }))));
}

/** What `PUT /api/v1/devices/<device>/keys/<kid>` takes: the key, and the proof that this tablet holds it. */
export async function enrolment(
  key: DeviceKey,
  device: string,
  user: string,
): Promise<{ jwk: PublicJwk; proof: string }> {
  const said = canonical({ purpose: "hezha device key 1", device, user, jwk: key.jwk });
  return { jwk: key.jwk, proof: await sign(key, said) };
}

/** The key's signature over a text in UTF-8: 64 bytes in base64url. */
export async function sign(key: DeviceKey, text: string): Promise<string> {
  return base64url(await crypto.subtle.sign(ES256, key.privateKey, utf8(text)));
}
