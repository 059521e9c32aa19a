"""The `_changes` feed, read and waited for."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from sync.embedded.engine import EmbeddedStore
from sync.store import Security
from tests.sync_http.conftest import LIMITS, Asker
from tests.sync_http.test_documents import conflicted

MANY = 3 * LIMITS.changes_page + 2


@pytest.fixture
def filled(admin: Asker, free: str) -> str:
    docs = [{"_id": f"d{n:02}", "n": n} for n in range(MANY)]
    admin.post(f"/{free}/_bulk_docs", {"docs": docs}, status=201)
    return f"/{free}"


def later(seconds: float, action: Callable[[], Any]) -> threading.Timer:
    timer = threading.Timer(seconds, action)
    timer.start()
    return timer


def ids(feed: dict[str, Any]) -> list[str]:
    return [row["id"] for row in feed["results"]]


def test_a_feed_longer_than_a_page_is_complete_and_in_order(admin: Asker, filled: str) -> None:
    feed = admin.get(f"{filled}/_changes?include_docs=true")
    assert [row["doc"]["n"] for row in feed["results"]] == list(range(MANY))
    assert feed["pending"] == 0
    assert feed["last_seq"] == feed["results"][-1]["seq"]
    assert ids(admin.get(f"{filled}/_changes?descending=true"))[:2] == [f"d{MANY - 1:02}", f"d{MANY - 2:02}"]
    assert len(ids(admin.get(f"{filled}/_changes?descending=true&limit=9"))) == 9


def test_a_feed_goes_on_where_the_last_one_ended(admin: Asker, filled: str) -> None:
    since, found = "0", []
    while True:
        feed = admin.ask(
            "GET", f"{filled}/_changes", query_string={"since": since, "limit": "10"}, status=200
        ).json
        assert isinstance(feed, dict)
        found += ids(feed)
        since = feed["last_seq"]
        assert feed["pending"] == MANY - len(found)
        if not feed["results"]:
            break
    assert found == [f"d{n:02}" for n in range(MANY)]
    assert ids(admin.get(f"{filled}/_changes?since=now")) == []
    none = admin.get(f"{filled}/_changes?limit=0")
    assert (none["results"], none["pending"], none["last_seq"].split("-")[0]) == ([], MANY, "0")


def test_only_every_nth_row_has_a_sequence_if_asked(admin: Asker, filled: str) -> None:
    rows = admin.get(f"{filled}/_changes?seq_interval=3&limit=7")["results"]
    assert [row["seq"] is not None for row in rows] == [False, True, False, False, True, False, False]


def test_leaves_deletions_and_filters(admin: Asker, free: str) -> None:
    winner, loser = conflicted(admin, free)
    rev = admin.put(f"/{free}/gone", {})["rev"]
    admin.ask("DELETE", f"/{free}/gone?rev={rev}", status=200)
    admin.put(f"/{free}/_design/x", {})
    d, gone, design = admin.get(f"/{free}/_changes?style=all_docs&include_docs=true&conflicts=true")[
        "results"
    ]
    assert {change["rev"] for change in d["changes"]} == {winner, loser}
    assert d["doc"]["_conflicts"] == [loser]
    assert (gone["deleted"], gone["doc"]["_deleted"]) == (True, True)
    assert admin.get(f"/{free}/_changes")["results"][0]["changes"] == [{"rev": winner}]
    assert ids(admin.get(f"/{free}/_changes?filter=_design")) == [design["id"]]
    named = admin.post(f"/{free}/_changes?filter=_doc_ids", {"doc_ids": ["gone", "none"]})
    assert ids(named) == ["gone"]
    assert ids(admin.get(f'/{free}/_changes?filter=_doc_ids&doc_ids=["d"]')) == ["d"]
    assert admin.get(f"/{free}/_changes?filter=_doc_ids", status=400)
    assert len(ids(admin.post(f"/{free}/_changes", {}))) == 3


@pytest.mark.parametrize(
    "bad",
    ["since=nonsense", "feed=odd", "style=odd", "limit=x", "timeout=x", "heartbeat=x", "seq_interval=-1"],
)
def test_nonsense_is_refused_before_the_feed_begins(admin: Asker, free: str, bad: str) -> None:
    assert admin.get(f"/{free}/_changes?{bad}", status=400)


def test_a_long_poll_answers_at_once_if_there_is_something(admin: Asker, filled: str) -> None:
    begun = time.monotonic()
    feed = admin.get(f"{filled}/_changes?feed=longpoll&timeout=4000&limit=2")
    assert ids(feed) == ["d00", "d01"]
    assert feed["pending"] == MANY - 2
    assert time.monotonic() - begun < 2


def test_a_long_poll_waits_for_the_next_change(admin: Asker, free: str, store: EmbeddedStore) -> None:
    timer = later(0.2, lambda: store.put(free, {"_id": "new"}))
    feed = admin.get(f"/{free}/_changes?feed=longpoll&since=now&timeout=5000&include_docs=true")
    timer.join()
    assert [row["doc"]["_id"] for row in feed["results"]] == ["new"]
    assert feed["last_seq"] == admin.get(f"/{free}")["update_seq"]


def test_a_long_poll_passes_over_what_its_filter_leaves_out(
    admin: Asker, free: str, store: EmbeddedStore
) -> None:
    timers = [
        later(0.1, lambda: store.put(free, {"_id": "other"})),
        later(0.3, lambda: store.put(free, {"_id": "mine"})),
    ]
    feed = admin.post(
        f"/{free}/_changes?feed=longpoll&since=now&timeout=5000&filter=_doc_ids", {"doc_ids": ["mine"]}
    )
    for timer in timers:
        timer.join()
    assert ids(feed) == ["mine"]


def test_a_quiet_long_poll_ends_with_its_timeout_and_beats_meanwhile(admin: Asker, free: str) -> None:
    begun = time.monotonic()
    answer = admin.ask("GET", f"/{free}/_changes?feed=longpoll&since=now&timeout=400&heartbeat=100")
    assert answer.data.count(b"\n") > 5, "two or more heartbeats beside the four lines"
    took = time.monotonic() - begun
    assert 0.3 < took < 3
    assert answer.json == {"results": [], "last_seq": admin.get(f"/{free}")["update_seq"], "pending": 0}


def test_waiting_is_bounded_whatever_a_client_asks(admin: Asker, free: str) -> None:
    begun = time.monotonic()
    admin.get(f"/{free}/_changes?feed=longpoll&since=now&timeout=99999999&heartbeat=1")
    assert LIMITS.max_feed_timeout - 0.1 < time.monotonic() - begun < LIMITS.max_feed_timeout + 2


def test_a_poll_too_many_is_answered_at_once(app: Any, admin: Asker, free: str, store: EmbeddedStore) -> None:
    def poll() -> None:
        Asker(app.test_client(), "admin").get(f"/{free}/_changes?feed=longpoll&since=now&timeout=5000")

    waiting = [threading.Thread(target=poll) for _ in range(LIMITS.max_parked_polls)]
    for thread in waiting:
        thread.start()
    deadline = time.monotonic() + 5
    while store.parked() < LIMITS.max_parked_polls and time.monotonic() < deadline:
        time.sleep(0.01)
    assert store.parked() == LIMITS.max_parked_polls
    begun = time.monotonic()
    assert ids(admin.get(f"/{free}/_changes?feed=longpoll&since=now&timeout=5000")) == []
    assert time.monotonic() - begun < 1
    store.put(free, {"_id": "wake"})
    for thread in waiting:
        thread.join(timeout=5)
        assert not thread.is_alive()
    timer = later(0.2, lambda: store.put(free, {"_id": "again"}))
    assert ids(admin.get(f"/{free}/_changes?feed=longpoll&since=now&timeout=5000")) == ["again"]
    timer.join()


def test_a_continuous_feed_sends_lines_as_they_come(admin: Asker, free: str, store: EmbeddedStore) -> None:
    store.put(free, {"_id": "first"})
    timer = later(0.2, lambda: store.put(free, {"_id": "second"}))
    answer = admin.ask("GET", f"/{free}/_changes?feed=continuous&timeout=600&heartbeat=100", status=200)
    timer.join()
    lines = [json.loads(line) for line in answer.data.splitlines() if line]
    assert [line.get("id") for line in lines] == ["first", "second", None]
    assert lines[-1] == {"last_seq": lines[1]["seq"], "pending": 0}
    limited = admin.ask("GET", f"/{free}/_changes?feed=continuous&limit=1&timeout=5000")
    assert [json.loads(line).get("id") for line in limited.data.splitlines() if line] == ["first", None]


def test_whoever_loses_the_database_while_waiting_learns_nothing_more(
    wang: Asker, store: EmbeddedStore
) -> None:
    def reassign() -> None:
        store.set_security("case-1", Security(members=("liu",), kind="case", writers=("liu",)))
        store.put("case-1", {"_id": "secret"})

    timer = later(0.2, reassign)
    feed = wang.get("/case-1/_changes?feed=longpoll&since=now&timeout=4000&include_docs=true")
    timer.join()
    assert feed["results"] == []
    wang.get("/case-1/_changes", status=403)


def test_a_database_deleted_while_waiting_ends_the_feed(
    admin: Asker, free: str, store: EmbeddedStore
) -> None:
    timer = later(0.2, lambda: store.delete_database(free))
    begun = time.monotonic()
    assert ids(admin.get(f"/{free}/_changes?feed=longpoll&since=now&timeout=4000")) == []
    timer.join()
    assert time.monotonic() - begun < 3
    admin.get(f"/{free}/_changes", status=404)


def test_a_sequence_of_a_database_made_anew_skips_nothing(admin: Asker, filled: str) -> None:
    last = admin.get(filled)["update_seq"]
    admin.ask("DELETE", filled, status=200)
    admin.put(filled)
    admin.put(f"{filled}/new", {})
    assert ids(admin.get(f"{filled}/_changes?since={last}")) == ["new"]
