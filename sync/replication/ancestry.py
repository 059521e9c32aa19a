"""What two replicas have in common, from the logs that both keep. Pure.

After each batch a replication writes the same log to `_local/<replication id>` on both sides, as CouchDB's
own replicator does: a `session_id`, how far that session came (`source_last_seq`), and a `history` of
sessions. What both logs tell of is certain; where they differ, one side has been set back (a backup was
restored, a database made anew), and the last session that both remember counts, as far as the one
that remembers less of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sync.store import Document

BEGINNING = "0"


@dataclass(frozen=True)
class Session:
    """One run of a replication: an entry in the history. The counts are of this run; times are RFC 3339."""

    session_id: str
    start_time: str
    start_last_seq: str
    recorded_seq: str
    missing_checked: int = 0
    missing_found: int = 0
    docs_read: int = 0
    docs_written: int = 0
    doc_write_failures: int = 0

    def entry(self, end_time: str) -> dict[str, Any]:
        """In CouchDB's shape."""
        return {
            "session_id": self.session_id,
            "start_time": self.start_time,
            "end_time": end_time,
            "start_last_seq": self.start_last_seq,
            "end_last_seq": self.recorded_seq,
            "recorded_seq": self.recorded_seq,
            "missing_checked": self.missing_checked,
            "missing_found": self.missing_found,
            "docs_read": self.docs_read,
            "docs_written": self.docs_written,
            "doc_write_failures": self.doc_write_failures,
        }


def replication_id(source: str, target: str) -> str:
    """The name of both logs: the same whenever the same two replicas meet in this direction."""
    told = "\n".join(("hezha-replication-1", source, target))
    return "hezha-" + hashlib.sha256(told.encode()).hexdigest()[:32]


def common_ancestry(source_log: Document | None, target_log: Document | None) -> str:
    """The source's sequence up to which the target certainly has everything; `"0"` if nothing is certain."""
    ours, theirs = _sessions(source_log), _sessions(target_log)
    for session_id, entry in ours.items():
        if session_id in theirs:
            # Within a session the count of what was looked at only grows.
            less = min(entry, theirs[session_id], key=lambda one: one["missing_checked"])
            return str(less["recorded_seq"])
    return BEGINNING


def log_after(previous: Document | None, session: Session, end_time: str, *, longest: int) -> Document:
    """The log to be written, for either side: the session before the older ones, `longest` in all."""
    older = [entry for session_id, entry in _sessions(previous).items() if session_id != session.session_id]
    return {
        "session_id": session.session_id,
        "source_last_seq": session.recorded_seq,
        "replication_id_version": 4,
        "history": [session.entry(end_time), *older][:longest],
    }


def _sessions(log: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """The sessions of a log, newest first; whatever is no session in CouchDB's shape is left out."""
    history = (log or {}).get("history")
    if not isinstance(history, list):
        return {}
    return {entry["session_id"]: entry for entry in history if _is_session(entry)}


def _is_session(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("session_id"), str)
        and isinstance(entry.get("recorded_seq"), (str, int))
        and isinstance(entry.get("missing_checked"), int)
    )
