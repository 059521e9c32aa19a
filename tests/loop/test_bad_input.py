"""What goes wrong in the field, and what a stranger might try: a clear answer, nothing lost or half-kept."""

from __future__ import annotations

import struct
import uuid
import zlib
from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.loop.camera import shoot
from tests.loop.conftest import MakeInspector
from tests.loop.house import House
from tests.loop.inspector import clean
from tests.loop.office import JSON, Office
from tests.loop.paper import Form
from tests.loop.shortcuts import survey

pytestmark = pytest.mark.loop

THREE_YEARS = timedelta(days=3 * 365)
#: Items of the survey that want a photo.
SOURCE, ROUTE, BOUNDARY = "SH-08", "SH-12", "SH-13"


def codes(receipt: JSON) -> dict[str | None, str]:
    """Reasons of a receipt by item; each is told in both languages."""
    for reason in receipt["reasons"]:
        assert reason["text"]["zh-CN"] != reason["text"]["en"] != reason["code"]
        assert "{" not in reason["text"]["en"]
    return {reason["item"]: reason["code"] for reason in receipt["reasons"]}


def png_bomb() -> bytes:
    """A well-formed PNG of 50,000 × 50,000 pixels: 2.5 gigapixels in some kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(50_000 // 8 + 1) * 2_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_photos_that_are_no_evidence_return_the_form_and_better_ones_are_taken(
    office: Office, inspector: MakeInspector, case_no: str
) -> None:
    """Other bytes than claimed, a file that breaks off, a decompression bomb: each is told by its item."""
    wang = inspector("wang")
    case, task = survey(office, wang, case_no)
    given = wang.task(case, task)
    answers, form = wang.answers(case, task, given["checklist"])
    whole = shoot(datetime.now(UTC), 121.55, 29.88)
    swapped, cut, bomb = (str(uuid.uuid4()) for _ in range(3))
    wang.save_photo(form, SOURCE, swapped, whole, sha256="0" * 64)
    wang.save_photo(form, ROUTE, cut, whole[: len(whole) // 2])
    wang.save_photo(form, BOUNDARY, bomb, png_bomb(), width=50_000, height=50_000)
    for code, photo in ((SOURCE, swapped), (ROUTE, cut), (BOUNDARY, bomb)):
        answers[code]["photos"] = [photo]
    wang.draft(form, given["checklist"], answers)
    wang.sign(form)
    # The photos first, so that the form meets all three verdicts at once.
    clean(wang.push_media(case))
    for photo in form.photos:
        assert wang.await_verdict(case, photo) == ("refused" if photo in (swapped, cut, bomb) else "verified")
    clean(wang.push_forms(case))
    assert codes(wang.await_return(form)) == {
        SOURCE: "photo_digest_differs",
        ROUTE: "photo_undecodable",
        BOUNDARY: "photo_side_too_long",
    }
    for photo in (swapped, cut, bomb):
        office.call("GET", f"/photos/{photo}?size=original", status=409)

    answers = wang.form_document(form)["answers"]
    better = [wang.retake(form, code, answers) for code in (SOURCE, ROUTE, BOUNDARY)]
    wang.sign(form, answers=answers)
    wang.hand_in(form)
    assert {photo: office.inspection(case, task)["photos"][photo] for photo in better} == dict.fromkeys(
        better, "verified"
    )


def test_a_photo_that_never_comes_keeps_the_form_waiting_until_the_manager_returns_it(
    office: Office, inspector: MakeInspector, case_no: str
) -> None:
    """The tablet lost a photo that its form names; the form is opened again and goes another way."""
    wang = inspector("wang")
    case, task = survey(office, wang, case_no)
    given = wang.task(case, task)
    answers, form = wang.answers(case, task, given["checklist"])
    lost = str(uuid.uuid4())
    answers[SOURCE]["photos"] = [lost]
    wang.draft(form, given["checklist"], answers)
    wang.sign(form)
    clean(wang.push_forms(case))
    clean(wang.push_media(case))

    def only_the_lost_one() -> bool:
        wang.fetch_forms(case)
        return wang.receipts(form)[-1:] != [] and wang.receipts(form)[-1]["missing_photos"] == [lost]

    wang.tablet.wait_for(only_the_lost_one)
    assert office.task(case, task)["status"] == "awaiting_photos"
    assert office.refused(case) >= {"field-work-complete"}

    office.post(f"/cases/{case}/tasks/{task}/return", {"reason": "照片已丢失,请补拍"})
    receipt = wang.await_return(form)
    assert codes(receipt) == {None: "given_back"}
    assert "照片已丢失" in receipt["reasons"][0]["text"]["zh-CN"]
    answers = wang.form_document(form)["answers"]
    wang.retake(form, SOURCE, answers)
    wang.sign(form, answers=answers)
    wang.hand_in(form)
    assert office.task(case, task)["status"] == "accepted"


def test_a_form_for_somebody_elses_task_is_kept_apart_and_its_receipt_says_so(
    office: Office, inspector: MakeInspector, case_no: str
) -> None:
    """Zhang may write in the case, for a task of his own; wang's form is judged without zhang's."""
    wang, zhang = inspector("wang"), inspector("zhang")
    case, task = survey(office, wang, case_no)
    office.assign(case, "intermediate", "intermediate-earthing-cable", zhang.name)
    zhang.read_inbox()
    zhang.fetch(case)
    reference = wang.task(case, task)["checklist"]
    answers, foreign = zhang.answers(case, task, reference, fail=["SH-14"])
    zhang.draft(foreign, reference, answers)
    zhang.sign(foreign)
    clean(zhang.push_forms(case))
    receipt = zhang.await_receipt(foreign, "returned")
    assert codes(receipt) == {None: "not_assigned"}
    assert receipt["submitted_by"] == zhang.name

    [kept] = office.until(lambda: list(office.quarantine(case).values()), what="quarantine")
    assert (kept["doc_id"], kept["doc_rev"], kept["by"]) == (foreign.id, foreign.rev, zhang.name)
    held = office.get(f"/cases/{case}/quarantine/{kept['id']}")
    assert held["document"]["answers"]["SH-14"]["value"] == "fail"

    form = wang.fill_in(case, task)
    accepted = wang.hand_in(form)
    assert accepted["judged"] == [form.rev]
    assert accepted["failed"] == []
    assert "field-work-complete" in office.unmet(case)
    office.settle(case, kept["id"], "reject", "任务属于王工")
    assert office.quarantine(case)[foreign.id]["state"] == "rejected"
    assert office.notices(case) == []


def test_a_form_for_no_task_at_all_is_kept_too(
    office: Office, inspector: MakeInspector, case_no: str
) -> None:
    """The tablet made the task's id up, or another case's came here; the manager decides."""
    wang = inspector("wang")
    case, task = survey(office, wang, case_no)
    reference = wang.task(case, task)["checklist"]
    answers, form = wang.answers(case, "no-such-task", reference)
    wang.draft(form, reference, answers)
    wang.sign(form)
    clean(wang.push_forms(case))
    assert codes(wang.await_receipt(form, "returned")) == {None: "task_unknown"}
    assert list(office.quarantine(case)) == [form.id]


def test_a_checklist_version_that_does_not_exist_returns_the_form(
    office: Office, inspector: MakeInspector, case_no: str
) -> None:
    """The receipt names what was sent and what is wanted; with the right version the form is accepted."""
    wang = inspector("wang")
    case, task = survey(office, wang, case_no)
    right = wang.task(case, task)["checklist"]
    answers, form = wang.answers(case, task, right)
    wang.draft(form, {**right, "version": 99}, answers)
    wang.sign(form)
    clean(wang.push_forms(case))
    receipt = wang.await_return(form)
    assert codes(receipt) == {None: "checklist_mismatch"}
    assert receipt["reasons"][0]["params"] == {"sent": "survey-hv-10kv@99", "wanted": "survey-hv-10kv@1"}
    wang.sign(form, checklist=right)
    wang.hand_in(form)


@pytest.mark.parametrize(
    ("ahead", "code"), [(THREE_YEARS, "clock_ahead"), (-THREE_YEARS, "clock_behind")], ids=["ahead", "behind"]
)
def test_a_clock_three_years_off_returns_the_form_and_the_right_time_is_taken(
    office: Office, inspector: MakeInspector, case_no: str, ahead: timedelta, code: str
) -> None:
    wang = inspector("wang")
    case, task = survey(office, wang, case_no)
    wang.clock_ahead = ahead
    form = wang.fill_in(case, task)
    clean(wang.push_forms(case))
    clean(wang.push_media(case))
    assert codes(wang.await_return(form)) == {None: code}
    assert office.task(case, task)["status"] == "returned"
    wang.clock_ahead = timedelta()
    wang.sign(form)
    wang.hand_in(form)
    signed = office.task(case, task)["submissions"][-1]["submitted_at"]
    assert abs(datetime.fromisoformat(signed) - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_clock_that_is_off_and_known_to_be_is_set_right(
    office: Office, inspector: MakeInspector, case_no: str
) -> None:
    """The tablet compared its clock with the server's when it last could; nothing has to be returned."""
    wang = inspector("wang")
    case, task = survey(office, wang, case_no)
    wang.clock_ahead = THREE_YEARS
    given = wang.task(case, task)
    answers, form = wang.answers(case, task, given["checklist"])
    wang.draft(form, given["checklist"], answers)
    skew = round(THREE_YEARS.total_seconds() * 1000)
    signed = {"by": wang.name, "at": wang.now().isoformat(), "device": wang.device, "clock_skew_ms": skew}
    wang.sign(form, submitted=signed)
    wang.hand_in(form)
    [submission] = [one for one in office.task(case, task)["submissions"] if one["outcome"] == "accepted"]
    at = datetime.fromisoformat(submission["submitted_at"])
    assert abs(at - datetime.now(UTC)) < timedelta(minutes=5)


def test_the_same_submission_twice_is_one(
    house: House, office: Office, inspector: MakeInspector, case_no: str
) -> None:
    """Sent again, whole and by hand as after a lost answer: no second receipt, notice or log entry."""
    wang = inspector("wang")
    case, task = survey(office, wang, case_no)
    form = wang.fill_in(case, task, fail=["SH-14"])
    wang.hand_in(form)
    receipts = wang.receipts(form)
    log = office.get(f"/cases/{case}/log")["items"]
    names = wang.databases(case)
    again = [wang.tablet.get(names["forms"], form.id, rev=form.rev, revs=True)]
    photos = [
        wang.tablet.get(names["media"], f"photo:{photo}", revs=True, attachments=True)
        for photo in form.photos
    ]
    for _ in range(2):
        for name, docs in ((names["forms"], again), (names["media"], photos)):
            answer = wang.send("POST", f"{name}/_bulk_docs", {"docs": docs, "new_edits": False})
            assert (answer.status_code, answer.json()) == (201, [])
    # A later document passes the same way: once its receipt is there, the repeats were looked at.
    other = office.assign(case, "survey", "survey-hv-10kv", wang.name)
    wang.read_inbox()
    wang.hand_in(wang.fill_in(case, other))
    wang.fetch_forms(case)
    assert wang.receipts(form) == receipts
    [notice] = office.notices(case)
    assert [item["result"]["code"] for item in notice["items"]] == ["SH-14"]
    after = office.get(f"/cases/{case}/log")["items"]
    assert after[: len(log)] == log
    assert not any(entry["data"].get("task") == task for entry in after[len(log) :])


def test_a_photo_id_that_another_case_uses_too_hides_nobodys_evidence(
    office: Office, inspector: MakeInspector, case_no: str
) -> None:
    """Tablets choose the ids: by accident or design, zhang's photo bears the id of one of wang's."""
    wang, zhang = inspector("wang"), inspector("zhang")
    case, task = survey(office, wang, f"{case_no}-1")
    other, other_task = survey(office, zhang, f"{case_no}-2")
    form = wang.fill_in(case, task)
    wang.hand_in(form)
    before = office.get(f"/cases/{case}/photos")
    photo = form.photos[0]
    zhang.save_photo(Form(other, other_task, ""), SOURCE, photo)
    clean(zhang.push_media(other))
    assert zhang.await_verdict(other, photo) == "verified"
    assert office.get(f"/cases/{case}/photos") == before
    assert [row["id"] for row in office.get(f"/cases/{other}/photos")["items"]] == [photo]
    for name, query, owner in (
        (office.name, "", wang),
        (office.name, f"&case={other}", zhang),
        (wang.name, "", wang),
        (zhang.name, "", zhang),
    ):
        shown = requests.get(
            f"{office.house.url}/api/v1/photos/{photo}?size=original{query}",
            headers={"Authorization": f"Bearer {office.house.token(name)}"},
            timeout=30,
        )
        assert shown.content == owner.photo_bytes(photo), (name, query)
