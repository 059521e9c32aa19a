"""What every part of the embedded store stands on."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import apsw

from sync.durable import make_durable
from sync.embedded import documents, records
from sync.embedded.blobs import Arrivals, BlobInfo, BlobStore
from sync.embedded.machinery import Limits, Machinery
from sync.embedded.moment import Moment
from sync.embedded.pending import Pending
from sync.embedded.records import DatabaseRow
from sync.embedded.safety.values import DATABASE_FILE, UNFINISHED, has_blobs, is_empty
from sync.embedded.updates import Rules, Validator
from sync.embedded.wakeup import Waiter
from sync.store import Document, Unusable


class StoreBase:
    """Opens the files. `design` is the document of write rules that every database of Hezha's gets.

    What it says holds in all of them from the moment the store is open, whatever older rules lie there.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        validator: Validator | None = None,
        design: Document | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Raises Unusable if a newer version wrote `data_dir` or its restore was cut off.

        Raises OSError or apsw.Error if it cannot be opened.
        """
        self.limits = limits or Limits()
        if (data_dir / UNFINISHED).exists():
            raise Unusable(f"A restore into {data_dir} was cut off. Run the same hezha restore again.")
        data_dir.mkdir(parents=True, exist_ok=True)
        file = data_dir / DATABASE_FILE
        if is_empty(file):
            if has_blobs(data_dir):
                # To begin anew here would look like a store that works, and sweep the blobs of the lost one.
                raise Unusable(f"{file} is gone or empty and its attachments are here. See hezha doctor.")
            _make_names_safe(data_dir)
        self._blobs = BlobStore(data_dir / "blobs")
        self._blobs.sweep_incoming(older_than=self.limits.abandoned_seconds)
        self._rules = Rules(validator, design)
        self._design = design
        self._pending = Pending()
        self._io = Machinery(file, self.limits, on_rollback=self._rules.forget_all)

    @contextmanager
    def _reading(self, db: str) -> Iterator[tuple[apsw.Connection, DatabaseRow]]:
        """One moment of a database. Raises NotFound."""
        with self._io.reading() as conn:
            yield conn, records.database(conn, db)

    def _database(self, db: str) -> DatabaseRow:
        """A database as it is now; cheaper than a transaction. Raises NotFound."""
        return self._io.glance(lambda conn: records.database(conn, db))

    @contextmanager
    def moment(self, db: str) -> Iterator[Moment]:
        """One moment of a database, to read many revisions from. Raises NotFound."""
        with self._reading(db) as (conn, row):
            yield Moment(conn, self._blobs, row)

    def watch(self, db: str | None) -> Waiter:
        """A bell that rings when `db` changes (documents, security, deletion), or any database if None."""
        return self._io.wakeup.waiter(db)

    def parked(self) -> int:
        """How many callers wait for changes at present."""
        return self._io.wakeup.parked()

    @property
    def incarnation(self) -> str:
        """Tells this store from every other. Sequences of another incarnation mean nothing here."""
        return self._io.incarnation

    def _parser(
        self, arrivals: Arrivals, blobs: Mapping[str, BlobInfo] | None = None
    ) -> Callable[[object], documents.Incoming]:
        """Checks documents; their inline attachments go to `arrivals`, which the caller settles.

        What it gives raises BadRequest, TooLarge, DigestMismatch, NoSpace, ReadOnly.
        """

        def keep(data: bytes, md5: bytes | None) -> BlobInfo:
            return arrivals.receive(io.BytesIO(data), max_bytes=self.limits.attachment_bytes, expect_md5=md5)

        return partial(
            documents.parse,
            keep=keep,
            max_bytes=self.limits.document_bytes,
            max_revisions=self.limits.revisions_sent,
            blobs=blobs,
        )

    def _parsed(self, doc: object, blobs: Mapping[str, BlobInfo] | None = None) -> documents.Incoming:
        """One document, checked, its inline attachments on disk. Raises as `_parser`."""
        with self._blobs.arrivals() as arrivals:
            incoming = self._parser(arrivals, blobs)(doc)
            arrivals.settle()
        return incoming

    def trouble(self) -> str | None:
        """None: who reaches this engine replicates with it."""
        return None

    def dismiss(self) -> None:
        """End every wait for changes, now and from now on: a server that stops must not wait for its pollers.

        Reads and writes go on until `close`.
        """
        self._io.wakeup.dismiss()

    @property
    def dismissed(self) -> bool:
        return self._io.wakeup.dismissed

    def close(self) -> None:
        self._io.close()
        self._blobs.close()


def _make_names_safe(folder: Path) -> None:
    """Else a power cut could take a new folder whole. Whoever made it may have made those above it, too."""
    for above in folder.resolve().parents:
        try:
            make_durable(above)
        except OSError:  # not ours to open, and so not made by us
            return
