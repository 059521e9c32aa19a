"""Papers handed over in time, and checks that come before the inspection."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.policy import load_policy
from tests.workflow.branches import branch, rebased
from tests.workflow.builders import (
    CUSTOMER,
    INSPECTOR,
    SCHEDULER,
    START,
    Desk,
    authorized_desk,
    energized_desk,
    item,
    refused,
)
from tests.workflow.test_processes import surveyed


def handbook(desk: Desk, **changes: Any) -> c.HandOver:
    fields: dict[str, Any] = {
        "handover_id": "h-1",
        "kind": "acceptance_handbook",
        "version": "2026-2",
        "received_by": "Ms Hong",
        "dated": desk.now,
        "receipt": "signed copy 12",
    }
    return c.HandOver(**{**fields, **changes})


def check(desk: Desk, **changes: Any) -> c.RecordSelfCheck:
    fields: dict[str, Any] = {
        "check_id": "s-1",
        "dated": desk.now,
        "by": "Ms Hong",
        "finished": True,
        "evidence": "sheet 3",
    }
    return c.RecordSelfCheck(**{**fields, **changes})


def building(*, mid_check: bool = False) -> Desk:
    desk = Desk()
    desk.do(c.SetFacts(facts={"mid_check_required": mid_check}, reason="as surveyed"))
    surveyed(desk).to_stage("scheme", "review", "reply", "construction")
    return desk


def test_papers_for_the_acceptance_are_handed_over_once_the_intermediate_inspection_has_passed() -> None:
    desk = building(mid_check=True)
    assert refused(desk, handbook(desk)).code == "handover_too_early"
    desk.inspect("t-m", "intermediate", item("ME-01"))
    refusal = refused(desk, handbook(desk))
    assert (refusal.code, refusal.facts) == ("handover_too_early", ("notice:1",))
    before = desk.now
    desk.round(1, item("ME-01", "pass"), issue=True)
    assert refused(desk, handbook(desk, dated=before)).code == "time_order"
    desk.do(handbook(desk))
    handed = desk.case.handovers["h-1"]
    assert (handed.version, handed.received_by, handed.receipt) == ("2026-2", "Ms Hong", "signed copy 12")
    assert desk.case.log[-1].event == "handed_over"


def test_where_no_intermediate_inspection_is_required_papers_may_be_handed_over_at_once() -> None:
    desk = building()
    desk.do(handbook(desk, kind="setting_sheet", version="7"))
    desk.do(handbook(desk, handover_id="h-2", kind="setting_sheet", version="8"))
    assert [one.version for one in desk.case.handovers.values()] == ["7", "8"]


def test_the_same_record_again_changes_nothing_and_another_of_its_id_is_refused() -> None:
    desk = building()
    first, checked = handbook(desk), check(desk)
    look = c.RecordPreInspection(check_id="p-1", dated=desk.now, inspectors=(INSPECTOR.name,))
    for command in (first, checked, look):
        assert desk.do(command).events
        assert desk.do(command).events == ()
    assert refused(desk, replace(first, version="other")).code == "record_exists"
    assert refused(desk, replace(checked, finished=False)).code == "record_exists"
    assert refused(desk, replace(look, advice=("tidy up",))).code == "record_exists"
    assert case_from_document(case_to_document(desk.case)) == desk.case


def test_completion_is_applied_for_after_the_customers_own_check() -> None:
    desk = building()
    move = c.MoveStage(to="completion_applied")
    assert refused(desk, move).facts == ("command:RecordSelfCheck",)
    desk.do(check(desk, finished=False, findings="one cable missing"), CUSTOMER)
    refusal = refused(desk, move)
    assert refusal.params["reasons"][0]["code"] == "self_check_unfinished"
    assert refusal.params["reasons"][0]["params"]["findings"] == "one cable missing"
    desk.do(check(desk, check_id="s-2"))
    desk.do(move)
    assert desk.case.stage == "completion_applied"


def test_the_last_check_counts_in_whatever_order_they_are_recorded() -> None:
    desk = building()
    desk.now += timedelta(days=2)
    desk.do(check(desk, finished=False))
    desk.do(check(desk, check_id="s-2", dated=desk.now - timedelta(days=1)))
    reason = refused(desk, c.MoveStage(to="completion_applied")).params["reasons"][0]
    assert reason["code"] == "self_check_unfinished"


def test_from_the_intermediate_inspection_no_way_leads_past_the_customers_check() -> None:
    desk = building(mid_check=True)
    desk.to_stage("intermediate")
    desk.inspect("t-m", "intermediate", item("ME-01", "pass"))
    assert refused(desk, c.MoveStage(to="completion_applied")).facts == ("command:RecordSelfCheck",)


def test_an_organisation_may_go_without_the_customers_check() -> None:
    own = {"key": "self_check_required", "from": "2026-01-01", "value": False}
    desk = building()
    desk.policy = load_policy().with_overrides([own]).at(START.date())
    desk.do(c.MoveStage(to="completion_applied"))


def test_what_a_pre_inspection_finds_is_advice_and_no_notice() -> None:
    desk = building()
    look = c.RecordPreInspection(
        check_id="p-1", dated=desk.now, inspectors=(INSPECTOR.name, INSPECTOR.name), advice=("label bay 3",)
    )
    desk.do(look, INSPECTOR)
    assert desk.case.pre_inspections["p-1"].inspectors == (INSPECTOR.name,)
    assert (desk.case.notices, desk.red() & {"notices-closed"}) == ({}, set())
    late = replace(look, check_id="p-2", dated=START)
    assert refused(energized_desk(), late).code == "already_energized"


def test_none_of_these_moves_an_authorization() -> None:
    desk = authorized_desk()
    desk.do(handbook(desk))
    desk.do(check(desk, check_id="s-9"))
    assert desk.status == "authorized"


def test_records_are_dated_within_the_case_and_given_by_those_who_may() -> None:
    desk = building()
    for command in (handbook(desk), check(desk)):
        assert refused(desk, replace(command, dated=desk.now + timedelta(days=1))).code == "in_future"
        assert refused(desk, replace(command, dated=START - timedelta(days=1))).code == "time_order"
        assert refused(desk, command, SCHEDULER).code == "role_missing"
    assert refused(desk, handbook(desk), CUSTOMER).code == "role_missing"


def test_records_of_a_lost_branch_are_kept() -> None:
    base = building()
    winner = branch(base, lambda d: d.hazard())
    loser = branch(base, lambda d: d.do(handbook(d)), lambda d: d.do(check(d)))
    case = rebased(winner, loser).case
    assert (set(case.handovers), set(case.self_checks)) == ({"h-1"}, {"s-1"})


@pytest.mark.parametrize("part", ["handovers", "self_checks", "pre_inspections"])
def test_a_case_from_before_these_records_still_loads(part: str) -> None:
    document = case_to_document(Desk().case)
    del document[part]
    assert getattr(case_from_document(document), part) == {}
