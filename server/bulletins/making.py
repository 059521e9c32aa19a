"""Bulletins, made of the records of all cases that were open in a period or ended in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import get_args

from server.bulletins.counting import Tally
from server.bulletins.outages import Outages
from server.bulletins.periods import Period
from server.bulletins.record import AnomalyRecord, CaseRecord, ClockRecord
from server.bulletins.values import (
    AnomalyLine,
    Bulletin,
    Group,
    GroupBy,
    Kpis,
    Miss,
    Said,
    StageLine,
    WatchList,
    WatchRow,
)
from server.workflow.clocks.tables import ClockKind, Unit
from server.workflow.monitors import Watch
from server.workflow.policy import Policy
from server.workflow.workdays import Calendar, UnknownYear

_GROUPS: tuple[GroupBy, ...] = get_args(GroupBy)


def bulletin(
    records: Iterable[CaseRecord],
    period: Period,
    *,
    organisation: str,
    today: date,
    policy: Policy,
    calendar: Calendar,
    outages: Outages | None = None,
) -> Bulletin:
    """The bulletin of a period, or of what has passed of it by `today`.

    `records`: at least those of every case of the organisation that was open at any time from the first day
    of the period before to the last of this one. They may come one at a time; none is kept. `policy` and
    `calendar`: of the organisation, today. `outages`: what is told of them, as it stands.
    """
    maker = _Maker(period, min(period.last, today), policy, calendar)
    for record in records:
        maker.look(record)
    return maker.made(organisation, outages)


class Telling:
    """What is told of anomalies: how they were explained, by the settings and the calendar of a day."""

    def __init__(self, until: date, policy: Policy, calendar: Calendar) -> None:
        self._until, self._policy, self._calendar = until, policy, calendar

    def said(self, anomaly: AnomalyRecord | None, since: date) -> Said:
        """What was said of an anomaly; one that monitors no longer tell of was not explained."""
        told = anomaly.explanation if anomaly is not None else None
        if told is None:
            return Said(standing="unexplained", late=self._late(since))
        return Said(
            standing=anomaly.standing if anomaly is not None else "unexplained",
            reason=told.reason,
            words=told.words,
            by=told.by,
            audit=told.audit,
            audited_by=told.audited_by or "",
            audit_words=told.audit_words,
        )

    def misses(self, record: CaseRecord, first: date) -> Iterator[Miss]:
        """Limits that were passed from `first` on, or before and still were on the last day."""
        anomalies = {one.key: one for one in record.anomalies}
        for clock in record.clocks:
            over_on = clock.over_on
            if over_on is None or over_on > self._until:
                continue
            if over_on >= first or clock.open(self._until):
                ended = clock.ended if clock.ended is not None and clock.ended <= self._until else None
                yield Miss(
                    case_id=record.id,
                    no=record.no,
                    customer=record.customer,
                    manager=record.manager,
                    county=record.county,
                    station=record.station,
                    stage=record.stage,
                    clock=clock.clock,
                    kind=clock.kind,
                    run=clock.run,
                    limit=clock.limit,
                    unit=clock.unit,
                    over_on=over_on,
                    ended=ended,
                    used=clock.used if ended is not None else None,
                    anomaly=clock.key,
                    said=self.said(anomalies.get(clock.key), over_on),
                )

    def _late(self, since: date) -> bool:
        """Whether it should have been explained by now; not said where nobody knows the working days."""
        try:
            return self._calendar.count(since, self._until) > self._policy.explanation_days
        except UnknownYear:
            return False


class _Maker:
    """One bulletin in the making."""

    def __init__(self, period: Period, until: date, policy: Policy, calendar: Calendar) -> None:
        self._period, self._until = period, until
        self._telling = Telling(until, policy, calendar)
        self._totals = Tally(period.first, until)
        compared = period.kind != "weekly"
        self._before = Tally(period.before.first, period.before.last) if compared else None
        self._groups: dict[tuple[GroupBy, str], Tally] = {}
        self._stages: dict[tuple[str, ClockKind, Unit], _Stage] = {}
        self._anomalies: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._watch: dict[int, list[WatchRow]] = {level: [] for level in get_args(Watch)}
        self._misses: list[Miss] = []

    def look(self, record: CaseRecord) -> None:
        first, until = self._period.first, self._until
        if self._before is not None:
            self._before.add(self._before.counted(record))
        if record.opened > until or (record.ended is not None and record.ended < first):
            return
        counted = self._totals.counted(record)
        self._totals.add(counted)
        for by in _GROUPS:
            tally = self._groups.setdefault((by, getattr(record, by)), Tally(first, until))
            tally.add(counted)
        if self._period.kind == "weekly":
            self._look_at_stages(record)
        if self._period.kind != "quarterly":
            self._look_at_anomalies(record)
            self._misses += self._telling.misses(record, first)

    def _look_at_stages(self, record: CaseRecord) -> None:
        for clock in record.clocks:
            if clock.started <= self._until and (clock.ended is None or clock.ended >= self._period.first):
                line = self._stages.setdefault((clock.clock, clock.kind, clock.unit), _Stage())
                line.look(clock, self._until)

    def _look_at_anomalies(self, record: CaseRecord) -> None:
        for one in record.anomalies:
            arisen = self._period.first <= one.since <= self._until
            holds = one.holds(self._until)
            if not arisen and not holds:
                continue
            said = self._telling.said(one, one.since)
            if arisen:
                line = self._anomalies[one.monitor, one.code]
                line["arisen"] += 1
                line[said.standing] += 1
                line["late"] += said.late
            if holds:
                self._watch.setdefault(one.watch, []).append(
                    WatchRow(
                        case_id=record.id,
                        no=record.no,
                        customer=record.customer,
                        manager=record.manager,
                        station=record.station,
                        monitor=one.monitor,
                        code=one.code,
                        since=one.since,
                        params=one.params,
                        anomaly=one.key,
                        said=said,
                    )
                )

    def made(self, organisation: str, outages: Outages | None) -> Bulletin:
        period = self._period
        return Bulletin(
            kind=period.kind,
            period=period.name,
            first=period.first,
            last=period.last,
            until=self._until,
            organisation=organisation,
            totals=self._totals.kpis(),
            before=None if self._before is None else self._before.kpis(),
            stages=tuple(
                line.told(*about) for about, line in sorted(self._stages.items(), key=lambda one: one[0])
            ),
            groups=tuple(self._ranked()),
            anomalies=tuple(
                AnomalyLine(
                    monitor=monitor,  # type: ignore[arg-type]
                    code=code,  # type: ignore[arg-type]
                    **{name: line.get(name, 0) for name in _LINE},
                )
                for (monitor, code), line in sorted(self._anomalies.items())
            ),
            watch=tuple(
                WatchList(
                    watch=level, rows=tuple(sorted(rows, key=lambda row: (row.since, row.no, row.anomaly)))
                )
                for level, rows in sorted(self._watch.items(), reverse=True)
                if period.kind != "quarterly"
            ),
            misses=tuple(sorted(self._misses, key=miss_order)),
            outages=outages,
        )

    def _ranked(self) -> Iterator[Group]:
        found = {about: tally.kpis() for about, tally in self._groups.items()}
        for by in _GROUPS:
            peers = {name: kpis for (kind, name), kpis in found.items() if kind == by}
            ranks = _ranks(peers)
            for name in sorted(peers, key=lambda name: (ranks.get(name, len(peers) + 1), name)):
                yield Group(by=by, name=name, rank=ranks.get(name), kpis=peers[name])


_LINE = ("arisen", "unexplained", "late", "waiting", "staff", "excused")


class _Stage:
    """The runs of one clock and kind."""

    def __init__(self) -> None:
        self._ended = self._late = self._open = self._open_late = 0
        self._used: list[int] = []

    def look(self, clock: ClockRecord, until: date) -> None:
        if clock.open(until):
            self._open += 1
            self._open_late += clock.over(until)
            return
        self._ended += 1
        self._late += clock.over_on is not None
        if clock.used is not None:
            self._used.append(clock.used)

    def told(self, clock: str, kind: ClockKind, unit: Unit) -> StageLine:
        return StageLine(
            clock=clock,
            kind=kind,
            unit=unit,
            ended=self._ended,
            late=self._late,
            mean_used=round(sum(self._used) / len(self._used), 2) if self._used else None,
            open=self._open,
            open_late=self._open_late,
        )


def miss_order(miss: Miss) -> tuple[date, str, str, str, int]:
    """The oldest first."""
    return miss.over_on, miss.no, miss.clock, miss.kind, miss.run


def _ranks(peers: Mapping[str, Kpis]) -> dict[str, int]:
    """The place of everybody who archived something; who is as good has the same."""

    def standing(kpis: Kpis) -> tuple[float, float]:
        mean = kpis.connection_days.mean
        return -(kpis.met["internal"].rate or 0.0), float("inf") if mean is None else mean

    compared = {name: standing(kpis) for name, kpis in peers.items() if kpis.met["internal"].of}
    return {name: 1 + sum(other < mine for other in compared.values()) for name, mine in compared.items()}
