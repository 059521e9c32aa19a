"""`hezha audit`: what was changed past Hezha is told with its place, and sound cases are called sound."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from server.cli import main
from server.commands.audit import trace_text
from server.texts import LANGUAGES, catalogue
from server.workflow.audit import Trace
from tests.desk import Desk, open_desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    with open_desk(folder) as made:
        yield made


def hezha(desk: Desk, *arguments: str | Path) -> Result:
    env = {"HEZHA_DATA": str(desk.made.settings.data_dir), "HEZHA_MIN_FREE_DISK_BYTES": "0"}
    done = CliRunner().invoke(main, ["audit", *map(str, arguments)], env=env)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return done


def forge(desk: Desk, case: str, **changes: Any) -> None:
    """Write the case's document past Hezha."""
    store, names = desk.made.store, desk.made.names
    store.put(names.forms(case), {**store.get(names.forms(case), "case"), **changes})


def test_cases_that_only_decisions_changed_are_sound(desk: Desk) -> None:
    case = desk.open_case()
    desk.post(f"/cases/{case}/transitions", {"to": "survey"})
    done = hezha(desk, "verify")
    assert (done.exit_code, done.stdout) == (0, "1 cases are as their decisions left them.\n")
    assert desk.get(f"/cases/{case}/log")["traces"] == []


def test_a_change_past_hezha_is_told_with_its_part_and_entry(desk: Desk) -> None:
    case, other = desk.open_case(), desk.open_case()
    forge(desk, case, stage="archived")
    done = hezha(desk, "verify")
    assert done.exit_code == 1
    [line] = done.stdout.splitlines()
    assert line.startswith(f"✗ {case}: stage was changed past Hezha after entry ")
    assert "1 of 2 cases differ" in done.stderr
    rows = [json.loads(line) for line in hezha(desk, "verify", "--json").stdout.splitlines()]
    assert {row["case"]: row["sound"] for row in rows} == {case: False, other: True}
    shown = desk.get(f"/cases/{case}/log")
    assert (shown["verified"], [trace["part"] for trace in shown["traces"]]) == (False, ["stage"])
    assert hezha(desk, "verify", other).exit_code == 0


def test_a_case_put_back_whole_is_found_against_heads_that_were_kept(desk: Desk, tmp_path: Path) -> None:
    case = desk.open_case()
    store, names = desk.made.store, desk.made.names
    before = store.get(names.forms(case), "case")
    desk.post(f"/cases/{case}/transitions", {"to": "survey"})
    heads = tmp_path / "heads.jsonl"
    assert "heads of 1 cases" in hezha(desk, "heads", "--out", heads).stdout
    assert hezha(desk, "heads").stdout == heads.read_text("utf-8")
    assert hezha(desk, "verify", "--against", heads).exit_code == 0
    store.put(names.forms(case), {**before, "_rev": store.get(names.forms(case), "case")["_rev"]})
    assert hezha(desk, "verify").exit_code == 0
    done = hezha(desk, "verify", "--against", heads)
    assert (done.exit_code, "whose head was kept" in done.stdout) == (1, True)


def test_a_case_that_is_gone_is_found_against_heads_that_were_kept(desk: Desk, tmp_path: Path) -> None:
    case = desk.open_case()
    heads = tmp_path / "heads.jsonl"
    hezha(desk, "heads", "--out", heads)
    desk.made.store.delete_database(desk.made.names.forms(case))
    done = hezha(desk, "verify", "--against", heads)
    assert (done.exit_code, "is not in the store" in done.stdout) == (1, True)


def test_heads_that_cannot_be_read_are_named_by_line(desk: Desk, tmp_path: Path) -> None:
    heads = tmp_path / "heads.jsonl"
    heads.write_text('{"case":"a","seq":1,"hash":"b"}\nnonsense\n')
    done = hezha(desk, "verify", "--against", heads)
    assert (done.exit_code, "line 2" in done.stderr) == (2, True)


def test_a_document_that_is_no_case_is_told(desk: Desk) -> None:
    case = desk.open_case()
    forge(desk, case, mood="good")
    assert "no case that this version can read" in hezha(desk, "verify").stdout


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_trace_has_words_without_gaps(lang: str) -> None:
    known = {code.removeprefix("audit.trace.") for code in catalogue(lang) if code.startswith("audit.trace.")}
    for code in known:
        for after, before in ((0, None), (0, 3), (2, None), (2, 3)):
            words = trace_text(
                Trace(code=code, part="p", after_seq=after, before_seq=before, reason="r"), lang
            )
            assert "{" not in words
