"""设计审核意见单: what came of the drawings that the customer handed in, before anything is built by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from server.reports.heads import (
    blank,
    boxes,
    columns,
    customer_fields,
    entered,
    field,
    numbered,
    signers,
    supply_fields,
)
from server.reports.paper import Block, Fields, Heading, Line, Passage, Table
from server.reports.surroundings import said_blocks
from server.reports.wording import Wording
from server.workflow.meetings import MeetingOutcome
from server.workflow.model import Case
from server.workflow.processes.called import standing_minutes

__all__ = ["design_blocks"]

_WIDTHS = (9.0, 0.0, 50.0, 40.0)
#: Empty rows for drawings that a hand lists.
_DRAWING_ROWS = 6
#: The box that stands for what a joint review came to, the good one first.
_BOXES: Mapping[MeetingOutcome, str] = {
    "agreed": "design_passed",
    "agreed_with_changes": "design_passed_changed",
    "not_agreed": "design_not_passed",
}


def design_blocks(case: Case, say: Wording) -> Iterator[Block]:
    """What the case holds of the review: when the drawings came, and what a joint review 联合审图 said of
    them. Below the size that calls for one a manager reviews alone, and writes by hand.
    """
    minutes = standing_minutes(case, "drawing_review")
    yield Fields(
        (
            *customer_fields(case, say),
            *supply_fields(case, say),
            *blank(say, "designer", "licence"),
            field(say, "drawings_in", say.day(entered(case, "design_review"))),
            field(say, "reviewed_on", say.day(None if minutes is None else minutes.held_at)),
        )
    )
    yield Heading(say.say("heading_drawings"))
    yield Table(columns(say, "no", "drawing", "drawing_no", "remark"), _WIDTHS, numbered(4, _DRAWING_ROWS))
    yield from said_blocks(minutes, say)
    ticked = None if minutes is None else _BOXES[minutes.outcome]
    yield Passage((*boxes(say, tuple(_BOXES.values()), ticked), Line(say.say("design_changed_again"))))
    yield signers(say, "manager", "designer", "customer")
