"""docs/notices.md names every address of a notice with its verb, and settings as they are by default."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from server.workflow.closing import specialties
from server.workflow.escalation import ADDRESSEES
from server.workflow.policy import load_policy
from tests.desk import Desk

PAGE = (Path(__file__).parents[2] / "docs" / "notices.md").read_text("utf-8")
POLICY = load_policy().at(date(2026, 11, 22))
#: Said on other pages, or by the table's head.
ELSEWHERE = {
    ("GET", ""),
    ("GET", "/notice.pdf"),
    ("GET", "/pairs"),
    ("GET", "/pairs.pdf"),
}


def test_every_address_of_a_notice_is_on_the_page(desk: Desk) -> None:
    paths = desk.client.get("/api/openapi.json").get_json()["paths"]
    start = "/api/v1/cases/{case_id}/notices/{n}"
    served = {
        (method.upper(), path.removeprefix(start))
        for path, methods in paths.items()
        if path.startswith(start)
        for method in methods
        if method in {"get", "post", "patch", "put", "delete"}
    }
    named = {("POST", found) for found in re.findall(r"`POST …(/[a-z/]+)`", PAGE)} | {("PATCH", "")}
    assert "| complete the draft | `PATCH`" in PAGE
    assert named == served - ELSEWHERE


def test_settings_are_named_with_their_defaults() -> None:
    fields = set(type(POLICY).__struct_fields__)
    named = [name for name in re.findall(r"`([a-z_]+)`", PAGE) if name in fields]
    ours = {
        name
        for name in fields
        if name.startswith(("notice_", "reminder_", "specialists_", "rounds_to", "minor_by", "after_photo"))
    }
    assert ours <= set(named)
    for name, default in re.findall(r"`([a-z_]+)` \((\d+)\)", PAGE):
        assert getattr(POLICY, name) == int(default), name
    rows = dict(re.findall(r"\| `(notice_days_[a-z]+)` \| (\d+) \|", PAGE))
    assert {name: getattr(POLICY, name) for name in rows} == {name: int(days) for name, days in rows.items()}
    assert len(rows) == 3


def test_steps_and_specialties_are_those_that_there_are() -> None:
    for name in (*ADDRESSEES, *specialties()):
        assert f"`{name}`" in PAGE, name
