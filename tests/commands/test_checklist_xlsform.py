"""`hezha checklist import` and `export`: files in and out, and everything told in words."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from checklists.loader import load_definitions, parse_definition
from checklists.model import Definition
from checklists.xlsform import read_xlsform, write_xlsform
from server.commands.checklist import checklist
from tests.checklists.xlsform.everything import EVERYTHING
from tests.checklists.xlsform.workbooks import question, workbook


def run(*arguments: str | Path, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(checklist, [str(argument) for argument in arguments])


@pytest.fixture
def form(tmp_path: Path) -> Path:
    path = tmp_path / "form.xlsx"
    rows = [
        question("begin group", "room"),
        question("text", "a"),
        question("video", "b"),
        {"type": "end group"},
    ]
    path.write_bytes(workbook(survey=rows, settings=[{"form_title": "Yard", "form_id": "yard"}]))
    return path


def test_a_form_is_read_and_what_it_loses_is_told_by_place(form: Path) -> None:
    ran = run("import", form, "--stage", "survey")
    assert ran.exit_code == 0, ran.output
    assert "survey:4:type: type: Nothing here is answered by “video”" in ran.output
    assert "lint a: " not in ran.output
    assert ran.output.splitlines()[-1].startswith("yard@1  1 items in 1 sections")
    assert "此处没有“video”类的答案" in run("import", form, "--stage", "survey", "--language", "zh-CN").output


@pytest.mark.parametrize("name", ["out.yaml", "out.json"])
def test_the_definition_is_written_whole(form: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    assert run("import", form, "--stage", "survey", "--out", out).exit_code == 0
    raw = out.read_bytes()
    if name.endswith("json"):
        read = msgspec.json.decode(raw, type=Definition)
    else:
        read, _ = parse_definition(raw, name)
    assert read == read_xlsform(form.read_bytes(), stage="survey").definition


def test_or_as_an_authors_folder_and_nothing_is_overwritten(form: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    assert run("import", form, "--stage", "survey", "--out", folder).exit_code == 0
    read = load_definitions(folder).get("yard", 1)
    assert read == read_xlsform(form.read_bytes(), stage="survey").definition
    again = run("import", form, "--stage", "survey", "--out", folder)
    assert again.exit_code == 1
    assert "is there already" in again.output


@pytest.mark.parametrize("group", ["../../escape", ".hidden", "a/b"])
def test_a_group_is_never_a_path(tmp_path: Path, group: str) -> None:
    form = tmp_path / "form.xlsx"
    rows = [question("begin group", group), question("text", "a"), {"type": "end group"}]
    form.write_bytes(workbook(survey=rows))
    ran = run("import", form, "--stage", "survey", "--out", tmp_path / "mine")
    assert ran.exit_code == 1
    assert "cannot be a file's name" in ran.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["form.xlsx"]


def test_a_refusal_names_the_place_and_the_remedy(tmp_path: Path) -> None:
    form = tmp_path / "form.xlsx"
    form.write_bytes(workbook(survey=[question("text", hint="=1+1")]))
    ran = run("import", form, "--stage", "survey")
    assert ran.exit_code == 1
    assert "survey:2:hint: formula: The cell is a formula" in ran.output
    form.write_bytes(b"type,name")
    assert "form: not_xlsx" in run("import", form).output
    refusal = json.loads(run("import", form, "--json").output)
    assert [one["what"] for one in refusal["refused"]] == ["not_xlsx"]
    assert run("import", form, "--id", "No Name").exit_code == 1


def test_a_checklist_is_written_and_read_again(tmp_path: Path) -> None:
    out = tmp_path / "form.xlsx"
    environment = {"HEZHA_DATA": str(tmp_path / "none")}
    ran = run("export", "survey-lv", out, "--json", **environment)
    assert ran.exit_code == 0, ran.output
    assert {"only_here"} <= {one["what"] for one in json.loads(ran.output)["losses"]}
    assert read_xlsform(out.read_bytes()).definition == load_definitions().latest("survey-lv")
    back = run("import", out, "--out", tmp_path / "back.json")
    assert back.exit_code == 0, back.output
    unknown = run("export", "survey-lv@99", out, **environment)
    assert unknown.exit_code == 1
    assert "there is no checklist survey-lv@99" in unknown.output


def test_everything_a_definition_can_say_survives_both_commands(tmp_path: Path) -> None:
    form, out = tmp_path / "form.xlsx", tmp_path / "out.yaml"
    form.write_bytes(write_xlsform(EVERYTHING).data)
    assert run("import", form, "--out", out).exit_code == 0
    assert parse_definition(out.read_bytes(), "out")[0] == EVERYTHING
