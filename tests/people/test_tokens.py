"""Access and refresh tokens: only ours, only in time, only as signed."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.people.keys import Key, Keyring
from server.people.tokens import TokenError, issue_access, issue_refresh, read_access, read_refresh

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
KEY = Key("_default", b"k" * 32)
OTHER = Key("_default", b"o" * 32)
RING = Keyring((KEY,))
LIFE = timedelta(minutes=15)


def access(ring: Keyring = RING) -> str:
    return issue_access(
        ring, user="wei", roles=("inspector",), device="d1", session="s1", now=NOW, lifetime=LIFE
    )


def forged(
    claims: dict[str, Any], *, key: bytes = KEY.secret, algorithm: str = "HS256", kid: Any = "_default"
) -> str:
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})


def refusal(token: str, ring: Keyring = RING, now: datetime = NOW) -> str:
    with pytest.raises(TokenError) as caught:
        read_access(ring, token, now=now)
    return caught.value.code


GOOD: dict[str, Any] = {
    "sub": "wei",
    "exp": int((NOW + LIFE).timestamp()),
    "device": "d1",
    "sid": "s1",
    "_couchdb.roles": ["inspector"],
}


def test_a_token_says_what_couchdb_and_we_need() -> None:
    """`sub`, `exp`, `iat` and a top-level list `_couchdb.roles`, under a `kid` that CouchDB looks up."""
    token = access()
    claims = jwt.decode(
        token, KEY.secret, algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False}
    )
    assert claims["sub"] == "wei"
    assert claims["_couchdb.roles"] == ["inspector"]
    assert claims["exp"] - claims["iat"] == 900
    assert claims["jti"]
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT", "kid": "_default"}
    read = read_access(RING, token, now=NOW)
    assert (read.user, read.roles, read.device, read.session) == ("wei", ("inspector",), "d1", "s1")


def test_a_token_ends_at_its_second_without_leeway() -> None:
    assert read_access(RING, access(), now=NOW + LIFE - timedelta(seconds=1)).user == "wei"
    assert refusal(access(), now=NOW + LIFE) == "token_expired"


def test_a_bad_signature_is_told_before_the_expiry() -> None:
    """Somebody who forges learns nothing about time."""
    token = forged({**GOOD, "exp": 1}, key=OTHER.secret)
    assert refusal(token) == "token_invalid"


@pytest.mark.parametrize("claim", ["sub", "exp", "device", "sid"])
def test_a_token_without_a_required_claim_is_refused(claim: str) -> None:
    assert refusal(forged({name: value for name, value in GOOD.items() if name != claim})) == "token_invalid"


@pytest.mark.parametrize(
    "change",
    [
        {"exp": "4102444800"},
        {"exp": True},
        {"exp": 4102444800.5},
        {"sub": 7},
        {"sub": ""},
        {"device": None},
        {"sid": ["s1"]},
        {"_couchdb.roles": "inspector"},
        {"_couchdb.roles": [1]},
    ],
)
def test_claims_of_the_wrong_type_are_refused(change: dict[str, Any]) -> None:
    try:
        token = forged({**GOOD, **change})
    except TypeError:  # PyJWT itself refuses to sign a `sub` that is no string
        header, _, _ = forged(GOOD).split(".")
        payload = base64.urlsafe_b64encode(json.dumps({**GOOD, **change}).encode()).rstrip(b"=").decode()
        signature = jwt.get_algorithm_by_name("HS256").sign(f"{header}.{payload}".encode(), KEY.secret)
        token = f"{header}.{payload}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert refusal(token) == "token_invalid"


def test_no_other_algorithm_is_taken_not_even_none() -> None:
    """The algorithm is ours to choose, not the token's."""
    assert refusal(jwt.encode(GOOD, "", algorithm="none", headers={"kid": "_default"})) == "token_invalid"
    longer = Keyring((Key("_default", b"k" * 64),))
    assert refusal(forged(GOOD, key=b"k" * 64, algorithm="HS512"), ring=longer) == "token_invalid"


@pytest.mark.parametrize("kid", ["other", "", "../jwt.key"])
def test_an_unknown_kid_is_refused(kid: str) -> None:
    assert refusal(forged(GOOD, kid=kid)) == "token_invalid"


def test_an_old_key_still_verifies_by_its_kid_and_a_dropped_one_does_not() -> None:
    """Rotation of keys: new tokens under the new name, old ones hold until the old key is dropped."""
    old = access()
    turned = Keyring((Key("k2", b"n" * 32), KEY))
    assert read_access(turned, old, now=NOW).user == "wei"
    assert jwt.get_unverified_header(access(turned))["kid"] == "k2"
    assert refusal(old, ring=Keyring((Key("k2", b"n" * 32),))) == "token_invalid"


@given(st.text(max_size=200))
@settings(max_examples=60, deadline=None)
def test_noise_is_refused_and_never_an_error(noise: str) -> None:
    assert refusal(noise) == "token_invalid"
    with pytest.raises(TokenError):
        read_refresh(RING, noise)


@given(st.integers(min_value=0, max_value=400), st.characters(codec="ascii"))
@settings(max_examples=60, deadline=None)
def test_a_refresh_token_changed_in_any_place_is_not_ours(place: int, char: str) -> None:
    """Nobody can make up a token that looks stolen, so nobody can get a device revoked that way."""
    text = issue_refresh(RING, device="d1", session="s1", generation=3).text
    place %= len(text)
    changed = text[:place] + char + text[place + 1 :]
    if changed != text:
        with pytest.raises(TokenError):
            read_refresh(RING, changed)


def test_a_refresh_token_is_recognised_and_never_the_same_twice() -> None:
    first = issue_refresh(RING, device="d1", session="s1", generation=3)
    second = issue_refresh(RING, device="d1", session="s1", generation=3)
    assert read_refresh(RING, first.text) == first
    assert first.text != second.text
    assert first.digest != second.digest


def test_no_token_shows_in_a_repr() -> None:
    """What is printed ends up in logs."""
    token = issue_refresh(RING, device="d1", session="s1", generation=1)
    assert token.text not in repr(token)
    assert repr(KEY.secret) not in repr(RING)


def test_an_access_token_cannot_be_signed_with_the_refresh_key() -> None:
    """Each purpose has a key of its own."""
    assert KEY.derived("a") != KEY.derived("b") != KEY.secret
