"""What became of the plans of an organisation: read from the store, reckoned by `scheduling.looking_back`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import msgspec

from server.casework.outages import Publishing
from server.scheduling.announcing import Terms, due_notices
from server.scheduling.executions import Executions
from server.scheduling.figures import MonthOf
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

    @property
    def look_back_days(self) -> int:
        """How many days a section's interruptions are looked back on."""
        return self._policy.outage_look_back_days

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

    def months(self, records: Iterable[PlanRecord], today: date) -> list[MonthOf]:
        """Plans with all that figures are reckoned of. `today` says which notices are late."""
        return [self._month(record, today) for record in records]

    def _month(self, record: PlanRecord, today: date) -> MonthOf:
        versions = self.versions(record)
        works = {work["id"]: work for one in versions for work in self._asked(one.record)["works"]}
        told = due_notices([(one.record, one.plan) for one in versions], self.terms(today))
        return MonthOf(versions=versions, outages=self.outages(record), notices=told, works=works)

    def terms(self, today: date) -> Terms:
        """When announcements are due."""
        return Terms(today=today, day_of=self._policy.day, short_hours=self._policy.outage_short_notice_hours)

    def budget(self, records: Iterable[PlanRecord]) -> float | None:
        """The customer-hours that plans are bound to, together; None if one is to none, and of no plan."""
        budgets = [self._asked(one).get("rules", {}).get("budget_hours") for one in records]
        return sum(budgets) if budgets and None not in budgets else None

    def interrupted(
        self, records: Iterable[PlanRecord], first: date, last: date
    ) -> dict[tuple[str, str], list[date]]:
        """By network and section the days on which it was interrupted, from the first day of a period, or of
        the look-back that ends with it where that is earlier, to its last."""
        since = min(first, last - timedelta(days=self.look_back_days - 1))
        found: dict[tuple[str, str], set[date]] = {}
        for one in records:
            if days_of(one.month)[1] >= since and days_of(one.month)[0] <= last:
                for told in interruptions(self.outages(one), since, last):
                    days = found.setdefault((one.network, told["section"]), set())
                    days.add(date.fromisoformat(told["date"]))
        return {about: sorted(days) for about, days in sorted(found.items())}

    def _asked(self, record: PlanRecord) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self._publishing.plans.instance(record))
        return found

    def before(self, organisation: str, network: str, month: str, *, but: str = "") -> list[dict[str, str]]:
        """What a plan of a month has to look back on: the interruptions of the network since the look-back
        that ends with its first day, in other plans than `but`. What is planned counts until it is known how
        it went."""
        first, last = days_of(month)
        since = first - timedelta(days=self.look_back_days)
        every = self.in_force(organisation, network)
        records = [one for one in every if one.id != but and days_of(one.month)[1] >= since]
        found = [outage for one in records for outage in self.outages(one)]
        return interruptions(found, since, last)
