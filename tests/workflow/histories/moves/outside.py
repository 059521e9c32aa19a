"""What customers do through their link, and what monitors are told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from server.workflow import commands as c
from server.workflow.model import ChecklistRef
from tests.workflow.builders import ADMIN, CHECKLIST, COLLEAGUE, CUSTOMER, DEPUTY, INSPECTOR, MANAGER
from tests.workflow.histories.history import FIELD, History
from tests.workflow.histories.moves.fieldwork import outcome

_LINKS = ("l-1", "l-2")


def issue_link(h: History) -> None:
    h.give(c.IssueLink(link_id=h.pick(_LINKS), to="Mr Ke"))


def revoke_link(h: History) -> None:
    h.give(c.RevokeLink(link_id=h.pick(_LINKS), reason="lost"))


def wish(h: History) -> None:
    about = h.pick(["energization", h.some_task()])
    at = h.desk.now + timedelta(days=h.pick([-1, 3, 5]))
    h.give(c.WishAppointment(wish_id=f"w-{h.random.randint(1, 3)}", about=about, at=at), CUSTOMER, MANAGER)


def explain(h: History) -> None:
    """Of a field visit that one person made: assigned so first, for there to be one."""
    task = h.pick(["t-1", "t-2"])
    h.give(
        c.AssignTask(task_id=task, kind="survey", checklist=CHECKLIST, assignees=(INSPECTOR.name,)),
        MANAGER,
    )
    reason = h.pick(["customer_wish", "device_fault", "staff_alone", "nonsense"])
    h.give(c.ExplainAnomaly(anomaly=f"visit_alone task:{task}", reason=reason, words="he asked for it"))


def audit_explanation(h: History) -> None:
    known = sorted(h.case.explanations) or ["visit_alone task:t-1"]
    accept = h.chance()
    command = c.AuditExplanation(anomaly=h.pick(known), accept=accept, words="looked at the letter")
    h.give(command, DEPUTY, ADMIN, MANAGER)


def explain_and_audit(h: History) -> None:
    explain(h)
    audit_explanation(h)


def inspect_customer(h: History) -> None:
    """Plan, and then do, or call off; before energization it is refused."""
    inspection = f"ci-{h.random.randint(1, 3)}"
    day = (h.desk.now + timedelta(days=h.pick([-3, 2, 30]))).date()
    checklist = h.pick([None, ChecklistRef("customer-inspection-hv", 1)])
    h.give(
        c.PlanCustomerInspection(
            inspection_id=inspection, planned_on=day, assignees=(INSPECTOR.name,), checklist=checklist
        ),
        MANAGER,
    )
    task = h.case.tasks.get(inspection)
    if task is not None and h.chance():
        h.hand_in(task, outcome(h, "CF-01", "CX-04"), h.pick(FIELD))
    elif h.chance():
        h.give(
            c.RecordCustomerInspection(
                inspection_id=inspection,
                dated=h.pick([h.desk.now, h.moment()]),
                inspectors=(INSPECTOR.name, COLLEAGUE.name),
                evidence="sheet 4",
            ),
            MANAGER,
        )
    else:
        h.give(c.CancelCustomerInspection(inspection_id=inspection, reason="nobody there"), MANAGER)


def rate(h: History) -> None:
    rating = f"ra-{h.random.randint(1, 3)}"
    score: Any = h.random.randint(1, 5)
    h.give(c.RateService(rating_id=rating, score=score, words="as it was"))
    h.give(c.RecordRatingAction(rating_id=rating, text="called back"), MANAGER, DEPUTY)


MOVES = [inspect_customer, rate, issue_link, revoke_link, wish, explain, audit_explanation, explain_and_audit]
