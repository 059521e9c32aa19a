"""Papers over HTTP: who may see the case may print them, once for each state, and none before its time."""

from __future__ import annotations

import io
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from pypdf import PdfReader
from werkzeug.test import TestResponse

from server.api import paper_evidence
from server.problems import Problem
from tests.api.test_notices import answered, failing
from tests.desk import MINI_SIGNED, Desk, refused
from tests.ready import ready

SIGNED = {"id": MINI_SIGNED.id, "version": MINI_SIGNED.version}


def told(answer: TestResponse) -> str:
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/pdf"
    pages = PdfReader(io.BytesIO(answer.data)).pages
    return re.sub(r"[\s\u200b]+", "", "".join(page.extract_text() for page in pages))


def test_a_notice_is_printed_with_its_photos_in_two_copies_and_once_for_each_state(desk: Desk) -> None:
    case, _ = failing(desk)
    answered(desk, case)
    path = f"/cases/{case}/notices/1/notice.pdf"
    first = desk.ask("GET", path, by="inspector")
    words = told(first)
    assert words.count("客户签收") == 2
    assert "YK-0001-QX1" in words
    assert "repainted" in words
    assert first.data.replace(b" ", b"").count(b"/Subtype/Image") >= 1
    assert "YK-0001-QX1.pdf" in first.headers["Content-Disposition"]
    tag = first.headers["ETag"]
    assert tag.startswith('W/"')
    desk.clock.forward(hours=1)
    again = desk.ask("GET", path, by="inspector", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    later = desk.ask("GET", path, by="inspector")
    assert later.headers["ETag"] == tag
    assert later.data != first.data, "it says when it was printed"
    english = desk.ask("GET", f"{path}?copies=file", headers={"Accept-Language": "en"})
    assert "Rectificationnotice" in told(english)
    assert english.headers["ETag"] != tag
    people = {"assignees": ["inspector"]}
    desk.hire("colleague", "inspector")
    desk.post(f"/cases/{case}/notices/1/reinspect", {**people, "assignees": ["colleague"]})
    changed = desk.ask("GET", path, headers={"If-None-Match": tag})
    assert changed.status_code == 200


def test_an_inspection_is_printed_with_its_signatures_drawn(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case, checklist=SIGNED)
    path = f"/cases/{case}/inspections/{task}/report.pdf"
    refused(desk.ask("GET", path), 409, "paper_no_form")
    desk.shoot(case, task)
    strokes = [[[1, 1], [20, 30]], [[5, 5], [9, 9]]]
    head = {"type": "signature", "schema": 1, "task": task, "by": "inspector"}
    signature = {**head, "_id": "signature:s-1", "signer": "周客户", "at": desk.clock().isoformat()}
    desk.write("inspector", desk.forms(case), {**signature, "strokes": strokes})
    form = desk.form(task, checklist=SIGNED)
    form["answers"]["SG-01"] = desk.answer([{"role": "customer", "signature": "s-1"}])
    desk.write("inspector", desk.forms(case), form)
    desk.intake()
    answer = desk.ask("GET", f"{path}?copies=file")
    words = told(answer)
    for expected in ("受电工程竣工检验意见单", "YK-0001-JY1", "PH-01", "NR-01", "2.5Ω", "周客户", "签字1份"):
        assert expected in words, expected
    assert "合格3项，不合格0项" in words


def test_a_form_that_was_given_back_is_stamped_as_not_final(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.submit(case, task, PF_01=desk.answer("odd"))
    desk.intake()
    answer = desk.ask("GET", f"/cases/{case}/inspections/{task}/report.pdf?copies=file")
    assert "未审定" in told(answer)


def test_papers_of_energization_wait_for_the_authorization(desk: Desk) -> None:
    case = desk.open_case()
    for paper in ("order", "record"):
        problem = refused(
            desk.ask("GET", f"/cases/{case}/energization/{paper}.pdf"), 409, "paper_not_authorized"
        )
        assert "未批准" in problem["detail"]
    listed = {row["form"]: row for row in desk.get(f"/cases/{case}/papers")["items"]}
    assert not listed["order"]["ready"]
    case = ready(desk)
    desk.post(f"/cases/{case}/energization/authorize", {"note": "go"})
    words = told(desk.ask("GET", f"/cases/{case}/energization/order.pdf?copies=file"))
    for expected in ("送电任务单", "E03", "E06", "满足", "低压相序", "监护人"):
        assert expected in words, expected
    assert "新装（增容）送电单" in told(desk.ask("GET", f"/cases/{case}/energization/record.pdf?copies=file"))
    desk.post(f"/cases/{case}/energization/hold", {"reason": "stop"}, by="admin")
    refused(desk.ask("GET", f"/cases/{case}/energization/order.pdf"), 409, "paper_not_authorized")


def test_an_order_is_not_printed_on_a_word_that_has_run_out(desk: Desk) -> None:
    case = ready(desk)
    today = desk.clock().date().isoformat()
    for word in ({"status": "unmet"}, {"status": "met", "evidence": "sheet", "until": today}):
        desk.post(f"/cases/{case}/gates/fees-settled/entries", word)
    desk.post(f"/cases/{case}/energization/authorize", {"note": "go"})
    path = f"/cases/{case}/energization/order.pdf?copies=file"
    assert desk.ask("GET", path).status_code == 200
    desk.clock.forward(days=1)
    problem = refused(desk.ask("GET", path), 409, "paper_gates_unmet")
    assert "E05" in problem["detail"]


def test_every_paper_that_is_listed_as_ready_can_be_had(desk: Desk) -> None:
    case, _ = failing(desk)
    at = desk.clock().isoformat()
    people = [{"name": "Zheng", "department": "marketing"}]
    meeting = {"kind": "scheme_review", "at": at, "place": "Room 2", "invited": people}
    desk.post(f"/cases/{case}/meetings", meeting)
    rows = desk.get(f"/cases/{case}/papers", by="auditor")["items"]
    assert {row["form"] for row in rows} >= {
        "notice",
        "acceptance",
        "scheme_reply",
        "intermediate_application",
        "index",
        "order",
        "minutes",
    }
    numbers = [row["no"] for row in rows]
    assert len(set(numbers)) == len(numbers)
    for row in rows:
        answer = desk.ask("GET", row["href"].removeprefix("/api/v1") + "?copies=customer", by="auditor")
        assert answer.status_code == (200 if row["ready"] else 409), row
        if row["ready"]:
            assert row["no"] in told(answer)
            assert row["title"].replace(" ", "") in told(answer)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("notices/9/notice.pdf", 404, "not_found"),
        ("inspections/none/report.pdf", 404, "not_found"),
        ("papers/none.pdf", 404, "not_found"),
        ("meetings/none/minutes.pdf", 404, "not_found"),
        ("handovers/none/receipt.pdf", 404, "not_found"),
        ("papers/index.pdf?copies=three", 422, "invalid_fields"),
        ("papers/index.pdf?language=fr", 422, "invalid_fields"),
        ("papers/index.pdf?odd=1", 422, "invalid_fields"),
    ],
)
def test_what_cannot_be_printed_is_said(desk: Desk, path: str, status: int, code: str) -> None:
    case = desk.open_case()
    refused(desk.ask("GET", f"/cases/{case}/{path}"), status, code)


def test_nobody_prints_a_case_that_is_not_his(house: Desk) -> None:
    case = house.open_case()
    for path in ("papers", "papers/index.pdf", "notices/1/notice.pdf", "energization/order.pdf"):
        refused(house.ask("GET", f"/cases/{case}/{path}", by="stranger"), 404, "not_found")
        refused(house.ask("GET", f"/cases/{case}/{path}", by="inspector"), 404, "not_found")


def test_a_photo_that_can_no_longer_be_decoded_is_named_and_stops_no_paper(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, task = failing(desk)

    def undecodable(*_: object) -> Path:
        raise Problem(409, "photo_not_verified")

    monkeypatch.setattr(paper_evidence, "rendition", undecodable)
    answer = desk.ask("GET", f"/cases/{case}/inspections/{task}/report.pdf?copies=file")
    assert "照片未通过核验" in told(answer)


@pytest.mark.parametrize(
    ("no", "name"), [("苏州〔2026〕12号", "苏州_2026_12号-ML.pdf"), ('a\r\nX: 1"\\/b', "a_X_1_b-ML.pdf")]
)
def test_a_file_is_named_after_its_number(desk: Desk, no: str, name: str) -> None:
    case = desk.open_case(no=no)
    answer = desk.ask("GET", f"/cases/{case}/papers/index.pdf?copies=file")
    assert answer.status_code == 200
    said = answer.headers["Content-Disposition"].encode("latin-1").decode("ascii")
    assert unquote(said.partition("filename*=UTF-8''")[2]) == name
