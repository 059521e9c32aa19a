"""What became of the plans of an organisation: read from the store, reckoned by `scheduling.looking_back`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from server.casework.outages import Publishing
from server.scheduling.executions import Executions
from server.scheduling.looking_back import Past, Version, interruptions, outages_of
from server.scheduling.months import days_of
from server.scheduling.plans import PlanRecord
from server.workflow.policy import Policy


class LookingBack:
    """Reads the plans that were published and how their outages went; holds nothing of its own."""

    def __init__(self, publishing: Publishing, executions: Executions, policy: Policy) -> None:
        self._publishing = publishing
        self._executions = executions
        self._policy = policy

    def in_force(self, organisation: str, network: str | None = None) -> list[PlanRecord]:
        """The newest versions of all plans that were published, also of those given up later."""
        return [
            one
            for one in self._publishing.plans.all(organisation)
            if one.published_at is not None
            and one.state in ("published", "withdrawn")
            and one.network == (network or one.network)
        ]

    def versions(self, record: PlanRecord) -> list[Version]:
        """A plan in all its versions, oldest first."""
        return [
            Version(record=one, plan=plan, executions=self._executions.of(one))
            for one, plan in self._publishing.versions(record)
        ]

    def outages(self, record: PlanRecord) -> tuple[Past, ...]:
        """The outages of a plan in all its versions; of one that was given up only those before."""
        found = outages_of(self.versions(record))
        if record.given_up_at is None:
            return found
        until = self._policy.day(record.given_up_at)
        return tuple(one for one in found if one.execution is not None or one.day < until)

    def interruptions(self, records: Iterable[PlanRecord], last: date) -> list[dict[str, str]]:
        """The interruptions of the look-back that ends with a day."""
        since = last - timedelta(days=self._policy.outage_look_back_days - 1)
        near = [one for one in records if days_of(one.month)[1] >= since and days_of(one.month)[0] <= last]
        return interruptions((outage for one in near for outage in self.outages(one)), since, last)

    def before(self, organisation: str, network: str, month: str, *, but: str = "") -> list[dict[str, str]]:
        """What a plan of a month has to look back on: the interruptions of the network since the look-back
        that ends with its first day, in other plans than `but`. What is planned counts until it is known how
        it went."""
        first, last = days_of(month)
        since = first - timedelta(days=self._policy.outage_look_back_days)
        every = self.in_force(organisation, network)
        records = [one for one in every if one.id != but and days_of(one.month)[1] >= since]
        found = [outage for one in records for outage in self.outages(one)]
        return interruptions(found, since, last)
