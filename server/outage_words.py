"""What balancing says of works and prices, as sentences of either language."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from server.outages.month import Obstacle
from server.outages.reasons import DayWhy, Explanation
from server.outages.rebalancing import Change, Price
from server.texts import text


def obstacle_words(found: Obstacle, lang: str) -> str:
    """What is in the way, as a sentence."""
    params = dict(found.params)
    tied = params.pop("tied", None)
    said = text(f"outage_obstacle_{found.code}", lang, **params)
    return said if tied is None else text("outage_obstacle_of_tied", lang, work=tied, said=said)


def explanation_words(explained: Explanation, lang: str) -> Iterator[str]:
    """A work's explanation: where it is, what is in the way, day by day, and what would change it."""
    if explained.date is None:
        yield text("outage_explained_out", lang, work=explained.work)
    else:
        code = "outage_explained_late" if explained.late_days else "outage_explained_placed"
        yield text(code, lang, work=explained.work, date=explained.date, days=explained.late_days)
    if explained.core:
        yield text("outage_explained_core", lang, facts=_facts(explained.core, lang))
    else:
        yield text("outage_explained_worth" if explained.date is None else "outage_explained_cost", lang)
    for key, group in groupby(explained.days, key=lambda day: (day.obstacles, day.hours)):
        own = list(group)
        if key[0]:
            yield text("outage_explained_days", lang, dates=_dates(own), facts=_facts(key[0], lang))
        else:
            hours = _hours(key[1] or 0.0, lang)
            yield text("outage_explained_fits", lang, date=_dates(own), hours=hours)
    for relief in explained.reliefs:
        yield text(
            "outage_explained_relief",
            lang,
            change=text(f"outage_relief_{relief.change.code}", lang, **relief.change.params),
            date=relief.date,
            hours=_hours(relief.hours, lang),
            moves=_moves(relief.moves, lang),
        )
    if explained.core and explained.date is None and not explained.reliefs:
        yield text("outage_explained_hopeless", lang)


def price_words(priced: Price, lang: str) -> str:
    """What a move costs, or why it cannot be."""
    if not priced.possible:
        facts = _facts(priced.obstacles, lang)
        return text("outage_priced_not", lang, work=priced.work, date=priced.date, facts=facts)
    others = tuple(one for one in priced.changes if one.work != priced.work)
    hours, moves = _hours(priced.total, lang), _moves(others, lang)
    return text("outage_priced", lang, work=priced.work, date=priced.date, hours=hours, moves=moves)


def _facts(found: tuple[Obstacle, ...], lang: str) -> str:
    return (" " if lang == "en" else "").join(obstacle_words(one, lang) for one in found)


def _moves(moved: tuple[Change, ...], lang: str) -> str:
    if not moved:
        return ""
    works = ", ".join(f"{one.work} ({one.before or '–'} → {one.after or '–'})" for one in moved)
    return text("outage_explained_moves", lang, works=works)


def _dates(days: list[DayWhy]) -> str:
    first, last = days[0].date, days[-1].date
    return str(first) if first == last else f"{first}–{last}"


def _hours(hours: float, lang: str) -> str:
    """So many more, or fewer: a work that was left out comes to less with a day."""
    code = "outage_hours_less" if round(hours) < 0 else "outage_hours_more"
    return text(code, lang, hours=f"{abs(hours):,.0f}")
