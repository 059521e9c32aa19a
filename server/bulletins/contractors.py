"""Defects by contractor 施工单位缺陷统计, for the utility's own eyes.

Shown to customers it would be a recommendation, and none may be given 三不指定: the rows stand in the
order of the names and carry no rank.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from msgspec import Struct

from server.bulletins.periods import Period
from server.bulletins.record import CaseRecord, NoticeRecord
from server.bulletins.values import Mean, Rate


class ContractorRow(Struct, frozen=True, kw_only=True):
    """What was found at a contractor's works. An empty name: notices that name none.

    `notices`, `defects` and `supplementary`: of notices issued in the period and not withdrawn; `cases`: that
    have such a notice. `first_round`: of those closed by its end, the ones that took a single round;
    `days_to_close`: calendar days from the issue to that.
    """

    contractor: str
    cases: int
    notices: int
    defects: int
    supplementary: int
    rounds: Mean
    first_round: Rate
    days_to_close: Mean


class Contractors(Struct, frozen=True, kw_only=True):
    """Every contractor of an organisation of whose works a notice was issued in a period."""

    period: str
    first: date
    last: date
    until: date
    organisation: str
    rows: tuple[ContractorRow, ...]


def by_contractor(
    records: Iterable[CaseRecord], period: Period, *, organisation: str, today: date
) -> Contractors:
    """What a period comes to by contractor, or what has passed of it by `today`."""
    until = min(period.last, today)
    found: dict[str, list[tuple[str, NoticeRecord]]] = {}
    for record in records:
        for notice in record.notices:
            issued = notice.issued is not None and period.first <= notice.issued <= until
            if issued and (notice.withdrawn is None or notice.withdrawn > until):
                found.setdefault(notice.contractor, []).append((record.id, notice))
    return Contractors(
        period=period.name,
        first=period.first,
        last=period.last,
        until=until,
        organisation=organisation,
        rows=tuple(_row(name, found[name], until) for name in sorted(found)),
    )


def _row(name: str, found: list[tuple[str, NoticeRecord]], until: date) -> ContractorRow:
    notices = [notice for _, notice in found]
    closed = [one for one in notices if one.closed is not None and one.closed <= until]
    days = [
        (one.closed - one.issued).days for one in closed if one.closed is not None and one.issued is not None
    ]
    once = sum(one.rounds == 1 for one in closed)
    return ContractorRow(
        contractor=name,
        cases=len({case for case, _ in found}),
        notices=len(notices),
        defects=sum(one.items for one in notices),
        supplementary=sum(one.supplement for one in notices),
        rounds=_mean([one.rounds for one in notices]),
        first_round=Rate(once, len(closed), once / len(closed) if closed else None),
        days_to_close=_mean(days),
    )


def _mean(numbers: list[int]) -> Mean:
    return Mean(len(numbers), sum(numbers) / len(numbers) if numbers else None)
