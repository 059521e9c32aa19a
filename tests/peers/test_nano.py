"""nano, the client that Node programs use with CouchDB, against the embedded engine over HTTP."""

from __future__ import annotations

import json
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.peers.conftest import LiveServer

SCRIPT = Path(__file__).with_name("nano.mjs")
ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(not (ROOT / "node_modules/nano").is_dir(), reason="nano is missing: npm ci"),
]


@pytest.fixture(scope="module")
def got(server: LiveServer) -> dict[str, Any]:
    """What each step of the script got."""
    name = f"nano-{uuid.uuid4().hex[:12]}"
    url = server.url.replace("http://", "http://admin:admin@")
    done = subprocess.run(
        ["node", str(SCRIPT), url, name], cwd=ROOT, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def test_databases_come_and_go(got: dict[str, Any]) -> None:
    assert (got["info"], got["uuids"], got["listed"]) == ("Welcome", 3, True)
    assert got["made"] == got["gone"] == {"ok": True}
    assert got["madeAgain"]["status"] == 412
    assert got["madeAgain"]["error"] == "file_exists"
    assert (got["after"]["status"], got["after"]["error"]) == (404, "not_found")


def test_documents_are_written_read_and_refused(got: dict[str, Any]) -> None:
    assert got["conflict"] == {"status": 409, "error": "conflict", "reason": "Document update conflict."}
    assert got["second"]["ok"] is True
    assert (got["read"]["_rev"], got["read"]["n"], got["old"]) == (got["second"]["rev"], 2, 1)
    assert got["read"]["_revisions"]["start"] == 2
    assert got["head"] == f'"{got["second"]["rev"]}"'
    assert got["missing"] == {"status": 404, "error": "not_found", "reason": "missing"}
    assert got["named"] == 32


def test_many_documents_go_and_come_together(got: dict[str, Any]) -> None:
    assert [row["ok"] for row in got["bulk"]] == [True] * 4
    assert got["list"] == [0, 1]
    assert got["fetch"] == [1, "not_found"]
    assert got["fetchRevs"] is True


def test_attachments_keep_every_byte(got: dict[str, Any]) -> None:
    for step in ("attachment", "streamed", "several", "unattached", "destroyed"):
        assert got[step] is True, step
    assert got["stubs"] == ["one.txt", "two.bin"]


def test_changes_are_read_at_once_in_batches_and_as_they_come(got: dict[str, Any]) -> None:
    assert got["changes"] == 3
    assert got["since"] == []
    assert got["seen"] == [41]
    assert got["batches"] == got["rows"] > 2


def test_conflicts_and_security_are_what_was_written(got: dict[str, Any]) -> None:
    assert (got["conflicts"]["_rev"], got["conflicts"]["_conflicts"]) == ("2-y", ["2-x"])
    assert got["secured"]["ok"] is True
    assert got["security"] == ["wang"]


def test_a_view_is_what_its_functions_say(got: dict[str, Any]) -> None:
    [row] = got["view"]
    assert (row["key"], row["value"]) == (None, got["rows"])
    assert sorted(set(got["viewed"])) == [2, 41]
    assert got["queried"]["status"] == 400


def test_who_signs_in_is_known_by_a_cookie(got: dict[str, Any]) -> None:
    assert got["refusedSession"]["status"] == 401
    assert got["signedIn"] == {"ok": True, "name": "admin", "roles": ["_admin"]}
    assert got["session"]["userCtx"]["name"] == "admin"
    assert got["session"]["info"]["authenticated"] == "cookie"
    assert got["byCookie"] is True


@pytest.mark.parametrize("step", ["find", "index", "replicator"])
def test_what_is_not_offered_says_so(got: dict[str, Any], step: str) -> None:
    assert (got[step]["status"], got[step]["error"]) == (501, "not_implemented")
    assert "not offered" in got[step]["reason"]
