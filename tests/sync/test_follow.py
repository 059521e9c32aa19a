"""A follower delivers every change at least once, and one failing database holds up no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import pytest
import structlog
from structlog.testing import LogCapture

from sync.embedded.engine import EmbeddedStore
from sync.follow import Follower, Pace
from sync.store import ChangeBatch, DbUpdate, Unavailable


class Work:
    """A handler that notes what came, and fails for the databases in `broken`."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self.broken: set[str] = set()

    def __call__(self, db: str, batch: ChangeBatch) -> None:
        if db in self.broken:
            raise ValueError("poison")
        self.seen += [(db, change.id) for change in batch.results]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def work() -> Work:
    return Work()


def follower(store: EmbeddedStore, work: Work, **more: object) -> Follower:
    return Follower(store, "test", lambda name: name.startswith("case-"), work, **more)  # type: ignore[arg-type]


def drain(one: Follower) -> None:
    for _ in range(100):
        one.run_once()
        if one.idle():
            return
    raise AssertionError("the follower never comes to rest")


@contextmanager
def told() -> Iterator[list[MutableMapping[str, Any]]]:
    """What the follower logs within the block, at every level, whatever another test has configured."""
    capture = LogCapture()
    log = structlog.wrap_logger(
        None,
        processors=[capture],
        wrapper_class=structlog.make_filtering_bound_logger("debug"),
        cache_logger_on_first_use=False,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sync.follow._log", log)
        yield capture.entries


def errors(logs: Sequence[MutableMapping[str, Any]]) -> list[MutableMapping[str, Any]]:
    return [entry for entry in logs if entry["log_level"] == "error"]


def test_what_was_there_and_what_comes_is_delivered_once(store: EmbeddedStore, work: Work) -> None:
    store.create_database("case-1")
    store.put("case-1", {"_id": "a", "v": 1})
    store.put("db", {"_id": "not wanted"})
    one = follower(store, work)
    drain(one)
    assert work.seen == [("case-1", "a")]
    store.create_database("case-2")
    store.put("case-2", {"_id": "b"})
    drain(one)
    assert work.seen[1:] == [("case-2", "b")]
    assert one.run_once() is False
    assert len(work.seen) == 2


def test_a_new_follower_of_the_same_name_goes_on_where_the_old_one_stopped(
    store: EmbeddedStore, work: Work
) -> None:
    store.create_database("case-1")
    store.put("case-1", {"_id": "a"})
    drain(follower(store, work))
    store.put("case-1", {"_id": "b"})
    drain(follower(store, work))
    assert work.seen == [("case-1", "a"), ("case-1", "b")]
    stranger = Follower(store, "other", lambda name: name == "case-1", work)
    drain(stranger)
    assert work.seen[2:] == [("case-1", "a"), ("case-1", "b")]


def test_a_failing_batch_comes_again_and_the_others_go_on(store: EmbeddedStore, work: Work) -> None:
    clock = Clock()
    one = follower(store, work, clock=clock, pace=Pace(first_pause=10.0, longest_pause=35.0))
    work.broken = {"case-1"}
    for name in ("case-1", "case-2"):
        store.create_database(name)
        store.put(name, {"_id": "a"})
    with told() as logs:
        one.run_once()
        assert work.seen == [("case-2", "a")]
        pauses = []
        for n in range(1, 5):
            pauses.append(errors(logs)[-1]["retry_in"])
            clock.now += pauses[-1] - 1
            assert one.run_once() is False
            assert len(errors(logs)) == n
            clock.now += 1
            one.run_once()
            assert len(errors(logs)) == n + 1
    assert pauses == [10.0, 20.0, 35.0, 35.0]
    assert errors(logs)[0]["event"] == "follow.handler_failed"
    assert (errors(logs)[0]["db"], errors(logs)[0]["ids"]) == ("case-1", ["a"])
    assert not one.idle()
    store.put("case-2", {"_id": "b"})
    one.run_once()
    assert work.seen[1:] == [("case-2", "b")]
    work.broken = set()
    clock.now += 1000
    drain(one)
    assert work.seen[2:] == [("case-1", "a")]


def test_the_checkpoint_moves_only_after_the_handler(store: EmbeddedStore, work: Work) -> None:
    store.create_database("case-1")
    store.put("case-1", {"_id": "a"})
    work.broken = {"case-1"}
    one = follower(store, work)
    with told():
        one.run_once()
    assert store.get_local("case-1", one.checkpoint_id) is None
    work.broken = set()
    drain(follower(store, work))
    found = store.get_local("case-1", one.checkpoint_id)
    assert found is not None
    assert found["seq"] == store.info("case-1").update_seq


def test_the_log_tells_what_was_read_of_each_database(store: EmbeddedStore, work: Work) -> None:
    """With it anybody can say whether a change was never told of, never read, or read and not minded."""
    one = follower(store, work)
    drain(one)
    store.create_database("case-1")
    store.put("case-1", {"_id": "a"})
    with told() as logs:
        one.run_once()
        one.run_once()
    entries = [entry for entry in logs if entry.get("db") == "case-1"]
    heard = [entry for entry in entries if entry["event"] == "follow.told"]
    assert {(entry["follower"], entry["wanted"], entry["log_level"]) for entry in heard} == {
        ("test", True, "debug")
    }
    [read] = [entry for entry in entries if entry["event"] == "follow.delivered"]
    assert (read["since"], read["ids"], read["pending"]) == ("0", ["a"], 0)
    assert read["last_seq"] == store.info("case-1").update_seq


def test_a_large_backlog_comes_in_batches_by_turns(store: EmbeddedStore, work: Work) -> None:
    for name in ("case-1", "case-2"):
        store.create_database(name)
        store.bulk_docs(name, [{"_id": f"{n}"} for n in range(5)])
    drain(follower(store, work, pace=Pace(batch=2)))
    assert [db for db, _ in work.seen] == ["case-1"] * 2 + ["case-2"] * 2 + ["case-1"] * 2 + [
        "case-2"
    ] * 2 + [
        "case-1",
        "case-2",
    ]
    assert len(set(work.seen)) == 10


def test_a_database_deleted_and_made_anew_is_followed_from_its_start(
    store: EmbeddedStore, work: Work
) -> None:
    one = follower(store, work)
    store.create_database("case-1")
    store.put("case-1", {"_id": "a"})
    drain(one)
    store.delete_database("case-1")
    drain(one)
    store.create_database("case-1")
    store.put("case-1", {"_id": "b"})
    drain(one)
    assert work.seen == [("case-1", "a"), ("case-1", "b")]


def test_a_round_with_nothing_new_looks_at_no_database(store: EmbeddedStore, work: Work) -> None:
    for n in range(20):
        store.create_database(f"case-{n}")
    one = follower(store, work)
    drain(one)
    looked: list[str] = []
    real = store.changes

    def spy(db: str, **more: object) -> ChangeBatch:
        looked.append(db)
        return real(db, **more)  # type: ignore[arg-type]

    store.changes = spy  # type: ignore[method-assign]
    one.run_once()
    assert looked == []
    store.put("case-7", {"_id": "a"})
    one.run_once()
    assert looked == ["case-7"]


def test_run_delivers_until_it_is_stopped(store: EmbeddedStore, work: Work) -> None:
    store.create_database("case-1")
    stop = threading.Event()
    one = follower(store, work, pace=Pace(idle_wait=0.1))
    thread = threading.Thread(target=one.run, args=(stop,))
    thread.start()
    store.put("case-1", {"_id": "a"})
    deadline = time.monotonic() + 10
    while not work.seen and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert work.seen == [("case-1", "a")]


class Heard:
    """A pulse that remembers what it was told, and stops a follower after so many failures."""

    def __init__(self, stop: threading.Event) -> None:
        self.beats = 0
        self.expected: list[float] = []
        self._stop = stop

    def beat(self) -> None:
        self.beats += 1

    def expect(self, seconds: float) -> None:
        self.expected.append(seconds)
        self._stop.set()


def test_each_round_and_each_database_is_a_beat(store: EmbeddedStore, work: Work) -> None:
    """A long backlog is no standstill."""
    for n in range(5):
        store.create_database(f"case-{n}")
    pulse = Heard(threading.Event())
    one = follower(store, work, pulse=pulse)
    one.run_once()
    assert pulse.beats == 6


def test_a_failing_store_gives_no_beat_and_its_pause_is_no_standstill(
    store: EmbeddedStore, work: Work
) -> None:
    def fails(**_: object) -> None:
        raise OSError("the disk is gone")

    store.db_updates = fails  # type: ignore[assignment, method-assign]
    stop = threading.Event()
    pulse = Heard(stop)
    with told() as logs:
        follower(store, work, pulse=pulse, pace=Pace(first_pause=7.0)).run(stop)
    assert [entry["event"] for entry in logs] == ["follow.store_failed"]
    assert (pulse.beats, pulse.expected) == (0, [7.0])


class Forgetful:
    """A store as on a cluster: the feed of databases has lost every word of what changed."""

    complete_feed = False

    def __init__(self, store: EmbeddedStore) -> None:
        self._store = store
        self.fails = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def db_updates(self, *, since: str = "0", timeout: float = 0.0) -> tuple[list[DbUpdate], str]:
        if self.fails:
            self.fails = False
            raise Unavailable("no answer")
        return [], since


def test_what_the_feed_forgot_is_found_in_the_next_sweep(store: EmbeddedStore, work: Work) -> None:
    clock = Clock()
    one = follower(cast("EmbeddedStore", Forgetful(store)), work, clock=clock, pace=Pace(sweep=60.0))
    store.create_database("case-1")
    drain(one)
    store.put("case-1", {"_id": "a"})
    clock.now += 59.0
    drain(one)
    assert work.seen == []
    clock.now += 1.0
    drain(one)
    assert work.seen == [("case-1", "a")]


def test_after_a_failure_of_the_store_everything_is_looked_at(store: EmbeddedStore, work: Work) -> None:
    forgetful = Forgetful(store)
    one = follower(
        cast("EmbeddedStore", forgetful), work, pace=Pace(idle_wait=0.01, first_pause=0.01, sweep=3600.0)
    )
    store.create_database("case-1")
    drain(one)
    store.put("case-1", {"_id": "a"})
    forgetful.fails = True
    stop = threading.Event()
    thread = threading.Thread(target=one.run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + 20
    while not work.seen and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    thread.join()
    assert work.seen == [("case-1", "a")]
