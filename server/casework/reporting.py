"""Bulletins and the ledger of an organisation, from the records that the read model keeps of its cases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from server.bulletins.contractors import Contractors, by_contractor
from server.bulletins.ledger import ledger
from server.bulletins.making import bulletin
from server.bulletins.outages import Outages
from server.bulletins.periods import Period
from server.bulletins.record import CaseRecord, unpacked
from server.bulletins.values import Bulletin, Ledger
from server.readmodel.database import ReadModel
from server.readmodel.queries import records_of
from server.workflow.inforce import InForce

__all__ = ["bulletin_of", "contractors_of", "ledger_of"]


def bulletin_of(
    model: ReadModel,
    organisation: str,
    period: Period,
    today: date,
    rules: InForce,
    outages: Outages | None = None,
) -> Bulletin:
    """The bulletin of a period that has begun by `today`, as it is told then."""
    return bulletin(
        _records(model, organisation, period.before.first, min(period.last, today)),
        period,
        organisation=organisation,
        today=today,
        policy=rules.on(today, organisation),
        calendar=rules.calendar(organisation),
        outages=outages,
    )


def ledger_of(model: ReadModel, organisation: str, period: Period, today: date, rules: InForce) -> Ledger:
    """The ledger of a month that has begun by `today`, as it is told then."""
    return ledger(
        _records(model, organisation, period.first, min(period.last, today)),
        period,
        organisation=organisation,
        today=today,
        policy=rules.on(today, organisation),
        calendar=rules.calendar(organisation),
    )


def contractors_of(model: ReadModel, organisation: str, period: Period, today: date) -> Contractors:
    """What a period that has begun by `today` comes to by contractor."""
    records = _records(model, organisation, period.first, min(period.last, today))
    return by_contractor(records, period, organisation=organisation, today=today)


def _records(model: ReadModel, organisation: str, first: date, last: date) -> Iterator[CaseRecord]:
    return map(unpacked, records_of(model, organisation, first.isoformat(), last.isoformat()))
