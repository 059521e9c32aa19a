"""Withdrawing a notice that was raised in error: it takes two persons."""

from __future__ import annotations

from msgspec.structs import replace

from server.workflow.commands import ConfirmWithdrawal, ProposeWithdrawal, RejectWithdrawal
from server.workflow.draft import Draft
from server.workflow.handlers.raising import wrong_state
from server.workflow.handlers.reminders import end_waiting
from server.workflow.model import Notice, Withdrawal
from server.workflow.rectification import Dispute, Settlement
from server.workflow.refusal import Refusal


def propose_withdrawal(draft: Draft, command: ProposeWithdrawal) -> None:
    notice = draft.notice(command.n)
    if notice.withdrawal is not None and notice.open:
        if (notice.withdrawal.proposed_by, notice.withdrawal.reason) == (draft.actor.name, command.reason):
            return
        params = {"n": notice.n, "proposed_by": notice.withdrawal.proposed_by}
        raise Refusal("withdrawal_proposed", params, facts=(f"notice:{notice.n}",))
    _require_withdrawable(notice)
    withdrawal = Withdrawal(proposed_by=draft.actor.name, proposed_at=draft.now, reason=command.reason)
    draft.put_notice(replace(notice, withdrawal=withdrawal))
    draft.tell("withdrawal_proposed", n=notice.n, reason=command.reason)


def confirm_withdrawal(draft: Draft, command: ConfirmWithdrawal) -> None:
    notice = draft.notice(command.n)
    withdrawal = _proposed(notice)
    _require_withdrawable(notice)
    if withdrawal.proposed_by == draft.actor.name:
        raise Refusal(
            "second_person_withdraws",
            {"n": notice.n, "proposed_by": withdrawal.proposed_by},
            kind="forbidden",
            facts=("person:another",),
        )
    confirmed = replace(withdrawal, confirmed_by=draft.actor.name, confirmed_at=draft.now)
    disputes = tuple(_settled(one, confirmed) for one in notice.disputes)
    draft.put_notice(replace(notice, state="withdrawn", withdrawal=confirmed, disputes=disputes))
    draft.tell("notice_withdrawn", n=notice.n, proposed_by=withdrawal.proposed_by, reason=withdrawal.reason)
    end_waiting(draft, notice, draft.now)


def reject_withdrawal(draft: Draft, command: RejectWithdrawal) -> None:
    notice = draft.notice(command.n)
    withdrawal = _proposed(notice)
    draft.put_notice(replace(notice, withdrawal=None))
    draft.tell("withdrawal_rejected", n=notice.n, proposed_by=withdrawal.proposed_by, reason=command.reason)


def _settled(dispute: Dispute, withdrawal: Withdrawal) -> Dispute:
    """What is disputed on a notice that is gone has been decided by whoever proposed that."""
    if dispute.settlement is not None or withdrawal.confirmed_at is None:
        return dispute
    return replace(
        dispute,
        settlement=Settlement(
            decision="withdrawn",
            reason=withdrawal.reason,
            by=withdrawal.proposed_by,
            at=withdrawal.confirmed_at,
        ),
    )


def _proposed(notice: Notice) -> Withdrawal:
    if not notice.open or notice.withdrawal is None:
        raise wrong_state("no_withdrawal_proposed", notice)
    return notice.withdrawal


def _require_withdrawable(notice: Notice) -> None:
    """A notice under re-inspection is not withdrawn: the form on the tablet would come back to nothing."""
    if not notice.open or notice.state == "reinspecting":
        raise wrong_state("notice_not_withdrawable", notice)
