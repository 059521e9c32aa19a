"""A notice that is out: how it reached the customer, and that the customer takes it as it is."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from server.workflow.commands import AcceptNotice, DeliverNotice
from server.workflow.draft import Draft
from server.workflow.handlers.raising import wrong_state
from server.workflow.model import Notice
from server.workflow.rectification import Acceptance, Delivery
from server.workflow.refusal import Refusal

#: Modes in which nobody signs, so that something else has to show that it arrived.
_EVIDENCED = {"post", "left"}
_OTHERS_THAN_CUSTOMERS = {"inspector", "manager", "admin"}


def deliver_notice(draft: Draft, command: DeliverNotice) -> None:
    notice = draft.notice(command.n)
    at = command.at or draft.given_at
    delivery = Delivery(
        round=max(notice.round, 1),
        mode=command.mode,
        at=at,
        received_by=command.received_by,
        recorded_at=draft.now,
        recorded_by=draft.actor.name,
        evidence=command.evidence,
        signed=command.signed,
    )
    if any(_same(delivery, one, dated=command.at is not None) for one in notice.deliveries):
        return
    if not notice.issues or not notice.open:
        raise wrong_state("notice_not_out", notice)
    if _by_customer(draft) and (command.mode != "electronic" or command.at is not None or command.signed):
        raise Refusal("delivery_by_customer", {"n": notice.n}, kind="forbidden", facts=("field:mode",))
    if command.mode in _EVIDENCED and not command.evidence.strip():
        raise Refusal(
            "delivery_evidence_missing", {"mode": command.mode}, kind="invalid", facts=("field:evidence",)
        )
    if command.at is not None:
        draft.require_dated(at, "at", earliest=notice.issues[-1].at)
    draft.put_notice(replace(notice, deliveries=(*notice.deliveries, delivery)))
    tell_delivered(draft, notice, delivery)


def _by_customer(draft: Draft) -> bool:
    """Whether the customer speaks himself, whom the office may have quoted before by another's name."""
    return not _OTHERS_THAN_CUSTOMERS & set(draft.actor.roles)


def _same(one: Delivery, other: Delivery, *, dated: bool) -> bool:
    """Whether a delivery has been recorded already. Of one without a time, the first time stands."""
    told = replace(one, recorded_at=other.recorded_at, recorded_by=other.recorded_by)
    return (told if dated else replace(told, at=other.at)) == other


def accept_notice(draft: Draft, command: AcceptNotice) -> None:
    notice = draft.notice(command.n)
    known = next((one for one in notice.acceptances if one.round == notice.round), None)
    if known is not None:
        if draft.again or _by_customer(draft) or known.accepted_by == command.accepted_by:
            return
        params = {"n": notice.n, "by": known.accepted_by}
        raise Refusal("notice_accepted_already", params, facts=(f"notice:{notice.n}",))
    spoken = with_customer(draft, notice, command.accepted_by, command.dated)
    notice = spoken.notice
    if notice.dispute is not None:
        raise dispute_open(notice)
    acceptance = Acceptance(
        round=notice.round,
        at=spoken.at,
        accepted_by=command.accepted_by,
        recorded_at=draft.now,
        recorded_by=draft.actor.name,
    )
    draft.put_notice(replace(notice, acceptances=(*notice.acceptances, acceptance)))
    draft.tell(
        "notice_accepted",
        n=notice.n,
        round=notice.round,
        accepted_by=command.accepted_by,
        dated=spoken.at.isoformat(),
    )
    spoken.tell(draft)


class Spoken(Struct, frozen=True):
    """A notice that the customer has spoken to, at a moment. `implied`: its delivery, if none was known."""

    notice: Notice
    at: datetime
    implied: Delivery | None

    def tell(self, draft: Draft) -> None:
        """Tell of the delivery, after what was said: the entry that a receipt is given for comes first."""
        if self.implied is not None:
            tell_delivered(draft, self.notice, self.implied)


def with_customer(draft: Draft, notice: Notice, by: str, dated: datetime | None) -> Spoken:
    """A notice that is out, as it is once the customer has spoken to it.

    Whoever speaks to a notice has it, so that is its delivery if none is known. Refuses another state, and
    a time that cannot be.
    """
    if notice.state not in {"issued", "answered"}:
        raise wrong_state("notice_not_out", notice)
    if dated is not None:
        draft.require_dated(dated, "dated", earliest=notice.issues[-1].at)
    return received(draft, notice, by, draft.given_at if dated is None else min(draft.now, dated))


def received(draft: Draft, notice: Notice, by: str, at: datetime) -> Spoken:
    """The notice delivered in this round, at the latest at `at`."""
    if any(one.round == notice.round for one in notice.deliveries):
        return Spoken(notice, at, None)
    implied = Delivery(
        round=notice.round,
        mode="implied",
        at=at,
        received_by=by,
        recorded_at=draft.now,
        recorded_by=draft.actor.name,
    )
    return Spoken(replace(notice, deliveries=(*notice.deliveries, implied)), at, implied)


def tell_delivered(draft: Draft, notice: Notice, delivery: Delivery) -> None:
    """Tell of a delivery."""
    draft.tell(
        "notice_delivered",
        n=notice.n,
        round=delivery.round,
        mode=delivery.mode,
        at=delivery.at.isoformat(),
        received_by=delivery.received_by,
        evidence=delivery.evidence,
        signed=[one.name for one in delivery.signed],
    )


def dispute_open(notice: Notice) -> Refusal:
    """A refusal of what waits for the end of a dispute."""
    names = ", ".join(notice.dispute.items) if notice.dispute else ""
    return Refusal("dispute_open", {"n": notice.n, "names": names}, facts=(f"notice:{notice.n}",))
