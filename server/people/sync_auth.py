"""Who speaks on `/sync`, in CouchDB's words: a bearer of our token, or the server admin if there is one."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

from werkzeug.wrappers import Request

from server.people.service import People
from server.problems import Problem
from server.settings import Settings
from sync.store import NOBODY, Unauthorized, UserCtx

#: CouchDB 3.5's reasons where it has one; ours where it cannot know (it does not read the registry).
REASONS = {
    "token_expired": "exp not in future",
    "token_invalid": "Bad token",
    "device_revoked": "Device revoked",
    "user_disabled": "Account disabled",
}
WRONG_PASSWORD = "Name or password is incorrect."  # noqa: S105  CouchDB's sentence, not a password


def sync_authenticator(people: People, settings: Settings) -> Callable[[Request], UserCtx]:
    """A function from a request to its UserCtx, for the replication endpoint.

    No `Authorization` header, or one of a scheme that is not spoken here: nobody, as in CouchDB; the
    database's `_security` then refuses. A token or password that does not hold raises Unauthorized, so a
    token gone stale never turns into an anonymous read. Only the
    server admin over HTTP Basic (`HEZHA_SYNC_ADMIN`) gets `_admin`; Hezha's role `admin` does not.
    """

    def authenticate(request: Request) -> UserCtx:
        header = request.headers.get("Authorization", "").strip()
        scheme = header.partition(" ")[0].lower()
        if scheme == "basic":
            return basic(request)
        if scheme != "bearer":
            return NOBODY
        try:
            identity = people.authenticate(header)
        except Problem as problem:
            raise Unauthorized(REASONS.get(problem.code, "Bad token")) from None
        return UserCtx(identity.name, identity.roles)

    admin = UserCtx(settings.sync_admin.partition(":")[0], ("_admin",))
    right = "Basic " + base64.b64encode(settings.sync_admin.encode()).decode()

    def basic(request: Request) -> UserCtx:
        if settings.sync_admin and _equal(request.headers["Authorization"], right):
            return admin
        given = request.authorization
        name, password = (given.username, given.password) if given is not None else (None, None)
        if not is_sync_admin(settings.sync_admin, name or "", password or ""):
            raise Unauthorized(WRONG_PASSWORD)
        return UserCtx(name, ("_admin",))

    return authenticate


def is_sync_admin(sync_admin: str, name: str, password: str) -> bool:
    """Whether these are the name and password of the setting, which is empty if there is no such admin."""
    admin_name, _, admin_password = sync_admin.partition(":")
    # Both are always compared, so that time tells nothing about which was wrong.
    right_name, right_password = _equal(name, admin_name), _equal(password, admin_password)
    return bool(sync_admin) and right_name and right_password


def _equal(given: str, wanted: str) -> bool:
    """Compare in a time that depends on neither, not even on their lengths."""
    return hmac.compare_digest(
        hashlib.sha256(given.encode("utf-8", "surrogatepass")).digest(),
        hashlib.sha256(wanted.encode("utf-8", "surrogatepass")).digest(),
    )
