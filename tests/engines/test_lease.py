"""A lease has one owner at a time, on every engine, whatever its clock says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sync.lease import PREFIX, Busy, LeaseLost, Leases, Terms
from sync.store import DocumentStore
from tests.desk import Clock

TERMS = Terms(seconds=10.0, skew=2.0, wait=0.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def leases(store: DocumentStore, clock: Clock) -> Leases:
    return Leases(store, "db", TERMS, clock)


def test_only_one_owner_at_a_time_and_the_token_grows(leases: Leases) -> None:
    first = leases.take("a", "one")
    assert first is not None
    assert leases.take("a", "two") is None
    assert leases.take("b", "two") is not None, "another name is another lease"
    leases.check(first)
    leases.give_back(first)
    second = leases.take("a", "two")
    assert second is not None
    assert second.token > first.token
    with pytest.raises(LeaseLost):
        leases.check(first)


def test_a_renewed_lease_keeps_its_token(leases: Leases, clock: Clock) -> None:
    first = leases.take("a", "one")
    clock.forward(seconds=6)
    again = leases.take("a", "one")
    assert first is not None
    assert again is not None
    assert again.token == first.token
    assert again.expires == first.expires + 6


def test_the_lease_of_a_dead_owner_is_free_once_every_clock_agrees(leases: Leases, clock: Clock) -> None:
    """The owner stops by its own clock; others wait as much longer as clocks may differ."""
    dead = leases.take("a", "dead")
    assert dead is not None
    clock.forward(seconds=TERMS.seconds)
    with pytest.raises(LeaseLost):
        leases.check(dead)
    assert leases.take("a", "heir") is None
    clock.forward(seconds=TERMS.skew)
    heir = leases.take("a", "heir")
    assert heir is not None
    assert heir.token > dead.token


def test_an_owner_that_was_slow_gives_nothing_back_that_is_not_its_own(leases: Leases, clock: Clock) -> None:
    slow = leases.take("a", "slow")
    clock.forward(seconds=TERMS.seconds + TERMS.skew)
    heir = leases.take("a", "heir")
    assert slow is not None
    assert heir is not None
    leases.give_back(slow)
    leases.check(heir)
    assert leases.take("a", "third") is None


def test_who_waits_in_vain_is_told_when_to_come_again(leases: Leases) -> None:
    assert leases.take("a", "one") is not None
    with pytest.raises(Busy) as caught, leases.hold("a"):
        pass
    assert (caught.value.status, caught.value.error, caught.value.retry_after) == (503, "busy", 1)


def test_waiting_ends_with_the_bound_or_when_the_owner_gives_way(store: DocumentStore, clock: Clock) -> None:
    passed: list[float] = []
    leases = Leases(
        store,
        "db",
        replace(TERMS, wait=3.0, first_pause=0.5, longest_pause=1.0),
        clock,
        monotonic=lambda: sum(passed),
        sleep=passed.append,
    )
    owner = leases.take("a", "one")
    assert owner is not None
    with pytest.raises(Busy), leases.hold("a"):
        pass
    assert passed == [0.5, 1.0, 1.0, 0.5]

    def give_way(seconds: float) -> None:
        passed.append(seconds)
        leases.give_back(owner)

    leases._sleep = give_way
    with leases.hold("a") as lease:
        leases.check(lease)
    assert leases.take("a", "next") is not None, "given back at the end of the block"


def test_a_lease_is_given_back_when_the_work_fails(leases: Leases) -> None:
    with pytest.raises(RuntimeError, match="broke"), leases.hold("a"):
        raise RuntimeError("broke")
    assert leases.take("a", "next") is not None


def test_of_two_owners_on_two_replicas_one_loses(leases: Leases, store: DocumentStore) -> None:
    """Both replicas said yes. The store's winner is the owner; the other may not write, and its leaf goes."""
    mine = leases.take("a", "one")
    assert mine is not None
    known = store.get("db", PREFIX + "a")
    forged = {
        **known,
        "owner": "other",
        "_rev": f"1-{'f' * 32}",
        "_revisions": {"start": 1, "ids": ["f" * 32]},
    }
    store.bulk_docs("db", [forged], new_edits=False)
    winner = store.get("db", PREFIX + "a")["owner"]
    if winner == "one":
        leases.check(mine)
    else:
        with pytest.raises(LeaseLost):
            leases.check(mine)
    assert len(store.leaves("db", PREFIX + "a")) == 1


def test_however_many_ask_at_once_each_is_alone(store: DocumentStore) -> None:
    """Four threads count up without any check of their own; nobody's step is lost."""
    terms = Terms(seconds=60.0, skew=0.0, wait=30.0, first_pause=0.005, longest_pause=0.02)
    leases = Leases(store, "db", terms, lambda: datetime.now(UTC))
    inside, most, counted = 0, 0, 0
    failures: list[BaseException] = []

    def count() -> None:
        nonlocal inside, most, counted
        for _ in range(5):
            with leases.hold("a") as lease:
                inside += 1
                most = max(most, inside)
                leases.check(lease)
                counted += 1
                inside -= 1

    run(count, 4, failures)
    assert failures == []
    assert (most, counted) == (1, 20)


def run(work: Callable[[], None], times: int, failures: list[BaseException]) -> None:
    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  whatever it is, the test looks at it
            failures.append(error)

    threads = [threading.Thread(target=guarded) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
