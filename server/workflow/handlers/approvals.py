"""Proposals: passed by rule or routed, decided on by another person, carried out when they are approved."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from server.workflow.approval_commands import (
    DecideApproval,
    NameApprover,
    ProposeChange,
    ProposeScheme,
    WithdrawProposal,
)
from server.workflow.approvals.checks import touched
from server.workflow.approvals.rules import Ruling, rule_on
from server.workflow.approvals.standing import change_basis, is_stale, scheme_basis, waiting
from server.workflow.approvals.substitutes import decides_himself, may_decide
from server.workflow.approvals.values import Approval, Decided, Naming, ProposedChange, Scheme
from server.workflow.commands import AmendCase, SetFacts
from server.workflow.draft import Draft
from server.workflow.handlers import cases
from server.workflow.model import Cause
from server.workflow.refusal import Refusal


def propose_scheme(draft: Draft, command: ProposeScheme) -> None:
    if _known(draft, command.approval_id, command.scheme, command.note):
        return
    draft.require_running()
    stage = draft.process.stages[draft.case.stage]
    if not stage.reroutes and not draft.again:
        stages = [name for name, row in draft.process.stages.items() if row.reroutes]
        params = {"stage": draft.case.stage, "names": ", ".join(stages)}
        raise Refusal("scheme_settled", params, facts=tuple(f"stage:{name}" for name in stages))
    for other in waiting(draft.case):
        if other.subject == "scheme":
            raise Refusal("proposal_waits", {"id": other.id}, facts=(f"approval:{other.id}",))
    ruling = rule_on(draft.case, command.scheme, draft.policy)
    required = draft.policy.scheme_approval_required
    basis = scheme_basis(draft.case)
    _propose(draft, command.approval_id, command.scheme, command.note, basis, ruling, required=required)


def propose_change(draft: Draft, command: ProposeChange) -> None:
    change = command.change
    if _known(draft, command.approval_id, change, command.reason):
        return
    draft.require_running()
    if not touched(change):
        raise Refusal("change_empty", kind="invalid", facts=("field:change",))
    ruling = rule_on(draft.case, change, draft.policy)
    basis = change_basis(draft.case, change)
    required = draft.policy.change_approval_required
    # Tried out, so that nobody is asked to approve what cannot be done.
    _carry_out(_trial(draft), change, command.reason)
    approval = _propose(draft, command.approval_id, change, command.reason, basis, ruling, required=required)
    if approval.state in {"approved", "recorded"}:
        _carry_out(draft, change, command.reason)


def name_approver(draft: Draft, command: NameApprover) -> None:
    approval = _waiting(draft, command.approval_id)
    if approval.approver == command.person:
        return
    if approval.proposed_by in {draft.actor.name, command.person}:
        raise _own(approval)
    naming = Naming(person=command.person, by=draft.actor.name, at=draft.now, reason=command.reason)
    _put(draft, replace(approval, named=(*approval.named, naming)))
    draft.tell("approver_named", approval=approval.id, person=command.person, reason=command.reason)


def decide_approval(draft: Draft, command: DecideApproval) -> None:
    approval = _approval(draft, command.approval_id)
    if approval.state != "waiting":
        decided = approval.decided
        if decided is not None and (approval.state, decided.by, decided.reason) == (
            command.outcome,
            draft.actor.name,
            command.reason,
        ):
            return
        raise _settled(approval)
    _require_right(draft, approval, command)
    if command.outcome == "approved" and is_stale(draft.case, approval):
        raise Refusal("proposal_stale", {"id": approval.id}, facts=("command:WithdrawProposal",))
    # Who decides by his own right stands in for nobody, whatever else he may.
    stand_in = None if decides_himself(approval, draft.actor) else command.stand_in
    decided = Decided(by=draft.actor.name, at=draft.now, reason=command.reason, stand_in=stand_in)
    _put(draft, replace(approval, state=command.outcome, decided=decided))
    draft.tell(
        "approval_decided",
        approval=approval.id,
        subject=approval.subject,
        outcome=command.outcome,
        reason=command.reason,
        proposed_by=approval.proposed_by,
        stand_in=msgspec.to_builtins(stand_in),
    )
    if command.outcome == "approved" and approval.change is not None:
        draft.require_running()
        _carry_out(draft, approval.change, approval.reason)


def withdraw_proposal(draft: Draft, command: WithdrawProposal) -> None:
    approval = _approval(draft, command.approval_id)
    if approval.state == "withdrawn":
        return
    if approval.state != "waiting":
        raise _settled(approval)
    if draft.actor.name != approval.proposed_by and "admin" not in draft.actor.roles:
        raise Refusal(
            "not_the_proposer",
            {"id": approval.id, "by": approval.proposed_by},
            kind="forbidden",
            facts=(f"person:{approval.proposed_by}", "role:admin"),
        )
    decided = Decided(by=draft.actor.name, at=draft.now, reason=command.reason)
    _put(draft, replace(approval, state="withdrawn", decided=decided))
    draft.tell("proposal_withdrawn", approval=approval.id, subject=approval.subject, reason=command.reason)


def _known(draft: Draft, approval_id: str, proposal: Scheme | ProposedChange, reason: str) -> bool:
    """Whether this proposal was made. Refuses another of its id."""
    known = draft.case.approvals.get(approval_id)
    if known is None:
        return False
    if (known.scheme or known.change) != proposal or known.reason != reason:
        raise Refusal("approval_exists", {"id": approval_id}, facts=("field:id",))
    return True


def _propose(
    draft: Draft,
    approval_id: str,
    proposal: Scheme | ProposedChange,
    reason: str,
    basis: str,
    ruling: Ruling,
    *,
    required: bool,
) -> Approval:
    """Put the proposal on the case, passed or waiting as the rules say, and tell of it."""
    decided = Decided(by=draft.actor.name, at=draft.now, rule=ruling.rule)
    passed = required and ruling.passes
    approval = Approval(
        id=approval_id,
        n=len(draft.case.approvals) + 1,
        subject="scheme" if isinstance(proposal, Scheme) else "change",
        state="recorded" if not required else "approved" if passed else "waiting",
        proposed_by=draft.actor.name,
        proposed_at=draft.now,
        visit=len(draft.case.history),
        basis=basis,
        reason=reason,
        rule=ruling.rule if required else "",
        scheme=proposal if isinstance(proposal, Scheme) else None,
        change=proposal if isinstance(proposal, ProposedChange) else None,
        route=ruling.route if required else None,
        decided=decided if passed else None,
    )
    _put(draft, approval)
    about: dict[str, Any] = {"approval": approval.id, "subject": approval.subject}
    draft.tell("proposed", **about, state=approval.state, reason=reason)
    if passed:
        draft.tell("passed_by_rule", **about, rule=ruling.rule)
    elif approval.route is not None:
        draft.tell(
            "approval_routed",
            **about,
            rule=ruling.rule,
            role=approval.route.role,
            substitute=approval.route.substitute,
        )
    return approval


def _carry_out(draft: Draft, change: ProposedChange, reason: str) -> None:
    """Do what was proposed, by the rules that hold for it without an approval."""
    if change.facts:
        cases.set_facts(draft, SetFacts(facts=change.facts, reason=reason), approved=True)
    parts = touched(change) - {"facts", "contract"}
    if parts:
        amended = {name: getattr(change, name) for name in parts}
        cases.amend_case(draft, AmendCase(reason=reason, **amended), approved=True)
    if change.contract is not None:
        draft.tell("contract_changed", **msgspec.to_builtins(change.contract))


def _trial(draft: Draft) -> Draft:
    """A draft of its own, to be thrown away."""
    return Draft(
        draft.case, now=draft.now, actor=draft.actor, policy=draft.policy, cause=Cause({}), again=draft.again
    )


def _require_right(draft: Draft, approval: Approval, command: DecideApproval) -> None:
    if draft.actor.name == approval.proposed_by:
        raise _own(approval)
    if may_decide(approval, draft.actor, command.stand_in, draft.policy.day(draft.now)):
        return
    route = approval.route
    names = approval.approver or (route.role if route else "")
    facts = (f"person:{approval.approver}",) if approval.approver else (f"role:{names}",)
    raise Refusal("not_the_approver", {"id": approval.id, "names": names}, kind="forbidden", facts=facts)


def _own(approval: Approval) -> Refusal:
    return Refusal("own_work", {"by": approval.proposed_by}, kind="forbidden", facts=("person:another",))


def _settled(approval: Approval) -> Refusal:
    params = {"id": approval.id, "state": approval.state}
    return Refusal("approval_settled", params, facts=(f"approval:{approval.id}",))


def _approval(draft: Draft, approval_id: str) -> Approval:
    approval = draft.case.approvals.get(approval_id)
    if approval is None:
        raise Refusal("approval_unknown", {"id": approval_id}, kind="not_found")
    return approval


def _waiting(draft: Draft, approval_id: str) -> Approval:
    approval = _approval(draft, approval_id)
    if approval.state != "waiting":
        raise _settled(approval)
    return approval


def _put(draft: Draft, approval: Approval) -> None:
    draft.case = replace(draft.case, approvals={**draft.case.approvals, approval.id: approval})
