"""What is to be announced of a published plan and of the versions that it had, and what has been. Pure.

A version tells again only what it changes: an outage as announced before keeps its announcements; one that
was announced otherwise is corrected, one that was announced and is no more is withdrawn, in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal

from msgspec import Struct

from server.scheduling.plans import Announcement, PlanRecord

NoticeState = Literal["due", "overdue", "announced"]
#: planned: as a plan has it at first; corrected: instead of `was`, which was announced; withdrawn: announced,
#: and no more.
NoticeKind = Literal["planned", "corrected", "withdrawn"]


_NOTHING: Mapping[str, Any] = {"outages": (), "notices": ()}


class Notice(Struct, frozen=True, kw_only=True):
    """What is announced of an outage, by when, and what has been; besides the plan's own words. `works` are
    those of the outage."""

    notice: Mapping[str, Any]
    kind: NoticeKind
    state: NoticeState
    announcements: tuple[Announcement, ...]
    works: frozenset[str]
    was: Mapping[str, Any] | None = None


class Terms(Struct, frozen=True, kw_only=True):
    """When it is, and on which day a moment was, where the customers live. A withdrawal is due `short_hours`
    before the outage would have begun."""

    today: date
    day_of: Callable[[datetime], date]
    short_hours: int


def due_notices(versions: Sequence[tuple[PlanRecord, Mapping[str, Any]]], terms: Terms) -> list[Notice]:
    """The notices of a plan, what is due first first. `versions` are what it came to be, oldest first, each
    with its plan as `outage-plan-1`; of one that was given up all that was announced is withdrawn."""
    found: list[Notice] = []
    for record, plan in versions:
        found = list(_next(found, record, plan, record.amends, record.published_at, terms))
        if record.state == "withdrawn":
            found = list(_next(found, record, _NOTHING, record.id, record.given_up_at, terms))
    return sorted(found, key=lambda one: (one.notice["by"], one.notice["from"], one.notice["outage"]))


def uncovered(
    base: Mapping[str, Any] | None, plan: Mapping[str, Any], today: date
) -> Mapping[str, Any] | None:
    """The first notice of a plan that comes too late to be announced, and that what is announced of the plan
    which it amends does not cover; None if there is none."""
    known = [] if base is None else base.get("notices", ())
    for notice in plan.get("notices", ()):
        late = date.fromisoformat(notice["by"]) < today
        if late and not any(_covers(other, notice) for other in known):
            own: Mapping[str, Any] = notice
            return own
    return None


def _covers(known: Mapping[str, Any], notice: Mapping[str, Any]) -> bool:
    """Whether who heard of the one knows all that the other says."""
    return (
        set(notice["sections"]) <= set(known["sections"])
        and known["from"] <= notice["from"]
        and notice["to"] <= known["to"]
    )


def _next(
    before: Sequence[Notice],
    record: PlanRecord,
    plan: Mapping[str, Any],
    source: str,
    since: datetime | None,
    terms: Terms,
) -> Iterator[Notice]:
    """What a plan makes of the notices before it, which are of the plan `source`, from a moment on."""
    riding = {one["id"]: frozenset(own["work"] for own in one["works"]) for one in plan["outages"]}
    rest = {one.notice["outage"]: one for one in before}
    for notice in plan.get("notices", ()):
        works = riding.get(notice["outage"], frozenset())
        old = _counterpart(notice, works, list(rest.values()))
        given = _given(record, notice["outage"])
        if old is None:
            yield _stated(notice, "planned", given, works, None, terms)
            continue
        del rest[old.notice["outage"]]
        if _same(old.notice, notice):
            yield _stated(notice, old.kind, (*old.announcements, *given), works, old.was, terms)
        else:
            was = _told(old)
            yield _stated(notice, "planned" if was is None else "corrected", given, works, was, terms)
    for name, old in rest.items():
        was = _told(old)
        if old.kind == "withdrawn":
            given = _given(record, name)
            yield _stated(old.notice, "withdrawn", (*old.announcements, *given), old.works, old.was, terms)
        elif was is not None and _lies_ahead(was, since, terms):
            begins = datetime.fromisoformat(was["from"])
            by = (begins - timedelta(hours=terms.short_hours)).date()
            gone = {**was, "outage": f"{source}/{name}", "by": str(by)}
            yield _stated(gone, "withdrawn", _given(record, gone["outage"]), old.works, was, terms)


def _given(record: PlanRecord, outage: str) -> tuple[Announcement, ...]:
    return tuple(one for one in record.announcements if one.outage == outage)


def _told(old: Notice) -> Mapping[str, Any] | None:
    """What customers were told of an outage; None if nothing was."""
    return old.notice if old.announcements else old.was


def _counterpart(notice: Mapping[str, Any], works: frozenset[str], among: Sequence[Notice]) -> Notice | None:
    """What was announced of an outage before: the same, else that with most of its works."""
    standing = [one for one in among if one.kind != "withdrawn"]
    same = [one for one in standing if _same(one.notice, notice)]
    alike = same or [one for one in standing if one.works & works]
    return max(alike, key=lambda one: (len(one.works & works), one.notice["outage"]), default=None)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one[name] == other[name] for name in ("from", "to", "sections"))


def _lies_ahead(notice: Mapping[str, Any], since: datetime | None, terms: Terms) -> bool:
    """Whether the outage had not begun by then. Times of plans are local ones."""
    return since is None or date.fromisoformat(notice["from"][:10]) >= terms.day_of(since)


def _stated(
    notice: Mapping[str, Any],
    kind: NoticeKind,
    given: tuple[Announcement, ...],
    works: frozenset[str],
    was: Mapping[str, Any] | None,
    terms: Terms,
) -> Notice:
    late: NoticeState = "overdue" if date.fromisoformat(notice["by"]) < terms.today else "due"
    state = "announced" if given else late
    return Notice(notice=notice, kind=kind, state=state, announcements=given, works=works, was=was)
