// Judges the forms that stand on standard input as a JSON list, and writes the judgements as one.
import { readFileSync } from "node:fs";
import { judge } from "../../build/engine/index.js";

const cases = JSON.parse(readFileSync(0, "utf8"));
const judgements = cases.map(({ definition, facts, answers, ...options }) => judge(definition, facts, answers, options));
process.stdout.write(JSON.stringify(judgements));
