"""Processes as data: what cannot be is refused, and what size and kind ask for is settled by rule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.clocks.standing import standing
from server.workflow.clocks.tables import limits
from server.workflow.decide import ROLES, decide
from server.workflow.gates import gate_table
from server.workflow.inforce import InForce
from server.workflow.model import Actor, Supply
from server.workflow.policy import PolicyError, load_policy
from server.workflow.processes import Process, lint, process
from server.workflow.processes.rules import size_rules
from server.workflow.refusal import Refusal
from server.workflow.vocabulary import ProcessName, Role
from tests.workflow.builders import (
    ADMIN,
    MANAGER,
    PLAIN_FACTS,
    POLICY,
    START,
    Desk,
    authorized_desk,
    energized_desk,
    item,
    open_command,
    ready_desk,
    refused,
)

PROCESSES = get_args(ProcessName)
#: Whoever a hazard is heard from says nothing of who works in a stage.
OPEN_TO_ALL = ROLES[c.ReportHazard]
HV_STATES = {"A", "SV", "SC", "RV", "SR", "FE", "DR", "CO", "MI", "CA", "CI", "RG", "EN", "LC", "AR", "CX"}


def surveyed(desk: Desk) -> Desk:
    desk.to_stage("survey")
    desk.inspect("t-s", "survey", item("SH-01", "pass"))
    return desk


@pytest.mark.parametrize("name", PROCESSES)
def test_every_process_reads_without_a_complaint(name: Any) -> None:
    assert list(lint(process(name))) == []


@pytest.mark.parametrize("name", PROCESSES)
def test_who_works_in_a_stage_may_do_something_there_and_no_stage_says_who_may_what(name: Any) -> None:
    """`actors` are told to people. Who may give a command is said by ROLES alone, whatever the stage."""
    of_their_own = [admitted for kind, admitted in ROLES.items() if not admitted >= set(OPEN_TO_ALL)]
    case = decide(None, open_command(name), now=START, actor=ADMIN, policy=POLICY).case
    for stage, row in process(name).stages.items():
        for role in row.actors:
            assert any(role in admitted for admitted in of_their_own), (stage, role)
        for role in get_args(Role):
            move, actor = c.MoveStage(to=next(iter(row.moves), "survey")), Actor("somebody", (role,))
            try:
                decide(replace(case, stage=stage), move, now=START, actor=actor, policy=POLICY)
                code = ""
            except Refusal as refusal:
                code = refusal.code
            assert (code == "role_missing") == (role not in ROLES[c.MoveStage]), (stage, role, code)


def test_the_states_are_those_of_the_trade() -> None:
    for name in ("hv", "hv_complex"):
        rows = process(name).stages.values()
        assert {row.state for row in rows} == HV_STATES
        assert {row.rectification for row in rows} == {None, "MR", "CR"}
    assert {row.state for row in process("lv").stages.values()} < HV_STATES
    for name in PROCESSES:
        assert process(name).side_states == ("WC", "WG", "SU", "SX", "CX")


def changed(stage: str, **row: Any) -> Callable[[Process], Process]:
    return lambda table: replace(table, stages={**table.stages, stage: replace(table.stages[stage], **row)})


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda table: replace(table, start="nowhere"), "unknown stages ['nowhere']"),
        (changed("survey", moves={"nowhere": ()}), "unknown stages ['nowhere']"),
        (changed("survey", moves={"scheme": ("luck",)}), "unknown preconditions ['luck']"),
        (changed("survey", moves={"cancelled": ()}), "stages that nothing leads to"),
        (changed("on_load_check", moves={"on_load_check": ()}), "on_load_check: no end can be reached"),
        (changed("survey", moves={}), "survey: a stage is final or leads on"),
        (changed("ready", moves={"energized": ()}), "ready: energized is entered by the record"),
        (changed("survey", actors=()), "survey: nobody works in it"),
        (changed("survey", state="SC"), "states that two stages claim ['SC']"),
        (changed("reply", waits_for=None), "reply: what a customer is at"),
        (changed("reply", waits_for="luck"), "reply: nobody waits for luck"),
        (lambda table: replace(table, rules={"luck": "mid_check_by_scope"}), "unknown facts ['luck']"),
        (lambda table: replace(table, rules={"dual": "luck"}), "unknown rules ['luck']"),
        (lambda table: replace(table, scheme_valid_months="luck"), "unknown settings ['luck']"),
    ],
)
def test_a_table_that_cannot_be_is_complained_of(
    damage: Callable[[Process], Process], complaint: str
) -> None:
    assert complaint in "; ".join(lint(damage(process("hv"))))


def test_the_complex_process_asks_for_every_gate_of_the_simple_one() -> None:
    for gate in gate_table().values():
        assert ("hv" in gate.processes) == ("hv_complex" in gate.processes), gate.id


@pytest.mark.parametrize(
    ("name", "kv", "fits"),
    [
        ("lv", 0.4, True),
        ("lv", 10.0, False),
        ("hv", 0.4, False),
        ("hv", 10.0, True),
        ("hv", 35.0, False),
        ("hv_complex", 10.0, True),
        ("hv_complex", 110.0, True),
    ],
)
def test_a_case_is_opened_only_in_a_process_that_fits_its_voltage(name: Any, kv: float, fits: bool) -> None:
    other: Any = "lv" if kv > 1 else "hv"
    desk = Desk(other)
    amended = c.AmendCase(reason="wrong desk", process=name, supply=Supply(kv, 80.0))
    if fits:
        desk.do(amended)
        assert desk.case.process == name
    else:
        refusal = refused(desk, replace(amended, process=name))
        assert refusal.code == "process_does_not_fit"
        assert refusal.facts == ("field:process", "field:supply.voltage_kv")


def test_a_case_does_not_change_to_a_process_without_its_stage() -> None:
    desk = surveyed(Desk())
    desk.to_stage("scheme")
    refusal = refused(desk, c.AmendCase(reason="is small", process="lv", supply=Supply(0.4, 80.0)))
    assert (refusal.code, refusal.params["stage"]) == ("process_lacks_stage", "scheme")


def test_no_case_leaves_the_conditions_of_its_process_behind_once_the_scheme_stands() -> None:
    """A breaker at high voltage is not closed on the gates of low voltage."""
    low = c.AmendCase(reason="is small", process="lv", supply=Supply(0.4, 80.0))
    for desk in (ready_desk(), authorized_desk(), energized_desk()):
        refusal = refused(desk, low)
        assert refusal.code == "process_settled"
        assert refusal.facts == ("stage:accepted", "stage:survey", "stage:scheme", "stage:review")
    assert refused(ready_desk(), replace(low, process=None)).code == "process_does_not_fit"


@pytest.mark.parametrize(("kva", "required"), [(499.9, False), (500.0, True)])
def test_from_its_size_on_a_scheme_goes_through_the_review_meeting(kva: float, required: bool) -> None:
    desk = Desk()
    desk.do(c.AmendCase(reason="measured", supply=Supply(10.0, kva)))
    assert desk.fact("scheme_review_required").value is required
    surveyed(desk).to_stage("scheme")
    if required:
        assert refused(desk, c.MoveStage(to="reply")).facts == ("fact:scheme_review_required",)
        desk.to_stage("review")
    desk.to_stage("reply")
    assert desk.case.stage == "reply"


@pytest.mark.parametrize(
    ("fact", "supply"),
    [("dual", Supply(10.0, 100.0)), ("dedicated", Supply(10.0, 100.0)), (None, Supply(10.0, 100.0, 1900.0))],
)
def test_a_second_source_a_line_of_its_own_and_a_large_customer_are_reviewed_at_any_size(
    fact: str | None, supply: Supply
) -> None:
    policy = load_policy(fact_names=["dedicated"]).at(START.date())
    desk = Desk(policy=policy)
    desk.do(c.AmendCase(reason="measured", supply=replace(supply, existing_kva=None)))
    assert desk.fact("scheme_review_required").value is False
    desk.do(c.AmendCase(reason="measured", supply=supply))
    if fact is not None:
        desk.do(c.SetFacts(facts={fact: True}))
    assert desk.fact("scheme_review_required").value is True


def test_a_line_of_its_own_leads_to_the_complex_process_and_there_through_the_meeting() -> None:
    policy = load_policy(fact_names=["dedicated"]).at(START.date())
    desk = surveyed(Desk(policy=policy))
    desk.to_stage("scheme")
    desk.do(c.SetFacts(facts={"dedicated": True}))
    assert "fact:dedicated" in refused(desk, c.MoveStage(to="review")).facts
    desk.do(c.AmendCase(reason="a line of its own", process="hv_complex"))
    assert refused(desk, c.MoveStage(to="reply")).code == "move_not_allowed"
    desk.to_stage("review", "reply")
    assert desk.case.stage == "reply"


@pytest.mark.parametrize("fact", ["mid_check_required", "design_review_required"])
def test_what_nobody_said_the_rule_settles_and_says_that_it_did(fact: str) -> None:
    desk = Desk(facts={})
    assert (desk.fact(fact).value, desk.fact(fact).rule) == (True, fact.replace("_required", "_by_scope"))
    assert desk.case.log[-1].event == "facts_ruled"


def test_otherwise_than_the_rule_is_said_with_a_reason_and_stands() -> None:
    desk = Desk(facts={})
    bare = c.SetFacts(facts={"mid_check_required": False}, reason=" ")
    refusal = refused(desk, bare, ADMIN)
    assert (refusal.code, refusal.facts) == ("reason_missing", ("field:reason",))
    desk.do(replace(bare, reason="no hidden works"), ADMIN)
    desk.do(c.SetFacts(facts={"important": True}))
    fact = desk.fact("mid_check_required")
    assert (fact.value, fact.by, fact.rule) == (False, ADMIN.name, "")


def test_opening_a_case_otherwise_than_the_rule_takes_a_reason_as_well() -> None:
    with pytest.raises(Refusal) as caught:
        decide(None, open_command(facts=PLAIN_FACTS, reason=""), now=START, actor=MANAGER, policy=POLICY)
    assert caught.value.code == "reason_missing"


def test_a_fact_that_is_taken_back_goes_back_to_the_rule() -> None:
    desk = Desk()
    assert desk.fact("mid_check_required").value is False
    desk.do(c.SetFacts(facts={"mid_check_required": None}))
    assert (desk.fact("mid_check_required").value, desk.fact("mid_check_required").rule) == (
        True,
        "mid_check_by_scope",
    )
    assert desk.do(c.SetFacts(facts={"mid_check_required": None})).events == ()


@pytest.mark.parametrize(
    ("important", "special", "required"),
    [(False, False, False), (None, False, True), (False, None, True), (True, False, True)],
)
def test_under_the_narrow_scope_only_who_is_surely_ordinary_needs_no_mid_check(
    important: bool | None, special: bool | None, required: bool
) -> None:
    narrow = [{"key": "mid_check_scope", "from": "2026-01-01", "value": "important"}]
    policy = load_policy().with_overrides(narrow).at(START.date())
    desk = Desk(facts={"important": important, "special_load": special}, policy=policy)
    assert desk.fact("mid_check_required").value is required
    assert desk.fact("design_review_required").value is True, "that has a scope of its own"


def test_a_scope_is_one_of_those_that_there_are() -> None:
    with pytest.raises(PolicyError, match="none of always, important"):
        load_policy().with_overrides([{"key": "mid_check_scope", "from": "2026-01-01", "value": "never"}])


def test_every_size_is_a_dated_setting() -> None:
    rules = {rule.id: rule for rule in size_rules(Desk().case, POLICY)}
    assert {name: rule.kva for name, rule in rules.items()} == {
        "scheme_review": 500,
        "scheme_extension": 1000,
        "joint_drawing_review": 1000,
        "large_customer": 2000,
        "dedicated_line": 4000,
    }
    assert [name for name, rule in rules.items() if rule.applies] == ["scheme_review"]
    elsewhere = load_policy().with_overrides(
        [{"key": "scheme_review_kva", "from": "2026-01-01", "value": 800, "organisation": "xiangyang"}]
    )
    assert not size_rules(Desk().case, elsewhere.at(START.date(), "xiangyang"))[0].applies
    assert size_rules(Desk("lv").case, POLICY) == ()


def test_a_scheme_that_has_expired_leads_nowhere_but_back() -> None:
    desk = surveyed(Desk())
    desk.to_stage("scheme", "review", "reply")
    year = desk.now + timedelta(days=365)
    late = c.MoveStage(to="construction")
    refusal = refused_at(desk, late, year + timedelta(days=1))
    assert refusal.params["reasons"][0] == {
        "code": "scheme_expired",
        "params": {"until": "2027-03-02"},
        "refs": ("stage:scheme",),
    }
    desk.do(late, at=year)
    assert desk.case.stage == "construction"


def test_a_scheme_holds_longer_if_that_was_asked_for_in_time() -> None:
    desk = surveyed(Desk())
    asked = c.ExtendScheme(until=date(2027, 9, 1), dated=desk.now, evidence="letter 3")
    assert refused(desk, asked).code == "no_scheme"
    desk.to_stage("scheme", "review", "reply")
    expiry = desk.now + timedelta(days=365)
    in_time = replace(asked, dated=expiry - timedelta(days=10))
    late = replace(asked, dated=expiry - timedelta(days=9))
    assert refused_at(desk, late, expiry).code == "extension_too_late"
    for until in (date(2027, 3, 2), date(2028, 3, 3)):
        refusal = refused_at(desk, replace(in_time, until=until), expiry)
        assert refusal.code == "extension_out_of_range"
    assert refused_at(desk, replace(in_time, evidence=" "), expiry).code == "act_evidence_missing"
    desk.do(in_time, at=expiry + timedelta(days=30))
    assert desk.do(in_time).events == (), "the letter came late, and counts from its date"
    stands = standing(desk.case, expiry + timedelta(days=31), InForce(load_policy()))
    assert stands is not None
    assert (stands.side_state, stands.scheme_until) == (None, date(2027, 9, 1))
    desk.do(c.MoveStage(to="construction"), at=expiry + timedelta(days=60))
    assert desk.case.stage == "construction"


def test_an_expired_scheme_is_a_side_state_until_it_is_replied_anew() -> None:
    desk = surveyed(Desk())
    desk.to_stage("scheme", "review", "reply")
    rules = InForce(load_policy())
    late = desk.now + timedelta(days=367)
    found = standing(desk.case, late, rules)
    assert found is not None
    assert (found.side_state, found.scheme_until) == ("SX", date(2027, 3, 2))
    desk.do(c.MoveStage(to="scheme"), at=late)
    desk.to_stage("review", "reply")
    found = standing(desk.case, desk.now, rules)
    assert found is not None
    assert (found.side_state, found.scheme_until) == (None, date(2028, 3, 4))


def test_waiting_for_grid_works_is_a_side_state_and_suspension_outranks_it() -> None:
    desk = surveyed(Desk())
    rules = InForce(load_policy())
    for reason, state in (("papers", "WC"), ("grid_works", "WG"), ("customer_delay", "SU")):
        desk.do(c.PauseClock(pause_id=reason, reason=reason, evidence="letter"))
        found = standing(desk.case, desk.now, rules)
        assert found is not None
        assert found.side_state == state


def test_every_stage_of_the_utility_is_timed_and_clocks_span_only_stages_that_there_are() -> None:
    timed = {stage for span in limits().clocks.values() for stage in span.stages}
    stages = {name: row for one in PROCESSES for name, row in process(one).stages.items()}
    assert timed <= set(stages)
    by_the_utility = {name for name, row in process("hv").stages.items() if row.held_by == "utility"}
    assert by_the_utility <= timed


def refused_at(desk: Desk, command: c.Command, at: Any) -> Any:
    before = desk.now
    desk.now = at - timedelta(minutes=1)
    refusal = refused(desk, command)
    desk.now = before
    return refusal


def test_after_energization_the_load_is_checked_and_the_papers_come_in_before_the_file_is_closed() -> None:
    desk = energized_desk()
    assert refused(desk, c.MoveStage(to="archived")).code == "move_not_allowed"
    desk.to_stage("on_load_check")
    closing = c.MoveStage(to="archived")
    assert refused(desk, closing).params["names"] == "on_load_checked, papers_in"
    desk.on_load()
    assert refused(desk, closing).params["names"] == "papers_in"
    desk.file_papers()
    desk.do(closing)
    assert desk.case.stage == "archived"
    assert refused(desk, c.MoveStage(to="cancelled")).code == "move_not_allowed"
