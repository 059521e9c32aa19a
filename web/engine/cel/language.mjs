// The language of a checklist's rules: CEL with doubles, a few functions, and a bound on what it may cost.
//
// JSON cannot tell 4 from 4.0, so every integer literal of an expression becomes a double too, and the two
// behave alike wherever they are written.
//
// Only comprehensions loop. Each is charged for its steps before it runs, and what grows is kept small; so an
// expression costs the same on a tablet and on the server, and neither waits long for one.

import { Environment } from "@marcbachmann/cel-js";

const OPTIONS = {
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 500, maxDepth: 40, maxListElements: 100, maxMapEntries: 100, maxCallArguments: 8 },
};
/** What one evaluation may cost, in nodes of its expression; and all those of one form together. */
const COST_OF_ONE = 100_000;
const COST_OF_FORM = 2_000_000;
/** Characters or elements of what `+` makes; and what an element of a list costs that is compared as a whole. */
const LONGEST_MADE = 10_000;
const COST_OF_COMPARED = 20;
/** Names that stand for maps: what they hold is asked for by name. */
const ROOTS = ["facts", "answers", "times", "photos", "visit"];
const MACROS = ["all", "exists", "exists_one", "filter", "has", "map"];
const TEXT_FUNCTIONS = ["contains", "endsWith", "size", "startsWith"];
const DAY = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;
const MS_OF_DAY = 86_400_000;
const MOST_DIGITS = 15;

export class RuleError extends Error {}

let unitTable = {};

/** Tell `convert` the units it knows: {unit: {dimension, factor, offset?}}. */
export function useUnits(units) {
  unitTable = units;
}

/** A quantity in another unit. One rounding, so that 600 mm is 0.6 m. */
export function convert(value, from, to) {
  const [source, target] = [from, to].map((name) => {
    if (!Object.hasOwn(unitTable, name)) throw new RuleError(`unknown unit ${name}`);
    return unitTable[name];
  });
  if (source.dimension !== target.dimension) throw new RuleError(`${from} does not convert to ${to}`);
  if (from === to) return value;
  const [up, down] = [source.factor / target.factor, target.factor / source.factor];
  const [off, back] = [source.offset ?? 0, target.offset ?? 0];
  if (off !== 0 || back !== 0) return (value * source.factor + off - back) / target.factor;
  return Number.isInteger(up) ? value * up : value / down;
}

/** Rounded as people round: half away from zero, by the digits that are written. */
function round(value, digits) {
  if (!Number.isInteger(digits) || digits < 0 || digits > MOST_DIGITS) throw new RuleError(`round to ${digits} digits`);
  const shift = (number, by) => {
    const [mantissa, exponent = "0"] = String(number).split("e");
    return Number(`${mantissa}e${Number(exponent) + by}`);
  };
  const rounded = shift(Math.round(shift(Math.abs(value), digits)), -digits);
  return value < 0 ? 0 - rounded : rounded;
}

function numbers(list) {
  charge(list.length);
  return list.map((one) => {
    if (typeof one !== "number" && typeof one !== "bigint") throw new RuleError("a list of numbers is expected");
    return Number(one);
  });
}

function extreme(pick) {
  return (list) => {
    if (list.length === 0) throw new RuleError("an empty list has no extremes");
    return numbers(list).reduce((a, b) => pick(a, b));
  };
}

function dayNumber(text) {
  const ms = DAY.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text) throw new RuleError(`${text} is no date`);
  return ms / MS_OF_DAY;
}

const FUNCTIONS = {
  "sum(list): double": (list) => numbers(list).reduce((a, b) => a + b, 0),
  "least(list): double": extreme(Math.min),
  "greatest(list): double": extreme(Math.max),
  "abs(double): double": Math.abs,
  "abs(int): double": (value) => Math.abs(Number(value)),
  "round(double, double): double": round,
  "convert(double, string, string): double": convert,
  "days(string, string): double": (from, to) => dayNumber(to) - dayNumber(from),
};

/** Every function that an expression may call. */
export const OFFERED = new Set([
  ...MACROS,
  ...TEXT_FUNCTIONS,
  ...Object.keys(FUNCTIONS).map((signature) => signature.slice(0, signature.indexOf("("))),
]);

/** An environment in which the facts have the types {name: "bool" | "double" | "string"}, if they are given. */
export function environment(factTypes) {
  const env = new Environment(OPTIONS);
  if (factTypes) env.registerVariable({ name: "facts", schema: factTypes });
  for (const root of ROOTS) if (!env.hasVariable(root)) env.registerVariable(root, "map");
  for (const [signature, handler] of Object.entries(FUNCTIONS)) env.registerFunction(signature, handler);
  // The one integer that is left, what `size` gives, can be compared and counted with doubles.
  env.registerOperator("int == double", (a, b) => Number(a) === b);
  const arithmetic = { "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "/": (a, b) => a / b };
  for (const [sign, apply] of Object.entries(arithmetic)) {
    const doubled = (a, b) => apply(Number(a), Number(b));
    env.registerOperator(`int ${sign} double`, doubled);
    env.registerOperator(`double ${sign} int`, doubled);
  }
  return env;
}

const cost = { one: 0, form: 0 };

/** Start to count anew, for a form. */
export function startForm() {
  cost.form = 0;
}

function charge(nodes) {
  cost.one += nodes;
  if (cost.one > COST_OF_ONE || cost.form + cost.one > COST_OF_FORM) throw new RuleError("it costs too much");
}

/** Run a parsed expression. Throws what it fails with; `why` makes words of that. */
export function run(parsed, variables) {
  cost.one = 0;
  try {
    charge(parsed.nodes);
    const result = parsed.program(variables);
    charge(0); // An error within `exists` may have been passed over.
    return result;
  } finally {
    cost.form += Math.min(cost.one, COST_OF_ONE);
  }
}

/** Why an expression gave nothing, in words that are the same in every JavaScript engine. */
export function why(error) {
  // An engine that is out of memory throws null: nothing that it says from then on can be relied on.
  if (!(error instanceof Error)) throw error;
  if (error instanceof RuleError) return error.message;
  return error.summary ?? "it cannot be evaluated";
}

function walk(node, visit) {
  if (Array.isArray(node)) for (const part of node) walk(part, visit);
  else if (node && typeof node === "object" && node.op) {
    visit(node);
    walk(node.args, visit);
  }
}

function nodesOf(ast) {
  let count = 0;
  walk(ast, () => (count += 1));
  return count;
}

function literalText(node) {
  return node?.op === "value" && typeof node.args === "string" ? node.args : null;
}

/** The collection and the name that a node looks up: `c.name`, `c["name"]` or `"name" in c`. */
function member(node) {
  if (node.op === ".") return [node.args[0], node.args[1]];
  if (node.op === "[]") return [node.args[0], literalText(node.args[1])];
  if (node.op === "in") return [node.args[1], literalText(node.args[0])];
  return [null, null];
}

/**
 * What an expression asks for: by root the names it looks up, every text and field that it `spells`, and the
 * functions it calls. `dynamic`: it computes a name, or takes a root as a whole.
 */
function references(ast) {
  const found = { functions: new Set(), spelled: new Set() };
  for (const root of ROOTS) found[root] = new Set();
  let [roots, lookedUp] = [0, 0];
  walk(ast, (node) => {
    if (node.op === "call" || node.op === "rcall") found.functions.add(node.args[0]);
    if (node.op === "id" && ROOTS.includes(node.args)) roots += 1;
    if (literalText(node) !== null) found.spelled.add(node.args);
    const [base, key] = member(node);
    if (key !== null) found.spelled.add(key);
    if (base?.op !== "id" || !ROOTS.includes(base.args) || key === null) return;
    lookedUp += 1;
    found[base.args].add(key);
  });
  const names = Object.fromEntries(Object.entries(found).map(([kind, set]) => [kind, [...set]]));
  return { ...names, dynamic: roots > lookedUp };
}

function integersToDoubles(ast) {
  const indexes = new Set();
  walk(ast, (node) => {
    if (node.op === "[]") indexes.add(node.args[1]);
    if (node.op === "value" && typeof node.args === "bigint" && !indexes.has(node)) node.args = Number(node.args);
  });
}

const lengthOf = (value) => {
  if (typeof value === "string" || Array.isArray(value)) return value.length;
  return value && typeof value === "object" ? Object.keys(value).length : 0;
};

/** Charges every loop for its steps before it runs, and keeps what grows small. To be done once, after check(). */
function bound(ast) {
  walk(ast, (node) => {
    const loop = node.meta.alternate;
    if (loop?.op === "comprehension") {
      const { handle } = loop;
      const step = nodesOf(node.args) + 1;
      loop.handle = (items, ...rest) => {
        charge(lengthOf(items) * step);
        return handle(items, ...rest);
      };
    } else if (["+", "==", "!=", "in"].includes(node.op)) {
      const { handle } = node;
      node.handle = (left, right, ...rest) => {
        const length = lengthOf(left) + lengthOf(right);
        if (node.op !== "+") charge(typeof right === "object" ? length * COST_OF_COMPARED : 0);
        else if (length > LONGEST_MADE) throw new RuleError("it makes something too long");
        return handle(left, right, ...rest);
      };
    }
  });
}

/** Parse an expression: {program, names, nodes, type}. Throws if it is none, or calls what is not offered. */
export function parse(env, expression) {
  const program = env.parse(expression);
  const names = references(program.ast);
  integersToDoubles(program.ast);
  const checked = program.check();
  if (!checked.valid) throw Object.assign(checked.error, { names });
  bound(program.ast);
  return { program, names, nodes: nodesOf(program.ast), type: checked.type ?? null };
}

/** What keeps a parsed expression from being used, in words, or null. */
export function refused(names) {
  const foreign = names.functions.filter((name) => !OFFERED.has(name));
  if (foreign.length > 0) return `it calls ${foreign.join(", ")}, which is not offered`;
  return names.dynamic ? "it computes a name" : null;
}
