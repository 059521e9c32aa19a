"""Gates, holds, the authorization, and the breaker closed."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from server.workflow import commands as c
from server.workflow.gates import COMPUTED, evaluate_gates, find_gate, gate_table, ready
from server.workflow.model import Actor, PhotoRef
from server.workflow.processes import process
from tests.workflow.builders import (
    ADMIN,
    COLLEAGUE,
    CUSTOMER,
    DEPUTY,
    INSPECTOR,
    INTAKE,
    MANAGER,
    PLAIN_FACTS,
    POLICY,
    SCHEDULER,
    Desk,
    accepted,
    authorized_desk,
    energized_desk,
    item,
    ready_desk,
    record_command,
    refused,
)

ENTRY_GATES = [gate.id for gate in gate_table().values() if gate.entry is not None]
#: Gates that facts alone let fall away; where nobody settled them, a word may settle others.
CONDITIONAL = {
    gate.id: gate.needs
    for gate in gate_table().values()
    if gate.needs and gate.entry is not None and not gate.entry.not_applicable
}


def test_the_table_holds_every_condition_of_the_trade_once() -> None:
    codes = [gate.code for gate in gate_table().values() if gate.code]
    assert sorted(codes) == [f"E{number:02}" for number in range(1, 20)]
    assert {gate.computed for gate in gate_table().values() if gate.computed} == set(COMPUTED)


def test_a_gate_is_found_by_its_id_or_its_number() -> None:
    gate = find_gate("E06")
    assert gate is not None
    assert gate is find_gate("contract-signed")
    assert find_gate("") is None
    assert find_gate("E99") is None


def test_low_voltage_asks_for_less_and_for_nothing_else() -> None:
    high = {status.id for status in Desk("hv").case.gates}
    low = {status.id for status in Desk("lv").case.gates}
    assert low < high
    assert high - low == {
        "energization-plan-approved",
        "mid-check-passed",
        "tests-complete",
        "duty-staff",
        "tools-and-rules",
        "site-clear",
        "customer-agrees-time",
    }


@pytest.mark.parametrize("name", ["hv", "hv_complex", "lv"])
def test_a_case_with_every_gate_met_is_ready_and_energized(name: Any) -> None:
    desk = ready_desk(name)
    assert desk.red() == set()
    assert ready(desk.case)
    desk.do(c.Authorize(note="go"))
    desk.record()
    assert (desk.status, desk.case.stage) == ("energized", "energized")
    record = desk.case.energization.record
    assert record is not None
    assert record.impulse_closings == (0 if name == "lv" else 5)
    assert all(status.status != "unmet" for status in desk.case.energization.gates)


@pytest.mark.parametrize("gate", [g for g in ENTRY_GATES if not gate_table()[g].needs])
def test_each_word_that_is_missing_or_taken_back_refuses_by_its_own_name(gate: str) -> None:
    desk = ready_desk()
    assert gate not in desk.red()
    desk.do(c.RecordEntry(gate=gate, status="unmet", note="not yet"))
    assert refused(desk, c.Authorize()).facts == (f"gate:{gate}",)
    fresh = Desk()
    fresh.enter(without={gate})
    assert gate in fresh.red()
    assert fresh.red() == {gate, "acceptance-passed"}


@pytest.mark.parametrize("gate", sorted(CONDITIONAL))
def test_a_conditional_gate_asks_as_soon_as_one_of_its_facts_is_not_settled_as_no(gate: str) -> None:
    for fact in CONDITIONAL[gate]:
        desk = ready_desk()
        assert gate not in desk.red()
        desk.do(c.SetFacts(facts={fact: None}))
        status = next(one for one in desk.case.gates if one.id == gate)
        assert [reason.code for reason in status.reasons] == ["fact_unknown"]
        assert status.refs == (f"fact:{fact}",)
        desk.do(c.SetFacts(facts={fact: True}))
        assert gate not in desk.red(), "entries were recorded before"
        desk.do(c.RecordEntry(gate=gate, status="unmet"))
        assert gate in desk.red()


def test_a_new_case_names_every_fact_it_waits_for() -> None:
    desk = Desk(facts={})
    unknown = {
        reason.params["fact"]
        for status in desk.case.gates
        for reason in status.reasons
        if reason.code == "fact_unknown"
    }
    ruled = {"design_review_required", "mid_check_required"}
    assert unknown == set(PLAIN_FACTS) - ruled | {"grid_works", "outage_needed"}


@pytest.mark.parametrize("required", [True, None])
def test_the_mid_check_falls_away_only_when_settled_as_not_required(required: bool | None) -> None:
    desk = ready_desk()
    desk.do(c.SetFacts(facts={"mid_check_required": required}))
    assert desk.red() == {"mid-check-passed"}
    desk.inspect("t-mid", "intermediate", item("ME-01"))
    assert desk.red() == {"mid-check-passed", "notices-closed"}
    desk.round(1, item("ME-01", "pass"), issue=True)
    assert desk.red() == set()


def test_a_notice_blocks_whatever_its_severity_state_or_round() -> None:
    desk = ready_desk()
    desk.inspect("t-2", "acceptance", item("A", severity="minor"))
    blocked = {"notices-closed", "acceptance-passed"}
    assert desk.red() == blocked
    desk.issue()
    assert desk.red() == blocked
    desk.answer()
    assert desk.red() == blocked
    task = desk.reinspect()
    assert desk.red() == blocked | {"field-work-complete"}
    desk.submit(task.id, accepted(item("A", severity="minor")))
    assert desk.red() == blocked
    desk.round(1, item("A", "pass", "minor"))
    assert desk.red() == set()


def test_two_different_persons_confirm_that_the_site_is_clear() -> None:
    desk = Desk()
    met = c.RecordEntry(gate="site-clear", status="met", evidence="sheet 7")
    desk.do(met, MANAGER)
    desk.do(msgspec.structs.replace(met, evidence="sheet 7, again"), MANAGER)
    status = next(one for one in desk.case.gates if one.id == "site-clear")
    assert status.reasons[0].params == {"needed": 2, "have": 1}
    desk.do(met, INSPECTOR)
    assert "site-clear" not in desk.red()
    desk.do(c.RecordEntry(gate="site-clear", status="unmet", note="earth left on"), INSPECTOR)
    assert "site-clear" in desk.red()
    desk.do(met, INSPECTOR)
    assert "site-clear" in desk.red(), "the word given before the objection does not count"
    desk.do(met, COLLEAGUE)
    assert "site-clear" not in desk.red()


def test_not_applicable_is_said_only_where_the_table_allows_it_and_with_evidence() -> None:
    desk = Desk()
    for gate in ENTRY_GATES:
        command = c.RecordEntry(gate=gate, status="not_applicable", evidence="no outage needed")
        actor = MANAGER
        if gate in {"outage-approved", "grid-works-accepted"}:
            assert refused(desk, msgspec.structs.replace(command, evidence="")).code == "evidence_missing"
            desk.do(command, actor)
            assert gate not in desk.red()
        else:
            assert refused(desk, command, actor).code == "not_applicable_refused"


def test_every_word_is_kept_with_who_and_when() -> None:
    desk = Desk()
    desk.do(c.RecordEntry(gate="E06", status="met", evidence="HT-1"), MANAGER)
    corrected = c.RecordEntry(gate="E06", status="met", evidence="HT-2", note="seal was missing")
    desk.do(corrected, DEPUTY)
    words = desk.case.entries["contract-signed"]
    assert [(word.by, word.evidence) for word in words] == [(MANAGER.name, "HT-1"), (DEPUTY.name, "HT-2")]
    assert (
        desk.do(
            c.RecordEntry(gate="E06", status="met", evidence="HT-2", note="seal was missing"), DEPUTY
        ).events
        == ()
    )


@pytest.mark.parametrize(
    ("gate", "actor", "code"),
    [
        ("contract-signed", INSPECTOR, "role_missing"),
        ("outage-approved", CUSTOMER, "role_missing"),
        ("notices-closed", MANAGER, "gate_computed"),
        ("no-hold", ADMIN, "gate_computed"),
        ("E99", MANAGER, "gate_unknown"),
    ],
)
def test_who_may_confirm_what(gate: str, actor: Actor, code: str) -> None:
    command = c.RecordEntry(gate=gate, status="met", evidence="x")
    assert refused(Desk(), command, actor).code == code
    assert Desk().do(c.RecordEntry(gate="E12", status="met", evidence="plan 8"), SCHEDULER).events


def test_a_gate_of_the_other_process_is_none() -> None:
    command = c.RecordEntry(gate="tests-complete", status="met", evidence="x")
    assert refused(Desk("lv"), command).code == "gate_unknown"


def test_authorizing_needs_a_manager_every_gate_and_the_ready_stage() -> None:
    desk = Desk()
    refusal = refused(desk, c.Authorize())
    assert refusal.code == "gates_unmet"
    assert [row["id"] for row in refusal.params["gates"]] == [
        status.id for status in desk.case.gates if status.status == "unmet"
    ]
    for actor in (ADMIN, INSPECTOR, CUSTOMER, INTAKE):
        assert refused(ready_desk(), c.Authorize(), actor).code == "role_missing"
    early = ready_desk()
    early.to_stage("acceptance")
    assert refused(early, c.Authorize()).code == "not_at_ready_stage"


def test_authorizing_twice_changes_nothing() -> None:
    assert authorized_desk().do(c.Authorize(), DEPUTY).events == ()


@pytest.mark.parametrize(
    "command",
    [
        c.RecordEntry(gate="fees-settled", status="unmet", note="cheque returned"),
        c.SetFacts(facts={"dispatched": None}),
        c.AssignTask(
            task_id="t-9",
            kind="acceptance",
            checklist=energized_desk().task("t-acc").checklist,
            assignees=(INSPECTOR.name,),
        ),
        c.Hold(reason="storm"),
        c.MoveStage(to="construction"),
    ],
)
def test_whatever_shuts_a_gate_voids_the_authorization(command: c.Command) -> None:
    desk = authorized_desk()
    desk.do(command)
    assert desk.status == "on_hold"
    assert "no-hold" in desk.red()
    assert desk.case.energization.hold is not None
    assert refused(desk, record_command(desk)).code == "not_authorized"


def test_a_hold_is_ended_by_a_manager_and_never_into_an_authorization() -> None:
    desk = authorized_desk()
    desk.do(c.Hold(reason="the case document was in conflict"), INTAKE)
    assert refused(desk, c.Hold(reason="twice")).code == "cannot_hold"
    assert refused(desk, c.ReleaseHold(reason="fine"), ADMIN).code == "role_missing"
    desk.do(c.ReleaseHold(reason="fine"))
    energization = desk.case.energization
    assert (energization.status, energization.authorized_by, energization.hold) == ("none", None, None)
    assert refused(desk, c.ReleaseHold(reason="fine")).code == "not_on_hold"


def test_a_case_can_be_held_before_anybody_authorizes_it() -> None:
    desk = ready_desk()
    desk.do(c.Hold(reason="neighbour objects"))
    assert refused(desk, c.Authorize()).facts == ("gate:no-hold",)


def test_only_an_authorized_case_is_energized() -> None:
    desk = ready_desk()
    assert refused(desk, record_command(desk)).code == "not_authorized"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"at": timedelta(hours=-1)}, "time_order"),
        ({"at": timedelta(minutes=20)}, "in_future"),
        ({"at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))}, "time_order"),
        ({"transformer_start_at": timedelta(minutes=-5)}, "time_order"),
        ({"transformer_start_at": timedelta(minutes=20)}, "in_future"),
        ({"phase_check": "inconsistent"}, "phase_check_failed"),
        ({"phase_check": "not_required"}, "phase_check_failed"),
        ({"participants": (MANAGER.name, MANAGER.name)}, "participants_missing"),
        ({"participants": ()}, "malformed"),
        ({"impulse_closings": -1}, "malformed"),
        ({"readings": {"kWh": float("nan")}}, "malformed"),
    ],
)
def test_what_a_record_must_say(changes: dict[str, Any], code: str) -> None:
    desk = authorized_desk()
    absolute = {
        key: desk.now + value if isinstance(value, timedelta) else value for key, value in changes.items()
    }
    refusal = refused(desk, record_command(desk, **absolute))
    assert (refusal.code, refusal.kind) == (code, "invalid")


def test_a_clock_a_little_ahead_is_forgiven() -> None:
    desk = authorized_desk()
    desk.switch()
    ahead = desk.now + timedelta(seconds=POLICY.clock_future_tolerance_s)
    desk.do(record_command(desk, at=ahead))
    assert desk.status == "energized"


def test_low_voltage_may_do_without_a_phase_check() -> None:
    desk = authorized_desk("lv")
    assert not process("lv").phase_check
    desk.record(phase_check="not_required")
    assert desk.status == "energized"


def test_the_gates_are_looked_at_again_when_the_breaker_is_recorded() -> None:
    desk = authorized_desk()
    desk.policy = msgspec.structs.replace(POLICY, site_clear_signatures=3)
    assert refused(desk, record_command(desk)).facts == ("gate:site-clear",)


def test_a_record_is_made_once() -> None:
    desk = authorized_desk()
    desk.switch()
    command = record_command(desk)
    desk.do(command)
    assert desk.do(command, DEPUTY).events == ()
    assert refused(desk, msgspec.structs.replace(command, note="other")).code == "already_energized"
    assert refused(desk, c.Authorize()).code == "already_energized"
    assert refused(desk, c.Hold(reason="x")).code == "cannot_hold"


def test_the_photos_of_an_answer_shut_a_gate_until_they_are_verified_or_replaced() -> None:
    desk = ready_desk()
    desk.inspect("t-2", "acceptance", item("A"))
    desk.issue()
    desk.answer(1, photos=[PhotoRef("p-1", "aa")])
    status = next(one for one in desk.case.gates if one.id == "photos-verified")
    assert status.refs == ("photo:p-1", "notice:1")
    desk.answer(1, photos=[PhotoRef("p-2", "bb", verified=True)])
    assert "photos-verified" not in desk.red()


def test_stored_gates_are_those_that_evaluation_gives() -> None:
    for desk in (Desk(), ready_desk(), authorized_desk(), energized_desk("lv")):
        assert desk.case.gates == evaluate_gates(desk.case, desk.policy, desk.case.log[-1].at)
