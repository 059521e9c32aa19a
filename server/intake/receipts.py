"""The server's answer to a form: `receipt:<task>:<n>` beside it, written from what the case records."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from server.casework.inbox import write_if_changed
from server.texts import DEFAULT_LANGUAGE, both, catalogue, text
from server.workflow.model import CodedReason, Presence, Submission
from sync.store import Document, DocumentStore


def reason_text(code: str) -> str:
    """Where the words of a reason stand: intake's own and the checklists', or those of evidence and place."""
    name = f"intake.{code}"
    return name if name in catalogue(DEFAULT_LANGUAGE) else code


def told(reasons: Iterable[CodedReason]) -> list[dict[str, Any]]:
    """Reasons with their words in both languages, as documents carry them."""
    return [
        {
            "item": reason.item,
            "code": reason.code,
            "params": dict(reason.params),
            "text": both(reason_text(reason.code), **{"item": reason.item or "", **reason.params}),
        }
        for reason in reasons
    ]


def receipt_document(task_id: str, submission: Submission) -> Document:
    """The receipt of one judged submission. `judged` are the leaf revisions that it speaks of.

    `presence` is in it where presence was judged; its reasons stand among the findings. `signed` and
    `device_signatures` are in it where somebody looked whether tablets signed the form.
    """
    presence = submission.presence
    noticed = submission.findings if presence is None else (*submission.findings, *presence.reasons)
    document: Document = {
        "_id": f"receipt:{task_id}:{submission.n}",
        "type": "receipt",
        "schema": 1,
        "task": task_id,
        "n": submission.n,
        "status": submission.outcome,
        "judged": list(submission.revs),
        "submitted_by": submission.submitted_by,
        "at": submission.received_at.isoformat(),
        "late": submission.late,
        "failed": list(submission.failed),
        "missing_photos": list(submission.missing),
        "missing_signatures": list(submission.missing_signatures),
        "reasons": told(submission.reasons),
        "findings": told(noticed),
        "superseded": sorted(submission.superseded),
    }
    if submission.signed is not None:
        document["signed"] = submission.signed
        document["device_signatures"] = [
            {"rev": one.rev, "verdict": one.verdict, "key": one.kid, "device": one.device, "by": one.by}
            for one in submission.device_signatures
        ]
    return document if presence is None else {**document, "presence": _presence(presence)}


def _presence(presence: Presence) -> dict[str, Any]:
    """Presence as receipts carry it: the verdict in words, and the items on either side."""
    numbers = {
        "supported": len(presence.on_site),
        "open": presence.open,
        "contradicted": len(presence.off_site),
    }
    verdict = both(f"attendance_{presence.standing}")
    return {
        "standing": presence.standing,
        **numbers,
        "on_site": list(presence.on_site),
        "off_site": list(presence.off_site),
        "text": {lang: text("intake.presence", lang, verdict=verdict[lang], **numbers) for lang in verdict},
    }


def write_receipt(store: DocumentStore, database: str, task_id: str, submission: Submission) -> None:
    """Write the receipt unless it stands there already."""
    write_if_changed(store, database, receipt_document(task_id, submission))


def write_refusal(
    store: DocumentStore,
    database: str,
    task_id: str,
    rev: str,
    by: str,
    reasons: Iterable[CodedReason],
    at: datetime,
) -> None:
    """The receipt of a form that the case has no task for, or that is not its sender's: kept, told why."""
    generation, _, digest = rev.partition("-")
    document: Document = {
        "_id": f"receipt:{task_id}:refused-{generation}-{digest}",
        "type": "receipt",
        "schema": 1,
        "task": task_id,
        "n": 0,
        "status": "returned",
        "judged": [rev],
        "submitted_by": by,
        "reasons": told(reasons),
    }
    if store.find(database, document["_id"]) is None:
        write_if_changed(store, database, {**document, "at": at.isoformat()})
