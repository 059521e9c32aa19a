"""Papers of what surrounds an inspection: 会议纪要 of a meeting, 资料移交签收单 of papers handed over."""

from __future__ import annotations

from collections.abc import Iterator

from server.reports.heads import blank, columns, customer_fields, field, signers, supply_fields
from server.reports.paper import (
    Blank,
    Block,
    Cell,
    Fields,
    Heading,
    Line,
    Paper,
    Passage,
    Table,
    number_of,
    own_line,
)
from server.reports.wording import Wording, Words
from server.workflow.handover import Handover
from server.workflow.meetings import Meeting, Minutes, Participant
from server.workflow.model import Case

__all__ = ["minutes_paper", "receipt_paper", "said_blocks"]

#: Millimetres: department, name, organisation, part in it, signature; number, decision, who, until when.
_PEOPLE = (("department", "name", "organisation", "role", "signature"), (24.0, 30.0, 0.0, 34.0, 34.0))
_DECISIONS = (("no", "decision", "responsible", "until"), (9.0, 0.0, 40.0, 26.0))


def minutes_paper(case: Case, meeting: Meeting, say: Wording) -> Paper:
    """The minutes of a meeting; of one that was not held yet, the invitation with room for them."""
    minutes = meeting.minutes
    kind = say.catalogued(f"meeting.{meeting.kind}")
    stamp: Words = ()
    if meeting.cancelled:
        stamp = say.say("stamp_cancelled")
    elif minutes is None:
        stamp = say.say("stamp_not_held")
    about = (
        field(say, "meeting", kind),
        field(say, "held_at", say.moment(meeting.at if minutes is None else minutes.held_at)),
        field(say, "place", own_line(meeting.place if minutes is None else minutes.place), wide=True),
        field(say, "agenda", own_line(meeting.agenda), wide=True),
    )
    return Paper(
        form="minutes",
        no=number_of(case.no, "minutes", list(case.meetings).index(meeting.id) + 1),
        case_no=case.no,
        title=say.say("title_minutes"),
        organisation=case.organisation,
        stamp=stamp,
        blocks=(
            Fields((*customer_fields(case, say), *supply_fields(case, say), *about)),
            Heading(say.say("heading_attended" if minutes is not None else "heading_invited")),
            _people(meeting.invited if minutes is None else minutes.attended, say),
            *said_blocks(minutes, say),
        ),
    )


def _people(people: tuple[Participant, ...], say: Wording) -> Table:
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            (Line(say.catalogued(f"department.{one.department}")),),
            (Line(say.person(one.name)),),
            own_line(one.organisation),
            own_line(one.role),
            (),
        )
        for one in people
    )
    return Table(columns(say, *_PEOPLE[0]), _PEOPLE[1], rows)


def said_blocks(minutes: Minutes | None, say: Wording) -> Iterator[Block]:
    """What was said and decided, and who was missed; lines to write on before."""
    yield Heading(say.say("heading_minutes"))
    if minutes is None:
        yield Passage((Blank(count=10),), framed=True)
        return
    excused = (
        Line(say.say("excused", department=say.catalogued(f"department.{who}"), reason=reason))
        for who, reason in minutes.excused.items()
    )
    outcome = say.catalogued(f"meeting_outcome.{minutes.outcome}")
    told = (Line(say.say("outcome", outcome=outcome), "strong"), *own_line(minutes.text), *excused)
    yield Passage(told, framed=True)
    if minutes.decisions:
        rows: tuple[tuple[Cell, ...], ...] = tuple(
            (
                (Line((str(number),)),),
                own_line(one.text),
                own_line(one.responsible),
                (Line(say.day(one.due)),) if one.due is not None else (),
            )
            for number, one in enumerate(minutes.decisions, 1)
        )
        yield Table(columns(say, *_DECISIONS[0]), _DECISIONS[1], rows)


def receipt_paper(case: Case, handover: Handover, say: Wording) -> Paper:
    """That a paper reached the customer 移交签收: which version, when, how, and what shows it."""
    return Paper(
        form="receipt",
        no=number_of(case.no, "receipt", list(case.handovers).index(handover.id) + 1),
        case_no=case.no,
        title=say.say("title_receipt"),
        organisation=case.organisation,
        blocks=(
            Fields(
                (
                    *customer_fields(case, say),
                    field(say, "handed_over", say.catalogued(f"handover.{handover.kind}")),
                    field(say, "paper_version", own_line(handover.version)),
                    field(say, "document", own_line(handover.document), wide=True),
                    field(say, "handed_at", say.moment(handover.dated)),
                    field(say, "handed_how", say.catalogued(f"delivery_mode.{handover.mode}")),
                    field(say, "received_by", own_line(handover.received_by)),
                    field(say, "handed_by", say.person(handover.recorded_by)),
                    field(say, "receipt", own_line(handover.receipt), wide=True),
                    *blank(say, "note"),
                )
            ),
            signers(say, "manager", "customer"),
        ),
    )
