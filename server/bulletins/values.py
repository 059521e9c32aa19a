"""What a bulletin and a ledger tell. Days are calendar dates; rates are shares of one; capacities kVA."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from msgspec import Struct

from server.bulletins.outages import Outages
from server.bulletins.periods import PeriodKind
from server.workflow.clocks.tables import ClockKind, Unit
from server.workflow.explanations import Standing
from server.workflow.model import ProcessName
from server.workflow.monitors import AnomalyCode, MonitorName

GroupBy = Literal["county", "station", "manager"]


class Rate(Struct, frozen=True):
    """`hit` of `of`; `rate` is None where there was nothing to be counted."""

    hit: int
    of: int
    rate: float | None


class Mean(Struct, frozen=True):
    """The mean of `n` numbers; None of none."""

    n: int
    mean: float | None


class Kpis(Struct, frozen=True, kw_only=True):
    """The figures of a period 指标, DOMAIN 3.3 and 3.4.

    `met` 时限达标率: of the cases archived in it, those that kept every limit of a kind; of which nobody can
    say are left out. `connection_days` 平均接电时间: working days that the utility held a case, and
    `calendar_days` all days, from the application to the energization, over the cases energized in it.
    `first_pass` 一次通过率: inspections at which nothing failed. `rounds`: rounds of notices for each case
    whose last notice was closed in it; `days_to_close`: calendar days from the issue of a notice to its end.
    `supplementary`: notices that told of what an earlier one should have told. `overdue_connections`
    装表接电超期率: connections that ended in it late or were late at its end, of all that ended or were open.
    `late_open`: cases that were beyond a limit at its end.
    """

    opened: int
    replied: int
    energized: int
    archived: int
    cancelled: int
    open: int
    met: Mapping[ClockKind, Rate]
    late_open: Mapping[ClockKind, int]
    connection_days: Mean
    calendar_days: Mean
    first_pass: Rate
    first_pass_intermediate: Rate
    rounds: Mean
    days_to_close: Mean
    notices_issued: int
    notices_closed: int
    notices_open: int
    supplementary: Rate
    overdue_connections: Mapping[ClockKind, Rate]
    rating: Mean


class StageLine(Struct, frozen=True, kw_only=True):
    """One clock of a kind: the runs that ended in the period, how many were late and what they took on
    average; those open at its end, and how many of them were late."""

    clock: str
    kind: ClockKind
    unit: Unit
    ended: int
    late: int
    mean_used: float | None
    open: int
    open_late: int


class Group(Struct, frozen=True, kw_only=True):
    """The figures of one county, station or manager; `rank` among its peers, 1 the best, by the share of
    internal limits kept, then by the mean days to connect; None where nothing can be compared."""

    by: GroupBy
    name: str
    rank: int | None
    kpis: Kpis


class Said(Struct, frozen=True, kw_only=True):
    """How somebody explained something, and what the audit found."""

    standing: Standing
    reason: str = ""
    words: str = ""
    by: str = ""
    audit: str = ""
    audited_by: str = ""
    audit_words: str = ""
    late: bool = False


class Miss(Struct, frozen=True, kw_only=True):
    """A limit that was passed in the period, or before it and still at its end. `used` once it had ended."""

    case_id: str
    no: str
    customer: str
    manager: str
    county: str
    station: str
    stage: str
    clock: str
    kind: ClockKind
    run: int
    limit: int
    unit: Unit
    over_on: date
    ended: date | None
    used: int | None
    anomaly: str
    said: Said


class WatchRow(Struct, frozen=True, kw_only=True):
    """Something to be looked at on the period's last day."""

    case_id: str
    no: str
    customer: str
    manager: str
    station: str
    monitor: MonitorName
    code: AnomalyCode
    since: date
    params: Mapping[str, Any]
    anomaly: str
    said: Said


class WatchList(Struct, frozen=True, kw_only=True):
    """What one of the three levels of watch 三级监控 has to look at, the oldest first."""

    watch: int
    rows: tuple[WatchRow, ...]


class AnomalyLine(Struct, frozen=True, kw_only=True):
    """How often a monitor told of one thing in the period, and what became of that. `late`: not explained
    in the working days that the settings give."""

    monitor: MonitorName
    code: AnomalyCode
    arisen: int
    unexplained: int
    late: int
    waiting: int
    staff: int
    excused: int


class Bulletin(Struct, frozen=True, kw_only=True):
    """A bulletin 通报: weekly on time limits, monthly on work quality, quarterly for comparison.

    It tells what was known when it was made: `until` is the last day it looks at. `before`: the figures of
    the period before. What a kind of bulletin does not tell is empty; `outages` is None of a week, for plans
    are of months.
    """

    kind: PeriodKind
    period: str
    first: date
    last: date
    until: date
    organisation: str
    totals: Kpis
    before: Kpis | None
    stages: tuple[StageLine, ...]
    groups: tuple[Group, ...]
    anomalies: tuple[AnomalyLine, ...]
    watch: tuple[WatchList, ...]
    misses: tuple[Miss, ...]
    outages: Outages | None = None


class Scored(Struct, frozen=True, kw_only=True):
    """A finished case with its score, 0 to 100, and what that was made of.

    `category`, `capacity`, `time`, `rating`: points of 100 each; None for a rating that nobody gave, whose
    weight then falls to the others. `faults`: the keys of anomalies that the staff caused, `open_faults` of
    those that nobody has explained, or whose explanation was not audited, and which do not count yet.
    """

    case_id: str
    no: str
    customer: str
    process: ProcessName
    kva: float
    held: int | None
    archived: date
    category: float
    capacity: float
    time: float
    rating: float | None
    faults: tuple[str, ...]
    open_faults: tuple[str, ...]
    score: float


class LedgerPage(Struct, frozen=True, kw_only=True):
    """One manager's month. `points` is the sum of all scores, `score` their mean. `open_misses`: limits of
    cases at work that are passed at its end: what the review has to follow up."""

    manager: str
    cases: tuple[Scored, ...]
    kva: float
    points: float
    score: float | None
    open: int
    open_misses: tuple[Miss, ...]


class Ledger(Struct, frozen=True, kw_only=True):
    """The managers' ledger of a month 客户经理台账, the highest mean first."""

    period: str
    first: date
    last: date
    until: date
    organisation: str
    pages: tuple[LedgerPage, ...]
