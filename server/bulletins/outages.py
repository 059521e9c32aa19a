"""The figures of the outages of a period, as `scheduling.figures` reckons them and bulletins tell them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

__all__ = ["OutageFigures", "Outages", "is_rate", "told_figures"]


class OutageFigures(Struct, frozen=True, kw_only=True):
    """The figures of the plans of a period. Hours are customer-hours; a rate is a share of one, and None
    where there is nothing that it could be of.

    `execution_rate`: works done on the day that they were first published for, of those whose day is over;
    `repeat_rate`: sections interrupted again within the look-back, of all that were interrupted in the
    period, or in the look-back that ends with it where that is longer; `short_notice_rate`: works with short
    notice, `live_rate`: works done live, each of all works; `combined_rate`: outages for more than one work;
    `on_time_rate`: outages that went as planned, of those recorded; `notice_on_time_rate`: notices announced
    by their day, of those whose day is over. `hours_per_connection`: the share of a connection in the hours
    of its outage. `of`: of how many each rate and mean is.
    """

    outages: int
    recorded: int
    cancelled: int
    hours_planned: float
    hours_planned_of_recorded: float
    hours_real: float
    hours_budget: float | None
    connections: int
    hours_per_connection: float | None
    execution_rate: float | None
    short_notice_rate: float | None
    live_rate: float | None
    combined_rate: float | None
    on_time_rate: float | None
    notice_on_time_rate: float | None
    repeat_rate: float | None
    of: Mapping[str, int]


class Outages(Struct, frozen=True, kw_only=True):
    """What a bulletin tells of outages. `plans` are the numbers of the plans that were published for its
    months; without any there are no figures. `before`: those of the period before."""

    plans: tuple[str, ...]
    figures: OutageFigures | None
    before: OutageFigures | None


def told_figures(figures: OutageFigures | None) -> Iterator[tuple[str, float | int | None, int | None]]:
    """Every figure, where there are any: its name, its value, and of how many it is, where it is of some."""
    if figures is None:
        return
    for name in figures.__struct_fields__:
        if name != "of":
            yield name, getattr(figures, name), figures.of.get(name)


def is_rate(name: str) -> bool:
    """Whether a figure is a share of one."""
    return name.endswith("_rate")
