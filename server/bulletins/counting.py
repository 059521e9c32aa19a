"""The figures of a period, added up case by case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from server.bulletins.record import CaseRecord
from server.bulletins.values import Kpis, Mean, Rate
from server.workflow.clocks.measure import KINDS

#: A figure's name, what it adds to its sum, and to the number of what was summed.
_Counted = tuple[str, int, int]
_CONNECTION = "connection"


class Tally:
    """What the days from `first` to `until` come to."""

    def __init__(self, first: date, until: date) -> None:
        self._first, self._until = first, until
        self._sums: dict[str, int] = {}
        self._numbers: dict[str, int] = {}

    def counted(self, record: CaseRecord) -> list[_Counted]:
        """What a case adds; the same for every tally of the same days."""
        return [*self._of_stages(record), *self._of_limits(record), *self._of_notices(record)]

    def add(self, counted: Iterable[_Counted]) -> None:
        """Add what was counted of one case."""
        sums, numbers = self._sums, self._numbers
        for name, amount, number in counted:
            sums[name] = sums.get(name, 0) + amount
            numbers[name] = numbers.get(name, 0) + number

    def _within(self, day: date | None) -> bool:
        return day is not None and self._first <= day <= self._until

    def _of_stages(self, record: CaseRecord) -> Iterator[_Counted]:
        for name in ("opened", "replied", "energized", "archived", "cancelled"):
            if self._within(getattr(record, name)):
                yield name, 1, 1
        if record.opened <= self._until and (record.ended is None or record.ended > self._until):
            yield "open", 1, 1
        if record.energized is not None and self._within(record.energized):
            yield "calendar_days", (record.energized - record.opened).days, 1
            if record.held is not None:
                yield "connection_days", record.held, 1
        if record.rating is not None and self._within(record.ended):
            yield "rating", record.rating, 1
        for visit in record.visits:
            if self._within(visit.on):
                yield f"first_pass.{visit.kind}", int(visit.passed), 1

    def _of_limits(self, record: CaseRecord) -> Iterator[_Counted]:
        if self._within(record.archived):
            for kind in KINDS:
                if (kept := record.kept(kind)) is not None:
                    yield f"met.{kind}", int(kept), 1
        late = set()
        for clock in record.clocks:
            open_ = clock.open(self._until)
            over = clock.over(self._until)
            if open_ and over:
                late.add(clock.kind)
            if clock.clock == _CONNECTION and (open_ or self._within(clock.ended)):
                yield f"overdue.{clock.kind}", int(over), 1
        for kind in late:
            yield f"late_open.{kind}", 1, 1

    def _of_notices(self, record: CaseRecord) -> Iterator[_Counted]:
        last_closed, rounds, all_closed = None, 0, True
        for notice in record.notices:
            if self._within(notice.issued):
                yield "supplementary", int(notice.supplement), 1
            ended = notice.closed or notice.withdrawn
            if (
                notice.issued is not None
                and notice.issued <= self._until
                and (ended is None or ended > self._until)
            ):
                yield "notices_open", 1, 1
            if notice.closed is not None and self._within(notice.closed):
                yield "notices_closed", 1, 1
                if notice.issued is not None:
                    yield "days_to_close", (notice.closed - notice.issued).days, 1
            if notice.closed is not None:
                rounds += notice.rounds
                last_closed = max(filter(None, (last_closed, notice.closed)))
            all_closed &= ended is not None
        if all_closed and last_closed is not None and self._within(last_closed):
            yield "rounds", rounds, 1

    def kpis(self) -> Kpis:
        """What all that was added comes to."""
        return Kpis(
            opened=self._sum("opened"),
            replied=self._sum("replied"),
            energized=self._sum("energized"),
            archived=self._sum("archived"),
            cancelled=self._sum("cancelled"),
            open=self._sum("open"),
            met={kind: self._rate(f"met.{kind}") for kind in KINDS},
            late_open={kind: self._sum(f"late_open.{kind}") for kind in KINDS},
            connection_days=self._mean("connection_days"),
            calendar_days=self._mean("calendar_days"),
            first_pass=self._rate("first_pass.acceptance"),
            first_pass_intermediate=self._rate("first_pass.intermediate"),
            rounds=self._mean("rounds"),
            days_to_close=self._mean("days_to_close"),
            notices_issued=self._numbers.get("supplementary", 0),
            notices_closed=self._sum("notices_closed"),
            notices_open=self._sum("notices_open"),
            supplementary=self._rate("supplementary"),
            overdue_connections={kind: self._rate(f"overdue.{kind}") for kind in KINDS},
            rating=self._mean("rating"),
        )

    def _sum(self, name: str) -> int:
        return self._sums.get(name, 0)

    def _rate(self, name: str) -> Rate:
        hit, of = self._sums.get(name, 0), self._numbers.get(name, 0)
        return Rate(hit, of, round(hit / of, 4) if of else None)

    def _mean(self, name: str) -> Mean:
        total, n = self._sums.get(name, 0), self._numbers.get(name, 0)
        return Mean(n, round(total / n, 2) if n else None)
