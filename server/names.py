"""What databases and documents are called. Clients never build these names; they are told."""

from __future__ import annotations

import re
import secrets
import time
import uuid

from server.settings import Settings

CASE_DOCUMENT = "case"
_ID_SHAPE = re.compile(r"[0-9a-z][0-9a-z-]{0,63}")


def new_id() -> str:
    """A UUIDv7 in lower case: unique without asking, and in the order of creation."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def is_id(value: str) -> bool:
    """Whether a string from outside can be an id at all, before it becomes part of a name."""
    return _ID_SHAPE.fullmatch(value) is not None


class Names:
    """Full database names under the configured prefix."""

    def __init__(self, settings: Settings) -> None:
        self._prefix = settings.db_prefix
        self.library = settings.database("library")
        self.registry = settings.database("registry")
        self.webhooks = settings.database("webhooks")

    def forms(self, case_id: str) -> str:
        return f"{self._prefix}case-{case_id}"

    def media(self, case_id: str) -> str:
        return f"{self._prefix}media-{case_id}"

    def inbox(self, user: str) -> str:
        return f"{self._prefix}inbox-{user}"

    def outbox(self, user: str) -> str:
        return f"{self._prefix}outbox-{user}"

    def parse(self, database: str) -> tuple[str, str] | None:
        """`(kind, tail)` of a database of ours: kind `case`, `media`, `inbox` or `outbox`; else None."""
        if not database.startswith(self._prefix):
            return None
        kind, dash, tail = database.removeprefix(self._prefix).partition("-")
        return (kind, tail) if dash and kind in {"case", "media", "inbox", "outbox"} else None

    def owns(self, database: str) -> bool:
        """Whether a database is one of ours: a server may hold others, under our prefix or without any."""
        return database in {self.library, self.registry, self.webhooks} or self.parse(database) is not None
