"""Several live leaves of a document become one again, by a rule that knows what the document decides.

A rule is a function of the leaves alone, so servers that find the same leaves write the same. The merged
document goes onto the store's winner first and the losing leaves go after it: cut off in between, the next
one who looks finishes it, and nothing was deleted whose content is not in the winner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from sync.store import Conflict, Document, DocumentStore, NotFound

_log = structlog.get_logger(__name__)

#: Bodies of the live leaves, winner first, without `_rev`; the result is the body that is to stand.
Merge = Callable[[Sequence[Document]], Document]

#: How often merging starts anew when somebody else writes the document at the same time.
_TRIES = 16


def keep_winner(leaves: Sequence[Document]) -> Document:
    """For documents whose leaves say the same, or are written anew from what they are derived from."""
    return leaves[0]


def find_settled(store: DocumentStore, db: str, doc_id: str, merge: Merge) -> Document | None:
    """The document, its losing leaves merged into it; None if there is none. Raises Conflict if others keep
    writing it meanwhile.
    """
    for _ in range(_TRIES):
        try:
            document = store.get(db, doc_id, conflicts=True)
        except NotFound:
            return None
        if not document.pop("_conflicts", None):
            return document
        _settle(store, db, doc_id, merge)
    raise Conflict


def bury(store: DocumentStore, db: str, doc_id: str, revs: Sequence[str]) -> None:
    """Delete losing leaves. One that went on or is gone already is left as it is; the next look finds it."""
    store.bulk_docs(db, [{"_id": doc_id, "_rev": rev, "_deleted": True} for rev in revs])


def _settle(store: DocumentStore, db: str, doc_id: str, merge: Merge) -> None:
    leaves = store.leaves(db, doc_id)
    if len(leaves) < 2:
        return
    revs = [leaf["_rev"] for leaf in leaves]
    bodies = [_body(leaf) for leaf in leaves]
    merged = merge(bodies)
    if merged != bodies[0]:
        try:
            store.put(db, {**merged, "_rev": revs[0]})
        except Conflict:
            return
    bury(store, db, doc_id, revs[1:])
    _log.warning("conflict.settled", db=db, doc=doc_id, leaves=revs)


def _body(leaf: Document) -> Document:
    return {key: value for key, value in leaf.items() if key not in {"_rev", "_revisions"}}
