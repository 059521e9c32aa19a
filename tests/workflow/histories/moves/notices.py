"""Notices: completed, issued, delivered, disputed, answered, re-inspected, withdrawn, out of any order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from server.workflow import commands as c
from server.workflow.escalation import due_steps
from server.workflow.model import PhotoRef
from server.workflow.rectification import Heading
from tests.workflow.builders import CUSTOMER, INSPECTOR, INTAKE, MANAGER
from tests.workflow.histories.history import FIELD, History
from tests.workflow.histories.moves.cases import OFFICE
from tests.workflow.histories.moves.fieldwork import SEVERITIES, outcome


def issue(h: History) -> None:
    h.give(c.IssueNotice(n=h.some_notice()), *OFFICE)


def answer(h: History) -> None:
    n = h.some_notice()
    notice = h.case.notices.get(n)
    codes = [one.code for one in notice.items if one.state == "open"] if notice else ["A"]
    verified = h.chance()
    photo = PhotoRef(f"p-{n}-{verified}", None, verified)
    items = {code: c.AnsweredItem("done", (photo,)) for code in codes}
    h.give(c.AnswerNotice(n=n, items=items, answered_by="customer"), CUSTOMER, MANAGER, INSPECTOR)


def reinspect(h: History) -> None:
    n = h.some_notice()
    h.give(c.ScheduleReinspection(n=n, task_id=f"r-{n}-{len(h.case.tasks)}", assignees=h.people()), *OFFICE)


def finish_reinspection(h: History) -> None:
    """A re-inspection, or a late branch of one, that answers exactly what was asked."""
    notice = h.case.notices.get(h.some_notice())
    if notice is not None and notice.reinspections:
        task = h.case.tasks[notice.reinspections[-1]]
        h.hand_in(task, outcome(h, *(task.items or ())), h.pick(FIELD))


def some_items(h: History, n: int) -> tuple[str, ...]:
    """Items of a notice, or none for all of it."""
    notice = h.case.notices.get(n)
    if notice is None or h.chance():
        return ()
    codes = [one.code for one in notice.items]
    return tuple(h.random.sample(codes, h.random.randint(1, len(codes))))


def propose_withdrawal(h: History) -> None:
    n = h.some_notice()
    h.give(c.ProposeWithdrawal(n=n, reason="error", items=some_items(h, n)), *OFFICE)


def confirm_withdrawal(h: History) -> None:
    h.give(c.ConfirmWithdrawal(n=h.some_notice()), *OFFICE)


def withdraw(h: History) -> None:
    n = h.some_notice()
    h.give(c.ProposeWithdrawal(n=n, reason="error", items=some_items(h, n)), *OFFICE)
    h.give(c.ConfirmWithdrawal(n=n), *OFFICE)


def reject_withdrawal(h: History) -> None:
    h.give(c.RejectWithdrawal(n=h.some_notice(), reason="no error"), *OFFICE)


def amend(h: History) -> None:
    n = h.some_notice()
    notice = h.case.notices.get(n)
    due = {notice.items[0].code: h.moment().date()} if notice and notice.items and h.chance(0.3) else {}
    heading = Heading(weather=h.pick(["rain", "sun"]))
    h.give(c.AmendNotice(n=n, heading=heading, due=due, reason="as agreed"), *OFFICE)


def cosign(h: History) -> None:
    h.give(c.CosignNotice(n=h.some_notice()))


def deliver(h: History) -> None:
    mode: Any = h.pick(["on_site", "counter", "post", "electronic", "left"])
    at = h.pick([None, h.moment(), h.desk.now])
    command = c.DeliverNotice(n=h.some_notice(), mode=mode, received_by="Mr Lu", at=at, evidence="RN 12")
    h.give(command, MANAGER, CUSTOMER)


def accept(h: History) -> None:
    h.give(c.AcceptNotice(n=h.some_notice(), accepted_by="Mr Lu"), MANAGER, CUSTOMER)


def dispute(h: History) -> None:
    n = h.some_notice()
    notice = h.case.notices.get(n)
    codes = tuple(one.code for one in notice.items) if notice else ("A",)
    codes = codes[: h.random.randint(1, len(codes))]
    h.give(c.DisputeNotice(n=n, items=codes, reason="built as drawn", disputed_by="Mr Lu"), MANAGER, CUSTOMER)


def settle_dispute(h: History) -> None:
    n = h.some_notice()
    notice = h.case.notices.get(n)
    decision: Any = h.pick(["uphold", "regrade", "withdraw"])
    regraded = {one.code: h.pick(SEVERITIES) for one in notice.items} if notice else {}
    severities = regraded if decision == "regrade" else {}
    h.give(c.SettleDispute(n=n, decision=decision, reason="the drawing says", severities=severities))


def state_dates(h: History) -> None:
    n = h.some_notice()
    notice = h.case.notices.get(n)
    day = (h.desk.now + timedelta(days=h.pick([3, 20]))).date()
    dates = {one.code: day for one in notice.items if one.severity == "critical"} if notice else {}
    if dates:
        h.give(c.StateDates(n=n, dates=dates, stated_by="Mr Lu"), MANAGER, CUSTOMER)


def extend(h: History) -> None:
    n = h.some_notice()
    notice = h.case.notices.get(n)
    if notice and notice.items:
        due = notice.items[0].due or h.desk.policy.day(h.desk.now)
        day = due + timedelta(days=h.pick([1, 3, 90]))
        h.give(c.ExtendDeadlines(n=n, due={notice.items[0].code: day}, reason="material is late"), MANAGER)


def remind(h: History) -> None:
    """Days pass, and every step of escalation that is due is told, now and then by somebody else."""
    h.desk.now += timedelta(days=h.pick([0, 5, 20]))
    for n, notice in sorted(h.case.notices.items()):
        for step in due_steps(notice, h.desk.policy.day(h.desk.now), h.desk.policy):
            command = c.RecordReminder(n=n, round=step.round, step=step.step, due=step.due)
            h.give(command, INTAKE, INTAKE, MANAGER)


def cover(h: History) -> None:
    """Hidden works were covered unseen; specialists meet over it, sooner or later."""
    n = h.some_notice()
    notice = h.case.notices.get(n)
    code = notice.items[0].code if notice else "A"
    h.give(c.MarkCovered(n=n, item=code, reason="found filled in"), MANAGER, INSPECTOR)
    meet(h)


def meet(h: History) -> None:
    decision: Any = h.pick(["open_up", "stop_cover", "rework"])
    h.give(
        c.RecordSpecialists(
            n=h.some_notice(),
            held=h.pick([h.desk.now, h.moment()]),
            participants=(MANAGER.name, INSPECTOR.name, "a third"),
            decision=decision,
            minutes="to be opened",
        ),
        MANAGER,
    )


def hear_the_customer(h: History) -> None:
    """A notice that reached the customer, and what he says of it."""
    n = h.some_notice()
    h.give(c.IssueNotice(n=n), *OFFICE)
    h.give(c.DeliverNotice(n=n, mode="on_site", received_by="Mr Lu"), MANAGER)
    h.pick([accept, dispute, dispute_and_settle, extend, state_dates, remind])(h)


def dispute_and_settle(h: History) -> None:
    dispute(h)
    settle_dispute(h)


MOVES = [issue, issue, answer, answer, reinspect, finish_reinspection, finish_reinspection]
MOVES += [propose_withdrawal, confirm_withdrawal, withdraw, reject_withdrawal, amend, cosign, deliver]
MOVES += [accept, dispute, settle_dispute, state_dates, extend, hear_the_customer, hear_the_customer]
MOVES += [remind, cover, meet]
