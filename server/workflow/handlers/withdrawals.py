"""Withdrawing what was raised in error, a notice whole or items of it: it takes two persons either way.

An item that is withdrawn has not passed, and closes nothing: what is left on the notice is answered and
re-inspected as before. Where nothing is left, the notice is withdrawn by the same two persons.
"""

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
    items = tuple(dict.fromkeys(command.items))
    known = notice.withdrawal
    if known is not None and notice.open:
        if (known.proposed_by, known.reason, known.items) == (draft.actor.name, command.reason, items):
            return
        params = {"n": notice.n, "proposed_by": known.proposed_by}
        raise Refusal("withdrawal_proposed", params, facts=(f"notice:{notice.n}",))
    _require_withdrawable(notice)
    for code in items:
        _require_unsettled(notice, code)
    withdrawal = Withdrawal(
        proposed_by=draft.actor.name, proposed_at=draft.now, reason=command.reason, items=items
    )
    draft.put_notice(replace(notice, withdrawal=withdrawal))
    draft.tell("withdrawal_proposed", n=notice.n, reason=command.reason, items=list(items))


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
    if withdrawal.items:
        notice = _without(draft, notice, confirmed)
    if not withdrawal.items or all(item.settled for item in notice.items):
        _withdraw(draft, notice, confirmed)
        return
    _go_on(draft, notice, confirmed)


def _without(draft: Draft, notice: Notice, confirmed: Withdrawal) -> Notice:
    """The notice with these items withdrawn. Who signed a draft stood for all of it."""
    for code in confirmed.items:
        _require_unsettled(notice, code)
    items = tuple(
        replace(item, state="withdrawn", withdrawn=confirmed) if item.code in confirmed.items else item
        for item in notice.items
    )
    draft.tell(
        "items_withdrawn",
        n=notice.n,
        round=notice.round,
        items=list(confirmed.items),
        proposed_by=confirmed.proposed_by,
        reason=confirmed.reason,
        unsigned=[one.by for one in notice.cosigned] if notice.state == "draft" else [],
    )
    cosigned = () if notice.state == "draft" else notice.cosigned
    return replace(notice, items=items, cosigned=cosigned)


def _withdraw(draft: Draft, notice: Notice, confirmed: Withdrawal) -> None:
    disputes = tuple(_settled(one, confirmed) for one in notice.disputes)
    draft.put_notice(replace(notice, state="withdrawn", withdrawal=confirmed, disputes=disputes))
    draft.tell("notice_withdrawn", n=notice.n, proposed_by=confirmed.proposed_by, reason=confirmed.reason)
    end_waiting(draft, notice, draft.now)


def _go_on(draft: Draft, notice: Notice, confirmed: Withdrawal) -> None:
    """The notice goes on with what is left. What is disputed of it alone is decided; what was all that the
    customer still had to answer leaves it answered."""
    unsettled = {item.code for item in notice.items if not item.settled}
    disputes = tuple(
        one if unsettled & set(one.items) else _settled(one, confirmed) for one in notice.disputes
    )
    notice = replace(notice, withdrawal=None, disputes=disputes)
    to_answer = {item.code for item in notice.items if item.state == "open"}
    answered = {code for one in notice.answers if one.round == notice.round for code in one.items}
    if notice.state == "issued" and to_answer <= answered:
        draft.put_notice(replace(notice, state="answered"))
        end_waiting(draft, notice, draft.now)
    else:
        draft.put_notice(notice)


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


def _require_unsettled(notice: Notice, code: str) -> None:
    item, params, facts = notice.item(code), {"n": notice.n, "item": code}, (f"field:items.{code}",)
    if item is None:
        raise Refusal("item_unknown", params, kind="invalid", facts=facts)
    if item.settled:
        raise Refusal("item_settled", params, kind="invalid", facts=facts)
