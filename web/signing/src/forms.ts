/** What a signature on a form covers: the device's all of it, a person's what stood there when they signed. */

import { sha256 } from "./bytes.ts";
import { canonical } from "./canonical.ts";
import { type DeviceKey, sign } from "./keys.ts";

type Json = Readonly<Record<string, unknown>>;

/** What belongs to a form, by id: SHA-256 (hex) of each photo's original, and the digest of each person's signature. */
export interface Evidence {
  readonly photos: Readonly<Record<string, string>>;
  readonly signatures: Readonly<Record<string, string>>;
}

export interface DeviceSignature {
  readonly kid: string;
  readonly alg: "ES256";
  /** SHA-256 of what was signed, in hex. */
  readonly digest: string;
  readonly value: string;
}

export type Signed<Form> = Form & { readonly evidence: Evidence; readonly signature_of_device: DeviceSignature };

/** The form with its evidence listed and the device's signature over all of it. A change afterwards takes another
 * signature; one that is there already is replaced. Throws NotCanonical, MissingEvidence. */
export async function signForm<Form extends Json>(form: Form, evidence: Evidence, key: DeviceKey): Promise<Signed<Form>> {
  const { photos, signatures } = named(form);
  const missing = [
    ...photos.filter((id) => !Object.hasOwn(evidence.photos, id)),
    ...signatures.filter((id) => !Object.hasOwn(evidence.signatures, id)),
  ];
  if (missing.length) throw new MissingEvidence(missing);
  const whole = { ...form, evidence };
  const text = signedText(whole);
  const member = { kid: key.kid, alg: "ES256", digest: await sha256(text), value: await sign(key, text) } as const;
  return { ...whole, signature_of_device: member };
}

/** The form names what its evidence does not list. */
export class MissingEvidence extends Error {
  override readonly name = "MissingEvidence";
  readonly ids: readonly string[];

  constructor(ids: readonly string[]) {
    super(`the form names ${ids.join(", ")}, and the evidence lists no digest of it`);
    this.ids = ids;
  }
}

/** What a device signs: the form without the signature, and without what the database keeps in it. */
export function signedText(form: Json): string {
  return canonical(own(form, "signature_of_device"));
}

/** What a person's signature carries as `form_digest`: the task, the checklist and every answer that is not itself
 * a signature. */
export async function formDigest(form: Json): Promise<string> {
  const answers = Object.fromEntries(
    Object.entries(object(form["answers"])).filter(([, answer]) => !signaturesIn(answer).length),
  );
  return sha256(canonical({ task: form["task"] ?? null, checklist: form["checklist"] ?? null, answers }));
}

/** The digest of a person's signature: its document, strokes and all, and the SHA-256 of its pictures by name. */
export async function signatureDigest(document: Json, pictures: Readonly<Record<string, string>> = {}): Promise<string> {
  const whole = { document: own(document) };
  return sha256(canonical(Object.keys(pictures).length ? { ...whole, pictures } : whole));
}

/** The ids of photos and of people's signatures that a form's answers name. */
export function named(form: Json): { photos: string[]; signatures: string[] } {
  const answers = Object.values(object(form["answers"]));
  const photos = answers.flatMap((answer) => texts(object(answer)["photos"]));
  return { photos: [...new Set(photos)], signatures: [...new Set(answers.flatMap(signaturesIn))] };
}

function own(document: Json, without?: string): Json {
  const kept = Object.entries(document).filter(([name]) => name === "_id" || !name.startsWith("_"));
  return Object.fromEntries(kept.filter(([name]) => name !== without));
}

function signaturesIn(answer: unknown): string[] {
  const value = object(answer)["value"];
  return Array.isArray(value) ? texts(value.map((entry) => object(entry)["signature"])) : [];
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function object(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}
