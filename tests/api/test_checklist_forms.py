"""Checklists go out as XLSForms and come in from them over HTTP, each finding with its place and words."""

from __future__ import annotations

import io

import openpyxl
import pytest

from checklists.xlsform import read_xlsform
from server.library.exchange import XLSX
from tests.checklists.xlsform.workbooks import question, workbook
from tests.desk import MINI_FORM, Desk, refused
from tests.drafting import begin, published, sound, step

FORM = workbook(
    survey=[question("text", "a"), question("audio", "b")],
    settings=[{"form_title": "Yard", "form_id": "yard"}],
)


def test_a_form_is_read_and_its_losses_told(desk: Desk) -> None:
    body = desk.get("/checklists/mini")
    answer = desk.ask("POST", "/checklists/import?stage=survey", data=FORM, content_type=XLSX)
    assert answer.status_code == 200, answer.text
    found = answer.get_json()
    assert (found["definition"]["id"], found["draft"]) == ("yard", None)
    assert [item["code"] for item in found["definition"]["sections"][0]["items"]] == ["a"]
    [audio] = [one for one in found["losses"] if one["what"] == "type"]
    assert (audio["sheet"], audio["row"], audio["column"]) == ("survey", 3, "type")
    assert "audio" in audio["text"]["en"]
    assert "未带入" in audio["text"]["zh-CN"]
    assert desk.get("/checklists/drafts")["items"] == [], "nothing is kept that nobody asked to keep"
    assert desk.get("/checklists/mini") == body


def test_a_draft_is_begun_where_one_is_asked_for(desk: Desk) -> None:
    path = "/checklists/import?stage=survey&id=court&version=1&draft=true"
    rev = desk.ask("POST", path, data=FORM, content_type=XLSX).get_json()["draft"]
    draft = desk.ask("GET", "/checklists/drafts/court")
    assert draft.headers["ETag"] == f'"{rev}"'
    assert draft.get_json()["authors"] == ["manager"]
    assert desk.ask("POST", path, data=FORM, content_type=XLSX).get_json()["draft"] == rev, (
        "sent again, found again"
    )
    again = desk.ask("GET", "/checklists/drafts/court/xlsform")
    assert read_xlsform(again.data).definition.id == "court"


@pytest.mark.parametrize(
    ("query", "data", "kind", "status", "code"),
    [
        ("stage=survey", b"type,name\n", XLSX, 422, "xlsform_refused"),
        ("", FORM, XLSX, 422, "xlsform_refused"),
        ("stage=survey", FORM, "text/csv", 415, "unsupported_media_type"),
        ("stage=demolition", FORM, XLSX, 422, "invalid_fields"),
        ("stage=survey&id=../x", FORM, XLSX, 422, "invalid_fields"),
        ("stage=survey&version=0", FORM, XLSX, 422, "invalid_fields"),
        ("stage=survey", bytes(2 * 1024 * 1024), XLSX, 413, "too_large"),
    ],
)
def test_what_cannot_be_read_is_refused(
    desk: Desk, query: str, data: bytes, kind: str, status: int, code: str
) -> None:
    refused(desk.ask("POST", f"/checklists/import?{query}", data=data, content_type=kind), status, code)


def test_a_refusal_says_where_and_what_to_do(desk: Desk) -> None:
    data = workbook(survey=[question("text", relevant="=1+1")])
    answer = desk.ask("POST", "/checklists/import?stage=survey", data=data, content_type=XLSX)
    [finding] = refused(answer, 422, "xlsform_refused")["findings"]
    assert (finding["sheet"], finding["row"], finding["column"], finding["what"]) == (
        "survey",
        2,
        "relevant",
        "formula",
    )
    assert finding["text"]["en"].endswith("Paste its value.")


def test_a_version_goes_out_and_is_the_same_definition(desk: Desk) -> None:
    answer = desk.ask("GET", "/checklists/mini/versions/1.xlsx", by="inspector")
    assert answer.mimetype == XLSX
    assert "mini-1.xlsx" in answer.headers["Content-Disposition"]
    assert read_xlsform(answer.data).definition == MINI_FORM
    losses = desk.get("/checklists/mini/versions/1/xlsform")["items"]
    assert "hezha::severity" in {one["column"] for one in losses}


def test_what_is_not_there_is_not_found(desk: Desk) -> None:
    for path in (
        "/mini/versions/99.xlsx",
        "/none/versions/1.xlsx",
        "/none/versions/1/xlsform",
        "/drafts/none/xlsform",
    ):
        refused(desk.ask("GET", f"/checklists{path}"), 404, "not_found")


def test_an_inspector_imports_nothing_and_reads_no_draft(desk: Desk) -> None:
    begin(desk, sound())
    answer = desk.ask("POST", "/checklists/import?stage=survey", data=FORM, content_type=XLSX, by="inspector")
    refused(answer, 403, "forbidden")
    refused(desk.ask("GET", "/checklists/drafts/mini/xlsform", by="inspector"), 403, "forbidden")


def test_a_version_is_changed_in_excel_reviewed_and_published(desk: Desk) -> None:
    """What docs/xlsform.md says: fetched, edited, sent back as the next version's draft."""
    published(desk)
    data = desk.ask("GET", "/checklists/mini/versions/2.xlsx").data
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheet = book["hezha_limits"]
    assert sheet["C1"].value == "max"
    sheet["C2"].value = 3.5
    buffer = io.BytesIO()
    book.save(buffer)

    path = "/checklists/import?version=3&draft=true"
    sent = desk.ask("POST", path, data=buffer.getvalue(), content_type=XLSX)
    assert sent.status_code == 200, sent.text
    assert sent.get_json()["losses"] == []
    rev = step(desk, "review", f'"{sent.get_json()["draft"]}"', by="admin")
    step(desk, "publish", rev, by="admin")
    limits = [
        item["limits"] for item in desk.get("/checklists/mini")["sections"][0]["items"] if item.get("limits")
    ]
    assert limits[0][0]["max"] == 3.5
    assert desk.get("/checklists/mini")["version"] == 3
