/**
 * Judging a form: a verdict with its reason for each item, and all that keeps the form from being complete.
 *
 * In doubt the judgement is strict, as the server's is: a condition that cannot be evaluated shows its item and
 * lets its limit apply, and an answer that cannot be read can fail an item but never pass it.
 */

import { NOTHING, type Problem, problem, readAnswer, type Reading } from "./answers.ts";
import { titlesOf, usableFacts } from "./facts.ts";
import { type JsonObject, sorted } from "./json.ts";
import type { Definition, Item, ItemType, Severity, Text, Verdict } from "./model.ts";
import { type Decision, decideRules, itemsOf, mayHold, NO_RULES } from "./rules.ts";
import { shortfallsOf, unfinished } from "./shortfalls.ts";
import { clipped } from "./values.ts";
import { judgeAnswer, rule, type Ruling, withUnknownFacts } from "./verdicts.ts";

/** One item, judged. `severity` is that of the rule that decided, `rule` its name, `reason` its words. */
export interface ItemJudgement {
  readonly code: string;
  readonly shown: boolean;
  readonly required: boolean;
  readonly verdict: Verdict;
  readonly severity: Severity;
  readonly rule: string;
  readonly reason: Text;
  readonly type: ItemType;
  readonly text: Text;
  readonly remedy: Text;
  readonly value: unknown;
  readonly unit: string | null;
  readonly note: string | null;
  readonly photos: readonly string[];
  readonly by: string | null;
  readonly at: string | null;
  readonly source: string;
  readonly certainty: "settled" | "verify";
  readonly entry: string | null;
  readonly label: string | null;
}

/**
 * A form, judged; complete if it has no `problems`. `ignored` are the items that were answered and not judged:
 * hidden, or outside `only`; `unknown_facts` are those that would have been needed and were missing or unusable.
 */
export interface Judgement {
  readonly items: readonly ItemJudgement[];
  readonly problems: readonly Problem[];
  readonly ignored: readonly string[];
  readonly unknown_facts: readonly string[];
}

/**
 * `only`: the codes that a re-inspection judges; each is shown and required whatever its condition says.
 * `context`: the answers of the inspection that is repeated, for rules that compare items.
 * `superseded`: answers set aside when several inspectors' were merged, by item code.
 */
export interface Options {
  readonly only?: Iterable<string> | null;
  readonly context?: JsonObject | null;
  readonly superseded?: Readonly<Record<string, readonly unknown[]>> | null;
}

/**
 * Judge `answers` (by item code) to `definition` on a case with `facts`.
 *
 * Never throws for what stands in answers or facts. Throws a RangeError if `only` names an item that the
 * definition does not have.
 */
export function judge(
  definition: Definition,
  facts: JsonObject,
  answers: JsonObject,
  options: Options = {},
): Judgement {
  const all = itemsOf(definition);
  const only = options.only ? new Set(options.only) : null;
  const judged = only ? chosen(definition, all, only) : all;
  const readings = readAll(all, answers);
  const given = alternatives(all, readings, only, options);
  const decisions = decideRules(definition, usableFacts(facts), given, only ?? new Set());

  const items: ItemJudgement[] = [];
  const problems: Problem[] = [];
  for (const item of judged) {
    const decision = decisions.get(item.code) ?? NO_RULES;
    const [judgement, faults] = judgeItem(item, readings.get(item.code), decision, only !== null);
    items.push(judgement);
    problems.push(...faults);
  }
  const shown = new Set(items.filter((item) => item.shown).map((item) => item.code));
  const codes = new Set(all.map((item) => item.code));
  const foreign = sorted(Object.keys(answers).filter((code) => !codes.has(code)));
  return {
    items,
    problems: [...problems, ...foreign.map((code) => problem("unknown_item", clipped(code)))],
    ignored: [...readings.keys()].filter((code) => !shown.has(code)),
    unknown_facts: unknownFacts(judged.flatMap((item) => decisions.get(item.code) ?? [])),
  };
}

function chosen(definition: Definition, all: readonly Item[], only: ReadonlySet<string>): readonly Item[] {
  const known = new Set(all.map((item) => item.code));
  const foreign = sorted([...only].filter((code) => !known.has(code)));
  if (foreign.length) {
    throw new RangeError(`${definition.id}@${definition.version} has no items ${foreign.join(", ")}`);
  }
  return all.filter((item) => only.has(item.code));
}

function readAll(all: readonly Item[], answers: JsonObject): ReadonlyMap<string, Reading> {
  const answered = all.filter((item) => Object.hasOwn(answers, item.code));
  return new Map(answered.map((item) => [item.code, readAnswer(item, answers[item.code])]));
}

/** The values that rules are tried with, of every item that has any. */
function alternatives(
  all: readonly Item[],
  readings: ReadonlyMap<string, Reading>,
  only: ReadonlySet<string> | null,
  { context, superseded }: Options,
): ReadonlyMap<string, readonly unknown[]> {
  const before = readAll(all, context ?? {});
  const given = new Map<string, readonly unknown[]>();
  for (const item of all) {
    const own = readings.get(item.code);
    const decides = own && own.value !== null && (!only || only.has(item.code));
    const earlier = decides ? undefined : before.get(item.code);
    const aside = superseded && Object.hasOwn(superseded, item.code) ? superseded[item.code] : undefined;
    given.set(item.code, [
      ...(earlier ? [earlier.value] : []),
      ...(own ? [own.value] : []),
      ...(aside ?? []).map((raw) => readAnswer(item, raw).value),
    ]);
  }
  return given;
}

function judgeItem(
  item: Item,
  answered: Reading | undefined,
  decision: Decision,
  forced: boolean,
): readonly [ItemJudgement, readonly Problem[]] {
  if (!forced && !mayHold(decision.when)) {
    return [judgement(item, NOTHING, rule(item, "not_judged", "hidden"), false, false), []];
  }
  const required = (item.required ?? true) || forced;
  const reading = answered ?? NOTHING;
  let ruling = rule(item, "not_judged", "unanswered");
  let problems: readonly Problem[] = required ? [problem("missing_answer", item.code)] : [];
  if (answered) {
    const shortfalls = shortfallsOf(item, reading);
    ruling = judgeAnswer(item, reading, decision, !shortfalls.length);
    problems = [...reading.faults, ...shortfalls, ...unfinished(item, reading, ruling, decision, required)];
  }
  const unknown = unknownFacts([decision]);
  if (unknown.length) ruling = withUnknownFacts(ruling, titlesOf(unknown));
  return [judgement(item, reading, ruling, true, required), problems];
}

function judgement(item: Item, reading: Reading, ruling: Ruling, shown: boolean, required: boolean): ItemJudgement {
  return {
    code: item.code,
    shown,
    required,
    ...ruling,
    type: item.type,
    text: item.text,
    remedy: item.remedy,
    value: reading.value,
    unit: item.unit ?? null,
    note: reading.note,
    photos: reading.photos,
    by: reading.by,
    at: reading.at,
    source: item.source,
    certainty: item.certainty ?? "settled",
    entry: null,
    label: null,
  };
}

/** The facts whose absence left an expression open. */
function unknownFacts(decisions: readonly Decision[]): readonly string[] {
  const outcomes = decisions.flatMap(({ when, accept, limits }) => [when, accept, ...limits]);
  return sorted(new Set(outcomes.flatMap((outcome) => (outcome?.error != null ? outcome.facts : []))));
}
