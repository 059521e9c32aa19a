// Entry of build/cel.js: what the server's sandbox may call.
import "./cel-utf8.mjs";
import { explore } from "./cel-explore.mjs";
import { decide, inspect } from "./cel-rules.mjs";

globalThis.decide = decide;
globalThis.inspect = inspect;
globalThis.explore = explore;
