"""A bulletin 通报 on paper: figures beside those of the period before, ranks, limits, anomalies, misses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from server.bulletins.outages import Outages, is_rate, told_figures
from server.bulletins.values import (
    AnomalyLine,
    Bulletin,
    Group,
    Kpis,
    Mean,
    Miss,
    Rate,
    Said,
    StageLine,
    WatchRow,
)
from server.reports.heads import field, signers
from server.reports.paper import (
    FORMS,
    Block,
    Cell,
    Fields,
    Heading,
    Line,
    Paper,
    Passage,
    Table,
    own_line,
)
from server.reports.wording import Wording, Words

__all__ = ["MOST_ROWS", "bulletin_paper"]

#: Rows of one list that are printed, some six pages; the paper says how many more the workbook has.
MOST_ROWS = 200

#: Millimetres.
_FIGURE_COLUMNS = ("figure", "kind", "value", "of", "before")
_FIGURE_WIDTHS = (0.0, 26.0, 34.0, 26.0, 26.0)
_OUTAGE_WIDTHS = (0.0, 34.0, 26.0, 26.0)
_GROUP_WIDTHS = (14.0, 0.0, 16.0, 16.0, 16.0, 28.0, 24.0, 28.0)
_STAGE_WIDTHS = (0.0, 24.0, 20.0, 15.0, 15.0, 20.0, 15.0, 20.0)
_ANOMALY_WIDTHS = (34.0, 0.0, 16.0, 18.0, 18.0, 18.0, 18.0, 16.0)
_WATCH_WIDTHS = (34.0, 0.0, 24.0, 34.0, 22.0, 34.0)
_MISS_WIDTHS = (34.0, 0.0, 24.0, 34.0, 22.0, 34.0)
#: What is told of each group in its row; a workbook has all figures.
_COMPARED = ("opened", "energized", "archived", "met", "connection_days", "first_pass")
#: The kind of limit that groups are compared by.
_BY_KIND = "internal"

Row = tuple[Cell, ...]


def bulletin_paper(bulletin: Bulletin, say: Wording) -> Paper:
    """The bulletin of a period; of one that goes on, what there is so far."""
    return Paper(
        form="bulletin",
        no=f"{FORMS['bulletin'].code}-{bulletin.period}",
        case_no="",
        title=say.say(f"title_bulletin_{bulletin.kind}"),
        organisation=bulletin.organisation,
        stamp=say.say("stamp_so_far") if bulletin.until < bulletin.last else (),
        blocks=(
            Fields(
                (
                    field(say, "period", (f"{bulletin.first} – {bulletin.last}",)),
                    field(say, "until", say.day(bulletin.until)),
                )
            ),
            *_table(
                "figures",
                _figures(bulletin, say),
                _FIGURE_WIDTHS,
                ("figure", "kind", "value", "of", "before"),
                say,
            ),
            *_groups(bulletin.groups, say),
            *_stages(bulletin.stages, say),
            *_anomalies(bulletin.anomalies, say),
            *(block for one in bulletin.watch for block in _watch(one.watch, one.rows, say)),
            *_misses(bulletin.misses, say),
            *_outages(bulletin.outages, say),
            signers(say, "compiled_by", "approved_by"),
        ),
    )


def _table(
    name: str, rows: Sequence[Row], widths: tuple[float, ...], columns: Sequence[str], say: Wording
) -> Iterator[Block]:
    """A part of the bulletin under its heading; nothing if it has no rows."""
    if not rows:
        return
    yield Heading(say.catalogued(f"bulletin.sheet.{name}"))
    head = tuple(say.catalogued(f"bulletin.column.{column}") for column in columns)
    yield Table(head, widths, tuple(rows[:MOST_ROWS]))
    if (more := len(rows) - MOST_ROWS) > 0:
        yield Passage((Line(say.say("rows_more", count=more), "small"),))


def _figures(bulletin: Bulletin, say: Wording) -> list[Row]:
    before = {} if bulletin.before is None else {one[:2]: one[2] for one in _each(bulletin.before)}
    rows: list[Row] = []
    for name, kind, value, of in _each(bulletin.totals):
        rows.append(
            (
                (Line(say.catalogued(f"bulletin.figure.{name}")),),
                (Line(say.catalogued(f"clock_kind.{kind}")),) if kind else (),
                own_line(value, "strong"),
                own_line(of),
                own_line(before.get((name, kind), "")),
            )
        )
    return rows


def _each(kpis: Kpis) -> Iterator[tuple[str, str, str, str]]:
    """Every figure: its name, the kind of limit that it is of (or empty), its value, and of how many."""
    for name in kpis.__struct_fields__:
        value = getattr(kpis, name)
        for kind, one in value.items() if isinstance(value, Mapping) else (("", value),):
            yield name, kind, *_told(one)


def _told(value: object) -> tuple[str, str]:
    """A rate in percent, a mean to two places, and of how many; a dash for what there is nothing of."""
    if isinstance(value, Rate):
        return ("–" if value.rate is None else f"{value.rate * 100:.1f} %"), f"{value.hit}/{value.of}"
    if isinstance(value, Mean):
        return ("–" if value.mean is None else f"{value.mean:.2f}"), str(value.n)
    return str(value), ""


def _outages(outages: Outages | None, say: Wording) -> Iterator[Block]:
    """What the plans of the period came to; that there was none, where there was none."""
    if outages is None:
        return
    yield Heading(say.catalogued("bulletin.sheet.outages"))
    if outages.figures is None:
        yield Passage((Line(say.catalogued("bulletin.outage.no_plan")),))
        return
    yield Passage((Line(say.own(", ".join(outages.plans)), "small"),))
    before = {name: value for name, value, _ in told_figures(outages.before)}
    rows = tuple(
        (
            (Line(say.catalogued(f"bulletin.outage.{name}")),),
            own_line(_outage_told(name, value), "strong"),
            own_line("" if of is None else str(of)),
            own_line(_outage_told(name, before[name]) if name in before else ""),
        )
        for name, value, of in told_figures(outages.figures)
    )
    columns = ("figure", "value", "of", "before")
    yield Table(tuple(say.catalogued(f"bulletin.column.{one}") for one in columns), _OUTAGE_WIDTHS, rows)


def _outage_told(name: str, value: float | None) -> str:
    """A rate in percent, hours to two places, a number as it is; a dash for what there is nothing of."""
    if value is None:
        return "–"
    if is_rate(name):
        return f"{value * 100:.1f} %"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _groups(groups: Sequence[Group], say: Wording) -> Iterator[Block]:
    """The ranks of counties, stations and managers, one table each."""
    figures = tuple(say.catalogued(f"bulletin.figure.{name}") for name in _COMPARED)
    for by in dict.fromkeys(group.by for group in groups):
        rows = []
        for group in groups:
            if group.by != by:
                continue
            told = [getattr(group.kpis, name) for name in _COMPARED]
            values = [one.get(_BY_KIND) if isinstance(one, Mapping) else one for one in told]
            cells = [own_line("" if one is None else _told(one)[0]) for one in values]
            name = (say.person if by == "manager" else say.own)(group.name) or say.say("not_given")
            rank = own_line("" if group.rank is None else str(group.rank), "strong")
            rows.append((rank, (Line(name),), *cells))
        yield Heading(say.say("heading_ranks", by=say.catalogued(f"bulletin.by.{by}")))
        head = tuple(say.catalogued(f"bulletin.column.{one}") for one in ("rank", "name"))
        yield Table((*head, *figures), _GROUP_WIDTHS, tuple(rows[:MOST_ROWS]))


def _stages(stages: Sequence[StageLine], say: Wording) -> Iterator[Block]:
    columns = ("clock", "kind", "unit", "ended", "late", "mean_used", "open", "open_late")
    rows = [
        (
            (Line(say.catalogued(f"clock.{one.clock}")),),
            (Line(say.catalogued(f"clock_kind.{one.kind}")),),
            (Line(say.catalogued(f"bulletin.unit.{one.unit}")),),
            own_line(str(one.ended)),
            own_line(str(one.late), "alarm" if one.late else "plain"),
            own_line("–" if one.mean_used is None else f"{one.mean_used:.1f}"),
            own_line(str(one.open)),
            own_line(str(one.open_late), "alarm" if one.open_late else "plain"),
        )
        for one in stages
    ]
    yield from _table("stages", rows, _STAGE_WIDTHS, columns, say)


def _anomalies(lines: Sequence[AnomalyLine], say: Wording) -> Iterator[Block]:
    counted = ("arisen", "unexplained", "late", "waiting", "staff", "excused")
    rows = [
        (
            (Line(say.catalogued(f"monitor.{one.monitor}")),),
            (Line(say.catalogued(f"bulletin.anomaly.{one.code}")),),
            *(own_line(str(getattr(one, name))) for name in counted),
        )
        for one in lines
    ]
    yield from _table("anomalies", rows, _ANOMALY_WIDTHS, ("monitor", "code", *counted), say)


def _watch(level: int, found: Sequence[WatchRow], say: Wording) -> Iterator[Block]:
    rows = [
        (
            own_line(one.no),
            own_line(one.customer),
            (Line(say.person(one.manager)),),
            (Line(say.catalogued(f"bulletin.anomaly.{one.code}")),),
            (Line(say.day(one.since)),),
            _said(one.said, say),
        )
        for one in found
    ]
    columns = ("no", "customer", "manager", "code", "since", "standing")
    yield from _table(f"watch_{level}", rows, _WATCH_WIDTHS, columns, say)


def _misses(misses: Sequence[Miss], say: Wording) -> Iterator[Block]:
    rows = [
        (
            own_line(one.no),
            own_line(one.customer),
            (Line(say.person(one.manager)),),
            (Line(say.catalogued(f"clock.{one.clock}")), Line(_limit(one, say), "small")),
            (Line(say.day(one.over_on)),),
            _said(one.said, say),
        )
        for one in misses
    ]
    columns = ("no", "customer", "manager", "clock", "over_on", "standing")
    yield from _table("misses", rows, _MISS_WIDTHS, columns, say)


def _limit(miss: Miss, say: Wording) -> Words:
    kind, unit = say.catalogued(f"clock_kind.{miss.kind}"), say.catalogued(f"bulletin.unit.{miss.unit}")
    return say.say("limit_of", kind=kind, limit=miss.limit, unit=unit)


def _said(said: Said, say: Wording) -> Cell:
    standing = Line(say.catalogued(f"explanation_standing.{said.standing}"))
    reason = (Line(say.catalogued(f"explanation_reason.{said.reason}"), "small"),) if said.reason else ()
    return (standing, *reason, *own_line(said.words, "small"))
