"""What became of published plans: which outages there were, planned and as they went. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct

from server.scheduling.executing import Execution
from server.scheduling.plans import PlanRecord


class Version(Struct, frozen=True, kw_only=True):
    """A plan that was published once, with what it planned (`outage-plan-1`) and how its outages went."""

    record: PlanRecord
    plan: Mapping[str, Any]
    executions: Mapping[str, Execution]


class Past(Struct, frozen=True, kw_only=True):
    """An outage that a plan has, or had when it was to take place; and how it went, where that is known."""

    day: date
    outage: Mapping[str, Any]
    execution: Execution | None

    @property
    def works(self) -> frozenset[str]:
        """The works that were to ride on it."""
        return frozenset(one["work"] for one in self.outage["works"])

    @property
    def interrupted(self) -> tuple[str, ...]:
        """The sections that it interrupts, or did."""
        if self.execution is not None and self.execution.off is None:
            return ()
        return tuple(self.outage["dead"])


def outages_of(versions: Sequence[Version]) -> tuple[Past, ...]:
    """The outages of a plan in all its versions, oldest first: those of the newest, each as it went under
    whichever version that was recorded, and those that were recorded and are in no later version."""
    *_, newest = versions
    recorded = [one for version in versions for one in _recorded(version)]
    found = []
    for outage in newest.plan["outages"]:
        planned = _planned(outage)
        # One that a later version keeps has its day and works, whatever it is called there.
        same = [one for one in recorded if one.day == planned.day and one.works & planned.works]
        found.append(Past(day=planned.day, outage=outage, execution=same[-1].execution if same else None))
    known = {(one.day, work) for one in found for work in one.works}
    lost = [one for one in recorded if not any((one.day, work) in known for work in one.works)]
    by_key = {(one.day, one.works): one for one in lost}
    return tuple(sorted((*found, *by_key.values()), key=lambda one: (one.day, one.outage["id"])))


def interruptions(outages: Iterable[Past], first: date, last: date) -> list[dict[str, str]]:
    """The interruptions from one day to another, both included, as an instance has them in `past`."""
    found = {
        (str(one.day), section) for one in outages if first <= one.day <= last for section in one.interrupted
    }
    return [{"section": section, "date": day} for day, section in sorted(found)]


def _recorded(version: Version) -> Iterator[Past]:
    for outage in version.plan["outages"]:
        execution = version.executions.get(outage["id"])
        if execution is not None:
            yield Past(day=date.fromisoformat(outage["date"]), outage=outage, execution=execution)


def _planned(outage: Mapping[str, Any]) -> Past:
    return Past(day=date.fromisoformat(outage["date"]), outage=outage, execution=None)
