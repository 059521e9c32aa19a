/** A definition as judging needs it, worked out once: its items in order, by code, and their rules. */

import type { Rule, Rules } from "../cel/rules.mjs";
import { DERIVED } from "./facts.ts";
import type { Definition, Item } from "./model.ts";

/** Between an item's code and the key of the entry it is asked of, `CT-03#5f0c`; no item code contains it. */
const ENTRY_MARK = "#";
const ENTRY_KEY = /^[A-Za-z0-9_-]{1,36}$/;

export function isEntryKey(value: unknown): value is string {
  return typeof value === "string" && ENTRY_KEY.test(value);
}

/** What an item is called in one entry of its repeat. */
export function entryCode(code: string, entry: string): string {
  return `${code}${ENTRY_MARK}${entry}`;
}

/** An item's own code, and the entry's key if it names one. */
export function splitCode(name: string): readonly [string, string | null] {
  const at = name.indexOf(ENTRY_MARK);
  return at < 0 ? [name, null] : [name.slice(0, at), name.slice(at + 1)];
}

export class Form {
  /** All items, in the order of the form; those of a repeat follow it. */
  readonly items: readonly Item[];
  readonly byCode: ReadonlyMap<string, Item>;
  readonly repeats: readonly Item[];
  readonly rules: Rules;
  /** The items whose answers expressions may look at: all that some expression spells out. */
  readonly compared: ReadonlySet<string>;
  readonly looksAtTimes: boolean;
  readonly looksAtPhotos: boolean;
  /** What the evaluator keeps the rules under. */
  readonly key: string;
  readonly #repeatOf: ReadonlyMap<string, Item>;

  constructor(definition: Definition, key: string) {
    this.key = key;
    const listed = definition.sections.flatMap((section) => section.items);
    this.items = listed.flatMap((item) => [item, ...(item.items ?? [])]);
    this.byCode = new Map(this.items.map((item) => [item.code, item]));
    this.#repeatOf = new Map(this.items.flatMap((item) => (item.items ?? []).map((one) => [one.code, item])));
    this.repeats = this.items.filter((item) => item.type === "repeat");
    const rules = this.items.map((item) => ruleOf(item, this.repeatOf(item.code))).filter(hasExpressions);
    const repeats = this.repeats.map((item) => [item.code, (item.items ?? []).map((one) => one.code)]);
    this.rules = { derived: DERIVED, items: rules, repeats: Object.fromEntries(repeats) };
    const spelled = rules.flatMap(expressionsOf).join("\n");
    this.compared = new Set(this.items.map((item) => item.code).filter((code) => spelled.includes(code)));
    this.looksAtTimes = spelled.includes("times");
    this.looksAtPhotos = spelled.includes("photos");
  }

  /** The repeat of an item that is asked of entries. */
  repeatOf(code: string): Item | undefined {
    return this.#repeatOf.get(code);
  }

  /** The item that an answer's name means: a code, or `code#entry` for an item of a repeat. */
  itemAt(name: string): Item | undefined {
    const [code, entry] = splitCode(name);
    if ((entry === null) === this.#repeatOf.has(code)) return undefined;
    return entry === null || isEntryKey(entry) ? this.byCode.get(code) : undefined;
  }
}

const forms = new WeakMap<Definition, Form>();
let made = 0;

export function formOf(definition: Definition): Form {
  const known = forms.get(definition);
  if (known) return known;
  const form = new Form(definition, String((made += 1)));
  forms.set(definition, form);
  return form;
}

function ruleOf(item: Item, repeat: Item | undefined): Rule {
  const limits = (item.limits ?? []).map((limit) => limit.when ?? null);
  return {
    code: item.code,
    ...(repeat ? { repeat: repeat.code } : {}),
    ...(item.when ? { when: item.when } : {}),
    ...(item.accept ? { accept: item.accept } : {}),
    ...(limits.some(Boolean) ? { limits } : {}),
    ...(item.severities?.length ? { severities: item.severities.map((rule) => rule.when) } : {}),
    ...(item.entries?.count ? { count: item.entries.count } : {}),
  };
}

function expressionsOf({ when, accept, limits, severities, count }: Rule): readonly string[] {
  const written = [when, accept, ...(limits ?? []), ...(severities ?? []), count];
  return written.filter((one): one is string => Boolean(one));
}

function hasExpressions(rule: Rule): boolean {
  return expressionsOf(rule).length > 0;
}
