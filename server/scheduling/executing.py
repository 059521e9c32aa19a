"""How an outage went: when customers were without supply, which works were done, and why otherwise. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from server.scheduling.plans import ReasonCode

__all__ = [
    "Execution",
    "ExecutionRefused",
    "SectionTimes",
    "WorkResult",
    "checked",
    "merged_execution",
    "real_hours",
]

#: deviated: some work was not done, or the times were others than planned by more than is allowed.
Outcome = Literal["as_planned", "deviated", "cancelled"]
Words = Annotated[str, Meta(max_length=4000)]


class ExecutionRefused(Exception):
    """What is recorded cannot be; `code` is of catalogue `scheduling`."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class SectionTimes(Struct, frozen=True, kw_only=True):
    """When a section was off and on again, where that differs from the outage."""

    section: str
    off: datetime
    on: datetime


class WorkResult(Struct, frozen=True, kw_only=True):
    """Whether a work was done, and why not."""

    work: str
    done: bool
    code: ReasonCode | None = None
    remark: Words = ""


class Execution(Struct, frozen=True, kw_only=True):
    """How an outage went; `off` and `on` are None where it did not take place. `customer_hours` are those
    that customers were really out, by section."""

    outage: str
    outcome: Outcome
    works: tuple[WorkResult, ...]
    customer_hours: float
    by: str
    at: datetime
    off: datetime | None = None
    on: datetime | None = None
    sections: tuple[SectionTimes, ...] = ()
    code: ReasonCode | None = None
    reason: Words = ""


def checked(
    outage: Mapping[str, Any],
    said: Execution,
    *,
    planned: tuple[datetime, datetime],
    tolerance: timedelta,
) -> Execution:
    """The execution with its outcome. `planned` is when the outage (of `outage-plan-1`) was to be off and on.

    Raises ExecutionRefused for times that cannot be, works that are not told, and a deviation without reason.
    """
    if (said.off is None) != (said.on is None):
        raise ExecutionRefused("execution_times_half")
    spans = [(said.off, said.on), *((one.off, one.on) for one in said.sections)]
    for off, on in spans:
        if off is not None and on is not None and (not off < on or on > said.at):
            raise ExecutionRefused("execution_times_order", off=off.isoformat(), on=on.isoformat())
    touched = {*outage["dead"], *outage["moved"]}
    for one in said.sections:
        if said.off is None or one.section not in touched:
            raise ExecutionRefused("execution_section_unknown", section=one.section)
    riding = {one["work"] for one in outage["works"]}
    told = [one.work for one in said.works]
    if len(told) != len(set(told)) or set(told) != riding:
        raise ExecutionRefused("execution_works", works=", ".join(sorted(riding)))
    if said.off is None and any(one.done for one in said.works):
        raise ExecutionRefused("execution_done_without")
    outcome = _outcome(said, planned, tolerance)
    if outcome != "as_planned" and (said.code is None or not said.reason.strip()):
        raise ExecutionRefused("execution_reason_missing")
    return msgspec.structs.replace(said, outcome=outcome)


def _outcome(said: Execution, planned: tuple[datetime, datetime], tolerance: timedelta) -> Outcome:
    if said.off is None or said.on is None:
        return "cancelled"
    late = abs(said.off - planned[0]) > tolerance or said.on - planned[1] > tolerance
    return "deviated" if late or not all(one.done for one in said.works) else "as_planned"


def real_hours(
    outage: Mapping[str, Any],
    said: Execution,
    *,
    counts: Mapping[str, int],
    spread: Mapping[str, frozenset[str]],
) -> float:
    """Customer-hours as they were: of dead sections by their own times, of those only switched over as
    planned. `counts` are customers by section; those in `spread` have meters in several, and were out while
    all of them were."""
    if said.off is None or said.on is None:
        return 0.0
    own = {one.section: (one.off, one.on) for one in said.sections}
    spans = {section: own.get(section, (said.off, said.on)) for section in outage["dead"]}
    hours = sum(counts.get(section, 0) * _hours(*span) for section, span in spans.items())
    for sections in spread.values():
        if len(sections) > 1 and sections <= spans.keys():
            off = max(spans[section][0] for section in sections)
            on = min(spans[section][1] for section in sections)
            hours += _hours(off, max(off, on))
    return float(hours + _moved_hours(outage))


def _moved_hours(outage: Mapping[str, Any]) -> float:
    """What of the planned customer-hours falls to those who are only switched over."""
    off, on = (datetime.fromisoformat(outage[name]) for name in ("off", "on"))
    return float(max(0.0, outage["customer_hours"] - outage["customers_dead"] * _hours(off, on)))


def _hours(off: datetime, on: datetime) -> float:
    return (on - off) / timedelta(hours=1)


def merged_execution(leaves: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of records written in two places at once all are kept; the latest counts."""

    def records() -> Iterator[dict[str, Any]]:
        for leaf in leaves:
            yield from leaf["records"]

    every = {msgspec.json.encode(one, order="deterministic"): one for one in records()}
    ordered = sorted(every, key=lambda key: (str(every[key]["at"]), key))
    return {**leaves[0], "records": [every[key] for key in ordered]}
