"""Functions of design documents: `filters`, which decide what a feed shows, and those of views.

They run in the sandbox as CouchDB's query server would run them, with `require` of modules inside their
design document. A function that throws, or does not come back within its limits, is an error of who asked for
it and of nobody else. As in CouchDB, a map function that throws only leaves its document out.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from jsengine import JSFault, JSLimitExceeded, JSThrown, Limits, Sandbox
from sync.store import Document, NotFound, StoreError

_PRELUDE = """
function isArray(value) { return Array.isArray(value); }
function toJSON(value) { return JSON.stringify(value); }
function log() {}
function sum(values) { return values.reduce((total, value) => total + value, 0); }
let __emitted = [];
function emit(key, value) { __emitted.push([key, __told(value)]); }
function __told(value) {
  if (typeof value !== "object" || value === null) return value;
  const error = "stack" in value && "name" in value && "message" in value;
  return error ? { error: value.name, message: value.message } : value;
}

// CommonJS modules are strings inside the design document, named by their path in it.
const __modules = new Map();
function __load(path, from) {
  const relative = path.startsWith("./") || path.startsWith("../");
  const names = relative ? from.slice(0, -1) : [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== ".") names.push(name);
  }
  const id = names.join("/");
  if (__modules.has(id)) return __modules.get(id).exports;
  let source = __ddoc;
  for (const name of names) source = source === undefined || source === null ? undefined : source[name];
  if (typeof source !== "string") throw { invalid_require_path: "Must require a JavaScript string: " + id };
  const module = { id, exports: {} };
  __modules.set(id, module);
  new Function("module", "exports", "require", source)(module, module.exports, (next) => __load(next, names));
  return module.exports;
}
function require(path) { return __load(path, []); }

function __filter(docs, req) {
  return docs.map((doc) => Boolean(__function.apply(__ddoc, [doc, req])));
}
function __view(docs) {
  return docs.map((doc) => { __emitted = []; __function.apply(__ddoc, [doc]); return __emitted.length > 0; });
}
function __frozen(value) {
  if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(__frozen);
  return value;
}
// What a view survives and what it does not, as CouchDB has it.
function __survive(thrown) {
  if (thrown === "fatal_error") throw { map_runtime_error: "function raised 'fatal_error'" };
  if (thrown === null || thrown === undefined) return;
  if (thrown[0] === "fatal") throw { [thrown[1]]: String(thrown[2]) };
  if (thrown.name === "InternalError") throw thrown;
  // CouchDB's engine calls this an InternalError too.
  if (String(thrown.message).startsWith("Maximum call stack")) throw new InternalError("stack overflow");
}
function __map(docs) {
  return docs.map((doc) => {
    __emitted = [];
    try { __function.apply(__ddoc, [__frozen(doc)]); } catch (thrown) { __survive(thrown); __emitted = []; }
    return JSON.stringify(__emitted);
  });
}
function __reduce(keys, values, rereduce) {
  try { return __function.apply(__ddoc, [keys, values, rereduce]); } catch (thrown) { __survive(thrown); }
  return null;
}
"""


class FilterFault(StoreError):
    """A function did not come to a result. Its own words, where it threw some, are the reason."""

    status = 500
    error = "unknown_error"


class Functions:
    """Runs such functions. Safe for use from many threads.

    `limits` bounds one call, which gets up to `batch` documents; `kept` is how many different functions
    stay loaded (each with up to `contexts` JavaScript contexts).
    """

    def __init__(
        self, *, limits: Limits | None = None, batch: int = 20, kept: int = 16, contexts: int = 2
    ) -> None:
        self._limits = limits or Limits()
        self._batch = batch
        self._kept = kept
        self._contexts = contexts
        self._lock = threading.Lock()
        self._sandboxes: OrderedDict[str, Sandbox] = OrderedDict()

    def prepare(self, ddoc: Mapping[str, Any], path: Sequence[str]) -> Sandbox:
        """Load the function at `path` in a design document. Raises NotFound (missing), FilterFault."""
        source: Any = ddoc
        for name in path:
            source = source.get(name) if isinstance(source, dict) else None
        if source is None:
            raise NotFound(f"missing json key: {_missing(ddoc, path)}")
        if not isinstance(source, str):
            raise FilterFault(f"{'/'.join(path)} is not a function.", error="compilation_error")
        return self._sandbox(_script(ddoc, source))

    def filter(self, sandbox: Sandbox, docs: Sequence[Document], req: Mapping[str, Any]) -> list[bool]:
        """Which of `docs` the filter function lets pass. Raises FilterFault."""
        return self._run(sandbox, "__filter", docs, req)

    def emits(self, sandbox: Sandbox, docs: Sequence[Document]) -> list[bool]:
        """For which of `docs` the map function emits something. Raises FilterFault."""
        return self._run(sandbox, "__view", docs)

    def map(self, sandbox: Sandbox, docs: Sequence[Document]) -> list[str]:
        """What the map function emits for each of `docs`: a JSON array of `[key, value]`.

        Raises FilterFault.
        """
        found: list[str] = self._run(sandbox, "__map", docs)
        return found

    def reduce(
        self, sandbox: Sandbox, keys: Sequence[Any] | None, values: Sequence[Any], *, rereduce: bool
    ) -> Any:
        """What the reduce function makes of `values`; null if it throws. Raises FilterFault."""
        return self._call(sandbox, "__reduce", keys, values, rereduce)

    def _run(self, sandbox: Sandbox, function: str, docs: Sequence[Document], *more: Any) -> list[Any]:
        results: list[Any] = []
        for start in range(0, len(docs), self._batch):
            results += self._call(sandbox, function, docs[start : start + self._batch], *more)
        return results

    def _call(self, sandbox: Sandbox, function: str, *args: Any) -> Any:
        try:
            return sandbox.call(function, *args)
        except JSThrown as thrown:
            raise _told(thrown) from thrown
        except JSLimitExceeded as exceeded:
            raise FilterFault(f"The function exceeded its limits: {exceeded}") from exceeded
        except RecursionError as error:
            raise FilterFault("The document is nested too deeply for a function.") from error

    def _sandbox(self, script: str) -> Sandbox:
        with self._lock:
            sandbox = self._sandboxes.get(script)
            if sandbox is not None:
                self._sandboxes.move_to_end(script)
                return sandbox
        # Loaded outside the lock: a source that takes its time must not hold up the others.
        try:
            sandbox = Sandbox(script, limits=self._limits, size=self._contexts)
        except JSFault as fault:
            raise FilterFault(
                f"Compilation of the function failed: {fault}", error="compilation_error"
            ) from fault
        with self._lock:
            sandbox = self._sandboxes.setdefault(script, sandbox)
            while len(self._sandboxes) > self._kept:
                self._sandboxes.popitem(last=False)
            return sandbox


def _script(ddoc: Mapping[str, Any], source: str) -> str:
    quoted = json.dumps(json.dumps(ddoc))
    return (
        f"{_PRELUDE}\nconst __ddoc = JSON.parse({quoted});\nconst __function = (\n{source}\n);\n"
        'if (typeof __function !== "function") throw new TypeError("not a function");'
        "\nObject.assign(globalThis, { __filter, __view, __map, __reduce });"
    )


def _missing(ddoc: Mapping[str, Any], path: Sequence[str]) -> str:
    """The first name on the path that is not there."""
    at: Any = ddoc
    for name in path:
        if not isinstance(at, dict) or name not in at:
            return name
        at = at[name]
    return path[-1]


def _told(thrown: JSThrown) -> FilterFault:
    """What a function threw, as CouchDB passes it on: `{error: reason}` becomes an error of that name."""
    if isinstance(thrown.value, dict) and len(thrown.value) == 1:
        ((name, reason),) = thrown.value.items()
        return FilterFault(reason if isinstance(reason, str) else json.dumps(reason), error=str(name))
    return FilterFault(str(thrown), error="TypeError" if thrown.name == "TypeError" else "unknown_error")
