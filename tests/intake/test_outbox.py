"""Work of people who lost the case: kept, decided on by a manager, taken in or answered; never dropped."""

from __future__ import annotations

from typing import Any

import pytest

from sync.store import Forbidden
from tests.desk import Desk, photo_document, refused, unsent_document


def lost(desk: Desk) -> tuple[str, str]:
    """A case that `inspector` lost to `colleague` before sending anything."""
    case = desk.open_case()
    task = desk.assign(case)
    desk.patch(f"/cases/{case}/tasks/{task}", {"assignees": ["colleague"], "reason": "on leave"})
    return case, task


def send(desk: Desk, case: str, document: Any, *, unsent: str = "u-1", by: str = "inspector") -> None:
    database = desk.media(case) if str(document.get("_id")).startswith("photo:") else desk.forms(case)
    carried = {key: value for key, value in document.items() if key != "_attachments"}
    parcel = unsent_document(unsent, database, carried, by=by)
    if "_attachments" in document:
        parcel["_attachments"] = document["_attachments"]
    desk.write(by, desk.made.names.outbox(by), parcel)
    desk.intake()


def settle(desk: Desk, case: str, decision: str, *, unsent: str = "u-1") -> Any:
    answer = desk.post(
        f"/cases/{case}/quarantine/{unsent}/settle", {"decision": decision, "reason": "spoken to"}
    )
    desk.intake()
    return answer


def messages(desk: Desk, user: str = "inspector") -> set[str]:
    return {message["code"] for message in desk.inbox(user, "message:")}


def waiting(desk: Desk, case: str) -> list[str]:
    items = desk.get(f"/cases/{case}/quarantine")["items"]
    return [item["state"] for item in items]


def test_a_lost_assignment_ends_access_and_says_so(desk: Desk) -> None:
    case, task = lost(desk)
    with pytest.raises(Forbidden):
        desk.submit(case, task)
    [told] = desk.inbox("inspector", "assignment:")
    assert (told["active"], told["reason"]) == (False, "not_assigned")
    assert told["outbox"] == desk.made.names.outbox("inspector")
    assert "databases" not in told
    assert desk.get("/sync/session", by="inspector")["cases"] == []


def test_everybody_who_ever_held_the_case_is_told_and_may_still_hand_in(desk: Desk) -> None:
    """Given to A, then B, then C: B was never in an assignment event, and lost the case all the same."""
    desk.hire("third", "inspector")
    case, task = lost(desk)
    desk.patch(f"/cases/{case}/tasks/{task}", {"assignees": ["third"], "reason": "ill"})
    [told] = desk.inbox("colleague", "assignment:")
    assert told["active"] is False
    send(desk, case, desk.form(task, by="colleague"), by="colleague")
    assert waiting(desk, case) == ["waiting"]
    assert messages(desk, "colleague") == {"unsent_quarantined"}


def test_unsent_work_waits_for_the_manager_and_keeps_field_work_open(desk: Desk) -> None:
    case, task = lost(desk)
    send(desk, case, desk.form(task, PF_01=desk.answer("fail", note="rust")))
    [item] = desk.get(f"/cases/{case}/quarantine")["items"]
    assert (item["id"], item["by"], item["state"]) == ("u-1", "inspector", "waiting")
    assert item["summary"] == "submitted, 3 answers"
    shown = desk.get(f"/cases/{case}/quarantine/u-1")
    assert shown["document"]["answers"]["PF-01"]["note"] == "rust"
    assert messages(desk) == {"unsent_quarantined"}
    assert desk.task(case, task)["submissions"] == []
    gates = {gate["id"]: gate for gate in desk.get(f"/cases/{case}/gates")["gates"]}
    assert "quarantine:u-1" in gates["field-work-complete"]["refs"]


def test_accepted_work_counts_like_any_other(desk: Desk) -> None:
    case, task = lost(desk)
    send(desk, case, photo_document("p-1", task, "PH-01"), unsent="u-2")
    send(desk, case, desk.form(task, PF_01=desk.answer("fail", note="rust")))
    settle(desk, case, "accept", unsent="u-2")
    assert desk.document(desk.media(case), "photo-receipt:p-1")["status"] == "verified"
    settle(desk, case, "accept")
    found = desk.case(case)
    assert found.tasks[task].failed == ("PF-01",)
    assert found.tasks[task].submissions[-1].submitted_by == "inspector"
    assert waiting(desk, case) == ["taken", "taken"]
    assert messages(desk) == {"unsent_quarantined", "unsent_accepted"}


def test_rejected_work_changes_nothing_and_its_sender_is_told(desk: Desk) -> None:
    case, task = lost(desk)
    send(desk, case, desk.form(task, PF_01=desk.answer("fail", note="rust")))
    settle(desk, case, "reject")
    assert desk.task(case, task)["submissions"] == []
    assert messages(desk) == {"unsent_quarantined", "unsent_rejected"}
    [told] = [one for one in desk.inbox("inspector", "message:") if one["code"] == "unsent_rejected"]
    assert "spoken to" in told["text"]["en"]
    assert "spoken to" in told["text"]["zh-CN"]
    again = desk.ask(
        "POST", f"/cases/{case}/quarantine/u-1/settle", json={"decision": "accept", "reason": "x"}
    )
    refused(again, 409, "quarantine_settled")


@pytest.mark.parametrize("kind", ["hazard", "track", "signature"])
def test_every_kind_of_field_work_can_be_accepted(desk: Desk, kind: str) -> None:
    case, _ = lost(desk)
    at = desk.clock().isoformat()
    document = {"_id": f"{kind}:x-1", "type": kind, "schema": 1, "by": "inspector", "at": at}
    if kind == "hazard":
        document["description"] = "an open pit"
    send(desk, case, document)
    settle(desk, case, "accept")
    assert desk.document(desk.forms(case), f"{kind}:x-1")["by"] == "inspector"
    assert waiting(desk, case) == ["taken"]
    assert len(desk.case(case).hazards) == (kind == "hazard")


def test_a_branch_keeps_its_revision_where_the_tablet_kept_it(desk: Desk) -> None:
    """So that the same branch, pushed again by a tablet that has the case back, is no second submission."""
    case, task = lost(desk)
    ids = ["a" * 32, "b" * 32]
    document = {
        **desk.form(task),
        "_rev": f"2-{ids[0]}",
        "_revisions": {"start": 2, "ids": ids},
    }
    send(desk, case, document)
    settle(desk, case, "accept")
    assert desk.document(desk.forms(case), f"inspection:{task}")["_rev"] == f"2-{ids[0]}"


def test_a_form_of_a_stranger_in_the_case_is_set_aside_and_answered(desk: Desk) -> None:
    """Signed by somebody who is no assignee of this task but writes in the case."""
    case = desk.open_case()
    task = desk.assign(case)
    desk.assign(case, "colleague")
    rev = desk.submit(case, task, by="colleague")
    desk.intake()
    [item] = desk.get(f"/cases/{case}/quarantine")["items"]
    assert (item["by"], item["reason"], item["doc_rev"]) == ("colleague", "not_assigned", rev)
    [receipt] = desk.receipts(case, task)
    assert (receipt["status"], receipt["judged"], receipt["submitted_by"]) == ("returned", [rev], "colleague")
    assert messages(desk, "colleague") == {"unsent_quarantined"}
    shown = desk.get(f"/cases/{case}/quarantine/{item['id']}")
    assert shown["document"]["_rev"] == rev
    assert desk.task(case, task)["submissions"] == []
    settle(desk, case, "accept", unsent=item["id"])
    assert [one["submitted_by"] for one in desk.task(case, task)["submissions"]] == ["colleague"]
    assert messages(desk, "colleague") == {"unsent_quarantined", "unsent_accepted"}


def test_a_form_for_no_task_is_kept_and_answered(desk: Desk) -> None:
    case = desk.open_case()
    desk.assign(case)
    for tail in ("no-such-task", "x" * 100):
        desk.submit(case, tail)
    desk.intake()
    assert waiting(desk, case) == ["waiting", "waiting"]
    [receipt] = desk.receipts(case, "no-such-task")
    assert receipt["reasons"][0]["code"] == "task_unknown"


def test_a_form_for_a_cancelled_task_is_kept(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.assign(case)
    desk.post(f"/cases/{case}/tasks/{task}/cancel", {"reason": "twice"})
    desk.submit(case, task)
    desk.intake()
    [item] = desk.get(f"/cases/{case}/quarantine")["items"]
    assert (item["reason"], item["state"]) == ("task_cancelled", "waiting")


@pytest.mark.parametrize(
    ("database", "document"),
    [
        ("case-none", {"_id": "inspection:x"}),
        ("registry", {"_id": "inspection:x"}),
        ("", {"_id": "inspection:x"}),
        ("{forms}", {"_id": "case"}),
        ("{forms}", {"_id": "photo:x"}),
        ("{media}", {"_id": "inspection:x"}),
        ("{forms}", {"_id": "receipt:x:1"}),
        ("{forms}", {"_id": "hazard:"}),
        ("{forms}", {"_id": "hazard:a/b"}),
        ("{forms}", {"_id": "hazard:" + "x" * 101}),
    ],
)
def test_what_belongs_to_no_case_is_answered_and_stays(desk: Desk, database: str, document: Any) -> None:
    case, _ = lost(desk)
    names = {"{forms}": desk.forms(case), "{media}": desk.media(case)}
    parcel = unsent_document("u-1", names.get(database, database) or "none", document)
    desk.write("inspector", desk.made.names.outbox("inspector"), parcel)
    desk.intake()
    assert messages(desk) == {"unsent_no_case"}
    assert waiting(desk, case) == []
    assert desk.document(desk.made.names.outbox("inspector"), "unsent:u-1")["doc"] == document


def test_nobody_hands_work_to_a_case_they_never_had(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case, "colleague")
    send(desk, case, desk.form(task))
    assert waiting(desk, case) == []
    assert messages(desk) == {"unsent_no_case"}


@pytest.mark.parametrize(
    "changes",
    [
        {"answers": 7},
        {"answers": {"PH-01": {"value": "pass", "photos": 5}}},
        {"submitted": ["inspector"]},
        {"submitted": {"by": "x" * 300, "at": "now"}},
        {"submitted": None},
        {"status": {"odd": 1}},
        {"checklist": [1]},
        {"_rev": "not a revision", "_revisions": {"start": 1, "ids": ["not a revision"]}},
        {"_rev": "1-" + "x" * 200, "_revisions": {"start": 1, "ids": ["x" * 200]}},
        {"_rev": "9-aa", "_revisions": {"start": 3, "ids": ["aa"]}},
        {"_attachments": {"odd": {"data": "AA=="}}},
    ],
)
def test_no_parcel_however_odd_stops_intake(desk: Desk, changes: dict[str, Any]) -> None:
    """An outbox is not held to the rules of a form. Whatever a manager accepts, the others go on."""
    case, task = lost(desk)
    document = {**desk.form(task), **changes}
    database = desk.forms(case)
    desk.write("inspector", desk.made.names.outbox("inspector"), unsent_document("u-1", database, document))
    desk.intake()
    assert waiting(desk, case) == ["waiting"]
    settle(desk, case, "accept")
    assert waiting(desk, case)[0] in ("accepted", "taken")
    other = desk.form(task, by="colleague", photo="p-2")
    desk.graft("colleague", desk.forms(case), other, "cc")
    desk.intake()
    assert desk.task(case, task)["submissions"], "others are held up"


def test_what_cannot_be_brought_in_is_not_called_taken(desk: Desk) -> None:
    case, task = lost(desk)
    document = {**desk.form(task), "_unknown": True}
    database = desk.forms(case)
    desk.write("inspector", desk.made.names.outbox("inspector"), unsent_document("u-1", database, document))
    desk.intake()
    settle(desk, case, "accept")
    assert waiting(desk, case) == ["accepted"]
    gates = {gate["id"]: gate["status"] for gate in desk.get(f"/cases/{case}/gates")["gates"]}
    assert gates["field-work-complete"] == "unmet"
    settle(desk, case, "reject")
    assert waiting(desk, case) == ["rejected"]
