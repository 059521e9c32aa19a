"""Every setting is read, bounded, and described on its page."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from server.cli import main
from server.settings import Argon2Profile, Settings, SettingsError, load, variable
from tests.clitree import below

#: Read by the tests only.
FOR_TESTS = {"HEZHA_TEST_COUCHDB_URL", "HEZHA_TEST_XLSFORMS"}
PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
NUMBERS = [field.name for field in fields(Settings) if isinstance(field.default, int | float)]
#: Numbers of which zero makes sense.
MAY_BE_ZERO = {
    "trusted_proxies",
    "refresh_grace_seconds",
    "inbox_interval_seconds",
    "min_free_disk_bytes",
    "max_parked_polls",
    "couchdb_q",
    "couchdb_n",
    "lease_wait_seconds",
    "clock_skew_seconds",
}


def command_variables(command: click.Command) -> set[str]:
    """Those that stand for an option of one command, its subcommands' too."""
    found = {option.envvar for option in command.params if isinstance(option.envvar, str)}
    for one in below(command):
        found |= command_variables(one)
    return found


def test_the_page_lists_every_variable_and_none_besides() -> None:
    listed = re.findall(r"^\| `(HEZHA_[A-Z0-9_]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) == {variable(field.name) for field in fields(Settings)}


def test_the_page_names_no_variable_that_does_not_exist() -> None:
    root = PAGE.parent.parent
    known = {variable(field.name) for field in fields(Settings)}
    known |= command_variables(main) | FOR_TESTS
    for page in (*root.glob("*.md"), *root.glob("docs/*.md")):
        named = set(re.findall(r"HEZHA_[A-Z0-9_]+", page.read_text("utf-8")))
        assert named <= known, page.name


def test_the_page_names_the_defaults() -> None:
    page = PAGE.read_text("utf-8")
    for name in NUMBERS:
        default = getattr(Settings(), name)
        mib, gib = default / 1024**2, default / 1024**3
        said = {f"`{default}`", f"{mib:g} MiB", f"{gib:g} GiB"}
        [row] = [line for line in page.splitlines() if line.startswith(f"| `{variable(name)}` |")]
        assert row.split("|")[2].strip() in said, row


def test_without_an_environment_the_defaults_hold() -> None:
    assert load({}) == Settings()


def test_every_variable_is_read(tmp_path: Path) -> None:
    environ = {variable(name): "7" for name in NUMBERS}
    texts = {
        "HEZHA_DATA": str(tmp_path),
        "HEZHA_HOST": "0.0.0.0",
        "HEZHA_BASE_URL": "https://hezha.example/",
        "HEZHA_DB_PREFIX": "test-",
        "HEZHA_COUCHDB_URL": "https://couch.example:6984/",
        "HEZHA_COUCHDB_USER": "hezha",
        "HEZHA_COUCHDB_PASSWORD_FILE": str(tmp_path / "password"),
        "HEZHA_COUCHDB_CA_FILE": str(tmp_path / "ca.pem"),
        "HEZHA_SYNC_URL": "https://hezha.example/sync/",
        "HEZHA_JWT_KEY": "eA==",
        "HEZHA_ORGANISATION": "north",
        "HEZHA_POLICY_FILE": "/etc/hezha/policy.yaml",
        "HEZHA_LOG_LEVEL": "debug",
        "HEZHA_WEBHOOK_NETWORKS": "10.20.0.0/16",
        "HEZHA_ORIGINALS_ENDPOINT": "https://store.example:9000",
        "HEZHA_ORIGINALS_BUCKET": "originals",
        "HEZHA_ORIGINALS_REGION": "north",
        "HEZHA_ORIGINALS_PREFIX": "hezha/",
        "HEZHA_ORIGINALS_CREDENTIALS": "keys",
        "HEZHA_ORIGINALS_KEY_FILE": str(tmp_path / "key"),
        "HEZHA_ORIGINALS_CA_FILE": str(tmp_path / "ca.pem"),
        "HEZHA_ORIGINALS_ADDRESSING": "virtual",
        "HEZHA_ORIGINALS_VERIFY": "checksum",
        "HEZHA_ARGON2": "64,3,2",
    }
    found = load({**environ, **texts})
    assert {name: getattr(found, name) for name in NUMBERS} == dict.fromkeys(NUMBERS, 7)
    assert (found.data_dir, found.host, found.organisation) == (tmp_path, "0.0.0.0", "north")
    assert (found.argon2, found.public_url) == (Argon2Profile(64, 3, 2), "https://hezha.example")
    assert found.log_level == "debug"
    assert found.policy_file == "/etc/hezha/policy.yaml"
    assert found.database("library") == "test-library"
    assert found.public_sync_url == "https://hezha.example/sync"
    # With CouchDB there is no admin of our own, and with a file no key in the environment.
    elsewhere = {"HEZHA_SYNC_ADMIN", "HEZHA_ORIGINALS_ACCESS_KEY", "HEZHA_ORIGINALS_SECRET_KEY"}
    said = {**environ, **texts}.keys() | elsewhere
    assert said == {variable(field.name) for field in fields(Settings)}


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["many", "-1", "nan", "inf", "1e400", "", " "])
def test_a_number_is_a_finite_one_that_is_not_negative(name: str, value: str) -> None:
    if value == "":
        assert load({variable(name): value}) == Settings()
        return
    with pytest.raises(SettingsError, match=variable(name)):
        load({variable(name): value})


@pytest.mark.parametrize("name", sorted(set(NUMBERS) - MAY_BE_ZERO))
def test_what_would_stop_everything_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=variable(name)):
        load({variable(name): "0"})


@pytest.mark.parametrize("name", sorted(MAY_BE_ZERO))
def test_zero_is_taken_where_it_makes_sense(name: str) -> None:
    assert getattr(load({variable(name): "0"}), name) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEZHA_DB_PREFIX", "Test"),
        ("HEZHA_DB_PREFIX", "1a"),
        ("HEZHA_DB_PREFIX", "a\n"),
        ("HEZHA_DB_PREFIX", "a" * 32),
        ("HEZHA_SYNC_ADMIN", "couch"),
        ("HEZHA_SYNC_ADMIN", "couch:short"),
        ("HEZHA_SYNC_ADMIN", ":long enough"),
        ("HEZHA_COUCHDB_URL", "http://127.0.0.1:5984"),
        ("HEZHA_COUCHDB_URL", "http://hezha@127.0.0.1:5984"),
        ("HEZHA_COUCHDB_URL", "couch://hezha:secret@127.0.0.1"),
        ("HEZHA_COUCHDB_URL", "http://hezha:secret@127.0.0.1/?q=1"),
        ("HEZHA_PORT", "65536"),
        ("HEZHA_LOG_LEVEL", "DEBUG"),
        ("HEZHA_ARGON2", "1,2"),
        ("HEZHA_ARGON2", "a,b,c"),
        ("HEZHA_ARGON2", "0,0,0"),
        ("HEZHA_ARGON2", "8,1,-1"),
        ("HEZHA_ARGON2", "8,1,4"),
    ],
)
def test_what_cannot_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load({name: value})


COUCHDB = "http://hezha:top-secret@127.0.0.1:5984"


@pytest.mark.parametrize(
    "more",
    [
        {"HEZHA_SYNC_ADMIN": "couch:long enough"},
        {"HEZHA_COUCHDB_USER": "hezha"},
        {"HEZHA_COUCHDB_PASSWORD_FILE": "/run/secrets/couchdb"},
    ],
)
def test_what_does_not_go_with_couchdb_is_named(more: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=next(iter(more))):
        load({"HEZHA_COUCHDB_URL": COUCHDB, **more})


def test_no_message_and_no_picture_of_the_settings_shows_a_password() -> None:
    assert "top-secret" not in repr(load({"HEZHA_COUCHDB_URL": COUCHDB}))
    with pytest.raises(SettingsError) as caught:
        load({"HEZHA_COUCHDB_URL": COUCHDB + "/#fragment"})
    assert "top-secret" not in str(caught.value)


def test_tablets_are_told_to_sync_at_hezha_unless_it_is_said() -> None:
    found = load({"HEZHA_BASE_URL": "https://hezha.example/"})
    assert found.public_sync_url == "https://hezha.example/sync"


def test_a_command_exits_and_says_which_setting_to_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEZHA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HEZHA_PORT", "ninety")
    result = CliRunner().invoke(main, ["rebuild"])
    assert result.exit_code == 2
    assert "HEZHA_PORT='ninety'" in result.stderr
    assert not (tmp_path / "data").exists()


ORIGINALS = {
    "HEZHA_ORIGINALS_ENDPOINT": "http://10.0.0.7:9000",
    "HEZHA_ORIGINALS_BUCKET": "originals",
    "HEZHA_ORIGINALS_ACCESS_KEY": "access",
    "HEZHA_ORIGINALS_SECRET_KEY": "very-secret",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEZHA_ORIGINALS_ENDPOINT", ""),
        ("HEZHA_ORIGINALS_ENDPOINT", "10.0.0.7:9000"),
        ("HEZHA_ORIGINALS_ENDPOINT", "http://10.0.0.7:9000/originals"),
        ("HEZHA_ORIGINALS_ENDPOINT", "http://name:password@10.0.0.7"),
        ("HEZHA_ORIGINALS_BUCKET", ""),
        ("HEZHA_ORIGINALS_BUCKET", "a/b"),
        ("HEZHA_ORIGINALS_PREFIX", "hezha"),
        ("HEZHA_ORIGINALS_PREFIX", "/hezha/"),
        ("HEZHA_ORIGINALS_ADDRESSING", "guess"),
        ("HEZHA_ORIGINALS_VERIFY", "never"),
        ("HEZHA_ORIGINALS_SECRET_KEY", ""),
        ("HEZHA_ORIGINALS_CREDENTIALS", "guess"),
        ("HEZHA_ORIGINALS_CREDENTIALS", "machine"),
        ("HEZHA_ORIGINALS_KEY_FILE", "/etc/hezha.key"),
    ],
)
def test_object_storage_is_described_whole_or_not_at_all(name: str, value: str) -> None:
    assert load(ORIGINALS).originals_bucket == "originals"
    with pytest.raises(SettingsError, match="HEZHA_ORIGINALS") as refused:
        load({**ORIGINALS, name: value})
    assert "very-secret" not in str(refused.value)
    assert "very-secret" not in repr(load(ORIGINALS))


def test_the_machines_own_credentials_are_taken_where_a_setting_says_so() -> None:
    bare = {name: value for name, value in ORIGINALS.items() if not name.endswith("_KEY")}
    with pytest.raises(SettingsError, match="HEZHA_ORIGINALS_CREDENTIALS=machine"):
        load(bare)
    assert load({**bare, "HEZHA_ORIGINALS_CREDENTIALS": "machine"}).originals_access_key == ""
