"""After a restore: who replicates has to compare anew, also one that was at it all the time.

Replicators keep a checkpoint on both sides and begin where both agree. PouchDB takes its own side's word
where the session is the same on both, and a backup may fall into the middle of a session: the checkpoint that
was restored would vouch for what came later. So a restore drops the checkpoints, and everybody compares from
the beginning, which costs a list of revisions and no documents.

One that replicated live all through the restore does not look. It would push what is new, and then write a
checkpoint that declares everything before it delivered. It is known by this: who begins reads the checkpoint
before sending anything, and once more to write it; who goes on reads it only to write it. So in a database
that was restored a checkpoint is taken after its second reading. Who is refused begins anew, and that is all.

Rows of `store`, none in a store that was never restored: `restored/<database>` and, for each checkpoint read
since, `restored/<database>/<id>` with how often.
"""

from __future__ import annotations

import json

import apsw

from sync.embedded.records import DatabaseRow
from sync.store import StoreError

#: Once at the beginning, and once to write.
_READINGS = 2


class Restored(StoreError):
    """The replicator has to begin anew, which it does by itself when it is refused."""

    status = 503
    error = "restored"

    def __init__(self) -> None:
        super().__init__("This database was restored from a backup. Begin the replication anew.")


#: A replicator's checkpoint has these members, CouchDB's as well as PouchDB's.
CHECKPOINT = frozenset({"session_id", "history"})


def mark(conn: apsw.Connection) -> None:
    """Every database of this store was just restored: nobody's checkpoint holds, and all begin anew."""
    for db, doc_id, body in conn.execute("SELECT db, id, body FROM local_docs").fetchall():
        if json.loads(bytes(body)).keys() >= CHECKPOINT:  # type: ignore[arg-type]
            conn.execute("DELETE FROM local_docs WHERE db = ? AND id = ?", (db, doc_id))
    conn.execute("DELETE FROM store WHERE key LIKE 'restored/%'")
    conn.execute("INSERT INTO store SELECT 'restored/' || pk, '' FROM databases")


def readings(conn: apsw.Connection, db: DatabaseRow, doc_id: str) -> int | None:
    """How often a checkpoint was read since the restore; None if that does not matter (any more)."""
    if conn.execute("SELECT 1 FROM store WHERE key = ?", (f"restored/{db.pk}",)).get is None:
        return None
    known = conn.execute("SELECT value FROM store WHERE key = ?", (_key(db, doc_id),)).get
    count = 0 if known is None else int(known)
    return None if count >= _READINGS else count


def note_reading(conn: apsw.Connection, db: DatabaseRow, doc_id: str) -> None:
    conn.execute(
        "INSERT INTO store VALUES (?, '1') ON CONFLICT (key) DO UPDATE SET value = value + 1",
        (_key(db, doc_id),),
    )


def _key(db: DatabaseRow, doc_id: str) -> str:
    return f"restored/{db.pk}/{doc_id}"
