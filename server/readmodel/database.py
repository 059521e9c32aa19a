"""Opens the read model's SQLite file and runs projections and queries on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, delete, event, insert, select, text

from server.readmodel.tables import (
    SCHEMA_VERSION,
    anomalies,
    case_inspectors,
    cases,
    clocks,
    made_with,
    metadata,
    notices,
    photos,
    tasks,
)

#: How long a writer waits for another process to finish, in milliseconds.
BUSY_TIMEOUT_MS = 30_000
#: The `user_version` of a file whose tables are there and not all filled.
_FILLING = -SCHEMA_VERSION
_RULES = "rules"


#: The tables that speak of a case beside its own row.
_OF_CASES = (case_inspectors, tasks, notices, clocks, anomalies)
#: How many cases one statement names: SQLite takes some thousand parameters.
_AT_ONCE = 500


@dataclass(frozen=True)
class CaseRows:
    """All rows of one case: its own, and by table those that speak of it, without their `case_id`."""

    case: Mapping[str, Any]
    of_case: Mapping[str, Sequence[Mapping[str, Any]]]


class ReadModel:
    """The read model at `path`; made there if missing or of another version.

    Safe for use from many threads and processes.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.engine = create_engine(f"sqlite:///{path}")
        event.listen(self.engine, "connect", _tune)
        #: Whether cases may be missing: the file is new, or whoever filled it was cut off.
        self.incomplete = _ensure_schema(self.engine)

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes, and waits for others that do."""
        with self.engine.connect() as connection:
            # The lock is taken before the first read, so that two projections cannot interleave.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.commit()
            except BaseException:
                connection.rollback()
                raise

    def put_cases(self, found: Sequence[CaseRows]) -> None:
        """Replace what is known of each of these cases, in one transaction; where a later generation of one
        is known already, that stays. No case may come twice."""
        with self.writing() as connection:
            query = select(cases.c.id, cases.c.generation)
            known: dict[str, int] = {}
            for part in _batched([rows.case["id"] for rows in found], _AT_ONCE):
                known.update(
                    (row.id, row.generation) for row in connection.execute(query.where(cases.c.id.in_(part)))
                )
            wanted = [rows for rows in found if known.get(rows.case["id"], 0) <= rows.case["generation"]]
            for part in _batched([one for rows in wanted if (one := rows.case["id"]) in known], _AT_ONCE):
                connection.execute(delete(cases).where(cases.c.id.in_(part)))
            _insert_all(connection, cases, [dict(rows.case) for rows in wanted])
            for table in _OF_CASES:
                theirs = [
                    {**row, "case_id": rows.case["id"]} for rows in wanted for row in rows.of_case[table.name]
                ]
                _insert_all(connection, table, theirs)

    def put_photo(self, row: Mapping[str, Any]) -> None:
        with self.writing() as connection:
            same = (photos.c.case_id == row["case_id"]) & (photos.c.id == row["id"])
            connection.execute(delete(photos).where(same))
            connection.execute(insert(photos), dict(row))

    def clear(self) -> None:
        """Forget everything, before a rebuild. Until `finish` the model counts as incomplete."""
        with self.writing() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(delete(table))
            connection.exec_driver_sql(f"PRAGMA user_version={_FILLING}")
        self.incomplete = True

    @property
    def rules(self) -> str:
        """The digest of the rules that the rows were computed with; empty if nobody said."""
        with self.engine.connect() as connection:
            found = connection.scalar(select(made_with.c.value).where(made_with.c.name == _RULES))
        return str(found or "")

    def finish(self, rules: str) -> None:
        """Say that every case was projected, by the rules of this digest."""
        with self.writing() as connection:
            connection.execute(delete(made_with))
            connection.execute(insert(made_with), {"name": _RULES, "value": rules})
            connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
        self.incomplete = False


def _batched(values: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _insert_all(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _tune(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    # Losing the last projection in a power cut costs a rebuild, never a fact.
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.isolation_level = None


def _ensure_schema(engine: Engine) -> bool:
    """Make the tables if they are not there; True while they still have to be filled."""
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        version = connection.scalar(text("PRAGMA user_version"))
        if version == SCHEMA_VERSION:
            connection.rollback()
            return False
        if version != _FILLING:
            metadata.drop_all(connection)
            metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version={_FILLING}")
        connection.commit()
        return True
