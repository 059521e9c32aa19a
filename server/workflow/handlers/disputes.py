"""What the customer disputes, and what a second person makes of it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from server.workflow.commands import DisputeNotice, ProposeWithdrawal, SettleDispute
from server.workflow.draft import Draft
from server.workflow.handlers.deadlines import default_due, open_item, with_due
from server.workflow.handlers.deliveries import dispute_open, with_customer
from server.workflow.handlers.raising import wrong_state
from server.workflow.handlers.reminders import end_waiting
from server.workflow.handlers.withdrawals import propose_withdrawal
from server.workflow.model import SEVERITY_RANK, Notice, NoticeItem
from server.workflow.rectification import Dispute, DisputeDecision, DueDate, Regrade, Settlement
from server.workflow.refusal import Refusal
from server.workflow.vocabulary import Severity

#: How a dispute stands once it was decided on in this way.
_DECISIONS: Mapping[str, DisputeDecision] = {"uphold": "upheld", "regrade": "regraded"}


def dispute_notice(draft: Draft, command: DisputeNotice) -> None:
    notice = draft.notice(command.n)
    items = tuple(dict.fromkeys(command.items))
    standing = notice.dispute
    if standing is not None:
        if (standing.items, standing.reason, standing.disputed_by) == (
            items,
            command.reason,
            command.disputed_by,
        ):
            return
        raise dispute_open(notice)
    spoken = with_customer(draft, notice, command.disputed_by, command.dated)
    notice, at = spoken.notice, spoken.at
    for code in items:
        open_item(notice, code, "items")
    dispute = Dispute(
        round=notice.round,
        items=items,
        reason=command.reason,
        at=at,
        disputed_by=command.disputed_by,
        recorded_at=draft.now,
        recorded_by=draft.actor.name,
    )
    draft.put_notice(replace(notice, disputes=(*notice.disputes, dispute)))
    draft.tell(
        "notice_disputed",
        n=notice.n,
        round=notice.round,
        items=list(items),
        reason=command.reason,
        disputed_by=command.disputed_by,
        dated=at.isoformat(),
    )
    spoken.tell(draft)
    end_waiting(draft, notice, at)


def settle_dispute(draft: Draft, command: SettleDispute) -> None:
    notice = draft.notice(command.n)
    dispute = notice.dispute
    if dispute is None or not notice.open:
        raise wrong_state("no_dispute", notice)
    _require_second_person(draft, notice, dispute)
    if command.decision == "withdraw":
        _propose_withdrawal(draft, notice, dispute, command)
        return
    _require_severities(notice, dispute, command)
    items = tuple(_regraded(draft, notice, item, command) for item in notice.items)
    decision = settled(dispute, draft, _DECISIONS[command.decision], command.reason)
    draft.put_notice(with_settled(replace(notice, items=items), decision))
    draft.tell(
        "dispute_settled",
        n=notice.n,
        round=notice.round,
        items=list(dispute.items),
        decision=command.decision,
        severities=dict(command.severities),
        reason=command.reason,
    )


def _require_second_person(draft: Draft, notice: Notice, dispute: Dispute) -> None:
    """Refuse whoever raised, issued or re-inspected what is disputed: nobody judges his own word."""
    disputed = [item for item in notice.items if item.code in dispute.items]
    involved = {issue.by for issue in notice.issues} | {
        name for issue in notice.issues for name in issue.issuers
    }
    for item in disputed:
        involved |= item.raisers | {seen.submitted_by for seen in item.rounds}
    if draft.actor.name in involved:
        raise Refusal(
            "second_person_settles",
            {"n": notice.n, "names": ", ".join(sorted(involved))},
            kind="forbidden",
            facts=("person:another",),
        )


def _propose_withdrawal(draft: Draft, notice: Notice, dispute: Dispute, command: SettleDispute) -> None:
    """Of all that is unsettled the notice, else what is disputed alone. Settled once confirmed."""
    unsettled = [item.code for item in notice.items if not item.settled]
    disputed = tuple(code for code in unsettled if code in dispute.items)
    items = () if len(disputed) == len(unsettled) else disputed
    propose_withdrawal(draft, ProposeWithdrawal(n=notice.n, reason=command.reason, items=items))


def _require_severities(notice: Notice, dispute: Dispute, command: SettleDispute) -> None:
    if (command.decision == "regrade") != bool(command.severities):
        raise Refusal("severities_wanted", {"n": notice.n}, kind="invalid", facts=("field:severities",))
    for code, severity in command.severities.items():
        item = open_item(notice, code, "severities")
        if code not in dispute.items or item.severity == severity:
            params = {"n": notice.n, "item": code, "severity": severity}
            raise Refusal("regrade_of_nothing", params, kind="invalid", facts=(f"field:severities.{code}",))


def _regraded(draft: Draft, notice: Notice, item: NoticeItem, command: SettleDispute) -> NoticeItem:
    severity = command.severities.get(item.code)
    return item if severity is None else regrade(draft, notice, item, severity, command.reason)


def regrade(draft: Draft, notice: Notice, item: NoticeItem, severity: Severity, reason: str) -> NoticeItem:
    """The item at another severity. If it is out it is due by that, counted from today: what became graver
    no later than before, what became less grave no earlier."""
    graver = SEVERITY_RANK[severity] > SEVERITY_RANK[item.severity]
    word = Regrade(severity=severity, reason=reason, by=draft.actor.name, at=draft.now)
    item = replace(item, regrades=(*item.regrades, word))
    if notice.state == "draft" or item.due is None or item.settled:
        return item
    day = (min if graver else max)(item.due, default_due(draft, item))
    due = DueDate(
        round=notice.round, due=day, kind="regraded", at=draft.now, by=draft.actor.name, reason=reason
    )
    return item if day == item.due else with_due(item, due)


def settled(dispute: Dispute, draft: Draft, decision: DisputeDecision, reason: str) -> Dispute:
    """The dispute as decided now by whoever acts."""
    return replace(
        dispute,
        settlement=Settlement(decision=decision, reason=reason, by=draft.actor.name, at=draft.now),
    )


def with_settled(notice: Notice, settled: Dispute) -> Notice:
    """The notice with its open dispute settled."""
    return replace(
        notice,
        disputes=tuple(settled if one.settlement is None else one for one in notice.disputes),
    )
