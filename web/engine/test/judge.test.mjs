// What vectors cannot say: nothing throws, nothing is changed, and many forms in turn do not disturb each other.
import assert from "node:assert/strict";
import { test } from "node:test";
import { judge } from "../../../build/engine/index.js";

const text = { "zh-CN": "词", en: "word" };
const words = { severity: "major", text, remedy: text, source: "test" };
const item = (code, more) => ({ code, type: "pass_fail", ...words, ...more });
const section = (items) => ({ id: "all", title: text, items });
const form = (...items) => ({ id: "test", version: 1, stage: "survey", title: text, sections: [section(items)] });
const answer = (value, more) => ({ value, by: "lin", at: "2026-03-04T09:30:00+08:00", ...more });

function frozen(value) {
  if (value && typeof value === "object") Object.values(value).forEach(frozen);
  return Object.freeze(value);
}

function nested(depth) {
  let value = "x";
  for (let level = 0; level < depth; level += 1) value = level % 2 ? [value] : { k: value };
  return value;
}

test("a name that means no item is refused", () => {
  assert.throws(() => judge(form(item("A-01")), {}, {}, { only: ["A-02"] }), RangeError);
  assert.throws(() => judge(form(item("A-01")), {}, {}, { only: ["A-01#k"] }), RangeError);
});

test("what is nested without end is a fault like any other", () => {
  const deep = nested(20000);
  const both = [answer("pass"), answer("pass", { by: "wu" })];
  const merged = [{ merged: both, note: deep }, { merged: [deep, deep] }];
  for (const raw of [deep, answer(deep), ...merged.map((more) => answer("pass", more))]) {
    const { items } = judge(form(item("A-01")), { dual: deep }, { "A-01": raw });
    assert.equal(items[0].verdict, "not_judged");
  }
});

test("neither the definition nor the answers are changed", () => {
  const inside = [item("T-01", { accept: "facts.dual" })];
  const repeat = item("T", { type: "repeat", entries: { noun: text }, items: inside });
  const graver = [{ severity: "critical", when: "facts.gen" }];
  const definition = frozen(form(repeat, item("A-01", { severities: graver })));
  const listed = answer([{ entry: "k", label: "1#" }]);
  const answers = frozen({ T: listed, "T-01#k": answer("pass"), "A-01": answer("fail") });
  const first = judge(definition, frozen({ dual: true }), answers);
  assert.deepEqual(judge(definition, frozen({ dual: true }), answers), first);
  const verdicts = first.items.map(({ code, verdict, severity }) => `${code} ${verdict} ${severity}`);
  assert.deepEqual(verdicts, ["T pass major", "T-01#k pass major", "A-01 fail critical"]);
});

test("each of many forms in turn is decided by its own rules", () => {
  const numbers = Array.from({ length: 200 }, (_, number) => number);
  const forms = numbers.map((number) => form(item("A-01", { when: `facts.capacity_kva == ${number}` })));
  for (let round = 0; round < 2; round += 1) {
    forms.forEach((one, number) => {
      assert.equal(judge(one, { capacity_kva: number }, {}).items[0].shown, true);
      assert.equal(judge(one, { capacity_kva: 200 }, {}).items[0].shown, false);
    });
  }
});
