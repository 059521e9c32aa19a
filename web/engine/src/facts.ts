/** The case's facts: which of them conditions may start from, and how they are called. */

import { facts as declared } from "hezha:catalogues";
import { asDouble } from "./doubles.ts";
import { type JsonObject, member } from "./json.ts";
import type { FactDefinition, Text } from "./model.ts";
import { joined } from "./reasons.ts";

const BY_NAME: ReadonlyMap<string, FactDefinition> = new Map(declared.map((fact) => [fact.name, fact]));

/** The expressions of the facts that follow from others. */
export const DERIVED: Readonly<Record<string, string>> = Object.fromEntries(
  declared.flatMap((fact) => (fact.derived ? [[fact.name, fact.derived]] : [])),
);

function admits(fact: FactDefinition, value: unknown): boolean {
  if (fact.type === "bool") return typeof value === "boolean";
  if (fact.type === "number") return typeof value === "number" && value >= 0 && value < Infinity;
  return (fact.options ?? []).some((option) => option.value === value);
}

/** Those that are declared, of their declared type, and not derived. Others count as unknown. */
export function usableFacts(facts: JsonObject): JsonObject {
  const usable: Record<string, unknown> = {};
  for (const [name, fact] of BY_NAME) {
    const value = member(facts, name);
    if (value === undefined || fact.derived != null || !admits(fact, value)) continue;
    usable[name] = typeof value === "number" ? asDouble(value) : value;
  }
  return usable;
}

export function titlesOf(names: readonly string[]): Text {
  return joined(
    names.map((name) => BY_NAME.get(name)?.title ?? { "zh-CN": name, en: name }),
    "、",
    ", ",
  );
}
