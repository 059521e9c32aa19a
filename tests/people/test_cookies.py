"""Cookies on /sync: they hold as long as what they stand for, and no longer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from server.people.cookies import SyncSessions
from server.people.service import People
from server.settings import Settings
from sync.store import Forbidden, Unauthorized, UserCtx

if TYPE_CHECKING:
    from tests.people.conftest import FrozenClock

ADMIN = UserCtx("couch", ("_admin",))
WEI = UserCtx("wei", ("inspector",))


@pytest.fixture
def sessions(people: People, settings: Settings, clock: FrozenClock) -> SyncSessions:
    return SyncSessions(people, settings, clock)


def asking(address: str = "10.0.0.1") -> Request:
    builder = EnvironBuilder(path="/sync/_session", environ_base={"REMOTE_ADDR": address})
    return Request(builder.get_environ())


def sign_in(sessions: SyncSessions, name: str = "wei", password: str = "wei-password") -> str:
    return sessions.open(name, password, asking())[1]


def whose(sessions: SyncSessions, cookie: str) -> UserCtx | None:
    found = sessions.user(cookie)
    return None if found is None else found[0]


@pytest.mark.parametrize(
    ("name", "password", "user"), [("wei", "wei-password", WEI), ("couch", "long enough", ADMIN)]
)
def test_a_cookie_stands_for_who_signed_in(
    sessions: SyncSessions, name: str, password: str, user: UserCtx
) -> None:
    opened, cookie = sessions.open(name, password, asking())
    assert opened == user
    assert sessions.user(cookie) == (user, None)


@pytest.mark.parametrize(("name", "password"), [("wei", "wei-password"), ("couch", "long enough")])
def test_it_ends_with_its_time_unless_it_is_used(
    sessions: SyncSessions, clock: FrozenClock, name: str, password: str
) -> None:
    cookie = sign_in(sessions, name, password)
    clock.advance(seconds=sessions.seconds / 10 - 1)
    found = sessions.user(cookie)
    assert found is not None
    assert found[1] is None, "a fresh cookie is not given anew each time"
    for _ in range(5):
        clock.advance(seconds=sessions.seconds * 0.9)
        found = sessions.user(cookie)
        assert found is not None
        assert found[1] not in {None, cookie}
        cookie = found[1] or ""
    clock.advance(seconds=sessions.seconds)
    assert sessions.user(cookie) is None


@pytest.mark.parametrize(
    ("name", "password"),
    [("wei", "guess"), ("couch", "guess"), ("nobody", "guess"), ("", ""), ("wei", ""), ("Wei\x00", "x")],
)
def test_a_wrong_password_is_answered_in_couchdbs_words(
    sessions: SyncSessions, name: str, password: str
) -> None:
    with pytest.raises(Unauthorized, match=r"Name or password is incorrect\."):
        sessions.open(name, password, asking())


@pytest.mark.parametrize(("name", "password"), [("wei", "wei-password"), ("couch", "long enough")])
def test_guesses_are_counted_as_at_every_other_door(
    sessions: SyncSessions, settings: Settings, name: str, password: str
) -> None:
    for _ in range(settings.login_failures_per_user_address):
        with pytest.raises(Unauthorized):
            sessions.open(name, "guess", asking())
    with pytest.raises(Forbidden, match="temporarily locked"):
        sessions.open(name, password, asking())
    assert sessions.open(name, password, asking("10.9.9.9"))


def test_the_server_admins_cookie_ends_with_the_password(
    sessions: SyncSessions, people: People, settings: Settings, clock: FrozenClock
) -> None:
    cookie = sign_in(sessions, "couch", "long enough")
    for changed in ("couch:another one", "other:long enough", ""):
        assert SyncSessions(people, replace(settings, sync_admin=changed), clock).user(cookie) is None
    assert whose(sessions, cookie) == ADMIN


def test_nobody_makes_up_a_cookie(sessions: SyncSessions) -> None:
    cookie = sign_in(sessions, "couch", "long enough")
    head, issued, mac = cookie.split(".")
    later = f"{int(issued, 16) + 60:x}"
    for wrong in (
        "",
        "x",
        f"{head}.{later}.{mac}",
        f"{head}.{issued}.{'0' * 64}",
        "Y291Y2g6NjU6YWJj",
        cookie + "0",
    ):
        assert sessions.user(wrong) is None


def test_what_ends_a_persons_session_ends_the_cookie(sessions: SyncSessions, people: People) -> None:
    ends = (
        lambda: people.set_password("wei", "wei-password"),
        lambda: people.revoke_device(people.devices("wei")[0].id, by="root"),
        lambda: people.disable("wei"),
    )
    for end in ends:
        cookie = sign_in(sessions)
        assert whose(sessions, cookie) == WEI
        end()
        assert sessions.user(cookie) is None


def test_signing_out_ends_a_persons_cookie_everywhere(sessions: SyncSessions) -> None:
    cookie, other = sign_in(sessions), sign_in(sessions)
    sessions.close(cookie)
    sessions.close("nonsense")
    assert sessions.user(cookie) is None
    assert whose(sessions, other) == WEI


def test_a_session_cannot_be_renewed_for_ever(
    sessions: SyncSessions, settings: Settings, clock: FrozenClock
) -> None:
    cookie = sign_in(sessions)
    used = 0.0
    while used < settings.refresh_token_seconds - sessions.seconds:
        step = min(sessions.seconds * 0.9, 500.0)
        clock.advance(seconds=step)
        used += step
        found = sessions.user(cookie)
        assert found is not None
        cookie = found[1] or cookie
    clock.advance(seconds=sessions.seconds)
    assert sessions.user(cookie) is None


def test_without_a_server_admin_that_name_is_nobodys(
    people: People, settings: Settings, clock: FrozenClock
) -> None:
    sessions = SyncSessions(people, replace(settings, sync_admin=""), clock)
    for name in ("couch", ""):
        with pytest.raises(Unauthorized):
            sessions.open(name, "", asking())
