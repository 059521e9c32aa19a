"""With what the storage is asked: the settings' keys, or the machine's own credentials, and nobody else's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.evidence.originals.bucket import Bucket, OriginalsUnreachable
from tests.originals.conftest import options
from tests.originals.hostile import Answer, Asked, Hostile, hostile

OWN = {"access_key": "", "secret_key": ""}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hostile]:
    """A storage that has a bucket, on a machine without credentials."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "ROLE_ARN"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with hostile() as made:
        made.mind = lambda _: Answer()
        yield made


def container(server: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server be the container's address for credentials as well."""
    until = datetime.now(UTC) + timedelta(hours=6)
    told = {"AccessKeyId": "ROLE", "SecretAccessKey": "s", "Token": "t-1", "Expiration": until.isoformat()}

    def mind(asked: Asked) -> Answer:
        if asked.path == "/role":
            return Answer(200, json.dumps(told).encode(), {"Content-Type": "application/json"})
        return Answer()

    server.mind = mind
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{server.url}/role")


def test_a_role_of_the_container_signs_and_is_asked_for_once(
    server: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    container(server, monkeypatch)
    bucket = Bucket(options(server.url, **OWN))
    bucket.reach()
    bucket.reach()
    bucket.close()
    role, *asked = server.asked
    assert (role.path, len(asked)) == ("/role", 2)
    assert all("Credential=ROLE/" in one.signed and one.token == "t-1" for one in asked)


def test_a_role_of_the_instance_signs_however_short_the_wait(
    server: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = (datetime.now(UTC) + timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
    role = {"AccessKeyId": "INSTANCE", "SecretAccessKey": "s", "Token": "t-2", "Expiration": until}
    told = {
        "/latest/api/token": b"session",
        "/latest/meta-data/iam/security-credentials/": b"hezha",
        "/latest/meta-data/iam/security-credentials/hezha": json.dumps({**role, "Code": "Success"}).encode(),
    }
    server.mind = lambda asked: Answer(200, told.get(asked.path, b""))
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url)
    bucket = Bucket(options(server.url, **OWN, connect=0.5))
    bucket.reach()
    bucket.close()
    assert "Credential=INSTANCE/" in server.asked[-1].signed
    assert server.asked[-1].token == "t-2"


def test_keys_of_the_settings_come_before_all_of_it(server: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    container(server, monkeypatch)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "SOMEBODY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    bucket = Bucket(options(server.url))
    bucket.reach()
    bucket.close()
    (asked,) = server.asked
    assert ("Credential=access/" in asked.signed, asked.token) == (True, None)


def test_files_of_other_programs_are_not_read(
    server: Hostile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".aws").mkdir()
    for name in (".aws/credentials", ".boto"):
        section = "default" if name.startswith(".aws") else "Credentials"
        (tmp_path / name).write_text(f"[{section}]\naws_access_key_id = OTHER\naws_secret_access_key = s\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    bucket = Bucket(options(server.url, **OWN))
    with pytest.raises(OriginalsUnreachable, match="no credentials"):
        bucket.reach()
    assert server.asked == []
    bucket.close()


def test_credentials_that_come_later_are_found_after_the_pause(
    server: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    bucket = Bucket(options(server.url, **OWN), monotonic=lambda: now[0])
    with pytest.raises(OriginalsUnreachable, match="no credentials"):
        bucket.reach()
    container(server, monkeypatch)
    now[0] = bucket.options.pause
    bucket.reach()
    assert "Credential=ROLE/" in server.asked[-1].signed
    bucket.close()
