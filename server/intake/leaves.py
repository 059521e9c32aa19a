"""What stands of documents that the server writes and decides by, when they were written in two places.

A case is rebased by `casework`, forms are merged when they are judged; whoever reads one of these settles it
too. Here are those that nobody may read for long.
"""

from __future__ import annotations

from collections.abc import Mapping

from checklists.standing import merged_standing
from checklists.versions import merged_draft
from server.casework.claims import first_claim
from server.intake.photos import merged_verdict
from server.library.publishing import first_published
from server.people.merging import merged_attempts, merged_device, merged_key, merged_user
from server.scheduling.enquiries import merged_enquiry
from server.scheduling.executing import merged_execution
from server.scheduling.merging import merged_plan, merged_request
from sync.conflicts import Merge, find_settled, keep_winner
from sync.store import Change, ChangeBatch, DocumentStore

#: By kind of database, then by type. Receipts are written anew from the case that they tell of.
RULES: Mapping[str, Mapping[str, Merge]] = {
    "registry": {
        "user": merged_user,
        "device": merged_device,
        "device-key": merged_key,
        "signin": merged_attempts,
        "idempotency": first_claim,
        "case-no": first_claim,
        "checklist-draft": merged_draft,
        "work": merged_request,
        "plan": merged_plan,
        "plan-enquiry": merged_enquiry,
        "plan-execution": merged_execution,
    },
    "case": {"receipt": keep_winner, "signed-form": keep_winner},
    "media": {"photo-receipt": merged_verdict},
    "library": {"checklist": first_published, "checklist-limit": merged_standing},
}


def settle_leaves(store: DocumentStore, database: str, kind: str, batch: ChangeBatch) -> list[str]:
    """Settle what a batch (`style=all_docs`) shows to have several leaves; the ids that a rule stands for."""
    rules = RULES.get(kind, {})
    forked = [change for change in batch.results if _type(change) in rules and len(change.revs) > 1]
    for change in forked:
        find_settled(store, database, change.id, rules[_type(change)])
    return [change.id for change in forked]


def _type(change: Change) -> str:
    return change.id.partition(":")[0]
