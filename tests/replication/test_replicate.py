"""One replication: what it brings, what it does not bring twice, and what it does when something fails."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from sync.embedded.engine import EmbeddedStore
from sync.embedded.validate import Validator
from sync.replication import Limits, Progress, Replica, Transient, replicate
from sync.replication.local import LocalReplica, LocalSite
from sync.store import BulkResult, BytesMissing, NotFound, TooLarge
from tests.replication.faulty import Faulty
from tests.replication.kit import SMALL, Bytes, edit, leaf, leaves, read_attachment, state

PICTURE = ("image/png", os.urandom(5_000))


def test_everything_arrives_conflicts_tombstones_and_attachments(one: Replica, other: Replica) -> None:
    for number in range(8):
        edit(one, f"doc/{number}", n=number)
    first = leaf(one, "doc/1", edit(one, "doc/1", attachments={"a": PICTURE, "b": ("image/png", b"tiny")}))
    edit(one, "doc/1", first, deleted=True)
    edit(one, "doc/1", first, n="other branch")
    edit(one, "gone", leaf(one, "gone", edit(one, "gone")), deleted=True)
    result = replicate(one, other, limits=SMALL)
    assert result.failures == ()
    assert state(other) == state(one)
    assert result.docs_written == sum(len(revs) for revs in leaves(one).values()) == 11
    assert read_attachment(other, "doc/1", leaves(one)["doc/1"][0], "a") == PICTURE[1]


def test_a_second_run_asks_and_carries_nothing(one: Replica, other: Replica) -> None:
    for number in range(8):
        edit(one, f"doc/{number}")
    first = replicate(one, other, limits=SMALL)
    asked: list[str] = []
    second = replicate(Faulty(one, asked.append), Faulty(other, asked.append), limits=SMALL)
    assert (second.start_seq, second.last_seq) == (first.last_seq, first.last_seq)
    assert (second.missing_checked, second.docs_written) == (0, 0)
    assert sorted(asked) == ["changes", "get_local", "get_local"]


def test_only_new_attachments_are_sent_again(one: Replica, other: Replica) -> None:
    """The target has the photo in an ancestor: a new note beside it costs the note."""
    start = edit(one, "photo", attachments={"original": ("image/jpeg", os.urandom(40_000))})
    replicate(one, other)
    edit(one, "photo", leaf(one, "photo", start), attachments={"note": ("image/png", b"0123456789")})
    again = replicate(one, other, limits=replace(Limits(), inline_bytes=1))
    assert (again.docs_written, again.attachment_bytes) == (1, 10)
    assert state(other) == state(one)


def test_a_target_that_has_lost_the_ancestor_is_sent_all_attachments(one: Replica, other: Replica) -> None:
    start = edit(one, "photo", attachments={"original": PICTURE})
    edit(one, "photo", leaf(one, "photo", start), n=2)

    class Forgetful(Faulty):
        def revs_diff(self, wanted: Any) -> Any:
            """Claims an ancestor that is not there."""
            return {
                name: replace(missing, ancestors=(start,))
                for name, missing in super().revs_diff(wanted).items()
            }

    result = replicate(one, Forgetful(other, lambda _: None), limits=SMALL)
    assert result.failures == ()
    assert state(other) == state(one)


def test_small_attachments_travel_inside_and_large_ones_beside(one: Replica, other: Replica) -> None:
    edit(one, "small", attachments={"a": ("image/png", b"0123")})
    edit(one, "large", attachments={"a": ("image/png", b"0" * 17)})
    asked: list[str] = []
    replicate(one, Faulty(other, asked.append), limits=replace(SMALL, batch_docs=10))
    assert (asked.count("put"), asked.count("bulk_docs")) == (1, 1)
    assert state(other) == state(one)


def test_no_more_of_an_attachment_is_held_than_a_chunk(one: Replica, other: Replica) -> None:
    """What is read from the source is asked for in pieces, by whoever stores it."""
    edit(one, "large", attachments={"a": ("image/png", os.urandom(1_000_000))})
    asked: list[str] = []
    replicate(Faulty(one, asked.append), other)
    assert asked.count("read") > 3
    assert state(other) == state(one)


def test_a_refused_document_is_told_and_the_others_are_stored(one: Replica, tmp_path: Any) -> None:
    store = EmbeddedStore(tmp_path / "ruled", validator=Validator())
    store.create_database("db")
    rules = "function (doc) { if (doc.bad) throw {forbidden: 'no: bad'}; }"
    store.put("db", {"_id": "_design/rules", "validate_doc_update": rules})
    for number in range(6):
        edit(one, f"doc/{number}", bad=number == 3)
    big = edit(one, "photo", bad=True, attachments={"a": PICTURE})
    target = LocalReplica(store, "db")
    result = replicate(one, target, limits=SMALL)
    refused = {(failure.doc_id, failure.error, failure.reason) for failure in result.failures}
    assert refused == {("doc/3", "forbidden", "no: bad"), ("photo", "forbidden", "no: bad")}
    assert {failure.rev for failure in result.failures} == {leaves(one)["doc/3"][0], big}
    assert leaves(target).keys() - {"_design/rules"} == {f"doc/{n}" for n in range(6)} - {"doc/3"}
    store.close()


def test_since_the_beginning_offers_again_what_was_refused(one: Replica, other: Replica) -> None:
    edit(one, "doc")

    class Refusing(Faulty):
        def bulk_docs(self, docs: Any) -> list[BulkResult]:
            return [BulkResult(doc["_id"], None, "forbidden", "not today") for doc in docs]

    assert len(replicate(one, Refusing(other, lambda _: None)).failures) == 1
    assert replicate(one, other).docs_written == 0
    assert replicate(one, other, since="0").docs_written == 1
    assert state(other) == state(one)


def test_too_large_a_batch_is_halved_until_it_passes(one: Replica, other: Replica) -> None:
    for number in range(7):
        edit(one, f"doc/{number}", n="x" * (100 if number == 4 else 1))

    class Narrow(Faulty):
        def bulk_docs(self, docs: Any) -> list[BulkResult]:
            if len(docs) > 1 or len(docs[0]["n"]) > 50:
                raise TooLarge("the request entity is too large")
            return super().bulk_docs(docs)

    result = replicate(one, Narrow(other, lambda _: None))
    assert [failure.doc_id for failure in result.failures] == ["doc/4"]
    assert leaves(other).keys() == leaves(one).keys() - {"doc/4"}


def test_a_passing_loss_is_waited_out_longer_each_time(one: Replica, other: Replica) -> None:
    edit(one, "doc")
    pauses: list[float] = []
    left = [Transient("busy"), Transient("busy"), Transient("busy", retry_after=7), Transient("busy")]

    def before(name: str) -> None:
        if name == "revs_diff" and left:
            raise left.pop(0)

    limits = replace(Limits(), tries=5, first_pause=2.0, longest_pause=9.0)
    result = replicate(one, Faulty(other, before), limits=limits, pause=pauses.append)
    assert result.docs_written == 1
    assert len(pauses) == 4
    for number, (low, high) in enumerate([(1.0, 2.0), (2.0, 4.0), (7.0, 7.0), (4.5, 9.0)]):
        assert low <= pauses[number] <= high


def test_a_loss_that_stays_ends_it_and_the_next_run_goes_on_from_the_last_page(
    one: Replica, other: Replica
) -> None:
    for number in range(10):
        edit(one, f"doc/{number}")
    diffs = 0

    def before(name: str) -> None:
        nonlocal diffs
        diffs += name == "revs_diff"
        if diffs > 2:
            raise Transient("gone")

    with pytest.raises(Transient, match="gone"):
        replicate(one, Faulty(other, before), limits=SMALL)
    assert len(leaves(other)) == 6
    again = replicate(one, other, limits=SMALL)
    assert again.start_seq != "0"
    assert again.missing_checked == 4
    assert state(other) == state(one)


def test_a_row_that_may_go_well_another_time_is_tried_again(one: Replica, other: Replica) -> None:
    """A document that the target could not judge is not a document that it refused."""
    edit(one, "doc")
    answers = [[BulkResult("doc", None, "internal_server_error", "timeout")], []]

    class Stumbling(Faulty):
        def bulk_docs(self, docs: Any) -> list[BulkResult]:
            super().bulk_docs(docs)
            return answers.pop(0)

    result = replicate(one, Stumbling(other, lambda _: None), limits=SMALL)
    assert (result.docs_written, result.failures, answers) == (1, (), [])


def test_a_database_that_vanishes_ends_it(one: Replica, other: Replica, there: LocalSite) -> None:
    edit(one, "photo", attachments={"a": PICTURE})

    def before(name: str) -> None:
        if name == "put":
            there._store.delete_database("db")

    with pytest.raises(NotFound):
        replicate(one, Faulty(other, before), limits=SMALL)


def test_an_attachment_whose_bytes_are_lost_is_told_and_stops_nothing_else(
    one: Replica, other: Replica, tmp_path: Any
) -> None:
    edit(one, "broken", attachments={"a": PICTURE})
    [blob] = (path for path in (tmp_path / "here" / "blobs").glob("*/*") if path.is_file())
    blob.unlink()
    edit(one, "whole", attachments={"a": ("image/png", os.urandom(3_000))})
    result = replicate(one, other, limits=SMALL)
    assert [(failure.doc_id, failure.error) for failure in result.failures] == [
        ("broken", BytesMissing.error)
    ]
    assert leaves(other).keys() == {"whole"}


@pytest.mark.parametrize("size", [10, 5_000])
def test_bytes_that_are_not_those_of_their_digest_are_not_stored(
    one: Replica, other: Replica, size: int
) -> None:
    edit(one, "photo", attachments={"a": ("image/png", os.urandom(size))})

    class Lying(Faulty):
        def _attachments(self, opened: Any) -> Any:
            for name, stream in opened.attachments:
                yield name, Bytes(os.urandom(len(stream.read(1_000_000))))

    result = replicate(Lying(one, lambda _: None), other, limits=SMALL)
    assert [failure.doc_id for failure in result.failures] == ["photo"]
    assert leaves(other) == {}


def test_progress_tells_of_documents_bytes_and_what_is_left(one: Replica, other: Replica) -> None:
    for number in range(7):
        edit(one, f"doc/{number}")
    edit(one, "photo", attachments={"a": PICTURE})
    told: list[Progress] = []
    result = replicate(one, other, limits=SMALL, on_progress=told.append)
    assert told[0].pending == 5
    assert told[-1] == Progress(8, 8, 5_000, 0)
    assert told == sorted(told, key=lambda step: (step.docs_written, step.missing_checked))
    assert result.attachment_bytes == 5_000


def test_a_new_leaf_that_comes_while_it_runs_is_carried_instead(one: Replica, other: Replica) -> None:
    """The feed named a revision that has been built upon since: its descendant arrives, with its history."""
    start = edit(one, "doc", n=1)

    def before(name: str) -> None:
        if name == "bulk_get" and leaves(one)["doc"] == (start,):
            edit(one, "doc", leaf(one, "doc", start), n=2)

    result = replicate(Faulty(one, before), other, limits=SMALL)
    assert result.failures == ()
    assert state(other) == state(one)
    assert leaf(other, "doc", leaves(other)["doc"][0])["n"] == 2
