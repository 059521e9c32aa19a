"""What an approval still allows: only what it was given on, and only once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from server.workflow.approvals.table import scheme_facts
from server.workflow.approvals.values import Approval, ProposedChange
from server.workflow.log import digest
from server.workflow.model import Case, GateReason
from server.workflow.policy import Policy

if TYPE_CHECKING:
    from server.workflow.processes import Process


def scheme_basis(case: Case) -> str:
    """The digest of what a scheme is judged on: process, supply, and the facts that rules look at."""
    facts = {name: fact.value for name, fact in case.facts.items() if name in scheme_facts()}
    return digest({"process": case.process, "supply": case.supply, "facts": facts})


def change_basis(case: Case, change: ProposedChange) -> str:
    """The digest of what a change would replace, as it stands."""
    parts = ("process", "customer", "site", "supply", "manager", "title")
    before: dict[str, Any] = {
        part: getattr(case, part) for part in parts if getattr(change, part) is not None
    }
    facts = {name: fact.value for name, fact in case.facts.items() if name in change.facts}
    return digest({**before, "facts": facts})


def is_stale(case: Case, approval: Approval) -> bool:
    """Whether what the proposal was judged on has changed since."""
    basis = scheme_basis(case) if approval.change is None else change_basis(case, approval.change)
    return basis != approval.basis


def standing_scheme(case: Case, table: Process) -> Approval | None:
    """The last scheme proposed since one was last replied; None if none was."""
    entered = (n for n, entry in enumerate(case.history, start=1) if entry.stage == table.scheme_replied)
    replied = max(entered, default=0)
    since = [one for one in case.approvals.values() if one.subject == "scheme" and one.visit >= replied]
    return max(since, key=lambda one: one.n, default=None)


def scheme_not_approved(case: Case, table: Process, policy: Policy) -> list[GateReason]:
    """Why the scheme may not be replied where the organisation asks for its approval."""
    if not policy.scheme_approval_required:
        return []
    approval = standing_scheme(case, table)
    if approval is None:
        return [GateReason("approval_missing", {}, ("command:ProposeScheme",))]
    about, params = (f"approval:{approval.id}",), {"id": approval.id, "state": approval.state}
    if approval.state != "approved":
        return [GateReason("approval_open", params, about)]
    if is_stale(case, approval):
        return [GateReason("approval_stale", params, about)]
    return []


def waiting(case: Case) -> tuple[Approval, ...]:
    """The proposals that wait for a decision, oldest first."""
    open_ones = [one for one in case.approvals.values() if one.state == "waiting"]
    return tuple(sorted(open_ones, key=lambda one: one.n))
