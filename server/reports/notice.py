"""The rectification notice 缺陷整改通知单: every defect in writing, all at once, with its history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import get_args

from server.reports.answers import measured_words, source_words
from server.reports.beside import Beside, Signed, photo_blocks
from server.reports.heads import columns, customer_fields, field, notice_stage
from server.reports.paper import (
    Blank,
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
    Style,
    Table,
    number_of,
    own_line,
)
from server.reports.wording import Wording, Words
from server.workflow.model import SEVERITY_RANK, Answer, Case, ItemRound, Notice, NoticeItem
from server.workflow.rectification import Party

__all__ = ["notice_paper", "notice_photos", "notice_signatures"]

#: Millimetres: number, place and defect, measured, demand, severity and deadline.
_COLUMNS = ("no", "defect", "measured", "demand", "deadline")
_WIDTHS = (9.0, 0.0, 38.0, 46.0, 25.0)
_HISTORY_WIDTHS = (9.0, 20.0, 33.0, 0.0, 30.0)
#: Lines for an answer written by hand.
_REPLY_LINES = 4


def notice_paper(case: Case, n: int, beside: Beside, say: Wording) -> Paper:
    """Notice `n` as it stands: a draft is stamped as one, a withdrawn one as withdrawn."""
    notice = case.notices[n]
    stamped = {"draft": say.say("stamp_draft"), "withdrawn": say.catalogued("notice_state.withdrawn")}
    return Paper(
        form="notice",
        no=number_of(case.no, "notice", n),
        case_no=case.no,
        title=say.say("title_notice"),
        organisation=case.organisation,
        stamp=stamped.get(notice.state, ()),
        blocks=(
            Fields((*customer_fields(case, say), *_about(case, notice, say))),
            Passage(_opening(notice, say)),
            Table(
                columns(say, "no", "defect", "measured", "demand", "deadline"), _WIDTHS, _rows(notice, say)
            ),
            Passage(_effect(notice, say), framed=True),
            *_reply(notice, say),
            *_receipt(notice, beside, say),
            *_closing(notice, say),
            *photo_blocks(say.say("photos_defects"), notice_photos(notice), beside, say),
        ),
    )


def notice_photos(notice: Notice) -> list[tuple[str, tuple[str, ...]]]:
    """By item code, the photos of the defect and of the answers and re-inspections that followed."""
    return [
        (
            item.code,
            (
                *item.result.photos,
                *(photo for answer in notice.answers for photo in _answered(answer, item.code)),
                *(photo for one in item.rounds for photo in one.photos),
            ),
        )
        for item in notice.items
    ]


def notice_signatures(notice: Notice) -> list[str]:
    """The ids of the signatures that its deliveries name."""
    signed = (one for delivery in notice.deliveries for one in delivery.signed)
    return [one.signature for one in signed if one.signature is not None]


def _answered(answer: Answer, code: str) -> tuple[str, ...]:
    item = answer.items.get(code)
    return () if item is None else item.photos


def _about(case: Case, notice: Notice, say: Wording) -> Iterator[Field]:
    heading, builder = notice.heading, notice.heading.contractor
    yield field(say, "stage", notice_stage(notice.stage, say))
    yield field(say, "inspected_on", say.day(heading.inspected_on))
    yield field(say, "weather", own_line(heading.weather))
    yield field(say, "inspectors", say.persons(sorted({who for one in notice.items for who in one.raisers})))
    yield field(say, "checklist", (f"{notice.checklist.id}@{notice.checklist.version}",))
    yield field(say, "inspection_no", own_line(notice.task_id or notice.hazard_id or ""))
    yield field(say, "contractor", own_line(builder.name))
    yield field(say, "licence", own_line(builder.licence))
    yield field(say, "site_lead", own_line(builder.site_lead))
    yield field(say, "state", say.catalogued(f"notice_state.{notice.state}"))
    if notice.supplement_of is not None:
        yield field(say, "supplement_of", (number_of(case.no, "notice", notice.supplement_of),), wide=True)
    yield field(say, "issued", _issued(notice, say), wide=True)
    yield field(say, "delivered", tuple(_delivered(notice, say)), wide=True)


def _issued(notice: Notice, say: Wording) -> Cell:
    return tuple(
        Line(
            say.say(
                "issued",
                round=issue.round,
                at=say.moment(issue.at)[0],
                by=say.persons(issue.issuers or [issue.by]),
            )
        )
        for issue in notice.issues
    )


def _delivered(notice: Notice, say: Wording) -> Iterator[Line]:
    """How each round reached the customer, and what was said to it at once."""
    for one in notice.deliveries:
        mode = say.catalogued(f"notice_delivery.{one.mode}")
        by = say.person(one.received_by)
        yield Line(say.say("delivered", round=one.round, at=say.moment(one.at)[0], mode=mode, by=by))
        yield from own_line(one.evidence, "small")
    for taken in notice.acceptances:
        by = say.own(taken.accepted_by)
        yield Line(say.say("taken", round=taken.round, at=say.moment(taken.at)[0], by=by))


def _opening(notice: Notice, say: Wording) -> Cell:
    counted = Counter(item.severity for item in notice.items)
    graves = sorted(counted, key=lambda severity: -SEVERITY_RANK[severity])
    parts = [
        say.say("counted", severity=say.catalogued(f"severity.{one}"), count=counted[one]) for one in graves
    ]
    listed = tuple(
        "、".join(part[min(number, len(part) - 1)] for part in parts) for number in range(len(say.languages))
    )
    params = {"stage": notice_stage(notice.stage, say), "count": len(notice.items), "listed": listed}
    return (Line(say.say("notice_opening", **params)),)


def _effect(notice: Notice, say: Wording) -> Cell:
    caution = (
        say.say("caution_operational")
        if notice.caution is None
        else say.catalogued(f"notice_caution.{notice.caution}")
    )
    return (
        Line(caution, "alarm"),
        *own_line(notice.heading.note, "strong"),
        Line(say.say("notice_rights")),
    )


def _rows(notice: Notice, say: Wording) -> tuple[tuple[Cell, ...], ...]:
    return tuple(_row(number, item, say) for number, item in enumerate(notice.items, 1))


def _row(number: int, item: NoticeItem, say: Wording) -> tuple[Cell, ...]:
    result, added = item.result, item.wording
    standards = source_words("; ".join(filter(None, (result.source, added.standard))), say)
    value = measured_words(result.value, result.unit, say)
    later = [one for one in item.dues if one.kind not in ("asked", "issued")]
    doubt = say.say("to_verify") if result.certainty == "verify" else ()
    return (
        (Line((str(number),)),),
        (
            Line(say.own(result.code), "small"),
            Line(say.text(result.text), "strong"),
            *((Line(say.say("place", place=added.place)),) if added.place else ()),
            *((Line(say.say("seen", note=result.note)),) if result.note else ()),
            *own_line(added.description),
            *((Line(say.say("standard", source=standards), "small"),) if standards else ()),
            *((Line(doubt, "alarm"),) if doubt else ()),
            *((Line(say.catalogued("specialists_cause.covered_unseen"), "alarm"),) if item.covered else ()),
            *((Line(say.say("photos_taken", count=len(result.photos)), "small"),) if result.photos else ()),
        ),
        (
            *((Line(value, "strong"),) if value else ()),
            *((Line(say.say("limit", limit=added.limit)),) if added.limit else ()),
            *((Line(say.text(result.reason)),) if result.reason is not None else ()),
        ),
        (
            *((Line(say.text(result.remedy)),) if result.remedy is not None else ()),
            *own_line(added.demand),
        )
        or (Blank(count=2),),
        (
            Line(
                say.catalogued(f"severity.{item.severity}"),
                "alarm" if item.severity == "critical" else "strong",
            ),
            Line(say.say("due", due=say.day(item.due)))
            if item.due is not None
            else Blank(say.say("due_blank")),
            *((Line(say.catalogued(f"due_kind.{later[-1].kind}"), "small"),) if later else ()),
            *((Line(_regraded(item, say), "small"),) if item.regrades else ()),
            Line(say.catalogued(f"item_state.{item.state}"), "small"),
            *_withdrawn(item, say),
        ),
    )


def _withdrawn(item: NoticeItem, say: Wording) -> Iterator[Line]:
    one = item.withdrawn
    if one is not None and one.confirmed_at is not None:
        people = say.persons([one.proposed_by, one.confirmed_by or ""])
        yield Line(say.say("item_withdrawn", by=people, at=say.moment(one.confirmed_at)[0]), "small")
        yield from own_line(one.reason, "small")


def _regraded(item: NoticeItem, say: Wording) -> Words:
    return say.say("regraded", severity=say.catalogued(f"severity.{item.result.severity}"))


def _reply(notice: Notice, say: Wording) -> Iterator[Block]:
    """What was answered and seen again, round by round; lines to answer on where nothing was answered yet."""
    yield Heading(say.say("heading_reply"))
    rows = [
        *_disputes(notice, say),
        *_answers(notice, say),
        *_rounds(notice, say),
        *_specialists(notice, say),
    ]
    if rows:
        head = columns(say, "no", "round", "when", "answer", "evidence")
        yield Table(head, _HISTORY_WIDTHS, tuple(row for _, row in sorted(rows, key=lambda one: one[0])))
    if notice.open and notice.state in {"draft", "issued"}:
        yield Passage((Blank(say.say("reply_by_hand"), _REPLY_LINES),), framed=True)


_Dated = tuple[tuple[int, int, int], tuple[Cell, ...]]


def _answers(notice: Notice, say: Wording) -> Iterator[_Dated]:
    lines = {item.code: number for number, item in enumerate(notice.items, 1)}
    for answer in notice.answers:
        for code, given in answer.items.items():
            number = lines.get(code, 0)
            yield (
                (answer.round, 0, number),
                (
                    (Line((str(number),)),),
                    (Line(say.say("round", round=answer.round)), Line(say.say("answered"), "small")),
                    (Line(say.moment(answer.given)), Line(say.own(answer.answered_by), "small")),
                    (*own_line(given.text), *own_line(answer.text, "small")),
                    (Line(say.say("photos_taken", count=len(given.photos)), "small"),),
                ),
            )


def _disputes(notice: Notice, say: Wording) -> Iterator[_Dated]:
    lines = {item.code: number for number, item in enumerate(notice.items, 1)}
    for one in notice.disputes:
        said = [Line(say.own(one.reason))]
        if (settled := one.settlement) is not None:
            decision = say.catalogued(f"dispute_decision.{settled.decision}")
            said.append(Line(say.say("settled", decision=decision, by=say.person(settled.by)), "strong"))
            said += own_line(settled.reason, "small")
        numbers = sorted(lines.get(code, 0) for code in one.items)
        yield (
            (one.round, -1, numbers[0] if numbers else 0),
            (
                (Line((", ".join(map(str, numbers)),)),),
                (Line(say.say("round", round=one.round)), Line(say.say("disputed"), "small")),
                (Line(say.moment(one.at)), Line(say.own(one.disputed_by), "small")),
                tuple(said),
                (),
            ),
        )


def _specialists(notice: Notice, say: Wording) -> Iterator[_Dated]:
    """What specialists demanded of items that are unsafe as they are."""
    lines = {item.code: number for number, item in enumerate(notice.items, 1)}
    for one in notice.specialist_meetings:
        numbers = sorted(lines.get(code, 0) for code in one.items)
        yield (
            (one.round, 2, numbers[0] if numbers else 0),
            (
                (Line((", ".join(map(str, numbers)),)),),
                (Line(say.say("round", round=one.round)), Line(say.say("specialists"), "small")),
                (Line(say.moment(one.held)), Line(say.persons(one.participants), "small")),
                (
                    Line(say.catalogued(f"specialists_decision.{one.decision}"), "alarm"),
                    *own_line(one.minutes),
                ),
                (),
            ),
        )


def _rounds(notice: Notice, say: Wording) -> Iterator[_Dated]:
    for number, item in enumerate(notice.items, 1):
        for one in item.rounds:
            yield (one.round, 1, number), _round(number, item, one, say)


def _round(number: int, item: NoticeItem, one: ItemRound, say: Wording) -> tuple[Cell, ...]:
    value = measured_words(one.value, item.result.unit, say)
    style: Style = "strong" if one.verdict == "pass" else "alarm"
    return (
        (Line((str(number),)),),
        (Line(say.say("round", round=one.round)), Line(say.catalogued("task_kind.reinspection"), "small")),
        (Line(say.moment(one.at)), Line(say.person(one.by or one.submitted_by), "small")),
        (
            Line(say.say(f"verdict_{one.verdict}"), style),
            *((Line(value),) if value else ()),
            *own_line(one.note),
            *(Line(say.catalogued(f"lack.{lack}"), "small") for lack in one.lacking),
        ),
        (Line(say.say("photos_taken", count=len(one.photos)), "small"),),
    )


def _receipt(notice: Notice, beside: Beside, say: Wording) -> Iterator[Block]:
    """Places for the inspectors to sign, and for whoever has not signed for the last delivery."""
    last = notice.deliveries[-1] if notice.deliveries else None
    signed = {} if last is None else {one.party: one for one in last.signed}
    places = [Signature(say.say(f"signer_{one}")) for one in ("inspector_1", "inspector_2")]
    for party in get_args(Party):
        label = say.say(f"signer_{party}_receipt")
        if (one := signed.get(party)) is None or last is None:
            places.append(Signature(label))
            continue
        kept = beside.signatures.get(one.signature or "", Signed())
        places.append(Signature(label, say.own(one.name), say.moment(last.at), kept.picture))
    yield Signatures(tuple(places))


def _closing(notice: Notice, say: Wording) -> Iterator[Block]:
    withdrawn = notice.withdrawal if notice.state == "withdrawn" else None
    if withdrawn is not None:
        yield Fields(
            (
                field(
                    say, "withdrawn_by", say.persons([withdrawn.proposed_by, withdrawn.confirmed_by or ""])
                ),
                field(say, "withdrawn_at", say.moment(withdrawn.confirmed_at)),
                field(say, "withdrawn_reason", own_line(withdrawn.reason), wide=True),
            )
        )
        return
    closed = say.catalogued("notice_state.closed") if notice.state == "closed" else ()
    yield Fields(
        (
            field(say, "reinspection_result", closed, wide=True),
            field(say, "closed_by", say.person(notice.closed_by or "")),
            field(say, "closed_at", say.moment(notice.closed_at)),
        )
    )
