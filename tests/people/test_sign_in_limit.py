"""The limit on failed sign-ins, counted alike by every process on the same data."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from server.people.service import People
from server.problems import Problem
from server.settings import Settings
from sync.embedded.engine import EmbeddedStore

if TYPE_CHECKING:
    from tests.people.conftest import FrozenClock

HOME, AWAY = "203.0.113.7", "198.51.100.9"


def attempt(people: People, password: str = "wrong", address: str = HOME, name: str = "wei") -> str:
    try:
        people.login(name, password, address=address)
    except Problem as problem:
        return problem.code
    return "in"


def test_two_processes_count_together(
    people: People, open_store: Callable[[], EmbeddedStore], settings: Settings, clock: FrozenClock
) -> None:
    second = People(open_store(), settings, clock)
    answers = [attempt(process) for process in (people, second, people, second, people)]
    assert answers == ["bad_credentials"] * 5
    assert attempt(second, "wei-password") == "rate_limited", "the right password too: it may be a guess"
    assert attempt(people, "wei-password") == "rate_limited"
    assert attempt(people, "wei-password", AWAY) == "in", "from elsewhere the owner is not locked out"
    clock.advance(seconds=300)
    assert attempt(second, "wei-password") == "in"


def test_the_answer_says_how_long_to_wait(people: People, clock: FrozenClock) -> None:
    for _ in range(5):
        attempt(people)
        clock.advance(seconds=10)
    with pytest.raises(Problem) as caught:
        people.login("wei", "wei-password", address=HOME)
    assert caught.value.status == 429
    assert caught.value.headers == {"Retry-After": "250"}
    assert caught.value.params == {"seconds": 250}


def test_a_success_resets_the_count(people: People) -> None:
    for _ in range(3):
        assert [attempt(people) for _ in range(4)] == ["bad_credentials"] * 4
        assert attempt(people, "wei-password") == "in"


def test_an_address_that_tries_many_names_is_stopped(people: People) -> None:
    answers = [attempt(people, name=f"name{n}") for n in range(31)]
    assert answers == ["bad_credentials"] * 30 + ["rate_limited"]
    assert attempt(people, "wei-password", HOME) == "rate_limited"
    assert attempt(people, "wei-password", AWAY) == "in"


def test_guesses_sent_at_once_meet_the_limit_too(people: People) -> None:
    """A guess is counted before it is looked at: a burst gets no more tries than a queue."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: attempt(people), range(24)))
    assert answers.count("bad_credentials") == 5
    assert answers.count("rate_limited") == 19


def test_the_old_password_at_a_change_is_limited_like_a_sign_in(people: People) -> None:
    identity = people.authenticate(f"Bearer {people.login('wei', 'wei-password').access_token}")
    codes = []
    for _ in range(6):
        with pytest.raises(Problem) as caught:
            people.change_own_password(identity, "wrong", "new-password", address=HOME)
        codes.append(caught.value.code)
    assert codes == ["bad_credentials"] * 5 + ["rate_limited"]
