"""`hezha checklist diff, drafts, limits, publish`: what the office wrote, told on the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import server.commands.checklist
import server.commands.office_checklists
import server.services
from checklists.loader import Library
from server.commands.checklist import checklist
from tests.desk import Desk, library, open_desk
from tests.drafting import begin, published, sound


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEZHA_DATA", str(tmp_path))
    for module in (server.services, server.commands.checklist, server.commands.office_checklists):
        monkeypatch.setattr(module, "load_definitions", lambda *_: library())
    return tmp_path


def run(*args: str) -> Result:
    return CliRunner().invoke(checklist, list(args))


def in_office(folder: Path, *steps: str) -> None:
    """Do something in an office that is closed again before the command runs."""
    with open_desk(folder) as desk:
        for step in steps:
            _STEPS[step](desk)


def _limit(desk: Desk) -> None:
    body = {
        "id": "l-1",
        "item": "NR-01",
        "since": "2026-11-01",
        "max": 2.0,
        "basis": {"zh-CN": "省公司 2026-12 号文", "en": "circular 2026-12"},
        "source": "circular 2026-12",
        "checklist": "mini",
    }
    desk.post("/checklists/limits", body, by="admin")


_STEPS = {
    "publish": lambda desk: published(desk, sound(most=3.0)),
    "begin": lambda desk: begin(desk, sound()),
    "limit": _limit,
}


def test_two_versions_are_told_apart_in_either_language(folder: Path) -> None:
    in_office(folder, "publish")
    english = run("diff", "mini@1", "mini@2")
    assert english.exit_code == 0, english.output
    assert "NR-01: limit was “≤ 4 → fail” and is “≤ 3 → fail” (stricter).\n" in english.output
    assert "（更严）" in run("diff", "mini@1", "mini@2", "--language", "zh-CN").output
    rows = json.loads(run("diff", "mini@1", "mini@2", "--json").output)
    assert {"graver"} <= {row["effect"] for row in rows}
    assert run("diff", "mini@2", "mini@2").output == "no difference\n"


@pytest.mark.parametrize("name", ["mini@9", "mini", "mini@two", "none@1"])
def test_a_version_that_is_not_there_is_named(folder: Path, name: str) -> None:
    in_office(folder)
    ran = run("diff", "mini@1", name)
    assert ran.exit_code == 1
    assert name in ran.output
    assert "ID@VERSION" in ran.output


def test_without_a_house_the_versions_that_come_with_hezha_are_compared(folder: Path) -> None:
    ran = run("diff", "mini@1", "mini-survey@1")
    assert ran.exit_code == 0, ran.output
    assert "stage" in ran.output


def test_looking_makes_no_house_where_there_is_none(folder: Path) -> None:
    assert run("drafts").output == "there are no drafts\n"
    assert run("limits").output == "there are no limits\n"
    assert list(folder.iterdir()) == []


def test_drafts_are_listed_with_who_wrote_and_reviewed_them(folder: Path) -> None:
    in_office(folder)
    assert run("drafts").output == "there are no drafts\n"
    in_office(folder, "begin")
    [row] = json.loads(run("drafts", "--json").output)
    assert (row["id"], row["state"], row["authors"], row["reviewer"]) == ("mini", "draft", ["manager"], None)
    assert "id=mini  version=2  state=draft  authors=manager" in run("drafts").output


def test_limits_are_listed_by_day_and_organisation(folder: Path) -> None:
    in_office(folder, "publish", "limit")
    assert "basis=省公司 2026-12 号文" in run("limits").output
    assert len(json.loads(run("limits", "--json", "--day", "2026-11-01").output)) == 1
    assert json.loads(run("limits", "--json", "--day", "2026-10-31").output) == []
    assert json.loads(run("limits", "--json", "--organisation", "north").output) == []


def test_publishing_names_what_the_office_numbered_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_office(folder, "publish")
    assert run("publish").exit_code == 0
    ours = Library((*library().all(), sound(most=2.0)))
    for module in (server.services, server.commands.checklist, server.commands.office_checklists):
        monkeypatch.setattr(module, "load_definitions", lambda *_: ours)
    ran = run("publish")
    assert ran.exit_code == 1
    assert "hezha checklist diff mini@2 shipped:mini@2" in ran.output
    told = run("diff", "mini@2", "shipped:mini@2")
    assert "“≤ 3 → fail” and is “≤ 2 → fail” (stricter)" in told.output
