// An organisation's limits hold on the tablet where they hold on the server.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { judge, withLimits } from "../../../build/engine/index.js";

const vectors = JSON.parse(readFileSync(new URL("../../../tests/vectors/limits/in_force.json", import.meta.url), "utf8"));

function limitsByCode({ sections }) {
  const items = sections.flatMap((section) => section.items).flatMap((item) => [item, ...(item.items ?? [])]);
  return Object.fromEntries(items.map((item) => [item.code, item.limits ?? []]));
}

for (const { name, definition, limits, organisation, day, expected } of vectors) {
  test(`limits: ${name}`, () => {
    const held = withLimits(definition, limits, organisation, day);
    assert.deepEqual(limitsByCode(held), expected);
    const plain = withLimits(definition, [], organisation, day);
    assert.equal(plain, definition);
  });
}

test("a verdict that such a limit decides names its basis", () => {
  const { definition, limits, organisation, day } = vectors.find((one) => one.name === "from its first day on");
  const answers = { "NR-01": { value: 5, by: "lin", at: "2026-12-01T09:30:00+08:00" } };
  const judged = judge(withLimits(definition, limits, organisation, day), {}, answers).items[0];
  assert.equal(judged.verdict, "fail");
  assert.match(judged.reason.en, /circular 2026-12/);
});
