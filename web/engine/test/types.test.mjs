// Whoever installs the package has its types, and they stand by themselves.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const program = `
import { judge, type Definition, type Judgement } from "@hezha/engine";
declare const definition: Definition;
const judged: Judgement = judge(definition, {}, {}, { only: ["A-01"], photos: { p: { taken_at: 3 } } });
export const words: string | undefined = judged.items[0]?.reason["zh-CN"];
// @ts-expect-error a visit has a start and an end
judge(definition, {}, {}, { visit: { begin: 3 } });
`;

test("a program in TypeScript is checked against the package's types", () => {
  const folder = mkdtempSync(join(tmpdir(), "hezha-engine-"));
  try {
    mkdirSync(join(folder, "node_modules/@hezha"), { recursive: true });
    symlinkSync(join(root, "build/engine"), join(folder, "node_modules/@hezha/engine"));
    writeFileSync(join(folder, "program.mts"), program);
    const strict = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--skipLibCheck", "false"];
    execFileSync(join(root, "node_modules/.bin/tsc"), [...strict, "program.mts"], { cwd: folder, stdio: "pipe" });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
