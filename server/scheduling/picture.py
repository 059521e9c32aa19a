"""The month as a picture, a Gantt chart by feeder: the same plan gives the same bytes. Pure.

A column a day, shaded where nothing is switched off; a bar for each work, in the half of the day for which it
binds its crew. Below stand the customer-hours of each day, and what is left out with the facts in its way.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from server.outages.instance import Instance, Kind, Work
from server.outages.plan import Outage, Plan
from server.outages.works import supplied_by
from server.texts import text

if TYPE_CHECKING:
    from geo.network.topology import Supply, Topology

__all__ = ["Feeders", "draw", "feeders_of"]

#: Lengths are SVG user units. The days begin at `LEFT`, beside the names of feeders.
LEFT, DAY, LANE, BAR, MARGIN = 136, 38, 18, 11, 20
HEAD, GAP, HOURS, LINE = 126, 8, 46, 18
FONT, SMALL = 11, 9
#: Characters of a work's label and of a feeder's name.
LABEL, NAME = 30, 20
#: Ids with more characters were given by the server.
_OWN_ID = 12
#: Colours that stay apart in print and for most colour-blind readers.
COLOURS: Mapping[Kind, str] = {
    "connection": "#0072b2",
    "maintenance": "#009e73",
    "third_party": "#cc79a7",
    "repair": "#8a6d00",
}
STYLE = f"""text {{ fill: #222; font: {FONT}px "Noto Sans CJK SC", "PingFang SC", sans-serif }}
text.title {{ font-size: 17px; font-weight: bold }} text.small {{ font-size: {SMALL}px; fill: #555 }}
text.day {{ text-anchor: middle }} text.strong {{ font-weight: bold }}
text.left {{ text-anchor: end; paint-order: stroke; stroke: #fff; stroke-width: 3px }}
.rest {{ fill: #e9e9e6 }} .blackout {{ fill: #f3d3cd }} .hours {{ fill: #7f8c9a }}
.rule {{ stroke: #c9c9c4; stroke-width: .6 }} .late {{ stroke: #d55e00; stroke-width: 1.6 }}
.reserve {{ fill: none; stroke: #666; stroke-dasharray: 3 2 }}"""
#: What XML 1.0 has no place for; and the first character that is as wide as it is high.
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WIDE = 0x2E80


@dataclass(frozen=True)
class Feeders:
    """The feeder of each work's place by id, and what feeders are called."""

    of: Mapping[str, str]
    names: Mapping[str, str]


@dataclass(frozen=True)
class _Bar:
    """A work in its place. `start` and `end` are days from the first, with halves; `late` is how many days
    after the wanted one it begins, `reserve` the day in reserve. `outage` None: done live."""

    work: Work
    start: float
    end: float
    late: int
    outage: Outage | None
    reserve: int | None


@dataclass(frozen=True)
class _Placed:
    """A bar in a lane. Its label begins `at` so many days from the first, or ends there: `left`."""

    bar: _Bar
    lane: int
    label: str
    at: float
    left: bool


@dataclass(frozen=True)
class _Rows:
    """The rows of a feeder, from `top` to `bottom`."""

    feeder: str
    placed: tuple[_Placed, ...]
    top: int
    bottom: int


def feeders_of(works: Iterable[Work], topology: Topology, fed: Supply) -> Feeders:
    """The feeder that normally supplies the place of each work; the first of several."""
    found = {}
    for work in works:
        supplying = supplied_by(work, topology, fed)
        if supplying:
            found[work.id] = supplying[0]
    return Feeders(found, {feeder.id: feeder.name or feeder.id for feeder in topology.network.feeders})


def draw(
    instance: Instance,
    plan: Plan,
    feeders: Feeders,
    lang: str,
    *,
    reasons: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """The plan of an instance as an SVG document; `reasons` are the sentences of works that are left out."""
    first, last = instance.calendar.first, instance.calendar.last
    days = tuple(first + dt.timedelta(days=n) for n in range((last - first).days + 1))
    groups = tuple(_rows(_bars(instance, plan), feeders, len(days)))
    bottom = max((rows.bottom for rows in groups), default=HEAD)
    below = tuple(_below(instance, plan, reasons or {}, lang))
    width = LEFT + DAY * len(days) + MARGIN
    height = bottom + HOURS + 2 * MARGIN + LINE * len(below)
    title = _say("title", lang, month=instance.id)
    under = bottom + HOURS + MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            f"<title>{_clean(title)}</title>",
            f"<style>{STYLE}</style>",
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
            _text(MARGIN, 28, title, "title"),
            _text(MARGIN, 48, _summary(plan, lang)),
            *_legend(lang),
            *_shades(instance, days, groups, bottom),
            *_grid(days, groups, bottom, lang),
            *(part for rows in groups for part in _feeder(rows, feeders, lang)),
            *_customer_hours(plan, first, bottom, lang),
            *(_text(MARGIN, under + LINE * n, words, style) for n, (words, style) in enumerate(below)),
            "</svg>\n",
        ]
    )


# -- what stands where


def _bars(instance: Instance, plan: Plan) -> Iterator[_Bar]:
    """Every placed work that the instance has, in the order of days."""
    works = {one.id: one for one in instance.works}
    halves = {"morning": (0.0, 0.5), "afternoon": (0.5, 1.0), None: (0.0, 1.0)}
    riding: list[tuple[Any, dt.date, Outage | None]] = [
        (one, outage.date, outage) for outage in plan.outages for one in outage.works
    ]
    riding += [(one, one.date, None) for one in plan.live]
    for one, day, outage in sorted(riding, key=lambda row: (row[1], row[0].half or "", row[0].work)):
        if one.work not in works:
            continue
        work, at = works[one.work], (day - instance.calendar.first).days
        start, end = halves[one.half]
        rain = outage.rain_date if outage is not None and work.rain is not None else None
        reserve = None if rain is None else (rain - instance.calendar.first).days
        yield _Bar(work, at + start, at + end, one.late_days, outage, reserve)


def _rows(bars: Iterable[_Bar], feeders: Feeders, days: int) -> Iterator[_Rows]:
    """Bars by feeder, in the order of their names; those of no known one last."""
    found: dict[str, list[_Bar]] = {}
    for bar in bars:
        found.setdefault(feeders.of.get(bar.work.id, ""), []).append(bar)
    top = HEAD
    for feeder in sorted(found, key=lambda one: (not one, feeders.names.get(one, one), one)):
        placed = tuple(_laid(found[feeder], days))
        bottom = top + LANE * (1 + max(one.lane for one in placed)) + GAP
        yield _Rows(feeder, placed, top, bottom)
        top = bottom


def _laid(bars: Iterable[_Bar], days: int) -> Iterator[_Placed]:
    """Each bar in the first lane in which it, and what belongs to it, hides nothing."""
    lanes: list[list[tuple[float, float]]] = []
    for bar in bars:
        label = _cut(_named(bar.work), LABEL)
        room = (_width(label) + 10) / DAY
        at, end = bar.end, bar.end
        if bar.reserve is not None:
            end = bar.reserve + 1
            at = bar.end if bar.end + room <= bar.reserve else end
        left = at + room > days
        begin = bar.start - max(bar.late, room if left else 0)
        span = (begin, max(end, at if left else at + room))
        lane = next((n for n, taken in enumerate(lanes) if _free(taken, span)), len(lanes))
        if lane == len(lanes):
            lanes.append([])
        lanes[lane].append(span)
        yield _Placed(bar, lane, label, bar.start if left else at, left)


def _free(taken: Iterable[tuple[float, float]], span: tuple[float, float]) -> bool:
    return all(span[1] <= start or end <= span[0] for start, end in taken)


# -- what is drawn


def _shades(
    instance: Instance, days: Sequence[dt.date], groups: Sequence[_Rows], bottom: int
) -> Iterator[str]:
    """Days of rest; blackouts with their reasons, those of single feeders across their rows alone."""
    rest = set(instance.calendar.rest_days)
    for n, day in enumerate(days):
        if day in rest:
            yield _box(_x(n), HEAD, DAY, bottom - HEAD, "rest")
    for one in instance.calendar.blackouts:
        shaded = [n for n, day in enumerate(days) if one.first <= day <= one.last]
        if not shaded:
            continue
        x, wide = _x(shaded[0]), DAY * len(shaded)
        if not one.feeders:
            yield _box(x, HEAD, wide, bottom - HEAD, "blackout", one.reason)
            yield _text(x + 3, HEAD - 36, _cut(one.reason, max(2, wide // SMALL - 1)), "small")
            continue
        for rows in groups:
            if rows.feeder in one.feeders:
                yield _box(x, rows.top, wide, rows.bottom - rows.top, "blackout", one.reason)


def _grid(days: Sequence[dt.date], groups: Sequence[_Rows], bottom: int, lang: str) -> Iterator[str]:
    """Days on top, with the days of the week; lines between days and between feeders."""
    right = _x(len(days))
    weekdays = _say("weekdays", lang).split()
    for n, day in enumerate(days):
        yield _text(_x(n + 0.5), HEAD - 20, str(day.day), "day")
        yield _text(_x(n + 0.5), HEAD - 7, weekdays[day.weekday()], "day small")
    columns = "".join(f"M{_x(n)} {HEAD}V{bottom}" for n in range(len(days) + 1))
    lines = "".join(f"M{MARGIN} {y}H{right}" for y in (HEAD, *(rows.bottom for rows in groups)))
    yield f'<path class="rule" d="{columns}{lines}"/>'


def _feeder(rows: _Rows, feeders: Feeders, lang: str) -> Iterator[str]:
    name = feeders.names.get(rows.feeder, rows.feeder) or _say("no_feeder", lang)
    yield _text(MARGIN, rows.top + GAP // 2 + BAR, _cut(name, NAME), "strong")
    for one in rows.placed:
        bar, y = one.bar, rows.top + GAP // 2 + LANE * one.lane
        colour = COLOURS[bar.work.kind]
        if bar.late:
            begin = _x(max(0.0, bar.start - bar.late))
            yield f'<path class="late" d="M{begin} {y + BAR / 2}H{_x(bar.start)}M{begin} {y + 2}v{BAR - 4}"/>'
        if bar.reserve is not None:
            yield _box(_x(bar.reserve) + 2, y, DAY - 4, BAR, "reserve")
        x, wide = _x(bar.start) + 1, round((bar.end - bar.start) * DAY - 2, 1)
        filled = f'fill="{colour}"' if bar.outage else f'fill="#fff" stroke="{colour}" stroke-width="2"'
        yield (
            f'<rect x="{x}" y="{y}" width="{wide}" height="{BAR}" rx="2" {filled}>'
            f"<title>{_clean(_told(bar, lang))}</title></rect>"
        )
        place, style = (_x(one.at) - 3, "left") if one.left else (_x(one.at) + 3, "")
        yield _text(place, y + BAR - 1, one.label, style)


def _customer_hours(plan: Plan, first: dt.date, bottom: int, lang: str) -> Iterator[str]:
    """Below each day its customer-hours, as a number and as high as they are beside the most of a day."""
    most = max((day.customer_hours for day in plan.days), default=0.0)
    yield _text(MARGIN, bottom + 16, _say("hours", lang), "small")
    for day in plan.days:
        n, high = (day.date - first).days, round(day.customer_hours / most * (HOURS - 16), 1) if most else 0.0
        yield _box(_x(n) + 6, bottom + 1, DAY - 12, high, "hours")
        yield _text(_x(n + 0.5), bottom + high + 11, f"{day.customer_hours:,.0f}", "day small")


def _legend(lang: str) -> Iterator[str]:
    signs = [
        (f'<rect width="22" height="{BAR}" rx="2" fill="{colour}"/>', text(f"plan_sheet.kind.{kind}", lang))
        for kind, colour in COLOURS.items()
    ]
    live = f'<rect x="1" width="20" height="{BAR}" rx="2" fill="#fff" stroke="#222" stroke-width="2"/>'
    signs += [
        (live, _say("live", lang)),
        (f'<path class="late" d="M0 {BAR / 2}H22M0 2v{BAR - 4}"/>', _say("late", lang)),
        (f'<rect class="reserve" width="22" height="{BAR}"/>', _say("reserve", lang)),
        (f'<rect class="rest" width="22" height="{BAR}"/>', _say("rest", lang)),
        (f'<rect class="blackout" width="22" height="{BAR}"/>', _say("blackout", lang)),
    ]
    x: float = MARGIN
    for sign, words in signs:
        yield f'<g transform="translate({x},60)">{sign}{_text(28, BAR - 1, words)}</g>'
        x = round(x + 28 + _width(words) + 20, 1)


def _below(
    instance: Instance, plan: Plan, reasons: Mapping[str, Sequence[str]], lang: str
) -> Iterator[tuple[str, str]]:
    """Each work that is left out, and what is in its way."""
    if not plan.unplaced:
        yield _say("all_placed", lang), ""
        return
    yield _say("left_out", lang), "strong"
    works = {one.id: one for one in instance.works}
    letters = 2 * (LEFT + DAY * ((instance.calendar.last - instance.calendar.first).days + 1)) // FONT
    for one in plan.unplaced:
        name = _named(works[one.work]) if one.work in works else one.work
        # The first sentence says that it is out; the next which facts leave no day.
        why = list(reasons.get(one.work, ()))[1:2] or [_say("unexplained", lang)]
        yield _cut(_say("why", lang, work=name, why=why[0]), letters), ""


def _summary(plan: Plan, lang: str) -> str:
    placed = sum(len(one.works) for one in plan.outages) + len(plan.live)
    figures = {"hours": f"{plan.customer_hours:,.0f}", "gap": f"{100 * plan.proof.gap:.1f}"}
    counts = {"placed": placed, "outages": len(plan.outages), "unplaced": len(plan.unplaced)}
    return _say("summary", lang, **figures, **counts)


def _told(bar: _Bar, lang: str) -> str:
    """A bar in words, for whoever points at it."""
    name, outage = _named(bar.work), bar.outage
    if outage is None:
        return _say("told_live", lang, work=name)
    times = {"date": outage.date, "off": f"{outage.off:%H:%M}", "on": f"{outage.on:%H:%M}"}
    customers = outage.customers_dead + outage.customers_moved
    return _say("told", lang, work=name, area=", ".join(outage.sections), customers=customers, **times)


def _named(work: Work) -> str:
    """What people call a work: by its id too where that is one that a person gave."""
    return work.name if work.name and len(work.id) > _OWN_ID else f"{work.id} {work.name}".strip()


def _x(day: float) -> float:
    return round(LEFT + day * DAY, 1)


def _box(x: float, y: float, width: float, height: float, style: str, words: str = "") -> str:
    place = f'x="{x}" y="{y}" width="{width}" height="{height}"'
    if not words:
        return f'<rect class="{style}" {place}/>'
    return f'<rect class="{style}" {place}><title>{_clean(words)}</title></rect>'


def _text(x: float, y: float, words: str, style: str = "") -> str:
    named = f' class="{style}"' if style else ""
    return f'<text x="{round(x, 1)}" y="{round(y, 1)}"{named}>{_clean(words)}</text>'


def _clean(words: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", words))


def _cut(words: str, letters: int) -> str:
    """So many characters at most, of which those as wide as high count twice."""
    room = letters
    kept: list[str] = []
    for letter in words:
        room -= 2 if ord(letter) > _WIDE else 1
        if room < 0:
            return "".join(kept[:-1]).rstrip() + "…"
        kept.append(letter)
    return words


def _width(words: str) -> float:
    """About how long a line is."""
    return sum(FONT if ord(letter) > _WIDE else 0.6 * FONT for letter in words)


def _say(code: str, lang: str, **params: Any) -> str:
    return text(f"plan_picture.{code}", lang, **params)
