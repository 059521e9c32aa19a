/**
 * Judging a form: a verdict with its reason for each item, and all that keeps the form from being complete.
 *
 * In doubt the judgement is strict, as the server's is: a condition that cannot be evaluated shows its item and
 * lets its limit apply, and an answer that cannot be read can fail an item but never pass it.
 */

import { NOTHING, type Problem, problem, readAnswer, type Reading } from "./answers.ts";
import { titlesOf, usableFacts } from "./facts.ts";
import { type Form, formOf } from "./form.ts";
import { compare, type JsonObject, sorted } from "./json.ts";
import { layOut, type Layout, type Line } from "./lines.ts";
import type { Definition, ItemType, Severity, Text, Verdict } from "./model.ts";
import { type Circumstances, type Decision, decideRules, mayHold, NO_RULES, unknownFacts } from "./rules.ts";
import { shortfallsOf, unfinished } from "./shortfalls.ts";
import { clipped } from "./values.ts";
import { asGraveAsDecided, judgeAnswer, rule, type Ruling, withUnknownFacts } from "./verdicts.ts";

/**
 * One item, judged. `severity` is that of the rule that decided, `rule` its name, `reason` its words. An item of a
 * repeat stands here once for each entry: its `code` names the `entry`, its text begins with the entry's `label`.
 */
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
 * `only`: the items that a re-inspection judges, by name; each is shown and required whatever its condition says,
 * and a rule among them brings along what it compares.
 * `context`: the answers of the inspection that is repeated, for rules that compare items and labels of entries.
 * `superseded`: answers set aside when several inspectors' were merged, by item.
 * `visit` and `photos`: when the form was filled in and each photo was taken, in seconds since 1970.
 */
export interface Options extends Circumstances {
  readonly only?: Iterable<string> | null;
  readonly context?: JsonObject | null;
  readonly superseded?: Readonly<Record<string, readonly unknown[]>> | null;
}

type Readings = ReadonlyMap<string, Reading>;

/**
 * Judge `answers` (by item code, in an entry by `code#entry`) to `definition` on a case with `facts`.
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
  const form = formOf(definition);
  const readings = readForm(form, answers);
  const before = readForm(form, options.context ?? {});
  const layout = layOut(form, definition, readings, before, options.only ? new Set(options.only) : null);
  const given = allGiven(form, readings, before, layout, options.superseded ?? {});
  const decisions = decideRules(form, usableFacts(facts), given, layout, options);
  const decisionOf = (name: string | null) => (name === null ? undefined : decisions.get(name)) ?? NO_RULES;

  const judged = layout.lines.map((line) => {
    const decision = decisionOf(line.item.code);
    const isShown = line.forced || (mayHold(decisionOf(line.repeat).when) && mayHold(decision.when));
    const untimed = untimedPhotos(decision.accept?.photos ?? [], given, options.photos ?? {});
    return judgeLine(line, readings.get(line.item.code), decision, isShown, untimed);
  });
  const items = judged.map(([item]) => item);
  const shown = new Set(items.filter((item) => item.shown).map((item) => item.code));
  const unlisted = layout.unlisted.filter(([repeat]) => mayHold(decisionOf(repeat).when));
  const foreign = sorted(Object.keys(answers).filter((name) => !readings.has(name)));
  return {
    items,
    problems: [
      ...judged.flatMap(([, problems]) => problems),
      ...unlisted.map(([repeat, entry]) => problem("unlisted_entry", repeat, { entry })),
      ...foreign.map((name) => problem("unknown_item", clipped(name))),
    ],
    ignored: [...readings.keys()].filter((name) => !shown.has(name)),
    unknown_facts: unknownFacts(layout.lines.map((line) => decisionOf(line.item.code))),
  };
}

/** Every answer that means an item, read, in the order of the form and there by entry. */
function readForm(form: Form, answers: JsonObject): Readings {
  const places = new Map(form.items.map((item, place) => [item.code, place]));
  const named = Object.keys(answers).flatMap((name) => {
    const item = form.itemAt(name);
    return item ? [{ name, item, place: places.get(item.code) ?? 0 }] : [];
  });
  named.sort((left, right) => left.place - right.place || compare(left.name, right.name));
  return new Map(named.map(({ name, item }) => [name, readAnswer({ ...item, code: name }, answers[name])]));
}

/** Every answer that rules are tried with, by name. */
function allGiven(
  form: Form,
  readings: Readings,
  before: Readings,
  layout: Layout,
  superseded: Readonly<Record<string, readonly unknown[]>>,
): ReadonlyMap<string, readonly Reading[]> {
  const names = new Set(layout.lines.map((line) => line.item.code));
  const given = new Map<string, readonly Reading[]>([...before].map(([name, reading]) => [name, [reading]]));
  for (const [name, reading] of readings) {
    const decides = names.has(name) && (reading.value !== null || reading.photos.length > 0);
    given.set(name, decides ? [reading] : [...(given.get(name) ?? []), reading]);
  }
  for (const [name, others] of Object.entries(superseded)) {
    const item = form.itemAt(name);
    if (!item || item.type === "repeat") continue;
    given.set(name, [...(given.get(name) ?? []), ...others.map((raw) => readAnswer(item, raw))]);
  }
  return given;
}

/** The photos of these answers of which nobody knows when they were taken. */
function untimedPhotos(
  names: readonly string[],
  given: ReadonlyMap<string, readonly Reading[]>,
  photos: NonNullable<Options["photos"]>,
): readonly string[] {
  const shown = names.flatMap((name) => (given.get(name) ?? []).flatMap((reading) => reading.photos));
  const isTimed = (photo: string) => Object.hasOwn(photos, photo) && Object.hasOwn(photos[photo] ?? {}, "taken_at");
  return sorted(new Set(shown.filter((photo) => !isTimed(photo))));
}

function judgeLine(
  line: Line,
  answered: Reading | undefined,
  decision: Decision,
  isShown: boolean,
  untimed: readonly string[],
): readonly [ItemJudgement, readonly Problem[]] {
  const item = asGraveAsDecided(line.item, decision);
  if (!isShown) {
    return [judgement(line, NOTHING, rule(item, "not_judged", "hidden"), false, false), []];
  }
  const required = ((item.required ?? true) || line.forced) && item.type !== "rule";
  const reading = answered ?? NOTHING;
  let ruling = rule(item, "not_judged", "unanswered");
  let problems: readonly Problem[] = required ? [problem("missing_answer", item.code)] : [];
  if (answered || item.type === "rule") {
    const shortfalls = shortfallsOf(item, reading, decision);
    ruling = judgeAnswer(item, reading, decision, !shortfalls.length);
    problems = [...reading.faults, ...shortfalls, ...unfinished(item, reading, ruling, decision, required, untimed)];
  }
  const unknown = unknownFacts([decision]);
  if (unknown.length) ruling = withUnknownFacts(ruling, titlesOf(unknown));
  return [judgement(line, reading, ruling, true, required), problems];
}

function judgement(line: Line, reading: Reading, ruling: Ruling, shown: boolean, required: boolean): ItemJudgement {
  const { item, entry, label } = line;
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
    entry,
    label,
  };
}
