"""Forms, photos and hazards on their way from the tablet into the case, and the answers they get."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from server.casework.cases import Loaded
from server.intake.receipts import receipt_document
from server.intake.worker import make_follower, make_intake
from server.workflow import commands
from server.workflow.model import CodedReason
from sync.store import NotFound
from tests.desk import FAR_AWAY, ON_SITE, Desk, photo_document


def statuses(desk: Desk, case: str, task: str) -> list[str]:
    return [receipt["status"] for receipt in desk.receipts(case, task)]


def form(desk: Desk, case: str, task: str) -> dict[str, Any]:
    return desk.document(desk.forms(case), f"inspection:{task}")


def test_a_form_waits_for_its_photo_and_is_then_accepted(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.submit(case, task)
    desk.intake()
    first = desk.receipts(case, task)
    assert [(one["status"], one["missing_photos"]) for one in first] == [("awaiting_photos", ["p-1"])]
    assert desk.task(case, task)["status"] == "awaiting_photos"

    desk.shoot(case, task)
    desk.intake()
    receipt = desk.document(desk.media(case), "photo-receipt:p-1")
    assert (receipt["status"], receipt["reasons"], receipt["format"]) == ("verified", [], "JPEG")
    assert statuses(desk, case, task) == ["awaiting_photos", "accepted"]
    assert desk.task(case, task)["status"] == "accepted"
    assert desk.get(f"/cases/{case}/notices")["items"] == []


def test_a_photo_that_comes_before_its_form_is_waited_for_no_more(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.shoot(case, task)
    desk.intake()
    desk.submit(case, task)
    desk.intake()
    assert statuses(desk, case, task) == ["accepted"]


def test_a_draft_is_nobodys_business_yet(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.submit(case, task, status="draft")
    desk.intake()
    assert desk.receipts(case, task) == []
    assert desk.task(case, task)["status"] == "assigned"


def test_failures_become_one_notice_with_the_items_words(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.shoot(case, task)
    desk.intake()
    desk.submit(case, task, PF_01=desk.answer("fail", note="rust"), NR_01=desk.answer(9.0))
    desk.intake()
    [notice] = desk.get(f"/cases/{case}/notices")["items"]
    assert (notice["state"], notice["stage"], notice["task_id"]) == ("draft", "acceptance", task)
    assert {item["result"]["code"]: item["result"]["note"] for item in notice["items"]} == {
        "PF-01": "rust",
        "NR-01": "",
    }
    assert desk.receipts(case, task)[0]["failed"] == ["PF-01", "NR-01"]


def test_a_returned_form_is_open_again_and_says_why_in_both_languages(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.submit(case, task, PF_01=desk.answer("fail"))
    desk.intake()
    [receipt] = desk.receipts(case, task)
    assert receipt["status"] == "returned"
    [reason] = receipt["reasons"]
    assert (reason["item"], reason["code"]) == ("PF-01", "missing_note")
    assert set(reason["text"]) == {"zh-CN", "en"}
    assert all(words and words != "missing_note" for words in reason["text"].values())

    again = form(desk, case, task)
    assert again["status"] == "returned"
    assert again["returned"]["receipt"] == receipt["_id"]
    assert again["answers"]["PF-01"]["value"] == "fail"
    again["answers"]["PF-01"]["note"] = "rust"
    again["status"] = "submitted"
    desk.shoot(case, task)
    desk.intake()
    desk.write("inspector", desk.forms(case), again)
    desk.intake()
    assert statuses(desk, case, task) == ["returned", "accepted"]


def test_two_branches_returned_are_one_document_with_every_answer(desk: Desk) -> None:
    """Both answered the same items differently and both forms were incomplete: nothing of either is lost."""
    case = desk.open_case()
    task = desk.assign(case, "inspector", "colleague")
    base = desk.form(task, PF_01=desk.answer("pass", note="looks good"))
    other = desk.form(task, by="colleague", photo="p-2", PF_01=desk.answer("fail", by="colleague"))
    desk.graft("inspector", desk.forms(case), base, "aa")
    desk.graft("colleague", desk.forms(case), other, "bb")
    desk.intake()
    leaves = desk.made.store.leaves(desk.forms(case), f"inspection:{task}")
    assert [leaf["status"] for leaf in leaves] == ["returned"]
    [one] = leaves
    assert one["answers"]["PF-01"]["value"] == "fail"
    assert [kept["note"] for kept in one["superseded"]["PF-01"]] == ["looks good"]
    assert one["answers"]["PH-01"]["photos"] == ["p-1", "p-2"]
    assert statuses(desk, case, task) == ["returned"]


def test_what_was_set_aside_once_stays_beside_the_form_when_it_is_returned_again(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case, "inspector", "colleague")
    desk.graft("inspector", desk.forms(case), desk.form(task), "aa")
    fails = desk.form(task, by="colleague", PF_01=desk.answer("fail", by="colleague"))
    desk.graft("colleague", desk.forms(case), fails, "bb")
    desk.intake()
    again = form(desk, case, task)
    again.update(status="submitted", submitted={**again["submitted"], "by": "inspector"})
    desk.write("inspector", desk.forms(case), again)
    desk.intake()
    assert statuses(desk, case, task) == ["returned", "returned"]
    assert [kept["value"] for kept in form(desk, case, task)["superseded"]["PF-01"]] == ["pass"]


@pytest.mark.parametrize("order", [("aa", "bb"), ("bb", "aa")])
def test_two_tablets_come_to_the_same_whatever_arrives_first(desk: Desk, order: tuple[str, str]) -> None:
    case = desk.open_case()
    task = desk.assign(case, "inspector", "colleague")
    desk.shoot(case, task)
    desk.intake()
    branches = {
        "aa": ("inspector", desk.form(task)),
        "bb": (
            "colleague",
            desk.form(task, by="colleague", PF_01=desk.answer("fail", by="colleague", note="rust")),
        ),
    }
    for rev in order:
        user, document = branches[rev]
        desk.graft(user, desk.forms(case), document, rev)
        desk.intake()
    task_now = desk.case(case).tasks[task]
    assert (task_now.status, task_now.failed) == ("accepted", ("PF-01",))
    [notice] = desk.get(f"/cases/{case}/notices")["items"]
    assert [item["result"]["code"] for item in notice["items"]] == ["PF-01"]
    shown = desk.get(f"/cases/{case}/inspections/{task}")
    assert shown["answers"]["PF-01"]["value"] == "fail"
    assert [kept["by"] for kept in shown["superseded"]["PF-01"]] == ["inspector"]


def test_a_failure_that_arrives_after_acceptance_still_counts(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case, "inspector", "colleague")
    desk.shoot(case, task)
    desk.intake()
    desk.graft("inspector", desk.forms(case), desk.form(task), "aa")
    desk.intake()
    assert desk.task(case, task)["failed"] == []
    late = desk.form(task, by="colleague", PF_01=desk.answer("fail", by="colleague", note="rust"))
    desk.graft("colleague", desk.forms(case), late, "bb")
    desk.intake()
    assert desk.task(case, task)["failed"] == ["PF-01"]
    assert [receipt["late"] for receipt in desk.receipts(case, task)] == [False, True]


def test_what_was_seen_far_away_is_flagged_and_accepted(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.shoot(case, task)
    desk.intake()
    desk.submit(case, task, PH_01=desk.answer("pass", photos=["p-1"], location=FAR_AWAY))
    desk.intake()
    [receipt] = desk.receipts(case, task)
    assert receipt["status"] == "accepted"
    assert [(flag["item"], flag["code"]) for flag in receipt["findings"]] == [("PH-01", "presence_outside")]
    assert "outside" in receipt["findings"][0]["text"]["en"]
    there = receipt["presence"]
    assert (there["standing"], there["off_site"], there["open"]) == ("contradicted", ["PH-01"], 2)
    assert "相反 1 项" in there["text"]["zh-CN"]


def test_a_receipt_from_before_presence_was_recorded_stays_as_it_is(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.shoot(case, task)
    desk.submit(case, task)
    desk.intake()
    submission = desk.case(case).tasks[task].submissions[0]
    old = replace(submission, presence=None, findings=(CodedReason("PH-01", "presence_outside"),))
    document = receipt_document(task, old)
    assert "presence" not in document
    assert [flag["code"] for flag in document["findings"]] == ["presence_outside"]


def test_a_track_that_comes_later_is_no_news_of_the_form(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.shoot(case, task)
    desk.intake()
    desk.submit(case, task)
    desk.intake()
    fixes = [{**ON_SITE, "at": desk.clock().isoformat()}]
    walked = {"_id": "track:t", "type": "track", "schema": 1, "by": "inspector", "datum": "wgs84"}
    desk.write("inspector", desk.forms(case), {**walked, "fixes": fixes})
    redeliver(desk, case)
    desk.intake()
    assert len(desk.receipts(case, task)) == 1


def test_a_photo_taken_for_another_item_is_sent_back(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.shoot(case, task, item="PF-01")
    desk.intake()
    desk.submit(case, task)
    desk.intake()
    [receipt] = desk.receipts(case, task)
    assert [(reason["item"], reason["code"]) for reason in receipt["reasons"]] == [
        ("PH-01", "photo_of_another_item")
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "photo_digest_differs"),
        (b"\xff\xd8\xff cut off", "photo_digest_differs"),
    ],
)
def test_other_bytes_than_the_form_names_are_refused(desk: Desk, data: bytes, code: str) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.write("inspector", desk.media(case), photo_document("p-1", task, "PH-01", data=data))
    desk.intake()
    desk.submit(case, task)
    desk.intake()
    receipt = desk.document(desk.media(case), "photo-receipt:p-1")
    assert (receipt["status"], [reason["code"] for reason in receipt["reasons"]]) == ("refused", [code])
    assert [reason["code"] for reason in desk.receipts(case, task)[0]["reasons"]] == [code]


def test_a_manager_gives_back_a_form_whose_photo_will_not_come(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.submit(case, task)
    desk.intake()
    answer = desk.post(f"/cases/{case}/tasks/{task}/return", {"reason": "the tablet drowned"})
    assert answer["status"] == "returned"
    assert form(desk, case, task)["status"] == "returned"
    [_, receipt] = desk.receipts(case, task)
    assert receipt["reasons"][0]["params"] == {"by": "manager", "reason": "the tablet drowned"}
    desk.intake()
    assert statuses(desk, case, task) == ["awaiting_photos", "returned"]
    # The photo may still come; the form is the inspector's again, and nothing happens to it.
    desk.shoot(case, task)
    desk.intake()
    assert statuses(desk, case, task) == ["awaiting_photos", "returned"]
    assert desk.task(case, task)["status"] == "returned"


def test_only_a_form_that_waits_is_given_back(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    path = f"/cases/{case}/tasks/{task}/return"
    assert desk.ask("POST", path, json={"reason": "x"}).status_code == 409
    desk.submit(case, task)
    desk.intake()
    stale = desk.ask("POST", path, json={"reason": "x"}, headers={"If-Match": '"1-old"'})
    assert stale.status_code == 412
    assert desk.task(case, task)["status"] == "awaiting_photos"


def test_the_server_finishes_a_return_that_a_crash_cut_off(desk: Desk) -> None:
    """The decision stands in the case; the receipt and the open form follow from it, whoever comes by."""
    case = desk.open_case()
    task = desk.assign(case)
    desk.submit(case, task)
    desk.intake()
    before = desk.case(case).tasks[task].submissions[-1]
    command = commands.RecordSubmission(
        task_id=task,
        revs=before.revs,
        outcome=commands.Returned((CodedReason(None, "given_back", {"by": "m", "reason": "r"}),)),
        submitted_by="inspector",
        submitted_at=before.submitted_at,
    )
    from server.casework.cases import SYSTEM

    desk.made.cases.apply(case, command, SYSTEM)
    assert form(desk, case, task)["status"] == "submitted"
    desk.intake()
    assert form(desk, case, task)["status"] == "returned"
    assert statuses(desk, case, task) == ["awaiting_photos", "returned"]


@pytest.mark.parametrize(
    ("changes", "severity"),
    [({"severity": "minor"}, "minor"), ({}, "critical"), ({"severity": None}, "critical")],
)
def test_a_hazard_opens_a_notice(desk: Desk, changes: dict[str, Any], severity: str) -> None:
    case = desk.open_case()
    desk.assign(case)
    desk.write("inspector", desk.forms(case), hazard(desk, **changes))
    desk.intake()
    [notice] = desk.get(f"/cases/{case}/notices")["items"]
    assert (notice["stage"], notice["hazard_id"]) == ("hazard", "h-1")
    assert notice["items"][0]["result"]["severity"] == severity
    assert notice["items"][0]["result"]["note"] == "An open cable pit."


@pytest.mark.parametrize(
    "changes",
    [
        {"at": "2026-02-31T08:00:00Z"},
        {"at": "2026-11-02T08:00:60Z"},
        {"description": "x" * 100_000},
        {"photos": ["p" * 500, "p-9"]},
        {"location": {"lon": 1, "lat": 2}},
        {"location": ON_SITE},
    ],
)
def test_no_hazard_is_turned_away_or_told_twice(desk: Desk, changes: dict[str, Any]) -> None:
    case = desk.open_case()
    desk.assign(case)
    desk.write("inspector", desk.forms(case), hazard(desk, **changes))
    desk.intake()
    desk.clock.forward(hours=1)
    redeliver(desk, case)
    desk.intake()
    found = desk.case(case)
    assert set(found.hazards) == {"h-1"}
    assert len(found.notices) == 1
    assert not found.quarantine


def hazard(desk: Desk, **changes: Any) -> dict[str, Any]:
    return {
        "_id": "hazard:h-1",
        "type": "hazard",
        "schema": 1,
        "description": "An open cable pit.",
        "at": desk.clock().isoformat(),
        "by": "inspector",
        **changes,
    }


def redeliver(desk: Desk, case: str) -> None:
    """Forget how far intake has come in a case's databases."""
    for database in (desk.forms(case), desk.media(case)):
        desk.made.store.put_local(database, "follow-intake", {"seq": "0"})


def test_a_later_delivery_of_everything_changes_nothing(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.shoot(case, task)
    desk.intake()
    desk.submit(case, task, PF_01=desk.answer("fail", note="rust"))
    desk.write("inspector", desk.forms(case), hazard(desk))
    desk.intake()
    before = snapshot(desk, case)
    desk.clock.now += timedelta(days=3)
    redeliver(desk, case)
    desk.intake()
    assert snapshot(desk, case) == before


def snapshot(desk: Desk, case: str) -> dict[str, str]:
    """Every document's revision in a case's databases: what stands there, and how often it was written."""
    return {
        document["_id"]: document["_rev"]
        for database in (desk.forms(case), desk.media(case))
        for document in desk.made.store.all_docs(database)
    }


def test_databases_without_a_case_hold_nobody_up(desk: Desk) -> None:
    """Opening a case was cut off between its databases and its document."""
    for database in (desk.made.names.media("half"), desk.made.names.forms("half")):
        desk.made.store.create_database(database)
        desk.made.store.put(database, {"_id": "_design/rules"})
    desk.intake()
    assert desk.get("/cases")["total"] == 0
    with pytest.raises(NotFound):
        desk.made.cases.load("half")
    assert desk.made.cases.project_all() == (0, 0)


def test_what_lies_in_a_case_that_cannot_be_read_yet_is_told_of_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a cluster the feed may come from a copy that has a hazard, the case from one that lags behind."""
    lagging, other = desk.open_case(), desk.open_case()
    for case in (lagging, other):
        desk.assign(case)
    desk.intake()
    for case in (lagging, other):
        desk.write("inspector", desk.forms(case), hazard(desk))
    read = desk.made.cases.load

    def behind(case_id: str) -> Loaded:
        if case_id == lagging:
            raise NotFound("missing")
        return read(case_id)

    monkeypatch.setattr(desk.made.cases, "load", behind)
    intake = make_intake(desk.made)
    follower = make_follower(desk.made, intake, intake.wants)
    follower.run_once()
    assert not follower.idle()
    monkeypatch.undo()
    assert (len(desk.case(lagging).hazards), len(desk.case(other).hazards)) == (0, 1)
    desk.intake()
    assert len(desk.case(lagging).hazards) == 1
