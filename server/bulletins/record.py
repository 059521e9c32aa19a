"""What bulletins count of a case: days and numbers, right on any later day without a look at the case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import msgspec
from msgspec import Struct

from server.workflow.clocks.measure import Clock, ClockState
from server.workflow.clocks.tables import ClockKind, Unit
from server.workflow.explanations import Explanation, Standing, standing_of
from server.workflow.model import SEVERITY_RANK, Case, Notice, NoticeStage, ProcessName, Severity, TaskKind
from server.workflow.monitors import Anomaly, AnomalyCode, MonitorName, anomaly_key
from server.workflow.policy import Policy
from server.workflow.processes import CANCELLED, process

#: Inspections that are passed at first sight, or not.
INSPECTIONS: tuple[TaskKind, ...] = ("intermediate", "acceptance")
_ARCHIVED = "archived"
_TOTAL = "total"


class ClockRecord(Struct, frozen=True, array_like=True):
    """A run of a clock. `used` is what it took, once it has ended; `over_on` the first day beyond its limit,
    which lies ahead while it runs and may still be kept."""

    id: str
    clock: str
    kind: ClockKind
    run: int
    limit: int
    unit: Unit
    state: ClockState
    started: date
    ended: date | None
    used: int | None
    over_on: date | None
    unknown_year: int | None

    @property
    def key(self) -> str:
        """The key under which the monitors tell of its passing."""
        return anomaly_key("over_limit", (f"clock:{self.id}:{self.run}",))

    def over(self, until: date) -> bool:
        """Whether it was beyond its limit on a day, or had ended so."""
        return self.over_on is not None and self.over_on <= until

    def open(self, until: date) -> bool:
        """Whether it had begun and not ended on a day."""
        return self.started <= until and (self.ended is None or self.ended > until)


class VisitRecord(Struct, frozen=True, array_like=True):
    """The first accepted form of an inspection. `passed`: nothing on it had failed."""

    kind: TaskKind
    on: date
    passed: bool


class NoticeRecord(Struct, frozen=True, array_like=True):
    """A rectification notice. `supplement`: it tells of what the one before it had not told.
    `contractor`: whose works it is about, as the notice names him."""

    n: int
    stage: NoticeStage
    severity: Severity
    items: int
    rounds: int
    supplement: bool
    issued: date | None
    closed: date | None
    withdrawn: date | None
    contractor: str = ""


class AnomalyRecord(Struct, frozen=True, array_like=True):
    """What a monitor tells from a day on and before another, with what was said of it."""

    key: str
    monitor: MonitorName
    code: AnomalyCode
    watch: int
    since: date
    until: date | None
    params: Mapping[str, Any]
    explanation: Explanation | None = None

    @property
    def standing(self) -> Standing:
        return standing_of(self.explanation)

    def holds(self, on: date) -> bool:
        return self.since <= on and (self.until is None or on < self.until)


class CaseRecord(Struct, frozen=True, array_like=True):
    """One case. Days are those on which it was so first; None where it has not come to that.

    `held`: working days that the utility held it, from a clock of the whole case; None without such a clock.
    `rating`: the customer's, 1 to 5.
    """

    id: str
    no: str
    organisation: str
    county: str
    station: str
    manager: str
    customer: str
    process: ProcessName
    kva: float
    stage: str
    opened: date
    replied: date | None
    energized: date | None
    archived: date | None
    cancelled: date | None
    held: int | None
    clocks: tuple[ClockRecord, ...]
    visits: tuple[VisitRecord, ...]
    notices: tuple[NoticeRecord, ...]
    anomalies: tuple[AnomalyRecord, ...]
    rating: int | None = None

    @property
    def ended(self) -> date | None:
        """The day on which it was archived or cancelled."""
        return self.archived or self.cancelled

    def kept(self, kind: ClockKind) -> bool | None:
        """Whether every limit of a kind was kept; None while one is open, or where there is none."""
        of_kind = [clock for clock in self.clocks if clock.kind == kind]
        if any(clock.state == "ended" and clock.over_on is not None for clock in of_kind):
            return False
        settled = all(clock.state == "ended" and clock.used is not None for clock in of_kind)
        return True if of_kind and settled else None


def record_of(
    case: Case, policy: Policy, timed: Iterable[Clock], told: Iterable[Anomaly], rating: int | None = None
) -> CaseRecord:
    """The record of a case. `timed`: all its clocks, `told`: all that monitors tell, what will come included,
    both at the last moment that the case knows of; `policy`: of that moment."""
    day = policy.day
    clocks = tuple(_clock(clock, policy) for clock in timed)
    begun = {entry.stage: entry.begun for entry in reversed(case.history)}
    record = case.energization.record
    return CaseRecord(
        id=case.id,
        no=case.no,
        organisation=case.organisation,
        county=case.site.county,
        station=case.site.station,
        manager=case.manager,
        customer=case.customer.name,
        process=case.process,
        kva=case.supply.capacity_kva,
        stage=case.stage,
        opened=day(case.history[0].begun),
        replied=_day(policy, begun.get(process(case.process).scheme_replied)),
        energized=None if record is None else day(record.at),
        archived=_day(policy, begun.get(_ARCHIVED)),
        cancelled=_day(policy, begun.get(CANCELLED)),
        held=next((one.used for one in clocks if one.clock == _TOTAL and one.unit == "working"), None),
        clocks=clocks,
        visits=tuple(_visits(case, policy)),
        notices=tuple(_notice(notice, policy) for notice in case.notices.values()),
        anomalies=tuple(_anomaly(one, case.explanations.get(one.key)) for one in told),
        rating=rating,
    )


def _day(policy: Policy, moment: datetime | None) -> date | None:
    return None if moment is None else policy.day(moment)


def _clock(clock: Clock, policy: Policy) -> ClockRecord:
    return ClockRecord(
        clock.id,
        clock.clock,
        clock.kind,
        clock.run,
        clock.limit,
        clock.unit,
        clock.state,
        policy.day(clock.started_at),
        _day(policy, clock.ended_at),
        clock.used if clock.state == "ended" else None,
        clock.over_on,
        clock.unknown_year,
    )


def _visits(case: Case, policy: Policy) -> Iterable[VisitRecord]:
    for task in case.tasks.values():
        first = next((form for form in task.submissions if form.outcome == "accepted"), None)
        if task.kind in INSPECTIONS and first is not None:
            yield VisitRecord(task.kind, policy.day(first.submitted_at), not first.failed)


def _notice(notice: Notice, policy: Policy) -> NoticeRecord:
    withdrawal = notice.withdrawal
    # What was withdrawn by itself was no defect; a notice that is withdrawn whole says so below.
    stands = [item for item in notice.items if item.state != "withdrawn" or notice.state == "withdrawn"]
    return NoticeRecord(
        notice.n,
        notice.stage,
        max((item.severity for item in stands), key=SEVERITY_RANK.__getitem__),
        len(stands),
        notice.round,
        notice.supplement_of is not None,
        policy.day(notice.issues[0].at) if notice.issues else None,
        _day(policy, notice.closed_at),
        None if withdrawal is None else _day(policy, withdrawal.confirmed_at),
        notice.heading.contractor.name,
    )


def _anomaly(one: Anomaly, explanation: Explanation | None) -> AnomalyRecord:
    return AnomalyRecord(
        one.key, one.monitor, one.code, one.watch, one.since, one.until, one.params, explanation
    )


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(CaseRecord)


def packed(record: CaseRecord) -> bytes:
    """The record as bytes, to be kept."""
    return _ENCODER.encode(record)


def unpacked(data: bytes) -> CaseRecord:
    """The record that was packed. Raises msgspec.ValidationError."""
    return _DECODER.decode(data)
