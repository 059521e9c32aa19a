"""The count of failed sign-ins, as a function of values."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from server.people.throttle import BUCKETS, Attempts, Limits, attempt_of, forgiven, noted, wait

LIMITS = Limits(per_user_address=5, per_address=30, window=300)
HOME = "203.0.113.7"


def after(times: list[float], user: str = "wei", address: str = HOME) -> Attempts:
    attempts: Attempts = {}
    for at in times:
        attempts = noted(attempts, attempt_of(user, address), at, LIMITS.window)
    return attempts


def test_five_failures_are_admitted_and_the_sixth_waits_for_the_first_to_age() -> None:
    attempts = after([0, 10, 20, 30])
    assert wait(attempts, attempt_of("wei", HOME), 40, LIMITS) == 0
    attempts = after([0, 10, 20, 30, 40])
    assert wait(attempts, attempt_of("wei", HOME), 50, LIMITS) == 250
    assert wait(attempts, attempt_of("wei", HOME), 300, LIMITS) == 0


def test_another_user_and_another_address_are_not_held_up() -> None:
    """A stranger cannot lock somebody out from everywhere."""
    attempts = after([0] * 5)
    assert wait(attempts, attempt_of("ming", HOME), 1, LIMITS) == 0
    assert wait(attempts, attempt_of("wei", "198.51.100.9"), 1, LIMITS) == 0


def test_an_address_that_tries_many_names_is_held_up() -> None:
    attempts: Attempts = {}
    for n in range(30):
        attempts = noted(attempts, attempt_of(f"user{n}", HOME), 0, LIMITS.window)
    assert wait(attempts, attempt_of("fresh", HOME), 1, LIMITS) == 299


def test_a_success_clears_the_user_at_this_address_and_nobody_else() -> None:
    """Whoever knows one password cannot use it to keep guessing others."""
    attempts = noted(after([0] * 5), attempt_of("ming", HOME), 1, LIMITS.window)
    left = forgiven(attempts, attempt_of("wei", HOME))
    assert wait(left, attempt_of("wei", HOME), 2, LIMITS) == 0
    assert [len(entries) for entries in left.values()] == [1]


def test_neighbours_in_one_ipv6_network_count_as_one_address() -> None:
    """A customer is given 2^64 addresses; they must not be as many tries."""
    assert attempt_of("wei", "2001:db8:1:2::1") == attempt_of("wei", "2001:db8:1:2:ffff::9")
    assert attempt_of("wei", "2001:db8:1:2::1") != attempt_of("wei", "2001:db8:1:3::1")
    assert attempt_of("wei", "::ffff:203.0.113.7") == attempt_of("wei", HOME)


def test_no_name_and_no_address_is_kept_in_clear() -> None:
    """People type passwords into the wrong field."""
    kept = repr(after([0], user="hunter2 oops"))
    assert "hunter2" not in kept
    assert HOME not in kept


@given(st.text(max_size=30), st.text(max_size=30))
@settings(max_examples=50, deadline=None)
def test_any_text_has_a_bucket(user: str, address: str) -> None:
    name, _, bucket = attempt_of(user, address).bucket.partition(":")
    assert name == "signin"
    assert 0 <= int(bucket, 16) < BUCKETS


@given(st.lists(st.floats(0, 10_000), max_size=60), st.floats(0, 12_000))
@settings(max_examples=60, deadline=None)
def test_never_more_than_the_limit_in_any_window_and_never_barred_for_longer_than_one(
    arrivals: list[float], asked: float
) -> None:
    attempts: Attempts = {}
    admitted: list[float] = []
    who = attempt_of("wei", HOME)
    for at in sorted(arrivals):
        if wait(attempts, who, at, LIMITS) == 0:
            admitted.append(at)
            attempts = noted(attempts, who, at, LIMITS.window)
    for start in admitted:
        assert sum(start <= at < start + LIMITS.window for at in admitted) <= LIMITS.per_user_address
    assert 0 <= wait(attempts, who, asked, LIMITS) <= LIMITS.window


def test_old_attempts_are_dropped_so_that_a_bucket_does_not_grow() -> None:
    attempts = after([0, 1, 2])
    attempts = noted(attempts, attempt_of("ming", "198.51.100.9"), 1000, LIMITS.window)
    assert sum(len(entries) for entries in attempts.values()) == 1
