"""The demo month on the day that somebody looks: the town's network, its works agreed to, a plan asked for.

`outages.json` is a month of its own, June 2026. Here its days become those of the month to come, so that
there is still time to announce every outage. The plan is left queued: what worker starts first makes it.
"""

from __future__ import annotations

import calendar
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib import resources
from typing import Any

import msgspec

from server.outages.instance import Work
from server.outages.works import supplied_by
from server.scheduling import plans as stored
from server.scheduling.months import days_of, instance_of
from server.scheduling.networks import NetworkHead
from server.scheduling.picture import feeders_of
from server.scheduling.plans import Effort, PlanRecord
from server.scheduling.requests import Particulars, Request, WorkFunction, agree, request
from server.services import Services
from server.workflow.policy import listed
from server.workflow.workdays import UnknownYear

__all__ = ["CASES", "SCHEDULER", "Month", "moved", "seed_month"]

#: The month of the file, and how it writes its days into reasons.
_FIRST = date(2026, 6, 1)
_WRITTEN = re.compile(r"6 月 ([0-9]{1,2}) 日")
#: What in the file holds for its own month alone, and for any.
_OF_JUNE, _OF_ANY = "高考保电", "重要活动保电"
#: Works that cases of the demo wait for, by the case's number.
CASES: Mapping[str, str] = {"T-01": "YK-2026-0411", "T-05": "YK-2026-0387", "T-13": "YK-2026-0340"}

SCHEDULER = "scheduler1"
#: Who agrees for a function; for marketing somebody else than who asks.
_AGREE: Mapping[WorkFunction, str] = {
    "station": "station1",
    "maintenance": "scheduler2",
    "dispatch": "dispatcher1",
    "marketing": "manager2",
}
_SAFETY = "停电、验电、挂接地线，悬挂标示牌，装设遮栏"
_NOT_LIVE = "线间距离不足，不具备带电作业条件"
_ASSESSED = "已评估，可由带电作业班实施"
_PLAN = "plan-1"
#: Seconds; the demo month is solved to the end in one or two.
_SEARCH = 20.0


@dataclass(frozen=True)
class Month:
    """The month that the file's days are moved into."""

    first: date

    @property
    def name(self) -> str:
        return f"{self.first:%Y-%m}"

    def day(self, day: date) -> date:
        """A day of the file's month by its number, the last there is at most; another by its distance."""
        if (day.year, day.month) != (_FIRST.year, _FIRST.month):
            return self.first + (day - _FIRST)
        last = calendar.monthrange(self.first.year, self.first.month)[1]
        return self.first.replace(day=min(day.day, last))

    def words(self, words: str) -> str:
        """A reason with the month's own days in it."""

        def told(found: re.Match[str]) -> str:
            day = self.day(_FIRST.replace(day=int(found[1])))
            return f"{day.month} 月 {day.day} 日"

        return _WRITTEN.sub(told, words).replace(_OF_JUNE, _OF_ANY)


def following(today: date) -> Month:
    """The month after a day's."""
    return Month((today.replace(day=1) + timedelta(days=32)).replace(day=1))


def moved(value: Any, month: Month) -> Any:
    """What the file holds, with its days in another month."""
    match value:
        case dict():
            return {moved(name, month): moved(one, month) for name, one in value.items()}
        case list():
            return [moved(one, month) for one in value]
        case str():
            try:
                return str(month.day(date.fromisoformat(value)))
            except ValueError:
                return month.words(value)
    return value


def seed_month(made: Services, cases: Mapping[str, str], now: datetime) -> PlanRecord:
    """Import the network, have the works requested and agreed to, and queue the month's plan. `cases` are ids
    by number; `now` with the organisation's offset."""
    head = _import_network(made)
    month = following(now.date())
    document = moved(json.loads(_file("outages.json")), month)
    asked = [_requested(made, head, one, cases, now) for one in document["works"]]
    record, instance = _plan(made, head, month, document, asked, now)
    return made.plans.add(record, instance)


def _file(name: str) -> str:
    return (resources.files("server.demo") / name).read_text("utf-8")


def _import_network(made: Services) -> NetworkHead:
    from server.scheduling.surveying import Wanted, survey  # noqa: PLC0415  loads what geometry needs

    wanted = Wanted(format="geojson", max_features=made.settings.max_network_features)
    surveyed = survey(_file("network.json").encode(), wanted)
    return made.networks.add(made.settings.organisation, surveyed, by=SCHEDULER)


def _requested(
    made: Services, head: NetworkHead, work: dict[str, Any], cases: Mapping[str, str], now: datetime
) -> Request:
    """A work, requested by the case's manager or by the scheduler, to which everybody has agreed."""
    number = work["id"]
    case = cases[CASES[number]] if number in CASES else None
    by = SCHEDULER if case is None else "manager1"
    live = "live" in work
    asked = msgspec.convert({**work, "id": number.lower(), **_tied(work)}, Work)
    index = made.networks.index(head)
    feeders = feeders_of([asked], index.topology, index.fed)
    particulars = Particulars(
        type="short" if work.get("notice") == "short" else "planned",
        network=head.id,
        work=asked,
        no=number,
        cases=() if case is None else (case,),
        line=feeders.names[feeders.of[asked.id]],
        stretch=work["section"],
        content=work["name"],
        live_possible=live,
        live_reason=_ASSESSED if live else _NOT_LIVE,
        safety=_SAFETY,
    )
    needed = listed(made.cases.policy(head.organisation).work_approvals)
    known = request(
        number.lower(),
        head.organisation,
        particulars,
        by=by,
        at=now,
        needed=needed,
        feeders=supplied_by(asked, index.topology, index.fed),
    )
    for function, who in _AGREE.items():
        role = "manager" if function == "marketing" else "scheduler"
        known = agree(known, function, by=who, roles=(role,), at=now, needed=needed)
    return made.works.add(known)[0]


def _tied(work: Mapping[str, Any]) -> dict[str, list[str]]:
    ties = ("after", "with", "not_with", "same_crew")
    return {name: [one.lower() for one in work[name]] for name in ties if name in work}


def _plan(
    made: Services,
    head: NetworkHead,
    month: Month,
    document: Mapping[str, Any],
    asked: Iterable[Request],
    now: datetime,
) -> tuple[PlanRecord, bytes]:
    works = sorted(asked, key=lambda one: one.id)
    given = {name: document[name] for name in ("crews", "customers", "past")}
    days = {
        name: document["calendar"][name] for name in ("blackouts", "quiet", "operations", "operations_on")
    }
    policy = made.cases.policy(head.organisation)
    instance = instance_of(
        month.name,
        works,
        {**given, "calendar": days},
        rules={
            "planned_notice_days": policy.outage_notice_days,
            "short_notice_hours": policy.outage_short_notice_hours,
            "look_back_days": policy.outage_look_back_days,
            "interruptions": policy.outage_interruptions,
        },
        rest_days=_rest_days(made, head.organisation, month),
        published=now.replace(tzinfo=None),
        network=f"{head.id}@{head.version}",
    )
    encoded = msgspec.json.encode(instance, order="sorted")
    effort = Effort(seconds=min(_SEARCH, made.settings.plan_seconds), workers=made.settings.plan_workers)
    record = PlanRecord(
        id=_PLAN,
        organisation=head.organisation,
        month=month.name,
        network=head.id,
        version=head.version,
        works=tuple(one.id for one in works),
        digest=stored.digest_of(encoded),
        asked=stored.digest_of(encoded),
        effort=effort,
        state="queued",
        requested_by=SCHEDULER,
        requested_at=now,
    )
    return record, encoded


def _rest_days(made: Services, organisation: str, month: Month) -> list[date]:
    """Days off by the organisation's calendar; weekends of a year that was not announced yet."""
    working = made.cases.rules.calendar(organisation)
    first, last = days_of(month.name)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    try:
        return [day for day in days if not working.works(day)]
    except UnknownYear:
        return [day for day in days if day.isoweekday() in (6, 7)]
