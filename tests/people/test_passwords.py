"""Passwords: hashed, compared and refused as promised."""

from __future__ import annotations

import time

import pytest

from server.people.passwords import MAX_LENGTH, Passwords
from server.problems import Problem
from server.settings import Argon2Profile, Settings

CHEAP = Argon2Profile(memory_kib=8, time_cost=1, parallelism=1)


@pytest.fixture(scope="module")
def passwords() -> Passwords:
    return Passwords(CHEAP, 8)


def test_a_hash_is_argon2id_salted_and_matches_only_its_password(passwords: Passwords) -> None:
    first, second = (passwords.hash("合闸-before-loop", user="wei") for _ in range(2))
    assert first.startswith("$argon2id$")
    assert first != second
    assert passwords.matches(first, "合闸-before-loop")
    assert not passwords.matches(first, "合闸-before-loop ")


def test_nobody_has_no_password(passwords: Passwords) -> None:
    assert not passwords.matches(None, "anything at all")


def test_a_stranger_costs_as_much_as_a_user() -> None:
    """Time does not tell whether a name exists: both run the whole hash."""
    costly = Passwords(Argon2Profile(memory_kib=4096, time_cost=2, parallelism=1), 8)
    stored = costly.hash("right horse battery", user="wei")

    def best(target: str | None) -> float:
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            costly.matches(target, "wrong horse battery")
            times.append(time.perf_counter() - begin)
        return min(times)

    assert best(None) > best(stored) / 3


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("seven77", "password_too_short"),
        ("", "password_too_short"),
        ("x" * (MAX_LENGTH + 1), "password_too_long"),
        ("Inspector", "password_is_name"),
    ],
)
def test_weak_and_endless_passwords_are_refused(passwords: Passwords, password: str, code: str) -> None:
    with pytest.raises(Problem) as caught:
        passwords.hash(password, user="inspector")
    assert caught.value.code == code
    assert password == "" or password not in repr(caught.value.params)


def test_an_endless_password_is_never_hashed(passwords: Passwords) -> None:
    assert not passwords.matches(None, "x" * 10_000_000)


def test_the_same_letters_composed_differently_are_the_same_password(passwords: Passwords) -> None:
    """é as one character or as e with an accent; full-width letters from a Chinese keyboard."""
    stored = passwords.hash("caf\u00e9-12345", user="wei")
    assert passwords.matches(stored, "cafe\u0301-12345")
    assert passwords.matches(passwords.hash("abc12345", user="wei"), "abc12345")


def test_a_lone_surrogate_is_a_wrong_password_and_no_error(passwords: Passwords) -> None:
    assert not passwords.matches(passwords.hash("abc12345", user="wei"), "\ud800abc12345")


def test_a_hash_of_another_cost_is_outdated(passwords: Passwords) -> None:
    stored = passwords.hash("abc12345", user="wei")
    assert not passwords.outdated(stored)
    assert Passwords(Argon2Profile(16, 1, 1), 8).outdated(stored)


def test_a_broken_hash_is_a_refusal_and_no_error(passwords: Passwords) -> None:
    assert not passwords.matches("not a hash", "abc12345")


def test_the_default_profile_is_the_recommended_one() -> None:
    """OWASP's second choice for Argon2id: 19 MiB, two passes, one lane."""
    assert Settings().argon2 == Argon2Profile(19456, 2, 1)
