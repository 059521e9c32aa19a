"""The latest events of every case, in the order in which this server came to know them.

One SQLite file beside the data, for all processes of a server. Numbers are given once and only grow; the
file's own name (`epoch`) tells them from those of another server, or of a file that was deleted.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw

from server.workflow.model import Case, LogEntry

_BUSY_MS = 10_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (epoch TEXT NOT NULL, began TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation TEXT NOT NULL, case_id TEXT NOT NULL, no TEXT NOT NULL, stage TEXT NOT NULL,
    entry INTEGER NOT NULL, event TEXT NOT NULL, at TEXT NOT NULL, actor TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS heads (
    case_id TEXT PRIMARY KEY, generation INTEGER NOT NULL, hash TEXT NOT NULL, at TEXT NOT NULL
) WITHOUT ROWID;
"""
_COLUMNS = "seq, organisation, case_id, no, stage, entry, event, at, actor"


@dataclass(frozen=True)
class Event:
    """One entry of a case's log. `seq` is its place in the backlog, `entry` its number in the log."""

    seq: int
    organisation: str
    case_id: str
    no: str
    stage: str
    entry: int
    event: str
    at: str
    actor: str


class Gap(Exception):
    """A place that the backlog does not reach back to, or of another epoch."""


class Backlog:
    """`keep`: events that are kept. Safe for threads and processes; `on_news` is called after a write of
    this process."""

    def __init__(self, path: Path, *, keep: int, now: datetime) -> None:
        self._keep = keep
        self._lock = threading.Lock()
        self._conn = _open(path)
        self.epoch, self._began = self._begin(_text(now))
        self.on_news: Callable[[], None] = _nothing

    def close(self) -> None:
        with self._lock:
            self._conn.close()

    def _begin(self, now: str) -> tuple[str, str]:
        with self._writing() as conn:
            row = conn.execute("SELECT epoch, began FROM meta").fetchone()
            if row is None:
                row = (secrets.token_hex(8), now)
                conn.execute("INSERT INTO meta VALUES (?, ?)", row)
        return str(row[0]), str(row[1])

    @contextmanager
    def _writing(self) -> Iterator[apsw.Connection]:
        with self._lock:
            self._conn.execute("BEGIN IMMEDIATE")
            try:
                yield self._conn
            except BaseException:
                with contextlib.suppress(apsw.Error):
                    self._conn.execute("ROLLBACK")
                raise
            self._conn.execute("COMMIT")

    def tell(self, cases: Iterable[tuple[Case, str]]) -> int:
        """Keep what is new of these cases, each with its revision; how much that is. May be repeated."""
        rows: list[tuple[Any, ...]] = []
        with self._writing() as conn:
            for case, rev in cases:
                rows += self._news(conn, case, int(rev.partition("-")[0]))
            if rows:
                conn.executemany(
                    "INSERT INTO events (organisation, case_id, no, stage, entry, event, at, actor)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    rows,
                )
                conn.execute(
                    "DELETE FROM events WHERE seq <= (SELECT max(seq) FROM events) - ?", (self._keep,)
                )
        if rows:
            self.on_news()
        return len(rows)

    def _news(self, conn: apsw.Connection, case: Case, generation: int) -> list[tuple[Any, ...]]:
        if not case.log:
            return []
        known = conn.execute(
            "SELECT generation, hash, at FROM heads WHERE case_id = ?", (case.id,)
        ).fetchone()
        last = case.log[-1]
        if known is not None and (int(str(known[0])) > generation or known[1] == last.hash):
            return []
        conn.execute(
            "INSERT INTO heads VALUES (?, ?, ?, ?) ON CONFLICT (case_id) DO UPDATE"
            " SET generation = excluded.generation, hash = excluded.hash, at = excluded.at",
            (case.id, generation, last.hash, _moment(last)),
        )
        news = self._behind(case.log, None if known is None else (str(known[1]), str(known[2])))
        return [
            (
                *(case.organisation, case.id, case.no, case.stage),
                *(entry.seq, entry.event, entry.at.isoformat(), entry.actor),
            )
            for entry in news
        ]

    def _behind(self, log: Sequence[LogEntry], head: tuple[str, str] | None) -> Sequence[LogEntry]:
        """What came after the head; where it is gone with a branch that lost a conflict, what is not older.
        Of a case that was not known here, what happened since this file began."""
        if head is None:
            return [entry for entry in log if _moment(entry) >= self._began]
        for n in range(len(log), 0, -1):
            if log[n - 1].hash == head[0]:
                return log[n:]
        return [entry for entry in log if _moment(entry) >= head[1]]

    def latest(self) -> int:
        """The number of the latest event; 0 if there never was one."""
        with self._lock:
            found = self._conn.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").get
        return 0 if found is None else int(str(found))

    def after(self, seq: int, limit: int) -> list[Event]:
        """The events behind a place, oldest first. Raises Gap."""
        with self._lock:
            self._conn.execute("BEGIN")
            try:
                oldest = self._conn.execute("SELECT min(seq) FROM events").get
                newest = self._conn.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").get
                query = f"SELECT {_COLUMNS} FROM events WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608  ours
                rows = self._conn.execute(query, (seq, limit)).fetchall()
            finally:
                self._conn.execute("COMMIT")
        if seq > int(str(newest or 0)) or (oldest is not None and seq < int(str(oldest)) - 1):
            raise Gap
        return [Event(*row) for row in rows]  # type: ignore[arg-type]

    def version(self) -> int:
        """Another number once another process has written."""
        with self._lock:
            return int(self._conn.pragma("data_version"))


def _moment(entry: LogEntry) -> str:
    return _text(entry.at)


def _text(moment: datetime) -> str:
    """To the second, in UTC: texts that are in the order of what they tell."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _nothing() -> None:
    """What is called where nobody waits."""


def _open(path: Path) -> apsw.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _connect(path)
    except (apsw.CorruptError, apsw.NotADBError):
        # Nothing in it that is not elsewhere: whoever resumes is told to read anew.
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return _connect(path)


def _connect(path: Path) -> apsw.Connection:
    conn = apsw.Connection(str(path))
    try:
        conn.set_busy_timeout(_BUSY_MS)
        conn.pragma("journal_mode", "wal")
        # What a power cut takes is told by nobody, and read anew by whoever resumes.
        conn.pragma("synchronous", "normal")
        conn.execute(_SCHEMA)
    except apsw.Error:
        conn.close()
        raise
    return conn
