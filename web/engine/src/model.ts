/** A checklist as its `library` document holds it: what stands at its default there is left out. */

export type Severity = "critical" | "major" | "minor";
export type Verdict = "pass" | "fail" | "warning" | "not_judged";
export type ItemType =
  | "pass_fail"
  | "number"
  | "choice"
  | "multi_choice"
  | "text"
  | "date"
  | "photo"
  | "signature"
  | "location"
  | "file"
  | "repeat"
  | "rule";

export interface Text {
  readonly "zh-CN": string;
  readonly en: string;
}

export interface NumberRange {
  readonly min: number;
  readonly max: number;
}

export interface Limit {
  readonly min?: number | null;
  readonly max?: number | null;
  readonly verdict?: "fail" | "warning";
  readonly severity?: Severity | null;
  readonly when?: string | null;
  readonly note?: boolean;
  readonly basis?: Text | null;
  readonly since?: string | null;
}

export interface SeverityRule {
  readonly severity: Severity;
  readonly when: string;
}

export interface Entries {
  readonly noun: Text;
  readonly min?: number;
  readonly max?: number;
  readonly count?: string | null;
}

export interface Option {
  readonly value: string;
  readonly text: Text;
  readonly verdict?: "pass" | "warning" | "fail";
  readonly severity?: Severity | null;
  readonly alone?: boolean;
  readonly note?: boolean;
}

export interface Role {
  readonly role: string;
  readonly text: Text;
  readonly min?: number;
}

export interface Point {
  readonly point: string;
  readonly text: Text;
}

export interface View {
  readonly view: string;
  readonly text: Text;
  readonly min?: number;
}

export interface Item {
  readonly code: string;
  readonly text: Text;
  readonly type: ItemType;
  readonly severity: Severity;
  readonly remedy: Text;
  readonly source: string;
  readonly criterion?: Text | null;
  readonly certainty?: "settled" | "verify";
  readonly photo?: "always" | "on_fail" | "never";
  readonly photos_min?: number;
  readonly required?: boolean;
  readonly na?: "allowed" | "refused" | null;
  readonly when?: string | null;
  readonly accept?: string | null;
  readonly unit?: string | null;
  readonly range?: NumberRange | null;
  readonly limits?: readonly Limit[];
  readonly options?: readonly Option[];
  readonly roles?: readonly Role[];
  readonly points?: readonly Point[];
  readonly views?: readonly View[];
  readonly instrument?: boolean;
  readonly accept_verdict?: "fail" | "warning";
  readonly severities?: readonly SeverityRule[];
  readonly entries?: Entries | null;
  readonly items?: readonly Item[];
}

export interface Section {
  readonly id: string;
  readonly title: Text;
  readonly items: readonly Item[];
}

export interface Definition {
  readonly id: string;
  readonly version: number;
  readonly stage: "survey" | "intermediate" | "acceptance" | "reinspection" | "customer_inspection";
  readonly title: Text;
  readonly sections: readonly Section[];
}

export interface FactDefinition {
  readonly name: string;
  readonly type: "bool" | "number" | "choice";
  readonly title: Text;
  readonly definition: Text;
  readonly unit?: string | null;
  readonly options?: readonly Option[];
  readonly derived?: string | null;
}

/** The value that says an item does not apply, and the types in which it says so. */
export const NOT_APPLICABLE = "na";
const NA_TYPES: ReadonlySet<ItemType> = new Set(["pass_fail", "file", "number", "date", "location", "repeat"]);

/** The most entries that one repeat can have. */
export const MAX_ENTRIES = 200;

/** Larger is graver. */
export const SEVERITY_RANK: Readonly<Record<Severity, number>> = { minor: 1, major: 2, critical: 3 };

/** The graver one of two. */
export function graverOf(left: Severity, right: Severity): Severity {
  return SEVERITY_RANK[left] > SEVERITY_RANK[right] ? left : right;
}

export function naAllowed(item: Item): boolean {
  if (item.na != null) return item.na === "allowed";
  return (item.type === "pass_fail" || item.type === "file") && item.severity !== "critical";
}

/** Whether `value` says that the item does not apply, allowed or not. */
export function isNa(item: Item, value: unknown): boolean {
  return value === NOT_APPLICABLE && NA_TYPES.has(item.type);
}
