"""Photos by item over HTTP: what a form wants and has, before and after, as data and on paper."""

from __future__ import annotations

import pytest

from tests.api.test_notices import answered, failing
from tests.api.test_papers import told
from tests.desk import Desk, photo_document, picture, refused


def test_completeness_follows_what_was_verified(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    path = f"/cases/{case}/inspections/{task}/photos"
    refused(desk.ask("GET", path), 409, "paper_no_form")
    desk.submit(case, task)
    desk.intake()
    [item] = desk.get(path, by="inspector")["items"]
    assert (item["code"], item["wanted"], item["verified"], item["complete"]) == ("PH-01", 1, 0, False)
    assert [photo["status"] for photo in item["photos"]] == ["absent"]
    desk.shoot(case, task)
    desk.intake()
    shots = desk.get(path)
    assert shots["complete"]
    [item] = shots["items"]
    assert (item["verdict"], item["verified"], item["complete"]) == ("pass", 1, True)
    [photo] = item["photos"]
    assert (photo["id"], photo["status"], photo["by"]) == ("p-1", "verified", "inspector")
    assert "WGS-84" in photo["place"]
    assert set(item["text"]) == {"zh-CN", "en"}
    refused(desk.ask("GET", f"/cases/{case}/inspections/none/photos"), 404, "not_found")


def test_a_refused_photo_is_told_with_its_reason_and_counts_for_nothing(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.write("inspector", desk.media(case), photo_document("p-1", task, "PH-01", data=picture(12)))
    desk.submit(case, task)
    desk.intake()
    shots = desk.get(f"/cases/{case}/inspections/{task}/photos")
    [photo] = shots["items"][0]["photos"]
    assert not shots["complete"]
    assert (photo["status"], photo["reasons"][0]["code"]) == ("refused", "photo_digest_differs")
    assert "{" not in photo["reasons"][0]["text"]["en"]
    assert "照片未通过核验" in told(desk.ask("GET", f"/cases/{case}/inspections/{task}/contact-sheet.pdf"))


def test_an_inspection_and_a_case_have_contact_sheets(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are made of the thumbnails that came with the verdicts: nothing is decoded."""
    case, task = failing(desk)
    other = answered(desk, case)
    monkeypatch.setattr(desk.made.photo_workers, "render_all", None)
    sheet = desk.ask("GET", f"/cases/{case}/inspections/{task}/contact-sheet.pdf", by="inspector")
    words = told(sheet)
    for expected in ("现场影像一览表", "YK-0001-YX-JY1", "PH-01", "合格·已核验", "WGS-84", "p-1"):
        assert expected in words, expected
    assert other not in words
    assert sheet.data.replace(b" ", b"").count(b"/Subtype/Image") >= 1
    tag = sheet.headers["ETag"]
    path = f"/cases/{case}/inspections/{task}/contact-sheet.pdf"
    assert desk.ask("GET", path, headers={"If-None-Match": tag}).status_code == 304
    assert desk.ask("GET", path).data == sheet.data, "the same input, the same bytes"
    words = told(desk.ask("GET", f"/cases/{case}/contact-sheet.pdf?language=en"))
    for expected in ("Contactsheetofphotos", "YK-0001-YX", "p-1", other, "Otherphotos", "notice:1"):
        assert expected in words, expected


def test_pairs_stand_as_data_and_on_paper(desk: Desk) -> None:
    case, _ = failing(desk)
    desk.hire("colleague", "inspector")
    path = f"/cases/{case}/notices/1/pairs"
    [pair] = desk.get(path)["items"]
    assert (pair["code"], pair["before"], pair["after"]) == ("PF-01", [], [])
    assert pair["lacking"] == ["before", "after"]
    photo = answered(desk, case)
    desk.post(f"/cases/{case}/notices/1/reinspect", {"assignees": ["colleague"], "task_id": "r-1"})
    desk.shoot(case, "r-1", photo="after-1", by="colleague", item="PF-01")
    seen = desk.answer("pass", by="colleague", photos=["after-1"])
    desk.submit(case, "r-1", by="colleague", answers={"PF-01": seen})
    desk.intake()
    [pair] = desk.get(path, by="inspector")["items"]
    assert pair["state"] == "passed"
    assert [(one["kind"], one["round"], one["verdict"]) for one in pair["after"]] == [
        ("answer", 1, None),
        ("reinspection", 1, "pass"),
    ]
    assert [one["photos"][0]["id"] for one in pair["after"]] == [photo, "after-1"]
    assert pair["lacking"] == ["before"]
    words = told(desk.ask("GET", f"{path}.pdf"))
    for expected in ("整改前后对比影像", "YK-0001-DB1", "缺整改前照片", "after-1", photo, "第1轮，复验"):
        assert expected in words, expected
    assert "Noticere-inspected" not in words
    refused(desk.ask("GET", f"/cases/{case}/notices/7/pairs"), 404, "not_found")
    refused(desk.ask("GET", f"/cases/{case}/notices/7/pairs.pdf"), 404, "not_found")


def test_photos_are_for_those_who_may_see_the_case(desk: Desk) -> None:
    case, task = failing(desk)
    desk.hire("stranger", "manager", organisation="north")
    for path in (
        f"inspections/{task}/photos",
        f"inspections/{task}/contact-sheet.pdf",
        "contact-sheet.pdf",
        "notices/1/pairs",
        "notices/1/pairs.pdf",
    ):
        refused(desk.ask("GET", f"/cases/{case}/{path}", by="stranger"), 404, "not_found")
        assert desk.ask("GET", f"/cases/{case}/{path}", by="auditor").status_code == 200
