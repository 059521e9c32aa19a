"""Who may decide on a proposal, when he is reminded, and who may decide in his place.

Nobody decides on what he proposed himself, in whosever place.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from msgspec import Struct

from server.workflow.approvals.values import Absence, Approval, StandIn
from server.workflow.model import Actor
from server.workflow.workdays import Calendar, UnknownYear


class Escalation(Struct, frozen=True):
    """The days on which an approval is reminded of, and from which the substitute role may decide.

    None: the route names none, or nobody knows the holidays of that year.
    """

    remind_on: date | None
    substitute_from: date | None


def escalation(approval: Approval, proposed_on: date, calendar: Calendar) -> Escalation:
    """When an approval that was proposed on a day escalates."""
    if approval.route is None:
        return Escalation(None, None)
    days = (approval.route.remind_days, approval.route.substitute_days)
    return Escalation(*(_after(proposed_on, n, calendar) for n in days))


def _after(day: date, n: int, calendar: Calendar) -> date | None:
    try:
        return calendar.add(day, n)
    except UnknownYear:
        return None


def stand_in_for(
    approval: Approval,
    actor: Actor,
    today: date,
    *,
    absences: Iterable[Absence],
    substitute_from: date | None,
) -> StandIn | None:
    """By what right `actor` decides in somebody's place today; None: by his own, or not at all."""
    if decides_himself(approval, actor):
        return None
    for absence in absences:
        if (
            approval.approver is not None
            and (absence.person, absence.substitute) == (approval.approver, actor.name)
            and absence.since <= today <= absence.until
        ):
            return StandIn(
                why="absence",
                person=absence.person,
                since=absence.since,
                until=absence.until,
                absence=absence.id,
            )
    if substitute_from is not None and substitute_from <= today:
        return StandIn(why="late", person=approval.approver, since=substitute_from)
    return None


def decides_himself(approval: Approval, actor: Actor) -> bool:
    """Whether the proposal went to `actor`: to him by name, else to his role."""
    if approval.route is None or actor.name == approval.proposed_by:
        return False
    if approval.approver is not None:
        return actor.name == approval.approver
    return approval.route.role in actor.roles


def may_decide(approval: Approval, actor: Actor, stand_in: StandIn | None, today: date) -> bool:
    """Whether `actor` may decide today. `stand_in`: what the server found of his right to (`stand_in_for`).

    A stand-in has no more right than the one in whose place he is: who proposed it has none to give away.
    """
    if approval.route is None or actor.name == approval.proposed_by:
        return False
    if decides_himself(approval, actor):
        return True
    if stand_in is None or stand_in.since > today or (stand_in.until is not None and stand_in.until < today):
        return False
    if stand_in.why == "absence":
        return stand_in.person == approval.approver is not None and stand_in.person != approval.proposed_by
    return approval.route.substitute in actor.roles
