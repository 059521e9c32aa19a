"""`hezha checklist lint` finds what comes with Hezha sound, and names what is not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from click.testing import CliRunner

import checklists
from server.commands.checklist import checklist

DEFINITIONS = Path(checklists.__file__).with_name("definitions")


def test_all_that_comes_with_hezha_is_sound_and_counted_by_template() -> None:
    ran = CliRunner().invoke(checklist, ["lint", "--all"])
    assert ran.exit_code == 0, ran.output
    lines = ran.output.splitlines()
    checked = [line for line in lines[:-1] if not line.startswith("not decided")]
    assert {line.split(": ")[1] for line in checked} == {"sound"}
    assert "coverage.tsv: sound" in lines
    assert lines[-1].endswith("225 of 225")


def test_an_item_that_was_taken_out_is_named(tmp_path: Path) -> None:
    folder = shutil.copytree(DEFINITIONS, tmp_path / "definitions")
    form = folder / "acceptance-lv.yaml"
    form.write_text(form.read_text("utf-8").replace("  - acceptance-lv\n", ""), "utf-8")
    ran = CliRunner().invoke(checklist, ["lint", "--all", "--folder", str(folder)])
    assert ran.exit_code == 1
    assert "LV-04: acceptance-lv does not have it" in ran.output
    assert "211 of 225" in ran.output
    as_json = CliRunner().invoke(checklist, ["lint", "--all", "--json", "--folder", str(folder)])
    assert len(json.loads(as_json.output)["coverage.tsv"]) == 14


def test_each_fault_is_told_with_its_file_and_line(tmp_path: Path) -> None:
    folder = shutil.copytree(DEFINITIONS, tmp_path / "definitions")
    part = folder / "sections" / "acceptance-cable.yaml"
    lines = part.read_text("utf-8").splitlines()
    line = next(number for number, text in enumerate(lines) if "facts.u0_8_7 || facts.u0_6" in text)
    lines[line] = lines[line].replace("facts.u0_6", "facts.u0_7")
    part.write_text("\n".join(lines), "utf-8")
    ran = CliRunner().invoke(checklist, ["lint", "--folder", str(folder)])
    assert ran.exit_code == 1
    assert f"  {part}:{line + 1}:9: CC-03: when" in ran.output
    assert "unknown fact u0_7" in ran.output
    chinese = CliRunner().invoke(checklist, ["lint", "--folder", str(folder), "--lang", "zh-CN"])
    assert "未定义的工程条件 u0_7" in chinese.output
    as_json = CliRunner().invoke(checklist, ["lint", "--json", "--folder", str(folder)])
    found = next(
        rows
        for name, rows in json.loads(as_json.output).items()
        if name.startswith("acceptance-hv@") and rows
    )
    told = next(row for row in found if row["code"] == "fact_unknown")
    assert (told["file"], told["line"], told["subject"]) == (str(part), line + 1, "CC-03")
    assert "u0_7" in told["text"]["zh-CN"]


def test_a_file_that_cannot_be_read_is_named_with_its_line(tmp_path: Path) -> None:
    folder = shutil.copytree(DEFINITIONS, tmp_path / "definitions")
    form = folder / "survey-lv.yaml"
    form.write_text(form.read_text("utf-8").replace("stage: survey", "stage: surveying"), "utf-8")
    ran = CliRunner().invoke(checklist, ["lint", "--folder", str(folder)])
    assert ran.exit_code == 1
    assert f"{form}:3:1: stage: 'surveying' is none of" in ran.output
