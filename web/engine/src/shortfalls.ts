/** What an answer that was given still lacks: photos, views, signatures, points, entries, an instrument, words. */

import type { Count } from "../cel/rules.mjs";
import { type Problem, problem, type Reading } from "./answers.ts";
import { type JsonObject, sorted, stripped } from "./json.ts";
import { isNa, type Item, MAX_ENTRIES, naAllowed, type Text } from "./model.ts";
import type { Decision, Outcome } from "./rules.ts";
import { clipped, type Entry, type Signature } from "./values.ts";
import { type Ruling, wantsWords } from "./verdicts.ts";

/** What is missing of a value that consists of several things: photos with views, signatures, points, entries. */
export function shortfallsOf(item: Item, reading: Reading, decision: Decision): readonly Problem[] {
  if (item.type === "photo") return [...photosShort(item, reading), ...viewsShort(item, reading)];
  if (reading.value === null || isNa(item, reading.value)) return [];
  if (item.type === "location") {
    const placed = reading.value as JsonObject;
    const wanted = (item.points ?? []).filter((point) => !Object.hasOwn(placed, point.point));
    return wanted.map((one) => problem("missing_point", item.code, named("point", one.point, one.text)));
  }
  if (item.type === "repeat") return entriesShort(item, reading.value as readonly Entry[], decision.count);
  return item.type === "signature" ? signaturesShort(item, reading.value as readonly Signature[]) : [];
}

/** A thing with a name for programs and one for each language. */
function named(what: string, name: string, text: Text): JsonObject {
  return { [what]: name, [`${what}_zh`]: text["zh-CN"], [`${what}_en`]: text.en };
}

function photosShort(item: Item, reading: Reading): readonly Problem[] {
  const have = reading.photos.length;
  const need = item.photos_min ?? 1;
  return have >= need ? [] : [problem("missing_photo", item.code, { have, need })];
}

function viewsShort(item: Item, reading: Reading): readonly Problem[] {
  return (item.views ?? []).flatMap((view) => {
    const have = reading.views.get(view.view)?.length ?? 0;
    const need = view.min ?? 1;
    if (have >= need) return [];
    return [problem("missing_view", item.code, { ...named("view", view.view, view.text), have, need })];
  });
}

function signaturesShort(item: Item, value: readonly Signature[]): readonly Problem[] {
  const repeated = (["signature", "person"] as const).filter((field) => {
    const given = value.flatMap((entry) => entry[field] ?? []);
    return new Set(given).size < given.length;
  });
  const missing = (item.roles ?? []).flatMap((role) => {
    const have = new Set(value.flatMap((entry) => (entry.role === role.role ? [entry.signature] : []))).size;
    const need = role.min ?? 1;
    if (have >= need) return [];
    return [problem("missing_signature", item.code, { ...named("role", role.role, role.text), have, need })];
  });
  return [...repeated.map((field) => problem("repeated_signature", item.code, { field })), ...missing];
}

function entriesShort(item: Item, value: readonly Entry[], count: Count | null): readonly Problem[] {
  const have = value.length;
  const problems: Problem[] = [];
  if (item.entries) {
    const wanted = count?.counts ?? [];
    const short = [...wanted, item.entries.min ?? 1].filter((need) => have < need);
    const long = [...wanted, item.entries.max ?? MAX_ENTRIES].filter((need) => have > need);
    if (short.length) problems.push(problem("too_few_entries", item.code, { have, need: Math.max(...short) }));
    if (long.length) problems.push(problem("too_many_entries", item.code, { have, need: Math.min(...long) }));
  }
  const labels = value.map((entry) => stripped(entry.label));
  const twice = sorted(new Set(labels.filter((label, at) => labels.indexOf(label) !== at)));
  return [...problems, ...twice.map((label) => problem("repeated_entry", item.code, { label: clipped(label) }))];
}

/** What a reading lacks to be traced to its instrument, and an instrument that was not yet calibrated. */
function instrumentShort(item: Item, reading: Reading): readonly Problem[] {
  const given = reading.instrument;
  const lacking = ["number", "calibrated"].filter((name) => !Object.hasOwn(given, name));
  if (lacking.length) {
    // An instrument that could not be read is a fault of the answer already.
    const told = reading.faults.some((fault) => fault.params["field"] === "instrument");
    return told ? [] : lacking.map((field) => problem("missing_instrument", item.code, { field }));
  }
  const calibrated = given["calibrated"] as string;
  if (reading.at === null || calibrated <= reading.at.slice(0, 10)) return [];
  return [problem("calibrated_later", item.code, { calibrated, at: reading.at })];
}

/**
 * What an answer that was given still lacks, or a rule before it can be judged. `untimed` are the photos that keep
 * its rule open.
 */
export function unfinished(
  item: Item,
  reading: Reading,
  ruling: Ruling,
  decision: Decision,
  required: boolean,
  untimed: readonly string[],
): readonly Problem[] {
  if (item.type === "rule" && !reading.defect) return ruleOpen(item, decision.accept, untimed);
  if (reading.value === null && item.type !== "photo" && !reading.defect) {
    return required && !reading.faults.length ? [problem("missing_answer", item.code)] : [];
  }
  const notApplicable = isNa(item, reading.value);
  const isGiven = reading.value !== null;
  const saidByHand =
    reading.defect ||
    notApplicable ||
    ruling.rule === "found_bad" ||
    ruling.rule === "missing" ||
    (isGiven && wantsWords(item, reading.value, decision));
  const photo = item.photo ?? "never";
  const wantsPhoto = photo === "always" || (photo === "on_fail" && ruling.verdict === "fail");
  const exempt = (notApplicable && ruling.verdict !== "fail") || item.type === "photo";
  return [
    ...(notApplicable && !naAllowed(item) ? [problem("na_not_allowed", item.code)] : []),
    ...(item.instrument && isGiven && !notApplicable ? instrumentShort(item, reading) : []),
    ...(saidByHand && reading.note === null ? [problem("missing_note", item.code, { verdict: ruling.verdict })] : []),
    ...(wantsPhoto && !exempt ? [...photosShort(item, reading), ...viewsShort(item, reading)] : []),
    ...(notApplicable ? [] : [...ruleOpen(item, decision.accept, untimed), ...ruleOpen(item, decision.count, [])]),
  ];
}

/** A rule that cannot be evaluated: what it would need, and the photos that it waits for. */
function ruleOpen(item: Item, outcome: Outcome | Count | null, untimed: readonly string[]): readonly Problem[] {
  if (!outcome || outcome.error === null) return [];
  const { facts, answers } = outcome;
  const needs = [...facts, ...answers].join(", ") || outcome.error;
  const photos = untimed.length ? { photos: untimed } : {};
  return [problem("rule_not_evaluated", item.code, { facts, answers, needs, ...photos })];
}
