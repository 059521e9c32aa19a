"""A bounded JavaScript engine for the functions that must run alike here and elsewhere.

Two rooms need JavaScript inside Python: `sync` runs `validate_doc_update` as CouchDB does, `checklists`
runs the same CEL evaluator as the tablets. Neither may stop or bloat the server, so the walls stand here
once: a few contexts shared under a lock, JSON across the boundary, time, memory and stack limits for every
call, and a context that broke a limit is thrown away.
"""

from __future__ import annotations

import json
import queue
from dataclasses import dataclass
from typing import Any

import quickjs

__all__ = ["JSFault", "JSLimitExceeded", "JSThrown", "Limits", "Sandbox"]

_GLUE = """
globalThis.__hezha_call = (name, args) => {
  try {
    const value = globalThis[name](...JSON.parse(args));
    return JSON.stringify({ value: value === undefined ? null : value });
  } catch (e) {
    const isError = e instanceof Error;
    return JSON.stringify({ thrown: {
      name: isError ? e.name : "",
      message: isError ? String(e.message) : "",
      value: isError ? null : (e === undefined ? null : e),
    } });
  }
};
"""


@dataclass(frozen=True)
class Limits:
    """What one call may use.

    `seconds` is processor time of the whole process, as QuickJS measures it, so leave room for busy
    neighbours; `memory_bytes` is the whole context's heap; `stack_bytes` bounds recursion.
    """

    seconds: float = 2.0
    memory_bytes: int = 64 * 1024 * 1024
    stack_bytes: int = 512 * 1024


class JSFault(Exception):
    """A call did not return a value."""


class JSThrown(JSFault):
    """The function threw. `value` is what it threw if that was not an Error, else None."""

    def __init__(self, name: str, message: str, value: Any) -> None:
        super().__init__(f"{name}: {message}" if name else f"thrown: {value!r}")
        self.name = name
        self.message = message
        self.value = value


class JSLimitExceeded(JSFault):
    """The call ran into its time, memory or stack limit, and its context is gone."""


class Sandbox:
    """A script loaded into `size` contexts; `call` runs one of its global functions.

    Raises JSFault at construction if the script does not load. Safe for use from many threads: each call
    holds one context alone, and waits for one when all are taken.
    """

    def __init__(self, source: str, *, limits: Limits | None = None, size: int = 2) -> None:
        self._source = source
        self._limits = limits or Limits()
        self._idle: queue.LifoQueue[quickjs.Context | None] = queue.LifoQueue()
        for _ in range(size - 1):
            self._idle.put(None)
        self._idle.put(self._load())

    def _load(self) -> quickjs.Context:
        context = quickjs.Context()
        context.set_max_stack_size(self._limits.stack_bytes)
        context.set_memory_limit(self._limits.memory_bytes)
        context.set_time_limit(self._limits.seconds)
        try:
            context.eval(_GLUE)
            context.eval(self._source)
        except (quickjs.JSException, quickjs.StackOverflow) as error:
            raise JSFault(_first_line(error)) from error
        return context

    def call(self, function: str, *args: Any) -> Any:
        """Call a global function with JSON values and return its JSON value.

        Raises JSThrown when the function throws, JSLimitExceeded when it does not come back in bounds.
        """
        return self.call_json(function, json.dumps(args))

    def call_json(self, function: str, args: str) -> Any:
        """The same, with the list of arguments as JSON already. Raises as `call`."""
        context = self._idle.get()
        try:
            if context is None:
                context = self._load()
            outcome = context.get("__hezha_call")(function, args)
        except (quickjs.JSException, quickjs.StackOverflow, MemoryError) as error:
            # Interrupts, exhausted memory and stacks arrive here: the heap's state is not to be trusted.
            context = None
            raise JSLimitExceeded(_first_line(error)) from error
        finally:
            self._idle.put(context)
        result = json.loads(outcome)
        if "thrown" in result:
            thrown = result["thrown"]
            if thrown["name"] == "InternalError":
                raise JSLimitExceeded(thrown["message"])
            raise JSThrown(thrown["name"], thrown["message"], thrown["value"])
        return result["value"]


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
