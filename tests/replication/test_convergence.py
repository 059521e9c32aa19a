"""Replicas that have exchanged everything agree on everything, whatever happened in between.

Random edits, deletions, conflicts and attachments (added, replaced, kept as stubs, dropped) on two to four
replicas, which replicate between random pairs in random order, some of it broken off in the middle; then
everybody with everybody until nobody has anything new.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sync.replication import Limits, Replica, replicate
from sync.store import Document
from tests.replication.faulty import Faulty, Fuse
from tests.replication.kit import (
    SMALL,
    Borrowed,
    borrowed_couchdb,
    edit,
    leaf,
    leaves,
    local_site,
    needs_couchdb,
    read_attachment,
    sha256,
    state,
)

DOCS = ("a", "工单/b", "c+&")
NAMES = ("x", "照片 1.jpg")
#: Sizes on both sides of what travels inside a document (SMALL.inline_bytes).
SIZES = (0, 5, 16, 17, 3_000)

edits = st.fixed_dictionaries(
    {
        "what": st.sampled_from(["new", "change", "change", "delete", "attach", "attach", "drop"]),
        "at": st.integers(0, 3),
        "doc": st.sampled_from(DOCS),
        "leaf": st.integers(0, 5),
        "name": st.sampled_from(NAMES),
        "size": st.sampled_from(SIZES),
    }
)
exchanges = st.fixed_dictionaries(
    {
        "what": st.just("replicate"),
        "at": st.integers(0, 3),
        "to": st.integers(1, 3),
        "breaks": st.one_of(st.just(0), st.integers(1, 40)),
        "page": st.integers(1, 4),
    }
)
histories = st.lists(st.one_of(edits, exchanges), min_size=1, max_size=25)


class Broken(Exception):
    """Whatever may end a replication in the middle, and is not waited out."""


def act(replicas: Sequence[Replica], number: int, step: dict[str, Any]) -> None:
    replica = replicas[step["at"] % len(replicas)]
    if step["what"] == "replicate":
        target = replicas[(step["at"] + step["to"]) % len(replicas)]
        if target is not replica:
            break_off(replica, target, step["breaks"], replace(SMALL, page=step["page"]))
        return
    doc_id = step["doc"]
    live = [leaf(replica, doc_id, rev) for rev in leaves(replica).get(doc_id, ())]
    parents = [doc for doc in live if not doc.get("_deleted")]
    if not parents or step["what"] == "new":
        # Also where there is one already: two people may make the same document.
        edit(replica, doc_id, n=number)
        return
    parent = parents[step["leaf"] % len(parents)]
    change(replica, parent, number, step)


def change(replica: Replica, parent: Document, number: int, step: dict[str, Any]) -> None:
    if step["what"] == "delete":
        edit(replica, parent["_id"], parent, deleted=True, n=number)
    elif step["what"] == "attach":
        data = bytes([number % 256]) * step["size"]
        edit(replica, parent["_id"], parent, attachments={step["name"]: ("image/png", data)}, n=number)
    elif step["what"] == "drop":
        edit(replica, parent["_id"], parent, drop=(step["name"],), n=number)
    else:
        edit(replica, parent["_id"], parent, n=number)


def break_off(source: Replica, target: Replica, at: int, limits: Limits) -> None:
    """Replicate; the `at`-th call to either side fails, and it is left at that."""
    fuse = Fuse(at, Broken)
    try:
        result = replicate(Faulty(source, fuse), Faulty(target, fuse), limits=limits)
    except Broken:
        return
    assert result.failures == ()


def settle(replicas: Sequence[Replica]) -> None:
    """Everybody with everybody until nobody has anything new."""
    for _ in range(len(replicas) + 1):
        results = [replicate(source, target, limits=SMALL) for source, target in permutations(replicas, 2)]
        assert all(result.failures == () for result in results)
        if not any(result.missing_found for result in results):
            return
    raise AssertionError("they never settle")


def agree(replicas: Sequence[Replica]) -> None:
    first, *others = replicas
    expected = state(first)
    for other in others:
        assert state(other) == expected
    for doc_id, found in expected.items():
        for doc in found:
            for name in doc.get("_attachments", {}):
                digests = {sha256(read_attachment(one, doc_id, doc["_rev"], name)) for one in replicas}
                assert len(digests) == 1
    counts = {(info.doc_count, info.doc_del_count) for info in (one.info() for one in replicas)}
    assert len(counts) == 1


@contextmanager
def embedded(count: int) -> Iterator[list[Replica]]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        sites = [stack.enter_context(local_site(Path(folder) / str(number))) for number in range(count)]
        for site in sites:
            site.create("db")
        yield [site.replica("db") for site in sites]


def converge(replicas: Sequence[Replica], history: Sequence[dict[str, Any]]) -> None:
    for number, step in enumerate(history):
        act(replicas, number, step)
    settle(replicas)
    agree(replicas)


@given(st.integers(2, 4), histories)
@settings(max_examples=40, deadline=None)
def test_embedded_replicas_converge(count: int, history: list[dict[str, Any]]) -> None:
    with embedded(count) as replicas:
        converge(replicas, history)


@needs_couchdb
def test_embedded_and_couchdb_replicas_converge() -> None:
    """The winner is the same on both engines, and so is every leaf and byte."""
    with borrowed_couchdb() as borrowed:
        check = mixed(borrowed)
        check()


def mixed(borrowed: Borrowed) -> Callable[[], None]:
    @given(histories)
    @settings(max_examples=8, deadline=None)
    def check(history: list[dict[str, Any]]) -> None:
        with embedded(2) as replicas:
            couch = [borrowed.site.replica(borrowed.database()) for _ in range(2)]
            converge([replicas[0], couch[0], replicas[1], couch[1]], history)
        borrowed.drop_all()

    return check


@given(histories, st.lists(st.integers(1, 30), max_size=12))
@settings(max_examples=25, deadline=None)
def test_a_replication_broken_off_anywhere_is_finished_by_the_next(
    history: list[dict[str, Any]], breaks: list[int]
) -> None:
    """However often it is cut, the target ends as if it had gone through at once."""
    with embedded(2) as [source, target]:
        for number, step in enumerate(history):
            act([source], number, step)
        for at in breaks:
            break_off(source, target, at, SMALL)
        assert replicate(source, target, limits=SMALL).failures == ()
        assert state(target) == state(source)


def test_every_single_call_may_fail_once() -> None:
    """The same replication, broken off at its first call, its second, and so on to its last."""
    at = 0
    while True:
        at += 1
        with embedded(2) as [source, target]:
            first = leaf(source, "a", edit(source, "a", attachments={"x": ("image/png", b"0" * 1_500)}))
            edit(source, "a", first, n=2)
            edit(source, "a", first, deleted=True)
            edit(source, "doc/1", attachments={"small": ("image/png", b"12")})
            edit(source, "doc/2")
            fuse = Fuse(at, Broken)
            try:
                replicate(Faulty(source, fuse), Faulty(target, fuse), limits=SMALL)
            except Broken:
                assert replicate(source, target, limits=SMALL).failures == ()
                assert state(target) == state(source)
                continue
            assert fuse.calls < at
            break
    assert at > 15
