"""Filtered feeds over HTTP: what they show, how they wait, and that no filter harms anybody but its feed."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from sync.embedded.engine import EmbeddedStore
from tests.sync_http.conftest import LIMITS, Asker
from tests.sync_http.test_feeds import later

FILTERS = {
    "odd": "function (doc) { return doc.n % 2 === 1; }",
    "mine": "function (doc, req) { return doc.by === req.userCtx.name && req.query.yes === '1'; }",
    "loop": "function (doc) { while (doc.n > 20) {} return true; }",
    "headers": "function (doc, req) { throw({seen: JSON.stringify(req.headers)}); }",
}
MANY = 3 * LIMITS.docs_page


@pytest.fixture
def filled(admin: Asker, free: str) -> str:
    """More documents than two pages of judged ones."""
    docs = [{"_id": f"d{n:02}", "n": n} for n in range(MANY)]
    admin.post(f"/{free}/_bulk_docs", {"docs": docs}, status=201)
    admin.put(f"/{free}/_design/f", {"filters": FILTERS})
    return f"/{free}"


def ids(feed: Any) -> list[str]:
    return [row["id"] for row in feed["results"]]


def selecting(admin: Asker, path: str, selector: Any, **more: Any) -> Any:
    return admin.post(f"{path}&filter=_selector", {"selector": selector} | more)


def test_a_filter_is_applied_to_every_page(admin: Asker, filled: str) -> None:
    odd = [f"d{n:02}" for n in range(1, MANY, 2)]
    assert ids(admin.get(f"{filled}/_changes?filter=f/odd")) == odd
    assert ids(admin.get(f"{filled}/_changes?filter=f/odd&descending=true")) == odd[::-1]
    assert ids(selecting(admin, f"{filled}/_changes?", {"n": {"$gte": MANY - 2}})) == odd_and_even(MANY - 2)


def odd_and_even(start: int) -> list[str]:
    return [f"d{n:02}" for n in range(start, MANY)]


def test_a_limited_filtered_feed_goes_on_where_it_ended(admin: Asker, filled: str) -> None:
    since, found = "0", []
    for _ in range(MANY):
        feed = admin.get(f"{filled}/_changes?filter=f/odd&limit=4&since={since}")
        found += ids(feed)
        since = feed["last_seq"]
        if not feed["results"]:
            break
    assert found == [f"d{n:02}" for n in range(1, MANY, 2)]
    assert feed["last_seq"] == admin.get(filled)["update_seq"]


def test_a_long_poll_ends_with_what_passes_and_not_before(
    admin: Asker, filled: str, store: EmbeddedStore
) -> None:
    db = filled[1:]
    timers = [
        later(0.1, lambda: store.put(db, {"_id": "even", "n": 2})),
        later(0.4, lambda: store.put(db, {"_id": "odd", "n": 1})),
    ]
    feed = admin.get(f"{filled}/_changes?filter=f/odd&feed=longpoll&since=now&timeout=5000")
    for timer in timers:
        timer.join()
    assert ids(feed) == ["odd"]
    assert feed["last_seq"] == admin.get(filled)["update_seq"]


def test_a_continuous_feed_judges_what_comes(admin: Asker, filled: str, store: EmbeddedStore) -> None:
    timer = later(0.2, lambda: store.bulk_docs(filled[1:], [{"_id": "x", "n": 1}, {"_id": "y", "n": 2}]))
    path = f"{filled}/_changes?filter=_selector&feed=continuous&since=now&timeout=600"
    answer = admin.ask("POST", path, {"selector": {"n": 1}}, status=200)
    timer.join()
    lines = [json.loads(line) for line in answer.data.splitlines() if line]
    assert [line.get("id") for line in lines] == ["x", None]


def test_a_filter_knows_who_asks_and_how_but_no_secrets(wang: Asker, admin: Asker) -> None:
    admin.put("/case-1/_design/f", {"filters": FILTERS})
    body = {"type": "hazard", "schema": 1, "by": "wang", "at": "2026-03-02T09:30:00Z", "description": "x"}
    wang.put("/case-1/hazard:1", body)
    assert ids(wang.get("/case-1/_changes?filter=f/mine&yes=1")) == ["hazard:1"]
    assert ids(wang.get("/case-1/_changes?filter=f/mine&yes=0")) == []
    assert ids(admin.get("/case-1/_changes?filter=f/mine&yes=1")) == []
    seen = wang.ask("GET", "/case-1/_changes?filter=f/headers", headers={"X-Own": "shown"}, status=500).json
    assert isinstance(seen, dict)
    assert seen["error"] == "seen"
    headers = {name.lower(): value for name, value in json.loads(seen["reason"]).items()}
    assert headers["x-own"] == "shown"
    assert not headers.keys() & {"authorization", "cookie"}


def test_a_runaway_filter_is_an_error_of_its_own_feed(app: Any, admin: Asker, filled: str) -> None:
    """It has sent rows by then, so that the status is out: the feed ends as no whole feed could."""
    broken: list[Any] = []

    def ask() -> None:
        broken.append(Asker(app.test_client(), "admin").ask("GET", f"{filled}/_changes?filter=f/loop"))

    thread = threading.Thread(target=ask)
    thread.start()
    while thread.is_alive():
        admin.get(filled)  # others are served meanwhile
        thread.join(0.02)
    (answer,) = broken
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.data)
    last = json.loads(answer.data.splitlines()[-1])
    assert last["error"] == "unknown_error"
    assert "limits" in last["reason"]
    # When it fails before its first row, the status tells.
    assert admin.get(f"{filled}/_changes?filter=f/loop&since=now&limit=1")["results"] == []
    refused = admin.get(f"{filled}/_changes?filter=f/loop&descending=true", status=500)
    assert refused["error"] == "unknown_error"


def test_a_runaway_pattern_is_an_error_too(admin: Asker, free: str) -> None:
    admin.put(f"/{free}/a", {"v": "a" * 50 + "b"})
    body = {"selector": {"v": {"$regex": "^(a+)+$"}}}
    refused = admin.post(f"/{free}/_changes?filter=_selector", body, status=500)
    assert refused["error"] == "regex_error"


def test_a_browser_reads_events_and_goes_on_where_it_was(admin: Asker, free: str) -> None:
    for name in ("a", "b"):
        admin.put(f"/{free}/{name}", {})
    answer = admin.ask("GET", f"/{free}/_changes?feed=eventsource&timeout=200&heartbeat=50", status=200)
    assert answer.content_type.startswith("text/event-stream")
    blocks = [block.splitlines() for block in answer.data.decode().strip("\n").split("\n\n")]
    events = [json.loads(lines[0].removeprefix("data: ")) for lines in blocks if lines[0][:6] == "data: "]
    assert [event["id"] for event in events] == ["a", "b"]
    assert ["event: heartbeat", "data: "] in blocks
    last_id = blocks[0][1].removeprefix("id: ")
    assert json.loads(last_id) == events[0]["seq"]
    again = admin.ask(
        "GET", f"/{free}/_changes?feed=eventsource&timeout=50&since=0", headers={"Last-Event-ID": last_id}
    )
    assert b'"id":"b"' in again.data
    assert b'"id":"a"' not in again.data


def test_a_feed_that_has_not_changed_is_not_sent_again(admin: Asker, free: str) -> None:
    admin.put(f"/{free}/a", {})
    tag = admin.ask("GET", f"/{free}/_changes", status=200).headers["ETag"]
    admin.ask("GET", f"/{free}/_changes", headers={"If-None-Match": tag}, status=304)
    rev = admin.put(f"/{free}/b", {})["rev"]
    tag = admin.ask("GET", f"/{free}/_changes", headers={"If-None-Match": tag}, status=200).headers["ETag"]
    admin.post(f"/{free}/_purge", {"b": [rev]}, status=201)
    admin.ask("GET", f"/{free}/_changes", headers={"If-None-Match": tag}, status=200)
