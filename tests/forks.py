"""Leaves of a case document as a cluster leaves them behind: written elsewhere, on a revision read before."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from server.names import CASE_DOCUMENT
from server.workflow.commands import Command
from server.workflow.decide import decide
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.model import Actor
from server.workflow.policy import Policy
from sync.store import Document, DocumentStore

#: Hashes that win and lose against every honest one.
WINS, LOSES = "f" * 32, "0" * 32


def as_read(store: DocumentStore, database: str) -> Document:
    """The case document as somebody elsewhere reads it now, with its `_revisions`."""
    return store.leaves(database, CASE_DOCUMENT)[0]


def decided_elsewhere(
    store: DocumentStore,
    database: str,
    known: Document,
    *commands: tuple[Command, Actor],
    digest: str,
    now: datetime,
    policy: Policy,
    causes: bool = True,
) -> str:
    """Replicate a leaf in which these commands were carried out on `known`, one revision each; its `_rev`.

    Without `causes` as by a server from before logs kept them.
    """
    revisions = known["_revisions"]
    case = case_from_document({key: value for key, value in known.items() if key != "_revisions"})
    start, ids = revisions["start"], list(revisions["ids"])
    for n, (command, actor) in enumerate(commands):
        case = decide(case, command, now=now, actor=actor, policy=policy).case
        # Another hash for each revision, and the one asked for at the end.
        ids.insert(0, digest if n == len(commands) - 1 else f"{n:x}{digest[1:]}")
        start += 1
    if not causes:
        parted = len(known["log"])
        bare = (replace(entry, cause=None) for entry in case.log[parted:])
        case = replace(case, log=(*case.log[:parted], *bare))
    document = {
        **case_to_document(case),
        "_rev": f"{start}-{ids[0]}",
        "_revisions": {"start": start, "ids": ids},
    }
    [*rows] = store.bulk_docs(database, [document], new_edits=False)
    assert all(row.ok for row in rows), rows
    return str(document["_rev"])


def written_elsewhere(
    store: DocumentStore, database: str, document: Document, digest: str, *history: str
) -> None:
    """Replicate a leaf of a document as another server wrote it; `history` are the hashes before, newest
    first."""
    body = {key: value for key, value in document.items() if not key.startswith("_") or key == "_id"}
    ids = [digest, *history]
    leaf = {**body, "_rev": f"{len(ids)}-{digest}", "_revisions": {"start": len(ids), "ids": ids}}
    assert all(row.ok for row in store.bulk_docs(database, [leaf], new_edits=False))
    assert len(store.leaves(database, document["_id"])) == 2


def one_leaf(store: DocumentStore, database: str, doc_id: str) -> Document:
    """The document, of which only one leaf is left."""
    [leaf] = store.leaves(database, doc_id)
    return leaf
