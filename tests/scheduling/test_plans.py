"""Plans that were written in two places at once: the further one stands, and nobody's word is lost."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import msgspec
from msgspec.structs import replace

from server.scheduling.merging import merged_plan
from server.scheduling.plans import (
    Announcement,
    Effort,
    PlanApproval,
    PlanFunction,
    PlanRecord,
)

NOW = datetime(2026, 5, 20, tzinfo=UTC)
PLAN = PlanRecord(
    id="june",
    organisation="demo",
    month="2026-06",
    network="town",
    version="1",
    works=("a",),
    digest="d",
    asked="a",
    effort=Effort(seconds=1.0, workers=1),
    state="made",
    requested_by="anna",
    requested_at=NOW,
)


def merged(*leaves: PlanRecord) -> PlanRecord:
    documents: list[dict[str, Any]] = [{"plan": msgspec.to_builtins(one)} for one in leaves]
    return msgspec.convert(merged_plan(documents)["plan"], PlanRecord)


def agreed(function: PlanFunction, by: str) -> PlanRecord:
    return replace(PLAN, approvals=(PlanApproval(function=function, by=by, at=NOW),))


def announced(proof: str) -> PlanRecord:
    announcement = Announcement(
        outage="o-1",
        channel="board",
        proof=proof,
        announced_at=NOW,
        recorded_by="cleo",
        recorded_at=NOW,
    )
    return replace(PLAN, state="published", announcements=(announcement,))


def test_approvals_and_announcements_of_all_leaves_stand_in_whatever_order() -> None:
    leaves = (
        agreed("dispatch", "ben"),
        agreed("customer_centre", "cleo"),
        announced("photo 1"),
        announced("photo 2"),
    )
    found = {msgspec.json.encode(merged(*order)) for order in permutations(leaves)}
    assert len(found) == 1
    one = msgspec.json.decode(found.pop(), type=PlanRecord)
    assert one.state == "published"
    assert [approval.by for approval in one.approvals] == ["cleo", "ben"]
    assert [told.proof for told in one.announcements] == ["photo 1", "photo 2"]


def test_who_agreed_for_two_functions_in_two_places_agreed_for_neither() -> None:
    assert merged(agreed("dispatch", "ben"), agreed("customer_centre", "ben")).approvals == ()


def test_a_wish_to_cancel_is_heard_wherever_it_was_said() -> None:
    running = replace(PLAN, state="running", begun=2)
    for order in permutations((replace(PLAN, state="queued", cancel=True), running)):
        one = merged(*order)
        assert (one.state, one.begun, one.cancel) == ("running", 2, True)
