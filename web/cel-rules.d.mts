import type { Outcome } from "./engine/src/rules.ts";

export interface Rule {
  readonly code: string;
  readonly when: string | null;
  readonly accept: string | null;
  readonly limits: readonly (string | null)[];
}

export function decide(
  rules: readonly Rule[],
  facts: Readonly<Record<string, unknown>>,
  answers: Readonly<Record<string, readonly unknown[]>>,
  forced: readonly string[],
  derived: Readonly<Record<string, string>>,
): Readonly<Record<string, { when: Outcome | null; accept: Outcome | null; limits: readonly (Outcome | null)[] }>>;
