"""Saving what can still be read from a damaged data folder into a new one, which can be served.

The damaged files are copied and never written. Rows are read one by one past the damaged pages, then every
document goes the way that a replicated one goes, with its revisions and conflicts, so that the new store is
sound by itself. What is lost is named: `salvage.json` in the new folder lists it.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import apsw

from sync import revtree
from sync.embedded.blobs import BlobInfo
from sync.embedded.documents import DESIGN
from sync.embedded.engine import EmbeddedStore
from sync.embedded.safety.rows import Gaps, readable
from sync.embedded.safety.shelf import put_blob
from sync.embedded.safety.values import DATABASE_FILE, Progress, SafetyError, blob_path, silent
from sync.revtree import Rev, RevTree
from sync.store import Document, StoreError

REPORT = "salvage.json"
_SCRATCH = "salvage.tmp"
#: SQLite's header: the size of a page stands at byte 16, their number at 28 (sqlite.org/fileformat.html).
_HEADER_BYTES = 100
#: Documents stored in one transaction.
_BATCH = 200
_MAGIC = b"SQLite format 3\0"
_LOST = "salvaged-bodies.jsonl"
#: Documents of a database whose own row is lost go into one of this name and its number.
_NAMELESS = "salvaged-"

_TABLES = """
CREATE TABLE databases (pk INTEGER PRIMARY KEY, name, security, revs_limit);
CREATE TABLE docs (pk INTEGER PRIMARY KEY, db, id, tree);
CREATE TABLE revisions (pk INTEGER PRIMARY KEY, doc, rev, deleted, body);
CREATE INDEX revisions_by_doc ON revisions(doc);
CREATE TABLE attachments (revision, name, content_type, encoding, length, stored_length, md5, sha256, revpos);
CREATE INDEX attachments_by_revision ON attachments(revision);
CREATE INDEX docs_by_db ON docs(db, id);
"""
_COLUMNS = {
    "databases": ("pk", "name, security, revs_limit"),
    "docs": ("pk", "db, id, tree"),
    "revisions": ("pk", "doc, rev, deleted, body"),
    "attachments": (
        "revision",
        "name, content_type, encoding, length, stored_length, md5, sha256, revpos",
    ),
}


@dataclass
class Saved:
    """What was saved and what was not. `older` names documents of which only an earlier revision was left,
    `bodies` counts contents whose id was lost (kept in `salvaged-bodies.jsonl`), `gaps` are unread rows.
    """

    databases: int = 0
    documents: int = 0
    blobs: int = 0
    older: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    missing_blobs: list[str] = field(default_factory=list)
    bodies: int = 0
    gaps: list[tuple[str, int, int | None]] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        return not (self.older or self.unreadable or self.missing_blobs or self.bodies or self.gaps)


def salvage(data_dir: Path, out: Path, *, progress: Progress = silent) -> Saved:
    """Save what can be read of `data_dir` into `out`, a folder that is empty or not there.

    Local documents are left behind: followers and replicators compare anew. Raises SafetyError: `no_data`,
    `not_empty`, `hopeless` if no table can be read; OSError.
    """
    source = data_dir / DATABASE_FILE
    if not source.is_file():
        raise SafetyError("no_data", path=data_dir)
    if out.exists() and any(out.iterdir()):
        raise SafetyError("not_empty", path=out)
    work = out / _SCRATCH
    work.mkdir(mode=0o700, parents=True)
    try:
        gaps = Gaps()
        scratch = _gathered(source, work, gaps)
        try:
            saved = _Salvage(scratch, data_dir, out, progress).run()
        finally:
            scratch.close()
        saved.gaps = gaps.found
    finally:
        shutil.rmtree(work)
    (out / REPORT).write_text(json.dumps(asdict(saved), ensure_ascii=False, indent=2) + "\n", "utf-8")
    return saved


def _gathered(source: Path, work: Path, gaps: Gaps) -> apsw.Connection:
    """Every row that can be read, in a sound file of its own. Raises SafetyError (`hopeless`)."""
    scratch = apsw.Connection(str(work / "rows.sqlite3"))
    scratch.pragma("synchronous", "OFF")
    scratch.execute(_TABLES)
    damaged = _damaged(source, work)
    try:
        for table, (key, columns) in _COLUMNS.items():
            marks = ", ".join("?" * (len(columns.split(",")) + 1))
            rows = readable(damaged, table, key, columns, gaps)
            with scratch:
                for row in rows:
                    scratch.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row)  # noqa: S608
        if any(table == "docs" for table, *_ in gaps.found):
            _add_ids(damaged, scratch)
    finally:
        damaged.close()
    if not any(scratch.execute(f"SELECT count(*) FROM {table}").get for table in ("docs", "revisions")):  # noqa: S608
        scratch.close()
        raise SafetyError("hopeless", path=source)
    return scratch


def _add_ids(damaged: apsw.Connection, scratch: apsw.Connection) -> None:
    """Ids of documents whose rows are lost, from the index of ids, read from both of its ends."""
    for order in ("db, id", "db DESC, id DESC"):
        query = f"SELECT pk, db, id FROM docs INDEXED BY sqlite_autoindex_docs_1 ORDER BY {order}"  # noqa: S608
        with scratch, contextlib.suppress(apsw.Error):
            for row in damaged.execute(query):
                scratch.execute("INSERT OR IGNORE INTO docs VALUES (?, ?, ?, NULL)", row)


def _damaged(source: Path, work: Path) -> apsw.Connection:
    """A copy of the damaged file, with its log if SQLite can make sense of it."""
    copy = work / DATABASE_FILE
    shutil.copyfile(source, copy)
    _make_long_enough(copy)
    log = source.with_name(source.name + "-wal")
    if log.is_file():
        shutil.copyfile(log, copy.with_name(copy.name + "-wal"))
    conn = apsw.Connection(str(copy), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        conn.execute("PRAGMA cell_size_check=ON")
        conn.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    except apsw.Error as error:
        conn.close()
        raise SafetyError("hopeless", path=source) from error
    return conn


def _make_long_enough(file: Path) -> None:
    """A file that was cut short is refused as a whole; with empty pages for the lost ones it is not."""
    with file.open("r+b") as out:
        header = out.read(_HEADER_BYTES)
        size = int.from_bytes(header[16:18])
        pages = int.from_bytes(header[28:32])
        wanted = (65536 if size == 1 else size) * pages  # as the file format has it
        if header.startswith(_MAGIC) and wanted > file.stat().st_size:
            out.truncate(wanted)


class _Salvage:
    """From gathered rows to a new store."""

    def __init__(self, rows: apsw.Connection, data_dir: Path, out: Path, progress: Progress) -> None:
        self._rows = rows
        self._data = data_dir
        self._out = out
        self._progress = progress
        self._saved = Saved()
        self._placeholders: set[str] = set()
        self._batch: list[Document] = []
        # Without write rules: what was stored once is not judged anew.
        self._store = EmbeddedStore(out)

    def run(self) -> Saved:
        try:
            total = int(self._rows.execute("SELECT count(*) FROM docs").get)
            done = 0
            for db_pk, name in self._databases():
                for doc in self._documents(db_pk):
                    self._save(name, *doc)
                    done += 1
                    self._progress("documents", done, total)
                self._flush(name)
                info = self._store.info(name)
                self._saved.documents += info.doc_count + info.doc_del_count
            self._keep_lost_bodies()
            self._store.mark_restored()
        finally:
            self._store.close()
            for sha256 in self._placeholders:
                blob_path(self._out, sha256).unlink(missing_ok=True)
        self._saved.missing_blobs = sorted(self._placeholders)
        return self._saved

    def _databases(self) -> Iterator[tuple[Any, str]]:
        known = {
            pk: (name, security, limit)
            for pk, name, security, limit in self._rows.execute("SELECT * FROM databases")
        }
        wanted = {pk for (pk,) in self._rows.execute("SELECT DISTINCT db FROM docs")} | set(known)
        for pk in sorted(wanted, key=str):
            name, security, limit = known.get(pk, (f"{_NAMELESS}{pk}", None, None))
            name = self._created(str(name), security, limit)
            self._saved.databases += 1
            yield pk, name

    def _created(self, name: str, security: object, limit: object) -> str:
        try:
            self._store.create_database(name)
        except StoreError:  # a name that is none, or comes twice: read from a damaged page
            self._saved.unreadable.append(name)
            name = f"{_NAMELESS}{self._saved.databases + 1}"
            self._store.create_database(name)
        try:
            self._store.put_security(name, json.loads(str(security)))
            self._store.set_revs_limit(name, limit)
        except (ValueError, StoreError):
            # It stays closed to all but administrators, who can open it again.
            self._saved.unreadable.append(f"{name} _security")
        return name

    def _documents(self, db_pk: Any) -> list[tuple[int, Any, Any]]:
        """Design documents come last: with them come write rules."""
        return self._rows.execute(
            "SELECT pk, id, tree FROM docs WHERE db IS ? ORDER BY id >= ? AND id < ?, id",
            (db_pk, DESIGN, DESIGN[:-1] + "0"),
        ).fetchall()  # type: ignore[return-value]

    def _save(self, db: str, pk: int, doc_id: Any, stored_tree: Any) -> None:
        bodies = self._bodies(pk)
        tree = _tree(stored_tree)
        kept = False
        for leaf in _leaves(tree, bodies):
            line = [leaf] if tree is None or leaf not in tree.nodes else revtree.ancestry(tree, leaf)
            there = next((rev for rev in line if rev in bodies), None)
            if there is None:
                continue
            if there != leaf:
                self._saved.older.append(f"{db} {doc_id} {revtree.format_rev(leaf)}")
            kept = self._store_revision(db, doc_id, line[line.index(there) :], *bodies[there]) or kept
        if not kept:
            self._saved.unreadable.append(f"{db} {doc_id}")

    def _bodies(self, doc_pk: int) -> dict[Rev, tuple[int, bool, Document]]:
        found = {}
        rows = self._rows.execute("SELECT pk, rev, deleted, body FROM revisions WHERE doc = ?", (doc_pk,))
        for pk, rev, deleted, body in rows:
            fields = _fields(body)
            try:
                if fields is not None:
                    found[revtree.parse_rev(str(rev))] = (int(str(pk)), bool(deleted), fields)
            except ValueError:
                continue
        return found

    def _store_revision(
        self, db: str, doc_id: Any, line: list[Rev], pk: int, deleted: bool, fields: Document
    ) -> bool:
        atts, blobs = self._attachments(pk)
        document: Document = {
            **fields,
            "_id": doc_id,
            "_rev": revtree.format_rev(line[0]),
            "_revisions": {"start": line[0][0], "ids": [name for _, name in line]},
        }
        if deleted:
            document["_deleted"] = True
        if not atts and not str(doc_id).startswith(DESIGN):
            self._batch.append(document)
            if len(self._batch) >= _BATCH:
                self._flush(db)
            return True
        self._flush(db)
        try:
            self._store.put(db, document | {"_attachments": atts}, new_edits=False, blobs=blobs)
        except StoreError:
            return False
        return True

    def _flush(self, db: str) -> None:
        """Store what has been collected, in one transaction."""
        if self._batch:
            for row in self._store.bulk_docs(db, self._batch, new_edits=False):
                if not row.ok:
                    self._saved.unreadable.append(f"{db} {row.id}")
            self._batch.clear()

    def _attachments(self, pk: int) -> tuple[dict[str, Any], dict[str, BlobInfo]]:
        atts: dict[str, Any] = {}
        blobs: dict[str, BlobInfo] = {}
        rows = self._rows.execute("SELECT * FROM attachments WHERE revision = ?", (pk,))
        for _, name, content_type, encoding, length, stored_length, md5, sha256, revpos in rows:
            if not (isinstance(sha256, str) and isinstance(md5, bytes) and isinstance(name, str)):
                continue
            self._bring_blob(sha256)
            atts[name] = {"follows": True, "content_type": content_type, "revpos": revpos}
            if encoding:
                atts[name] |= {"encoding": encoding, "length": length}
            blobs[name] = BlobInfo(sha256, md5, int(str(stored_length)))
        return atts, blobs

    def _bring_blob(self, sha256: str) -> None:
        """Its bytes; where they are lost an empty file while we write: the document says what it had."""
        final = blob_path(self._out, sha256)
        if final.exists():
            return
        final.parent.mkdir(mode=0o700, exist_ok=True)
        if put_blob(sha256, blob_path(self._data, sha256), final):
            self._saved.blobs += 1
        else:
            final.touch()
            self._placeholders.add(sha256)

    def _keep_lost_bodies(self) -> None:
        """Contents of documents whose own rows are lost, and their ids with them."""
        rows = self._rows.execute(
            "SELECT rev, deleted, body FROM revisions WHERE doc NOT IN (SELECT pk FROM docs) ORDER BY pk"
        )
        lines = []
        for rev, deleted, body in rows:
            fields = _fields(body)
            if fields is not None:
                lines.append(
                    json.dumps({"rev": rev, "deleted": bool(deleted), "doc": fields}, ensure_ascii=False)
                )
        if lines:
            (self._out / _LOST).write_text("\n".join(lines) + "\n", "utf-8")
            self._saved.bodies = len(lines)


def _fields(body: object) -> Document | None:
    try:
        fields = json.loads(body) if isinstance(body, bytes) else None
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None


def _tree(stored: object) -> RevTree | None:
    try:
        return revtree.decode(stored) if isinstance(stored, bytes) else None
    except Exception:  # noqa: BLE001  damaged bytes may break decoding in any way
        return None


def _leaves(tree: RevTree | None, bodies: dict[Rev, tuple[int, bool, Document]]) -> list[Rev]:
    """What to save of a document: its leaves; without a tree the newest body that is left."""
    if tree is not None and tree.nodes:
        return list(tree.leaves)
    return [max(bodies)] if bodies else []
