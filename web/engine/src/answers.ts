/** Answers, read with distrust: whatever is wrong with one is told, and a fault never lets an item pass. */

import { isObject, type JsonObject, length, member, sorted, unique } from "./json.ts";
import { partsOf } from "./merged.ts";
import type { Item } from "./model.ts";
import { microseconds } from "./times.ts";
import { clipped, Fault, MAX_NAME, readDate, readPosition, readText, readValue } from "./values.ts";

/** Characters in a note; photos of one answer; entries of an instrument. */
const MAX_NOTE = 2000;
const MAX_PHOTOS = 100;
const MAX_INSTRUMENT_FIELDS = 10;
const FIELDS: ReadonlySet<string> = new Set([
  "value",
  "note",
  "photos",
  "by",
  "at",
  "location",
  "instrument",
  "defect",
  "merged",
  "views",
]);

/** Why a form is not complete. `params` fill the text of `code`; `item` is null without an item. */
export interface Problem {
  readonly code: string;
  readonly item: string | null;
  readonly params: JsonObject;
}

/** What could be read of an answer. A `value` of null is absent, or unreadable as `faults` then say. */
export interface Reading {
  readonly value: unknown;
  readonly note: string | null;
  readonly photos: readonly string[];
  readonly by: string | null;
  readonly at: string | null;
  readonly defect: boolean;
  readonly instrument: JsonObject;
  readonly views: ReadonlyMap<string, readonly string[]>;
  readonly faults: readonly Problem[];
  /** The times of all the answers that this one was made of. */
  readonly moments: readonly string[];
}

export const NOTHING: Reading = {
  value: null,
  note: null,
  photos: [],
  by: null,
  at: null,
  defect: false,
  instrument: {},
  views: new Map(),
  faults: [],
  moments: [],
};

export function problem(code: string, item: string | null, params: JsonObject = {}): Problem {
  return { code, item, params };
}

/** Read one answer; whatever is wrong with it stands in `faults`. */
export function readAnswer(item: Item, raw: unknown): Reading {
  if (!isObject(raw)) return { ...NOTHING, faults: [problem("not_an_answer", item.code)] };
  const faults: Problem[] = [];
  const attempt = <T>(field: string, absent: T, read: (value: unknown) => T): T => {
    const value = member(raw, field);
    if (value === undefined) return absent;
    try {
      return read(value);
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      faults.push(problem(fault.code, item.code, fault.params));
      return absent;
    }
  };

  const isKnown = (field: string) => FIELDS.has(field) || (field === "unit" && item.type === "number");
  const unknown = sorted(Object.keys(raw).filter((field) => !isKnown(field)));
  faults.push(...unknown.map((field) => problem("unknown_field", item.code, { field: clipped(field) })));
  const parts = member(raw, "merged") === undefined ? [] : partsOf(item, raw);
  if (!parts) faults.push(problem("wrong_type", item.code, { field: "merged", expected: "merged answers" }));
  // A merged answer carries the notes and photos of all its parts.
  const share = Math.max(parts?.length ?? 0, 1);
  const absent = ["by", "at"].filter((field) => member(raw, field) === undefined);
  faults.push(...absent.map((field) => problem("wrong_type", item.code, { field, expected: "text" })));
  attempt<unknown>("location", null, readPosition);
  const instrument = attempt<unknown>("instrument", null, (value) => readInstrument(item, value));
  const photos = attempt("photos", [], (value) => readPhotos(value, MAX_PHOTOS * share));
  const value = attempt("value", null, (read) => readValue(item, read, member(raw, "unit")));
  const note = attempt("note", null, (read) => readNote(read, (MAX_NOTE + 1) * share - 1));
  const by = attempt<string | null>("by", null, (read) => readText(read, "by"));
  const at = attempt<string | null>("at", null, readTime);
  // Somebody set the flag: in doubt about what they wrote there, they meant it.
  const defect = attempt("defect", member(raw, "defect") !== undefined, readFlag);
  const views = attempt("views", NOTHING.views, (read) => readViews(item, read, photos));
  const moments = parts?.length ? sorted(new Set(parts.map((part) => part["at"] as string))) : at === null ? [] : [at];
  return {
    ...{ value, note, photos, by, at, defect, views, faults, moments },
    instrument: isObject(instrument) ? instrument : {},
  };
}

function readNote(value: unknown, longest: number): string | null {
  return value === "" ? null : readText(value, "note", longest);
}

function readPhotos(value: unknown, most: number): readonly string[] {
  if (!Array.isArray(value)) throw new Fault("wrong_type", { field: "photos", expected: "list" });
  if (value.length > most) throw new Fault("too_long", { field: "photos", limit: most });
  return unique(value.map((photo) => readText(photo, "photos")));
}

function readTime(value: unknown): string {
  if (typeof value === "string" && microseconds(value) !== null) return value;
  throw new Fault("invalid_time", { value: clipped(value) });
}

function readInstrument(item: Item, value: unknown): unknown {
  if (typeof value === "string") return readText(value, "instrument");
  if (!isObject(value) || Object.keys(value).length > MAX_INSTRUMENT_FIELDS) {
    throw new Fault("wrong_type", { field: "instrument", expected: "text" });
  }
  for (const name of sorted(Object.keys(value))) {
    if (length(name) > MAX_NAME) throw new Fault("too_long", { field: "instrument", limit: MAX_NAME });
    readText(value[name], "instrument");
  }
  if (item.instrument && Object.hasOwn(value, "calibrated")) readDate(value["calibrated"]);
  return value;
}

function readViews(item: Item, value: unknown, photos: readonly string[]): ReadonlyMap<string, readonly string[]> {
  if (!isObject(value)) throw new Fault("wrong_type", { field: "views", expected: "lists of photos by view" });
  const known = (item.views ?? []).map((view) => view.view);
  const shown = new Map<string, readonly string[]>();
  for (const name of sorted(Object.keys(value))) {
    if (!known.includes(name)) throw new Fault("unknown_option", { value: clipped(name), options: known });
    const ids = value[name];
    if (!Array.isArray(ids) || ids.some((photo) => !photos.includes(photo))) {
      throw new Fault("wrong_type", { field: "views", expected: "photos of this answer" });
    }
    shown.set(name, unique(ids));
  }
  return shown;
}

function readFlag(value: unknown): boolean {
  if (typeof value !== "boolean") throw new Fault("wrong_type", { field: "defect", expected: "true or false" });
  return value;
}
