"""The day of energization: steps in their order, each with its time; what breaks off; what is left live."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.gates import gate_table, ready
from server.workflow.policy import load_policy
from server.workflow.refusal import Refusal
from server.workflow.sheet import switching_sheet
from server.workflow.switching import (
    abort_rules,
    closed_at,
    current_run,
    left_live,
    steps_of,
)
from tests.workflow.branches import branch, held, lost
from tests.workflow.builders import (
    ADMIN,
    CUSTOMER,
    DEPUTY,
    INSPECTOR,
    INTAKE,
    MANAGER,
    POLICY,
    SCHEDULER,
    START,
    Desk,
    authorized_desk,
    energized_desk,
    ready_desk,
    record_command,
    refused,
)

HV = ["site-clear-again", "insulation", "energize-incoming", "phase-check", "impulse-closing"]
HV += ["no-load-run", "lv-phase-voltage", "load"]


def step(desk: Desk, name: str, minutes: float = 0, **more: Any) -> c.RecordSteps:
    at = desk.now + timedelta(minutes=minutes)
    return c.RecordSteps(steps=(c.StepDone(step=name, at=at, **more),))


def until(desk: Desk, last: str) -> Desk:
    """Switch as far as this step, with it."""
    steps = desk.steps()
    names = [one.step for one in steps]
    wanted = steps[: names.index(last) + names.count(last)]
    desk.do(c.RecordSteps(steps=wanted), INSPECTOR, at=wanted[-1].at)
    return desk


def ticks(desk: Desk) -> list[str]:
    return [tick.step for run in desk.case.energization.runs for tick in run.ticks]


# What is done


def test_the_steps_are_those_of_the_trade_in_their_order() -> None:
    assert [one.id for one in steps_of(Desk("hv").case, POLICY)] == HV
    assert [one.id for one in steps_of(Desk("hv_complex").case, POLICY)] == HV
    assert [one.id for one in steps_of(Desk("lv").case, POLICY)] == ["energize-incoming", "lv-phase-voltage"]


@pytest.mark.parametrize(
    ("facts", "times"),
    [
        ({}, 5),
        ({"transformer_type": "dry"}, 5),
        ({"differential": False}, 5),
        ({"transformer_type": "oil", "differential": False}, 5),
        ({"transformer_type": "dry", "differential": True}, 5),
        ({"transformer_type": "dry", "differential": False}, 3),
    ],
)
def test_fewer_impulses_only_for_what_is_known_to_be_dry_and_without_differential_protection(
    facts: dict[str, Any], times: int
) -> None:
    policy = load_policy(fact_names=["transformer_type"]).at(START.date())
    desk = Desk(policy=policy)
    desk.do(c.SetFacts(facts={"dual": True, **facts}))
    impulse = next(one for one in steps_of(desk.case, policy) if one.id == "impulse-closing")
    assert (impulse.times, impulse.minutes) == (times, 5)


def test_how_often_and_how_far_apart_are_dated_settings() -> None:
    changed = replace(POLICY, impulse_closings=2, impulse_interval_minutes=1)
    impulse = next(one for one in steps_of(Desk().case, changed) if one.id == "impulse-closing")
    assert (impulse.times, impulse.minutes) == (2, 1)


def test_every_step_is_kept_with_who_when_and_what_was_read() -> None:
    desk = authorized_desk()
    read = {"HV to earth, MΩ": 2500.0, "weather": "dry"}
    desk.do(step(desk, "site-clear-again", by="crew leader"), SCHEDULER)
    desk.do(step(desk, "insulation", readings=read, note="2500 V"), INSPECTOR)
    run = current_run(desk.case)
    assert run is not None
    assert [(one.step, one.by, one.recorded_by) for one in run.ticks] == [
        ("site-clear-again", "crew leader", SCHEDULER.name),
        ("insulation", INSPECTOR.name, INSPECTOR.name),
    ]
    assert run.ticks[1].readings == read
    lines = switching_sheet(desk.case, desk.policy)
    assert [(line.id, len(line.ticks)) for line in lines][:3] == [
        ("site-clear-again", 1),
        ("insulation", 1),
        ("energize-incoming", 0),
    ]
    assert next(line for line in lines if line.closes).id == "energize-incoming"


# In which order


@pytest.mark.parametrize(
    ("name", "code"),
    [("insulation", "step_out_of_order"), ("load", "step_out_of_order"), ("dance", "step_unknown")],
)
def test_a_step_out_of_its_order_names_the_one_that_comes_next(name: str, code: str) -> None:
    desk = authorized_desk()
    refusal = refused(desk, step(desk, name))
    assert refusal.code == code
    if code == "step_out_of_order":
        assert refusal.facts == ("step:site-clear-again",)


def test_times_follow_the_authorization_and_each_other() -> None:
    desk = authorized_desk()
    assert refused(desk, step(desk, "site-clear-again", minutes=-2)).code == "time_order"
    assert refused(desk, step(desk, "site-clear-again", minutes=20)).code == "in_future"
    desk.do(step(desk, "site-clear-again"))
    assert refused(desk, step(desk, "insulation", minutes=-9)).code == "time_order"


def test_impulses_are_far_enough_apart() -> None:
    desk = until(authorized_desk(), "phase-check")
    desk.do(step(desk, "impulse-closing"))
    desk.now += timedelta(minutes=3)
    refusal = refused(desk, step(desk, "impulse-closing"))
    assert (refusal.code, refusal.params["field"]) == ("time_order", "at")
    desk.now += timedelta(minutes=2)
    desk.do(step(desk, "impulse-closing"))
    assert refused(desk, step(desk, "no-load-run")).params["next"] == "impulse-closing"


def test_a_sheet_sent_twice_happened_once() -> None:
    desk = authorized_desk()
    sheet = c.RecordSteps(steps=desk.steps())
    desk.do(sheet, at=sheet.steps[-1].at)
    assert desk.do(sheet).events == ()
    assert ticks(desk) == [*HV[:4], *["impulse-closing"] * 5, *HV[5:]]
    assert refused(desk, step(desk, "load")).code == "steps_done"


@pytest.mark.parametrize("actor", [ADMIN, CUSTOMER, INTAKE])
def test_who_neither_is_there_nor_orders_it_records_no_step(actor: Any) -> None:
    desk = authorized_desk()
    assert refused(desk, step(desk, "site-clear-again"), actor).code == "role_missing"


def test_nothing_is_switched_before_an_authorization_or_after_the_record() -> None:
    desk = ready_desk()
    assert refused(desk, step(desk, "site-clear-again")).code == "not_authorized"
    done = energized_desk()
    assert refused(done, step(done, "load", note="again")).code == "already_energized"


# The record


@pytest.mark.parametrize("last", HV[:-1])
def test_energization_is_recorded_only_once_every_step_is(last: str) -> None:
    desk = until(authorized_desk(), last)
    refusal = refused(desk, record_command(desk))
    assert refusal.code == "steps_missing"
    assert refusal.facts == tuple(f"step:{name}" for name in HV[HV.index(last) + 1 :])


def test_the_record_says_what_the_steps_say() -> None:
    desk = authorized_desk()
    desk.switch()
    closed = closed_at(desk.case)
    assert closed is not None
    assert refused(desk, record_command(desk, at=closed - timedelta(minutes=1))).code == "time_order"
    assert refused(desk, record_command(desk, impulse_closings=3)).code == "impulse_closings_differ"
    desk.do(record_command(desk, at=closed))
    record = desk.case.energization.record
    assert record is not None
    assert (record.at, record.impulse_closings, record.readings_by) == (closed, 5, CUSTOMER.name)
    assert [one.ref for one in record.signatures] == ["signature:s-1"]


@pytest.mark.parametrize(
    ("lacking", "code"),
    [
        ({"readings": {}}, "readings_missing"),
        ({"readings_by": " "}, "readings_missing"),
        ({"signatures": ()}, "signatures_missing"),
    ],
)
def test_the_customer_copies_the_readings_and_signs_unless_a_setting_says_otherwise(
    lacking: dict[str, Any], code: str
) -> None:
    desk = authorized_desk()
    desk.switch()
    assert refused(desk, record_command(desk, **lacking)).code == code
    desk.policy = replace(POLICY, energization_readings=False, energization_signatures=0)
    desk.do(record_command(desk, **lacking))
    assert desk.status == "energized"


def test_what_has_aged_since_the_breaker_was_closed_does_not_matter() -> None:
    """The crew switches in the evening, and the record is written on the next day."""
    desk = authorized_desk()
    desk.switch()
    desk.now += timedelta(days=1)
    desk.do(record_command(desk))
    assert desk.status == "energized"
    assert ready(desk.case)


# What breaks off


def test_a_step_that_came_out_badly_holds_energization_and_says_why() -> None:
    desk = until(authorized_desk(), "energize-incoming")
    assert refused(desk, step(desk, "phase-check", good=False)).code == "failure_unexplained"
    desk.do(step(desk, "phase-check", good=False, note="A and C swapped"), INSPECTOR)
    hold = desk.case.energization.hold
    assert hold is not None
    assert (desk.status, hold.cause, hold.reason) == ("on_hold", "step_failed", "A and C swapped")
    assert current_run(desk.case) is None
    assert refused(desk, record_command(desk)).code == "not_authorized"


def test_nothing_comes_after_a_step_that_came_out_badly() -> None:
    desk = authorized_desk()
    bad = c.StepDone(step="site-clear-again", at=desk.now, good=False, note="an earth left on")
    after = c.StepDone(step="insulation", at=desk.now)
    assert refused(desk, c.RecordSteps(steps=(bad, after))).code == "step_after_failure"


@pytest.mark.parametrize("rule", abort_rules())
def test_switching_is_broken_off_by_any_rule_of_the_order(rule: str) -> None:
    desk = until(authorized_desk(), "insulation")
    desk.do(c.AbortSwitching(rule=rule, reason="seen by the crew"), INSPECTOR)
    hold = desk.case.energization.hold
    assert hold is not None
    assert (hold.cause, hold.by) == ("aborted", INSPECTOR.name)
    assert not left_live(desk.case), "nothing was closed yet"
    desk.do(c.ReleaseHold(reason="gone"))
    desk.do(c.Authorize())
    assert desk.steps()[0].step == "site-clear-again", "it begins anew"


def test_what_is_aborted_goes_on_and_by_a_rule() -> None:
    desk = authorized_desk()
    assert refused(desk, c.AbortSwitching(rule="weather", reason="x")).code == "not_switching"
    until(desk, "insulation")
    assert refused(desk, c.AbortSwitching(rule="whim", reason="x")).code == "abort_rule_unknown"


@pytest.mark.parametrize(
    "stop",
    [
        c.AbortSwitching(rule="weather", reason="thunder"),
        c.Hold(reason="smoke"),
        c.RecordEntry(gate="fees-settled", status="unmet"),
        c.MoveStage(to="acceptance"),
    ],
)
def test_no_hold_ends_over_an_installation_that_was_left_live(stop: c.Command) -> None:
    desk = until(authorized_desk(), "energize-incoming")
    desk.do(stop)
    assert desk.status == "on_hold"
    assert left_live(desk.case)
    refusal = refused(desk, c.ReleaseHold(reason="go on"))
    assert (refusal.code, refusal.facts) == ("left_live", ("command:RecordIsolation",))
    early = c.RecordIsolation(at=desk.now - timedelta(hours=1), evidence="earthed")
    assert refused(desk, early).code == "time_order"
    desk.do(c.RecordIsolation(at=desk.now, evidence="breaker open, earthed"), INSPECTOR)
    assert refused(desk, c.RecordIsolation(at=desk.now, evidence="x")).code == "not_left_live"
    desk.do(c.ReleaseHold(reason="go on"))
    assert desk.status == "none"


def test_a_defect_that_arrives_while_the_crew_switches_breaks_off_at_once() -> None:
    desk = until(authorized_desk(), "phase-check")
    desk.hazard()
    assert desk.status == "on_hold"
    assert left_live(desk.case)
    assert refused(desk, step(desk, "impulse-closing", minutes=1)).code == "not_authorized"


def test_steps_done_before_the_hold_are_kept_when_their_sheet_comes_after_it() -> None:
    """Nobody may think an installation dead because the paper came late."""
    desk = authorized_desk()
    done = desk.steps()[:3]
    desk.do(c.Hold(reason="a call"), at=done[-1].at + timedelta(minutes=1))
    assert not left_live(desk.case)
    desk.do(c.RecordSteps(steps=done), INSPECTOR)
    assert left_live(desk.case)
    assert desk.status == "on_hold"
    late = c.RecordSteps(steps=(c.StepDone(step="phase-check", at=desk.now),))
    assert refused(desk, late).code == "not_authorized", "that was done after the hold"


def test_an_authorization_of_the_same_moment_begins_a_run_of_its_own() -> None:
    """Clocks may stand; steps of a run that broke off do not count for the next."""
    desk = until(ready_and_authorized_at(START), "insulation")
    desk.do(c.AbortSwitching(rule="weather", reason="x"), at=desk.now)
    desk.do(c.ReleaseHold(reason="x"), at=desk.now)
    desk.do(c.Authorize(), at=START + timedelta(hours=1))
    assert [run.n for run in desk.case.energization.runs] == [1]
    desk.do(c.RecordSteps(steps=(c.StepDone(step="site-clear-again", at=desk.now),)))
    assert [(run.n, len(run.ticks)) for run in desk.case.energization.runs] == [(1, 2), (2, 1)]
    desk.switch()
    desk.do(record_command(desk))
    assert desk.status == "energized"


def ready_and_authorized_at(start: datetime) -> Desk:
    desk = ready_desk()
    desk.do(c.Authorize(), at=start + timedelta(hours=1))
    return desk


# Whatever happens


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([gate.id for gate in gate_table().values() if gate.entry is not None and not gate.needs]),
    st.integers(0, 12),
    st.booleans(),
)
def test_no_breaker_is_recorded_closed_over_a_red_gate(gate: str, after: int, days: bool) -> None:
    """A condition falls away, or the day goes by, after any number of steps."""
    desk = authorized_desk()
    steps = desk.steps()
    for one in steps[:after]:
        desk.do(c.RecordSteps(steps=(one,)), INSPECTOR, at=max(desk.now, one.at))
    closed = closed_at(desk.case)
    if days:
        desk.now += timedelta(days=1)
        gate = "site-clear"
    else:
        desk.do(c.RecordEntry(gate=gate, status="unmet"))
    with suppress(Refusal):
        desk.switch()
    with suppress(Refusal):
        desk.do(record_command(desk))
    if days and closed is not None:
        assert desk.status == "energized", "it was closed on its day"
        return
    assert desk.status != "energized"
    assert desk.case.energization.record is None


# In two places at once


def test_what_became_live_on_a_losing_branch_is_live() -> None:
    base = authorized_desk()
    switched = branch(base, lambda d: until(d, "energize-incoming"))
    other = branch(base, lambda d: d.do(c.AmendCase(title="b", reason="x")))
    for winner, loser in ((other, switched), (switched, other)):
        desk = held(winner, loser)
        assert left_live(desk.case)
        assert current_run(desk.case) is None
        desk.do(c.SettleConflict(), INTAKE)
        assert desk.status == "on_hold", "no machine ends that hold"
        assert refused(desk, c.ReleaseHold(reason="compared")).code == "left_live"
        desk.do(c.RecordIsolation(at=desk.now, evidence="seen dead"), INSPECTOR)
        desk.do(c.ReleaseHold(reason="compared"), DEPUTY)
        assert desk.status == "none"


def test_a_rule_that_broke_off_on_a_losing_branch_outlives_the_conflict() -> None:
    base = until(authorized_desk(), "insulation")
    aborted = branch(base, lambda d: d.do(c.AbortSwitching(rule="weather", reason="thunder")))
    other = branch(base, lambda d: d.do(c.AmendCase(title="b", reason="x")))
    desk = held(other, aborted)
    desk.do(c.SettleConflict(), INTAKE)
    hold = desk.case.energization.hold
    assert hold is not None
    assert (hold.cause, hold.reason) == ("aborted", "thunder")


def test_a_breaker_closed_on_a_losing_branch_keeps_its_steps() -> None:
    base = authorized_desk()
    closed = branch(base, lambda d: d.record())
    other = branch(base, lambda d: d.hazard())
    desk = held(other, closed)
    assert desk.status == "energized"
    assert not left_live(desk.case)
    assert lost(desk.case) == []
    moments: list[datetime] = [tick.at for tick in desk.case.energization.runs[-1].ticks]
    assert moments == [tick.at for tick in closed.case.energization.runs[-1].ticks]
    assert len(desk.case.energization.runs) == 1


def test_the_manager_alone_records_the_energization() -> None:
    desk = authorized_desk()
    desk.switch()
    assert refused(desk, record_command(desk), INSPECTOR).code == "role_missing"
    desk.do(record_command(desk), MANAGER)
    assert desk.status == "energized"
