// The rules of a checklist, decided: which items are shown, which limits apply, how grave each item is, and what
// `accept` says; for the items of a repeat once for each of its entries.
//
// An answer may be disputed: two inspectors gave different ones. A rule is then tried with each of them, and the
// caller takes the more cautious outcome; so merging can add a failure and never removes one.

import { environment, parse, refused, run, startForm, useUnits, why } from "./language.mjs";

export { useUnits };

/** How many nodes of parsed expressions are kept, some 700 bytes each, and what one counts that is no expression. */
const NODES_KEPT = 40_000;
const NODES_OF_BROKEN = 50;
const FORMS_KEPT = 64;
const COMBINATIONS_TRIED = 64;
/** An object that inherits nothing, so that an item may be called as JavaScript calls something. */
const table = (entries = {}) => Object.assign(Object.create(null), entries);
const NO_NAMES = {
  ...{ facts: [], answers: [], times: [], photos: [], visit: [] },
  ...{ spelled: [], functions: [], dynamic: false },
};
/** What each variable shows of an answer. */
const LOOKS = { answers: "value", times: "at", photos: "photos" };
const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

const language = environment();
const compiled = new Map();
let nodesKept = 0;
const forms = new Map();

export function compile(expression) {
  let entry = compiled.get(expression);
  if (!entry) {
    try {
      entry = parse(language, expression);
      entry.broken = refused(entry.names);
    } catch (error) {
      entry = { broken: why(error), names: error.names ?? NO_NAMES };
    }
    entry.looks = looksOf(entry.names);
    const size = entry.nodes ?? NODES_OF_BROKEN;
    if (nodesKept + size > NODES_KEPT) compiled.clear();
    nodesKept = compiled.size === 0 ? size : nodesKept + size;
    compiled.set(expression, entry);
  }
  return entry;
}

/** The codes that an expression looks up, each with what it looks at: [[code, [look]]]. */
function looksOf(names) {
  const looks = new Map();
  for (const [root, look] of Object.entries(LOOKS)) {
    for (const code of names[root]) looks.set(code, [...(looks.get(code) ?? []), look]);
  }
  return [...looks];
}

/** RFC 3339 as seconds since 1970. */
function epoch(text) {
  const [, moment, fraction, zone] = TIME.exec(text);
  return Date.parse(moment + zone) / 1000 + Number(fraction ?? 0);
}

/**
 * Keep the rules of a form under a key, the least recently used being forgotten.
 *
 * derived: facts that follow from the others, {name: expression}. items: [{code, repeat?, when?, accept?,
 * limits?: [expression | null], severities?: [expression], count?}] in the order of the form, only those that
 * have expressions; `repeat` names the repeat that an item belongs to. repeats: {code of a repeat: [the codes of
 * its items]}.
 */
export function load(key, { derived = {}, items, repeats = {} }) {
  const repeatOf = table();
  for (const [repeat, codes] of Object.entries(repeats)) for (const code of codes) repeatOf[code] = repeat;
  forms.set(key, { derived: Object.entries(derived), items, repeats: table(repeats), repeatOf });
  if (forms.size > FORMS_KEPT) forms.delete(forms.keys().next().value);
}

/** One filled-in form on its way: what can be seen of it, while items are hidden one after another. */
class Filled {
  constructor(rules, { facts, answers, entries = {}, photos = {}, visit = {}, forced = [] }) {
    this.rules = rules;
    this.facts = facts;
    this.answers = table(answers);
    this.entries = table(entries);
    this.photos = photos;
    this.visit = visit;
    this.forced = new Set(forced);
    // Where one item of an entry is shown regardless, so is its repeat.
    for (const name of forced) this.forced.add(rules.repeatOf[name.split("#", 1)[0]] ?? name);
    this.lacking = new Map();
    this.settled = new Map();
  }

  /** The key of the answer that a code means in an entry (null outside); null where it means none. */
  keyOf(code, item, entry) {
    const repeat = this.rules.repeatOf[code];
    if (repeat === undefined) return code;
    return entry !== null && item.repeat === repeat ? `${code}#${entry}` : null;
  }

  hide(key) {
    delete this.answers[key];
    for (const code of this.rules.repeats[key] ?? []) {
      for (const [entry] of this.entries[key] ?? []) {
        const name = `${code}#${entry}`;
        if (!this.forced.has(name)) delete this.answers[name];
      }
    }
  }

  photosOf(alternative) {
    return alternative.photos.map((id) => (Object.hasOwn(this.photos, id) ? this.photos[id] : {}));
  }
}

/** The alternatives that differ in what is looked at; where the value is, those without one have nothing to say. */
function different(alternatives, looks) {
  if (alternatives.length < 2) return alternatives;
  const said = looks.includes("value") ? alternatives.filter((one) => one.value !== undefined) : alternatives;
  const seen = new Map();
  for (const one of said.length > 0 ? said : alternatives) {
    seen.set(JSON.stringify(looks.map((look) => one[look] ?? null)), one);
  }
  return [...seen.values()];
}

/** What an expression sees: a list of slots, each with the alternatives to put there and what of them. */
function slotsOf({ looks, names }, filled, item, entry) {
  const slots = [];
  for (const [code, looked] of looks) {
    const key = filled.keyOf(code, item, entry);
    const given = key === null ? undefined : filled.answers[key];
    if (given === undefined) continue;
    const listed = Object.hasOwn(filled.rules.repeats, code);
    if (listed && looked.includes("value")) slots.push(...entriesOf(code, names, filled));
    const rest = listed ? looked.filter((look) => look !== "value") : looked;
    if (rest.length > 0) slots.push({ code, looks: rest, alternatives: different(given, rest) });
  }
  return slots;
}

/** The codes of which an expression looks at something that nobody gave. */
function missingOf({ looks }, filled, item, entry) {
  const lacks = ([code, looked]) => {
    const key = filled.keyOf(code, item, entry);
    const given = key === null ? undefined : filled.answers[key];
    if (given === undefined) return true;
    const listed = Object.hasOwn(filled.rules.repeats, code);
    return !listed && looked.includes("value") && given.every((one) => one.value === undefined);
  };
  return looks.filter(lacks).map(([code]) => code);
}

/** A repeat as a list of maps, one for each entry, with those of its items that the expression spells. */
function entriesOf(code, names, filled) {
  const slots = [{ code, looks: ["list"], alternatives: [{ list: filled.entries[code] ?? [] }] }];
  const spelled = filled.rules.repeats[code].filter((one) => names.spelled.includes(one));
  (filled.entries[code] ?? []).forEach(([entry], index) => {
    for (const one of spelled) {
      const given = filled.answers[`${one}#${entry}`];
      if (given) slots.push({ code: one, of: code, index, looks: ["value"], alternatives: different(given, ["value"]) });
    }
  });
  return slots;
}

function put(variables, slot, alternative, filled) {
  for (const look of slot.looks) {
    if (look === "list") {
      variables.answers[slot.code] = alternative.list.map(([entry, label]) => ({ entry, label }));
    } else if (look === "value" && alternative.value !== undefined) {
      const target = slot.of === undefined ? variables.answers : variables.answers[slot.of][slot.index];
      target[slot.code] = alternative.value;
    } else if (look === "at" && alternative.at !== undefined) variables.times[slot.code] = epoch(alternative.at);
    else if (look === "photos" && alternative.photos !== undefined) {
      variables.photos[slot.code] = filled.photosOf(alternative);
    }
  }
}

/** Every way to choose one alternative for each slot, at most so many; the first ways choose the first ones. */
function* ways(slots) {
  const chosen = slots.map(() => 0);
  for (let tried = 0; tried < COMBINATIONS_TRIED; tried += 1) {
    yield chosen;
    let slot = 0;
    while (slot < slots.length && chosen[slot] + 1 >= slots[slot].alternatives.length) chosen[slot++] = 0;
    if (slot === slots.length) return;
    chosen[slot] += 1;
  }
}

/**
 * What an expression gives, over every way: {values, error} and, if there is an error, the `facts` and `answers`
 * that it asked for in vain and the items in `photos` of which some photo's time is not known.
 */
function settle(expression, filled, item, entry) {
  const parsed = compile(expression);
  const outcome = { values: new Set(), error: parsed.broken ?? null, facts: [], answers: [], photos: [] };
  const slots = parsed.broken ? [] : slotsOf(parsed, filled, item, entry);
  const untimed = new Set();
  for (const chosen of parsed.broken ? [] : ways(slots)) {
    const { facts, visit } = filled;
    const variables = { facts, visit, answers: table(), times: table(), photos: table() };
    for (let index = 0; index < slots.length; index += 1) {
      put(variables, slots[index], slots[index].alternatives[chosen[index]], filled);
    }
    try {
      outcome.values.add(run(parsed, variables));
    } catch (error) {
      outcome.error = why(error);
      for (const code of parsed.names.photos) {
        const shown = variables.photos[code] ?? [];
        if (shown.some((photo) => !Object.hasOwn(photo, "taken_at"))) untimed.add(filled.keyOf(code, item, entry));
      }
    }
  }
  const disputed = slots.reduce((product, slot) => product * slot.alternatives.length, 1);
  if (disputed > COMBINATIONS_TRIED) outcome.error = "too many disputed answers";
  if (outcome.error === null) return outcome;
  const unknown = parsed.names.facts.filter((name) => !Object.hasOwn(filled.facts, name));
  outcome.facts = unknown.flatMap((name) => filled.lacking.get(name) ?? [name]);
  outcome.answers = missingOf(parsed, filled, item, entry);
  outcome.photos = [...untimed];
  return outcome;
}

/** 1 and 0 are yes and no; whatever else is said in full. */
function asCondition(outcome) {
  const { values, facts, answers, photos } = outcome;
  const yes = values.delete(true);
  const no = values.delete(false);
  const error = outcome.error ?? (values.size > 0 ? "the result is not true or false" : null);
  if (error === null && yes !== no) return yes ? 1 : 0;
  return { yes, no, error, facts, answers, photos };
}

/** What depends on facts alone is the same for every item and entry, and settled once. */
function conditionOf(expression, filled, item, entry) {
  const known = filled.settled.get(expression);
  if (known !== undefined) return known;
  const condition = asCondition(settle(expression, filled, item, entry));
  if (compile(expression).looks.length === 0) filled.settled.set(expression, condition);
  return condition;
}

function asCount(outcome) {
  const { values, facts, answers, photos } = outcome;
  const counts = [...values].map((value) => (typeof value === "bigint" ? Number(value) : value));
  const whole = counts.every((count) => Number.isSafeInteger(count) && count >= 0);
  const error = outcome.error ?? (whole ? null : "the result is no count");
  return { counts: whole ? counts : [], error, facts, answers, photos };
}

/** Add the facts that follow from others; of those that cannot be known, remember which facts they would need. */
function derive(filled) {
  const known = { ...filled.facts };
  for (const [name, expression] of filled.rules.derived) {
    const condition = asCondition(settle(expression, filled, {}, null));
    if (condition === 1 || condition === 0) known[name] = condition === 1;
    else filled.lacking.set(name, condition.facts);
  }
  filled.facts = known;
}

/**
 * Decide all rules of a form at once; null if nothing is loaded under the key.
 *
 * filled: {facts: {name: value}, answers: {key: [{value?, at?, photos?: [id]}, …]}, entries?: {code of a repeat:
 * [[entry, label], …]}, photos?: {id: {taken_at: seconds}}, visit?: {start, end} in seconds, forced?: [key]}. A key
 * is an item's code or, in an entry, `code#entry`; an answer that is disputed has several alternatives, of one that
 * is absent there is nothing; forced items are shown regardless.
 * Returns {key: [when, accept, limits, severities, count]}, each null, 1 (yes), 0 (no) or {yes, no, error, facts,
 * answers, photos}; `count` is {counts, error, facts, answers, photos}.
 *
 * An item that is hidden takes its answer out of sight of the rules that come after it, a repeat those of its
 * entries too. A condition that cannot be evaluated shows its item: asking once too often is safe, and once too
 * seldom is not.
 */
export function decide(key, given) {
  const rules = forms.get(key);
  if (!rules) return null;
  forms.delete(key);
  forms.set(key, rules);
  startForm();
  const filled = new Filled(rules, given);
  derive(filled);
  const condition = (expression, item, entry) => (expression ? conditionOf(expression, filled, item, entry) : null);
  const decisions = table();
  const places = [];
  for (const item of rules.items) {
    const entries = item.repeat ? (filled.entries[item.repeat] ?? []).map(([entry]) => entry) : [null];
    for (const entry of entries) {
      const name = entry === null ? item.code : `${item.code}#${entry}`;
      const when = filled.forced.has(name) ? null : condition(item.when, item, entry);
      decisions[name] = [when, null, null, null, null];
      if (when === 0) filled.hide(name);
      places.push([name, item, entry]);
    }
  }
  for (const [name, item, entry] of places) {
    const decision = decisions[name];
    decision[1] = condition(item.accept, item, entry);
    if (item.limits) decision[2] = item.limits.map((when) => condition(when, item, entry));
    if (item.severities) decision[3] = item.severities.map((when) => condition(when, item, entry));
    if (item.count) decision[4] = asCount(settle(item.count, filled, item, entry));
  }
  return decisions;
}

/**
 * Check expressions without evaluating them, against the declared facts {name: "bool" | "double" | "string"}.
 * Returns for each {error, type, facts, answers, times, photos, visit, spelled, functions, dynamic}.
 */
export function inspect(expressions, factTypes) {
  const typed = environment(factTypes);
  return expressions.map((expression) => {
    try {
      const { names, type } = parse(typed, expression);
      return { error: null, type, ...names };
    } catch (error) {
      return { error: why(error), type: null, ...(error.names ?? NO_NAMES) };
    }
  });
}
