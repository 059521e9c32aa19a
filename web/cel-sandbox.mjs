// Entry of build/cel.js: what the server's sandbox may call.
import "./cel-utf8.mjs";
import { explore } from "./engine/cel/explore.mjs";
import { decide, inspect, load, useUnits } from "./engine/cel/rules.mjs";

globalThis.decide = (key, given, rules) => {
  if (rules) load(key, rules);
  return decide(key, given);
};
globalThis.inspect = inspect;
globalThis.explore = explore;
globalThis.useUnits = useUnits;
