"""`hezha user` and `hezha device` on a real data folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server.commands.people import device, user
from server.people.sessions import DeviceClaim
from server.services import assemble
from server.settings import load

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("HEZHA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HEZHA_ARGON2", "8,1,1")

    def call(*words: str, typed: str = "") -> Result:
        group = {"user": user, "device": device}[words[0]]
        return CliRunner().invoke(group, words[1:], input=typed)

    return call


def rows(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def add(run: Run, name: str, role: str) -> Result:
    return run("user", "add", name, "--role", role, "--password-stdin", typed=f"{name}-password\n")


def test_a_user_is_added_listed_disabled_and_enabled(run: Run) -> None:
    assert add(run, "root", "admin").exit_code == 0
    assert add(run, "wei", "inspector").exit_code == 0
    assert run("user", "disable", "wei").exit_code == 0
    listed = rows(run("user", "list", "--json"))
    assert [(row["name"], row["roles"], row["disabled"]) for row in listed] == [
        ("root", ["admin"], False),
        ("wei", ["inspector"], True),
    ]
    assert "password_hash" not in listed[0]
    assert run("user", "enable", "wei").exit_code == 0
    assert rows(run("user", "list", "--role", "inspector", "--json"))[0]["disabled"] is False
    assert "wei" in run("user", "list").output


def test_a_typed_password_is_asked_for_twice_and_not_shown(run: Run) -> None:
    result = run("user", "add", "wei", "--role", "inspector", typed="wei-password\nwei-password\n")
    assert result.exit_code == 0
    assert "wei-password" not in result.output
    assert (
        run("user", "add", "ming", "--role", "inspector", typed="one-password\ntwo-password\n").exit_code != 0
    )


def test_a_refusal_is_a_sentence_and_an_exit_code(run: Run) -> None:
    add(run, "root", "admin")
    for result, words in (
        (add(run, "root", "admin"), "already"),
        (run("user", "disable", "nobody"), "no user nobody"),
        (run("user", "disable", "root"), "last administrator"),
        (run("user", "password", "root", "--password-stdin", typed="short\n"), "at least 8"),
        (run("device", "revoke", "00000000-none"), "no device"),
        (run("device", "list", "--user", "nobody"), "no user nobody"),
        (run("user", "disable", "nobody", "--lang", "zh-CN"), "没有用户"),
    ):
        assert result.exit_code == 1
        assert words in result.stderr
        assert "Traceback" not in result.output


def test_an_unknown_role_is_a_usage_error(run: Run) -> None:
    result = run("user", "add", "wei", "--role", "_admin", "--password-stdin", typed="wei-password\n")
    assert result.exit_code == 2


def test_a_setting_that_cannot_be_used_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEZHA_ARGON2", "much")
    result = run("user", "list")
    assert result.exit_code == 2
    assert "HEZHA_ARGON2" in result.stderr


def test_a_device_is_listed_and_revoked_with_its_order(run: Run) -> None:
    add(run, "wei", "inspector")
    services = assemble(load())
    made = services.people.login("wei", "wei-password", DeviceClaim("tablet 3"))
    kept = services.people.login("wei", "wei-password", DeviceClaim("tablet 4"))
    services.close()
    assert {row["name"] for row in rows(run("device", "list", "--user", "wei", "--json"))} == {
        "tablet 3",
        "tablet 4",
    }
    assert "wipe" in run("device", "revoke", made.device.id, "--reason", "lost").stdout
    assert "sign_in" in run("device", "revoke", kept.device.id, "--keep-data").stdout
    orders = {row["id"]: row["order"] for row in rows(run("device", "list", "--json"))}
    assert orders == {made.device.id: "wipe", kept.device.id: "sign_in"}


def test_a_new_password_replaces_the_old(run: Run) -> None:
    add(run, "wei", "inspector")
    assert run("user", "password", "wei", "--password-stdin", typed="new-password\n").exit_code == 0
    services = assemble(load())
    try:
        assert services.people.login("wei", "new-password").user.name == "wei"
    finally:
        services.close()


@pytest.mark.parametrize(
    ("group", "commands"), [("user", "add list disable enable password"), ("device", "list revoke")]
)
def test_every_command_explains_itself(run: Run, group: str, commands: str) -> None:
    for command in commands.split():
        result = run(group, command, "--help")
        assert result.exit_code == 0
        assert "Usage" in result.output
