"""What a tablet learns by its one long poll: which cases are its own, and that something changed there."""

from __future__ import annotations

import hashlib
from typing import Any

from server.casework.access import access_to
from server.names import Names
from server.texts import both
from server.workflow.model import Case, LogEntry
from sync.conflicts import find_settled, keep_winner
from sync.store import Conflict, Document, DocumentStore, NotFound

_RETRIES = 5
#: The events that give work to people, and where in them the names stand.
_PEOPLE = {
    "task_assigned": ("assignees",),
    "reinspection_scheduled": ("assignees",),
    "task_reassigned": ("before", "after"),
    "task_adopted": ("assignees",),
}


def assignment_document(case: Case, user: str, names: Names, update_seq: dict[str, str]) -> Document:
    """`assignment:<case>` for one user: databases, tasks, and each database's `update_seq`."""
    active = user in access_to(case).writers
    tasks = [
        {
            "id": task_id,
            "kind": task.kind,
            "status": task.status,
            "checklist": {"id": task.checklist.id, "version": task.checklist.version},
            "items": list(task.items) if task.items is not None else None,
            "due": task.due.isoformat() if task.due else None,
        }
        for task_id, task in sorted(case.tasks.items())
        if user in task.assignees and task.status != "cancelled"
    ]
    document: Document = {
        "_id": f"assignment:{case.id}",
        "type": "assignment",
        "schema": 1,
        "case": case.id,
        "no": case.no,
        "active": active,
    }
    if not active:
        return {**document, "reason": "not_assigned", "outbox": names.outbox(user)}
    return {
        **document,
        "customer": case.customer.name,
        "address": case.customer.address,
        "databases": {"forms": names.forms(case.id), "media": names.media(case.id)},
        "tasks": tasks,
        "update_seq": update_seq,
    }


def write_if_changed(store: DocumentStore, database: str, document: Document) -> bool:
    """Put a server-owned document unless the same stands there; True if written."""
    for _ in range(_RETRIES):
        known = find_settled(store, database, document["_id"], keep_winner)
        if known is not None and _plain(known) == _plain(document):
            return False
        rev = {} if known is None else {"_rev": known["_rev"]}
        try:
            store.put(database, {**document, **rev})
            return True
        except Conflict:
            continue
    raise Conflict


def holders(case: Case) -> set[str]:
    """Everybody whose inbox speaks of this case or should: assignees now, and whoever was one before."""
    return set(access_to(case).writers) | {
        name for event in case.log for key in _PEOPLE.get(event.event, ()) for name in event.data[key]
    }


def tell_everybody(store: DocumentStore, names: Names, case: Case) -> None:
    """Bring every concerned inbox up to date with the case. Safe to repeat."""
    update_seq = current_seqs(store, names, case.id)
    for user in sorted(holders(case)):
        document = assignment_document(case, user, names, update_seq)
        try:
            write_if_changed(store, names.inbox(user), document)
        except NotFound:
            # The user was removed with the inbox; there is nobody to tell.
            continue


def tell_of_conflicts(store: DocumentStore, names: Names, case: Case) -> None:
    """Say to everybody concerned that the case was decided on in two places at once, and what became of it.

    One message for each time, the same whoever writes it. Safe to repeat.
    """
    for entry in case.log:
        if entry.event != "conflict_rebased":
            continue
        message = _conflict_message(case, entry)
        for user in sorted(_concerned(case, entry)):
            try:
                if store.find(names.inbox(user), message["_id"]) is None:
                    write_if_changed(store, names.inbox(user), message)
            except NotFound:
                # Hezha itself, or somebody removed with the inbox.
                continue


def _concerned(case: Case, rebased: LogEntry) -> set[str]:
    """The manager, whoever has work on the case, and whoever decided what was repeated or is lost."""
    deciders = {
        str(entry.data["by"]) if entry.event == "conflict_lost" else entry.actor
        for entry in case.log[: rebased.seq]
        if entry.cause is not None and entry.cause.origin is not None
    }
    return {case.manager, *access_to(case).writers, *deciders}


def _conflict_message(case: Case, rebased: LogEntry) -> Document:
    # What was so at that moment: a message that is read tomorrow must not change today.
    energized = any(entry.event == "energized" for entry in case.log[: rebased.seq])
    code = "case_conflict_energized" if energized else "case_conflict"
    params = {"case": case.no, "repeated": rebased.data["reapplied"], "lost": len(rebased.data["lost"])}
    digest = hashlib.sha256(f"{case.id}\n{rebased.hash}".encode()).hexdigest()[:32]
    return {
        "_id": f"message:{digest}",
        "type": "message",
        "schema": 1,
        "code": code,
        "case": case.id,
        "params": params,
        "text": both(f"casework.{code}", **params),
        "at": rebased.at.isoformat(),
    }


def current_seqs(store: DocumentStore, names: Names, case_id: str) -> dict[str, str]:
    return {
        "forms": store.info(names.forms(case_id)).update_seq,
        "media": store.info(names.media(case_id)).update_seq,
    }


def _plain(document: Document) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "_rev"}
