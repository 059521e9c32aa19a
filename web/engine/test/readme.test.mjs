// The README's example runs, and prints what it says.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";

test("the example prints what it says", () => {
  const text = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [, example] = /```js\n(.*?)```/s.exec(text);
  const [, promised] = /^\/\/ (.*)$/m.exec(example);
  const built = new URL("../../../build/engine/index.js", import.meta.url).href;
  const program = example.replace('"@hezha/engine"', JSON.stringify(built));
  const printed = execFileSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" });
  assert.equal(printed.trim(), promised);
});
