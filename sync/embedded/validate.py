"""Runs `validate_doc_update` functions as CouchDB does.

CouchDB calls the function of every design document before it stores a document. What the function throws
decides: `{forbidden: reason}` and `{unauthorized: reason}` are verdicts on this document. Anything else
(a bug, a runaway loop) says nothing about the document, so the write is refused with a 500 and not a 403: a
replicator skips documents that are forbidden but stops and tries again after an error, and a broken rule must
not make a tablet believe that its work was judged.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from jsengine import JSFault, JSLimitExceeded, JSThrown, Limits, Sandbox
from sync.store import Forbidden, StoreError, Unauthorized

#: A value, or the JSON of one.
Json = Mapping[str, Any] | bytes
#: What CouchDB's query server offers to every design function and a validation function may expect.
_PRELUDE = """
function isArray(value) { return Array.isArray(value); }
function toJSON(value) { return JSON.stringify(value); }
function log() {}
"""


class RuleFault(StoreError):
    """A write rule did not come to a verdict, so nothing was written."""

    status = 500
    error = "unknown_error"


class Validator:
    """Callable as the engine's `validator`. Safe for use from many threads.

    `limits` bounds each call; `kept` is how many different sources stay loaded (each with up to
    `contexts` JavaScript contexts).
    """

    def __init__(self, *, limits: Limits | None = None, kept: int = 16, contexts: int = 2) -> None:
        self._limits = limits or Limits()
        self._kept = kept
        self._contexts = contexts
        self._lock = threading.Lock()
        self._sandboxes: OrderedDict[str, Sandbox] = OrderedDict()

    def __call__(
        self,
        sources: Sequence[str],
        new_doc: Json,
        old_doc: Json | None,
        user_ctx: Json,
        sec_obj: Json,
    ) -> None:
        """Return if every function in `sources` lets `new_doc` pass.

        Raises Forbidden or Unauthorized as the functions say, RuleFault if one is broken or exceeds a limit.
        """
        args = f"[{','.join([_json(value) for value in (new_doc, old_doc, user_ctx, sec_obj)])}]"
        for source in sources:
            _run(self._sandbox(source), args)

    def _sandbox(self, source: str) -> Sandbox:
        with self._lock:
            sandbox = self._sandboxes.get(source)
            if sandbox is not None:
                self._sandboxes.move_to_end(source)
                return sandbox
        # Loaded outside the lock: a source that takes its time must not hold up the others.
        try:
            sandbox = Sandbox(_script(source), limits=self._limits, size=self._contexts)
        except JSFault as fault:
            raise RuleFault(f"validate_doc_update does not compile: {fault}") from fault
        with self._lock:
            sandbox = self._sandboxes.setdefault(source, sandbox)
            while len(self._sandboxes) > self._kept:
                self._sandboxes.popitem(last=False)
            return sandbox


def _script(source: str) -> str:
    return f"{_PRELUDE}\nglobalThis.validate_doc_update = (\n{source}\n);\n" + (
        'if (typeof validate_doc_update !== "function") throw new TypeError("not a function");'
    )


def _json(value: Json | None) -> str:
    if isinstance(value, bytes):
        return value.decode()
    try:
        return json.dumps(value)
    except RecursionError as error:
        raise RuleFault("validate_doc_update cannot be run: the document is nested too deeply") from error


def _run(sandbox: Sandbox, args: str) -> None:
    try:
        sandbox.call_json("validate_doc_update", args)
    except JSThrown as thrown:
        raise _verdict(thrown) from thrown
    except JSLimitExceeded as exceeded:
        raise RuleFault(f"validate_doc_update exceeded its limits: {exceeded}") from exceeded


def _verdict(thrown: JSThrown) -> StoreError:
    if isinstance(thrown.value, dict):
        if "forbidden" in thrown.value:
            return Forbidden(_reason(thrown.value["forbidden"]))
        if "unauthorized" in thrown.value:
            return Unauthorized(_reason(thrown.value["unauthorized"]))
    return RuleFault(f"validate_doc_update failed: {thrown}")


def _reason(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
