// Bundles the CEL evaluator for the server's sandbox: `npm run build:cel` writes build/cel.js.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = new URL("..", import.meta.url);

await build({
  entryPoints: [fileURLToPath(new URL("web/cel-sandbox.mjs", root))],
  outfile: fileURLToPath(new URL("build/cel.js", root)),
  bundle: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "inline",
  logLevel: "warning",
});
