"""Opens the read model's SQLite file and runs projections and queries on it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    Connection,
    Engine,
    Index,
    Table,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.dialects.sqlite import insert as upsert

from server.readmodel import search
from server.readmodel.surrounding_tables import duties, metering_needs
from server.readmodel.tables import (
    SCHEMA_VERSION,
    anomalies,
    case_inspectors,
    case_records,
    cases,
    clock_spans,
    clocks,
    made_with,
    metadata,
    notices,
    organisations,
    photos,
    tasks,
)
from sync.durable import make_durable

#: How long a writer waits for another process to finish, in milliseconds.
BUSY_TIMEOUT_MS = 30_000
#: The `user_version` of a file whose tables are there and not all filled.
_FILLING = -SCHEMA_VERSION
_RULES = "rules"
#: Pages that who fills it lets pile up before they go where they belong.
_FILLING_PAGES = 20_000


#: The tables that speak of a case beside its own row.
_OF_CASES = (
    *(case_inspectors, tasks, notices, clocks, clock_spans, anomalies, case_records),
    *(duties, metering_needs),
)
#: How many cases one statement names: SQLite takes some thousand parameters.
_AT_ONCE = 500


@dataclass(frozen=True)
class CaseRows:
    """All rows of one case: its own without its `key`, and by table those that speak of it, without what says
    so (`case_id`, `key`, `organisation`)."""

    case: Mapping[str, Any]
    of_case: Mapping[str, Sequence[Mapping[str, Any]]]


class ReadModel:
    """The read model at `path`; made there if missing or of another version.

    Safe for use from many threads and processes. `filling`: for a process that fills it anew, whose writes
    are not on disk before somebody calls `finish`.
    """

    def __init__(self, path: Path, *, filling: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self.engine = create_engine(f"sqlite:///{path}")
        event.listen(self.engine, "connect", partial(_tune, filling=filling))
        #: Whether cases may be missing: the file is new, or whoever filled it was cut off.
        self.incomplete = _ensure_schema(self.engine)

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes, and waits for others that do."""
        with self.engine.connect() as connection, _alone(connection):
            yield connection

    def put_cases(self, found: Sequence[CaseRows]) -> None:
        """Replace what is known of each of these cases, in one transaction; where a later generation of one
        is known already, that stays. No case may come twice."""
        with self.writing() as connection:
            known = _known(connection, [rows.case["id"] for rows in found])
            wanted = [
                rows
                for rows in found
                if (one := known.get(rows.case["id"])) is None or one.generation <= rows.case["generation"]
            ]
            _put(connection, wanted, known)

    def put_photo(self, row: Mapping[str, Any]) -> None:
        with self.writing() as connection:
            same = (photos.c.case_id == row["case_id"]) & (photos.c.id == row["id"])
            connection.execute(delete(photos).where(same))
            connection.execute(insert(photos), dict(row))

    def clear(self) -> None:
        """Forget everything, before a rebuild. Until `finish` the model counts as incomplete."""
        with self.engine.connect() as connection:
            # Everything goes: no row needs to be asked who refers to it, which takes a minute for a county.
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            try:
                with _alone(connection):
                    connection.exec_driver_sql(search.EMPTY)
                    for table in metadata.sorted_tables:
                        connection.execute(delete(table))
                    _begin_filling(connection)
            finally:
                connection.exec_driver_sql("PRAGMA foreign_keys=ON")
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
            for index in _made_at_the_end():
                index.create(connection, checkfirst=True)
        # What was written in haste is on disk before anybody says that it is all there.
        for file in (self._path, self._path.with_name(f"{self._path.name}-wal")):
            if file.exists():
                make_durable(file)
        with self.writing() as connection:
            connection.execute(delete(made_with))
            connection.execute(insert(made_with), {"name": _RULES, "value": rules})
            connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
        self.incomplete = False


@dataclass(frozen=True)
class _Known:
    """What is known of a case that is to be replaced."""

    generation: int
    key: int
    organisation: str
    words: str


def _known(connection: Connection, ids: Sequence[str]) -> dict[str, _Known]:
    c = cases.c
    query = select(c.id, c.generation, c.key, c.organisation, c.words)
    found = {}
    for part in _batched(ids, _AT_ONCE):
        for row in connection.execute(query.where(c.id.in_(part))):
            found[row.id] = _Known(row.generation, row.key, row.organisation, row.words)
    return found


def _put(connection: Connection, wanted: Sequence[CaseRows], known: Mapping[str, _Known]) -> None:
    """Put each case in the place of what is known of it. The key of a case stays its own."""
    if not wanted:
        return
    next_key = (connection.scalar(select(func.max(cases.c.key))) or 0) + 1
    keys: dict[str, int] = {}
    for rows in wanted:
        before = known.get(rows.case["id"])
        keys[rows.case["id"]] = next_key if before is None else before.key
        next_key += before is None
    for part in _batched([one for one in keys if one in known], _AT_ONCE):
        connection.execute(delete(cases).where(cases.c.id.in_(part)))
    _insert_all(connection, cases, [{**rows.case, "key": keys[rows.case["id"]]} for rows in wanted])
    for table in _OF_CASES:
        about = {"case_id", "key", "organisation"} & set(table.c.keys())
        theirs = []
        for rows in wanted:
            case_id = rows.case["id"]
            said = {"case_id": case_id, "key": keys[case_id], "organisation": rows.case["organisation"]}
            of_all = {name: said[name] for name in about}
            theirs += [{**row, **of_all} for row in rows.of_case[table.name]]
        _insert_all(connection, table, theirs)
    numbers = _count_in(connection, wanted, known)
    _enter(connection, wanted, known, keys, numbers)


def _count_in(
    connection: Connection, wanted: Sequence[CaseRows], known: Mapping[str, _Known]
) -> dict[str, int]:
    """Keep the number of cases of each organisation; every organisation's own number."""
    more: Counter[str] = Counter()
    for rows in wanted:
        more[rows.case["organisation"]] += 1
        before = known.get(rows.case["id"])
        if before is not None:
            more[before.organisation] -= 1
    made = upsert(organisations)
    added = made.on_conflict_do_update(
        index_elements=["name"], set_={"cases": organisations.c.cases + made.excluded.cases}
    )
    connection.execute(added, [{"name": name, "cases": number} for name, number in more.items()])
    return {row.name: row.key for row in connection.execute(select(organisations))}


def _enter(
    connection: Connection,
    wanted: Sequence[CaseRows],
    known: Mapping[str, _Known],
    keys: Mapping[str, int],
    numbers: Mapping[str, int],
) -> None:
    """Let every case be found by its words, those alone that have others than before."""
    leaving, entering = [], []
    for rows in wanted:
        case_id, organisation, words = (rows.case[name] for name in ("id", "organisation", "words"))
        before = known.get(case_id)
        if before is not None and (before.organisation, before.words) == (organisation, words):
            continue
        if before is not None:
            leaving.append((before.key, search.grams(before.words, numbers[before.organisation])))
        entering.append((keys[case_id], search.grams(words, numbers[organisation])))
    for statement, given in ((search.LEAVE, leaving), (search.ENTER, entering)):
        if given:
            connection.exec_driver_sql(statement, given)


def _batched(values: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _insert_all(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    for name in _json_columns(table):
        rows = [{**row, name: msgspec.json.encode(row[name]).decode()} for row in rows]
    # Given to the driver as they are: SQLAlchemy would look at every value of every row.
    connection.exec_driver_sql(_insertion(table, tuple(rows[0])), rows)


@cache
def _json_columns(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.c if isinstance(column.type, JSON))


@cache
def _insertion(table: Table, names: tuple[str, ...]) -> str:
    dialect = sqlite_dialect(paramstyle="named")
    return str(insert(table).values(dict.fromkeys(names)).compile(dialect=dialect))


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """A transaction whose lock is taken before its first read, so that no two projections interleave."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        yield
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def _tune(connection: sqlite3.Connection, _record: object, *, filling: bool = False) -> None:
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    # Losing the last projection in a power cut costs a rebuild, never a fact.
    connection.execute(f"PRAGMA synchronous={'OFF' if filling else 'NORMAL'}")
    if filling:
        connection.execute(f"PRAGMA wal_autocheckpoint={_FILLING_PAGES}")
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
            connection.exec_driver_sql(search.DROP)
            metadata.drop_all(connection)
            metadata.create_all(connection)
            connection.exec_driver_sql(search.CREATE)
            _begin_filling(connection)
        connection.commit()
        return True


def _begin_filling(connection: Connection) -> None:
    """Go without the indexes that `finish` makes. A few hundred cases entered into thirty of them write
    thousands of pages; sorted at the end they are made within seconds."""
    for index in _made_at_the_end():
        index.drop(connection, checkfirst=True)
    connection.exec_driver_sql(f"PRAGMA user_version={_FILLING}")


@cache
def _made_at_the_end() -> tuple[Index, ...]:
    """All indexes but those by which rows follow their case."""
    return tuple(
        index
        for table in metadata.sorted_tables
        for index in sorted(table.indexes, key=lambda index: str(index.name))
        if not next(iter(index.columns)).foreign_keys
    )
