"""EmbeddedStore: CouchDB's document model on one SQLite file and a folder of blobs.

The face of the room; its parts are `databases.py`, `reading.py`, `writing.py`, `attachments.py`, `purging.py`
and `upkeep.py`. Below them `documents.py` parses, `updates.py` decides on edits inside a transaction,
`ledger.py` and `compaction.py` carry out, `records.py` knows the rows, `rendering.py`, `listing.py` and
`feed.py` say how a client sees them, and `machinery.py` has the connections and threads.
"""

from __future__ import annotations

from sync.embedded.across import AcrossCalls
from sync.embedded.blobs import BlobInfo
from sync.embedded.databases import DatabaseCalls
from sync.embedded.feed import FeedQuery
from sync.embedded.listing import Listing, ListQuery
from sync.embedded.machinery import Limits
from sync.embedded.purging import PurgeCalls
from sync.embedded.reading import OpenRev
from sync.embedded.rendering import Show
from sync.embedded.updates import Validator, is_db_admin, is_member
from sync.embedded.upkeep import UpkeepCalls
from sync.embedded.wakeup import Waiter

__all__ = [
    "BlobInfo",
    "EmbeddedStore",
    "FeedQuery",
    "Limits",
    "ListQuery",
    "Listing",
    "OpenRev",
    "Show",
    "Validator",
    "Waiter",
    "is_db_admin",
    "is_member",
]


class EmbeddedStore(DatabaseCalls, AcrossCalls, PurgeCalls, UpkeepCalls):
    """`DocumentStore` in process, and what CouchDB's HTTP interface needs beyond it.

    Safe for many threads; several processes may open the same folder. Every method that has returned from a
    write has its data on disk. Create it after forking, `close` it at the end.
    """

    #: One writer at a time decides on every `_rev`.
    exact_revisions = True
    #: A change and the word of it are one transaction.
    complete_feed = True
