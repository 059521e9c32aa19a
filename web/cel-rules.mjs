// The rules of a checklist, decided: which items are shown, which limits apply, what `accept` says.
//
// Numbers are doubles. JSON cannot tell 4 from 4.0, so every integer literal of an expression becomes a double
// too, and the two behave alike wherever they are written.
//
// An answer may be disputed: two inspectors gave different values. A rule is then tried with each of them, and
// the caller takes the more cautious outcome; so merging can add a failure and never removes one.

import { Environment } from "@marcbachmann/cel-js";

const OPTIONS = {
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 500, maxDepth: 40, maxListElements: 100, maxMapEntries: 100, maxCallArguments: 8 },
};
const COMPILED_KEPT = 20000;
const COMBINATIONS_TRIED = 64;

const environment = withDoubles(new Environment(OPTIONS))
  .registerVariable("facts", "map")
  .registerVariable("answers", "map");
const compiled = new Map();

/** Lets the one integer that is left, what `size` gives, be compared and counted with doubles. */
function withDoubles(env) {
  env.registerOperator("int == double", (a, b) => Number(a) === b);
  const arithmetic = { "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "/": (a, b) => a / b };
  for (const [sign, apply] of Object.entries(arithmetic)) {
    const doubled = (a, b) => apply(Number(a), Number(b));
    env.registerOperator(`int ${sign} double`, doubled);
    env.registerOperator(`double ${sign} int`, doubled);
  }
  return env;
}

function walk(node, visit) {
  if (Array.isArray(node)) for (const part of node) walk(part, visit);
  else if (node && typeof node === "object" && node.op) {
    visit(node);
    walk(node.args, visit);
  }
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

/** The names an expression takes from `facts` and `answers`, and the functions it calls. */
function references(ast) {
  const found = { facts: new Set(), answers: new Set(), functions: new Set(), dynamic: false };
  walk(ast, (node) => {
    if (node.op === "call" || node.op === "rcall") found.functions.add(node.args[0]);
    const [base, key] = member(node);
    if (base?.op !== "id" || (base.args !== "facts" && base.args !== "answers")) return;
    if (key === null) found.dynamic = true;
    else found[base.args].add(key);
  });
  return {
    facts: [...found.facts],
    answers: [...found.answers],
    functions: [...found.functions],
    dynamic: found.dynamic,
  };
}

function integersToDoubles(ast) {
  const indexes = new Set();
  walk(ast, (node) => {
    if (node.op === "[]") indexes.add(node.args[1]);
    if (node.op === "value" && typeof node.args === "bigint" && !indexes.has(node)) node.args = Number(node.args);
  });
}

function parse(env, expression) {
  const program = env.parse(expression);
  const names = references(program.ast);
  integersToDoubles(program.ast);
  return { program, names };
}

export function compile(expression) {
  let entry = compiled.get(expression);
  if (!entry) {
    if (compiled.size >= COMPILED_KEPT) compiled.clear();
    try {
      entry = parse(environment, expression);
    } catch (error) {
      entry = { broken: error.summary ?? error.message, names: { facts: [], answers: [] } };
    }
    compiled.set(expression, entry);
  }
  return entry;
}

/** Every way to choose one value for each disputed answer; null when there are too many to try. */
function combinations(codes, alternatives) {
  let ways = [{}];
  for (const code of codes) {
    const values = alternatives[code];
    if (!values) continue;
    ways = ways.flatMap((way) => values.map((value) => ({ ...way, [code]: value })));
    if (ways.length > COMBINATIONS_TRIED) return null;
  }
  return ways;
}

/** One expression: {yes, no, error, facts, answers}; `facts` and `answers` name what it asked for in vain. */
function decideOne(expression, facts, alternatives, lacking = new Map()) {
  const { program, names, broken } = compile(expression);
  const outcome = {
    yes: false,
    no: false,
    error: broken ?? null,
    facts: names.facts.filter((name) => !Object.hasOwn(facts, name)).flatMap((name) => lacking.get(name) ?? [name]),
    answers: names.answers.filter((code) => !Object.hasOwn(alternatives, code)),
  };
  if (broken) return outcome;
  const ways = combinations(names.answers, alternatives);
  if (ways === null) return { ...outcome, error: "too many disputed answers" };
  for (const answers of ways) {
    try {
      const result = program({ facts, answers });
      if (result === true) outcome.yes = true;
      else if (result === false) outcome.no = true;
      else outcome.error = "the result is not true or false";
    } catch (error) {
      outcome.error = error.summary ?? error.message;
    }
  }
  return outcome;
}

/**
 * The facts with those that follow from them, {name: expression}, and for each that cannot be known the names of
 * the facts it would need.
 */
function withDerived(facts, derived) {
  const known = { ...facts };
  const lacking = new Map();
  for (const [name, expression] of Object.entries(derived)) {
    const outcome = decideOne(expression, facts, {});
    if (outcome.error === null) known[name] = outcome.yes;
    else lacking.set(name, outcome.facts);
  }
  return { known, lacking };
}

/**
 * Decide all rules of a form at once.
 *
 * rules: [{code, when?, accept?, limits?: [expression | null]}] in the order of the form; facts: {name: value};
 * answers: {code: [value, …]}, more than one value where an answer is disputed; forced: codes shown regardless;
 * derived: facts that follow from the others, {name: expression}.
 * Returns {code: {when, accept, limits}}, each an outcome of decideOne or null.
 *
 * An item that is hidden takes its answer out of sight of the rules that come after it. A condition that cannot
 * be evaluated shows its item: asking once too often is safe, and once too seldom is not.
 */
export function decide(rules, facts, answers, forced, derived = {}) {
  const { known, lacking } = withDerived(facts, derived);
  const visible = { ...answers };
  const settle = (expression) => decideOne(expression, known, visible, lacking);
  const decisions = {};
  for (const { code, when } of rules) {
    const outcome = when && !forced.includes(code) ? settle(when) : null;
    decisions[code] = { when: outcome };
    if (outcome && !outcome.yes && outcome.error === null) delete visible[code];
  }
  for (const { code, accept, limits } of rules) {
    decisions[code].accept = accept ? settle(accept) : null;
    decisions[code].limits = (limits ?? []).map((when) => (when ? settle(when) : null));
  }
  return decisions;
}

/**
 * Check expressions without evaluating them, against the declared facts {name: "bool" | "double" | "string"}.
 * Returns for each {error, type, facts, answers, functions, dynamic}.
 */
export function inspect(expressions, factTypes) {
  const typed = withDoubles(new Environment(OPTIONS))
    .registerVariable({ name: "facts", schema: factTypes })
    .registerVariable("answers", "map");
  return expressions.map((expression) => {
    try {
      const { program, names } = parse(typed, expression);
      const { valid, type, error } = program.check();
      return { error: valid ? null : error.summary ?? error.message, type: type ?? null, ...names };
    } catch (error) {
      const names = { facts: [], answers: [], functions: [], dynamic: false };
      return { error: error.summary ?? error.message, type: null, ...names };
    }
  });
}
