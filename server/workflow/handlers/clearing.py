"""Changes that are made directly: only what a rule passes, where the organisation asks for approvals."""

from __future__ import annotations

from server.workflow.approvals.rules import rule_on
from server.workflow.approvals.values import ProposedChange
from server.workflow.draft import Draft
from server.workflow.refusal import Refusal


def require_clear(draft: Draft, change: ProposedChange) -> str:
    """The rule that passes a change; empty where none is asked for. Refuses what a person has to approve.

    What was admitted on a branch that lost a conflict stays admitted.
    """
    if draft.again or not draft.policy.change_approval_required:
        return ""
    ruling = rule_on(draft.case, change, draft.policy)
    if ruling.route is not None:
        params = {"rule": ruling.rule, "role": ruling.route.role}
        raise Refusal("approval_required", params, facts=("command:ProposeChange",))
    return ruling.rule
