"""When a case is over: nothing of it is left to be done, and what it needed may be put away."""

from __future__ import annotations

from datetime import datetime

from server.workflow.duties import duties
from server.workflow.inforce import InForce
from server.workflow.model import Case
from server.workflow.processes import process
from server.workflow.vocabulary import SETTLED_TASKS

__all__ = ["ended_at", "unfinished"]

#: Duties that outlive the last stage and still belong to it; a customer inspection comes again for ever.
_FOLLOWING = {"follow_up", "rating_action"}


def ended_at(case: Case) -> datetime | None:
    """Since when the case has stood in a stage that nothing follows; None while it goes on."""
    final = process(case.process).stages[case.stage].final
    return case.history[-1].begun if final and case.history else None


def unfinished(case: Case, now: datetime, rules: InForce) -> bool:
    """Whether something of a case that has ended is still to be done: a task, a notice (a hazard's, which may
    come late), work in quarantine, or the follow-up with the customer."""
    return (
        any(task.status not in SETTLED_TASKS for task in case.tasks.values())
        or any(notice.open for notice in case.notices.values())
        or any(one.state == "waiting" for one in case.quarantine.values())
        or any(duty.kind in _FOLLOWING for duty in duties(case, now, rules))
    )
