"""What an inspector could do on a day: open tasks, where they are, and when the customer wants somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from server.readmodel.layers import tasks_to_do
from server.routing.model import Call, Left
from server.services import Services
from server.workflow.customer import Wish
from server.workflow.model import Case, TaskKind
from server.workflow.policy import Policy
from sync.store import NotFound

#: What a task is worth on the route of a day: due, or asked for, that day; due soon; due; not due at all.
_WORTH = {"now": 8, "soon": 4, "due": 2, "open": 1}


@dataclass(frozen=True)
class Errand:
    """An open task with what is known of its case. Either it may be a call of the day, or it is `left`."""

    task: str
    row: dict[str, Any]
    call: Call | None = None
    left: Left | None = None


def errands(
    made: Services, organisation: str, name: str, day: date, policy: Policy
) -> tuple[list[Errand], bool]:
    """The open tasks of a person, those due first, as they stand for a day; and whether there are more than
    a route looks at."""
    limit = made.settings.route_tasks
    found = tasks_to_do(made.readmodel, organisation, name, limit=limit)
    cases: dict[str, Case | None] = {}
    made_of = []
    for row in found.rows:
        if row["case_id"] not in cases:
            cases[row["case_id"]] = _case(made, row["case_id"])
        case = cases[row["case_id"]]
        task = case.tasks.get(row["id"]) if case is not None else None
        if case is None or task is None or task.by_photos:
            continue  # the list lags behind, or nobody has to go
        made_of.append(_errand(row, task.id, task.kind, task.due, wish_about(case, task.id), day, policy))
    return made_of, found.more


def wish_about(case: Case, task_id: str) -> Wish | None:
    """The time that the customer asked for last."""
    about = (wish for wish in case.wishes.values() if wish.about == task_id)
    return max(about, key=lambda wish: (wish.wished_at, wish.id), default=None)


def _case(made: Services, case_id: str) -> Case | None:
    try:
        return made.cases.load(case_id).case
    except NotFound:
        return None


def _errand(
    row: dict[str, Any],
    task_id: str,
    kind: TaskKind,
    due: date | None,
    wish: Wish | None,
    day: date,
    policy: Policy,
) -> Errand:
    wished = None if wish is None else wish.at.astimezone(ZoneInfo(policy.timezone))
    if wished is not None and wished.date() > day:
        at = f"{wished:%Y-%m-%d %H:%M}"
        return Errand(task_id, row, left=Left(call=task_id, code="route_wished_later", params={"at": at}))
    asked = wished if wished is not None and wished.date() == day else None
    opens, closes = (None, None) if asked is None else _window(asked, policy)
    call = Call(
        id=task_id,
        lon=row["lon"],
        lat=row["lat"],
        stay_s=stay_minutes(policy, kind) * 60,
        weight=_worth(due, day, policy, asked=asked is not None),
        opens_s=opens,
        closes_s=closes,
    )
    return Errand(task_id, row, call=call)


def stay_minutes(policy: Policy, kind: TaskKind) -> int:
    """How long the work of a task takes on site."""
    return {
        "survey": policy.route_stay_survey_minutes,
        "intermediate": policy.route_stay_intermediate_minutes,
        "acceptance": policy.route_stay_acceptance_minutes,
        "reinspection": policy.route_stay_reinspection_minutes,
        "customer_inspection": policy.route_stay_customer_inspection_minutes,
    }[kind]


def _window(asked: datetime, policy: Policy) -> tuple[int, int]:
    at = (asked.hour * 60 + asked.minute) * 60
    return max(0, at - policy.route_wish_minutes * 60), at + policy.route_wish_minutes * 60


def _worth(due: date | None, day: date, policy: Policy, *, asked: bool) -> int:
    if asked or (due is not None and due <= day):
        return _WORTH["now"]
    if due is None:
        return _WORTH["open"]
    return _WORTH["soon" if due <= day + timedelta(days=policy.route_soon_days) else "due"]
