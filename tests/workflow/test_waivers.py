"""Waivers: what two persons may let go, for how long, and what no word and no setting lets go."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.gate_rows import waivable_gates
from server.workflow.gates import evaluate_gates, gate_table
from server.workflow.model import Actor, Waiver
from server.workflow.policy import load_policy
from server.workflow.refusal import Refusal
from tests.workflow.branches import branch, lost, rebased
from tests.workflow.builders import (
    ADMIN,
    DEPUTY,
    INSPECTOR,
    MANAGER,
    START,
    Desk,
    accepted,
    item,
    ready_desk,
    refused,
)

GATE = "fees-settled"
#: An organisation that allows every waiver that there is.
POLICY = (
    load_policy()
    .with_overrides(
        {"key": f"waiver.{gate}", "from": "2000-01-01", "value": True} for gate in sorted(waivable_gates())
    )
    .at(START.date())
)
#: What no data says: settings that would allow everything.
LAWLESS = replace(POLICY, waivers=frozenset(gate_table()))
NEVER = sorted(gate.id for gate in gate_table().values() if not gate.waivable)


def shut_desk(gate: str = GATE) -> Desk:
    """A case at the ready stage that lacks one condition."""
    desk = ready_desk()
    desk.policy = POLICY
    desk.do(c.RecordEntry(gate=gate, status="unmet", note="not yet"))
    return desk


def proposal(desk: Desk, gate: str = GATE, **changes: Any) -> c.ProposeWaiver:
    until = desk.policy.day(desk.now) + timedelta(days=3)
    return c.ProposeWaiver(**{"gate": gate, "reason": "the bank is closed", "until": until, **changes})


def waived_desk(gate: str = GATE) -> Desk:
    desk = shut_desk(gate)
    desk.do(proposal(desk, gate, conditions="paid by Friday"), ADMIN)
    desk.do(c.ApproveWaiver(gate=gate), DEPUTY)
    return desk


def status(desk: Desk, gate: str = GATE) -> str:
    return next(one.status for one in desk.case.gates if one.id == gate)


def test_two_named_persons_let_a_condition_go_and_a_third_authorizes() -> None:
    desk = waived_desk()
    found = next(one for one in desk.case.gates if one.id == GATE)
    assert found.status == "waived", "it is not met"
    assert [reason.code for reason in found.reasons] == ["recorded_unmet", "waived"]
    assert found.reasons[-1].params["names"] == f"{ADMIN.name}, {DEPUTY.name}"
    assert found.reasons[-1].params["conditions"] == "paid by Friday"
    assert desk.red() == set()
    refusal = refused(desk, c.Authorize(), DEPUTY)
    assert (refusal.code, refusal.facts) == ("own_waiver", ("person:another",))
    both = Actor(ADMIN.name, ("manager", "admin"))
    assert refused(desk, c.Authorize(), both).code == "own_waiver"
    desk.do(c.Authorize())
    assert desk.status == "authorized"


def test_whether_there_is_a_condition_at_all_is_not_let_go() -> None:
    """An important customer whom nobody knows for one would be energized without a source for emergencies."""
    desk = ready_desk()
    desk.policy = POLICY
    gate = "emergency-source"
    desk.do(c.SetFacts(facts={"important": None}, reason="who said so?"))
    refusal = refused(desk, proposal(desk, gate), ADMIN)
    assert (refusal.code, refusal.facts) == ("waiver_of_unknown", ("fact:important",))
    desk.do(c.SetFacts(facts={"important": True}, reason="a clinic"))
    desk.do(c.RecordEntry(gate=gate, status="unmet", note="the set is on its way"))
    desk.do(proposal(desk, gate), ADMIN)
    desk.do(c.ApproveWaiver(gate=gate), DEPUTY)
    assert status(desk, gate) == "waived"
    desk.do(c.Authorize())
    desk.do(c.SetFacts(facts={"important": None}, reason="is it one?"))
    assert status(desk, gate) == "unmet"
    assert desk.status == "on_hold"
    desk.do(c.SetFacts(facts={"important": True}, reason="it is"))
    assert status(desk, gate) == "waived"


def test_one_person_is_none() -> None:
    desk = shut_desk()
    desk.do(proposal(desk))
    assert desk.red() == {GATE}
    refusal = refused(desk, c.ApproveWaiver(gate=GATE))
    assert (refusal.code, refusal.facts) == ("second_person_waives", ("person:another",))
    assert refused(desk, c.Authorize(), DEPUTY).facts == (f"gate:{GATE}",)


def test_only_where_a_dated_setting_of_the_organisation_allows_it() -> None:
    own = {"key": f"waiver.{GATE}", "from": "2026-03-02", "value": True, "organisation": "xiangyang"}
    policies = load_policy().with_overrides([own])
    assert policies.at(START.date(), "elsewhere").waivers == frozenset()
    assert policies.at(START.date() - timedelta(days=1), "xiangyang").waivers == frozenset()
    assert policies.at(START.date(), "xiangyang").waivers == {GATE}
    desk = shut_desk()
    desk.policy = load_policy().at(START.date())
    refusal = refused(desk, proposal(desk))
    assert (refusal.code, refusal.facts) == ("waiver_not_allowed", (f"setting:waiver.{GATE}",))


def test_a_setting_that_ends_ends_the_waivers_that_rest_on_it() -> None:
    desk = waived_desk()
    desk.do(c.Authorize())
    desk.policy = load_policy().at(START.date())
    desk.do(c.AmendCase(title="x", reason="x"))
    assert (desk.status, desk.red()) == ("on_hold", {GATE, "no-hold"})


@pytest.mark.parametrize("gate", NEVER)
def test_what_is_never_waived_is_not_whatever_the_settings_say(gate: str) -> None:
    desk = Desk()
    desk.policy = LAWLESS
    assert refused(desk, proposal(desk, gate), ADMIN).code == "never_waived"
    assert refused(desk, c.ApproveWaiver(gate=gate), DEPUTY).code == "never_waived"
    # Not even by a document that somebody has changed by hand.
    forged = Waiver(
        reason="x",
        until=desk.policy.day(desk.now),
        proposed_by=ADMIN.name,
        proposed_at=desk.now,
        approved_by=DEPUTY.name,
        approved_at=desk.now,
        words=99,
    )
    case = replace(desk.case, waivers={gate: (forged,)})
    assert evaluate_gates(case, LAWLESS, desk.now) == evaluate_gates(desk.case, LAWLESS, desk.now)


def test_it_is_withdrawn_by_one_person_at_any_time() -> None:
    desk = waived_desk()
    desk.do(c.Authorize())
    desk.do(c.WithdrawWaiver(gate=GATE, reason="the cheque bounced"), MANAGER)
    assert (desk.status, status(desk)) == ("on_hold", "unmet")
    assert refused(desk, c.WithdrawWaiver(gate=GATE, reason="x")).code == "no_waiver"
    [kept] = desk.case.waivers[GATE]
    assert (kept.withdrawn_by, kept.approved_by) == (MANAGER.name, DEPUTY.name)
    desk.do(proposal(desk), MANAGER)
    assert len(desk.case.waivers[GATE]) == 2


def test_it_ends_on_its_day_and_runs_no_longer_than_the_setting_allows() -> None:
    desk = waived_desk()
    until = desk.case.waivers[GATE][-1].until
    late = desk.now + timedelta(days=4)
    found = {one.id: one for one in evaluate_gates(desk.case, desk.policy, late)}
    assert (found[GATE].status, until) == ("unmet", desk.policy.day(desk.now) + timedelta(days=3))
    fresh = shut_desk()
    today = fresh.policy.day(fresh.now)
    for days in (-1, fresh.policy.waiver_max_days + 1):
        refusal = refused(fresh, proposal(fresh, until=today + timedelta(days=days)))
        assert refusal.code == "waiver_out_of_range"
    fresh.do(proposal(fresh), ADMIN)
    fresh.now += timedelta(days=5)
    assert refused(fresh, c.ApproveWaiver(gate=GATE), DEPUTY).code == "waiver_lapsed"


def test_a_word_that_the_second_person_did_not_know_voids_it() -> None:
    desk = waived_desk()
    desk.do(c.Authorize())
    desk.do(c.RecordEntry(gate=GATE, status="unmet", note="arrears of last year"), INSPECTOR_IN_OFFICE)
    assert (desk.status, status(desk)) == ("on_hold", "unmet")
    assert refused(desk, proposal(desk)).code == "waiver_stands"
    desk.do(c.WithdrawWaiver(gate=GATE, reason="anew"))
    desk.do(proposal(desk, reason="known now"), ADMIN)
    desk.do(c.ApproveWaiver(gate=GATE), DEPUTY)
    assert status(desk) == "waived"


INSPECTOR_IN_OFFICE = Actor(INSPECTOR.name, ("manager",))


def test_what_is_met_needs_no_waiver_and_one_does_not_hide_that_it_is_met() -> None:
    met = ready_desk()
    met.policy = POLICY
    assert refused(met, proposal(met)).code == "waiver_not_needed"
    desk = waived_desk()
    desk.do(c.RecordEntry(gate=GATE, status="met", evidence="receipt 7"))
    assert status(desk) == "met"


def test_the_same_proposal_and_approval_again_change_nothing() -> None:
    desk = shut_desk()
    command = proposal(desk)
    desk.do(command, ADMIN)
    assert desk.do(command, ADMIN).events == ()
    assert refused(desk, replace(command, reason="other"), ADMIN).code == "waiver_stands"
    desk.do(c.ApproveWaiver(gate=GATE), DEPUTY)
    assert desk.do(c.ApproveWaiver(gate=GATE), DEPUTY).events == ()
    assert refused(desk, c.ApproveWaiver(gate=GATE), MANAGER).code == "waiver_stands"
    for actor in (INSPECTOR, Actor("ke.customer", ("customer",))):
        assert refused(desk, c.ApproveWaiver(gate=GATE), actor).code == "role_missing"


def hazard(desk: Desk) -> None:
    desk.hazard()


def failure(desk: Desk) -> None:
    desk.submit("t-acc", accepted(item("CT-01", "fail")), revs=("9-late", "1-a"))


def open_task(desk: Desk) -> None:
    desk.assign("t-late", "acceptance")


LATE: dict[str, Callable[[Desk], None]] = {"hazard": hazard, "failure": failure, "task": open_task}


@pytest.mark.parametrize("late", sorted(LATE))
@pytest.mark.parametrize("place", range(4))
def test_a_late_defect_keeps_the_breaker_open_before_between_and_after_a_waiver(
    late: str, place: int
) -> None:
    desk = shut_desk()
    steps: list[Callable[[Desk], object]] = [
        lambda d: d.do(proposal(d), ADMIN),
        lambda d: d.do(c.ApproveWaiver(gate=GATE), DEPUTY),
        lambda d: d.do(c.Authorize()),
    ]
    steps.insert(place, LATE[late])
    for step in steps:
        with suppress(Refusal):
            step(desk)
    assert desk.status in {"none", "on_hold"}
    assert desk.red() & {"notices-closed", "field-work-complete"}
    assert status(desk) == "waived", "one has nothing to do with the other"


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(sorted(gate_table())),
    st.lists(st.sampled_from([ADMIN, DEPUTY, MANAGER]), min_size=3, max_size=3),
    st.permutations(["shut", "propose", "approve", "authorize", "authorize"]),
)
def test_no_order_of_words_lets_one_gate_go_that_may_not_or_one_person_alone(
    gate: str, people: list[Actor], order: list[str]
) -> None:
    desk = ready_desk()
    desk.policy = LAWLESS
    given_: dict[str, tuple[c.Command, Actor]] = {
        "shut": (c.RecordEntry(gate=gate, status="unmet"), MANAGER),
        "propose": (proposal(desk, gate), people[0]),
        "approve": (c.ApproveWaiver(gate=gate), people[1]),
        "authorize": (c.Authorize(), people[2]),
    }
    for name in order:
        with suppress(Refusal):
            desk.do(*given_[name])
    waived = [one.id for one in desk.case.gates if one.status == "waived"]
    assert set(waived) <= waivable_gates()
    if waived and desk.status == "authorized":
        assert len({actor.name for actor in people}) == 3
    if desk.status == "authorized":
        assert desk.red() == set()


def approve(desk: Desk) -> None:
    desk.policy = POLICY
    desk.do(c.ApproveWaiver(gate=GATE), DEPUTY)


def test_a_conflict_takes_no_waiver_over_and_keeps_its_withdrawal() -> None:
    """Two who let a condition go on one branch did not know what was said on the other."""
    base = shut_desk()
    base.do(proposal(base), ADMIN)
    plain = branch(base, lambda d: d.do(c.AmendCase(title="b", reason="x")))
    waived = branch(base, approve)
    desk = rebased(plain, waived)
    assert ("waiver_approved", "decided_anew") in lost(desk.case)
    assert GATE in desk.red()
    ended = branch(base, lambda d: d.do(c.WithdrawWaiver(gate=GATE, reason="x")))
    for winner, loser in itertools.permutations((waived, ended)):
        assert GATE in rebased(winner, loser).red()
