/**
 * The lines of a form: its items in order, those of a repeat once for each of its entries.
 *
 * Which entries there are says the answer to the repeat. An answer that names another one is no less judged, but
 * nothing else is asked there.
 */

import type { Reading } from "./answers.ts";
import { entryCode, type Form, splitCode } from "./form.ts";
import { sorted } from "./json.ts";
import type { Definition, Item, Text } from "./model.ts";
import type { Entry } from "./values.ts";

/** Every text and field that an expression spells. */
const SPELLED = /"([^"]*)"|'([^']*)'|\.\s*([A-Za-z_][A-Za-z0-9_]*)/g;

/**
 * An item as it is asked: its code is its name in the form, and in an entry its text begins with the entry's
 * label. `forced`: it is shown and required whatever its condition says.
 */
export interface Line {
  readonly item: Item;
  readonly repeat: string | null;
  readonly entry: string | null;
  readonly label: string | null;
  readonly forced: boolean;
}

/** `entries` are by repeat those that rules see, labels by key; `unlisted` the ones that only answers name. */
export interface Layout {
  readonly lines: readonly Line[];
  readonly entries: ReadonlyMap<string, Entries>;
  readonly unlisted: readonly (readonly [repeat: string, key: string])[];
}

type Entries = ReadonlyMap<string, string>;
type Readings = ReadonlyMap<string, Reading>;

const NONE: Entries = new Map();

/**
 * Lay out a form with these answers, or what a re-inspection of `only` asks of it; `context` are then the answers
 * of the inspection that it repeats. Throws a RangeError for a name that means no item.
 *
 * A rule among `only` brings along the items that it compares. A repeat among them is listed anew, and an entry
 * that the repeated inspection did not list is asked whole.
 */
export function layOut(
  form: Form,
  definition: Definition,
  readings: Readings,
  context: Readings,
  only: ReadonlySet<string> | null,
): Layout {
  const compared = only ? [...only].flatMap((name) => comparedBy(form, definition, name)) : [];
  const forced = only && new Set([...only, ...compared.filter((name) => form.itemAt(name))]);
  const known = new Map(form.repeats.map(({ code }) => [code, listed(context.get(code))]));
  const entries = new Map<string, Entries>();
  const unlisted: (readonly [string, string])[] = [];
  for (const { code } of form.repeats) {
    const before = known.get(code) ?? NONE;
    let found = !forced || forced.has(code) ? listed(readings.get(code)) : NONE;
    if (forced && !found.size) found = before;
    const named = entriesNamed(form, code, forced ?? readings.keys());
    const strays = sorted([...named].filter((key) => !found.has(key)));
    entries.set(code, new Map([...found, ...strays.map((key) => [key, before.get(key) ?? key] as const)]));
    unlisted.push(...strays.filter((key) => !before.has(key)).map((key) => [code, key] as const));
  }
  for (const code of forced ? compared : []) {
    const repeat = form.repeatOf(code);
    for (const key of repeat ? (entries.get(repeat.code) ?? NONE).keys() : []) forced?.add(entryCode(code, key));
  }
  return { lines: linesOf(definition, { entries, unlisted }, readings, known, forced), entries, unlisted };
}

/** The entries that the answer to a repeat lists: labels by key. */
function listed(reading: Reading | undefined): Entries {
  if (!Array.isArray(reading?.value)) return NONE;
  return new Map((reading.value as readonly Entry[]).map(({ entry, label }) => [entry, label]));
}

/** The entries of a repeat that names of its items name. */
function entriesNamed(form: Form, repeat: string, names: Iterable<string>): ReadonlySet<string> {
  const split = [...names].map(splitCode);
  return new Set(split.flatMap(([code, key]) => (key !== null && form.repeatOf(code)?.code === repeat ? [key] : [])));
}

/** What a rule compares: names of items, and codes of those that are asked of entries. */
function comparedBy(form: Form, { id, version }: Definition, name: string): readonly string[] {
  const item = form.itemAt(name);
  if (!item) throw new RangeError(`${id}@${version} has no item ${name}`);
  if (item.type !== "rule") return [];
  const [code, key] = splitCode(name);
  const spelled = [...(item.accept ?? "").matchAll(SPELLED)].map((found) => found.slice(1).join(""));
  const others = spelled.filter((other) => form.byCode.has(other) && form.byCode.get(other)?.type !== "rule");
  return others.map((other) => {
    const beside = key !== null && form.repeatOf(other) === form.repeatOf(code);
    return beside ? entryCode(other, key) : other;
  });
}

function linesOf(
  definition: Definition,
  { entries, unlisted }: Omit<Layout, "lines">,
  readings: Readings,
  known: ReadonlyMap<string, Entries>,
  forced: ReadonlySet<string> | null,
): readonly Line[] {
  const isForced = (name: string) => forced !== null && forced.has(name);
  const strays = new Set(unlisted.map(([repeat, key]) => entryCode(repeat, key)));
  const lines: Line[] = [];
  for (const item of definition.sections.flatMap((section) => section.items)) {
    if (!forced || isForced(item.code)) {
      lines.push({ item, repeat: null, entry: null, label: null, forced: forced !== null });
    }
    for (const [key, label] of entries.get(item.code) ?? NONE) {
      const isListed = !strays.has(entryCode(item.code, key));
      const isNew = isForced(item.code) && !known.get(item.code)?.has(key);
      for (const one of item.items ?? []) {
        const code = entryCode(one.code, key);
        const askedFor = isListed || one.type === "rule" || readings.has(code);
        if (!isForced(code) && !((!forced || isNew) && askedFor)) continue;
        const asked = { ...one, code, text: labelled(one.text, label) };
        lines.push({ item: asked, repeat: item.code, entry: key, label, forced: isForced(code) });
      }
    }
  }
  return lines;
}

function labelled(text: Text, label: string): Text {
  return { "zh-CN": `${label}：${text["zh-CN"]}`, en: `${label}: ${text.en}` };
}
