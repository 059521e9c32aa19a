"""An author gets a first checklist that is sound, a schema for the editor and the form on paper."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from checklists.yamlfile import read_yaml
from server.commands.checklist import checklist

TITLES = ("--title-zh", "箱变“验收”: #1 {x}", "--title-en", 'Kiosk: "check" # one')


def run(*arguments: str | Path, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(checklist, [str(argument) for argument in arguments])


@pytest.fixture
def started(tmp_path: Path) -> Path:
    ran = run("new", "kiosk-check", "--stage", "acceptance", *TITLES, "--folder", tmp_path)
    assert ran.exit_code == 0, ran.output
    return tmp_path


def test_a_new_checklist_is_sound_and_keeps_the_schema(started: Path) -> None:
    ran = run("lint", "--folder", started)
    assert (ran.exit_code, ran.output) == (0, "kiosk-check@1: sound\n")
    form, _ = read_yaml(started / "kiosk-check.yaml", "form")
    assert form["title"] == {"zh-CN": "箱变“验收”: #1 {x}", "en": 'Kiosk: "check" # one'}
    schema = started / "schema.json"
    assert run("schema", "--out", schema).exit_code == 0
    checker = jsonschema.Draft202012Validator(json.loads(schema.read_text("utf-8")))
    checker.validate(form)
    checker.validate(read_yaml(started / "sections" / "kiosk-check-site.yaml", "section")[0])


def test_nothing_is_overwritten(started: Path) -> None:
    form = started / "kiosk-check.yaml"
    form.write_text("mine", "utf-8")
    ran = run("new", "kiosk-check", "--stage", "survey", *TITLES, "--folder", started)
    assert ran.exit_code == 1
    assert "is there already" in ran.output
    assert form.read_text("utf-8") == "mine"


@pytest.mark.parametrize("name", ["../escape", "Kiosk", "a--b", "", "a/b", "x" * 61, "箱变"])
def test_a_name_that_cannot_be_one_is_refused(tmp_path: Path, name: str) -> None:
    ran = run("new", "--stage", "survey", *TITLES, "--folder", tmp_path, "--", name)
    assert ran.exit_code == 1
    assert "is no name for a checklist" in ran.output
    assert list(tmp_path.iterdir()) == []


def test_a_form_is_printed_from_a_folder(started: Path) -> None:
    out = started / "form.pdf"
    ran = run("render", "kiosk-check@1", "--folder", started, "--out", out, "--language", "zh-CN")
    assert ran.exit_code == 0, ran.output
    assert "kiosk-check@1" in ran.output
    assert out.read_bytes().startswith(b"%PDF-")


def test_a_form_that_comes_with_hezha_is_printed_before_there_is_any_data(tmp_path: Path) -> None:
    out = tmp_path / "form.pdf"
    ran = run("render", "survey-lv", "--out", out, HEZHA_DATA=str(tmp_path / "none"))
    assert ran.exit_code == 0, ran.output
    assert out.read_bytes().startswith(b"%PDF-")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("name", ["kiosk", "kiosk-check@2", "kiosk-check@one", "kiosk-check@１"])
def test_a_form_that_is_not_there_is_refused_and_those_there_are_named(started: Path, name: str) -> None:
    ran = run("render", name, "--folder", started, "--out", started / "form.pdf")
    assert ran.exit_code == 1
    assert f"there is no checklist {name}; there are kiosk-check@1" in ran.output


def test_a_place_that_cannot_be_written_is_a_sentence(started: Path) -> None:
    ran = run("render", "kiosk-check", "--folder", started, "--out", started / "no" / "form.pdf")
    assert ran.exit_code == 1
    assert "cannot be written: No such file" in ran.output
