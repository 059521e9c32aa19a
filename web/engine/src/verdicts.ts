/** The verdict on one item: everything that speaks to it is a finding, and the gravest finding is the verdict. */

import type { Reading } from "./answers.ts";
import { written } from "./doubles.ts";
import { graverOf, isNa, type Item, type Limit, naAllowed, type Option, SEVERITY_RANK } from "./model.ts";
import type { Severity, Text, Verdict } from "./model.ts";
import { because, joined, type Params } from "./reasons.ts";
import { type Decision, mayHold, type Outcome } from "./rules.ts";
import type { Entry, Position, Signature } from "./values.ts";

/** Of two findings the one with the higher rank decides. */
const RANK: Readonly<Record<Verdict, number>> = { fail: 3, warning: 2, not_judged: 1, pass: 0 };

/** A verdict with its severity and reason; `rule` names the kind of rule that decided. */
export interface Ruling {
  readonly verdict: Verdict;
  readonly severity: Severity;
  readonly rule: string;
  readonly reason: Text;
}

/** The item with the gravest severity that holds or may hold. */
export function asGraveAsDecided(item: Item, decision: Decision): Item {
  const held = (item.severities ?? []).filter((_, at) => mayHold(decision.severities[at]));
  const severity = held.reduce((worst, rule) => graverOf(rule.severity, worst), item.severity);
  return severity === item.severity ? item : { ...item, severity };
}

function decides(left: Ruling, right: Ruling): boolean {
  const apart = RANK[left.verdict] - RANK[right.verdict];
  return apart > 0 || (apart === 0 && SEVERITY_RANK[left.severity] > SEVERITY_RANK[right.severity]);
}

/**
 * Judge an answer; `enough` is false if photos, signatures or points that make its value are missing.
 *
 * An answer with faults fails where its value does, and is otherwise not judged.
 */
export function judgeAnswer(item: Item, reading: Reading, decision: Decision, enough: boolean): Ruling {
  const worst = findings(item, reading, decision, enough).reduce((worst, one) => (decides(one, worst) ? one : worst));
  return worst.verdict === "fail" || !reading.faults.length ? worst : rule(item, "not_judged", "malformed");
}

/** What the rule `name` says of an item, at the item's own severity unless it has one. */
export function rule(
  item: Item,
  verdict: Verdict,
  name: string,
  params: Params = {},
  severity?: Severity | null,
): Ruling {
  return { verdict, severity: severity ?? item.severity, rule: name, reason: because(name, params) };
}

function findings(item: Item, reading: Reading, decision: Decision, enough: boolean): readonly Ruling[] {
  return [
    ...(reading.defect ? [rule(item, "fail", "defect")] : []),
    ...ofValue(item, reading, decision, enough),
    ...(decision.accept ? accepted(item, reading, decision.accept) : []),
    ...(!decision.accept && item.type === "rule" ? [rule(item, "not_judged", "rule_open")] : []),
    ...(decision.count && decision.count.error !== null ? [rule(item, "not_judged", "rule_open")] : []),
  ];
}

function ofValue(item: Item, reading: Reading, decision: Decision, enough: boolean): readonly Ruling[] {
  if (item.type === "photo") {
    const params = { have: reading.photos.length, need: item.photos_min ?? 1 };
    return [rule(item, enough ? "pass" : "not_judged", "photos", params)];
  }
  if (item.type === "rule") return [];
  if (reading.value === null) return [rule(item, "not_judged", "unanswered")];
  if (isNa(item, reading.value)) {
    return [rule(item, "not_judged", naAllowed(item) ? "not_applicable" : "na_refused")];
  }
  const found = byType(item, reading.value, decision);
  return enough ? found : [...found, rule(item, "not_judged", "incomplete")];
}

function byType(item: Item, value: unknown, decision: Decision): readonly Ruling[] {
  switch (item.type) {
    case "pass_fail":
      return [value === "pass" ? rule(item, "pass", "found_good") : rule(item, "fail", "found_bad")];
    case "file":
      return [value === "provided" ? rule(item, "pass", "provided") : rule(item, "fail", "missing")];
    case "choice":
    case "multi_choice":
      return chosenOf(item, value).map((option) =>
        rule(item, option.verdict ?? "pass", "chosen", { option: option.text }, option.severity),
      );
    case "number":
    case "location":
      return measurements(item, value, decision);
    case "signature":
      return [rule(item, "pass", "signed", { have: (value as readonly Signature[]).length })];
    case "repeat": {
      const noun = item.entries?.noun ?? { "zh-CN": "", en: "" };
      return [rule(item, "pass", "entries", { have: (value as readonly Entry[]).length, noun })];
    }
    default:
      return [rule(item, "pass", "recorded")];
  }
}

function chosenOf(item: Item, value: unknown): readonly Option[] {
  const chosen = (Array.isArray(value) ? value : [value]) as readonly string[];
  return (item.options ?? []).filter((option) => chosen.includes(option.value));
}

/** The quantities that an item's limits are about: a number itself, the accuracy of each position. */
function quantities(item: Item, value: unknown): readonly number[] {
  if (item.type === "number") return [value as number];
  if (!item.points?.length) return [(value as Position).accuracy_m];
  const placed = value as Readonly<Record<string, Position>>;
  const given = item.points.filter((point) => Object.hasOwn(placed, point.point));
  return given.map((point) => (placed[point.point] as Position).accuracy_m);
}

function applying(item: Item, decision: Decision): readonly Limit[] {
  return (item.limits ?? []).filter((_, at) => mayHold(decision.limits[at]));
}

function isBelow(quantity: number, limit: Limit): boolean {
  return limit.min != null && quantity < limit.min;
}

function isAbove(quantity: number, limit: Limit): boolean {
  return limit.max != null && quantity > limit.max;
}

/** Whether a value that is there chooses or breaks something that asks for a reason in the note. */
export function wantsWords(item: Item, value: unknown, decision: Decision): boolean {
  if (item.type === "choice" || item.type === "multi_choice") {
    return chosenOf(item, value).some((option) => option.note);
  }
  if ((item.type !== "number" && item.type !== "location") || isNa(item, value)) return false;
  const noted = applying(item, decision).filter((limit) => limit.note);
  return quantities(item, value).some((one) => noted.some((limit) => isBelow(one, limit) || isAbove(one, limit)));
}

function measurements(item: Item, value: unknown, decision: Decision): readonly Ruling[] {
  const unit = item.type === "number" ? item.unit : "m";
  const limits = applying(item, decision);
  return quantities(item, value).flatMap((quantity) => {
    const said = written(quantity, unit);
    const broken = (limit: Limit, name: string, bound: number) =>
      brokenBy(item, limit, name, said, written(bound, unit));
    const found = limits.flatMap((limit) => [
      ...(isBelow(quantity, limit) ? [broken(limit, "below", limit.min as number)] : []),
      ...(isAbove(quantity, limit) ? [broken(limit, "above", limit.max as number)] : []),
    ]);
    if (!limits.length) return [rule(item, "pass", "measured", { value: said })];
    const bounds = joined(limits.map((limit) => boundsOf(limit, unit)), "; ", "; ");
    return [...found, rule(item, "pass", "within", { value: said, limits: bounds })];
  });
}

function brokenBy(item: Item, limit: Limit, name: string, said: string, bound: string): Ruling {
  const ruling = rule(item, limit.verdict ?? "fail", name, { value: said, limit: bound }, limit.severity);
  if (!limit.basis) return ruling;
  const basis = because("by_basis", { basis: limit.basis, since: limit.since ?? "" });
  return { ...ruling, reason: joined([ruling.reason, basis]) };
}

function boundsOf(limit: Limit, unit: string | null | undefined): Text {
  const low = limit.min != null ? [`≥ ${written(limit.min, unit)}`] : [];
  const high = limit.max != null ? [`≤ ${written(limit.max, unit)}`] : [];
  const bound = [...low, ...high].join(", ");
  return limit.basis ? because("bound_by_basis", { bound, basis: limit.basis }) : { "zh-CN": bound, en: bound };
}

function accepted(item: Item, reading: Reading, outcome: Outcome): readonly Ruling[] {
  const criterion = item.criterion ?? item.text;
  // Even if this answer says nothing: then another inspector's, which was set aside, broke the rule.
  if (outcome.no) return [rule(item, item.accept_verdict ?? "fail", "not_accepted", { criterion })];
  if (item.type !== "rule" && (reading.value === null || isNa(item, reading.value))) return [];
  if (outcome.error !== null || !outcome.yes) return [rule(item, "not_judged", "rule_open")];
  return [rule(item, "pass", "accepted", { criterion })];
}

/** The same ruling, its reason saying which facts were not known and therefore taken strictly. */
export function withUnknownFacts(ruling: Ruling, facts: Text): Ruling {
  return { ...ruling, reason: joined([ruling.reason, because("facts_unknown", { facts })]) };
}
