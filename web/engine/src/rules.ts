/** The rules of a definition, decided by the evaluator that the server's sandbox runs. */

import { decide, type Rule } from "../../cel-rules.mjs";
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

/** A definition with what is worked out of it once. */
interface Rules {
  readonly rules: readonly Rule[];
  readonly compared: readonly Item[];
}

const prepared = new WeakMap<Definition, Rules>();

function rulesOf(definition: Definition): Rules {
  const known = prepared.get(definition);
  if (known) return known;
  const items = itemsOf(definition);
  const rules = items.flatMap((item): Rule[] => {
    const limits = (item.limits ?? []).map((limit) => limit.when ?? null);
    const written = item.when || item.accept || limits.some(Boolean);
    return written ? [{ code: item.code, when: item.when ?? null, accept: item.accept ?? null, limits }] : [];
  });
  const spelled = rules.flatMap((rule) => [rule.when, rule.accept, ...rule.limits].filter(Boolean)).join("\n");
  const found = { rules, compared: items.filter((item) => spelled.includes(item.code)) };
  prepared.set(definition, found);
  return found;
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
  const { rules, compared } = rulesOf(definition);
  const seen: Record<string, readonly unknown[]> = {};
  for (const item of compared) {
    const choice = item.type === "pass_fail" || item.type === "file";
    const values = (alternatives.get(item.code) ?? []).filter(
      (value) => value !== null && (choice || !isNa(item, value)),
    );
    if (values.length) seen[item.code] = values;
  }
  return new Map(Object.entries(decide(rules, facts, seen, sorted(forced), DERIVED)));
}
