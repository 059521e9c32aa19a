"""Rows of a damaged SQLite file: whatever can still be read, and where something could not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import apsw

#: Beyond this no key of ours lies.
_LAST_KEY = 2**62


@dataclass
class Gaps:
    """Stretches of keys that could not be read: table, first, and the first readable one (None: none)."""

    found: list[tuple[str, int, int | None]] = field(default_factory=list)


def readable(
    conn: apsw.Connection, table: str, key: str, columns: str, gaps: Gaps
) -> Iterator[tuple[Any, ...]]:
    """Rows of `table` in the order of the integer column `key`, with `columns` behind it.

    Where SQLite cannot go on, the next key that can be read is sought, and the stretch noted in `gaps`.
    """
    start = 0
    while True:
        last = start - 1
        try:
            for row in conn.execute(
                f"SELECT {key}, {columns} FROM {table} WHERE {key} >= ? ORDER BY {key}",  # noqa: S608
                (start,),
            ):
                if isinstance(row[0], int):
                    last = row[0]
                    yield row
        except apsw.Error:
            # Of several rows with this key some may be lost; those of the next are another matter.
            following = _next(conn, table, key, last + 1)
            gaps.found.append((table, last + 1, following))
            if following is None:
                return
            start = following
        else:
            return


def _next(conn: apsw.Connection, table: str, key: str, bad: int) -> int | None:
    """The lowest key above `bad` from which rows can be read, or None if there is none."""
    low, step = bad, 1
    while True:
        probe = bad + step
        if probe > _LAST_KEY:
            return None
        if _opens(conn, table, key, probe):
            break
        low, step = probe, step * 2
    high = probe
    while high - low > 1:
        middle = (low + high) // 2
        if _opens(conn, table, key, middle):
            high = middle
        else:
            low = middle
    return high


def _opens(conn: apsw.Connection, table: str, key: str, start: int) -> bool:
    try:
        conn.execute(
            f"SELECT * FROM {table} WHERE {key} >= ? ORDER BY {key} LIMIT 1",  # noqa: S608
            (start,),
        ).fetchall()
    except apsw.Error:
        return False
    return True
