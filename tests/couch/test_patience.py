"""Connections get lost: a request is sent again where that can help, and a write sent twice is one write."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from sync.couch.answers import pause_after
from sync.couch.store import CouchStore
from sync.store import (
    BadRequest,
    Conflict,
    DatabaseExists,
    NewAttachment,
    NotFound,
    Security,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from tests.couch.conftest import PATIENCE
from tests.couch.faults import Faults

PHOTO = bytes(range(256)) * 400


def picture(data: bytes = PHOTO) -> NewAttachment:
    return NewAttachment("original", "image/jpeg", io.BytesIO(data))


class Pipe(io.RawIOBase):
    """Bytes that come once."""

    def __init__(self, data: bytes) -> None:
        self._left = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._left.read(size)


@pytest.mark.parametrize("status", [None, 429, 502, 503, 504])
def test_what_passes_is_tried_again(store: CouchStore, faults: Faults, status: int | None) -> None:
    store.put("db", {"_id": "a"})
    faults.add("GET /sync/db/a", times=PATIENCE.attempts - 1, status=status)
    assert store.get("db", "a")["_id"] == "a"
    assert faults.count("GET /sync/db/a") == PATIENCE.attempts


@pytest.mark.parametrize("status", [None, 503])
def test_it_ends_and_says_what_does_not_answer(store: CouchStore, faults: Faults, status: int | None) -> None:
    faults.add("GET /sync/db/a", times=100, status=status)
    with pytest.raises(Unavailable):
        store.get("db", "a")
    assert faults.count("GET /sync/db/a") == PATIENCE.attempts


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, BadRequest), (401, Unauthorized), (404, NotFound), (409, Conflict), (413, TooLarge)],
)
def test_a_refusal_is_final(store: CouchStore, faults: Faults, status: int, kind: type[Exception]) -> None:
    faults.add("GET /sync/db/a", times=100, status=status)
    with pytest.raises(kind):
        store.get("db", "a")
    assert faults.count("GET /sync/db/a") == 1


def test_every_repetition_is_logged_without_a_password(store: CouchStore, faults: Faults) -> None:
    faults.add("GET /sync/db/a")
    with capture_logs() as logs, pytest.raises(NotFound):
        store.get("db", "a")
    assert [(log["event"], log["tries"]) for log in logs] == [("couch.retry", 1)]
    assert "horse" not in str(logs)


def test_the_servers_own_pause_is_kept_within_bounds() -> None:
    bounds = {"first": 0.1, "longest": 5.0, "spread": 0.0}
    assert pause_after(1, retry_after="3", **bounds) == 3.0
    assert pause_after(1, retry_after="3600", **bounds) == 5.0
    assert pause_after(1, retry_after="Wed, 21 Oct 2026 07:28:00 GMT", **bounds) == 0.1


@given(st.integers(1, 2000), st.floats(0, 1))
def test_pauses_grow_and_stay_within_bounds(tries: int, spread: float) -> None:
    full = pause_after(tries, first=0.1, longest=5.0, spread=0.0, retry_after=None)
    less = pause_after(tries, first=0.1, longest=5.0, spread=spread, retry_after=None)
    assert full / 2 <= less <= full <= 5.0
    assert full <= pause_after(tries + 1, first=0.1, longest=5.0, spread=0.0, retry_after=None)


# -- writes of which nobody knows whether they were done


def test_a_put_whose_answer_was_lost_is_one_write(store: CouchStore, faults: Faults) -> None:
    faults.add("PUT /sync/db/a", done=True)
    first = store.put("db", {"_id": "a", "v": 1})
    faults.add("PUT /sync/db/a", done=True, times=2)
    second = store.put("db", {"_id": "a", "_rev": first, "v": 2})
    assert second.startswith("2-")
    assert store.get("db", "a") == {"_id": "a", "_rev": second, "v": 2}
    assert len(store.leaves("db", "a")) == 1


def test_a_put_that_was_overtaken_after_its_answer_was_lost_is_acknowledged(
    store: CouchStore, faults: Faults
) -> None:
    """Ours was stored, and somebody has already gone on from it."""
    first = store.put("db", {"_id": "a", "v": 1})

    def overtake() -> None:
        ours = store.get("db", "a")
        store.put("db", {**ours, "v": "theirs"})

    faults.then("PUT /sync/db/a", overtake)
    ours = store.put("db", {"_id": "a", "_rev": first, "v": 2})
    assert store.get("db", "a", rev=ours)["v"] == 2
    assert store.get("db", "a")["v"] == "theirs"


def test_a_put_that_lost_its_race_is_a_conflict_though_it_was_tried_twice(
    store: CouchStore, faults: Faults
) -> None:
    first = store.put("db", {"_id": "a", "v": 1})
    faults.instead("PUT /sync/db/a", lambda: store.put("db", {"_id": "a", "_rev": first, "v": "theirs"}))
    with pytest.raises(Conflict):
        store.put("db", {"_id": "a", "_rev": first, "v": "ours"})
    assert store.get("db", "a")["v"] == "theirs"


def test_a_deletion_whose_answer_was_lost_is_one(store: CouchStore, faults: Faults) -> None:
    rev = store.put("db", {"_id": "a"})
    faults.add("PUT /sync/db/a", done=True)
    assert store.put("db", {"_id": "a", "_rev": rev, "_deleted": True}).startswith("2-")


def test_a_document_made_anew_over_its_tombstone_is_one_write(store: CouchStore, faults: Faults) -> None:
    rev = store.put("db", {"_id": "a"})
    store.put("db", {"_id": "a", "_rev": rev, "_deleted": True})
    faults.add("PUT /sync/db/a", done=True)
    assert store.put("db", {"_id": "a", "v": 2}).startswith("3-")


def test_a_put_with_an_attachment_is_recognised_by_its_bytes(store: CouchStore, faults: Faults) -> None:
    doc = {"_id": "a", "_attachments": {"x": {"content_type": "image/jpeg", "data": "aGV6aGE="}}}
    faults.add("PUT /sync/db/a", done=True)
    assert store.put("db", doc).startswith("1-")
    other = {"_id": "b", "_attachments": {"x": {"content_type": "image/jpeg", "data": "b3RoZXI="}}}
    faults.instead("PUT /sync/db/b", lambda: store.put("db", {**doc, "_id": "b"}))
    with pytest.raises(Conflict):
        store.put("db", other)


def test_a_bulk_whose_answer_was_lost_is_one(store: CouchStore, faults: Faults) -> None:
    store.put("db", {"_id": "taken"})
    faults.add("POST /sync/db/_bulk_docs", done=True)
    rows = store.bulk_docs("db", [{"_id": "a", "v": 1}, {"_id": "taken", "v": 1}, {"_id": "b"}])
    assert [row.error for row in rows] == [None, "conflict", None]
    assert rows[0].rev == store.get("db", "a")["_rev"]


def test_a_database_whose_making_was_not_heard_of_is_made_whole(store: CouchStore, faults: Faults) -> None:
    security = Security(members=("li",), kind="case")
    faults.add("PUT /sync/case-1[?]", done=True)
    store.create_database("case-1", security)
    assert store.security("case-1") == security.to_json()
    with pytest.raises(DatabaseExists):
        store.create_database("case-1")
    faults.add("DELETE /sync/case-1", done=True)
    store.delete_database("case-1")
    with pytest.raises(NotFound):
        store.delete_database("case-1")


def test_members_get_in_only_after_the_rules(store: CouchStore, faults: Faults) -> None:
    """A making that is cut off anywhere leaves a database that only admins can enter, or one with rules."""
    security = Security(members=("li",), kind="case", writers=("li",))
    faults.add("PUT /sync/case-1/_design/hezha", times=100)
    with pytest.raises(Unavailable):
        store.create_database("case-1", security)
    assert store.security("case-1")["members"]["roles"] == ["_admin"]
    faults.clear()
    with pytest.raises(DatabaseExists):
        store.create_database("case-1", security)
    store.set_security("case-1", security)  # as every caller does then
    assert store.find("case-1", "_design/hezha") is not None


# -- streams


def test_an_upload_is_sent_again_from_its_first_byte(store: CouchStore, faults: Faults) -> None:
    faults.add("PUT /sync/db/a/original")
    assert store.put_attachment("db", "a", None, picture()).startswith("1-")
    with store.open_attachment("db", "a", "original") as found:
        assert found.stream.read() == PHOTO


def test_an_upload_whose_answer_was_lost_is_one_write(store: CouchStore, faults: Faults) -> None:
    faults.add("PUT /sync/db/a/original", done=True)
    rev = store.put_attachment("db", "a", None, picture())
    assert rev == store.get("db", "a")["_rev"]
    faults.add("PUT /sync/db/b/original", done=True)
    once = NewAttachment("original", "image/jpeg", Pipe(PHOTO))  # type: ignore[arg-type]
    assert store.put_attachment("db", "b", None, once).startswith("1-")
    assert faults.count("PUT /sync/db/b/original") == 1


def test_an_upload_that_cannot_be_repeated_is_not(store: CouchStore, faults: Faults) -> None:
    faults.add("PUT /sync/db/a/original")
    once = NewAttachment("original", "image/jpeg", Pipe(PHOTO))  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        store.put_attachment("db", "a", None, once)
    assert faults.count("PUT /sync/db/a/original") == 1
    assert store.find("db", "a") is None


def test_other_bytes_in_our_place_are_a_conflict(store: CouchStore, faults: Faults) -> None:
    faults.instead("PUT /sync/db/a/original", lambda: store.put_attachment("db", "a", None, picture(b"x")))
    with pytest.raises(Conflict):
        store.put_attachment("db", "a", None, picture())


@pytest.mark.parametrize("cuts", [1, 3])
def test_a_download_goes_on_where_it_broke(store: CouchStore, faults: Faults, cuts: int) -> None:
    store.put_attachment("db", "a", None, picture())
    faults.add("GET /sync/db/a/original", times=cuts, cut_after=30_000)
    with store.open_attachment("db", "a", "original") as found:
        assert found.stream.read() == PHOTO


def test_a_download_that_breaks_at_every_try_ends(store: CouchStore, faults: Faults) -> None:
    store.put_attachment("db", "a", None, picture())
    faults.add("GET /sync/db/a/original", times=100, cut_after=10)
    with store.open_attachment("db", "a", "original") as found, pytest.raises(Unavailable):
        found.stream.read()


def test_a_stream_that_fails_is_not_taken_for_a_lost_connection(store: CouchStore, faults: Faults) -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError("the card was pulled out")

        def seekable(self) -> bool:
            return True

        def tell(self) -> int:
            return 0

    broken: Any = Broken()
    with pytest.raises(OSError, match="card"):
        store.put_attachment("db", "a", None, NewAttachment("x", "a/b", broken))
    assert faults.count("PUT /sync/db/a/x") <= 1
