// Bundles the tablets' evaluator into build/engine/, an ES module. `npm run build:engine` lays its types beside it.
import { copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { parse } from "yaml";

const root = new URL("..", import.meta.url);
const path = (name) => fileURLToPath(new URL(name, root));
const target = path("build/engine");

/** The catalogues of checklists/ as one module, so that the words of a reason stand in one place only. */
const catalogues = {
  name: "catalogues",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^hezha:catalogues$/ }, ({ path: name }) => ({ path: name, namespace: "catalogues" }));
    onLoad({ filter: /.*/, namespace: "catalogues" }, async () => {
      const read = async (name) => parse(await readFile(path(`checklists/${name}.yaml`), "utf8"), { version: "1.1" });
      const [reasons, facts, units] = await Promise.all(["reasons", "facts", "units"].map(read));
      return { contents: JSON.stringify({ reasons, facts, units }), loader: "json" };
    });
  },
};

await rm(target, { recursive: true, force: true });
await mkdir(`${target}/cel`, { recursive: true });
await build({
  entryPoints: [path("web/engine/src/index.ts")],
  outfile: `${target}/index.js`,
  bundle: true,
  packages: "external",
  format: "esm",
  target: "es2022",
  charset: "utf8",
  logLevel: "warning",
  plugins: [catalogues],
});
for (const name of ["package.json", "README.md", "cel/rules.d.mts", "cel/language.d.mts"]) {
  await copyFile(path(`web/engine/${name}`), `${target}/${name}`);
}
