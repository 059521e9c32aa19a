"""Apache CouchDB's own replicator pulls from the embedded engine and pushes to it, over real HTTP."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.peers.conftest import LiveServer
from tests.peers.replica import PACKED, Remote, contents, fill

COUCHDB_URL = os.environ.get("HEZHA_TEST_COUCHDB_URL", "").rstrip("/")
_PATIENCE = 60.0

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(not COUCHDB_URL, reason="HEZHA_TEST_COUCHDB_URL names no CouchDB to replicate with"),
]


class CouchDB:
    """The peer: a server of which we are admin. What is made here is gone afterwards."""

    def __init__(self, url: str) -> None:
        scheme, _, rest = url.partition("://")
        credentials, _, host = rest.rpartition("@")
        name, _, password = credentials.partition(":")
        self.url = f"{scheme}://{host}"
        self.auth = (name, password)
        self._made: list[str] = []

    def ask(self, method: str, path: str, **kwargs: Any) -> Any:
        """Raises requests.HTTPError."""
        answer = requests.request(method, f"{self.url}/{path}", auth=self.auth, timeout=120, **kwargs)
        answer.raise_for_status()
        return answer.json()

    def database(self) -> Remote:
        name = f"hezha-peer-{uuid.uuid4().hex[:12]}"
        self.ask("PUT", name)
        self._made.append(name)
        return Remote(f"{self.url}/{name}", self.auth)

    def job(self, order: dict[str, Any], until: str) -> str:
        """A document in `_replicator`, in the state `until`; its id. post_replicate says what is repeated."""
        name = self._job(order)
        for _ in range(int(_PATIENCE / 0.2)):
            found = self.state(name)
            if found["state"] == until:
                return name
            if found["state"] in {"crashing", "error", "failed"}:
                assert "sel_conn_closed" in str(found["info"]), found
                self._drop(self._made.pop())
                name = self._job(order)
            time.sleep(0.2)
        raise AssertionError(found)

    def _job(self, order: dict[str, Any]) -> str:
        name = f"hezha-peer-{uuid.uuid4().hex[:12]}"
        self.ask("PUT", f"_replicator/{name}", json=order)
        self._made.append(f"_replicator/{name}")
        return name

    def state(self, job: str) -> dict[str, Any]:
        try:
            found = self.ask("GET", f"_scheduler/docs/_replicator/{job}")
        except requests.HTTPError:
            return {"state": None}  # the scheduler has not seen it yet
        assert isinstance(found, dict)
        return found

    def _drop(self, path: str) -> None:
        rev = {"rev": self.ask("GET", path)["_rev"]} if "/" in path else {}
        self.ask("DELETE", path, params=rev)

    def clean(self) -> None:
        for path in reversed(self._made):
            self._drop(path)


@pytest.fixture
def couch() -> Iterator[CouchDB]:
    couch = CouchDB(COUCHDB_URL)
    yield couch
    couch.clean()


def ours(server: LiveServer) -> Remote:
    return Remote(server.database(), ("admin", "admin"))


def wait_until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "nothing came of it"
        time.sleep(0.1)


def post_replicate(couch: CouchDB, order: dict[str, Any]) -> dict[str, Any]:
    """Before its first request the replicator asks for a cookie, at the root of the host: not offered, so it
    goes on with name and password. If the connection that it takes for that was its last job's, it finds it
    closed and gives up, with CouchDB on the other side too: the order is given again.
    """
    for _ in range(20):
        answer = requests.post(f"{couch.url}/_replicate", json=order, auth=couch.auth, timeout=120)
        if answer.ok:
            found = answer.json()
            assert isinstance(found, dict)
            return found
        assert "sel_conn_closed" in answer.text, answer.text
    raise AssertionError(answer.text)


def run_replicate(couch: CouchDB, source: Remote, target: Remote) -> dict[str, Any]:
    """A one-shot `_replicate`: the newest entry of its history, after it is over."""
    answer = post_replicate(couch, {"source": source.endpoint(), "target": target.endpoint()})
    assert answer["ok"] is True
    entry = answer["history"][0]
    assert isinstance(entry, dict)
    return entry | {"no_changes": answer.get("no_changes", False)}


def run_replicator(couch: CouchDB, source: Remote, target: Remote) -> dict[str, Any]:
    """A document in `_replicator`, until it says that it has completed."""
    job = couch.job({"source": source.endpoint(), "target": target.endpoint()}, until="completed")
    info = couch.state(job)["info"]
    assert isinstance(info, dict)
    return info


def pair(couch: CouchDB, server: LiveServer, direction: str) -> tuple[Remote, Remote]:
    """Source and target: CouchDB pulls from the embedded engine, or pushes to it."""
    embedded, theirs = ours(server), couch.database()
    return (embedded, theirs) if direction == "pull" else (theirs, embedded)


@pytest.mark.parametrize("direction", ["pull", "push"])
@pytest.mark.parametrize("run", [run_replicate, run_replicator])
def test_one_replication_makes_both_the_same_byte_for_byte(
    couch: CouchDB,
    server: LiveServer,
    direction: str,
    run: Callable[[CouchDB, Remote, Remote], dict[str, Any]],
) -> None:
    """Attachments small, of 5 MB and gzip-encoded, conflicts, tombstones, ancestry, odd ids."""
    source, target = pair(couch, server, direction)
    fill(source, os.urandom(5_000_000))
    done = run(couch, source, target)
    assert done["doc_write_failures"] == 0
    assert done["docs_written"] == done["docs_read"] >= 130
    held = contents(target)
    assert held == contents(source)
    assert len(held["conflict"]) == 3
    assert next(iter(held["conflict"])) == "2-b2"
    assert held["encoded"].popitem()[1].attachments["log.bin"][1:4:2] == ("gzip", PACKED)
    assert target.get("photo")["_attachments"]["large"]["length"] == 5_000_000
    before, after = source.get(), target.get()
    for count in ("doc_count", "doc_del_count"):
        assert before[count] == after[count]


@pytest.mark.parametrize("direction", ["pull", "push"])
def test_a_second_replication_finds_its_checkpoint_and_sends_only_news(
    couch: CouchDB, server: LiveServer, direction: str
) -> None:
    source, target = pair(couch, server, direction)
    source.bulk([{"_id": f"d{n}"} for n in range(50)])
    first = run_replicate(couch, source, target)
    assert first["docs_written"] == 50
    source.ask("PUT", "later", json={"n": 1})
    rev = source.get("d7")["_rev"]
    source.ask("DELETE", "d7", params={"rev": rev})
    news = run_replicate(couch, source, target)
    assert news["start_last_seq"] == first["end_last_seq"]
    assert news["docs_written"] - first["docs_written"] == 2, "the counts go on from the checkpoint's"
    assert contents(target) == contents(source)
    assert run_replicate(couch, source, target)["no_changes"] is True


def test_edits_on_both_sides_meet_and_both_show_the_same_winner(couch: CouchDB, server: LiveServer) -> None:
    embedded, theirs = pair(couch, server, "pull")
    embedded.ask("PUT", "form", json={"n": 0})
    run_replicate(couch, embedded, theirs)
    rev = embedded.get("form")["_rev"]
    for at, side in enumerate((embedded, theirs)):
        side.ask("PUT", "form", json={"_rev": rev, "side": at})
    run_replicate(couch, embedded, theirs)
    run_replicate(couch, theirs, embedded)
    seen = [side.get("form", conflicts="true") for side in (embedded, theirs)]
    assert seen[0] == seen[1]
    assert len(seen[0]["_conflicts"]) == 1
    loser = seen[0]["_conflicts"][0]
    theirs.ask("DELETE", "form", params={"rev": loser})
    run_replicate(couch, theirs, embedded)
    assert "_conflicts" not in embedded.get("form", conflicts="true")
    assert contents(embedded) == contents(theirs)


@pytest.mark.parametrize("direction", ["pull", "push"])
@pytest.mark.parametrize("door", ["_replicate", "_replicator"])
def test_a_continuous_replication_carries_each_edit_as_it_is_made(
    couch: CouchDB, server: LiveServer, direction: str, door: str
) -> None:
    source, target = pair(couch, server, direction)
    source.ask("PUT", "before", json={"n": 0})
    with continuous(couch, door, source, target) as goes_on:
        wait_until(lambda: goes_on() and contents(target) == contents(source))
        rev = source.ask("PUT", "while", json={"n": 1}).json()["rev"]
        source.ask("PUT", "while/picture", params={"rev": rev}, data=os.urandom(300_000))
        wait_until(lambda: contents(target) == contents(source))
        source.ask("DELETE", "before", params={"rev": source.get("before")["_rev"]})
        wait_until(lambda: contents(target) == contents(source))
    assert set(contents(target)) == {"before", "while"}


@contextlib.contextmanager
def continuous(couch: CouchDB, door: str, source: Remote, target: Remote) -> Iterator[Callable[[], bool]]:
    """A replication that goes on meanwhile. What it yields repeats a transient order, if it was dropped."""
    order = {"source": source.endpoint(), "target": target.endpoint(), "continuous": True}
    if door == "_replicate":
        name = post_replicate(couch, order)["_local_id"]
        yield lambda: post_replicate(couch, order)["_local_id"] == name
        jobs = couch.ask("GET", "_scheduler/jobs", params={"limit": 1000})["jobs"]
        (job,) = [job for job in jobs if job["id"] == name]
        assert job["info"]["doc_write_failures"] == 0
        couch.ask("POST", "_replicate", json={"replication_id": name, "cancel": True})
    else:
        job_id = couch.job(order, until="running")
        yield lambda: True
        state = couch.state(job_id)
        assert (state["state"], state["info"]["doc_write_failures"]) == ("running", 0)


def test_a_refused_document_is_counted_and_keeps_nothing_else_back(
    couch: CouchDB, server: LiveServer
) -> None:
    """A writer who is no admin pushes into a case: the rules take what they allow."""
    theirs = couch.database()
    target = Remote(server.database("case", writers=("wang",)), ("wang", "wang"))
    allowed = {
        "_id": "inspection:t1",
        "type": "inspection",
        "schema": 1,
        "task": "t1",
        "checklist": {"id": "acceptance", "version": "1"},
        "answers": {},
        "status": "draft",
    }
    theirs.bulk([{"_id": "aa-nobody-may", "type": "case"}, allowed, {"_id": "zz-nobody-may"}])
    entry = run_replicate(couch, theirs, target)
    assert (entry["docs_written"], entry["doc_write_failures"]) == (1, 2)
    assert target.get("inspection:t1")["status"] == "draft"
    assert run_replicate(couch, theirs, target)["no_changes"] is True, "it is not sent for ever"
