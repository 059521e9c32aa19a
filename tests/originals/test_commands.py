"""`hezha originals` and the doctor: what they say, and the exit code that a script goes by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from server.cli import main
from server.settings import variable
from tests.desk import Clock, open_desk
from tests.originals.conftest import POLICY, Ended, Shelf


class Office:
    """A data folder with a case long over, and the command line on it."""

    def __init__(self, folder: Path, address: dict[str, str]) -> None:
        self.policy = folder / "policy.yaml"
        self.policy.write_text(POLICY, "utf-8")
        data = folder / "data"
        data.mkdir()
        known: dict[str, Any] = {"policy_file": str(self.policy), **address}
        with open_desk(data, clock=Clock(), **known) as desk:
            case = Ended(desk)
            case.cancel()
            self.case, self.data = case.id, case.data
        self.environ = {variable(name): value for name, value in address.items()}
        self.environ |= {"HEZHA_DATA": str(data), "HEZHA_POLICY_FILE": str(self.policy)}

    def run(self, *words: str, **changes: str) -> Result:
        return CliRunner().invoke(main, list(words), env={**self.environ, **changes}, catch_exceptions=False)

    def never(self) -> None:
        self.policy.write_text("schema: 1\nsettings: []\n", "utf-8")


@pytest.fixture
def office(tmp_path: Path, address: dict[str, str]) -> Office:
    return Office(tmp_path, address)


def outcomes(result: Result) -> list[str]:
    return [json.loads(line)["outcome"] for line in result.stdout.splitlines()]


def test_there_back_and_looked_at(office: Office, shelf: Shelf) -> None:
    dry = office.run("originals", "move", "--case", office.case, "--dry-run", "--json")
    assert (dry.exit_code, outcomes(dry)) == (0, ["would_move"] * 2)
    moved = office.run("originals", "move", "--case", office.case)
    assert moved.exit_code == 0
    assert moved.stdout.startswith("2 originals moved to object storage")
    assert len(shelf.keys()) == 2
    check = office.run("originals", "check", "--deep")
    assert (check.exit_code, check.stdout[:28]) == (0, "2 originals are in object st")
    still = office.run("originals", "back")
    assert (still.exit_code, still.stdout) == (2, "")
    assert "originals_days to 0" in still.stderr
    office.never()
    back = office.run("originals", "back", "--json")
    assert (back.exit_code, outcomes(back)) == (0, ["back"] * 2)
    assert office.run("originals", "check").stdout == "There is nothing to do.\n"


def test_what_is_not_as_it_was_moved_is_named_and_ends_with_1(office: Office, shelf: Shelf) -> None:
    office.run("originals", "move", "--case", office.case)
    first, second = office.data.values()
    shelf.remove(first)
    shelf.overwrite(second, bytes(len(second)))
    found = office.run("originals", "check")
    assert found.exit_code == 1
    assert f"{office.case}/p-0: object storage does not have it" in found.stdout
    deep = office.run("originals", "check", "--deep", "--lang", "zh-CN")
    assert deep.exit_code == 1
    assert "p-1" in deep.stdout


def test_a_storage_that_cannot_be_had_ends_with_3_and_none_with_2(office: Office) -> None:
    gone = office.run("originals", "check", HEZHA_ORIGINALS_ENDPOINT="http://127.0.0.1:9")
    assert gone.exit_code == 3
    assert "cannot be had" in gone.stderr
    bare = {name: "" for name in office.environ if name.startswith("HEZHA_ORIGINALS_")}
    for command in ("move", "check"):
        none = office.run("originals", command, **bare)
        assert none.exit_code == 2
        assert "HEZHA_ORIGINALS_ENDPOINT" in none.stderr
    unknown = office.run("originals", "move", "--case", "nobody")
    assert (unknown.exit_code, "no case nobody" in unknown.stderr) == (2, True)


def doctor(office: Office, **changes: str) -> list[tuple[str, str]]:
    lines = office.run("doctor", "--json", **changes).stdout.splitlines()
    found = [json.loads(line) for line in lines]
    assert all(one["text"] for one in found)
    return [(one["level"], one["outcome"]) for one in found if one["check"] == "originals"]


def test_the_doctor_tells_what_keeps_originals_from_moving(office: Office, shelf: Shelf) -> None:
    assert doctor(office) == [("ok", "ok")]
    assert doctor(office) == [("ok", "ok")]
    assert shelf.keys() == {"hezha/hezha-probe"}
    assert doctor(office, HEZHA_ORIGINALS_BUCKET="no-such-bucket") == [("fail", "unreachable")]
    assert doctor(office, HEZHA_ORIGINALS_ENDPOINT="http://127.0.0.1:9") == [("fail", "unreachable")]
    bare = {name: "" for name in office.environ if name.startswith("HEZHA_ORIGINALS_")}
    assert doctor(office, **bare) == [("warn", "nowhere")]
    office.never()
    assert doctor(office, **bare) == []
    assert doctor(office) == [("ok", "unused")]


def test_keys_are_read_from_their_file(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("access\nvery-secret\n", "utf-8")
    file.chmod(0o644)
    keys = {"HEZHA_ORIGINALS_ACCESS_KEY": "", "HEZHA_ORIGINALS_SECRET_KEY": ""}
    found = doctor(office, HEZHA_ORIGINALS_KEY_FILE=str(file), **keys)
    assert found == [("warn", "key_readable"), ("ok", "ok")]
    file.chmod(0o600)
    assert doctor(office, HEZHA_ORIGINALS_KEY_FILE=str(file), **keys) == [("ok", "ok")]
    file.write_text("access\n", "utf-8")
    lines = office.run("doctor", "--json", HEZHA_ORIGINALS_KEY_FILE=str(file), **keys).stdout
    assert "HEZHA_ORIGINALS_KEY_FILE" in lines
    assert "access\\n" not in lines
