/** JSON values as the server reads them: texts by code points, objects by their own keys, one canonical form. */

import { repr } from "./doubles.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What stands under `name`, undefined where nothing does or null; never something that objects inherit. */
export function member(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? (object[name] ?? undefined) : undefined;
}

/** How many characters a text has; a surrogate pair is one. */
export function length(text: string): number {
  let units = text.length;
  for (let at = 0; at < text.length - 1; at += 1) {
    if (text.charCodeAt(at) >> 10 === 0x36 && text.charCodeAt(at + 1) >> 10 === 0x37) units -= 1;
  }
  return units;
}

/** The order of code points, in which the server sorts; JavaScript's own is that of UTF-16. */
export function compare(left: string, right: string): number {
  const shorter = Math.min(left.length, right.length);
  for (let at = 0; at < shorter; at += 1) {
    const one = left.charCodeAt(at);
    const other = right.charCodeAt(at);
    if (one !== other) return place(left, at, one) - place(right, at, other);
  }
  return left.length - right.length;
}

/** The code point that a unit belongs to, enough of it to tell which of two different ones is greater. */
function place(text: string, at: number, unit: number): number {
  if (unit >> 10 === 0x36) return text.codePointAt(at) ?? unit;
  const isLow = unit >> 10 === 0x37 && at > 0 && text.charCodeAt(at - 1) >> 10 === 0x36;
  return isLow ? (text.codePointAt(at - 1) ?? unit) : unit;
}

export function sorted(texts: Iterable<string>): string[] {
  return [...texts].sort(compare);
}

/** Each text once, where it first stands. */
export function unique(texts: Iterable<string>): string[] {
  return [...new Set(texts)];
}

// Whitespace as the server's `str.strip` has it; `trim` would take U+FEFF too, and leave U+0085.
const BLANK = /^[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*$/;

export function isBlank(text: string): boolean {
  return BLANK.test(text);
}

/** A text without the blanks around it. */
export function stripped(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isBlank(text.charAt(start))) start += 1;
  while (end > start && isBlank(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** Canonical JSON: the same for equal values, and the order that breaks ties. Takes any depth. */
export function canonical(value: unknown): string {
  const written: string[] = [];
  const todo: { readonly prefix: string; readonly node: unknown; readonly closes?: boolean }[] = [
    { prefix: "", node: value },
  ];
  for (let next = todo.pop(); next; next = todo.pop()) {
    const { prefix, node, closes } = next;
    written.push(prefix);
    if (closes) continue;
    if (Array.isArray(node)) {
      written.push("[");
      todo.push({ prefix: "]", node: null, closes: true });
      for (let at = node.length - 1; at >= 0; at -= 1) todo.push({ prefix: at ? "," : "", node: node[at] });
    } else if (isObject(node)) {
      written.push("{");
      todo.push({ prefix: "}", node: null, closes: true });
      const keys = sorted(Object.keys(node));
      for (let at = keys.length - 1; at >= 0; at -= 1) {
        const key = keys[at] ?? "";
        todo.push({ prefix: `${at ? "," : ""}${quoted(key)}:`, node: node[key] });
      }
    } else {
      written.push(scalar(node));
    }
  }
  return written.join("");
}

function scalar(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value !== "number") return String(value ?? null);
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 53) return String(value);
  return Number.isFinite(value) ? repr(value) : String(value);
}

function quoted(text: string): string {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(text).replace(/[\x7f-\uffff]/g, escaped);
}
