"""A malformed request is refused in CouchDB's form, changes nothing, and leaves the connection usable.

The requests, with what they are answered, are data: see `malformed.py`.
"""

from __future__ import annotations

import http.client
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from tests.peers.conftest import LiveServer
from tests.sync_http.fuzz.malformed import Answer, Peer, cases, dump, names

COUCHDB_URL = os.environ.get("HEZHA_TEST_COUCHDB_URL", "")
#: What tells a stranger how the server is built.
_INSIDES = (b"Traceback", b'File "', b".py", b"apsw", b"sqlite")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path_factory.mktemp("server") / "data")
    server.start()
    yield server
    server.stop()


class Rooms:
    """A furnished database for each request; the same one for as long as nothing was changed. Use it in a
    `with`: its end closes the peer too."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._made: str | None = None

    def database(self) -> str:
        if self._made is None:
            self._made = f"malformed-{uuid.uuid4().hex[:8]}"
            self._peer.furnish(self._made)
        return self._made

    def leave(self, case: dict[str, Any], answer: Answer) -> None:
        """Clear up behind a request that may have changed something."""
        if answer.status < 400 and case["method"] != "GET":
            self._clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()
        self._peer.close()

    def _clear(self) -> None:
        if self._made is not None:
            assert self._peer.ask("DELETE", f"/{self._made}").status in {200, 202, 404}
            self._made = None


@pytest.mark.parametrize("name", names())
def test_what_is_malformed_is_refused_and_changes_nothing(server: LiveServer, name: str) -> None:
    peer = Peer(server.url.replace("//", "//admin:admin@"))
    file = server.folder / "hezha.sqlite3"
    wrong: list[str] = []
    with Rooms(peer) as rooms:
        for case in cases(name):
            db = rooms.database()
            before = dump(file)
            answer = peer.send(case, db)
            wrong += [f"{case['name']}: {what}" for what in faults(case, answer, before == dump(file))]
            alive = peer.ask("GET", "/_up")
            if (alive.status, alive.json()["status"]) != (200, "ok"):
                wrong.append(f"{case['name']}: the connection is out of step")
            rooms.leave(case, answer)
    assert wrong == []


def faults(case: dict[str, Any], answer: Answer, unchanged: bool) -> Iterator[str]:
    """What is wrong with the answer to a request of the corpus."""
    if answer.status not in {case["status"], case.get("or")}:
        yield f"{answer.status} instead of {case['status']}: {answer.body[:200]!r}"
    if answer.status < 400:
        if case.get("unchanged") and not unchanged:
            yield "it changed something"
        return
    if not unchanged:
        yield "it was refused, and changed something"
    if answer.status == 414:
        return  # the web server's own: such a request line is not read to its end
    said = answer.json()
    if set(said) != {"error", "reason"} or not all(isinstance(word, str) for word in said.values()):
        yield f"not in CouchDB's form: {answer.body[:200]!r}"
    elif answer.status == case["status"] and said["error"] != case.get("error", said["error"]):
        yield f"{said['error']} instead of {case['error']}"
    if any(inside in answer.body for inside in _INSIDES):
        yield f"it tells of its insides: {answer.body[:200]!r}"


def test_the_log_tells_of_no_request_that_nobody_thought_of(server: LiveServer) -> None:
    """Runs after the corpus, on the same server."""
    log = Path(f"{server.folder}.server-log").read_text(errors="replace")
    assert "sync.crashed" not in log
    assert "sync.failed" not in log
    assert "Traceback" not in log


@pytest.mark.skipif(not COUCHDB_URL, reason="HEZHA_TEST_COUCHDB_URL names no CouchDB to compare with")
@pytest.mark.parametrize("name", [name for name in names() if name != "cut"])
def test_couchdb_refuses_the_same_but_for_the_differences_that_are_listed(name: str) -> None:
    """Compared are classes of status; a listed difference that is none any more is wrong as well."""
    peer = Peer(COUCHDB_URL)
    wrong: list[str] = []
    with Rooms(peer) as rooms:
        for case in cases(name):
            db = rooms.database()
            try:
                answer = peer.send(case, db)
            except (OSError, http.client.HTTPException):
                answer = Answer(0, {}, b"")  # no answer, or none that a client could read
            expected = case.get("couchdb", case["status"])
            if answer.status // 100 != expected // 100:
                wrong.append(f"{case['name']}: CouchDB {answer.status}, listed {expected}")
            made = case["path"].count("/") == 1 and "{db}" not in case["path"]
            if made and case["method"] == "PUT" and answer.status < 300:
                peer.ask("DELETE", case["path"])
            rooms.leave(case, answer)
    assert wrong == []


def test_every_difference_from_couchdb_has_its_reason() -> None:
    for name in names():
        for case in cases(name):
            assert ("couchdb" in case) == ("why" in case), case["name"]
            if "couchdb" in case:
                assert case["couchdb"] // 100 != case["status"] // 100, case["name"]
                assert len(case["why"]) > 10, case["name"]
