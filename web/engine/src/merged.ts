/** Answers of several inspectors that the server, or another tablet, has made one. */

import { readAnswer } from "./answers.ts";
import { canonical, compare, isObject, type JsonObject, member, sorted } from "./json.ts";
import type { Item } from "./model.ts";
import { microseconds } from "./times.ts";
import type { Entry } from "./values.ts";

/**
 * The answers that a merged answer was made of; null if it is not exactly what they make.
 *
 * The test keeps a forged `merged` from hiding what the answer itself says.
 */
export function partsOf(item: Item, raw: JsonObject): readonly JsonObject[] | null {
  const parts = member(raw, "merged");
  if (!Array.isArray(parts) || parts.length < 2) return null;
  const readable = (part: unknown): part is JsonObject =>
    isObject(part) && !Object.hasOwn(part, "merged") && !readAnswer(item, part).faults.length;
  if (!parts.every(readable)) return null;
  return canonical(combine(item, parts)) === canonical(raw) ? parts : null;
}

/**
 * Readable answers of equal value as one: the earliest, with what the others add, and all in `merged`.
 * Photos, views and notes are of all. Signatures and entries are collected.
 */
function combine(item: Item, answers: readonly JsonObject[]): JsonObject {
  const parts = [...answers].sort((left, right) => compare(canonical(left), canonical(right)));
  const first = parts.reduce((earliest, part) => (moment(part) < moment(earliest) ? part : earliest));
  const united: Record<string, unknown> = { ...first, merged: parts };
  if (item.type === "signature") united["value"] = collected(parts.flatMap((part) => listed(part, "value")));
  if (item.type === "repeat") {
    const lists = parts.filter((part) => Array.isArray(member(part, "value")));
    if (lists.length) united["value"] = unitedEntries(lists);
    if (parts.some((part) => member(part, "defect") === true)) united["defect"] = true;
  }
  const views = unitedViews(parts);
  if (views) united["views"] = views;
  const instrument = parts.map((part) => member(part, "instrument")).find(isThere);
  if (instrument !== undefined && !isThere(member(first, "instrument"))) united["instrument"] = instrument;
  const photos = new Set(parts.flatMap((part) => listed(part, "photos")) as string[]);
  if (photos.size) united["photos"] = sorted(photos);
  const notes = new Set(parts.map((part) => member(part, "note")).filter(isThere) as string[]);
  if (notes.size) united["note"] = sorted(notes).join("\n");
  return united;
}

function moment(part: JsonObject): bigint {
  return microseconds(part["at"] as string) ?? 0n;
}

/** Neither absent nor empty. */
function isThere(value: unknown): boolean {
  if (value === undefined || value === "") return false;
  return !isObject(value) || Object.keys(value).length > 0;
}

function listed(part: JsonObject, field: string): readonly unknown[] {
  return (member(part, field) ?? []) as readonly unknown[];
}

/** Each entry once, ordered by canonical JSON. */
function collected(entries: readonly unknown[]): readonly unknown[] {
  const byText = new Map(entries.map((entry) => [canonical(entry), entry]));
  return sorted(byText.keys()).map((text) => byText.get(text));
}

/** Every entry once, as the earliest answer calls it; `parts` are ordered by canonical JSON. */
function unitedEntries(parts: readonly JsonObject[]): readonly unknown[] {
  const byTime = [...parts].sort((left, right) => Number(moment(left) - moment(right)));
  const entries = new Map<string, Entry>();
  for (const entry of byTime.flatMap((part) => part["value"] as readonly Entry[])) {
    if (!entries.has(entry.entry)) entries.set(entry.entry, entry);
  }
  return [...entries.values()];
}

function unitedViews(parts: readonly JsonObject[]): JsonObject | null {
  const shown = new Map<string, Set<string>>();
  for (const part of parts) {
    for (const [view, photos] of Object.entries((member(part, "views") ?? {}) as Record<string, string[]>)) {
      for (const photo of photos) shown.set(view, (shown.get(view) ?? new Set()).add(photo));
    }
  }
  if (!shown.size) return null;
  return Object.fromEntries(sorted(shown.keys()).map((view) => [view, sorted(shown.get(view) ?? [])]));
}
