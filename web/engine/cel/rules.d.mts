import type { Outcome } from "../src/rules.ts";

/** An item's expressions, left out where it has none; `repeat` is the code of the repeat that it belongs to. */
export interface Rule {
  readonly code: string;
  readonly repeat?: string;
  readonly when?: string;
  readonly accept?: string;
  readonly limits?: readonly (string | null)[];
  readonly severities?: readonly string[];
  readonly count?: string;
}

/** The rules of a form; `derived` are facts that follow from others, `repeats` the codes of a repeat's items. */
export interface Rules {
  readonly derived?: Readonly<Record<string, string>>;
  readonly items: readonly Rule[];
  readonly repeats?: Readonly<Record<string, readonly string[]>>;
}

/** One way to read an answer: its value if it has one, when it was given (RFC 3339), the ids of its photos. */
export interface Alternative {
  readonly value?: unknown;
  readonly at?: string;
  readonly photos?: readonly string[];
}

/** A filled-in form, by name: a code or, in an entry, `code#entry`. Times are seconds since 1970. */
export interface Filled {
  readonly facts: Readonly<Record<string, unknown>>;
  readonly answers: Readonly<Record<string, readonly Alternative[]>>;
  readonly entries?: Readonly<Record<string, readonly (readonly [string, string])[]>>;
  readonly photos?: Readonly<Record<string, { readonly taken_at?: number }>>;
  readonly visit?: { readonly start?: number; readonly end?: number };
  readonly forced?: readonly string[];
}

/** 1 is yes and 0 is no. */
export type Condition = 1 | 0 | Outcome | null;

export interface Count {
  readonly counts: readonly number[];
  readonly error: string | null;
  readonly facts: readonly string[];
  readonly answers: readonly string[];
  readonly photos: readonly string[];
}

/** when, accept, limits, severities, count */
export type Decided = readonly [
  Condition,
  Condition,
  readonly Condition[] | null,
  readonly Condition[] | null,
  Count | null,
];

export interface Unit {
  readonly dimension: string;
  readonly factor: number;
  readonly offset?: number;
}

/** The units that the expressions' `convert` knows. */
export function useUnits(units: Readonly<Record<string, Unit>>): void;

/** Keep a form's rules under a key. The least recently used of many are forgotten. */
export function load(key: string, rules: Rules): void;

/** Decide a form's rules, by name; null if none are kept under the key. */
export function decide(key: string, filled: Filled): Readonly<Record<string, Decided>> | null;
