"""Sessions on `/sync` that a cookie carries, for clients of CouchDB that know no other way to sign in.

A person's cookie is an access token of the browser's session that the sign-in opens, so that whatever ends
that (a new password, a revoked device, a disabled account) ends the cookie at the next request. The server
admin of `HEZHA_SYNC_ADMIN` is no user; that cookie says when it was given, under a key that only this purpose
has and with the admin's password in it, so that another password ends it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import datetime, timedelta

from werkzeug.wrappers import Request

from server.people.keys import Key, load_keyring
from server.people.service import People
from server.people.sync_auth import REASONS, WRONG_PASSWORD, is_sync_admin
from server.problems import Problem
from server.settings import Settings
from sync.store import Forbidden, Unauthorized, UserCtx

_PURPOSE = "hezha sync admin cookie 1"
_ADMIN = re.compile(r"ha1\.([0-9a-f]{1,12})\.([0-9a-f]{64})")
#: As in CouchDB, a cookie is renewed when it has used up a tenth of its life.
_RENEWED_BELOW = 0.9
#: CouchDB's sentence.
_LOCKED = "Account is temporarily locked due to multiple authentication failures"


class SyncSessions:
    """What the replication endpoint wants to know of cookies (`sync.embedded.http.CookieSessions`)."""

    def __init__(self, people: People, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._people = people
        self._settings = settings
        self._clock = clock
        self._keyring = load_keyring(settings)
        self._life = timedelta(seconds=settings.sync_session_seconds)

    @property
    def seconds(self) -> int:
        return self._settings.sync_session_seconds

    def open(self, name: str, password: str, request: Request) -> tuple[UserCtx, str]:
        """Sign in, as the server admin or as a user. Raises Unauthorized, Forbidden (too many failures)."""
        address = request.remote_addr or ""
        admin = self._settings.sync_admin.partition(":")[0]
        try:
            if admin and name == admin:
                self._people.guard(
                    name, address, lambda: is_sync_admin(self._settings.sync_admin, name, password)
                )
                return self._admin(), self._admin_cookie(self._clock())
            signed_in = self._people.login(name, password, address=address, agent=request.user_agent.string)
            identity = self._people.authenticate(f"Bearer {signed_in.access_token}")
            cookie = self._people.access_for(identity, self._life)
        except Problem as problem:
            if problem.status == 429:
                raise Forbidden(_LOCKED) from None
            raise Unauthorized(REASONS.get(problem.code, WRONG_PASSWORD)) from None
        return UserCtx(identity.name, identity.roles), cookie

    def user(self, cookie: str) -> tuple[UserCtx, str | None] | None:
        """Whom the cookie stands for now, and another if it is time. None if it does not hold."""
        now = self._clock()
        if (issued := self._issued_to_admin(cookie)) is not None:
            age = now.timestamp() - issued
            if abs(age) >= self.seconds:
                return None
            old = self.seconds - age < _RENEWED_BELOW * self.seconds
            return self._admin(), self._admin_cookie(now) if old else None
        try:
            identity, left = self._people.authenticate_until(f"Bearer {cookie}")
            old = left < _RENEWED_BELOW * self._life
            fresh = self._people.access_for(identity, self._life) if old else None
        except Problem:
            return None
        return UserCtx(identity.name, identity.roles), fresh

    def close(self, cookie: str) -> None:
        """End a person's session. The admin's cookie is only taken from the client: nothing here knows it."""
        if _ADMIN.fullmatch(cookie):
            return
        try:
            self._people.logout(self._people.authenticate(f"Bearer {cookie}"))
        except Problem:
            return

    def _admin(self) -> UserCtx:
        return UserCtx(self._settings.sync_admin.partition(":")[0], ("_admin",))

    def _admin_cookie(self, now: datetime) -> str:
        issued = f"{int(now.timestamp()):x}"
        return f"ha1.{issued}.{self._mac(self._keyring.signing, issued)}"

    def _issued_to_admin(self, cookie: str) -> int | None:
        """When the server admin was given this cookie (POSIX seconds); None if nobody was."""
        match = _ADMIN.fullmatch(cookie)
        if match is None or not self._settings.sync_admin:
            return None
        known = any(hmac.compare_digest(self._mac(key, match[1]), match[2]) for key in self._keyring.keys)
        return int(match[1], 16) if known else None

    def _mac(self, key: Key, issued: str) -> str:
        text = f"{issued}:{self._settings.sync_admin}".encode()
        return hmac.new(key.derived(_PURPOSE), text, hashlib.sha256).hexdigest()
