"""Bulletins and the ledger as workbooks: numbers as numbers, days as days, and no text that is a formula."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from server.bulletins.outages import Outages, told_figures
from server.bulletins.values import Bulletin, Kpis, Ledger, Mean, Miss, Rate, Said
from server.texts import text
from server.workbooks import Sheet, write_sheets


def write_bulletin(path: Path, bulletin: Bulletin, lang: str) -> None:
    """A workbook of a bulletin, a sheet for each of its parts that tells something."""
    words = _words(lang)
    sheets: list[Sheet] = [
        (words("sheet.figures"), _figures(bulletin, words)),
        (words("sheet.groups"), _groups(bulletin, words)),
    ]
    if bulletin.stages:
        sheets.append((words("sheet.stages"), _stages(bulletin, words)))
    if bulletin.anomalies:
        sheets.append((words("sheet.anomalies"), _anomalies(bulletin, words)))
    sheets += [
        (words(f"sheet.watch_{one.watch}"), _watch(bulletin, one.watch, words))
        for one in bulletin.watch
        if one.rows
    ]
    if bulletin.misses:
        sheets.append((words("sheet.misses"), _misses(bulletin.misses, words)))
    if bulletin.outages is not None:
        sheets.append((words("sheet.outages"), _outages(bulletin.outages, words)))
    write_sheets(path, sheets)


def write_ledger(path: Path, ledger: Ledger, lang: str) -> None:
    """A workbook of a ledger: the managers, their finished cases with scores, and what is late."""
    words = _words(lang)
    misses = (miss for page in ledger.pages for miss in page.open_misses)
    write_sheets(
        path,
        [
            (words("sheet.managers"), _managers(ledger, words)),
            (words("sheet.scores"), _scores(ledger, words)),
            (words("sheet.misses"), _misses(misses, words)),
        ],
    )


_Words = Callable[[str], str]


#: Where words of codes stand that others show as well, by what they are called here.
_ELSEWHERE = {
    "clock": "clock",
    "kind": "clock_kind",
    "stage": "stage",
    "monitor": "monitor",
    "reason": "explanation_reason",
    "standing": "explanation_standing",
    "audit": "explanation_audit",
}


def _words(lang: str) -> _Words:
    """Words by `what.code`; by a name alone, those of a column."""

    def words(code: str) -> str:
        what, dot, name = code.partition(".")
        if not dot:
            return text(f"bulletin.column.{what}", lang)
        if what in _ELSEWHERE:
            return text(f"{_ELSEWHERE[what]}.{name}", lang)
        return text(f"bulletin.{code}", lang)

    return words


def figures(kpis: Kpis) -> Iterator[tuple[str, str, int | float | None, int | None]]:
    """Every figure: its name, the kind of limit it is of (or empty), its value, and of how many."""
    for name in kpis.__struct_fields__:
        value = getattr(kpis, name)
        parts = value.items() if isinstance(value, dict) else (("", value),)
        for kind, one in parts:
            if isinstance(one, Rate):
                yield name, kind, one.rate, one.of
            elif isinstance(one, Mean):
                yield name, kind, one.mean, one.n
            else:
                yield name, kind, one, None


def _figures(bulletin: Bulletin, words: _Words) -> Iterator[list[Any]]:
    yield [words(name) for name in ("figure", "kind", "value", "of", "before")]
    before = {} if bulletin.before is None else {one[:2]: one[2] for one in figures(bulletin.before)}
    for name, kind, value, of in figures(bulletin.totals):
        yield [words(f"figure.{name}"), _kind(kind, words), value, of, before.get((name, kind))]


def _outages(outages: Outages, words: _Words) -> Iterator[list[Any]]:
    yield [words(name) for name in ("figure", "value", "of", "before")]
    yield [words("outage.plans"), ", ".join(outages.plans) or words("outage.no_plan")]
    before = {name: value for name, value, _ in told_figures(outages.before)}
    for name, value, of in told_figures(outages.figures):
        yield [words(f"outage.{name}"), value, of, before.get(name)]


def _groups(bulletin: Bulletin, words: _Words) -> Iterator[list[Any]]:
    named = list(figures(bulletin.totals))
    titles = [f"{words(f'figure.{name}')} {_kind(kind, words)}".strip() for name, kind, _, _ in named]
    yield [words("by"), words("name"), words("rank"), *titles]
    for group in bulletin.groups:
        values = [value for _, _, value, _ in figures(group.kpis)]
        yield [words(f"by.{group.by}"), group.name, group.rank, *values]


def _stages(bulletin: Bulletin, words: _Words) -> Iterator[list[Any]]:
    columns = ("clock", "kind", "unit", "ended", "late", "mean_used", "open", "open_late")
    yield [words(name) for name in columns]
    for line in bulletin.stages:
        counted = [getattr(line, name) for name in columns[3:]]
        yield [words(f"clock.{line.clock}"), _kind(line.kind, words), words(f"unit.{line.unit}"), *counted]


def _anomalies(bulletin: Bulletin, words: _Words) -> Iterator[list[Any]]:
    columns = ("monitor", "code", "arisen", "unexplained", "late", "waiting", "staff", "excused")
    yield [words(name) for name in columns]
    for line in bulletin.anomalies:
        counted = [getattr(line, name) for name in columns[2:]]
        yield [words(f"monitor.{line.monitor}"), words(f"anomaly.{line.code}"), *counted]


_SAID = ("standing", "reason", "words", "explained_by", "audit", "audited_by", "audit_words")


def _said(said: Said, words: _Words) -> list[Any]:
    return [
        words(f"standing.{said.standing}") + (f" ({words('overdue')})" if said.late else ""),
        words(f"reason.{said.reason}") if said.reason else "",
        said.words,
        said.by,
        words(f"audit.{said.audit}") if said.audit else "",
        said.audited_by,
        said.audit_words,
    ]


def _watch(bulletin: Bulletin, watch: int, words: _Words) -> Iterator[list[Any]]:
    columns = ("no", "customer", "manager", "station", "since", "monitor", "code", "anomaly", *_SAID)
    yield [words(name) for name in columns]
    for one in bulletin.watch:
        for row in one.rows if one.watch == watch else ():
            told = [words(f"monitor.{row.monitor}"), words(f"anomaly.{row.code}"), row.anomaly]
            yield [
                row.no,
                row.customer,
                row.manager,
                row.station,
                row.since,
                *told,
                *_said(row.said, words),
            ]


def _misses(misses: Iterable[Miss], words: _Words) -> Iterator[list[Any]]:
    columns = ("no", "customer", "manager", "county", "station", "stage", "clock", "kind", "run")
    yield [words(name) for name in (*columns, "limit", "unit", "over_on", "ended_on", "used", *_SAID)]
    for miss in misses:
        yield [
            miss.no,
            miss.customer,
            miss.manager,
            miss.county,
            miss.station,
            words(f"stage.{miss.stage}"),
            words(f"clock.{miss.clock}"),
            _kind(miss.kind, words),
            miss.run,
            miss.limit,
            words(f"unit.{miss.unit}"),
            miss.over_on,
            miss.ended,
            miss.used,
            *_said(miss.said, words),
        ]


def _managers(ledger: Ledger, words: _Words) -> Iterator[list[Any]]:
    yield [words(name) for name in ("manager", "finished", "kva", "points", "score", "open", "open_late")]
    for page in ledger.pages:
        yield [
            page.manager,
            len(page.cases),
            page.kva,
            page.points,
            page.score,
            page.open,
            len(page.open_misses),
        ]


def _scores(ledger: Ledger, words: _Words) -> Iterator[list[Any]]:
    columns = (
        "no",
        "customer",
        "kva",
        "held",
        "archived_on",
        "category",
        "capacity",
        "time",
        "rating",
        "score",
    )
    yield [words(name) for name in ("manager", *columns, "faults", "open_faults")]
    for page in ledger.pages:
        for one in page.cases:
            numbers = [one.kva, one.held, one.archived, one.category, one.capacity, one.time, one.rating]
            faults = ["; ".join(one.faults), "; ".join(one.open_faults)]
            yield [page.manager, one.no, one.customer, *numbers, one.score, *faults]


def _kind(kind: str, words: _Words) -> str:
    return words(f"kind.{kind}") if kind else ""
