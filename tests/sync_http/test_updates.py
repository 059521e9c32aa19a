"""`_db_updates`: server admins hear of every database that is made, changed or deleted."""

from __future__ import annotations

import json
from typing import Any

from sync.embedded.engine import EmbeddedStore
from tests.sync_http.conftest import LIMITS, Asker
from tests.sync_http.test_feeds import later


def told(feed: Any) -> list[tuple[str, str]]:
    return [(row["db_name"], row["type"]) for row in feed["results"]]


def test_each_kind_of_event_of_each_database_is_told_once(admin: Asker, free: str) -> None:
    start = admin.get("/_db_updates")["last_seq"]
    admin.put("/other")
    admin.put("/other/a", {})
    admin.put(f"/{free}/a", {})
    admin.put("/other/b", {})
    feed = admin.get(f"/_db_updates?since={start}")
    assert told(feed) == [("other", "created"), (free, "updated"), ("other", "updated")]
    admin.ask("DELETE", "/other", status=200)
    assert told(admin.get(f"/_db_updates?since={feed['last_seq']}")) == [("other", "deleted")]
    back = told(admin.get(f"/_db_updates?since={start}&descending=true"))
    assert back[:3] == [("other", "deleted"), ("other", "updated"), (free, "updated")]
    assert back[-1] == ("case-1", "created"), (
        "descending begins at the end and ignores since, as _changes does"
    )
    assert told(admin.get("/_db_updates?since=now")) == []


def test_pages_and_limits_leave_nothing_out(admin: Asker) -> None:
    names = [f"db{n:02}" for n in range(3 * LIMITS.changes_page)]
    start = admin.get("/_db_updates")["last_seq"]
    for name in names:
        admin.put(f"/{name}")
    assert [name for name, _ in told(admin.get(f"/_db_updates?since={start}"))] == names
    since, found = start, []
    while True:
        feed = admin.get(f"/_db_updates?since={since}&limit=4")
        found += [name for name, _ in told(feed)]
        since = feed["last_seq"]
        if not feed["results"]:
            break
    assert found == names
    assert told(admin.get("/_db_updates?limit=0")) == []
    assert [name for name, _ in told(admin.get("/_db_updates?descending=true&limit=9"))] == names[::-1][:9]


def test_it_waits(admin: Asker, free: str, store: EmbeddedStore) -> None:
    timer = later(0.2, lambda: store.put(free, {"_id": "a"}))
    assert told(admin.get("/_db_updates?feed=longpoll&since=now&timeout=5000")) == [(free, "updated")]
    timer.join()
    timer = later(0.2, lambda: store.create_database("made"))
    answer = admin.ask("GET", "/_db_updates?feed=continuous&since=now&timeout=600&heartbeat=100", status=200)
    timer.join()
    assert answer.data.count(b"\n") > 3, "heartbeats"
    lines = [json.loads(line) for line in answer.data.splitlines() if line]
    assert [line.get("type") for line in lines] == ["created", None]
    assert lines[-1].keys() == {"last_seq"}
    events = admin.ask("GET", "/_db_updates?feed=eventsource&timeout=50&limit=1", status=200)
    assert events.data.strip(b"\n").startswith(b'data: {"db_name":"case-1"')


def test_only_server_admins_hear_of_databases(wang: Asker, nobody: Asker) -> None:
    refusal = {"error": "unauthorized", "reason": "You are not a server admin."}
    assert wang.get("/_db_updates", status=401) == refusal
    assert nobody.get("/_db_updates", status=401)["error"] == "unauthorized"


def test_nonsense_is_refused(admin: Asker) -> None:
    for bad in ("feed=live", "feed=x", "limit=x", "limit=-1", "since=x", "heartbeat=0", "timeout=x"):
        assert admin.get(f"/_db_updates?{bad}", status=400)["error"] in {"bad_request", "query_parse_error"}
