"""Requests for works that need an outage, and what may be decided on them. Pure: values in, values out.

What balancing has to know of a work is `server.outages.instance.Work`; here is what people have to know of it
besides: who wants it, by which sketch, who has agreed, what became of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from geo.finding import Finding, pointer
from server.outages.instance import Id, Positive, Window, Work
from server.outages.works import needs_of

if TYPE_CHECKING:
    from geo.network.topology import Topology

RequestType = Literal["planned", "short", "energization"]
RequestState = Literal["requested", "approved", "planned", "done", "withdrawn"]
WorkFunction = Literal["station", "maintenance", "dispatch", "marketing"]

Line = Annotated[str, Meta(max_length=200)]
Words = Annotated[str, Meta(max_length=4000)]

#: Who speaks for a function: the roles of which he must have one.
FUNCTIONS: Mapping[WorkFunction, frozenset[str]] = {
    "station": frozenset({"scheduler", "admin"}),
    "maintenance": frozenset({"scheduler", "admin"}),
    "dispatch": frozenset({"scheduler", "admin"}),
    "marketing": frozenset({"manager", "admin"}),
}
#: States in which a request can still be changed.
OPEN: frozenset[RequestState] = frozenset({"requested", "approved"})


class WorkRefused(Exception):
    """What is asked for cannot be done to a request; `code` is of catalogue `scheduling`."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class Value(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a request."""


class Consent(Value, frozen=True, kw_only=True):
    """An important or life-support customer agreed in writing (`document`), its emergency source checked."""

    customer: Id
    document: Annotated[str, Meta(min_length=1, max_length=200)]


class Agreement(Value, frozen=True, kw_only=True):
    """Somebody agreed for a function to the request as it stood."""

    function: WorkFunction
    by: str
    at: datetime
    remark: Words = ""


class Event(Value, frozen=True, kw_only=True):
    """What was done to a request."""

    event: Literal["requested", "changed", "agreed", "withdrawn", "split"]
    by: str
    at: datetime
    remark: Words = ""


class Particulars(Value, frozen=True, kw_only=True):
    """What is asked for.

    `live_possible`: whether live work was assessed, and with what result; None: it was not. `transfer` tells
    how load is moved meanwhile. `sketch` names the paper with the one-line sketch.
    """

    type: RequestType
    network: Id
    work: Work
    no: Line = ""
    cases: Annotated[tuple[Id, ...], Meta(max_length=100)] = ()
    line: Line = ""
    switches: Annotated[tuple[Id, ...], Meta(max_length=100)] = ()
    stretch: Line = ""
    sketch: Line = ""
    content: Words = ""
    contractor: Line = ""
    leader: Line = ""
    live_possible: bool | None = None
    live_reason: Words = ""
    transfer: Words = ""
    safety: Words = ""
    consents: Annotated[tuple[Consent, ...], Meta(max_length=1000)] = ()


class Request(Struct, frozen=True, kw_only=True):
    """A request with what has been decided on it. `feeders` normally supplied its place when it was asked
    for; `plan` is the published plan that it is in, on `day`."""

    id: str
    organisation: str
    asked: Particulars
    state: RequestState
    requested_by: str
    agreements: tuple[Agreement, ...] = ()
    history: tuple[Event, ...] = ()
    feeders: tuple[str, ...] = ()
    plan: str = ""
    day: date | None = None


def faults(asked: Particulars, topology: Topology, today: date) -> Iterator[Finding]:
    """What is wrong or odd with a request, by field. A grave finding refuses it."""
    work = asked.work
    yield from _place(work, topology)
    yield from _dates(work, today)
    if asked.live_possible is None and asked.type == "planned":
        yield _grave("work_live_unassessed", "live_possible")
    elif asked.live_possible is False and not asked.live_reason.strip():
        yield _grave("work_live_reason_missing", "live_reason")
    elif asked.live_possible and work.live is None:
        yield Finding("work_live_not_offered", {}, pointer("work", "live"))
    if work.live is not None and not asked.live_possible:
        yield _grave("work_live_contradicted", "work", "live")
    if asked.type == "energization" and not asked.cases:
        yield _grave("work_case_missing", "cases")
    if not asked.content.strip():
        yield _grave("work_content_missing", "content")
    customers = {one.id for one in topology.network.customers}
    for index, consent in enumerate(asked.consents):
        if consent.customer not in customers:
            yield _grave("outage_customer_unknown", "consents", index, "customer", id=consent.customer)
    for index, switch in enumerate(asked.switches):
        if switch not in topology.edges:
            yield _grave("outage_device_unknown", "switches", index, work=work.id, id=switch)


def request(
    request_id: str,
    organisation: str,
    asked: Particulars,
    *,
    by: str,
    at: datetime,
    needed: Collection[str],
    feeders: tuple[str, ...] = (),
) -> Request:
    """A new request; `needed` are the functions that have to agree, `feeders` those that supply its place."""
    made = Request(
        id=request_id,
        organisation=organisation,
        asked=_named(request_id, asked),
        state="requested",
        requested_by=by,
        history=(Event(event="requested", by=by, at=at),),
        feeders=feeders,
    )
    return _weighed(made, needed)


def amend(
    known: Request,
    asked: Particulars,
    *,
    by: str,
    at: datetime,
    needed: Collection[str],
    feeders: tuple[str, ...] = (),
) -> Request:
    """Ask for something else. What was agreed to was something else, so every agreement falls."""
    _require_open(known)
    asked = _named(known.id, asked)
    if asked == known.asked:
        return known
    event = Event(event="changed", by=by, at=at)
    changed = replace(
        known,
        asked=asked,
        state="requested",
        agreements=(),
        history=(*known.history, event),
        feeders=feeders,
    )
    return _weighed(changed, needed)


def agree(
    known: Request,
    function: WorkFunction,
    *,
    by: str,
    roles: Collection[str],
    at: datetime,
    needed: Collection[str],
    remark: str = "",
) -> Request:
    """Agree for a function. Who requested agrees for none, and nobody for two."""
    _require_open(known)
    if not FUNCTIONS[function] & set(roles):
        raise WorkRefused("work_function_of_others", function=function)
    given = {one.function: one for one in known.agreements}
    if function in given:
        if given[function].by == by:
            return known
        raise WorkRefused("work_agreed_already", function=function, name=given[function].by)
    if by == known.requested_by or any(one.by == by for one in known.agreements):
        raise WorkRefused("work_another_person", function=function)
    agreement = Agreement(function=function, by=by, at=at, remark=remark)
    event = Event(event="agreed", by=by, at=at, remark=function)
    agreed = replace(known, agreements=(*known.agreements, agreement), history=(*known.history, event))
    return _weighed(agreed, needed)


def withdraw(known: Request, *, by: str, at: datetime, reason: str) -> Request:
    """Give a request up. One that stands in a published plan is taken out by amending the plan."""
    if known.state == "withdrawn":
        return known
    _require_open(known)
    event = Event(event="withdrawn", by=by, at=at, remark=reason)
    return replace(known, state="withdrawn", history=(*known.history, event))


class Part(Value, frozen=True, kw_only=True):
    """A part of a work that is split: how long it takes, in which windows, by which crew; the rest is the
    work's own."""

    minutes: Positive
    windows: Annotated[tuple[Window, ...], Meta(min_length=1)] | None = None
    skill: Id | None = None
    name: Line = ""


def split(
    known: Request,
    parts: Sequence[Part],
    *,
    in_order: bool,
    named_by: Collection[str],
    by: str,
    at: datetime,
    needed: Collection[str],
) -> tuple[Request, tuple[Request, ...]]:
    """A work in parts on the same sections, each a request of its own, to be agreed to anew: the work as it
    is then, and the parts. `in_order`: each on a later day than the one before. `named_by` are works that are
    tied to it. Splitting it again in the same way changes nothing more."""
    made = tuple(
        request(
            _part_id(known, number),
            known.organisation,
            asked,
            by=by,
            at=at,
            needed=needed,
            feeders=known.feeders,
        )
        for number, asked in enumerate(_parts(known, parts, in_order=in_order), start=1)
    )
    remark = ", ".join(one.id for one in made)
    if known.state == "withdrawn" and any(
        (one.event, one.by, one.remark) == ("split", by, remark) for one in known.history
    ):
        return known, made
    _require_open(known)
    if named_by:
        raise WorkRefused("work_named_by_others", work=known.id, works=", ".join(sorted(named_by)))
    told = sum(one.minutes for one in parts)
    if told < known.asked.work.minutes:
        raise WorkRefused("work_split_short", minutes=known.asked.work.minutes, told=told)
    event = Event(event="split", by=by, at=at, remark=remark)
    return replace(known, state="withdrawn", history=(*known.history, event)), made


def tied_to(work: Work) -> frozenset[str]:
    """The works that a work names."""
    return frozenset({*work.after, *work.together, *work.not_with, *work.same_crew})


def _part_id(known: Request, number: int) -> str:
    return f"{known.id}-{number}"


def _parts(known: Request, parts: Sequence[Part], *, in_order: bool) -> Iterator[Particulars]:
    own = known.asked.work
    for number, part in enumerate(parts, start=1):
        after = (*own.after, *((_part_id(known, number - 1),) if in_order and number > 1 else ()))
        work = replace(
            own,
            minutes=part.minutes,
            windows=part.windows or own.windows,
            skill=part.skill or own.skill,
            name=part.name or f"{own.name} ({number}/{len(parts)})".strip(),
            after=after,
            live=None,
        )
        yield replace(known.asked, work=work)


def _weighed(known: Request, needed: Collection[str]) -> Request:
    """The request, approved where all whose word is needed have agreed."""
    agreed = {one.function for one in known.agreements}
    return replace(known, state="approved" if set(needed) <= agreed else "requested")


def _require_open(known: Request) -> None:
    if known.state not in OPEN:
        raise WorkRefused("work_not_open", work=known.id, state=known.state)


def _named(request_id: str, asked: Particulars) -> Particulars:
    """The work bears the request's id, the case it is for, and the notice that its type has."""
    work = replace(
        asked.work,
        id=request_id,
        case=asked.cases[0] if asked.cases else "",
        notice="short" if asked.type == "short" else "planned",
    )
    return replace(asked, work=work)


def _place(work: Work, topology: Topology) -> Iterator[Finding]:
    if bool(work.section) == bool(work.device):
        yield _grave("outage_place_ambiguous", "work", "section", work=work.id)
        return
    field, named = ("section", work.section) if work.section else ("device", work.device)
    needs = needs_of(work, topology)
    if not needs:
        code = "outage_section_unknown" if work.section else "outage_device_unknown"
        yield _grave(code, "work", field, work=work.id, id=named)
    for section in sorted(needs):
        if any(node in topology.sources for node in topology.sections[section].nodes):
            yield _grave("outage_section_has_source", "work", field, work=work.id, section=section)


def _dates(work: Work, today: date) -> Iterator[Finding]:
    first = work.earliest or today
    if work.latest is not None:
        if work.latest < first:
            params = {"work": work.id, "first": str(first), "last": str(work.latest)}
            yield _grave("outage_work_ends_before_start", "work", "latest", **params)
        elif work.wanted is not None and work.wanted > work.latest:
            yield _grave("work_wanted_outside", "work", "wanted", wanted=str(work.wanted))
    if work.wanted is not None and work.wanted < first:
        yield _grave("work_wanted_outside", "work", "wanted", wanted=str(work.wanted))
    if work.rain is not None and work.rain.last < first:
        yield _grave("outage_rain_too_early", "work", "rain", "last", work=work.id, last=str(work.rain.last))
    if not work.windows:
        yield _grave("outage_windows_none", "work", "windows", work=work.id)


def _grave(code: str, *at: str | int, **params: str | int | float) -> Finding:
    return Finding(code, params, pointer(*at), grave=True)
