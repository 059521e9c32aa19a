// Whether an expression can hold and can fail, found by trying it: for whoever lints a checklist.
//
// A bool or a choice has few values and all are tried. A number is tried at every literal of the expression,
// between them and beyond them, which decides it as long as numbers are only compared with literals and with one
// another. Where they are computed with, an outcome that was found is certain and one that was not is left open.

import { run, startForm, why } from "./language.mjs";
import { compile } from "./rules.mjs";

const COMPARISONS = new Set(["==", "!=", "<", "<=", ">", ">="]);
/** What an unnamed text is, where texts are compared with literals: none of them. */
const OTHER_TEXT = "\u0000";
const DATE = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;
const SOME_DATES = ["2024-02-29", "2025-06-30", "2026-12-31"];
const ROOTS = ["facts", "answers", "times", "photos", "visit"];

function children(node) {
  if (Array.isArray(node)) return node.flatMap(children);
  return node && typeof node === "object" && node.op ? [node] : [];
}

function visit(node, parent, see) {
  see(node, parent);
  for (const child of children(node.args)) visit(child, node, see);
}

function literal(node) {
  if (node?.op === "-_") {
    const value = literal(node.args);
    return typeof value === "number" ? -value : undefined;
  }
  if (node?.op !== "value") return undefined;
  return typeof node.args === "bigint" ? Number(node.args) : node.args;
}

/** "facts.name", "answers.code" and so on where a node takes one of them by a name that is spelled out. */
function variable(node) {
  if (node?.op !== "." && node?.op !== "[]") return null;
  const [base, key] = node.args;
  const name = typeof key === "string" ? key : literal(key);
  const known = base?.op === "id" && ROOTS.includes(base.args) && typeof name === "string";
  return known ? `${base.args}.${name}` : null;
}

/**
 * How the node around a variable uses it: "literal" if it compares it with literals, "variable" if with another
 * variable, "otherwise" if it does anything else.
 */
function useOf(parent, node) {
  if (parent === null) return "literal";
  if (COMPARISONS.has(parent.op)) {
    const other = parent.args[0] === node ? parent.args[1] : parent.args[0];
    if (literal(other) !== undefined) return "literal";
    return variable(other) === null ? "otherwise" : "variable";
  }
  if (parent.op !== "in" || parent.args[0] !== node) return "otherwise";
  const known = parent.args[1].op === "list" && parent.args[1].args.every((one) => literal(one) !== undefined);
  return known ? "literal" : "otherwise";
}

function use(variables, name, uses) {
  variables.set(name, new Set([...(variables.get(name) ?? []), ...uses]));
}

/** What an expression takes, and with those that it is derived from: variables, literals, how it uses them. */
function study(expression, derived, seen = new Map()) {
  const found = { variables: new Map(), numbers: new Set(), texts: new Set(), membership: false, foreign: false };
  const { program, broken } = compile(expression);
  if (broken) return { ...found, broken };
  const bound = new Set();
  visit(program.ast, null, (node, parent) => {
    const value = literal(node);
    if (typeof value === "number") found.numbers.add(value);
    if (typeof value === "string") found.texts.add(value);
    if (node.op === "rcall" && Array.isArray(node.args[2]) && node.args[2].length > 1) bound.add(node.args[2][0].args);
    if (node.op === "call" && node.args[0] === "has") found.membership = true;
    if (node.op === "in" && node.args[1].op === "id") found.membership = true;
    const name = variable(node);
    if (name !== null) {
      use(found.variables, name, [useOf(parent, node)]);
    } else if (node.op === "in" && node.args[1].op === "id" && typeof literal(node.args[0]) === "string") {
      const member = `${node.args[1].args}.${literal(node.args[0])}`;
      use(found.variables, member, []);
    } else if (node.op === "id" && !ROOTS.includes(node.args) && !bound.has(node.args)) found.foreign = true;
  });
  for (const name of [...found.variables.keys()]) {
    const source = name.startsWith("facts.") ? derived[name.slice("facts.".length)] : undefined;
    if (source === undefined || seen.has(name)) continue;
    seen.set(name, true);
    const inner = study(source, derived, seen);
    if (inner.broken) return { ...found, broken: inner.broken };
    found.variables.delete(name);
    for (const [other, uses] of inner.variables) use(found.variables, other, uses);
    inner.numbers.forEach((one) => found.numbers.add(one));
    inner.texts.forEach((one) => found.texts.add(one));
  }
  return found;
}

/** Numbers that stand for all there are: the marks, and `within` of them between any two and beyond. */
function samples(marks, within) {
  const sorted = [...marks].sort((a, b) => a - b);
  const chosen = new Set(sorted);
  // A step beyond a large number must be large too, or it comes to nothing.
  const beyond = (mark, step) => mark + step * (1 + Math.abs(mark));
  for (let step = 1; step <= within; step += 1) {
    sorted.slice(1).forEach((mark, index) => {
      const before = sorted[index];
      chosen.add(before + ((mark - before) * step) / (within + 1));
    });
    chosen.add(beyond(sorted[0], -step));
    chosen.add(beyond(sorted[sorted.length - 1], step));
  }
  return [...chosen].filter(Number.isFinite);
}

/** The numbers that each variable can be compared with: literals, and where any of their ranges ends. */
function marksOf(found, ranges) {
  const ends = ranges.flatMap(({ min, max }) => [min, max]);
  const marks = new Set([...found.numbers, ...ends].filter((one) => Number.isFinite(one)));
  return marks.size > 0 ? marks : new Set([0]);
}

/** Whether trying the values of a domain decides what a variable is used for. */
function decides(kind, uses) {
  if (kind === "all") return true;
  if (uses.has("otherwise") || (kind !== "number" && kind !== "text")) return false;
  return kind === "number" || !uses.has("variable");
}

/** The values to try of each variable, and whether they stand for all there are. */
function domains(found, declared) {
  const names = [...found.variables.keys()];
  if (names.some((name) => declared[name] === undefined)) return null;
  const ranges = names.map((name) => declared[name]).filter(({ kind }) => kind === "number");
  const numbers = samples(marksOf(found, ranges), ranges.length);
  let exact = !found.foreign;
  const table = [];
  for (const [name, uses] of found.variables) {
    const { kind, values: listed, min = -Infinity, max = Infinity } = declared[name];
    let values = listed;
    if (kind === "number") values = numbers.filter((one) => one >= min && one <= max);
    if (kind === "date") values = [...[...found.texts].filter((one) => DATE.test(one)), ...SOME_DATES];
    if (kind === "text") values = [...found.texts, OTHER_TEXT];
    exact = exact && decides(kind, uses);
    table.push([name, found.membership ? [...values, undefined] : values]);
  }
  return { table, exact };
}

function situation(table, index, derived) {
  const known = Object.fromEntries(ROOTS.map((root) => [root, {}]));
  let rest = index;
  for (const [name, values] of table) {
    const value = values[rest % values.length];
    rest = Math.floor(rest / values.length);
    const dot = name.indexOf(".");
    if (value !== undefined) known[name.slice(0, dot)][name.slice(dot + 1)] = value;
  }
  for (const [name, expression] of Object.entries(derived)) {
    try {
      known.facts[name] = run(compile(expression), known);
    } catch {
      // It follows from facts that this expression does not ask for.
    }
  }
  return known;
}

/**
 * Try an expression in the situations that its variables can be in, `most` of them at the most.
 *
 * declared: the values of each variable, by "facts.name", "answers.code", "times.code" and so on: {kind: "all", values} where these are
 * all, {kind: "number", min?, max?}, {kind: "text"}, {kind: "date"}, or {kind: "some", values} where there are
 * others too;
 * derived: facts that follow from others, {name: expression}.
 * Returns {holds, fails, decided, tried, failure}: whether it was seen to be true and false; whether what was not
 * seen cannot be; in how many situations; and the error and the situation where one stopped it although
 * everything was known. null if it cannot be tried at all.
 */
export function explore(expression, declared, derived, most) {
  const found = study(expression, derived);
  const chosen = found.broken ? null : domains(found, declared);
  if (chosen === null) return null;
  const { table, exact } = chosen;
  const used = Object.fromEntries(Object.entries(derived).filter(([name]) => expression.includes(name)));
  const total = table.reduce((product, [, values]) => product * values.length, 1);
  const result = { holds: false, fails: false, decided: exact && total <= most, tried: 0, failure: null };
  const parsed = compile(expression);
  for (; result.tried < Math.min(total, most); result.tried += 1) {
    const index = total <= most ? result.tried : Math.floor((total / most) * result.tried);
    startForm();
    const known = situation(table, index, used);
    try {
      const value = run(parsed, known);
      if (value === true) result.holds = true;
      else if (value === false) result.fails = true;
    } catch (error) {
      const { facts, answers } = known;
      if (error.code !== "no_such_key") result.failure ??= { error: why(error), facts, answers };
    }
  }
  return result;
}
