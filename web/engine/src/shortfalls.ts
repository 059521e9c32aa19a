/** What an answer that was given still lacks: photos, views, signatures, points, an instrument, words. */

import { type Problem, problem, type Reading } from "./answers.ts";
import type { JsonObject } from "./json.ts";
import { isNa, type Item, naAllowed, type Text } from "./model.ts";
import type { Decision } from "./rules.ts";
import type { Signature } from "./values.ts";
import { type Ruling, wantsWords } from "./verdicts.ts";

/** What is missing of a value that consists of several things: photos with views, signatures, points. */
export function shortfallsOf(item: Item, reading: Reading): readonly Problem[] {
  if (item.type === "photo") return [...photosShort(item, reading), ...viewsShort(item, reading)];
  if (reading.value === null || isNa(item, reading.value)) return [];
  if (item.type === "location") {
    const placed = reading.value as JsonObject;
    const wanted = (item.points ?? []).filter((point) => !Object.hasOwn(placed, point.point));
    return wanted.map((one) => problem("missing_point", item.code, named("point", one.point, one.text)));
  }
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

/** What an answer that was given still lacks. */
export function unfinished(
  item: Item,
  reading: Reading,
  ruling: Ruling,
  decision: Decision,
  required: boolean,
): readonly Problem[] {
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
    ...(notApplicable ? [] : ruleOpen(item, decision)),
  ];
}

function ruleOpen(item: Item, decision: Decision): readonly Problem[] {
  const outcome = decision.accept;
  if (!outcome || outcome.error === null) return [];
  const { facts, answers } = outcome;
  const needs = [...facts, ...answers].join(", ") || outcome.error;
  return [problem("rule_not_evaluated", item.code, { facts, answers, needs })];
}
