/** Canonical JSON (RFC 8785). ECMAScript's own way of writing texts and numbers is the standard's; what remains is
 * the order of members, by UTF-16 units, which is how `sort` compares. */

export class NotCanonical extends Error {
  override readonly name = "NotCanonical";
}

/** The canonical JSON of plain values. Members that are undefined are left out, as JSON does.
 * Throws NotCanonical for what has none: NaN, infinities, half a character, anything that JSON does not know. */
export function canonical(value: unknown): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return text(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new NotCanonical(`${value} is no number of JSON`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object") {
    const members = Object.entries(value).filter(([, inner]) => inner !== undefined);
    members.sort(([left], [right]) => (left < right ? -1 : 1));
    return `{${members.map(([name, inner]) => `${text(name)}:${canonical(inner)}`).join(",")}}`;
  }
  throw new NotCanonical(`a ${typeof value} is not JSON`);
}

/** With `u`, only a surrogate that has lost its other half matches. */
const HALF = /\p{Surrogate}/u;

function text(value: string): string {
  if (HALF.test(value)) throw new NotCanonical("a text holds half a character");
  return JSON.stringify(value);
}
