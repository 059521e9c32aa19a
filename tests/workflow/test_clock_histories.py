"""Clocks over any history: never negative, never running back, the same whatever came to be known first."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.clocks.measure import clocks
from server.workflow.clocks.tables import pause_reasons
from server.workflow.clocks.timeline import timeline
from server.workflow.model import Case, DatedAct, Pause, StageEntry
from server.workflow.processes import process
from tests.workflow.builders import MANAGER, item
from tests.workflow.timing import CHINA, FACTS, RULES, Walk, china, clocks_of, to_construction

START = china(2026, 2, 9, 15)
MINUTES = st.integers(0, 60 * 24 * 60)
TOTAL = "county-2012.total"
#: Reasons that stop every clock of high voltage, grid works among them.
REASONS = st.sampled_from(sorted(pause_reasons()))


def after(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


@st.composite
def pauses(draw: st.DrawFn, n: int) -> Pause:
    since = draw(MINUTES)
    ends = draw(st.lists(st.integers(0, 20_000), max_size=2))
    acts = tuple(
        DatedAct(dated=after(since + end), evidence="x", recorded_at=after(90_000), recorded_by=MANAGER.name)
        for end in ends
    )
    return Pause(
        id=f"p-{n}",
        reason=draw(REASONS),
        since=after(since),
        evidence="x",
        recorded_at=after(90_000),
        recorded_by=MANAGER.name,
        acts=acts,
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A high-voltage case that went any way along its process, with any pauses."""
    case = Walk(START).case
    table = process("hv")
    stage, at, history = table.start, 0, [StageEntry(table.start, START, MANAGER.name)]
    for _ in range(draw(st.integers(0, 12))):
        ways = sorted(table.stages[stage].moves) + ([table.energized] if stage == table.ready else [])
        if not ways:
            break
        stage, at = draw(st.sampled_from(ways)), at + draw(st.integers(0, 9000))
        history.append(StageEntry(stage, after(at), MANAGER.name))
    made = [draw(pauses(n)) for n in range(draw(st.integers(0, 4)))]
    return replace(case, stage=stage, history=tuple(history), pauses={one.id: one for one in made})


def held_by_the_utility(case: Case, moment: datetime) -> bool:
    """Said anew, of one moment alone."""
    stage = [entry.stage for entry in case.history if entry.at <= moment][-1]
    paused = any(
        one.since <= moment and not any(act.dated <= moment for act in one.acts)
        for one in case.pauses.values()
    )
    return process("hv").stages[stage].held_by == "utility" and not paused


@given(case=cases(), at=MINUTES)
@settings(max_examples=60, deadline=None)
def test_a_working_day_counts_if_the_utility_held_the_case_when_it_began(case: Case, at: int) -> None:
    now, calendar = after(at), RULES.calendar("xiangyang")
    midnights = [
        datetime(2026, 2, 9, tzinfo=CHINA) + timedelta(days=n) for n in range(1, 2 + (now - START).days + 1)
    ]
    expected = sum(
        calendar.works(midnight.date()) and held_by_the_utility(case, midnight - timedelta(microseconds=1))
        for midnight in midnights
        if START < midnight <= now
    )
    found = clocks_of(case, now).get(TOTAL)
    assert (found.used if found is not None else 0) == expected


@given(case=cases(), moments=st.lists(MINUTES, min_size=2, max_size=2))
@settings(max_examples=60, deadline=None)
def test_clocks_are_never_negative_and_never_run_back(case: Case, moments: list[int]) -> None:
    earlier, later = (after(at) for at in sorted(moments))
    then = {(clock.id, clock.run): clock for clock in clocks(case, earlier, RULES)}
    now = {(clock.id, clock.run): clock for clock in clocks(case, later, RULES)}
    assert set(then) <= set(now)
    for key, clock in now.items():
        assert clock.used is not None
        assert clock.used >= 0
        assert clock.remaining is not None
        assert clock.remaining >= 0
        if key in then:
            used = then[key].used
            assert used is not None
            assert clock.used >= used
            assert clock.level is not None
            assert clock.level >= (then[key].level or 0)


@given(case=cases(), at=MINUTES)
@settings(max_examples=40, deadline=None)
def test_segments_cover_the_time_without_gaps_and_without_overlap(case: Case, at: int) -> None:
    segments = timeline(case, after(at))
    assert segments[0].start == START
    assert segments[-1].end == after(at)
    assert all(one.end == next_.start for one, next_ in pairwise(segments))


@given(case=cases(), since=MINUTES, length=st.integers(0, 20_000), at=MINUTES, reason=REASONS)
@settings(max_examples=60, deadline=None)
def test_a_pause_is_neutral(case: Case, since: int, length: int, at: int, reason: str) -> None:
    """No clock moves within it; it takes away what would have been counted in it, and nothing else."""
    act = DatedAct(
        dated=after(since + length), evidence="x", recorded_at=after(90_000), recorded_by=MANAGER.name
    )
    one = Pause(
        id="p-new",
        reason=reason,
        since=after(since),
        evidence="x",
        recorded_at=after(90_000),
        recorded_by=MANAGER.name,
        acts=(act,),
    )
    paused = replace(case, pauses={**case.pauses, one.id: one})

    def used(which: Case, minutes: int) -> int:
        found = clocks_of(which, after(minutes)).get(TOTAL)
        return 0 if found is None or found.used is None else found.used

    end = since + length
    assert used(paused, end) == used(paused, since) == used(case, since)
    lost = used(case, min(at, end)) - used(case, min(at, since))
    assert used(paused, at) == used(case, at) - lost


def late_events() -> list[tuple[str, c.Command]]:
    """What comes to be known late: each with the name of what it must come after."""
    return [
        ("", c.PauseClock(pause_id="p-1", reason="papers", evidence="a", since=china(2026, 3, 4))),
        ("p-1", c.ResumeClock(pause_id="p-1", dated=china(2026, 3, 12), evidence="b")),
        ("p-1", c.ResumeClock(pause_id="p-1", dated=china(2026, 3, 9), evidence="c")),
        ("", c.PauseClock(pause_id="p-2", reason="permit", evidence="d", since=china(2026, 3, 6))),
        ("p-2", c.ResumeClock(pause_id="p-2", dated=china(2026, 3, 17), evidence="e")),
        ("", c.DateStage(stage="intermediate", dated=china(2026, 3, 18), evidence="f")),
        ("", c.DateStage(stage="intermediate", dated=china(2026, 3, 19), evidence="g")),
        ("", c.DateStage(stage="construction", dated=china(2026, 3, 2, 9), evidence="h")),
        ("", c.DateStage(stage="accepted", dated=china(2026, 2, 27), evidence="i")),
    ]


LATE = to_construction(china(2026, 3, 2)).on(china(2026, 3, 20), "intermediate").case


@given(order=st.permutations(late_events()), at=st.integers(0, 40))
@settings(max_examples=40, deadline=None)
def test_any_order_of_late_events_gives_the_same_clocks(order: list[Any], at: int) -> None:
    def told(events: list[Any]) -> Case:
        walk = Walk(china(2026, 3, 2), facts=FACTS)
        walk.case, walk.now = LATE, china(2026, 3, 25)
        waiting = list(events)
        while waiting:
            known = {"", *walk.case.pauses}
            needs, command = next(one for one in waiting if one[0] in known)
            waiting.remove((needs, command))
            walk.do(command)
        return walk.case

    now = china(2026, 3, 1) + timedelta(days=at)
    assert clocks(told(order), now, RULES) == clocks(told(late_events()), now, RULES)


def test_whoever_answers_late_or_early_the_days_of_notices_add_up() -> None:
    """Two notices out at once: the customer holds the case only while none of them waits for the utility."""
    walk = to_construction(china(2026, 3, 2)).on(china(2026, 3, 2), "intermediate")
    walk.now = china(2026, 3, 3)
    walk.inspect("t-1", "intermediate", item("ME-01"))
    walk.inspect("t-2", "intermediate", item("ME-02"))
    walk.do(c.IssueNotice(n=1), at=china(2026, 3, 4))
    walk.do(c.DeliverNotice(n=1, mode="counter", received_by="Mr Lu"))
    walk.do(c.IssueNotice(n=2), at=china(2026, 3, 6))
    walk.do(c.DeliverNotice(n=2, mode="counter", received_by="Mr Lu"))
    walk.now = china(2026, 3, 10)
    walk.answer(1)
    walk.now = china(2026, 3, 13)
    walk.answer(2)
    holders = [
        (segment.start.astimezone(CHINA).day, segment.holder)
        for segment in timeline(walk.case, china(2026, 3, 20))
        if segment.stage == "intermediate"
    ]
    changes = [one for before, one in pairwise([(0, "nobody"), *holders]) if before[1] != one[1]]
    assert changes == [(2, "utility"), (6, "customer"), (10, "utility")]
