"""Who speaks on /sync: our tokens, the server admin, and CouchDB's sentences for everybody else."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from server.people.service import People
from server.people.sync_auth import sync_authenticator
from server.settings import Settings
from sync.store import NOBODY, Unauthorized, UserCtx

if TYPE_CHECKING:
    from tests.people.conftest import FrozenClock

Authenticate = Callable[[str | None], UserCtx]


@pytest.fixture
def authenticate(people: People, settings: Settings) -> Authenticate:
    return by_header(people, settings)


def by_header(people: People, settings: Settings) -> Authenticate:
    of = sync_authenticator(people, settings)

    def call(header: str | None) -> UserCtx:
        headers = [] if header is None else [("Authorization", header)]
        return of(Request(EnvironBuilder(path="/sync/t-inbox-wei", headers=headers).get_environ()))

    return call


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def reason(call: Authenticate, header: str) -> str:
    with pytest.raises(Unauthorized) as caught:
        call(header)
    assert (caught.value.status, caught.value.error) == (401, "unauthorized")
    return caught.value.reason


def token(people: People, name: str = "wei") -> str:
    return f"Bearer {people.login(name, f'{name}-password').access_token}"


def test_a_bearer_is_its_user_with_hezhas_roles(people: People, authenticate: Authenticate) -> None:
    assert authenticate(token(people)) == UserCtx("wei", ("inspector",))


def test_an_administrator_of_hezha_is_no_admin_of_couchdb(people: People, authenticate: Authenticate) -> None:
    context = authenticate(token(people, "root"))
    assert context == UserCtx("root", ("admin",))
    assert not context.is_admin


def test_no_header_is_nobody_as_in_couchdb(authenticate: Authenticate) -> None:
    assert authenticate(None) == NOBODY
    assert authenticate("  ") == NOBODY


def test_the_server_admin_exists_only_where_the_setting_names_one(
    people: People, settings: Settings, authenticate: Authenticate
) -> None:
    assert authenticate(basic("couch", "long enough")) == UserCtx("couch", ("_admin",))
    without = by_header(people, replace(settings, sync_admin=""))
    for header in (basic("couch", "long enough"), basic("", ""), basic("wei", "wei-password")):
        assert reason(without, header) == "Name or password is incorrect."


@pytest.mark.parametrize(
    "header",
    [
        basic("couch", "wrong"),
        basic("wrong", "long enough"),
        basic("wei", "wei-password"),
        basic("", ""),
        basic("couch", ""),
        "Basic",
        "Basic !!!",
        "basic " + base64.b64encode(b"couch").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
    ],
)
def test_any_other_basic_sign_in_is_refused_in_couchdbs_words(
    authenticate: Authenticate, header: str
) -> None:
    assert reason(authenticate, header) == "Name or password is incorrect."


def test_an_expired_token_is_refused_as_couchdb_does(
    people: People, authenticate: Authenticate, clock: FrozenClock
) -> None:
    header = token(people)
    clock.advance(seconds=900)
    assert reason(authenticate, header) == "exp not in future"


@pytest.mark.parametrize("header", ["Digest abc", "Basic: abc", "Cookie", "é"])
def test_a_scheme_that_is_not_spoken_is_nobody_as_in_couchdb(authenticate: Authenticate, header: str) -> None:
    """Tools that misspell it still learn what server this is, and read no database."""
    assert authenticate(header) == NOBODY


@pytest.mark.parametrize("header", ["Bearer", "Bearer x.y.z", "bearer x.y.z", "Bearer é"])
def test_a_header_that_does_not_hold_is_never_taken_for_nobody(
    authenticate: Authenticate, header: str
) -> None:
    reason(authenticate, header)


def test_revocation_and_disabling_hold_at_the_next_request(
    people: People, authenticate: Authenticate
) -> None:
    signed_in = people.login("wei", "wei-password")
    header = f"Bearer {signed_in.access_token}"
    assert authenticate(header).name == "wei"
    people.disable("wei")
    assert reason(authenticate, header) == "Account disabled"
    people.enable("wei")
    people.revoke_device(signed_in.device.id, by="root")
    assert reason(authenticate, header) == "Device revoked"
