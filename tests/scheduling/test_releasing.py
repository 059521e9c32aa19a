"""Who could use a day that came free: those that may be there, and of whom customers can still be told."""

from __future__ import annotations

from datetime import date
from typing import Any

from server.outages.instance import Work
from server.scheduling.amending import Standing, Terms
from server.scheduling.releasing import candidates

DAY = date(2026, 6, 17)
#: Ten days from the 10th is the 20th: only what is announced can be used on the 17th.
TERMS = Terms(today=date(2026, 6, 10), frozen=date(2026, 6, 10), lead_days={"planned": 10, "short": 1})
STANDING = Standing(days={}, announced={DAY: (frozenset({"s-1", "s-2"}),)})


def work(name: str, section: str = "s-1", **more: Any) -> Work:
    return Work(id=name, kind="maintenance", minutes=60, skill="line", section=section, **more)


def chosen(*works: Work, today: date = TERMS.today, limit: int = 9) -> list[str]:
    terms = Terms(today=today, frozen=today, lead_days=TERMS.lead_days)
    needs = {one.id: frozenset({one.section}) for one in works}
    found = candidates(works, DAY, freed=("s-1",), standing=STANDING, needs=needs, terms=terms, limit=limit)
    return [one.id for one in found]


def test_inside_the_lead_time_only_what_is_announced_is_used() -> None:
    works = (work("here"), work("beside", "s-2"), work("elsewhere", "s-3"))
    assert chosen(*works) == ["here", "beside"]
    assert chosen(*works, today=date(2026, 6, 7)) == ["here", "beside", "elsewhere"]
    assert chosen(work("short", "s-3", notice="short")) == ["short"]


def test_what_may_not_be_there_is_not_proposed() -> None:
    assert chosen(work("early", earliest=date(2026, 6, 18)), work("late", latest=date(2026, 6, 16))) == []
    assert chosen(work("barred", forbid=(DAY,)), work("just", earliest=DAY, latest=DAY)) == ["just"]


def test_of_many_those_that_need_the_same_dead_and_wait_longest_come_first() -> None:
    works = (
        work("a", "s-2", wanted=date(2026, 6, 1)),
        work("b", wanted=date(2026, 6, 9)),
        work("c", wanted=date(2026, 6, 2)),
        work("d"),
    )
    assert chosen(*works) == ["c", "b", "d", "a"]
    assert chosen(*works, limit=2) == ["c", "b"]
