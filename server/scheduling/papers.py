"""Outages on paper: the request for one 停电计划申请单, and the public notice of those of a plan 停电公告."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from checklists.reasons import number
from server.outages.plan import Outage
from server.reports.heads import blank, columns, field, signers
from server.reports.paper import (
    FORMS,
    Block,
    Cell,
    Field,
    Fields,
    Heading,
    Line,
    Paper,
    Passage,
    Signature,
    Signatures,
    Table,
    own_line,
)
from server.reports.wording import Wording, Words
from server.scheduling.announcing import Notice as Announced
from server.scheduling.executing import Execution
from server.scheduling.plans import Announcement, ReasonCode
from server.scheduling.requests import Agreement, Request

__all__ = ["Placed", "RequestFacts", "public_notice_paper", "request_paper"]

#: Millimetres.
_APPROVAL_WIDTHS = (44.0, 40.0, 40.0, 0.0)
_NOTICE_WIDTHS = (9.0, 44.0, 30.0, 0.0, 14.0, 22.0, 34.0)
#: Announcements that a request tells of; the plan has all.
_ANNOUNCED = 4


@dataclass(frozen=True)
class Placed:
    """Where a request stands in a plan: `outage` None where it is done live, on `day`. `executed`: how that
    went, once it is recorded."""

    plan_no: str
    day: date
    outage: Outage | None
    announced: tuple[Announcement, ...] = ()
    executed: Execution | None = None


@dataclass(frozen=True)
class RequestFacts:
    """What a request's paper says beside the request: numbers of its cases by id, names of the network's
    elements by id, functions that have to agree, and where it was placed, if it was."""

    cases: Mapping[str, str]
    names: Mapping[str, str]
    needed: tuple[str, ...]
    placed: Placed | None = None


def request_paper(known: Request, facts: RequestFacts, say: Wording) -> Paper:
    """A request for an outage, with who agreed to it, and what its plan says of it once it has one."""
    asked = known.asked
    return Paper(
        form="outage_request",
        no=f"{FORMS['outage_request'].code}-{asked.no or known.id}",
        case_no=", ".join(facts.cases.get(one, one) for one in asked.cases),
        title=say.say("title_outage_request"),
        organisation=known.organisation,
        stamp=say.say("stamp_withdrawn") if known.state == "withdrawn" else (),
        blocks=(
            Fields(tuple(_asked(known, facts, say))),
            Heading(say.say("heading_outage_dates")),
            Fields(tuple(_dates(known, say))),
            Heading(say.say("heading_outage_measures")),
            Fields(tuple(_measures(known, facts, say))),
            Heading(say.say("heading_outage_planned")),
            Fields(tuple(_planned(facts, say))),
            Heading(say.say("heading_outage_approvals")),
            _approvals(known, facts, say),
            Heading(say.say("heading_outage_executed")),
            Fields(tuple(_executed(known, facts, say))),
            _requested(known, say),
        ),
    )


def _asked(known: Request, facts: RequestFacts, say: Wording) -> Iterator[Field]:
    asked, work = known.asked, known.asked.work
    place = work.section or facts.names.get(work.device, work.device)
    switches = (facts.names.get(one, one) for one in asked.switches)
    yield field(say, "outage_type", say.say(f"outage_type_{asked.type}"))
    yield field(say, "outage_kind", say.catalogued(f"plan_sheet.kind.{work.kind}"))
    yield field(say, "outage_work", own_line(work.name), wide=True)
    yield field(say, "outage_line", own_line(asked.line))
    yield field(say, "outage_place", own_line(place))
    yield field(say, "outage_stretch", own_line(asked.stretch), wide=True)
    yield field(say, "outage_switches", own_line(", ".join(switches)), wide=True)
    yield field(say, "outage_sketch", own_line(asked.sketch), wide=True)
    yield field(say, "outage_content", own_line(asked.content), wide=True)
    yield field(say, "contractor", own_line(asked.contractor))
    yield field(say, "outage_leader", own_line(asked.leader))


def _dates(known: Request, say: Wording) -> Iterator[Field]:
    work = known.asked.work
    because = f"（{work.earliest_because}）" if work.earliest_because else ""
    earliest = own_line(f"{work.earliest}{because}") if work.earliest else ()
    windows = tuple(say.catalogued(f"plan_sheet.window.{one}") for one in work.windows)
    yield field(say, "outage_earliest", earliest, wide=bool(because))
    yield field(say, "outage_wanted", say.day(work.wanted))
    yield field(say, "outage_latest", say.day(work.latest))
    yield field(say, "outage_windows", _listed(windows))
    yield field(say, "outage_minutes", (number(float(work.minutes), "min"),))
    yield field(say, "outage_rain_last", say.day(None if work.rain is None else work.rain.last))


def _measures(known: Request, facts: RequestFacts, say: Wording) -> Iterator[Field]:
    asked = known.asked
    code = {None: "unassessed", True: "possible", False: "impossible"}[asked.live_possible]
    live = (Line(say.say(f"outage_live_{code}")), *own_line(asked.live_reason))
    consents = (f"{facts.names.get(one.customer, one.customer)}: {one.document}" for one in asked.consents)
    yield field(say, "outage_live", live, wide=True)
    yield field(say, "outage_transfer", own_line(asked.transfer), wide=True)
    yield field(say, "outage_safety", own_line(asked.safety), wide=True)
    yield field(say, "outage_consents", tuple(line for one in consents for line in own_line(one)), wide=True)


def _planned(facts: RequestFacts, say: Wording) -> Iterator[Field]:
    """What the plan says, or room for it: times, whom it interrupts, what was announced."""
    placed = facts.placed
    outage = None if placed is None else placed.outage
    yield field(say, "plan_no", own_line("" if placed is None else placed.plan_no))
    if placed is not None and outage is None:
        yield field(say, "outage_done_live", say.day(placed.day))
        return
    if placed is None or outage is None:
        yield from blank(
            say, "outage_off", "outage_on", "outage_customers", "outage_hours", "outage_notify_by"
        )
        yield field(say, "outage_announced", wide=True)
        return
    told = say.say("outage_counted", dead=outage.customers_dead, moved=outage.customers_moved)
    named = dict.fromkeys((*outage.important, *outage.life_support))
    yield field(say, "outage_off", own_line(f"{outage.off:%Y-%m-%d %H:%M}"))
    yield field(say, "outage_on", own_line(f"{outage.on:%Y-%m-%d %H:%M}"))
    yield field(say, "outage_work_time", own_line(f"{outage.work_from:%H:%M} – {outage.work_to:%H:%M}"))
    yield field(say, "outage_reserve", say.day(outage.rain_date))
    yield field(say, "outage_customers", told)
    yield field(say, "outage_hours", (number(round(outage.customer_hours, 1)),))
    yield field(say, "outage_important", own_line(", ".join(facts.names.get(one, one) for one in named)))
    yield field(say, "outage_notify_by", say.day(outage.notify_by))
    yield field(say, "outage_announced", _announced(placed.announced, say), wide=True)


def _announced(found: Sequence[Announcement], say: Wording) -> Cell:
    lines = (
        ("  ".join((*say.moment(one.announced_at), one.channel, one.proof))) for one in found[:_ANNOUNCED]
    )
    more = len(found) - _ANNOUNCED
    rest = (Line(say.say("rows_more_plan", count=more), "small"),) if more > 0 else ()
    return (*(line for one in lines for line in own_line(one)), *rest)


def _approvals(known: Request, facts: RequestFacts, say: Wording) -> Table:
    given: dict[str, Agreement] = {one.function: one for one in known.agreements}
    rows: list[tuple[Cell, ...]] = []
    for function in dict.fromkeys((*facts.needed, *given)):
        name = (Line(say.say(f"function_{function}")),)
        agreed = given.get(function)
        if agreed is None:
            rows.append((name, (), (), ()))
            continue
        rows.append(
            (name, _cell(say.person(agreed.by)), _cell(say.moment(agreed.at)), own_line(agreed.remark))
        )
    head = columns(say, "function", "agreed_by", "agreed_at", "remark")
    return Table(head, _APPROVAL_WIDTHS, tuple(rows))


def _executed(known: Request, facts: RequestFacts, say: Wording) -> Iterator[Field]:
    """How the outage went, or room for it."""
    said = None if facts.placed is None else facts.placed.executed
    if said is None:
        yield from blank(say, "outage_real_off", "outage_real_on", "outage_done")
        yield field(say, "outage_deviation", wide=True)
        return
    not_off = say.say("outage_not_off")
    yield field(say, "outage_real_off", say.moment(said.off) or not_off)
    yield field(say, "outage_real_on", say.moment(said.on) or not_off)
    own = [one for one in said.works if one.work == known.id]
    done = say.say("outage_work_done" if own[0].done else "outage_work_open") if own else ()
    yield field(say, "outage_done", done)
    yield field(say, "outage_real_hours", (number(round(said.customer_hours, 1)),))
    told = [(said.code, said.reason), *((one.code, one.remark) for one in own)]
    lines = (line for code, words in dict.fromkeys(told) for line in _why(code, words, say))
    yield field(say, "outage_deviation", tuple(lines), wide=True)


def _why(code: ReasonCode | None, words: str, say: Wording) -> Cell:
    """Why it was otherwise than planned, as a code and in words."""
    return (*(_cell(say.say(f"outage_reason_{code}")) if code else ()), *own_line(words))


def _requested(known: Request, say: Wording) -> Block:
    at = known.history[0].at if known.history else None
    signature = Signature(say.say("signer_requested_by"), say.person(known.requested_by), say.moment(at))
    return Signatures((signature,))


def public_notice_paper(
    notices: Iterable[Announced],
    *,
    no: str,
    organisation: str,
    names: Mapping[str, str],
    reserve: Mapping[str, date | None],
    published_at: datetime,
    say: Wording,
) -> Paper:
    """What the public is told of a plan's outages: when, where, by which line, and what is otherwise than was
    announced before. `reserve`: the day in reserve of each outage."""
    found = sorted(notices, key=lambda one: (one.notice["from"], one.notice["outage"]))
    rows = (_row(n, one, reserve.get(one.notice["outage"]), names, say) for n, one in enumerate(found, 1))
    head = (
        "no",
        "outage_time",
        "outage_lines",
        "outage_area",
        "outage_households",
        "outage_reserve",
        "remark",
    )
    return Paper(
        form="public_notice",
        no=f"{FORMS['public_notice'].code}-{no}",
        case_no="",
        title=say.say("title_public_notice"),
        organisation=organisation,
        blocks=(
            Fields(
                (
                    field(say, "plan_no", own_line(no)),
                    field(say, "outage_published", say.day(published_at)),
                )
            ),
            Passage((Line(say.say("public_notice_opening")),)),
            Table(columns(say, *head), _NOTICE_WIDTHS, tuple(rows)),
            Passage((Line(say.say("public_notice_caution")), Line(say.say("public_notice_rain")))),
            signers(say, "announced_by"),
        ),
    )


def _row(
    n: int, one: Announced, reserve: date | None, names: Mapping[str, str], say: Wording
) -> tuple[Cell, ...]:
    notice = one.notice
    remark: Cell = ()
    if one.kind == "withdrawn":
        remark = (Line(say.say("public_notice_withdrawn"), "alarm"),)
    elif one.was is not None:
        remark = (Line(say.say("public_notice_corrected", was=_span(one.was)), "strong"),)
    return (
        own_line(str(n)),
        own_line(_span(notice)),
        own_line(", ".join(names.get(name, name) for name in notice["feeders"])),
        own_line(", ".join(notice["sections"])),
        own_line(str(notice["customers"])),
        _cell(say.day(reserve)) if one.kind != "withdrawn" else (),
        remark,
    )


def _span(notice: Mapping[str, Any]) -> str:
    """From when to when, the day once where it is one."""
    start, end = (datetime.fromisoformat(notice[name]) for name in ("from", "to"))
    same = start.date() == end.date()
    return (
        f"{start:%Y-%m-%d %H:%M} – {end:%H:%M}" if same else f"{start:%Y-%m-%d %H:%M} – {end:%Y-%m-%d %H:%M}"
    )


def _cell(words: Words) -> Cell:
    return (Line(words),) if words else ()


def _listed(found: Iterable[Words]) -> Words:
    """Words of the same languages, listed in each."""
    return tuple("、".join(one) for one in zip(*found, strict=True))
