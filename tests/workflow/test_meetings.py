"""Meetings: who is called, who came, and what does not go on before there are minutes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.meetings import MeetingKind, Participant
from server.workflow.model import Supply
from server.workflow.policy import load_policy
from server.workflow.processes.called import called_for, meeting_table, standing_minutes
from tests.workflow.branches import branch, rebased
from tests.workflow.builders import CUSTOMER, INSPECTOR, POLICY, START, Desk, item, refused
from tests.workflow.test_processes import surveyed

HEAD = Participant(name="head", department="marketing")


def call(**changes: Any) -> c.CallMeeting:
    fields = {
        "meeting_id": "m-1",
        "kind": "scheme_review",
        "at": START,
        "place": "Room 2",
        "invited": (HEAD,),
    }
    return c.CallMeeting(**{"invited": (HEAD,), **fields, **changes})


def minutes(desk: Desk, kind: MeetingKind = "scheme_review", **changes: Any) -> c.RecordMinutes:
    people = tuple(Participant(name=one, department=one) for one in meeting_table()[kind].departments)
    fields: dict[str, Any] = {"meeting_id": "m-1", "held_at": desk.now, "attended": people, "text": "x"}
    return c.RecordMinutes(**{"outcome": "agreed", **fields, **changes})


def at_review(kva: float = 630.0) -> Desk:
    desk = Desk()
    desk.do(c.AmendCase(reason="measured", supply=Supply(10.0, kva)))
    surveyed(desk).to_stage("scheme", "review")
    return desk


@pytest.mark.parametrize(
    ("kva", "kinds"),
    [
        (499.0, {"joint_survey"}),
        (500.0, {"joint_survey", "scheme_review"}),
        (1999.0, {"joint_survey", "scheme_review"}),
        (2000.0, {"joint_survey", "scheme_review", "leaders_review"}),
    ],
)
def test_the_size_says_which_meetings_a_case_calls_for(kva: float, kinds: set[str]) -> None:
    desk = Desk()
    desk.do(c.AmendCase(reason="measured", supply=Supply(10.0, kva)))
    assert set(called_for(desk.case, POLICY)) == kinds
    desk.do(c.SetFacts(facts={"design_review_required": True}))
    assert ("drawing_review" in called_for(desk.case, POLICY)) == (kva >= 1000)
    assert called_for(Desk("lv").case, POLICY) == ()


def test_no_scheme_is_replied_before_the_minutes_of_its_meeting() -> None:
    desk = at_review()
    assert refused(desk, c.MoveStage(to="reply")).facts == ("meeting:scheme_review",)
    desk.do(call())
    assert refused(desk, c.MoveStage(to="reply")).facts == ("meeting:scheme_review",), "called is not held"
    desk.do(minutes(desk))
    desk.do(c.MoveStage(to="reply"))
    assert desk.case.stage == "reply"
    assert case_from_document(case_to_document(desk.case)) == desk.case


def test_a_large_customer_takes_the_leaders_meeting_as_well() -> None:
    desk = at_review(2000.0)
    desk.hold_meeting("scheme_review")
    assert refused(desk, c.MoveStage(to="reply")).facts == ("meeting:leaders_review",)
    desk.hold_meeting("leaders_review")
    desk.do(c.MoveStage(to="reply"))


def test_a_meeting_that_did_not_agree_lets_nothing_go_on_until_another_does() -> None:
    desk = at_review()
    desk.hold_meeting("scheme_review", "not_agreed")
    refusal = refused(desk, c.MoveStage(to="reply"))
    assert refusal.params["reasons"][0]["code"] == "meeting_not_agreed"
    desk.now += timedelta(minutes=1)
    desk.hold_meeting("scheme_review", "agreed_with_changes")
    desk.do(c.MoveStage(to="reply"))


def test_a_scheme_that_is_drafted_anew_is_reviewed_anew() -> None:
    desk = at_review()
    desk.hold_meeting("scheme_review")
    desk.do(c.MoveStage(to="scheme"))
    assert standing_minutes(desk.case, "scheme_review") is None
    desk.do(c.MoveStage(to="review"))
    assert refused(desk, c.MoveStage(to="reply")).facts == ("meeting:scheme_review",)


def test_drawings_of_a_large_installation_are_reviewed_jointly() -> None:
    desk = at_review(1000.0)
    desk.do(c.SetFacts(facts={"design_review_required": True}))
    desk.to_stage("reply", "design_review")
    assert refused(desk, c.MoveStage(to="construction")).facts == ("meeting:drawing_review",)
    desk.hold_meeting("drawing_review")
    desk.do(c.MoveStage(to="construction"))


def test_an_organisation_may_go_without_minutes_from_a_day_on() -> None:
    own = {"key": "meeting_minutes_required", "from": "2026-01-01", "value": False}
    desk = at_review()
    desk.policy = load_policy().with_overrides([own]).at(START.date())
    desk.do(c.MoveStage(to="reply"))
    assert desk.case.stage == "reply"


def test_a_department_that_is_asked_for_attends_or_is_excused_with_a_reason() -> None:
    desk = at_review()
    desk.do(call())
    alone = minutes(desk, attended=(HEAD,))
    refusal = refused(desk, alone)
    assert refusal.code == "departments_missing"
    assert set(refusal.params["departments"]) == {"maintenance", "dispatch", "planning", "customer"}
    excuses = dict.fromkeys(refusal.params["departments"], "gave his opinion in writing")
    assert refused(desk, replace(alone, excused={**excuses, "customer": ""})).code == "malformed"
    desk.do(replace(alone, excused=excuses))
    held = desk.case.meetings["m-1"].minutes
    assert held is not None
    assert (held.place, held.excused["customer"]) == ("Room 2", "gave his opinion in writing")


def test_minutes_stand_and_the_same_again_change_nothing() -> None:
    desk = at_review()
    assert refused(desk, minutes(desk)).code == "meeting_unknown"
    desk.do(call())
    assert desk.do(call()).events == ()
    assert refused(desk, call(place="Room 3")).code == "meeting_exists"
    said = minutes(desk)
    desk.do(said)
    assert desk.do(said).events == ()
    assert refused(desk, replace(said, text="otherwise")).code == "minutes_recorded"
    assert refused(desk, c.CancelMeeting(meeting_id="m-1", reason="x")).code == "minutes_recorded"


def test_a_meeting_that_was_called_off_is_not_held() -> None:
    desk = at_review()
    desk.do(call())
    desk.do(c.CancelMeeting(meeting_id="m-1", reason="flood"))
    assert desk.do(c.CancelMeeting(meeting_id="m-1", reason="flood")).events == ()
    assert refused(desk, minutes(desk)).code == "meeting_called_off"


def test_no_meeting_is_minuted_before_it_is_held_or_before_the_case_began() -> None:
    desk = at_review()
    desk.do(call())
    late = minutes(desk, held_at=desk.now + timedelta(days=1))
    assert refused(desk, late).code == "in_future"
    early = minutes(desk, held_at=START - timedelta(days=1))
    assert refused(desk, early).code == "time_order"


@pytest.mark.parametrize("actor", [INSPECTOR, CUSTOMER])
def test_only_the_office_calls_meetings(actor: Any) -> None:
    assert refused(Desk(), call(), actor).code == "role_missing"


def test_minutes_of_a_lost_branch_are_recorded_on_the_other() -> None:
    base = at_review()
    base.do(call())
    winner = branch(base, lambda d: d.inspect("t-x", "acceptance", item("A", "pass")))
    loser = branch(base, lambda d: d.do(minutes(d)))
    assert rebased(winner, loser).case.meetings["m-1"].minutes is not None


def test_a_case_from_before_there_were_meetings_still_loads() -> None:
    document = case_to_document(Desk().case)
    del document["meetings"]
    assert case_from_document(document).meetings == {}
