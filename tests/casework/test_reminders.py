"""Deadlines: the worker finds them, has each step recorded once, and inboxes tell whom it concerns."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from server.casework.reminders import Reminders, keep_reminding, tell_of_reminders
from server.readmodel.deadlines import cases_with_notices_due
from server.workflow.commands import IssueNotice, ReportHazard
from server.workflow.inforce import InForce
from server.workflow.model import Actor, ChecklistRef, Text
from tests.desk import Clock, Desk, policies

HAZARD = ReportHazard(
    hazard_id="h-1",
    description="an open cable pit",
    at=Clock().now,
    by="inspector",
    checklist=ChecklistRef("hazard-recheck", 1),
    text=Text("隐患", "hazard"),
    severity="major",
)


def issued(desk: Desk) -> str:
    """A case with a notice out since today, due in fifteen days."""
    case = desk.open_case()
    desk.made.cases.apply(case, HAZARD, Actor("hezha", ("system",)))
    desk.made.cases.apply(case, IssueNotice(n=1), Actor("manager", ("manager",)))
    return case


def messages(desk: Desk, user: str) -> list[tuple[str, str]]:
    return sorted((one["code"], one["params"]["due"]) for one in desk.inbox(user, "message:"))


def test_each_step_reaches_whom_it_is_for_once(desk: Desk) -> None:
    case = issued(desk)
    reminders = Reminders(desk.made)
    assert reminders.run_once() == 0
    desk.clock.forward(days=12)
    assert reminders.run_once() == 1, "the word before goes to the customer and the contractor"
    assert messages(desk, "manager") == []
    assert [entry.data["to"] for entry in desk.case(case).log[-1:]] == [["customer", "contractor"]]
    desk.clock.forward(days=4)
    assert (reminders.run_once(), reminders.run_once()) == (1, 0)
    assert messages(desk, "manager") == [("notice_reminder_manager", "2026-11-17")]
    desk.clock.forward(days=2)
    assert reminders.run_once() == 1
    assert messages(desk, "admin") == [("notice_reminder_head", "2026-11-17")]
    desk.clock.forward(days=4)
    assert reminders.run_once() == 1
    assert [code for code, _ in messages(desk, "manager")] == [
        "notice_reminder_manager",
        "notice_reminder_waiting",
    ]
    words = desk.inbox("manager", "message:")[0]["text"]
    assert set(words) == {"zh-CN", "en"}
    assert "{" not in words["en"] + words["zh-CN"]
    assert desk.get(f"/cases/{case}/clocks")["pauses"][0]["side"] == "WC"


def test_a_message_that_was_not_written_is_written_the_next_time(desk: Desk) -> None:
    case = issued(desk)
    desk.clock.forward(days=16)
    Reminders(desk.made).run_once()
    [message] = desk.inbox("manager", "message:")
    store, inbox = desk.made.store, desk.made.names.inbox("manager")
    tell_of_reminders(store, desk.made.names, desk.case(case))
    assert desk.inbox("manager", "message:") == [message], "told again, it is the same"
    store.put(inbox, {"_id": message["_id"], "_rev": message["_rev"], "_deleted": True})
    desk.made.cases.settle(case)
    assert [one["_id"] for one in desk.inbox("manager", "message:")] == [message["_id"]]


def test_an_organisation_names_the_head_of_its_centre(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.hire("chief", "manager")
    own = policies().with_overrides([{"key": "centre_head", "from": "2026-01-01", "value": "chief"}])
    monkeypatch.setattr(desk.made.cases, "rules", InForce(own))
    issued(desk)
    desk.clock.forward(days=18)
    Reminders(desk.made).run_once()
    assert [code for code, _ in messages(desk, "chief")] == ["notice_reminder_head"]
    assert messages(desk, "admin") == []


def test_only_cases_with_a_notice_out_are_looked_at(desk: Desk) -> None:
    case = issued(desk)
    desk.open_case()
    model = desk.made.readmodel
    assert cases_with_notices_due(model, "2026-11-17") == [case]
    assert cases_with_notices_due(model, "2026-11-16") == []
    body = {"items": {"HZ-01": {"text": "closed"}}, "answered_by": "Red Maple"}
    desk.post(f"/cases/{case}/notices/1/answer", body)
    assert cases_with_notices_due(model, "2026-12-31") == []


def test_a_case_that_cannot_be_read_holds_up_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = sorted((issued(desk), issued(desk)))
    desk.clock.forward(days=12)
    reminders = Reminders(desk.made)
    real = reminders.remind

    def remind(case_id: str) -> int:
        if case_id == first:
            raise ValueError("unreadable")
        return real(case_id)

    monkeypatch.setattr(reminders, "remind", remind)
    assert reminders.run_once() == 1
    assert desk.case(second).notices[1].reminders


def test_the_worker_looks_until_it_is_told_to_stop(desk: Desk) -> None:
    stop, looked = threading.Event(), []

    class Once(Reminders):
        def run_once(self, stop: threading.Event | None = None) -> int:
            looked.append(True)
            if len(looked) == 2:
                assert stop is not None
                stop.set()
                raise ValueError("the store is away")
            return 1

    keep_reminding(Once(replace(desk.made)), stop, 0.0)
    assert len(looked) == 2
