/** Reading the values of answers: one reader for each item type, each as distrustful as the server's. */

import { asDouble, written } from "./doubles.ts";
import { isBlank, isObject, length, type JsonObject, member, sorted } from "./json.ts";
import { isNa, type Item, type ItemType, MAX_ENTRIES, NOT_APPLICABLE } from "./model.ts";
import { isEntryKey } from "./form.ts";
import { dayNumber } from "./times.ts";
import { convert } from "./units.ts";

/** Characters in a text value; characters in a name or id; signatures of one answer. */
const MAX_TEXT = 4000;
export const MAX_NAME = 200;
const MAX_SIGNATURES = 50;
/** How many characters of an unreadable value a problem repeats. */
const CLIPPED_AT = 60;
const ENTRY_FIELDS: readonly string[] = ["entry", "label"];
const DATUMS: readonly unknown[] = ["wgs84", "cgcs2000", "gcj02", "bd09"];

/** Something in an answer cannot be read. */
export class Fault extends Error {
  readonly code: string;
  readonly params: JsonObject;

  constructor(code: string, params: JsonObject = {}) {
    super(code);
    this.code = code;
    this.params = params;
  }
}

export interface Position {
  readonly lon: number;
  readonly lat: number;
  readonly accuracy_m: number;
  readonly datum: string;
}

export interface Signature {
  readonly role: string;
  readonly signature: string;
  readonly person?: string;
}

/** An entry of a repeat: a key, and what people call it. */
export interface Entry {
  readonly entry: string;
  readonly label: string;
}

/** The start of an unreadable JSON value, to be shown beside a problem. */
export function clipped(value: unknown): string {
  if (Array.isArray(value)) return "[…]";
  if (isObject(value)) return "{…}";
  if (typeof value === "number") return written(asDouble(value));
  return [...String(value ?? null)].slice(0, CLIPPED_AT).join("");
}

/** Read a value that is not null; a number may come in a `unit` of its own. Throws a Fault. */
export function readValue(item: Item, value: unknown, unit: unknown): unknown {
  if (isNa(item, value)) return value;
  const isForeign = unit !== undefined && item.type === "number";
  return READERS[item.type](item, isForeign ? converted(item, value, unit) : value);
}

function converted(item: Item, value: unknown, unit: unknown): number {
  const wanted = item.unit ?? "";
  const found = typeof unit === "string" ? convert(readNumber(value), unit, wanted) : null;
  if (found === null) throw new Fault("unit_mismatch", { given: clipped(unit), wanted });
  return found;
}

/** A text that is not blank. Throws a Fault. */
export function readText(value: unknown, field: string, longest = MAX_NAME): string {
  if (typeof value !== "string" || isBlank(value)) throw new Fault("wrong_type", { field, expected: "text" });
  if (length(value) > longest) throw new Fault("too_long", { field, limit: longest });
  return value;
}

function readNumber(value: unknown, field = "value"): number {
  if (typeof value !== "number") throw new Fault("wrong_type", { field, expected: "number" });
  if (!Number.isFinite(value)) throw new Fault("not_finite", { field });
  return asDouble(value);
}

/** `{lon, lat, accuracy_m, datum}` in degrees and metres; other keys are left out. Throws a Fault. */
export function readPosition(value: unknown): Position {
  if (!isObject(value)) throw new Fault("invalid_location", { field: "location" });
  const within = (field: string, low: number, high: number): number => {
    const read = member(value, field);
    if (typeof read !== "number" || !Number.isFinite(read) || read < low || read > high) {
      throw new Fault("invalid_location", { field });
    }
    return asDouble(read);
  };
  const lon = within("lon", -180, 180);
  const lat = within("lat", -90, 90);
  const accuracy_m = within("accuracy_m", 0, Infinity);
  const datum = member(value, "datum");
  if (typeof datum !== "string" || !DATUMS.includes(datum)) throw new Fault("invalid_location", { field: "datum" });
  return { lon, lat, accuracy_m, datum };
}

/** A date, YYYY-MM-DD. Throws a Fault. */
export function readDate(value: unknown): string {
  if (typeof value !== "string" || dayNumber(value) === null) {
    throw new Fault("invalid_date", { value: clipped(value) });
  }
  return value;
}

type Reader = (item: Item, value: unknown) => unknown;

function oneOf(...words: readonly string[]): Reader {
  return (_, value) => known(value, words);
}

function known(value: unknown, options: readonly string[]): string {
  if (typeof value === "string" && options.includes(value)) return value;
  throw new Fault("unknown_option", { value: clipped(value), options });
}

function readMeasurement(item: Item, value: unknown): number {
  const double = readNumber(value);
  const possible = item.range;
  if (possible && !(possible.min <= double && double <= possible.max)) {
    const { min, max } = possible;
    throw new Fault("out_of_range", { value: double, min, max, unit: item.unit ?? "" });
  }
  return double;
}

function readChoice(item: Item, value: unknown): string {
  return known(value, (item.options ?? []).map((option) => option.value));
}

function readChoices(item: Item, value: unknown): readonly string[] {
  const options = item.options ?? [];
  if (!Array.isArray(value) || !value.length) throw new Fault("wrong_type", { field: "value", expected: "list" });
  if (value.length > options.length) throw new Fault("too_long", { field: "value", limit: options.length });
  const chosen = new Set(value.map((one) => readChoice(item, one)));
  const alone = options.find((option) => option.alone && chosen.has(option.value) && chosen.size > 1);
  if (alone) throw new Fault("contradiction", { value: alone.value });
  return options.map((option) => option.value).filter((option) => chosen.has(option));
}

function readSignatures(item: Item, value: unknown): readonly Signature[] {
  if (!Array.isArray(value)) throw new Fault("wrong_type", { field: "value", expected: "list" });
  if (value.length > MAX_SIGNATURES) throw new Fault("too_long", { field: "value", limit: MAX_SIGNATURES });
  const roles = (item.roles ?? []).map((role) => role.role);
  return value.map((entry: unknown): Signature => {
    const fields = isObject(entry) ? Object.keys(entry) : ["no object"];
    if (!isObject(entry) || !fields.every((field) => ["role", "signature", "person"].includes(field))) {
      throw new Fault("wrong_type", { field: "value", expected: "signature" });
    }
    const role = known(member(entry, "role"), roles);
    const signature = readText(member(entry, "signature"), "signature");
    if (!Object.hasOwn(entry, "person")) return { role, signature };
    return { role, signature, person: readText(member(entry, "person"), "person") };
  });
}

function readLocation(item: Item, value: unknown): Position | Readonly<Record<string, Position>> {
  const points = (item.points ?? []).map((point) => point.point);
  if (!points.length) return readPosition(value);
  if (!isObject(value)) throw new Fault("invalid_location", { field: "value" });
  for (const name of sorted(Object.keys(value))) known(name, points);
  const given = points.filter((point) => Object.hasOwn(value, point));
  return Object.fromEntries(given.map((point) => [point, readPosition(value[point])]));
}

function readEntries(_: Item, value: unknown): readonly Entry[] {
  if (!Array.isArray(value)) throw new Fault("wrong_type", { field: "value", expected: "list" });
  if (value.length > MAX_ENTRIES) throw new Fault("too_long", { field: "value", limit: MAX_ENTRIES });
  const entries = value.map((one: unknown): Entry => {
    const entry = isObject(one) ? member(one, "entry") : undefined;
    if (!isObject(one) || !isEntryKey(entry) || Object.keys(one).some((field) => !ENTRY_FIELDS.includes(field))) {
      throw new Fault("wrong_type", { field: "value", expected: "entry" });
    }
    return { entry, label: readText(member(one, "label"), "label") };
  });
  if (new Set(entries.map(({ entry }) => entry)).size < entries.length) {
    throw new Fault("wrong_type", { field: "value", expected: "different entries" });
  }
  return entries;
}

const noValue: Reader = () => {
  throw new Fault("wrong_type", { field: "value", expected: "null" });
};

const READERS: Readonly<Record<ItemType, Reader>> = {
  pass_fail: oneOf("pass", "fail", NOT_APPLICABLE),
  file: oneOf("provided", "missing", NOT_APPLICABLE),
  number: readMeasurement,
  choice: readChoice,
  multi_choice: readChoices,
  text: (_, value) => readText(value, "value", MAX_TEXT),
  date: (_, value) => readDate(value),
  photo: noValue,
  signature: readSignatures,
  location: readLocation,
  repeat: readEntries,
  rule: noValue,
};
