"""Those who wait are woken by any process, and only by their own database."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from sync.embedded.engine import EmbeddedStore

OTHER_PROCESS = """
import sys
from pathlib import Path
from sync.embedded.engine import EmbeddedStore
store = EmbeddedStore(Path(sys.argv[1]))
sys.stdin.readline()
store.put("db", {"_id": "from-afar"})
store.close()
"""


def test_a_write_by_another_process_wakes_a_long_poll(store: EmbeddedStore, tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, str(tmp_path / "data")], stdin=subprocess.PIPE, text=True
    )
    with ThreadPoolExecutor(2) as pool:
        poll = pool.submit(store.changes, "db", since="now", timeout=30.0)
        databases = pool.submit(store.db_updates, since="now", timeout=30.0)
        while store.parked() < 2:
            time.sleep(0.01)
        began = time.monotonic()
        child.communicate("go\n")
        assert [change.id for change in poll.result(20).results] == ["from-afar"]
        assert [update.db_name for update in databases.result(20)[0]] == ["db"]
    assert time.monotonic() - began < 10
    assert child.returncode == 0


def test_hundreds_of_parked_polls_sleep_through_what_does_not_concern_them(store: EmbeddedStore) -> None:
    store.create_database("noise")
    with ExitStack() as stack:
        bells = [stack.enter_context(store.watch("db")) for _ in range(300)]
        stranger = stack.enter_context(store.watch("noise"))
        assert store.parked() == 301
        stranger.wait(0.2)
        for bell in bells:
            bell.wait(0)
        for number in range(20):
            store.put("noise", {"_id": str(number)})
        assert stranger.wait(5)
        assert not any(bell.wait(0) for bell in bells)
        store.put("db", {"_id": "a"})
        assert all(bell.wait(5) for bell in bells)
    assert store.parked() == 0


def test_nothing_is_missed_between_looking_and_waiting(store: EmbeddedStore) -> None:
    """Take the bell, look, write, wait: the write rings though it came before the wait."""
    with store.watch("db") as bell:
        since = store.info("db").update_seq
        store.put("db", {"_id": "a"})
        assert bell.wait(5)
        assert len(store.changes("db", since=since).results) == 1


def test_closing_the_store_ends_every_wait(store: EmbeddedStore) -> None:
    with ThreadPoolExecutor(1) as pool:
        bell = store.watch("db")
        with bell:
            waiting = pool.submit(bell.wait, 30.0)
            store.close()
            assert waiting.result(10)
    assert store.dismissed


def test_dismissing_ends_every_wait_for_good_and_writes_go_on(store: EmbeddedStore) -> None:
    """A server that is asked to stop lets its pollers go, and finishes what it has begun."""
    since = store.info("db").update_seq
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(store.changes, "db", since=since, timeout=30.0)
        store.dismiss()
        assert waiting.result(10).results == ()
        rev = store.put("db", {"_id": "a"})
        assert store.get("db", "a")["_rev"] == rev
        newest = store.info("db").update_seq
        late = pool.submit(store.changes, "db", since=newest, timeout=30.0)
        assert late.result(10).results == ()
