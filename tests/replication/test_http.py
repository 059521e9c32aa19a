"""Replicas behind HTTP, of either engine, against one in this process; and a line that is cut."""

from __future__ import annotations

import gzip
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sync.replication import Limits, Opened, Replica, Transient, replicate
from sync.replication.http import HttpReplica, HttpSite, Wire
from sync.replication.local import LocalSite
from sync.replication.related import Related
from sync.store import BadRequest, DigestMismatch, NotFound, StoreError, Unauthorized
from tests.peers.conftest import LiveServer
from tests.replication.kit import SMALL, Bytes, edit, leaf, leaves, read_attachment, state

ODD_NAMES = ('原 图".jpg', "a/b+c%20?#&.png", "x" * 200)


def fill(replica: Replica) -> None:
    """Some of everything that travels."""
    for number in range(5):
        edit(replica, f"case/{number} 工单+&?", n=number, words="现场勘查" * 50, float=0.1, big=2**80)
    edit(replica, "_design/empty", language="javascript")
    first = leaf(replica, "photo", edit(replica, "photo", n=1))
    pictures = {name: ("image/jpeg", os.urandom(4_000)) for name in ODD_NAMES}
    second = leaf(replica, "photo", edit(replica, "photo", first, attachments=pictures, n=2))
    edit(replica, "photo", first, n="conflict", attachments={"tiny": ("image/png", b"tiny")})
    edit(replica, "photo", second, n=3, drop=(ODD_NAMES[0],), attachments={"more": ("image/png", b"0" * 99)})
    edit(replica, "gone", leaf(replica, "gone", edit(replica, "gone")), deleted=True, why="withdrawn")
    edit(replica, "empty", attachments={"nothing": ("image/png", b"")})


def test_there_and_back_again_nothing_has_changed(one: Replica, remote: Replica, other: Replica) -> None:
    fill(one)
    assert replicate(one, remote, limits=SMALL).failures == ()
    assert state(remote) == state(one)
    assert replicate(remote, other, limits=SMALL).failures == ()
    assert state(other) == state(one)
    [winner, *_] = leaves(one)["photo"]
    name = ODD_NAMES[1]
    assert read_attachment(other, "photo", winner, name) == read_attachment(one, "photo", winner, name)
    counts = [(found.doc_count, found.doc_del_count) for found in (one.info(), remote.info(), other.info())]
    assert counts == [(8, 1)] * 3


def test_checkpoints_are_kept_on_both_sides_and_later_edits_follow(one: Replica, remote: Replica) -> None:
    fill(one)
    first = replicate(one, remote, limits=SMALL)
    edit(one, "photo", leaf(one, "photo", leaves(one)["photo"][0]), n=4)
    edit(remote, "from there", n=1)
    again = replicate(one, remote, limits=SMALL)
    assert again.start_seq == first.last_seq
    assert (again.missing_checked, again.docs_written, again.attachment_bytes) == (2, 1, 0)
    assert replicate(remote, one, limits=SMALL).docs_written == 1
    assert state(remote) == state(one)


def test_a_gzipped_attachment_stays_as_it_was_sent(one: Replica, remote: Replica, other: Replica) -> None:
    """Its digest is that of the encoded bytes, so they may not be packed anew on the way."""
    text = b"line\n" * 5_000
    packed = gzip.compress(text, mtime=0)
    spec = {
        "follows": True,
        "content_type": "text/plain",
        "encoding": "gzip",
        "length": len(text),
        "encoded_length": len(packed),
        "revpos": 1,
    }
    doc = {"_id": "log", "_rev": f"1-{'a' * 32}", "_attachments": {"log.txt": spec}}
    one.put(Opened(doc, iter([("log.txt", Bytes(packed))])))
    for source, target in ((one, remote), (remote, other)):
        assert replicate(source, target, limits=replace(SMALL, inline_bytes=100_000)).failures == ()
        found = leaf(target, "log", str(doc["_rev"]))["_attachments"]["log.txt"]
        assert (found["encoding"], found["length"]) == ("gzip", len(text))
        assert read_attachment(target, "log", str(doc["_rev"]), "log.txt") == packed


def test_a_stub_without_its_ancestor_and_a_lying_digest_are_mismatches(remote: Replica) -> None:
    stub = {"_id": "a", "_rev": f"2-{'b' * 32}", "_attachments": {"x": {"stub": True, "revpos": 1}}}
    with pytest.raises(DigestMismatch):
        remote.put(Opened(stub, iter(())))
    spec = {
        "follows": True,
        "content_type": "image/png",
        "length": 3,
        "digest": "md5-AAAAAAAAAAAAAAAAAAAAAA==",
    }
    lying = {"_id": "b", "_rev": f"1-{'b' * 32}", "_attachments": {"x": spec}}
    with pytest.raises((DigestMismatch, BadRequest)):
        remote.put(Opened(lying, iter([("x", Bytes(b"abc"))])))
    assert leaves(remote) == {}


def test_a_missing_database_is_told_apart_from_a_missing_log(remote: Replica) -> None:
    assert remote.get_local("no-such-log") is None
    assert isinstance(remote, HttpReplica)
    gone = HttpReplica(remote._site, "no-such-database")
    for ask in (gone.info, lambda: gone.get_local("log"), lambda: gone.changes("0", 1)):
        with pytest.raises(NotFound):
            ask()


def test_a_log_is_written_whatever_was_there(remote: Replica) -> None:
    assert isinstance(remote, HttpReplica)
    elsewhere = HttpReplica(remote._site, remote._db)
    for number, replica in enumerate((remote, elsewhere, remote, remote, elsewhere)):
        replica.put_local("log", {"n": number})
        found = remote.get_local("log")
        assert found is not None
        assert found["n"] == number


def test_an_answer_larger_than_its_bound_is_asked_for_in_parts(
    remote: Replica, one: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        edit(remote, f"doc/{number}", words="x" * 1_000)
    assert isinstance(remote, HttpReplica)
    monkeypatch.setattr(remote._site, "_wire", Wire(answer_bytes=3_000))
    wanted = [(doc_id, revs[0]) for doc_id, revs in sorted(leaves(remote).items())]
    answers = remote.bulk_get(wanted)
    assert 0 < len(answers) < 3
    assert [found["_id"] for [found] in answers] == [doc_id for doc_id, _ in wanted[: len(answers)]]
    assert replicate(remote, one).docs_written == 9
    assert state(one) == state(remote)


def test_the_announced_length_is_the_length_that_is_sent() -> None:
    specs = {name: {"follows": True, "content_type": "image/png", "length": 700} for name in ODD_NAMES}
    doc = {"_id": "a", "_rev": "1-a", "_attachments": {"old": {"stub": True}, **specs}}

    def related(size: int) -> Related:
        return Related(Opened(doc, iter([(name, Bytes(b"x" * size)) for name in ODD_NAMES])))

    whole = related(700)
    assert len(whole) == len(b"".join(whole))
    for size in (699, 701):
        with pytest.raises(DigestMismatch):
            b"".join(related(size))


@contextmanager
def line(port: int, cut_after: list[int]) -> Iterator[int]:
    """A way to `port` whose n-th connection is cut after so many bytes, either way; further ones last."""
    server = socket.create_server(("127.0.0.1", 0))
    ends: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(work: Callable[..., None], *arguments: Any) -> None:
        threads.append(threading.Thread(target=work, args=arguments))
        threads[-1].start()

    def pump(source: socket.socket, target: socket.socket, left: int | None) -> None:
        with suppress(OSError):
            while data := source.recv(4096):
                target.sendall(data if left is None else data[:left])
                left = left if left is None else left - len(data)
                if left is not None and left <= 0:
                    break
        hang_up(source, target)

    def hang_up(*both: socket.socket) -> None:
        for end in both:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                upstream = socket.create_connection(("127.0.0.1", port))
                ends.extend((client, upstream))
                left = cut_after.pop(0) if cut_after else None
                start(pump, client, upstream, left)
                start(pump, upstream, client, left)

    start(accept)
    try:
        yield server.getsockname()[1]
    finally:
        hang_up(server)
        threads[0].join()
        hang_up(*ends)
        for thread in threads:
            thread.join()
        for end in (server, *ends):
            end.close()


@pytest.mark.parametrize("direction", ["pull", "push"])
def test_a_line_that_is_cut_again_and_again_costs_only_time(
    live: LiveServer, one: Replica, other: Replica, direction: str
) -> None:
    database = live.database().rpartition("/")[2]
    straight = HttpSite(live.url.replace("//", "//admin:admin@")).replica(database)
    fill(straight if direction == "pull" else one)
    cuts = [700, 1_500, 4_000, 9_000, 300, 2_000, 13_000, 100]
    limits = replace(SMALL, tries=12)
    with line(live.port, cuts) as port:
        site = connect(f"http://admin:admin@127.0.0.1:{port}/sync")
        cut_off = site.replica(database)
        if direction == "pull":
            result = replicate(cut_off, other, limits=limits)
        else:
            result = replicate(one, cut_off, limits=limits)
        site.close()
    assert len(cuts) <= 2, "the line was hardly ever cut"
    assert result.failures == ()
    assert state(straight) == state(other if direction == "pull" else one)


def connect(url: str) -> HttpSite:
    while True:
        try:
            return HttpSite(url)
        except Transient:
            continue


class _Answering(BaseHTTPRequestHandler):
    """Answers what the server's list says, one after the other."""

    server: Any

    def do_GET(self) -> None:
        status, headers, body = self.server.answers.pop(0)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def answering(*answers: tuple[int, dict[str, str], bytes]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
    server.answers = list(answers)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


WELCOME: tuple[int, dict[str, str], bytes] = (200, {}, b'{"couchdb": "Welcome", "uuid": "u"}')


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_transient_and_says_when_to_come_back(status: int) -> None:
    busy = (status, {"Retry-After": "17"}, b"<html>later</html>")
    with answering(WELCOME, busy) as url:
        site = HttpSite(url)
        with pytest.raises(Transient) as raised:
            site.names()
        site.close()
    assert raised.value.retry_after == 17.0


@pytest.mark.parametrize(("status", "kind"), [(400, BadRequest), (401, Unauthorized), (500, StoreError)])
def test_other_errors_are_not_tried_again(status: int, kind: type[StoreError]) -> None:
    body = json.dumps({"error": "word", "reason": "why"}).encode()
    with answering(WELCOME, (status, {}, body)) as url:
        site = HttpSite(url)
        with pytest.raises(kind) as raised:
            site.names()
        site.close()
    assert not isinstance(raised.value, Transient)
    assert (raised.value.error, raised.value.reason, raised.value.status) == ("word", "why", status)


def test_what_is_no_couchdb_is_said_so() -> None:
    with answering((200, {}, b"[]")) as url, pytest.raises(BadRequest, match="not a CouchDB"):
        HttpSite(url)
    for url in ("ftp://host", "http://", "host:5984"):
        with pytest.raises(BadRequest, match="URL"):
            HttpSite(url)


def test_no_secret_is_in_what_a_site_says_of_itself(live: LiveServer) -> None:
    site = HttpSite(live.url.replace("//", "//admin:admin@"))
    assert "admin:" not in site.label + site.identity
    with pytest.raises(Unauthorized) as raised:
        HttpSite(live.url.replace("//", "//admin:geheim@"))
    assert "geheim" not in str(raised.value)
    site.close()


def test_a_bearer_token_is_asked_for_anew_for_each_request(live: LiveServer, here: LocalSite) -> None:
    given: list[str] = []

    def token() -> str:
        given.append("admin")
        return given[-1]

    database = live.database().rpartition("/")[2]
    site = HttpSite(live.url, token=token)
    edit(here.replica("db"), "doc")
    assert replicate(here.replica("db"), site.replica(database), limits=Limits()).docs_written == 1
    assert len(given) > 4
    site.close()
