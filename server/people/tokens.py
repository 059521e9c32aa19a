"""Tokens: what they say, how they are signed, and when they are refused. No clock, no storage.

An *access token* is a JWT (RFC 7519) that CouchDB understands too: `sub` is the user, `_couchdb.roles`
the roles, `exp` is required. `device` and `sid` name the device and the session it was given to.

A *refresh token* is opaque to its holder: `hr1.<device>.<session>.<generation>.<nonce>.<mac>`. The MAC proves
that we issued it, so that a token we no longer know is evidence and not noise: nobody can have a device
revoked by making tokens up.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from server.people.keys import Key, Keyring

ALGORITHM = "HS256"
ROLES_CLAIM = "_couchdb.roles"
#: Nobody needs a longer one; it is cut off before anything parses it.
MAX_TOKEN_LENGTH = 8192
_REFRESH_PREFIX = "hr1"
_REFRESH_PURPOSE = "hezha refresh token 1"
_REQUIRED = ("sub", "exp", "device", "sid")
#: `exp` is checked here against the time handed in, after the signature; PyJWT would read the clock itself.
_DECODE_OPTIONS: Any = {
    "require": list(_REQUIRED),
    "verify_signature": True,
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


class TokenError(Exception):
    """A token that is refused; `code` is `token_expired` or `token_invalid`."""

    def __init__(self, code: Literal["token_expired", "token_invalid"]) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class AccessClaims:
    """What a valid access token says."""

    user: str
    roles: tuple[str, ...]
    device: str
    session: str
    expires_at: datetime


@dataclass(frozen=True)
class RefreshToken:
    """A refresh token that we issued: whether it is still good, the session decides."""

    device: str
    session: str
    generation: int
    text: str = field(repr=False)

    @property
    def digest(self) -> str:
        """What is stored instead of the token: SHA-256 of its text, in hex."""
        return hashlib.sha256(self.text.encode("ascii")).hexdigest()


def issue_access(
    keyring: Keyring,
    *,
    user: str,
    roles: tuple[str, ...],
    device: str,
    session: str,
    now: datetime,
    lifetime: timedelta,
) -> str:
    """Sign an access token that holds until `now + lifetime`, whole seconds, rounded down."""
    import jwt  # noqa: PLC0415  with what it finds installed, megabytes that most processes spare

    claims = {
        "sub": user,
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
        "jti": secrets.token_urlsafe(16),
        ROLES_CLAIM: list(roles),
        "device": device,
        "sid": session,
    }
    key = keyring.signing
    return jwt.encode(claims, key.secret, algorithm=ALGORITHM, headers={"kid": key.kid})


def issue_for_store(
    keyring: Keyring, *, user: str, roles: tuple[str, ...], now: datetime, lifetime: timedelta
) -> str:
    """Sign a token with which this server itself writes to CouchDB for a user, held to the write rules.

    It names no device and no session, so Hezha's own doors refuse it.
    """
    import jwt  # noqa: PLC0415  with what it finds installed, megabytes that most processes spare

    claims = {
        "sub": user,
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
        ROLES_CLAIM: list(roles),
    }
    key = keyring.signing
    return jwt.encode(claims, key.secret, algorithm=ALGORITHM, headers={"kid": key.kid})


def read_access(keyring: Keyring, token: str, *, now: datetime) -> AccessClaims:
    """Verify signature and claims with no leeway. Raises TokenError.

    A token without `exp`, with another algorithm than ours, or with an unknown `kid` is invalid.
    """
    import jwt  # noqa: PLC0415

    if len(token) > MAX_TOKEN_LENGTH:
        raise TokenError("token_invalid")
    try:
        kid = jwt.get_unverified_header(token).get("kid", "")
        key = keyring.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise TokenError("token_invalid")
        payload = jwt.decode(token, key.secret, algorithms=[ALGORITHM], options=_DECODE_OPTIONS)
    except jwt.PyJWTError:
        raise TokenError("token_invalid") from None
    return _claims(payload, now)


def _claims(payload: dict[str, Any], now: datetime) -> AccessClaims:
    expires, roles = payload["exp"], payload.get(ROLES_CLAIM, [])
    texts = (payload["sub"], payload["device"], payload["sid"])
    if type(expires) is not int or not all(isinstance(text, str) and text for text in texts):
        raise TokenError("token_invalid")
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise TokenError("token_invalid")
    if now.timestamp() >= expires:
        raise TokenError("token_expired")
    user, device, session = texts
    return AccessClaims(user, tuple(roles), device, session, datetime.fromtimestamp(expires, now.tzinfo))


def issue_refresh(keyring: Keyring, *, device: str, session: str, generation: int) -> RefreshToken:
    """A new refresh token; two calls never give the same."""
    body = ".".join((_REFRESH_PREFIX, device, session, str(generation), secrets.token_urlsafe(24)))
    return RefreshToken(device, session, generation, f"{body}.{_mac(keyring.signing, body)}")


def read_refresh(keyring: Keyring, text: str) -> RefreshToken:
    """Recognise a token that a key of the ring signed. Raises TokenError `token_invalid` for any other."""
    body, _, mac = text.rpartition(".")
    parts = body.split(".")
    if len(text) > MAX_TOKEN_LENGTH or not text.isascii() or len(parts) != 5 or parts[0] != _REFRESH_PREFIX:
        raise TokenError("token_invalid")
    if not any(hmac.compare_digest(_mac(key, body), mac) for key in keyring.keys):
        raise TokenError("token_invalid")
    return RefreshToken(device=parts[1], session=parts[2], generation=int(parts[3]), text=text)


def _mac(key: Key, body: str) -> str:
    digest = hmac.new(key.derived(_REFRESH_PURPOSE), body.encode("ascii"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
