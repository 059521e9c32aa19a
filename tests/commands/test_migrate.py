"""`hezha migrate` as an operator or a script runs it: what it says, and its exit codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from server.commands.migrate import BROKE_OFF, DIFFERS, FOREIGN, WRONG_USE
from server.texts import LANGUAGES, catalogue
from sync.migration.compare import What
from sync.migration.move import Stage
from tests.replication.kit import edit, leaf, leaves, local_site

_ROOT = Path(__file__).resolve().parents[2]
CASE = "case-01a201c2-e9da-747a-9570-8ce8bcbf2834"


def hezha(data: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HEZHA_DATA": str(data), "COLUMNS": "200", **environ}
    command = [sys.executable, "-m", "server.cli", "migrate", *arguments]
    return subprocess.run(
        command, cwd=_ROOT, env=env, timeout=120, check=False, capture_output=True, text=True
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    with local_site(folder) as site:
        for name in ("registry", "library", CASE):
            site.create(name)
            edit(site.replica(name), "doc", n=1)
        site.create("notes-of-an-admin")
        photo = {"original": ("image/jpeg", os.urandom(100_000))}
        edit(site.replica(CASE), "photo", attachments=photo)
    return folder


def answer(run: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_a_migration_says_what_is_there_and_how_to_switch_over(data: Path, tmp_path: Path) -> None:
    run = hezha(data, "--to", str(tmp_path / "new"))
    assert run.returncode == 0, run.stderr
    assert f"From the data folder {data}." in run.stdout
    assert "Both sides are equal: 3 databases, 4 documents" in run.stdout
    assert "1 attachments (100000 bytes)" in run.stdout
    assert "notes-of-an-admin" in run.stdout
    assert f"HEZHA_DATA={tmp_path / 'new'}" in run.stdout
    assert "Comparing" in run.stderr
    with local_site(tmp_path / "new") as site:
        assert site.names() == [CASE, "library", "registry"]


def test_a_script_reads_one_object(data: Path, tmp_path: Path) -> None:
    run = hezha(data, "--to", str(tmp_path / "new"), "--json")
    assert (run.returncode, run.stderr) == (0, "")
    told = answer(run)
    assert told["ok"] is True
    assert (told["databases"], told["documents"], told["attachments"]) == (3, 4, 1)
    assert (told["differences"], told["left_out"]) == ([], ["notes-of-an-admin"])


def test_the_prefix_says_which_databases_are_ours(data: Path, tmp_path: Path) -> None:
    with local_site(data) as site:
        site.create("t-library")
    told = answer(hezha(data, "--to", str(tmp_path / "new"), "--json", HEZHA_DB_PREFIX="t-"))
    assert (told["databases"], told["documents"]) == (1, 0)
    assert len(told["left_out"]) == 4


def test_a_difference_that_stays_is_listed_with_its_own_exit_code(data: Path, tmp_path: Path) -> None:
    """A write rule at the target refuses what the source holds: nobody may switch over to that."""
    with local_site(data) as site:
        replica = site.replica(CASE)
        rules = "function (doc) { if (doc.n === 2) throw {forbidden: 'no: two'}; }"
        edit(replica, "_design/rules", validate_doc_update=rules)
        # As a source does that has other rules.
        site._store._rules._validator = lambda *_: None
        edit(replica, "doc", leaf(replica, "doc", leaves(replica)["doc"][0]), n=2)
    run = hezha(data, "--to", str(tmp_path / "new"))
    assert run.returncode == DIFFERS
    assert re.search(rf"{CASE} doc: leaf revisions: ", run.stdout)
    assert "no: two" in run.stdout
    assert "Do not switch over" in run.stderr
    run = hezha(data, "--to", str(tmp_path / "new"), "--json")
    told = answer(run)
    assert (run.returncode, told["ok"]) == (DIFFERS, False)
    assert {(row["database"], row["doc_id"]) for row in told["differences"]} >= {(CASE, "doc")}


def test_foreign_data_at_the_target_are_named(data: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    with local_site(new) as site:
        site.create("library")
        rev = edit(site.replica("library"), "theirs")
    run = hezha(data, "--to", str(new), "--json")
    assert run.returncode == FOREIGN
    assert answer(run)["detail"] == [{"database": "library", "revisions": [["theirs", rev]]}]


def test_wrong_use_is_told_before_anything_is_written(data: Path, tmp_path: Path) -> None:
    for arguments in (
        ("--from", str(tmp_path / "nothing"), "--to", str(tmp_path / "new")),
        ("--to", "http://admin:geheim@127.0.0.1:9"),
    ):
        run = hezha(data, *arguments)
        assert run.returncode == WRONG_USE
        assert run.stderr.startswith("hezha: ")
        assert "geheim" not in run.stdout + run.stderr
        assert "Traceback" not in run.stderr
    assert not (tmp_path / "nothing").exists()


def test_a_place_is_not_moved_to_itself(data: Path) -> None:
    assert hezha(data, "--to", str(data)).returncode == WRONG_USE


def test_every_outcome_has_words_in_both_languages() -> None:
    codes = {f"migrate.difference.{what}" for what in get_args(What)}
    codes |= {f"migrate.stage.{stage}" for stage in get_args(Stage)}
    codes |= {"migrate.broke_off", "migrate.interrupted", "migrate.switch.couchdb", "migrate.switch.folder"}
    for lang in LANGUAGES:
        assert codes <= catalogue(lang).keys()
    assert len({0, DIFFERS, WRONG_USE, FOREIGN, BROKE_OFF}) == 5
