"""Workers share databases: each is somebody's, the dead are taken over, and no change is lost on the way."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from sync.follow import Follower
from sync.lease import Leases, Terms
from sync.slots import Slots, fair_share, slot_of
from sync.store import ChangeBatch, DocumentStore
from tests.desk import Clock

TERMS = Terms(seconds=9.0, skew=1.0, wait=0.0)
COUNT = 6
NAMES = [f"case-{n}" for n in range(6)]


class Worker:
    """A follower that serves its slots, and notes what it was given."""

    def __init__(self, name: str, store: DocumentStore, clock: Clock) -> None:
        self.seen: list[tuple[str, str]] = []
        self.gained: list[frozenset[int]] = []
        leases = Leases(store, "db", TERMS, clock)
        self.slots = Slots(
            store,
            "db",
            leases,
            worker=name,
            count=COUNT,
            seconds=TERMS.seconds,
            clock=clock,
            on_gain=self.on_gain,
        )
        self.follower = Follower(
            store, "work", lambda db: db != "db" and self.slots.holds(db), self.note, include_docs=False
        )

    def on_gain(self, gained: frozenset[int]) -> None:
        self.gained.append(gained)
        self.follower.look_again()

    def note(self, database: str, batch: ChangeBatch) -> None:
        self.seen += [(database, change.id) for change in batch.results]

    def work(self) -> None:
        while self.follower.run_once():
            pass


MakeWorker = Callable[[str], Worker]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def worker(store: DocumentStore, clock: Clock) -> MakeWorker:
    return lambda name: Worker(name, store, clock)


def tick(*workers: Worker) -> None:
    """Often enough for what one gives up to be another's."""
    for _, one in itertools.product(range(3), workers):
        one.slots.tick()


def test_every_key_has_a_slot_and_every_slot_a_place() -> None:
    slots = {slot_of(f"case-{n}", 16) for n in range(1000)}
    assert slots == set(range(16))
    for workers in range(1, 20):
        assert fair_share(16, workers) * workers >= 16


def test_one_worker_alone_has_everything(worker: MakeWorker) -> None:
    one = worker("one")
    tick(one)
    assert one.slots.held == set(range(COUNT))
    assert one.gained == [frozenset(range(COUNT))]
    tick(one)
    assert len(one.gained) == 1, "what is renewed is not gained"


def test_each_newcomer_gets_its_share_and_no_slot_has_two_workers(worker: MakeWorker) -> None:
    workers: list[Worker] = []
    for name in ("one", "two", "three"):
        workers.append(worker(name))
        tick(*workers)
        held = [slot for one in workers for slot in one.slots.held]
        assert sorted(held) == list(range(COUNT))
        assert {len(one.slots.held) for one in workers} == {COUNT // len(workers)}


def test_who_leaves_is_replaced_at_once_and_who_dies_when_the_lease_is_over(
    worker: MakeWorker, clock: Clock
) -> None:
    one, two, three = worker("one"), worker("two"), worker("three")
    tick(one, two, three)
    two.slots.leave()
    assert two.slots.held == set()
    tick(one, three)
    assert len(one.slots.held | three.slots.held) == COUNT
    clock.forward(seconds=TERMS.seconds / 2)
    one.slots.tick()
    clock.forward(seconds=TERMS.seconds / 2)
    one.slots.tick()
    assert three.slots.held == set(), "its own clock says that it is dead"
    assert len(one.slots.held) == COUNT // 2, "it may still be writing, if its clock is slow"
    clock.forward(seconds=TERMS.skew)
    one.slots.tick()
    assert one.slots.held == set(range(COUNT))


def test_no_change_is_lost_while_workers_come_die_and_leave(
    store: DocumentStore, worker: MakeWorker, clock: Clock
) -> None:
    number = itertools.count()
    written: set[tuple[str, str]] = set()

    def write() -> None:
        for name in NAMES:
            doc = f"d{next(number)}"
            store.put(name, {"_id": doc})
            written.add((name, doc))

    for name in NAMES:
        store.create_database(name)
    one, two = worker("one"), worker("two")
    workers = [one, two]
    write()
    tick(one)
    one.work()
    write()
    tick(one, two)
    for each in workers:
        each.work()
    assert two.seen, "a newcomer has something to do"
    write()
    # `one` dies here: it neither ticks nor works again.
    two.work()
    clock.forward(seconds=TERMS.seconds + TERMS.skew)
    write()
    two.work()
    three = worker("three")
    tick(two, three)
    for each in (two, three):
        each.work()
    two.slots.leave()
    write()
    tick(three)
    three.work()
    seen = [*one.seen, *two.seen, *three.seen]
    assert set(seen) == written
    assert three.slots.held == set(range(COUNT))
