/** The rules of a definition, decided by the evaluator that the server's sandbox runs. */

import { type Alternative, type Condition, decide, load, type Rule } from "../../cel-rules.mjs";
import { DERIVED } from "./facts.ts";
import { type JsonObject, sorted } from "./json.ts";
import { type Definition, isNa, type Item } from "./model.ts";

/** What an expression gave, over every way to read the disputed answers. */
export interface Outcome {
  readonly yes: boolean;
  readonly no: boolean;
  readonly error: string | null;
  readonly facts: readonly string[];
  readonly answers: readonly string[];
  readonly photos: readonly string[];
}

/** An item's expressions, decided; null where the item has none. `limits` follows the item's limits. */
export interface Decision {
  readonly when: Outcome | null;
  readonly accept: Outcome | null;
  readonly limits: readonly (Outcome | null)[];
}

export const NO_RULES: Decision = { when: null, accept: null, limits: [] };

/** True unless the expression is known to be false: what cannot be known is taken to hold. */
export function mayHold(outcome: Outcome | null | undefined): boolean {
  return !outcome || outcome.yes || outcome.error !== null;
}

export function itemsOf(definition: Definition): readonly Item[] {
  return definition.sections.flatMap((section) => section.items);
}

/** A definition with what is worked out of it once. `key` is what the evaluator keeps its rules under. */
interface Prepared {
  readonly key: string;
  readonly rules: readonly Rule[];
  readonly compared: readonly Item[];
}

const prepared = new WeakMap<Definition, Prepared>();
let made = 0;

function prepare(definition: Definition): Prepared {
  const known = prepared.get(definition);
  if (known) return known;
  const items = itemsOf(definition);
  const rules = items.flatMap((item): Rule[] => {
    const limits = (item.limits ?? []).map((limit) => limit.when ?? null);
    const rule: Rule = {
      code: item.code,
      ...(item.when ? { when: item.when } : {}),
      ...(item.accept ? { accept: item.accept } : {}),
      ...(limits.some(Boolean) ? { limits } : {}),
    };
    return Object.keys(rule).length > 1 ? [rule] : [];
  });
  const spelled = rules.flatMap((rule) => [rule.when, rule.accept, ...(rule.limits ?? [])].filter(Boolean)).join("\n");
  const found = { key: `${made++}`, rules, compared: items.filter((item) => spelled.includes(item.code)) };
  prepared.set(definition, found);
  return found;
}

const YES: Outcome = { yes: true, no: false, error: null, facts: [], answers: [], photos: [] };
const NO: Outcome = { ...YES, yes: false, no: true };

function outcome(condition: Condition): Outcome | null {
  if (condition === 1) return YES;
  return condition === 0 ? NO : condition;
}

/**
 * Decide the definition's rules with usable facts and the values that each item was given.
 *
 * A value of null is none, and neither is "not applicable" where a rule would expect a measurement.
 */
export function decideRules(
  definition: Definition,
  facts: JsonObject,
  alternatives: ReadonlyMap<string, readonly unknown[]>,
  forced: ReadonlySet<string>,
): ReadonlyMap<string, Decision> {
  const { key, rules, compared } = prepare(definition);
  const answers: Record<string, readonly Alternative[]> = {};
  for (const item of compared) {
    const choice = item.type === "pass_fail" || item.type === "file";
    const values = (alternatives.get(item.code) ?? []).filter(
      (value) => value !== null && (choice || !isNa(item, value)),
    );
    if (values.length) answers[item.code] = values.map((value) => ({ value }));
  }
  const filled = { facts, answers, forced: sorted(forced) };
  let decided = decide(key, filled);
  if (!decided) {
    load(key, { derived: DERIVED, items: rules });
    decided = decide(key, filled);
  }
  return new Map(
    Object.entries(decided ?? {}).map(([name, [when, accept, limits]]) => [
      name,
      { when: outcome(when), accept: outcome(accept), limits: (limits ?? []).map(outcome) },
    ]),
  );
}
