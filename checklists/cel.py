"""CEL, decided by the evaluator that the tablets run, in the sandbox.

Expressions see `facts` (by name), `answers` (values by item code), `times` (when each was answered, in
seconds since 1970), `photos` (by item code the `taken_at` of each, in the same seconds) and the `visit`
with its `start` and `end`. Numbers are doubles on both sides. A form is decided in one call, because
crossing into the sandbox costs more than most expressions do; its expressions stay there, under their
digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from checklists.model import Rules, entry_code
from checklists.units import units
from jsengine import JSLimitExceeded, JSThrown, Limits, Sandbox

__all__ = [
    "FUNCTIONS",
    "CelMissing",
    "Count",
    "Decision",
    "Exploration",
    "Filled",
    "Inspection",
    "Outcome",
    "decide",
    "explore",
    "inspect",
]

_CALLED_IN_CEL = "all contains endsWith exists exists_one filter has map size startsWith"
_CALLED_BESIDE = "abs convert days greatest least round sum"
#: What expressions may call, beside operators. Nothing here reads a clock, backtracks or grows its input.
FUNCTIONS = frozenset(f"{_CALLED_IN_CEL} {_CALLED_BESIDE}".split())

_BUNDLE = Path(__file__).resolve().parent.parent / "build" / "cel.js"
#: For a whole form. Ordinary forms take a few milliseconds.
_LIMITS = Limits(seconds=2.0, memory_bytes=64 * 1024 * 1024)


class CelMissing(RuntimeError):
    """The bundle is not built."""


class Outcome(msgspec.Struct, frozen=True):
    """What an expression gave, over every way to read the disputed answers.

    `yes` and `no` can both be true if it depends on them. `error` says why some reading gave neither;
    `facts` and `answers` name what the expression asked for and was not there, `photos` the answers to
    which it looked for photos whose time is not known.
    """

    yes: bool = False
    no: bool = False
    error: str | None = None
    facts: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    photos: tuple[str, ...] = ()

    @property
    def may_hold(self) -> bool:
        """True unless the expression is known to be false: what cannot be known is taken to hold."""
        return self.yes or self.error is not None


class Count(msgspec.Struct, frozen=True):
    """How many an expression gave, over every way to read the disputed answers; the rest as in Outcome."""

    counts: tuple[int, ...] = ()
    error: str | None = None
    facts: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    photos: tuple[str, ...] = ()


class Decision(msgspec.Struct, frozen=True):
    """An item's expressions, decided; None where the item has none. `limits` and `severities` follow the
    item's own, `count` is that of a repeat's entries."""

    when: Outcome | None = None
    accept: Outcome | None = None
    limits: tuple[Outcome | None, ...] = ()
    severities: tuple[Outcome | None, ...] = ()
    count: Count | None = None

    @property
    def shown(self) -> bool:
        return self.when is None or self.when.may_hold

    def limit_applies(self, index: int) -> bool:
        outcome = self.limits[index] if index < len(self.limits) else None
        return outcome is None or outcome.may_hold

    def severity_applies(self, index: int) -> bool:
        outcome = self.severities[index] if index < len(self.severities) else None
        return outcome is None or outcome.may_hold

    @property
    def open(self) -> tuple[Outcome | Count, ...]:
        """The expressions that could not be evaluated on some way to read the answers."""
        decided = (self.when, self.accept, *self.limits, *self.severities, self.count)
        return tuple(one for one in decided if one is not None and one.error is not None)


class Filled(msgspec.Struct, frozen=True, omit_defaults=True):
    """A filled-in form as expressions see it.

    `answers` are by name, an item's code or in an entry `code#entry`, the alternatives of each: one, or
    several where the answer is disputed, as `{"value"?, "at"?, "photos"?}`. `entries` are by repeat those
    that it has, key and label. `photos` are by id `{"taken_at": seconds}`, `visit` is `{"start", "end"}` in
    seconds since 1970. Items in `forced` are shown whatever their condition says.
    """

    facts: Mapping[str, Any] = {}
    answers: Mapping[str, Sequence[Mapping[str, Any]]] = {}
    entries: Mapping[str, Sequence[tuple[str, str]]] = {}
    photos: Mapping[str, Mapping[str, float]] = {}
    visit: Mapping[str, float] = {}
    forced: Collection[str] = ()


class Inspection(msgspec.Struct, frozen=True):
    """What an expression is, without evaluating it: the names that it looks up in each variable, every text
    and field that it spells, and what it calls. `dynamic`: it computes a name, or takes a variable as a
    whole."""

    error: str | None
    type: str | None
    facts: tuple[str, ...]
    answers: tuple[str, ...]
    functions: tuple[str, ...]
    dynamic: bool
    times: tuple[str, ...] = ()
    photos: tuple[str, ...] = ()
    visit: tuple[str, ...] = ()
    spelled: tuple[str, ...] = ()


@cache
def _sandbox() -> Sandbox:
    try:
        source = _BUNDLE.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CelMissing(f"{_BUNDLE} is missing: run `make setup`, or `npm run build:cel` alone") from None
    table = msgspec.json.encode(dict(units())).decode()
    return Sandbox(f"{source}\nuseUnits({table});", limits=_LIMITS)


def decide(rules: Rules, filled: Filled, derived: Mapping[str, str] | None = None) -> dict[str, Decision]:
    """Decide a form's rules, by the name of each item; items without expressions have no decision.

    `derived` are facts that follow from `filled.facts`, by name their expressions. Where one cannot be
    known, `Outcome.facts` names what it follows from. A hidden item's answer is out of sight of the rules
    after it, and so are those of a hidden repeat's entries. If the sandbox stops the form, every expression
    counts as one that cannot be evaluated. Raises CelMissing.
    """
    if not rules.items:
        return {}
    follows = tuple(sorted((derived or {}).items()))
    key = f"{rules.digest}/{_digest(follows)}"
    form = {**msgspec.structs.asdict(filled), "forced": sorted(filled.forced)}
    try:
        raw = _sandbox().call("decide", key, form)
        if raw is None:
            expressions = {"derived": dict(follows), "items": rules.items, "repeats": rules.repeats}
            raw = _sandbox().call("decide", key, form, expressions)
    except JSLimitExceeded as fault:
        return dict(_undecided(rules, filled, str(fault)))
    except JSThrown as fault:
        # Whatever an expression throws is an outcome. What comes here is an engine at its end.
        _sandbox.cache_clear()
        return dict(_undecided(rules, filled, str(fault)))
    return {name: _decision(*fields) for name, fields in raw.items()}


@lru_cache(maxsize=8)
def _digest(follows: tuple[tuple[str, str], ...]) -> str:
    return hashlib.sha256(msgspec.json.encode(follows)).hexdigest()


_YES, _NO = Outcome(yes=True), Outcome(no=True)


def _outcome(raw: Any) -> Outcome | None:
    if raw is None:
        return None
    if raw == 1:
        return _YES
    return _NO if raw == 0 else msgspec.convert(raw, Outcome)


def _decision(when: Any, accept: Any, limits: Any, severities: Any, count: Any) -> Decision:
    return Decision(
        when=_outcome(when),
        accept=_outcome(accept),
        limits=tuple(map(_outcome, limits or ())),
        severities=tuple(map(_outcome, severities or ())),
        count=None if count is None else msgspec.convert(count, Count, strict=False),
    )


def _undecided(rules: Rules, filled: Filled, error: str) -> Iterator[tuple[str, Decision]]:
    unknown = Outcome(error=error)
    for rule in rules.items:
        entries = filled.entries.get(rule["repeat"], ()) if "repeat" in rule else None
        code = rule["code"]
        names = [code] if entries is None else [entry_code(code, entry) for entry, _ in entries]
        for name in names:
            yield (
                name,
                Decision(
                    when=unknown if rule.get("when") and name not in filled.forced else None,
                    accept=unknown if rule.get("accept") else None,
                    limits=tuple(unknown if when else None for when in rule.get("limits", ())),
                    severities=tuple(unknown for _ in rule.get("severities", ())),
                    count=Count(error=error) if rule.get("count") else None,
                ),
            )


def inspect(
    expressions: Sequence[str], fact_types: Mapping[str, Literal["bool", "double", "string"]]
) -> tuple[Inspection, ...]:
    """Check expressions against the declared facts. Raises CelMissing."""
    return msgspec.convert(_sandbox().call("inspect", expressions, fact_types), tuple[Inspection, ...])


class Exploration(msgspec.Struct, frozen=True):
    """What trying an expression showed: seen true, seen false, and whether what was not seen cannot be.

    `tried` counts the situations; `failure` is the first one in which an error stopped the expression
    although everything that it asked for was known: `{error, facts, answers}`.
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

    `declared` says by `facts.<name>`, `answers.<code>`, `times.<code>` and so on which values there are:
    `{kind: "all", values}`, all of them; `{kind: "some", values}`, others too; `{kind: "number", min?,
    max?}`; `{kind: "text"}`; `{kind: "date"}`. None if the expression is not valid or asks for something
    else, or if the sandbox stopped it. Raises CelMissing.
    """
    try:
        raw = _sandbox().call("explore", expression, declared, dict(derived), most)
    except JSLimitExceeded:
        return None
    return msgspec.convert(raw, Exploration | None)
