"""Rotation: a lost answer locks nobody out, a copied token gives itself away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.people.keys import Key, Keyring
from server.people.model import Session
from server.people.rotation import MAX_OFFERED, judge, next_generation, opened, rotated
from server.people.tokens import RefreshToken, issue_refresh

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
LIFE = timedelta(days=30)
GRACE = timedelta(seconds=120)
LATER = timedelta(minutes=15)
RING = Keyring((Key("_default", b"k" * 32),))


class Server:
    """The session as the server keeps it, with a clock to push on."""

    def __init__(self) -> None:
        self.now = NOW
        self.first = issue_refresh(RING, device="d1", session="s1", generation=1)
        self.session: Session | None = opened("s1", 0, self.first, NOW, LIFE)

    def verdict(self, token: RefreshToken) -> str:
        return judge(self.session, token, now=self.now, grace=GRACE)

    def exchange(self, token: RefreshToken) -> RefreshToken:
        assert self.session is not None
        verdict = judge(self.session, token, now=self.now, grace=GRACE)
        assert verdict in ("first_use", "lost_answer"), verdict
        successor = issue_refresh(
            RING, device="d1", session="s1", generation=next_generation(self.session, verdict)
        )
        self.session = rotated(self.session, token, successor, now=self.now, lifetime=LIFE)
        return successor


def test_a_lost_answer_may_be_asked_for_again_after_hours() -> None:
    """The tablet in the basement holds T1 only; it is let in, however late within the lifetime."""
    server = Server()
    server.exchange(server.first)
    server.now += timedelta(days=3)
    assert server.verdict(server.first) == "lost_answer"
    second = server.exchange(server.first)
    assert server.verdict(second) == "first_use"


def test_either_of_two_answers_may_be_the_one_that_arrived() -> None:
    for arrived in (0, 1):
        server = Server()
        answers = [server.exchange(server.first), server.exchange(server.first)]
        server.exchange(answers[arrived])


def test_once_a_successor_is_used_its_predecessor_is_spent() -> None:
    server = Server()
    second = server.exchange(server.first)
    server.now += LATER
    server.exchange(second)
    server.now += LATER
    assert server.verdict(server.first) == "theft"


def test_a_thief_who_used_the_open_window_is_found_out_when_either_goes_on() -> None:
    """He took T1 and got T2'. As soon as the tablet used T2, his T2' is spent and betrays him."""
    server = Server()
    mine = server.exchange(server.first)
    his = server.exchange(server.first)
    server.now += LATER
    server.exchange(mine)
    server.now += LATER
    assert server.verdict(his) == "theft"


def test_a_copy_that_comes_late_by_seconds_is_refused_but_not_judged() -> None:
    """A proxy's retry or a second tab must not cost a tablet its session."""
    server = Server()
    second = server.exchange(server.first)
    sibling = server.exchange(server.first)
    server.exchange(second)
    server.now += GRACE
    assert server.verdict(server.first) == "late_copy"
    assert server.verdict(sibling) == "late_copy"
    server.now += timedelta(seconds=1)
    assert server.verdict(server.first) == "theft"


def test_a_token_of_another_sign_in_is_ended_not_stolen() -> None:
    server = Server()
    old = server.first
    server.session = opened("s2", 0, issue_refresh(RING, device="d1", session="s2", generation=1), NOW, LIFE)
    assert server.verdict(old) == "ended"
    server.session = None
    assert server.verdict(old) == "ended"


def test_an_unused_session_ends_after_its_lifetime_and_use_renews_it() -> None:
    server = Server()
    server.now += LIFE - timedelta(seconds=1)
    second = server.exchange(server.first)
    server.now += LIFE - timedelta(seconds=1)
    assert server.verdict(second) == "first_use"
    server.now += timedelta(seconds=1)
    assert server.verdict(second) == "ended"
    assert server.verdict(server.first) == "ended"


def test_many_lost_answers_are_bounded_and_the_tablet_still_gets_in() -> None:
    """What is kept does not grow with bad luck; a forgotten answer is ended, nobody is accused."""
    server = Server()
    answers = [server.exchange(server.first) for _ in range(MAX_OFFERED + 4)]
    assert server.session is not None
    assert len(server.session.offered) == MAX_OFFERED
    assert server.verdict(answers[0]) == "ended"
    assert server.verdict(answers[-1]) == "first_use"
    assert server.verdict(server.first) == "lost_answer"


@given(st.lists(st.booleans(), max_size=40), st.lists(st.integers(1, 10_000), min_size=40, max_size=40))
@settings(max_examples=50, deadline=None)
def test_an_honest_tablet_is_never_locked_out(losses: list[bool], waits: list[int]) -> None:
    """Whatever answers are lost and however long it waits in between, its newest token is good."""
    server = Server()
    held = server.first
    for lost, wait in zip(losses, waits, strict=False):
        server.now += timedelta(seconds=wait)
        answer = server.exchange(held)
        if not lost:
            held = answer
    assert server.verdict(held) in ("first_use", "lost_answer")


@given(
    st.integers(0, 6),
    st.lists(st.sampled_from(["owner", "thief"]), min_size=1, max_size=30),
)
@settings(max_examples=80, deadline=None)
def test_two_holders_of_one_session_do_not_both_live_on(before: int, turns: list[str]) -> None:
    """From the copy on, once one of the two has gone on twice, the token of the other is theft."""
    server = Server()
    held = server.first
    for _ in range(before):
        server.now += LATER
        held = server.exchange(held)
    tokens = {"owner": held, "thief": held}
    used = {"owner": 0, "thief": 0}
    for who in turns:
        server.now += LATER
        if server.verdict(tokens[who]) == "theft":
            return
        tokens[who] = server.exchange(tokens[who])
        used[who] += 1
        other = "thief" if who == "owner" else "owner"
        if used[who] >= 2:
            server.now += LATER
            assert server.verdict(tokens[other]) == "theft"
            return
    assert max(used.values()) < 2


@pytest.mark.parametrize("generation", [0, 5, 10**6])
def test_a_generation_that_was_never_given_out_for_this_session_is_harmless(generation: int) -> None:
    """Only a key of ours signs such a token (a restored backup, say): nothing newer than known is let in."""
    server = Server()
    odd = issue_refresh(RING, device="d1", session="s1", generation=generation)
    assert server.verdict(odd) in ("ended", "theft", "late_copy")
