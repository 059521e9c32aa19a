"""Clocks: the segments that a limit spans, counted in days, and what is left of it.

The first day that counts is the next one: what is begun on Monday with a limit of one day is due on Tuesday.
Days add up over any cut, so a pause that ends where it began changes nothing, and no day is counted twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Literal

from msgspec.structs import replace

from server.workflow.clocks.tables import ClockKind, Limit, Span, Unit, limits, limits_on
from server.workflow.clocks.timeline import Segment, stage_begins, timeline
from server.workflow.facts import known
from server.workflow.inforce import InForce
from server.workflow.model import Case, Value
from server.workflow.policy import Policy
from server.workflow.processes import process
from server.workflow.workdays import Calendar, UnknownYear

ClockState = Literal["running", "paused", "ended"]
KINDS: tuple[ClockKind, ...] = ("internal", "promise", "legal")
#: The last mark: the limit itself.
FULL = 100
#: The pause that grid works go on in, and the gate that says that they are done.
GRID_WORKS = "grid_works"
GRID_WORKS_GATE = "grid-works-accepted"


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
    """Counts days of a unit between moments; many clocks ask for the same ones."""

    def __init__(self, calendar: Calendar, policy: Policy, unit: Unit) -> None:
        self._calendar, self._policy, self._unit = calendar, policy, unit
        self._known: dict[datetime, date] = {}

    def _day(self, moment: datetime) -> date:
        day = self._known.get(moment)
        if day is None:
            day = self._known[moment] = self._policy.day(moment)
        return day

    def between(self, start: datetime, end: datetime) -> int:
        """Days after the day of `start`, up to and with the day of `end`."""
        first, last = self._day(start), self._day(end)
        return self._calendar.count(first, last) if self._unit == "working" else (last - first).days

    def add(self, start: datetime, n: int) -> date:
        """The n-th day after the day of `start`."""
        day = self._day(start)
        return self._calendar.add(day, n) if self._unit == "working" else day + timedelta(days=n)


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
    for name, span in limits().clocks.items():
        spanned = list(_spanned(case, span, segments))
        runs = _runs(span, spanned)
        for n, run in enumerate(runs, start=1):
            policy = policies.get(run[0].start)
            if policy is None:
                policy = policies[run[0].start] = rules.at(run[0].start, case.organisation)
            state = _state(span, run, spanned, segments[-1]) if n == len(runs) else "ended"
            for kind in KINDS:
                for limit_id, limit, most in limits_of(case, name, kind, policy):
                    begun = Clock(
                        id=limit_id,
                        clock=name,
                        kind=kind,
                        limit=most,
                        unit=limit.unit,
                        run=n,
                        state=state,
                        started_at=run[0].start,
                        ended_at=run[-1].end if state == "ended" else None,
                    )
                    days = counting.get((policy.timezone, limit.unit))
                    if days is None:
                        days = Days(calendar, policy, limit.unit)
                        counting[policy.timezone, limit.unit] = days
                    found.append(_measured(begun, run, days, policy))
    return tuple(found)


def met(found: Iterable[Clock], kind: ClockKind) -> bool | None:
    """Whether every limit of a kind was kept; None while one is open. A limit that was passed is certain."""
    of_kind = [clock for clock in found if clock.kind == kind]
    if any(clock.over for clock in of_kind):
        return False
    settled = all(clock.state == "ended" and clock.over is not None for clock in of_kind)
    return True if of_kind and settled else None


def limits_of(case: Case, clock: str, kind: ClockKind, policy: Policy) -> Iterator[tuple[str, Limit, int]]:
    """The limits of one kind that hold for a clock, one for each unit: its id, its row and its days.

    While a fact is not settled on which it depends, the shortest that could hold does.
    """
    shortest: dict[Unit, tuple[str, Limit, int]] = {}
    for limit_id, limit in limits_on(getattr(policy, f"{kind}_profile"), clock):
        days = policy.limits.get(limit_id, 0)
        if days == 0 or not _may_hold(case, limit, policy):
            continue
        known_one = shortest.get(limit.unit)
        if known_one is None or days < known_one[2]:
            shortest[limit.unit] = (limit_id, limit, days)
    yield from shortest.values()


def _may_hold(case: Case, limit: Limit, policy: Policy) -> bool:
    if case.process not in limit.processes:
        return False
    size = "extended" if case.supply.capacity_kva >= policy.scheme_extension_kva else "normal"
    asked = (
        (limit.sources, None if (dual := known(case, "dual")) is None else ("dual" if dual else "single")),
        (limit.resident, known(case, "resident")),
    )
    return limit.size in {None, size} and all(
        wanted is None or settled is None or wanted == settled for wanted, settled in asked
    )


def _spanned(case: Case, span: Span, segments: Sequence[Segment]) -> Iterator[Segment]:
    """What a clock looks at: for grid works everything between the scheme reply and their acceptance."""
    if not span.grid_works:
        yield from segments
        return
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


def _measured(clock: Clock, run: Sequence[Segment], days: Days, policy: Policy) -> Clock:
    """The clock with what its run has used, and when it comes, or came, to each mark."""
    counted, unknown_year = _counted(run, days)
    percents = (policy.clock_first_percent, policy.clock_second_percent, FULL)
    soon = max(clock.limit - policy.due_soon_days, 0)
    reached: dict[int, date | None] = {}
    for n in (*(_share(clock.limit, percent) for percent in percents), soon, clock.limit + 1):
        try:
            reached[n] = _day_of(n, run, counted, days, clock.state)
        except UnknownYear as unknown:
            unknown_year = unknown_year or unknown.year
    used = sum(counted) if len(counted) == len(run) else None
    running = clock.state == "running"
    passed = [one for one in percents if reached.get(_share(clock.limit, one)) is not None]
    marks = ((percent, reached.get(_share(clock.limit, percent))) for percent in percents)
    level: int | None = max((one for one in percents if (used or 0) >= _share(clock.limit, one)), default=0)
    over: bool | None = (used or 0) > clock.limit
    if used is None:
        level = FULL if FULL in passed else None
        over = True if reached.get(clock.limit + 1) is not None else None
    return replace(
        clock,
        used=used,
        level=level,
        over=over,
        due=reached.get(clock.limit) if running else None,
        over_on=reached.get(clock.limit + 1),
        soon_on=reached.get(soon),
        marks=tuple(Mark(percent, on) for percent, on in marks if on is not None),
        unknown_year=unknown_year,
    )


def _counted(run: Sequence[Segment], days: Days) -> tuple[list[int], int | None]:
    """The days of each segment, as far as they are known, and the year that is not."""
    counted: list[int] = []
    for segment in run:
        try:
            counted.append(days.between(segment.start, segment.end))
        except UnknownYear as unknown:
            return counted, unknown.year
    return counted, None


def _share(limit: int, percent: int) -> int:
    """The days at which this percentage of a limit is reached."""
    return -(-limit * percent // FULL)


def _day_of(
    n: int, run: Sequence[Segment], counted: Sequence[int], days: Days, state: ClockState
) -> date | None:
    """The day on which a run has used `n` days, or will have if it goes on; None if it stands before that.

    `counted` may end before the run does, where a year is not known. Raises UnknownYear if that is needed.
    """
    before = 0
    for segment, count in zip(run, counted, strict=False):
        if before + count >= n:
            return days.add(segment.start, n - before)
        before += count
    if len(counted) < len(run):
        return days.add(run[len(counted)].start, n - before)
    return days.add(run[-1].start, n - before + counted[-1]) if state == "running" else None
