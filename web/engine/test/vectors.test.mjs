// Every shared vector, judged: `npm test` at the root of the repository.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { judge } from "../../../build/engine/index.js";

const vectors = new URL("../../../tests/vectors/checklists/", import.meta.url);
const published = new URL("../../../checklists/definitions/published/", import.meta.url);
const REPEATED = ["text", "remedy", "type", "unit", "source", "certainty"];

const read = (url) => JSON.parse(readFileSync(url, "utf8"));

/** What was judged, as JSON; without what it repeats of a definition that the vector only names. */
function judged({ definition, facts, answers, name, expected, ...options }) {
  if (typeof definition !== "string") return JSON.parse(JSON.stringify(judge(definition, facts, answers, options)));
  const document = read(new URL(`${encodeURIComponent(definition)}.json`, published));
  const { items, ...rest } = JSON.parse(JSON.stringify(judge(document.definition, facts, answers, options)));
  const brief = (item) => Object.fromEntries(Object.entries(item).filter(([part]) => !REPEATED.includes(part)));
  return { items: items.map(brief), ...rest };
}

let agreed = 0;
for (const file of readdirSync(vectors).filter((name) => name.endsWith(".json"))) {
  test(file, () => {
    for (const vector of read(new URL(file, vectors))) {
      assert.deepEqual(judged(vector), vector.expected, vector.name);
      agreed += 1;
    }
  });
}

test("there are vectors, and they agree", () => {
  assert.ok(agreed > 0);
  console.log(`${agreed} vectors agree`);
});
