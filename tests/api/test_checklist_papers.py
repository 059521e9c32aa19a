"""Editors get the schema without signing in; whoever is signed in gets a blank form, and once only."""

from __future__ import annotations

import jsonschema
import msgspec
import pytest

from server.reports import blank_form
from tests.desk import Desk, refused


def test_the_schema_is_there_for_editors(house: Desk) -> None:
    answer = house.client.get("/api/v1/checklists/schema", headers={"Accept-Language": "en"})
    assert answer.status_code == 200
    assert answer.mimetype == "application/schema+json"
    schema = msgspec.json.decode(answer.data)
    jsonschema.Draft202012Validator.check_schema(schema)
    whole = house.get("/checklists/acceptance-hv")
    whole.pop("digest")
    jsonschema.Draft202012Validator(schema).validate(whole)
    chinese = house.client.get("/api/v1/checklists/schema?kind=section", headers={"Accept-Language": "zh-CN"})
    assert "严重程度" in chinese.get_data(as_text=True)
    assert "WrittenDefinition" not in chinese.get_data(as_text=True)
    refused(house.client.get("/api/v1/checklists/schema?kind=facts"), 422, "invalid_fields")


def test_a_version_is_printed_and_asked_for_once(house: Desk) -> None:
    first = house.ask("GET", "/checklists/mini/versions/1.pdf", by="auditor")
    assert first.status_code == 200
    assert first.mimetype == "application/pdf"
    assert first.data.startswith(b"%PDF-")
    assert "mini@1.pdf" in first.headers["Content-Disposition"]
    tag = first.headers["ETag"]
    again = house.ask("GET", "/checklists/mini/versions/1.pdf", by="auditor", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    english = house.ask("GET", "/checklists/mini/versions/1.pdf?language=en", by="auditor")
    assert english.headers["ETag"] != tag
    assert english.data != first.data


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/checklists/mini/versions/9.pdf", 404, "not_found"),
        ("/checklists/none/versions/1.pdf", 404, "not_found"),
        ("/checklists/mini/versions/1.pdf?language=fr", 422, "invalid_fields"),
        ("/checklists/mini/versions/1.pdf?odd=1", 422, "invalid_fields"),
    ],
)
def test_what_cannot_be_printed_is_said(house: Desk, path: str, status: int, code: str) -> None:
    refused(house.ask("GET", path, by="inspector"), status, code)


def test_a_form_too_large_for_paper_is_refused_with_the_limit(
    house: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blank_form.form_pages, "__kwdefaults__", {"most": 0})
    answer = house.ask("GET", "/checklists/mini/versions/1.pdf", by="manager")
    refused(answer, 422, "form_too_large")
    assert "0" in answer.get_json()["detail"]
