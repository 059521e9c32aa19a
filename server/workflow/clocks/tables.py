"""What is timed, what it may take, and why the utility may wait: the tables beside this file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Literal

import msgspec
import yaml

from server.workflow.vocabulary import Holder, ProcessName

ClockKind = Literal["internal", "promise", "legal"]
Unit = Literal["working", "calendar"]
PauseSide = Literal["WC", "WG", "SU"]


class Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a clock spans; exactly one of `stages`, `whole` and `grid_works` says it."""

    stages: frozenset[str] = frozenset()
    whole: bool = False
    grid_works: bool = False
    fresh: bool = False


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One limit of a profile: how many days its clock may show, and for which cases."""

    clock: str
    days: int | dict[date, int]
    source: str
    processes: tuple[ProcessName, ...] = ("hv", "hv_complex")
    unit: Unit = "working"
    size: Literal["normal", "extended"] | None = None
    sources: Literal["single", "dual"] | None = None
    resident: bool | None = None


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """A set of limits of one kind. `since`: the day from which a plain number holds."""

    kind: ClockKind
    since: date
    limits: dict[str, Limit]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table of clocks and profiles."""

    schema: Literal[1]
    clocks: dict[str, Span]
    profiles: dict[str, Profile]

    def of_kind(self, kind: ClockKind) -> tuple[str, ...]:
        """The profiles of one kind."""
        return tuple(name for name, profile in self.profiles.items() if profile.kind == kind)


class PauseReason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reason for which clocks stand still."""

    side: PauseSide
    held_by: Holder
    counted_in: tuple[ProcessName, ...] = ()
    source: str = "EJ"


class _Pauses(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: Literal[1]
    reasons: dict[str, PauseReason]


@cache
def limits() -> Limits:
    """The table of limits. Raises ValueError for one that cannot be."""
    table = msgspec.convert(_read("limits.yaml"), Limits, strict=False)
    if complaints := list(lint(table)):
        raise ValueError("limits.yaml: " + "; ".join(complaints))
    return table


@cache
def limits_on(profile: str, clock: str) -> tuple[tuple[str, Limit], ...]:
    """The limits of a profile that a clock is held to, by `<profile>.<limit>`; none of an unknown profile."""
    known = limits().profiles.get(profile)
    rows = known.limits.items() if known is not None else ()
    return tuple((f"{profile}.{name}", limit) for name, limit in rows if limit.clock == clock)


@cache
def pause_reasons() -> Mapping[str, PauseReason]:
    """Every reason for a pause, by its code."""
    return msgspec.convert(_read("pauses.yaml"), _Pauses).reasons


def lint(table: Limits) -> Iterator[str]:
    """What is wrong with a table of limits, in words."""
    for name, span in table.clocks.items():
        if [bool(span.stages), span.whole, span.grid_works].count(True) != 1:
            yield f"{name}: a clock spans stages, the whole case or the grid works"
    for profile_name, profile in table.profiles.items():
        for name, limit in profile.limits.items():
            if limit.clock not in table.clocks:
                yield f"{profile_name}.{name}: no clock {limit.clock}"
            days = limit.days.values() if isinstance(limit.days, dict) else (limit.days,)
            if not all(number >= 0 for number in days) or not any(days):
                yield f"{profile_name}.{name}: a limit is a number of days"


def dated(profile: Profile, limit: Limit) -> tuple[tuple[date, int], ...]:
    """From which day how many days hold."""
    if isinstance(limit.days, dict):
        return tuple(sorted(limit.days.items()))
    return ((profile.since, limit.days),)


def _read(name: str) -> Any:
    return yaml.safe_load((resources.files(__package__) / name).read_text("utf-8"))
