"""What every part of the CouchDB store stands on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from sync.couch.wire import Account, Patience, Wire
from sync.store import SERVER, Document, UserCtx


@dataclass(frozen=True)
class CouchOptions:
    """How the store uses the cluster.

    `q` and `n` are the shards and copies of a new database, None for the cluster's default. `prefix` begins
    the name of every database that is Hezha's; the store sees no others. Sizes are bytes, `page` counts
    documents, `connections` and `helpers` are threads' worth: kept connections, and how many databases are
    looked at together when all of them are.
    """

    prefix: str = ""
    q: int | None = None
    n: int | None = None
    document_bytes: int = 8 * 1024 * 1024
    attachment_bytes: int = 1024 * 1024 * 1024
    page: int = 200
    chunk: int = 256 * 1024
    connections: int = 16
    helpers: int = 8
    ca_file: str = ""
    patience: Patience = field(default_factory=Patience)


class CouchBase:
    """Opens nothing yet: the first request connects. `design` is the document of write rules."""

    #: Each replica checks `_rev` by itself; even one node may become three.
    exact_revisions = False
    #: A node tells of changes half a second after them, and forgets what it has not told when it crashes.
    complete_feed = False

    def __init__(
        self,
        url: str,
        account: Account,
        *,
        token_for: Callable[[UserCtx], str],
        design: Document | None = None,
        options: CouchOptions | None = None,
    ) -> None:
        """`url` is CouchDB's, without credentials; `account` a server admin of it.

        `token_for` signs a token, good for the next minutes, that CouchDB takes for the user's: it judges
        who writes by nothing else.
        """
        self.options = options or CouchOptions()
        self.wire = Wire(
            url,
            account,
            token_for=token_for,
            patience=self.options.patience,
            connections=self.options.connections,
            ca_file=self.options.ca_file,
        )
        self._design = design
        self._dismissed = threading.Event()

    def dismiss(self) -> None:
        """End every wait for changes, within `patience.poll` seconds, and let none begin."""
        self._dismissed.set()

    @property
    def dismissed(self) -> bool:
        return self._dismissed.is_set()

    def close(self) -> None:
        self.dismiss()
        self.wire.close()


def asker(user: UserCtx) -> UserCtx | None:
    """Who the wire is to speak for: None is the server admin."""
    return None if user == SERVER else user
