"""Looking a data folder over: does the file hold together, do rows fit each other, are all bytes there?

Reads one moment of the database beside whatever else has it open, and changes nothing.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from sync import revtree
from sync.embedded import records, schema
from sync.embedded.safety.shelf import copy_hashed
from sync.embedded.safety.snapshot import Contents, contents_of, copy_files, named_blobs
from sync.embedded.safety.values import DATABASE_FILE, Progress, blob_path, silent
from sync.revtree import Body

#: Problems of the file itself after which SQLite need not look for more.
_FILE_PROBLEMS = 10


@dataclass(frozen=True)
class Flaws:
    """One kind of flaw: how often, and some of the places (database, document, what) where it was found."""

    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """What was found. `flaws` by code, none if the store is sound; `unreadable` says why no more was read.

    `orphans` are blobs that no revision names: left by uploads that were cut off, or by a log that somebody
    removed. `log_bytes` is the size of the write-ahead log.
    """

    contents: Contents | None
    unreadable: str
    flaws: dict[str, Flaws]
    orphans: int
    orphan_bytes: int
    log_bytes: int

    @property
    def sound(self) -> bool:
        return not self.unreadable and not self.flaws


@dataclass
class _Found:
    """Flaws as they are found; of each kind only so many places are kept."""

    keep: int
    counts: Counter[str] = field(default_factory=Counter)
    examples: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, code: str, where: str) -> None:
        self.counts[code] += 1
        if len(self.examples[code]) < self.keep:
            self.examples[code].append(where)

    def flaws(self) -> dict[str, Flaws]:
        return {code: Flaws(count, tuple(self.examples[code])) for code, count in self.counts.items()}


def check(
    data_dir: Path,
    *,
    deep: bool = False,
    busy_seconds: float = 30.0,
    examples: int = 5,
    progress: Progress = silent,
) -> Report:
    """Look `data_dir` over. `deep` compares indexes, reads every body and digests every blob as well.

    Codes of flaws: `file` (SQLite's own words), `reference`, `count`, `tree`, `body`, `blob_missing`,
    `blob_length`, `blob_bytes`.
    """
    found = _Found(examples)
    contents, unreadable = None, ""
    orphans, orphan_bytes = 0, 0
    try:
        with opened(data_dir, busy_seconds=busy_seconds) as conn:
            _check_file(conn, found, deep=deep)
            # Rows of a file that does not hold together may be anything: nothing is said of them.
            if not found.counts:
                contents = contents_of(conn)
                _check_references(conn, found)
                _check_counts(conn, found)
                _check_documents(conn, found, contents, progress, deep=deep)
                orphans, orphan_bytes = _check_blobs(data_dir, conn, found, contents, progress, deep=deep)
    except apsw.Error as error:
        unreadable = str(error)
    log = data_dir / f"{DATABASE_FILE}-wal"
    return Report(
        contents,
        unreadable,
        found.flaws(),
        orphans,
        orphan_bytes,
        log.stat().st_size if log.exists() else 0,
    )


@contextmanager
def opened(data_dir: Path, *, busy_seconds: float) -> Iterator[apsw.Connection]:
    """One moment of the database, for reading. A folder that cannot be written is read from a copy.

    SQLite has to write beside a log to read it. Raises apsw.Error, OSError.
    """
    with tempfile.TemporaryDirectory() as place:
        file = data_dir / DATABASE_FILE
        if not os.access(data_dir, os.W_OK):
            file = Path(place) / DATABASE_FILE
            copy_files(data_dir / DATABASE_FILE, file)
        conn = schema.connect(file, busy_seconds=busy_seconds, readonly=True)
        try:
            conn.execute("BEGIN")
            yield conn
        finally:
            conn.close()


def _check_file(conn: apsw.Connection, found: _Found, *, deep: bool) -> None:
    pragma = "integrity_check" if deep else "quick_check"
    for (line,) in conn.execute(f"PRAGMA {pragma}({_FILE_PROBLEMS})"):
        if line != "ok":
            found.add("file", str(line))


def _check_references(conn: apsw.Connection, found: _Found) -> None:
    for table, rowid, parent, _ in conn.execute("PRAGMA foreign_key_check"):
        found.add("reference", f"{table} {rowid}: no {parent}")


def _check_counts(conn: apsw.Connection, found: _Found) -> None:
    rows = conn.execute(
        "SELECT b.name, b.doc_count, b.del_count, b.seq, coalesce(sum(NOT d.deleted), 0),"
        " coalesce(sum(d.deleted), 0), coalesce(max(d.seq), 0)"
        " FROM databases b LEFT JOIN docs d ON d.db = b.pk GROUP BY b.pk"
    )
    for name, live, dead, seq, live_rows, dead_rows, newest in rows:
        if (live, dead) != (live_rows, dead_rows):
            there = f"{live_rows} and {dead_rows} are there"
            found.add("count", f"{name}: {live} and {dead} deleted are counted, {there}")
        if int(str(newest)) > int(str(seq)):
            found.add("count", f"{name}: change {newest} is beyond the last, {seq}")


def _check_documents(
    conn: apsw.Connection, found: _Found, contents: Contents, progress: Progress, *, deep: bool
) -> None:
    names = {pk: str(name) for pk, name in conn.execute("SELECT pk, name FROM databases")}
    rows = conn.execute("SELECT pk, id, seq, deleted, tree, db, winner FROM docs")
    total = contents.documents + contents.deleted
    for number, row in enumerate(rows, start=1):
        where = f"{names.get(row[5])} {row[1]}"
        revisions = conn.execute("SELECT rev, deleted FROM revisions WHERE doc = ?", (row[0],))
        if wrong := _wrong_tree(row, {str(rev): bool(gone) for rev, gone in revisions}):
            found.add("tree", f"{where}: {wrong}")
        progress("documents", number, total)
    if deep:
        bodies = "SELECT d.db, d.id, r.rev, r.body FROM revisions r JOIN docs d ON d.pk = r.doc"
        for db, doc_id, rev, body in conn.execute(bodies):
            if not (isinstance(body, bytes) and _is_object(body)):
                found.add("body", f"{names.get(db)} {doc_id} {rev}")


def _wrong_tree(row: tuple[object, ...], stored: dict[str, bool]) -> str:
    """What does not fit between a document's tree, its row and its stored revisions; empty if all does."""
    try:
        doc = records.doc_row(row[:5])
        leaves = doc.tree.leaves
        winner = revtree.format_rev(leaves[0])
    except Exception as error:  # noqa: BLE001  whatever decoding stumbles over is the finding
        return f"its tree cannot be read ({type(error).__name__})"
    if winner != row[6] or doc.deleted != doc.tree.all_deleted:
        return f"its row says {row[6]}, its tree {winner}"
    for leaf in leaves:
        name = revtree.format_rev(leaf)
        if doc.tree.nodes[leaf].body is not Body.MISSING and name not in stored:
            return f"the body of {name} is gone"
    for name, gone in stored.items():
        node = doc.tree.nodes.get(revtree.parse_rev(name))
        if node is None or (node.body is Body.DELETED) != gone:
            return f"{name} does not fit its tree"
    return ""


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False


def _check_blobs(
    data_dir: Path,
    conn: apsw.Connection,
    found: _Found,
    contents: Contents,
    progress: Progress,
    *,
    deep: bool,
) -> tuple[int, int]:
    """Every named blob is there; returns how many are there that nobody names, and their bytes."""
    named = set()
    for number, (sha256, length) in enumerate(named_blobs(conn), start=1):
        named.add(sha256)
        if code := wrong_blob(blob_path(data_dir, sha256), sha256, length, deep=deep):
            found.add(code, _whose(conn, sha256))
        progress("blobs", number, contents.blobs)
    orphans = orphan_bytes = 0
    for path in (data_dir / "blobs").glob("??/*"):
        if path.parent.name + path.name not in named:
            orphans += 1
            orphan_bytes += path.stat().st_size
    return orphans, orphan_bytes


def wrong_blob(path: Path, sha256: str, length: int, *, deep: bool) -> str:
    try:
        if path.stat().st_size != length:
            return "blob_length"
        if deep:
            with path.open("rb") as stream:
                return "" if copy_hashed(stream) == sha256 else "blob_bytes"
    except FileNotFoundError:
        return "blob_missing"
    except OSError:
        return "blob_bytes"
    return ""


def _whose(conn: apsw.Connection, sha256: str) -> str:
    """An attachment that these bytes belong to, and the blob's path."""
    row = conn.execute(
        "SELECT b.name, d.id, a.name FROM attachments a JOIN revisions r ON r.pk = a.revision"
        " JOIN docs d ON d.pk = r.doc JOIN databases b ON b.pk = d.db WHERE a.sha256 = ? LIMIT 1",
        (sha256,),
    ).fetchone()
    owner = " ".join(map(str, row)) if row else "nobody"
    return f"{owner} (blobs/{sha256[:2]}/{sha256[2:]})"
