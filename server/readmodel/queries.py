"""What the office asks: lists, filtered, sorted and paged in the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    UnaryExpression,
    column,
    exists,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.sql.operators import custom_op

from server.readmodel import search
from server.readmodel.database import ReadModel
from server.readmodel.paging import Order, Place
from server.readmodel.spans import ANY_KIND, SpanState
from server.readmodel.tables import (
    case_inspectors,
    case_records,
    cases,
    clock_spans,
    organisations,
    photos,
)

SORTS: Mapping[str, ColumnElement[Any]] = {
    "updated": cases.c.updated_at,
    "opened": cases.c.opened_at,
    "no": cases.c.no,
    "customer": cases.c.customer,
    "capacity": cases.c.capacity_kva,
    "due": cases.c.next_due,
    "clock": cases.c.clock_due,
}
#: How much shorter a walk through the order must seem than one through all that is found: what is looked for
#: may lie at its end.
_WALK_COSTS = 4
#: So many cases are never sorted for a page.
_GATHERED = 10_000
#: An order that may have gaps: what has no date comes last, either way.
_NULLABLE = {"due", "clock"}


@dataclass(frozen=True)
class Scope:
    """Which cases a person may see: all of an organisation, or only those where `inspector` is assigned."""

    organisation: str
    inspector: str | None = None


ClockFilter = Literal["overdue", "at_risk", "paused"]


@dataclass(frozen=True)
class CaseFilter:
    """What a list of cases is narrowed to. `overdue_on`, `today`: dates; `bbox`: west, south, east, north.

    `clock`: cases with a clock that is `overdue`, `at_risk` (past its second mark, or of a year whose
    holidays nobody knows) or `paused` today; `clock_kind` narrows it to one kind. `q`: part of the number,
    the customer's name, address or account number.
    """

    stage: str | None = None
    manager: str | None = None
    inspector: str | None = None
    energization: str | None = None
    overdue_on: str | None = None
    today: str = ""
    clock: ClockFilter | None = None
    clock_kind: str | None = None
    q: str | None = None
    bbox: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Page:
    """Rows of a list, how many there are in all, and the place behind the last, if more follow there."""

    rows: list[dict[str, Any]]
    total: int
    next: Place | None


def list_cases(
    model: ReadModel,
    scope: Scope,
    wanted: CaseFilter,
    *,
    sort: str,
    limit: int,
    offset: int = 0,
    after: Place | None = None,
) -> Page:
    """One page. `sort` is a key of SORTS, `-` before it for down; cases of equal value are in the order of
    their ids, the same way. `after` begins behind a place, which costs the same however deep it is.

    There are two ways to a page: through the order until enough are found, or through all that is found and
    sort it. The shorter is taken: of 100,000 cases some thousand are looked at either way, unless what is
    filtered by goes against the order.
    """
    with model.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")  # what is counted is what is shown
        house = _house(connection, scope.organisation)
        if house is None:
            return Page([], 0, None)
        narrowed = _narrowed(scope, wanted, house.key)
        if narrowed is None:
            return Page([], 0, None)
        narrowed = narrowed.cheapest(connection)
        total = house.cases if narrowed.everything else _number(connection, narrowed.count())
        walked = (offset + limit + 1) * house.cases / max(total, 1)
        walks = narrowed.everything or walked * _WALK_COSTS < total or total > _GATHERED
        found = narrowed.walk() if walks else narrowed.gather()
        if after is not None:
            found = found.where(_order(sort, indexed=True).behind(after))
        keys = found.order_by(*_order(sort, indexed=walks).clauses).offset(offset).limit(limit + 1)
        # The keys alone first: whole rows would be sorted, or passed over, by the thousand.
        query = select(cases).where(cases.c.key.in_(keys)).order_by(*_order(sort, indexed=False).clauses)
        rows = [dict(row) for row in connection.execute(query).mappings()] if total else []
    more = len(rows) > limit
    rows = rows[:limit]
    value = SORTS[sort.removeprefix("-")].key
    return Page(rows, total, Place(rows[-1][value], rows[-1]["id"]) if more else None)


def _order(sort: str, *, indexed: bool) -> Order:
    name = sort.removeprefix("-")
    by = SORTS[name] if indexed else unindexed(SORTS[name])
    return Order(by, cases.c.id, down=sort.startswith("-"), gaps=name in _NULLABLE)


@dataclass(frozen=True)
class _House:
    """An organisation: its number, and how many cases it has."""

    key: int
    cases: int


def _house(connection: Connection, organisation: str) -> _House | None:
    row = connection.execute(select(organisations).where(organisations.c.name == organisation)).first()
    return None if row is None else _House(row.key, row.cases)


@dataclass(frozen=True)
class _Narrowed:
    """A list's conditions. `columns` are on the case itself; each of `sets` gives the keys of cases, by an
    index of its own, and `tests` ask the same of one case. `lead`: the set that leaves the fewest cases, if
    that is fewer than the columns do; the others are then asked of each of these.
    """

    organisation: str
    columns: list[ColumnElement[bool]] = field(default_factory=list)
    sets: list[Select[Any]] = field(default_factory=list)
    tests: list[ColumnElement[bool]] = field(default_factory=list)
    lead: int | None = None

    @property
    def everything(self) -> bool:
        return not self.columns and not self.sets

    def cheapest(self, connection: Connection) -> _Narrowed:
        """The same, begun with what leaves the fewest cases."""
        if not self.sets or (len(self.sets) == 1 and not self.columns):
            return replace(self, lead=0 if self.sets else None)
        counted = [
            (_number(connection, select(func.count()).select_from(one.subquery())), n)
            for n, one in enumerate(self.sets)
        ]
        fewest, lead = min(counted)
        if self.columns:
            query = select(func.count()).select_from(cases).where(self._ours(), *self.columns)
            if _number(connection, query) < fewest:
                return replace(self, lead=None)
        return replace(self, lead=lead)

    def count(self) -> Select[Any]:
        """How many there are."""
        if len(self.sets) == 1 and not self.columns:
            return select(func.count()).select_from(self.sets[0].subquery())
        return select(func.count()).select_from(cases).where(*self._gathered())

    def gather(self) -> Select[Any]:
        """All that is found, by the indexes of what it is filtered by."""
        return select(cases.c.key).where(*self._gathered())

    def walk(self) -> Select[Any]:
        """Case by case in the list's order, each looked at."""
        return select(cases.c.key).where(self._ours(), *map(unindexed, self.columns), *self.tests)

    def _ours(self) -> ColumnElement[bool]:
        return cases.c.organisation == self.organisation

    def _gathered(self) -> Iterable[ColumnElement[bool]]:
        if self.lead is None:
            return (self._ours(), *self.columns, *self.tests)
        others = (test for n, test in enumerate(self.tests) if n != self.lead)
        columns = (unindexed(one) for one in (self._ours(), *self.columns))
        return (cases.c.key.in_(self.sets[self.lead]), *columns, *others)


def _number(connection: Connection, count: Select[Any]) -> int:
    return int(connection.scalar(count) or 0)


def unindexed(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """The same value, for which SQLite looks for no index (`+`)."""
    return UnaryExpression(value.self_group(), operator=custom_op("+"), type_=value.type)


def _narrowed(scope: Scope, wanted: CaseFilter, house: int) -> _Narrowed | None:
    """The conditions of a list; None if nothing can be found."""
    found = _Narrowed(scope.organisation)
    for name in sorted({*filter(None, (scope.inspector, wanted.inspector))}):
        i = case_inspectors.c
        _add_set(found, i.key, [i.organisation == scope.organisation, i.name == name])
    for state, kind in _clock_states(wanted):
        c = clock_spans.c
        of_house = [c.organisation == scope.organisation, c.state == state, c.kind == kind]
        _add_set(found, c.key, [*of_house, c.since <= wanted.today, c.until > wanted.today])
    if wanted.q:
        pattern = search.pattern(wanted.q, house)
        if pattern is None:
            return None
        matches = text(search.FIND).bindparams(pattern=pattern).columns(column("rowid", Integer))
        found.sets.append(select(matches.subquery().c.rowid))
        found.tests.append(func.instr(cases.c.words, search.plain(wanted.q)) > 0)
    found.columns.extend(_column_conditions(wanted))
    return found


def _add_set(found: _Narrowed, key: ColumnElement[Any], where: list[ColumnElement[bool]]) -> None:
    found.sets.append(select(key).where(*where))
    found.tests.append(exists().where(key == cases.c.key, *where))


def _clock_states(wanted: CaseFilter) -> list[tuple[SpanState, str]]:
    if wanted.clock is None and wanted.clock_kind is None:
        return []
    return [(wanted.clock or "open", wanted.clock_kind or ANY_KIND)]


def _column_conditions(wanted: CaseFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [
        by == value
        for by, value in (
            (cases.c.stage, wanted.stage),
            (cases.c.manager, wanted.manager),
            (cases.c.energization, wanted.energization),
        )
        if value is not None
    ]
    if wanted.overdue_on is not None:
        found.append(cases.c.next_due < wanted.overdue_on)
    if wanted.bbox is not None:
        west, south, east, north = wanted.bbox
        found += [cases.c.lon.between(west, east), cases.c.lat.between(south, north)]
    return found


def cases_of(model: ReadModel, scope: Scope) -> list[str]:
    """The ids of every case in scope, for a tablet's session."""
    query = select(cases.c.id).where(cases.c.organisation == scope.organisation)
    if scope.inspector is not None:
        i = case_inspectors.c
        keys = select(i.key).where(i.organisation == scope.organisation, i.name == scope.inspector)
        query = query.where(cases.c.key.in_(keys))
    with model.engine.connect() as connection:
        return list(connection.scalars(query))


def records_of(model: ReadModel, organisation: str, first: str, last: str) -> Iterable[bytes]:
    """The packed records of the cases that were open on any day from `first` to `last`, one at a time."""
    c = case_records.c
    query = select(c.record).where(
        c.organisation == organisation, or_(c.last.is_(None), c.last >= first), c.first <= last
    )
    with model.engine.connect() as connection:
        for row in connection.execution_options(yield_per=_RECORDS_AT_ONCE).execute(query):
            yield row.record


_RECORDS_AT_ONCE = 500


def visible_cases(model: ReadModel, scope: Scope, case_ids: Collection[str]) -> set[str]:
    """Those of some cases that a person may see."""
    query = select(cases.c.id).where(cases.c.organisation == scope.organisation, cases.c.id.in_(case_ids))
    if scope.inspector is not None:
        theirs = case_inspectors.c.key == cases.c.key
        query = query.where(exists().where(theirs, case_inspectors.c.name == scope.inspector))
    with model.engine.connect() as connection:
        return set(connection.scalars(query))


def find_photos(model: ReadModel, photo_id: str) -> list[dict[str, Any]]:
    """The photos of this id, those of older cases first: ids are given by tablets, each in its own case."""
    query = select(photos).where(photos.c.id == photo_id).order_by(photos.c.case_id)
    with model.engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def photos_of(model: ReadModel, case_id: str) -> list[dict[str, Any]]:
    query = select(photos).where(photos.c.case_id == case_id).order_by(photos.c.taken_at, photos.c.id)
    with model.engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]
