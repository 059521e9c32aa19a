"""Clocks: the segments that a limit spans, counted in days, and what is left of it.

The first day that counts is the next one: what is begun on Monday with a limit of one day is due on Tuesday.
Days add up over any cut, so a pause that ends where it began changes nothing, and no day is counted twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple

from msgspec.structs import replace

from server.workflow.clocks.tables import ClockKind, Limit, Span, Unit, limits, limits_on
from server.workflow.clocks.timeline import Segment, stage_begins, timeline
from server.workflow.facts import known
from server.workflow.inforce import InForce
from server.workflow.model import Case, Value
from server.workflow.policy import Policy
from server.workflow.processes import process
from server.workflow.vocabulary import ProcessName
from server.workflow.workdays import Calendar, UnknownYear

ClockState = Literal["running", "paused", "ended"]
KINDS: tuple[ClockKind, ...] = ("internal", "promise", "legal")
#: The last mark: the limit itself.
FULL = 100
#: The pause that grid works go on in, and the gate that says that they are done.
GRID_WORKS = "grid_works"
GRID_WORKS_GATE = "grid-works-accepted"
#: For how many kinds of cases, each under the settings of a day, the limits are kept at hand.
_KEPT = 1024


class Mark(Value, frozen=True):
    """The day on which a running clock comes to this percentage of its limit, or came to it."""

    percent: int
    on: date


class Clock(Value, frozen=True, kw_only=True):
    """One clock at a moment. `used` counts days of `unit`; `level` is the highest mark reached (0 for none).

    `run` counts from 1: the customer applied again, or asked for a re-inspection. `due` is the last day on
    which it is still met, None while it stands still; `over_on` the first on which it is not, and `soon_on`
    the one from which it is due soon, if it came to that or will as it runs. `unknown_year`: its holidays are
    not known. Then days in it are missing, and `used`; `level` and `over` say what is certain all the same.
    """

    id: str
    clock: str
    kind: ClockKind
    limit: int
    unit: Unit
    run: int
    state: ClockState
    started_at: datetime
    ended_at: datetime | None = None
    used: int | None = None
    level: int | None = None
    over: bool | None = None
    due: date | None = None
    over_on: date | None = None
    soon_on: date | None = None
    marks: tuple[Mark, ...] = ()
    unknown_year: int | None = None

    @property
    def remaining(self) -> int | None:
        """Days left; never less than none."""
        return None if self.used is None else max(self.limit - self.used, 0)


class Days:
    """Counts days of a unit by one calendar and in one time zone."""

    def __init__(self, calendar: Calendar, policy: Policy, unit: Unit) -> None:
        self._calendar, self._policy, self._working = calendar, policy, unit == "working"

    def of(self, moment: datetime) -> date:
        """The day of a moment."""
        return self._policy.day(moment)

    def between(self, first: date, last: date) -> int:
        """Days after `first`, up to and with `last`."""
        return self._calendar.count(first, last) if self._working else (last - first).days

    def add(self, day: date, n: int) -> date:
        """The n-th day after `day`."""
        return self._calendar.add(day, n) if self._working else day + timedelta(days=n)


def clocks(case: Case, now: datetime, rules: InForce) -> tuple[Clock, ...]:
    """Every clock of the case that has begun by `now`, ended ones too, in the order of the table of clocks.

    A limit is that of the day on which its clock began.
    """
    segments = timeline(case, now)
    if not segments:
        return ()
    calendar = rules.calendar(case.organisation)
    counting: dict[tuple[str, Unit], Days] = {}
    policies: dict[datetime, Policy] = {}
    found: list[Clock] = []
    stages = {segment.stage for segment in segments}
    for name, span in limits().clocks.items():
        if span.stages and span.stages.isdisjoint(stages):
            continue
        spanned = list(_during_grid_works(case, segments)) if span.grid_works else segments
        runs = _runs(span, spanned)
        for n, run in enumerate(runs, start=1):
            policy = policies.get(run[0].start)
            if policy is None:
                policy = policies[run[0].start] = rules.at(run[0].start, case.organisation)
            state = _state(span, run, spanned, segments[-1]) if n == len(runs) else "ended"
            counts: dict[Unit, _Counted] = {}
            for held in limits_of(case, name, policy):
                unit = held.limit.unit
                days = counting.get((policy.timezone, unit))
                if days is None:
                    days = counting[policy.timezone, unit] = Days(calendar, policy, unit)
                counted = counts.get(unit)
                if counted is None:
                    counted = counts[unit] = _counted(run, days)
                found.append(_measured(name, held, n, state, counted, policy))
    return tuple(found)


def met(found: Iterable[Clock], kind: ClockKind) -> bool | None:
    """Whether every limit of a kind was kept; None while one is open. A limit that was passed is certain."""
    of_kind = [clock for clock in found if clock.kind == kind]
    if any(clock.over for clock in of_kind):
        return False
    settled = all(clock.state == "ended" and clock.over is not None for clock in of_kind)
    return True if of_kind and settled else None


class HeldTo(Value, frozen=True):
    """A limit that a clock is held to: its id, its kind, its row and its days."""

    id: str
    kind: ClockKind
    limit: Limit
    days: int


def limits_of(case: Case, clock: str, policy: Policy) -> Sequence[HeldTo]:
    """The limits that hold for a clock, by kind and one for each unit.

    While a fact is not settled on which one depends, the shortest that could hold does.
    """
    extended = case.supply.capacity_kva >= policy.scheme_extension_kva
    facts = known(case, "dual"), known(case, "resident")
    return _limits_for(policy, case.process, extended, *facts).get(clock, ())


@lru_cache(_KEPT)
def _limits_for(
    policy: Policy, process_name: ProcessName, extended: bool, dual: bool | None, resident: bool | None
) -> Mapping[str, Sequence[HeldTo]]:
    """The limits of every clock, for cases that are alike in all on which a limit depends."""

    def may_hold(limit: Limit) -> bool:
        if process_name not in limit.processes:
            return False
        size = "extended" if extended else "normal"
        sources = None if dual is None else ("dual" if dual else "single")
        asked = ((limit.sources, sources), (limit.resident, resident))
        return limit.size in {None, size} and all(
            wanted is None or settled is None or wanted == settled for wanted, settled in asked
        )

    found: dict[str, list[HeldTo]] = {}
    for clock in limits().clocks:
        for kind in KINDS:
            shortest: dict[Unit, HeldTo] = {}
            for limit_id, limit in limits_on(getattr(policy, f"{kind}_profile"), clock):
                days = policy.limits.get(limit_id, 0)
                if days == 0 or not may_hold(limit):
                    continue
                known_one = shortest.get(limit.unit)
                if known_one is None or days < known_one.days:
                    shortest[limit.unit] = HeldTo(limit_id, kind, limit, days)
            found.setdefault(clock, []).extend(shortest.values())
    return found


def _during_grid_works(case: Case, segments: Sequence[Segment]) -> Iterator[Segment]:
    """Everything between the scheme reply and the acceptance of the grid's own works, where there are any."""
    if not (known(case, "grid_works") or any(one.reason == GRID_WORKS for one in case.pauses.values())):
        return
    replied = process(case.process).scheme_replied
    begun = next((begun for stage, begun in stage_begins(case) if stage == replied), None)
    words = case.entries.get(GRID_WORKS_GATE, ())
    accepted = words[-1].at if words and words[-1].status == "met" else None
    for segment in segments if begun is not None else ():
        if begun is not None and segment.start >= begun and (accepted is None or segment.start < accepted):
            yield segment if accepted is None else replace(segment, end=min(segment.end, accepted))


def _counts(span: Span, segment: Segment) -> bool:
    if span.grid_works:
        return segment.holder != "nobody" and not segment.pauses - {GRID_WORKS}
    return segment.holder == "utility" and (span.whole or segment.stage in span.stages)


def _runs(span: Span, spanned: Sequence[Segment]) -> list[list[Segment]]:
    """The segments that a clock counts, in runs; a clock that is not `fresh` has one."""
    runs: list[list[Segment]] = []
    anew = True
    for segment in spanned:
        if not _counts(span, segment):
            anew |= span.fresh and segment.handed_over
            continue
        if anew:
            runs.append([])
            anew = False
        runs[-1].append(segment)
    return runs


def _state(span: Span, run: Sequence[Segment], spanned: Sequence[Segment], last: Segment) -> ClockState:
    """Where the last run of a clock stands; `last` is the case's present segment."""
    if run[-1] is spanned[-1] and run[-1].end == last.end:
        return "running"
    stays = span.whole or last.stage in span.stages
    inside = spanned[-1].end == last.end if span.grid_works else stays
    if not inside or last.holder == "nobody" or (span.fresh and last.handed_over):
        return "ended"
    return "paused"


def _measured(
    clock: str, held: HeldTo, run: int, state: ClockState, counted: _Counted, policy: Policy
) -> Clock:
    """The clock with what its run has used, and when it comes, or came, to each mark."""
    limit, unknown_year = held.days, counted.unknown_year
    percents = (policy.clock_first_percent, policy.clock_second_percent, FULL)
    at = [_share(limit, percent) for percent in percents]
    soon = max(limit - policy.due_soon_days, 0)
    running = state == "running"
    reached: dict[int, date | None] = {}
    for n in (*at, soon, limit + 1):
        if n not in reached:
            try:
                reached[n] = _day_of(n, counted, running=running)
            except UnknownYear as unknown:
                unknown_year = unknown_year or unknown.year
    marks = tuple(
        Mark(percent, on)
        for percent, n in zip(percents, at, strict=True)
        if (on := reached.get(n)) is not None
    )
    used, over_on = counted.used, reached.get(limit + 1)
    level: int | None
    over: bool | None
    if used is None:
        level = FULL if any(mark.percent == FULL for mark in marks) else None
        over = True if over_on is not None else None
    else:
        level = max((percent for percent, n in zip(percents, at, strict=True) if used >= n), default=0)
        over = used > limit
    return Clock(
        id=held.id,
        clock=clock,
        kind=held.kind,
        limit=limit,
        unit=held.limit.unit,
        run=run,
        state=state,
        started_at=counted.run[0].start,
        ended_at=counted.run[-1].end if state == "ended" else None,
        used=used,
        level=level,
        over=over,
        due=reached.get(limit) if running else None,
        over_on=over_on,
        soon_on=reached.get(soon),
        marks=marks,
        unknown_year=unknown_year,
    )


class _Counted(NamedTuple):
    """A run with the first day of each segment and the days that it counts, as far as they are known, and the
    year that is not. `used` is their sum, None where one is missing."""

    run: Sequence[Segment]
    days: Days
    starts: Sequence[date]
    counts: Sequence[int]
    unknown_year: int | None
    used: int | None


def _counted(run: Sequence[Segment], days: Days) -> _Counted:
    starts = [days.of(segment.start) for segment in run]
    counts: list[int] = []
    for segment, start in zip(run, starts, strict=True):
        try:
            counts.append(days.between(start, days.of(segment.end)))
        except UnknownYear as unknown:
            return _Counted(run, days, starts, counts, unknown.year, None)
    return _Counted(run, days, starts, counts, None, sum(counts))


def _share(limit: int, percent: int) -> int:
    """The days at which this percentage of a limit is reached."""
    return -(-limit * percent // FULL)


def _day_of(n: int, counted: _Counted, *, running: bool) -> date | None:
    """The day on which a run has used `n` days, or will have if it goes on; None if it stands before that.

    Raises UnknownYear where one that is needed is not known.
    """
    before = 0
    for start, count in zip(counted.starts, counted.counts, strict=False):
        if before + count >= n:
            return counted.days.add(start, n - before)
        before += count
    if counted.used is None:
        return counted.days.add(counted.starts[len(counted.counts)], n - before)
    return counted.days.add(counted.starts[-1], n - before + counted.counts[-1]) if running else None
