/** The rules of a definition, decided by the evaluator that the server's sandbox runs. */

import type { Alternative, Condition, Count, Decided, Filled } from "../cel/rules.mjs";
import { decide, load } from "../cel/rules.mjs";
import type { Reading } from "./answers.ts";
import type { Form } from "./form.ts";
import { type JsonObject, sorted } from "./json.ts";
import type { Layout } from "./lines.ts";
import { isNa, type Item } from "./model.ts";

/** What an expression gave, over every way to read the disputed answers. */
export interface Outcome {
  readonly yes: boolean;
  readonly no: boolean;
  readonly error: string | null;
  readonly facts: readonly string[];
  readonly answers: readonly string[];
  readonly photos: readonly string[];
}

/**
 * An item's expressions, decided; null where the item has none. `limits` and `severities` follow the item's own,
 * `count` is that of a repeat's entries.
 */
export interface Decision {
  readonly when: Outcome | null;
  readonly accept: Outcome | null;
  readonly limits: readonly (Outcome | null)[];
  readonly severities: readonly (Outcome | null)[];
  readonly count: Count | null;
}

/** When the form was filled in, and when each photo was taken, by its id: seconds since 1970. */
export interface Circumstances {
  readonly visit?: { readonly start?: number; readonly end?: number } | null;
  readonly photos?: Readonly<Record<string, { readonly taken_at?: number }>> | null;
}

export const NO_RULES: Decision = { when: null, accept: null, limits: [], severities: [], count: null };
const YES: Outcome = { yes: true, no: false, error: null, facts: [], answers: [], photos: [] };
const NO: Outcome = { ...YES, yes: false, no: true };

/** True unless the expression is known to be false: what cannot be known is taken to hold. */
export function mayHold(outcome: Outcome | null | undefined): boolean {
  return !outcome || outcome.yes || outcome.error !== null;
}

/** Decide a form's rules with usable facts and, by name, all that each item was answered. */
export function decideRules(
  form: Form,
  facts: JsonObject,
  given: ReadonlyMap<string, readonly Reading[]>,
  layout: Layout,
  { visit, photos }: Circumstances,
): ReadonlyMap<string, Decision> {
  if (!form.rules.items.length) return new Map();
  const seen = [...given].flatMap(([name, readings]) => {
    const item = form.itemAt(name);
    if (!item || !form.compared.has(item.code)) return [];
    const alternatives = readings.flatMap((reading) => alternativesOf(form, item, reading));
    return alternatives.length ? [[name, alternatives] as const] : [];
  });
  const filled: Filled = {
    facts,
    answers: Object.fromEntries(seen),
    entries: Object.fromEntries([...layout.entries].map(([repeat, entries]) => [repeat, [...entries]])),
    photos: photos ?? {},
    visit: visit ?? {},
    forced: sorted(layout.lines.filter((line) => line.forced).map((line) => line.item.code)),
  };
  let decided = decide(form.key, filled);
  if (!decided) {
    load(form.key, form.rules);
    decided = decide(form.key, filled);
  }
  return new Map(Object.entries(decided ?? {}).map(([name, fields]) => [name, decisionOf(fields)]));
}

/**
 * An answer as rules see it, once for each time at which it was given. "Not applicable" is no value where a rule
 * would expect a measurement; of a repeat they see the entries.
 */
function alternativesOf(form: Form, item: Item, reading: Reading): readonly Alternative[] {
  const choice = item.type === "pass_fail" || item.type === "file";
  const said = reading.value !== null && (choice || !isNa(item, reading.value));
  if (!said && item.type === "repeat") return [];
  const answer: Alternative = {
    ...(said ? { value: item.type === "repeat" ? true : reading.value } : {}),
    ...(form.looksAtPhotos ? { photos: reading.photos } : {}),
  };
  if (form.looksAtTimes && reading.moments.length) return reading.moments.map((at) => ({ ...answer, at }));
  return Object.keys(answer).length ? [answer] : [];
}

function decisionOf([when, accept, limits, severities, count]: Decided): Decision {
  return {
    when: outcomeOf(when),
    accept: outcomeOf(accept),
    limits: (limits ?? []).map(outcomeOf),
    severities: (severities ?? []).map(outcomeOf),
    count,
  };
}

function outcomeOf(condition: Condition): Outcome | null {
  if (condition === 1) return YES;
  return condition === 0 ? NO : condition;
}

/** The facts whose absence left an expression open. */
export function unknownFacts(decisions: Iterable<Decision>): readonly string[] {
  const open = [...decisions].flatMap(({ when, accept, limits, severities, count }) =>
    [when, accept, ...limits, ...severities, count].filter((one) => one != null && one.error !== null),
  );
  return sorted(new Set(open.flatMap((one) => one?.facts ?? [])));
}
