"""The managers' ledger: each case that was archived in a month, scored, and what is late of those at work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from server.bulletins.making import Telling, miss_order
from server.bulletins.periods import Period
from server.bulletins.record import AnomalyRecord, CaseRecord
from server.bulletins.values import Ledger, LedgerPage, Miss, Scored
from server.workflow.clocks.measure import KINDS
from server.workflow.policy import Policy
from server.workflow.workdays import Calendar

FULL = 100.0
#: The best that a customer can say.
_BEST_RATING = 5
#: What monitors tell of limits costs points by the kind of limit; the rest is counted as faults.
_LIMITS = "over_limit"


def ledger(
    records: Iterable[CaseRecord],
    period: Period,
    *,
    organisation: str,
    today: date,
    policy: Policy,
    calendar: Calendar,
) -> Ledger:
    """The ledger of a month, or of what has passed of it by `today`; arguments as those of `bulletin`."""
    until = min(period.last, today)
    telling = Telling(until, policy, calendar)
    scored: defaultdict[str, list[Scored]] = defaultdict(list)
    at_work: defaultdict[str, int] = defaultdict(int)
    misses: defaultdict[str, list[Miss]] = defaultdict(list)
    for record in records:
        if record.archived is not None and period.first <= record.archived <= until:
            scored[record.manager].append(score(record, policy, telling))
        elif record.opened <= until and (record.ended is None or record.ended > until):
            at_work[record.manager] += 1
            misses[record.manager] += (
                miss for miss in telling.misses(record, period.first) if miss.ended is None
            )
    pages = (
        _page(manager, scored[manager], at_work[manager], misses[manager]) for manager in {*scored, *at_work}
    )
    return Ledger(
        period=period.name,
        first=period.first,
        last=period.last,
        until=until,
        organisation=organisation,
        pages=tuple(sorted(pages, key=lambda page: (-(page.score or 0.0), page.manager))),
    )


def score(record: CaseRecord, policy: Policy, telling: Telling) -> Scored:
    """A finished case with its score. Only what the staff caused takes points away: what they admitted, what
    an audit did not excuse, and what nobody explained in time."""
    counting: list[AnomalyRecord] = []
    not_yet: list[AnomalyRecord] = []
    for one in record.anomalies:
        if one.code in _NO_FAULT or one.until is not None:
            continue
        said = telling.said(one, one.since)
        if said.standing == "staff" or (said.standing == "unexplained" and said.late):
            counting.append(one)
        elif said.standing != "excused":
            not_yet.append(one)
    points = {
        "category": float(getattr(policy, f"ledger_category_{record.process}")),
        "capacity": min(FULL, FULL * record.kva / policy.ledger_capacity_full_kva),
        "time": _time(record, policy, {one.key for one in counting}),
    }
    if record.rating is not None:
        points["rating"] = FULL * record.rating / _BEST_RATING
    weights = {name: getattr(policy, f"ledger_weight_{name}") for name in points}
    whole = sum(weights.values())
    mean = sum(points[name] * weights[name] for name in points) / whole if whole else 0.0
    faults = sum(one.monitor != _LIMITS for one in counting)
    assert record.archived is not None  # noqa: S101  (only finished cases are scored)
    return Scored(
        case_id=record.id,
        no=record.no,
        customer=record.customer,
        process=record.process,
        kva=record.kva,
        held=record.held,
        archived=record.archived,
        category=points["category"],
        capacity=round(points["capacity"], 2),
        time=points["time"],
        rating=points.get("rating"),
        faults=tuple(one.key for one in counting),
        open_faults=tuple(one.key for one in not_yet),
        score=round(max(0.0, mean - faults * policy.ledger_points_fault), 2),
    )


#: What is to be looked at, and nobody's fault by itself.
_NO_FAULT = {"due_soon", "limit_unknown"}


def _time(record: CaseRecord, policy: Policy, counting: set[str]) -> float:
    """Full points, less those for each limit that was passed and counts; never less than none."""
    lost: float = sum(
        getattr(policy, f"ledger_points_{kind}")
        for kind in KINDS
        for clock in record.clocks
        if clock.kind == kind and clock.key in counting
    )
    return max(0.0, FULL - lost)


def _page(manager: str, cases: list[Scored], at_work: int, misses: list[Miss]) -> LedgerPage:
    points = round(sum(case.score for case in cases), 2)
    return LedgerPage(
        manager=manager,
        cases=tuple(sorted(cases, key=lambda case: (case.archived, case.no))),
        kva=round(sum(case.kva for case in cases), 2),
        points=points,
        score=round(points / len(cases), 2) if cases else None,
        open=at_work,
        open_misses=tuple(sorted(misses, key=miss_order)),
    )
