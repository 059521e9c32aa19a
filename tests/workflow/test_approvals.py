"""Approval by rule: what is clear-cut passes with the rule named, the rest waits for another person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.approvals.rules import rule_on
from server.workflow.approvals.table import Condition, approval_rules, lint
from server.workflow.approvals.values import (
    Approval,
    ContractChange,
    Fee,
    ProposedChange,
    Scheme,
    Source,
    StandIn,
)
from server.workflow.decide import decide
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.model import Actor, Supply
from server.workflow.policy import Policy, load_policy
from server.workflow.refusal import Refusal
from tests.workflow.branches import branch, lost, rebased
from tests.workflow.builders import (
    ADMIN,
    CUSTOMER,
    DEPUTY,
    INSPECTOR,
    MANAGER,
    PLAIN_FACTS,
    START,
    Desk,
    authorized_desk,
    open_command,
    refused,
)
from tests.workflow.test_processes import surveyed

ORDINARY = {**PLAIN_FACTS, "special_load": False}


def strict(**more: Any) -> Policy:
    """The settings of an organisation that asks for every approval."""
    keys = {"scheme_approval_required": True, "change_approval_required": True, **more}
    own = [{"key": key, "from": "2026-01-01", "value": value} for key, value in keys.items()]
    return load_policy(fact_names=["colour"]).with_overrides(own).at(START.date())


def scheme(kva: float = 400.0, **changes: Any) -> Scheme:
    fields: dict[str, Any] = {
        "sources": (Source(line="Canal line 12", voltage_kv=10.0, capacity_kva=kva),),
        "boundary": "the first pole",
        "metering": "HV, at the switch-room",
        "standard": True,
    }
    return Scheme(**{**fields, **changes})


def at_scheme(kva: float = 400.0, *, policy: Policy | None = None, start: str = "scheme") -> Desk:
    """A plain case at the scheme, in an organisation that asks for approvals."""
    desk = Desk(facts=ORDINARY)
    desk.do(c.AmendCase(reason="measured", supply=Supply(10.0, kva)))
    surveyed(desk).to_stage(start)
    desk.policy = policy or strict()
    return desk


def propose(desk: Desk, what: Scheme, id_: str = "a-1", by: Actor = MANAGER) -> Approval:
    desk.do(c.ProposeScheme(approval_id=id_, scheme=what), by)
    return desk.case.approvals[id_]


def change(id_: str = "a-1", **parts: Any) -> c.ProposeChange:
    return c.ProposeChange(approval_id=id_, change=ProposedChange(**parts), reason="as measured")


def decision(outcome: Any = "approved", id_: str = "a-1", **more: Any) -> c.DecideApproval:
    return c.DecideApproval(approval_id=id_, outcome=outcome, reason="looked at it", **more)


def told(desk: Desk, event: str) -> list[Any]:
    return [entry.data for entry in desk.case.log if entry.event == event]


# Schemes


def test_a_clear_cut_scheme_passes_and_the_log_names_the_rule() -> None:
    desk = at_scheme()
    approval = propose(desk, scheme())
    assert (approval.state, approval.rule) == ("approved", "scheme-clear-cut")
    assert told(desk, "passed_by_rule") == [
        {"approval": "a-1", "subject": "scheme", "rule": "scheme-clear-cut"}
    ]
    desk.do(c.MoveStage(to="reply"))
    assert case_from_document(case_to_document(desk.case)) == desk.case


@pytest.mark.parametrize(
    ("kva", "changes"),
    [
        (400.0, {"standard": False}),
        (400.0, {"fees": (Fee(item="meter test", amount=1.0, basis="list 3"),)}),
        (300.0, {}),
        (400.0, {"sources": (Source(line="x", voltage_kv=20.0, capacity_kva=400.0),)}),
        (400.0, {"sources": (Source(line="x", voltage_kv=10.0, capacity_kva=200.0),) * 2}),
        (500.0, {}),
    ],
)
def test_a_scheme_that_is_not_clear_cut_in_every_way_goes_to_a_person(
    kva: float, changes: dict[str, Any]
) -> None:
    desk = at_scheme(500.0 if kva == 500.0 else 400.0)
    approval = propose(desk, scheme(kva, **changes))
    assert (approval.state, approval.rule) == ("waiting", "scheme-others")
    assert approval.route is not None
    assert (approval.route.role, approval.route.substitute) == ("manager", "admin")


@pytest.mark.parametrize("fact", ["dual", "gen", "dispatched", "important", "special_load"])
@pytest.mark.parametrize("value", [True, None])
def test_what_nobody_has_settled_lets_no_scheme_pass_by_itself(fact: str, value: bool | None) -> None:
    desk = at_scheme(policy=strict(change_approval_required=False))
    desk.do(c.SetFacts(facts={fact: value}))
    assert propose(desk, scheme()).state == "waiting"


def test_a_large_customers_scheme_goes_to_the_leaders() -> None:
    desk = at_scheme(2000.0)
    approval = propose(desk, scheme(2000.0))
    assert (approval.rule, approval.route and approval.route.role) == ("scheme-large", "admin")
    refusal = refused(desk, decision(), DEPUTY)
    assert (refusal.code, refusal.facts) == ("not_the_approver", ("role:admin",))
    desk.do(decision(), ADMIN)


def test_no_scheme_is_replied_that_was_not_approved() -> None:
    desk = at_scheme()
    move = c.MoveStage(to="reply")
    assert refused(desk, move).facts == ("command:ProposeScheme",)
    propose(desk, scheme(standard=False))
    assert refused(desk, move).facts == ("approval:a-1",)
    desk.do(decision("rejected"), DEPUTY)
    assert refused(desk, move).facts == ("approval:a-1",)
    propose(desk, scheme(standard=False, note="otherwise"), "a-2")
    desk.do(decision(id_="a-2"), DEPUTY)
    desk.do(move)
    assert desk.case.stage == "reply"


def test_an_approval_holds_for_what_the_case_was_and_once() -> None:
    desk = at_scheme(policy=strict(change_approval_required=False))
    propose(desk, scheme())
    move = c.MoveStage(to="reply")
    desk.do(c.AmendCase(reason="more machines", supply=Supply(10.0, 450.0)))
    assert refused(desk, move).params["reasons"][0]["code"] == "approval_stale"
    desk.do(c.AmendCase(reason="a slip", supply=Supply(10.0, 400.0)))
    desk.do(move)
    desk.do(c.MoveStage(to="scheme"))
    assert refused(desk, move).params["reasons"][0]["code"] == "approval_missing", "a new one is proposed"


def test_a_waiting_scheme_is_decided_on_as_it_was_proposed() -> None:
    desk = at_scheme(policy=strict(change_approval_required=False))
    propose(desk, scheme(standard=False))
    desk.do(c.SetFacts(facts={"dual": True}))
    refusal = refused(desk, decision(), DEPUTY)
    assert (refusal.code, refusal.facts) == ("proposal_stale", ("command:WithdrawProposal",))
    desk.do(decision("rejected"), DEPUTY)
    assert desk.case.approvals["a-1"].state == "rejected"


def test_a_scheme_is_proposed_before_it_is_replied_and_one_at_a_time() -> None:
    desk = at_scheme()
    propose(desk, scheme(standard=False))
    again = c.ProposeScheme(approval_id="a-1", scheme=scheme(standard=False))
    assert desk.do(again).events == ()
    assert refused(desk, replace(again, scheme=scheme())).code == "approval_exists"
    assert refused(desk, replace(again, approval_id="a-2")).code == "proposal_waits"
    desk.do(decision(), DEPUTY)
    desk.do(c.MoveStage(to="reply"))
    assert refused(desk, replace(again, approval_id="a-3")).code == "scheme_settled"


def test_low_voltage_schemes_are_approved_before_the_works_as_well() -> None:
    desk = Desk("lv", facts=ORDINARY, policy=strict())
    surveyed(desk)
    for stage in ("construction", "acceptance"):
        assert refused(desk, c.MoveStage(to=stage)).facts == ("command:ProposeScheme",)
    low = scheme(80.0, sources=(Source(line="area 7", voltage_kv=0.4, capacity_kva=80.0),))
    assert propose(desk, low).state == "approved"
    desk.do(c.MoveStage(to="construction"))


def test_where_no_approval_is_asked_for_a_scheme_is_recorded_and_never_counts_as_approved() -> None:
    desk = at_scheme(policy=load_policy().at(START.date()))
    assert propose(desk, scheme()).state == "recorded"
    desk.policy = strict()
    assert refused(desk, c.MoveStage(to="reply")).params["reasons"][0]["code"] == "approval_open"
    desk.policy = load_policy().at(START.date())
    desk.do(c.MoveStage(to="reply"))


# Changes


@pytest.mark.parametrize(
    ("parts", "rule"),
    [
        ({"title": "Hall 3"}, "change-particulars"),
        ({"facts": {"mid_check_required": True}}, "change-stricter"),
        ({"facts": {"resident": False}}, "change-first-word"),
        ({"facts": {"dual": True}}, "change-others"),
        ({"facts": {"dual": None}}, "change-others"),
        ({"facts": {"resident": False, "dual": True}}, "change-others"),
        ({"facts": {"design_review_required": True, "mid_check_required": False}}, "change-others"),
        ({"facts": {"resident": False}, "title": "Hall 3"}, "change-others"),
        ({"manager": "deng.deputy"}, "change-others"),
        ({"supply": Supply(10.0, 300.0)}, "change-process"),
        ({"process": "hv_complex"}, "change-process"),
        ({"contract": ContractChange(clause="4", before="80 %", after="90 %")}, "change-others"),
    ],
)
def test_what_a_change_touches_says_what_becomes_of_it(parts: dict[str, Any], rule: str) -> None:
    desk = at_scheme()
    assert rule_on(desk.case, ProposedChange(**parts), desk.policy).rule == rule


def test_of_the_customer_only_how_to_reach_him_is_clear_cut() -> None:
    desk = at_scheme()
    known = desk.case.customer
    reach = ProposedChange(customer=replace(known, phone="0580-1", contact="Ms Hong", account_no="7"))
    assert rule_on(desk.case, reach, desk.policy).passes
    for other in ({"name": "Blue Maple"}, {"address": "3 Canal Road"}):
        assert not rule_on(desk.case, ProposedChange(customer=replace(known, **other)), desk.policy).passes


def test_a_clear_cut_change_is_made_at_once_directly_or_proposed() -> None:
    desk = at_scheme()
    desk.do(c.SetFacts(facts={"resident": False}))
    desk.do(c.AmendCase(title="Hall 3", reason="so called"))
    assert [one["rule"] for one in told(desk, "passed_by_rule")] == [
        "change-first-word",
        "change-particulars",
    ]
    desk.do(change(facts={"mid_check_required": True}))
    assert desk.case.approvals["a-1"].state == "approved"
    assert desk.fact("mid_check_required").value is True


def test_any_other_change_is_made_when_another_person_has_approved_it() -> None:
    desk = at_scheme()
    for direct in (
        c.SetFacts(facts={"dual": True}),
        c.AmendCase(supply=Supply(10.0, 300.0), reason="x"),
        c.SetFacts(facts={"dual": None}),
    ):
        refusal = refused(desk, direct)
        assert (refusal.code, refusal.facts) == ("approval_required", ("command:ProposeChange",))
    assert desk.do(c.SetFacts(facts={"dual": False})).events == (), "nothing new takes no approval"
    desk.do(change(facts={"dual": True}, title="Hall 3"))
    assert desk.fact("dual").value is False
    assert refused(desk, decision()).code == "own_work"
    desk.do(decision(), DEPUTY)
    assert (desk.fact("dual").value, desk.case.title) == (True, "Hall 3")
    assert desk.fact("dual").by == DEPUTY.name, "it rests on who approved it"
    assert desk.do(decision(), DEPUTY).events == ()
    assert refused(desk, decision("rejected"), ADMIN).code == "approval_settled"


def test_a_change_that_was_overtaken_is_not_carried_out() -> None:
    desk = at_scheme()
    desk.do(change("a-1", facts={"dual": True}))
    desk.do(change("a-2", facts={"dual": None}))
    desk.do(decision(id_="a-2"), DEPUTY)
    assert refused(desk, decision(id_="a-1"), DEPUTY).code == "proposal_stale"


def test_nobody_is_asked_to_approve_what_cannot_be_done() -> None:
    desk = at_scheme()
    assert refused(desk, change(facts={"luck": True})).code == "fact_not_known"
    assert refused(desk, change(supply=Supply(0.4, 80.0))).code == "process_does_not_fit"
    assert refused(desk, change()).code == "change_empty"
    assert desk.case.approvals == {}


def test_a_case_does_not_open_otherwise_than_its_rules_say_without_an_approval() -> None:
    with pytest.raises(Refusal, match="approval_required"):
        decide(None, open_command(facts=PLAIN_FACTS), now=START, actor=MANAGER, policy=strict())
    plain = {name: value for name, value in PLAIN_FACTS.items() if not name.endswith("_required")}
    opened = decide(None, open_command(facts=plain), now=START, actor=MANAGER, policy=strict())
    assert opened.case.facts["mid_check_required"].value is True


def test_a_contracts_change_is_kept_with_its_words() -> None:
    desk = at_scheme()
    desk.do(change(contract=ContractChange(clause="4", before="80 %", after="90 %", contract_no="HT-7")))
    assert told(desk, "contract_changed") == []
    desk.do(decision(), DEPUTY)
    assert told(desk, "contract_changed")[0]["after"] == "90 %"


# Who decides


def test_a_named_approver_decides_and_nobody_else_of_his_role() -> None:
    desk = at_scheme()
    propose(desk, scheme(standard=False))
    named = c.NameApprover(approval_id="a-1", person=DEPUTY.name)
    assert refused(desk, named).code == "own_work", "not by who proposed it"
    assert refused(desk, replace(named, person=MANAGER.name), ADMIN).code == "own_work"
    desk.do(named, ADMIN)
    assert desk.do(named, ADMIN).events == ()
    other = Actor("third.manager", ("manager",))
    assert refused(desk, decision(), other).facts == (f"person:{DEPUTY.name}",)
    desk.do(decision(), DEPUTY)


def absent(desk: Desk, person: str, **more: Any) -> StandIn:
    today = desk.policy.day(desk.now)
    fields: dict[str, Any] = {"since": today, "until": today, "absence": "x-1"}
    return StandIn(why="absence", person=person, **{**fields, **more})


def test_who_stands_in_for_the_absent_decides_in_his_place_while_he_is_away() -> None:
    desk = at_scheme()
    propose(desk, scheme(standard=False))
    desk.do(c.NameApprover(approval_id="a-1", person=DEPUTY.name), ADMIN)
    other = Actor("third.manager", ("manager",))
    yesterday = desk.policy.day(desk.now) - timedelta(days=1)
    for wrong in (
        absent(desk, ADMIN.name),
        absent(desk, DEPUTY.name, since=yesterday, until=yesterday),
        absent(desk, MANAGER.name),
        StandIn(why="late", person=DEPUTY.name, since=yesterday + timedelta(days=9)),
    ):
        assert refused(desk, decision(stand_in=wrong), other).code == "not_the_approver"
    mine = decision(stand_in=absent(desk, DEPUTY.name))
    assert refused(desk, mine).code == "own_work", "a substitute does not decide on what he proposed himself"
    desk.do(mine, other)
    decided = desk.case.approvals["a-1"].decided
    assert decided is not None
    assert (decided.by, decided.stand_in and decided.stand_in.absence) == (other.name, "x-1")


def test_the_substitute_role_decides_once_it_has_waited_too_long() -> None:
    desk = at_scheme()
    propose(desk, scheme(standard=False))
    assert refused(desk, decision(), ADMIN).code == "not_the_approver"
    late = StandIn(why="late", person=None, since=desk.policy.day(desk.now))
    assert refused(desk, decision(stand_in=late), INSPECTOR).code == "role_missing"
    desk.do(decision(stand_in=late), ADMIN)


def test_a_proposal_is_withdrawn_by_who_made_it_or_by_an_administrator() -> None:
    desk = at_scheme()
    propose(desk, scheme(standard=False))
    withdraw = c.WithdrawProposal(approval_id="a-1", reason="a better one")
    refusal = refused(desk, withdraw, DEPUTY)
    assert (refusal.code, refusal.facts) == ("not_the_proposer", (f"person:{MANAGER.name}", "role:admin"))
    desk.do(withdraw)
    assert desk.do(withdraw).events == ()
    assert refused(desk, decision(), DEPUTY).code == "approval_settled"
    assert refused(desk, c.MoveStage(to="reply")).facts == ("approval:a-1",)
    assert refused(desk, replace(withdraw, approval_id="a-9")).code == "approval_unknown"
    assert refused(desk, decision(), CUSTOMER).code == "role_missing"


def test_no_breaker_is_closed_while_a_proposal_waits() -> None:
    desk = authorized_desk()
    desk.policy = strict()
    desk.do(change(contract=ContractChange(clause="4", before="80 %", after="90 %")))
    assert (desk.status, desk.red()) == ("on_hold", {"approvals-settled", "no-hold"})
    desk.do(decision("rejected"), DEPUTY)
    desk.do(c.ReleaseHold(reason="decided on"))
    desk.do(c.Authorize())
    assert desk.status == "authorized"


# Conflicts


def test_an_approval_on_a_lost_branch_is_given_anew() -> None:
    base = at_scheme()
    propose(base, scheme(standard=False))
    strict_branch = branch(base, lambda d: d.hazard())
    loser = branch(base, lambda d: setattr(d, "policy", base.policy), lambda d: d.do(decision(), DEPUTY))
    case = rebased(strict_branch, loser).case
    assert case.approvals["a-1"].state == "waiting"
    assert ("approval_decided", "decided_anew") in lost(case)


def test_a_fact_that_a_lost_branch_changed_by_approval_is_unknown_again() -> None:
    base = at_scheme()
    base.do(change(facts={"dual": True}))
    winner = branch(base, lambda d: d.do(c.SetFacts(facts={"dual": None})), minutes=5)
    loser = branch(base, lambda d: setattr(d, "policy", base.policy), lambda d: d.do(decision(), DEPUTY))
    assert rebased(winner, loser).case.facts["dual"].value is None
    both = branch(base, lambda d: d.do(c.SetFacts(facts={"dual": None})),
                  lambda d: d.do(c.SetFacts(facts={"dual": False})))  # fmt: skip
    assert rebased(both, loser).case.facts["dual"].value is None


# The table


def test_every_rule_is_sound_and_a_table_that_is_not_says_all_that_is_wrong() -> None:
    rules = approval_rules()
    assert list(lint(rules)) == []
    first, *rest = rules
    wrong = [
        replace(first, approve=None),
        replace(first, when=()),
        replace(first, when=(Condition(expected=True),), id=rules[-1].id),
    ]
    said = " ".join(lint([*wrong, *rest[:-1]]))
    for words in ("approves or routes", "without a condition", "of one kind", "whatever is left"):
        assert words in said
    assert "two rules of one name" in " ".join(lint([*rules, first]))


def test_a_case_from_before_approvals_still_loads() -> None:
    document = case_to_document(Desk().case)
    del document["approvals"]
    assert case_from_document(document).approvals == {}
