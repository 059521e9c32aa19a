"""CEL, decided by the evaluator that the tablets run, in the sandbox.

Expressions see `facts` (by name) and `answers` (values by item code). Numbers are doubles on both sides.
A form is decided in one call, because crossing into the sandbox costs more than most expressions do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from jsengine import JSLimitExceeded, Limits, Sandbox

__all__ = [
    "CelMissing",
    "Decision",
    "Exploration",
    "Inspection",
    "Outcome",
    "decide",
    "explore",
    "inspect",
]

_BUNDLE = Path(__file__).resolve().parent.parent / "build" / "cel.js"
#: For a whole form. Ordinary forms take a few milliseconds.
_LIMITS = Limits(seconds=2.0, memory_bytes=64 * 1024 * 1024)


class CelMissing(RuntimeError):
    """The bundle is not built."""


class Outcome(msgspec.Struct, frozen=True):
    """What an expression gave, over every way to read the disputed answers.

    `yes` and `no` can both be true if it depends on them. `error` says why some reading gave neither; `facts`
    and `answers` name what the expression asked for and was not there.
    """

    yes: bool = False
    no: bool = False
    error: str | None = None
    facts: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()

    @property
    def may_hold(self) -> bool:
        """True unless the expression is known to be false: what cannot be known is taken to hold."""
        return self.yes or self.error is not None


class Decision(msgspec.Struct, frozen=True):
    """An item's expressions, decided; None where the item has none. `limits` follows the item's limits."""

    when: Outcome | None = None
    accept: Outcome | None = None
    limits: tuple[Outcome | None, ...] = ()

    @property
    def shown(self) -> bool:
        return self.when is None or self.when.may_hold

    def limit_applies(self, index: int) -> bool:
        outcome = self.limits[index] if index < len(self.limits) else None
        return outcome is None or outcome.may_hold


class Inspection(msgspec.Struct, frozen=True):
    """What an expression is, without evaluating it. `dynamic`: it computes the name of a fact or answer."""

    error: str | None
    type: str | None
    facts: tuple[str, ...]
    answers: tuple[str, ...]
    functions: tuple[str, ...]
    dynamic: bool


@cache
def _sandbox() -> Sandbox:
    try:
        source = _BUNDLE.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CelMissing(f"{_BUNDLE} is missing: run `make setup`, or `npm run build:cel` alone") from None
    return Sandbox(source, limits=_LIMITS)


def decide(
    rules: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Any],
    answers: Mapping[str, Sequence[Any]],
    forced: Collection[str] = (),
    derived: Mapping[str, str] | None = None,
) -> dict[str, Decision]:
    """Decide a form's rules (see `Definition.rules`); items without expressions have no decision.

    `derived` are facts that follow from `facts`, by name their expressions. Where one cannot be known,
    `Outcome.facts` names what it follows from.

    `answers` gives the values of each item, more than one where the answer is disputed. Items in `forced` are
    shown whatever their condition says. A hidden item's answer is out of sight of the rules after it. If the
    sandbox stops the form, every expression counts as one that cannot be evaluated. Raises CelMissing.
    """
    if not rules:
        return {}
    try:
        raw = _sandbox().call("decide", rules, facts, answers, sorted(forced), dict(derived or {}))
    except JSLimitExceeded as fault:
        return {rule["code"]: _undecided(rule, str(fault), rule["code"] in forced) for rule in rules}
    return msgspec.convert(raw, dict[str, Decision])


def _undecided(rule: Mapping[str, Any], error: str, forced: bool) -> Decision:
    unknown = Outcome(error=error)
    return Decision(
        when=unknown if rule["when"] and not forced else None,
        accept=unknown if rule["accept"] else None,
        limits=tuple(unknown if when else None for when in rule["limits"]),
    )


def inspect(
    expressions: Sequence[str], fact_types: Mapping[str, Literal["bool", "double", "string"]]
) -> tuple[Inspection, ...]:
    """Check expressions against the declared facts. Raises CelMissing."""
    return msgspec.convert(_sandbox().call("inspect", expressions, fact_types), tuple[Inspection, ...])


class Exploration(msgspec.Struct, frozen=True):
    """What trying an expression showed: seen true, seen false, and whether what was not seen cannot be.

    `tried` counts the situations; `failure` is the first one in which an error stopped the expression although
    everything that it asked for was known: `{error, facts, answers}`.
    """

    holds: bool
    fails: bool
    decided: bool
    tried: int
    failure: dict[str, Any] | None


def explore(
    expression: str, declared: Mapping[str, Mapping[str, Any]], derived: Mapping[str, str], most: int
) -> Exploration | None:
    """Try an expression with the values of its variables, in `most` situations at the most.

    `declared` says by `facts.<name>` or `answers.<code>` which values there are: `{kind: "all", values}`, all of
    them; `{kind: "some", values}`, others too; `{kind: "number", min?, max?}`; `{kind: "text"}`. None if the
    expression is not valid or asks for something else, or if the sandbox stopped it. Raises CelMissing.
    """
    try:
        raw = _sandbox().call("explore", expression, declared, dict(derived), most)
    except JSLimitExceeded:
        return None
    return msgspec.convert(raw, Exploration | None)
