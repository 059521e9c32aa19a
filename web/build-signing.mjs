// Bundles what tablets sign with into build/signing/, an ES module. `npm run build:signing` lays its types beside it.
import { copyFile, mkdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = new URL("..", import.meta.url);
const path = (name) => fileURLToPath(new URL(name, root));
const target = path("build/signing");

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
await build({
  entryPoints: [path("web/signing/src/index.ts")],
  outfile: `${target}/index.js`,
  bundle: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  logLevel: "warning",
});
for (const name of ["package.json", "README.md"]) await copyFile(path(`web/signing/${name}`), `${target}/${name}`);
