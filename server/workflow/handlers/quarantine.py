"""Unsent work of people who had lost the case: kept, decided on, and taken in; never dropped in silence."""

from __future__ import annotations

from msgspec.structs import replace

from server.workflow.commands import (
    QuarantineUnsent,
    ReopenQuarantine,
    SettleQuarantine,
    TakeQuarantined,
)
from server.workflow.draft import Draft
from server.workflow.model import Quarantined
from server.workflow.refusal import Refusal


def quarantine_unsent(draft: Draft, command: QuarantineUnsent) -> None:
    unsent = Quarantined(
        id=command.unsent_id,
        database=command.database,
        doc_id=command.doc_id,
        doc_rev=command.doc_rev,
        by=command.by,
        reason=command.reason,
        summary=command.summary,
        at=draft.now,
    )
    known = draft.case.quarantine.get(unsent.id)
    if known is not None:
        if (known.database, known.doc_id, known.by) != (unsent.database, unsent.doc_id, unsent.by):
            raise Refusal("quarantine_differs", {"id": unsent.id}, facts=("field:unsent_id",))
        return
    draft.put_quarantined(unsent)
    draft.tell("unsent_quarantined", id=unsent.id, doc=unsent.doc_id, by=unsent.by, reason=unsent.reason)


def settle_quarantine(draft: Draft, command: SettleQuarantine) -> None:
    unsent = _find(draft, command.unsent_id)
    if unsent.by == draft.actor.name:
        raise Refusal("own_work", {"by": unsent.by}, kind="forbidden", facts=("person:another",))
    state = "accepted" if command.decision == "accept" else "rejected"
    if unsent.state == state:
        return
    # What was accepted and cannot be taken in may still be rejected; what is in, or answered, stays so.
    if unsent.state in {"taken", "rejected"}:
        raise Refusal(
            "quarantine_settled",
            {"id": unsent.id, "state": unsent.state},
            facts=(f"quarantine:{unsent.id}",),
        )
    draft.put_quarantined(
        replace(
            unsent,
            state=state,
            decided_by=draft.actor.name,
            decided_at=draft.now,
            decision_reason=command.reason,
        )
    )
    draft.tell("quarantine_settled", id=unsent.id, decision=state, by=unsent.by, reason=command.reason)


def take_quarantined(draft: Draft, command: TakeQuarantined) -> None:
    _require_accepted(_find(draft, command.unsent_id))
    take(draft, command.unsent_id)


def reopen_quarantine(draft: Draft, command: ReopenQuarantine) -> None:
    unsent = _find(draft, command.unsent_id)
    if unsent.state == "waiting":
        return
    draft.put_quarantined(
        replace(unsent, state="waiting", decided_by=None, decided_at=None, decision_reason="")
    )
    draft.tell("quarantine_reopened", id=unsent.id, doc=unsent.doc_id, was=unsent.state)


def accepted_sender(draft: Draft, unsent_id: str) -> str:
    """Who sent quarantined work. Refuses work that was not accepted."""
    unsent = _find(draft, unsent_id)
    _require_accepted(unsent)
    return unsent.by


def take(draft: Draft, unsent_id: str) -> None:
    """Mark accepted work as taken in; it no longer keeps field work open by itself."""
    unsent = _find(draft, unsent_id)
    if unsent.state == "taken":
        return
    draft.put_quarantined(replace(unsent, state="taken"))
    draft.tell("quarantine_taken", id=unsent.id, doc=unsent.doc_id)


def _find(draft: Draft, unsent_id: str) -> Quarantined:
    unsent = draft.case.quarantine.get(unsent_id)
    if unsent is None:
        raise Refusal("quarantine_unknown", {"id": unsent_id}, kind="not_found")
    return unsent


def _require_accepted(unsent: Quarantined) -> None:
    if unsent.state not in {"accepted", "taken"}:
        raise Refusal(
            "quarantine_not_accepted",
            {"id": unsent.id, "state": unsent.state},
            facts=(f"quarantine:{unsent.id}",),
        )
