"""How a document that several may write at once is changed: as it stands, and anew if overtaken."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sync.store import Conflict, Document, DocumentStore

__all__ = ["change_document"]

#: How often a change is decided on anew, while others write the document.
TRIES = 16

Value = TypeVar("Value")


def change_document(
    store: DocumentStore,
    db: str,
    find: Callable[[], Document],
    *,
    read: Callable[[Document], Value],
    write: Callable[[Value], Document],
    change: Callable[[Value], Value],
    tries: int = TRIES,
) -> tuple[Value, str]:
    """Write what `change` makes of a document; what stands then, and its revision. What it leaves as it is is
    not written.

    `find` gives the document as it stands, or without `_rev` one that is still to be made. Raises Conflict if
    others keep writing it, and what `find` and `change` raise.
    """
    for _ in range(tries):
        document = find()
        known = read(document)
        changed = change(known)
        rev = document.get("_rev")
        if changed == known and rev is not None:
            return known, str(rev)
        at = {} if rev is None else {"_rev": rev}
        try:
            return changed, store.put(db, {**write(changed), **at})
        except Conflict:
            continue
    raise Conflict
