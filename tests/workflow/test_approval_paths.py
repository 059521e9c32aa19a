"""No path leads round a required approval, and nobody's substitute approves what he proposed himself."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from server.workflow import commands as c
from server.workflow.approvals.standing import is_stale
from server.workflow.approvals.substitutes import escalation, may_decide, stand_in_for
from server.workflow.approvals.values import Absence, Approval, Naming, ProposedChange, Route, StandIn
from server.workflow.model import Actor, Case, Role, Supply
from server.workflow.refusal import Refusal
from server.workflow.workdays import Workdays
from tests.workflow.builders import ADMIN, DEPUTY, MANAGER, SCHEDULER, START, Desk, check_words
from tests.workflow.test_approvals import at_scheme, scheme, strict

PEOPLE = [MANAGER, DEPUTY, ADMIN, SCHEDULER, Actor("two.hats", ("manager", "admin"))]
NAMES = [one.name for one in PEOPLE]
TODAY = START.date()
IDS = st.sampled_from(["a-1", "a-2", "a-3"])
CHANGES = st.sampled_from(
    [
        ProposedChange(facts={"dual": True}),
        ProposedChange(facts={"dual": False}),
        ProposedChange(facts={"important": None}),
        ProposedChange(facts={"resident": True}),
        ProposedChange(facts={"scheme_review_required": False}),
        ProposedChange(supply=Supply(10.0, 450.0)),
        ProposedChange(supply=Supply(10.0, 2500.0)),
        ProposedChange(process="hv_complex"),
        ProposedChange(title="Hall 3"),
    ]
)
SCHEMES = st.sampled_from([scheme(), scheme(450.0), scheme(standard=False), scheme(2500.0)])
DAYS = st.integers(-3, 3).map(lambda n: TODAY + timedelta(days=n))
STAND_INS = st.none() | st.builds(
    StandIn,
    why=st.sampled_from(["absence", "late"]),
    person=st.sampled_from([*NAMES, None]),
    since=DAYS,
    until=st.none() | DAYS,
)


def _direct(change: ProposedChange) -> c.Command:
    if change.facts:
        return c.SetFacts(facts=change.facts, reason="x")
    return c.AmendCase(reason="x", supply=change.supply, process=change.process, title=change.title)


COMMANDS = st.one_of(
    st.builds(lambda i, s: c.ProposeScheme(approval_id=i, scheme=s), IDS, SCHEMES),
    st.builds(lambda i, w: c.ProposeChange(approval_id=i, change=w, reason="x"), IDS, CHANGES),
    st.builds(
        lambda i, o, s: c.DecideApproval(approval_id=i, outcome=o, reason="x", stand_in=s),
        IDS,
        st.sampled_from(["approved", "approved", "rejected"]),
        STAND_INS,
    ),
    st.builds(lambda i, p: c.NameApprover(approval_id=i, person=p), IDS, st.sampled_from(NAMES)),
    st.builds(lambda i: c.WithdrawProposal(approval_id=i, reason="x"), IDS),
    CHANGES.map(_direct),
    st.sampled_from(["reply", "review", "scheme", "reply"]).map(lambda stage: c.MoveStage(to=stage)),
)
STEPS = st.lists(st.tuples(COMMANDS, st.sampled_from(PEOPLE)), max_size=15)


def check_step(before: Case, after: Case, actor: Actor) -> None:
    """What a step may do, said without the rules' own functions."""
    for id_, approval in after.approvals.items():
        known = before.approvals.get(id_)
        if approval.state == "approved" and (known is None or known.state != "approved"):
            assert approval.decided is not None
            if approval.decided.rule:
                assert known is None, "a rule passes it at once or never"
            else:
                assert actor.name not in {approval.proposed_by, ""}
                assert approval.decided.by == actor.name
                stand_in = approval.decided.stand_in
                if stand_in is not None and stand_in.why == "absence":
                    assert stand_in.person != approval.proposed_by
        if known is not None and known.state != "waiting":
            assert approval == known
    if after.stage == "reply" and before.stage != "reply":
        schemes = [one for one in after.approvals.values() if one.subject == "scheme"]
        last = max(schemes, key=lambda one: one.n)
        assert last.state == "approved"
        assert not is_stale(before, last)
        replies = [n for n, entry in enumerate(before.history, start=1) if entry.stage == "reply"]
        assert last.visit >= max(replies, default=0)
    news = after.log[len(before.log) :]
    if {"facts_set", "case_amended"} & {entry.event for entry in news}:
        assert any(
            entry.event == "passed_by_rule"
            or (entry.event == "approval_decided" and entry.data["outcome"] == "approved")
            for entry in news
        )


@settings(max_examples=60, deadline=None)
@given(STEPS, st.sampled_from([400.0, 700.0]))
def test_no_path_leads_round_a_required_approval(steps: list[tuple[Any, Actor]], kva: float) -> None:
    desk: Desk = at_scheme(kva)
    desk.policy = strict(meeting_minutes_required=False)
    for command, actor in steps:
        before = desk.case
        try:
            desk.do(command, actor)
        except Refusal as refusal:
            assert desk.case is before
            check_words(refusal)
            continue
        check_step(before, desk.case, actor)


ROLES = st.sets(st.sampled_from(["manager", "scheduler", "admin"]), min_size=1).map(
    lambda s: tuple(sorted(s))
)


@st.composite
def approvals(draw: st.DrawFn) -> Approval:
    proposer = draw(st.sampled_from(NAMES))
    role: st.SearchStrategy[Role] = st.sampled_from(["manager", "scheduler", "admin"])
    route = Route(
        role=draw(role), substitute=draw(role), remind_days=1, substitute_days=draw(st.integers(0, 3))
    )
    named = draw(st.lists(st.sampled_from([n for n in NAMES if n != proposer]), max_size=2))
    return Approval(
        id="a-1",
        n=1,
        subject="change",
        state="waiting",
        proposed_by=proposer,
        proposed_at=START,
        visit=1,
        basis="",
        route=route,
        named=tuple(Naming(person=name, by="x", at=START) for name in named),
    )


ABSENCES = st.lists(
    st.builds(
        Absence,
        id=st.just("x"),
        person=st.sampled_from(NAMES),
        substitute=st.sampled_from(NAMES),
        since=DAYS,
        until=DAYS,
    ),
    max_size=6,
)


@settings(max_examples=100, deadline=None)
@given(approvals(), ABSENCES, st.sampled_from(NAMES), ROLES, DAYS)
def test_no_absence_and_no_delay_makes_anybody_decide_on_his_own_proposal(
    approval: Approval, absences: list[Absence], name: str, roles: Any, today: date
) -> None:
    actor = Actor(name, roles)
    found = escalation(approval, TODAY, Workdays().of(None))
    assert approval.route is not None
    assert found.substitute_from is not None
    assert found.remind_on is not None
    stand_in = stand_in_for(approval, actor, today, absences=absences, substitute_from=found.substitute_from)
    allowed = may_decide(approval, actor, stand_in, today)
    if name == approval.proposed_by:
        assert not allowed
    if not allowed:
        return
    himself = name == approval.approver or (approval.approver is None and approval.route.role in roles)
    in_place = any(
        (one.person, one.substitute) == (approval.approver, name) and one.since <= today <= one.until
        for one in absences
    )
    late = today >= found.substitute_from and approval.route.substitute in roles
    assert himself or in_place or late


def test_an_approval_escalates_by_working_days_and_never_by_days_that_nobody_knows() -> None:
    route = Route(role="manager", substitute="admin", remind_days=1, substitute_days=2)
    approval = Approval(
        id="a", n=1, subject="change", state="waiting", proposed_by="x", proposed_at=START,
        visit=1, basis="", route=route,
    )  # fmt: skip
    calendar = Workdays().of(None)
    found = escalation(approval, date(2026, 9, 30), calendar)
    assert (found.remind_on, found.substitute_from) == (date(2026, 10, 8), date(2026, 10, 9))
    unknown = escalation(approval, date(2031, 12, 30), calendar)
    assert (unknown.remind_on, unknown.substitute_from) == (None, None)
