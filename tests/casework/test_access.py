"""Who may open a case's databases follows from the case, at once, and every inbox says so."""

from __future__ import annotations

from typing import Any

import pytest

from server.casework.access import access_to
from server.casework.inbox import holders
from server.workflow import commands
from tests.desk import Desk
from tests.workflow import builders
from tests.workflow.builders import accepted, item


def security(desk: Desk, case: str) -> list[dict[str, Any]]:
    return [desk.made.store.security(name) for name in (desk.forms(case), desk.media(case))]


@pytest.mark.parametrize(
    ("end", "writers"),
    [
        ("assigned", (builders.INSPECTOR.name, builders.COLLEAGUE.name)),
        ("accepted", (builders.INSPECTOR.name, builders.COLLEAGUE.name)),
        ("cancelled", ()),
    ],
)
def test_assignees_write_until_the_task_is_cancelled(end: str, writers: tuple[str, ...]) -> None:
    """After acceptance too: another tablet may still hold a failure."""
    desk = builders.Desk()
    desk.assign()
    if end == "accepted":
        desk.submit("t-acc", accepted(item("CT-01", "pass")))
    if end == "cancelled":
        desk.do(commands.CancelTask(task_id="t-acc", reason="twice"))
    access = access_to(desk.case)
    assert access.writers == tuple(sorted(writers))
    assert access.readers == (builders.MANAGER.name,)
    assert access.security("case").to_json()["hezha"] == {"kind": "case", "writers": sorted(writers)}


def test_everybody_who_was_ever_given_the_work_is_remembered() -> None:
    desk = builders.Desk()
    desk.assign("t-acc", "acceptance", "first")
    for name in ("second", "third"):
        desk.do(commands.Reassign(task_id="t-acc", assignees=(name,), reason="ill"))
    assert holders(desk.case) == {"first", "second", "third"}
    assert access_to(desk.case).writers == ("third",)


def test_a_revocation_is_in_the_databases_before_the_answer(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    for held in security(desk, case):
        assert held["members"]["names"] == ["inspector", "manager"]
        assert held["hezha"]["writers"] == ["inspector"]
    desk.patch(f"/cases/{case}/tasks/{task}", {"assignees": ["colleague"], "reason": "on leave"})
    for held in security(desk, case):
        assert held["members"]["names"] == ["colleague", "manager"]
        assert held["hezha"]["writers"] == ["colleague"]
    assert [told["active"] for told in desk.inbox("inspector", "assignment:")] == [False]
    assert [told["active"] for told in desk.inbox("colleague", "assignment:")] == [True]


def test_settling_again_writes_nothing(desk: Desk) -> None:
    case = desk.open_case()
    desk.assign(case)
    desk.made.cases.settle(case)
    names = [desk.forms(case), desk.media(case), "inbox-inspector"]
    before = [desk.made.store.info(name).update_seq for name in names]
    for _ in range(3):
        desk.made.cases.settle(case)
    assert [desk.made.store.info(name).update_seq for name in names] == before


def test_settling_mends_whatever_was_left_undone(desk: Desk) -> None:
    """A crash between the decision and what follows from it; the worker comes by."""
    case = desk.open_case()
    desk.assign(case)
    store = desk.made.store
    inbox = desk.made.names.inbox("inspector")
    told = store.get(inbox, f"assignment:{case}")
    store.put(inbox, {"_id": told["_id"], "_rev": told["_rev"], "_deleted": True})
    store.delete_database(desk.media(case))
    store.set_security(desk.forms(case), access_to(desk.case(case)).security("wrong"))
    desk.made.readmodel.clear()
    desk.intake()
    assert [held["hezha"]["kind"] for held in security(desk, case)] == ["case", "media"]
    assert [one["active"] for one in desk.inbox("inspector", "assignment:")] == [True]
    assert desk.get("/cases")["total"] == 1


def test_a_user_without_an_inbox_holds_nobody_up(desk: Desk) -> None:
    case = desk.open_case()
    desk.made.store.delete_database(desk.made.names.inbox("inspector"))
    desk.assign(case, "inspector", "colleague")
    assert [one["active"] for one in desk.inbox("colleague", "assignment:")] == [True]
