"""CouchStore: the document store on an Apache CouchDB 3.5 cluster.

The face of the room; its parts are `databases.py`, `documents.py`, `attachments.py` and `feeds.py`. Below
them `wire.py` sends and repeats, `answers.py` and `outgoing.py` say what comes and what may go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sync.couch.attachments import AttachmentCalls
from sync.couch.base import CouchOptions
from sync.couch.cluster import Cluster
from sync.couch.feeds import FeedCalls
from sync.couch.wire import Account, Patience, split_url
from sync.store import DatabaseExists, NewDatabase, UserCtx, never

__all__ = ["ANYBODY", "Account", "CouchOptions", "CouchStore", "Patience", "split_url"]


#: Whose token is tried when the question is whether tokens are taken at all. Member of nothing.
ANYBODY = UserCtx("hezha-check", ("inspector",))


class CouchStore(FeedCalls, AttachmentCalls):
    """`DocumentStore` over HTTP. Safe for many threads; make it after forking, `close` it at the end.

    Every method that has returned from a write has its data on disk on as many nodes as the cluster wants;
    if fewer answered in time (CouchDB's 202), on one at least.
    """

    def create_databases(self, wanted: Sequence[NewDatabase]) -> list[tuple[str, ...] | None]:
        """One after the other: the rules and the documents come before the members, as `create_database` has
        it. Raises BadRequest (name), TooLarge, Forbidden (write rules).
        """
        made: list[tuple[str, ...] | None] = []
        for new in wanted:
            try:
                self.create_database(new.name, new.security)
            except DatabaseExists:
                made.append(None)
                continue
            made.append(tuple(self.put(new.name, document) for document in new.documents))
        return made

    def maintain(self, stopping: Callable[[], bool] = never) -> None:
        """Nothing: CouchDB compacts by itself."""

    def trouble(self) -> str | None:
        """Why CouchDB does not take the tokens that tablets bring, or None. Raises Unavailable."""
        reason = Cluster(self.wire).takes_token_of(ANYBODY)
        return None if reason is None else f"CouchDB does not take Hezha's tokens: {reason}"
