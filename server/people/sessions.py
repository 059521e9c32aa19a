"""Signing in and staying signed in: the shell around passwords, tokens, rotation and the throttle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from server.names import new_id
from server.people import rotation
from server.people.keys import Keyring
from server.people.model import Device, Identity, Order, User, as_user_name, is_user_name
from server.people.passwords import Passwords
from server.people.recent import Recent, Standing
from server.people.registry import Registry
from server.people.throttle import Throttle
from server.people.tokens import (
    AccessClaims,
    RefreshToken,
    TokenError,
    issue_access,
    issue_refresh,
    read_access,
    read_refresh,
)
from server.problems import Problem
from server.settings import Settings
from sync.store import NotFound

log = structlog.get_logger()

#: Browsers that one person may be signed in on; the one seen longest ago gives way to the next.
MAX_BROWSERS = 20
#: Device names are shown in lists; what a browser says of itself is cut to this.
MAX_DEVICE_NAME = 120


@dataclass(frozen=True)
class DeviceClaim:
    """What a tablet says of itself at sign-in. `id`: the one it was enrolled under, or one of its own."""

    name: str
    id: str | None = None


@dataclass(frozen=True)
class SignedIn:
    """The answer to a sign-in or refresh. `expires_in` is the access token's life in seconds."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    user: User
    device: Device


def unauthorized(code: str, *, order: Order | None = None) -> Problem:
    """A 401; `order` tells a revoked device what to do with what it holds."""
    extra = {"order": order} if order else {}
    return Problem(401, code, headers={"WWW-Authenticate": 'Bearer realm="hezha"'}, extra=extra)


class Sessions:
    """Opens, renews, checks and ends sessions. `tell` puts a device's order into its user's inbox."""

    def __init__(
        self,
        *,
        registry: Registry,
        passwords: Passwords,
        throttle: Throttle,
        keyring: Keyring,
        settings: Settings,
        clock: Callable[[], datetime],
        tell: Callable[[Device], None],
        remembered: int = 2000,
    ) -> None:
        """`remembered` is how many verified access tokens are kept, at about a kilobyte each."""
        self._registry = registry
        self._passwords = passwords
        self._throttle = throttle
        self._keyring = keyring
        self._clock = clock
        self._tell = tell
        self._recent = Recent(remembered)
        self._access_life = timedelta(seconds=settings.access_token_seconds)
        self._refresh_life = timedelta(seconds=settings.refresh_token_seconds)
        self._grace = timedelta(seconds=settings.refresh_grace_seconds)

    def login(
        self, username: str, password: str, claim: DeviceClaim | None, address: str, agent: str
    ) -> SignedIn:
        """Open a session. Raises Problem 401 (bad_credentials, user_disabled, device_revoked), 409, 429."""
        user = self.verified(username, password, address)
        if user.disabled:
            raise unauthorized("user_disabled")
        if self._passwords.outdated(user.password_hash):
            self._rehash(user, password)
        device = self._browser(user, agent) if claim is None else self._tablet(user, claim)
        signed_in = self._open(user, device)
        log.info("signed_in", user=user.name, device=device.id, kind=device.kind)
        return signed_in

    def verified(self, username: str, password: str, address: str) -> User:
        """The user whose password this is. Raises Problem 401 bad_credentials, 429 rate_limited.

        One answer, after the same work, whether the name or the password is wrong.
        """
        name = as_user_name(username)
        attempt = self._throttle.admit(name, address)
        user = self._registry.user(name) if is_user_name(name) else None
        if not self._passwords.matches(user.password_hash if user else None, password) or user is None:
            log.info("sign_in_refused", address=address)
            raise unauthorized("bad_credentials")
        self._throttle.forgive(attempt)
        return user

    def refresh(self, text: str, device_id: str | None) -> SignedIn:
        """Exchange a refresh token. Raises Problem 401; a stolen token's device is revoked."""
        token = self._read_refresh(text)
        device = self._registry.device(token.device)
        if device is None or device_id not in (None, device.id):
            raise unauthorized("token_invalid")
        if device.revoked:
            raise unauthorized("device_revoked", order=device.order)
        user = self._registry.user(device.user)
        if user is None:
            raise unauthorized("token_invalid")
        if user.disabled:
            raise unauthorized("user_disabled")
        return self._rotate(user, token)

    def logout(self, identity: Identity) -> None:
        """End the session; its access token is refused from now on."""
        self._change(identity.device, lambda device: replace(device, session=None))

    def authenticate(self, header: str | None) -> Identity:
        """Who an `Authorization` header speaks for, as the registry stands now. Raises Problem 401."""
        return self.authenticate_until(header)[0]

    def authenticate_until(self, header: str | None) -> tuple[Identity, timedelta]:
        """The same, and how long the token holds. Raises Problem 401."""
        scheme, _, token = (header or "").strip().partition(" ")
        if not token.strip() or scheme.lower() != "bearer":
            raise unauthorized("token_missing")
        token, now = token.strip(), self._clock()
        known = self._recent.get(token)
        try:
            claims = read_access(self._keyring, token, now=now) if known is None else known.claims
        except TokenError as error:
            raise unauthorized(error.code) from None
        if now >= claims.expires_at:
            raise unauthorized("token_expired")
        moment = self._registry.moment()  # before anybody is read: who changes meanwhile is read again
        if known is None or moment is None or known.moment != moment:
            known = Standing(claims, self._identity(claims), moment)
            self._recent.keep(token, known)
        return known.identity, claims.expires_at - now

    def _identity(self, claims: AccessClaims) -> Identity:
        """Whom a token speaks for, as the registry stands now. Raises Problem 401."""
        user = self._registry.user(claims.user)
        device = self._registry.device(claims.device)
        if user is None or device is None or device.user != user.name:
            raise unauthorized("token_invalid")
        if device.revoked:
            raise unauthorized("device_revoked", order=device.order)
        if user.disabled:
            raise unauthorized("user_disabled")
        session = device.session
        if session is None or session.id != claims.session or session.epoch != user.session_epoch:
            raise unauthorized("token_invalid")
        return Identity(user.name, user.roles, device.id, user.organisation, user.display_name)

    def access_for(self, identity: Identity, lifetime: timedelta) -> str:
        """An access token for the session that is open on a device. Raises Problem 401 when it is over."""
        device, now = self._registry.device(identity.device), self._clock()
        if device is None or device.session is None or not device.signed_in(now):
            raise unauthorized("token_invalid")
        return issue_access(
            self._keyring,
            user=identity.name,
            roles=identity.roles,
            device=device.id,
            session=device.session.id,
            now=now,
            lifetime=lifetime,
        )

    def guard(self, name: str, address: str, check: Callable[[], bool]) -> None:
        """Count `check` as a sign-in of `name`. Raises Problem 401 bad_credentials, 429 rate_limited."""
        attempt = self._throttle.admit(name, address)
        if not check():
            log.info("sign_in_refused", address=address)
            raise unauthorized("bad_credentials")
        self._throttle.forgive(attempt)

    def reopen(self, user: User, device_id: str) -> SignedIn:
        """A new session on a device in place of the present one (after a change of password)."""
        device = self._registry.device(device_id)
        if device is None:
            raise unauthorized("token_invalid")
        return self._open(user, device)

    def _change(self, device_id: str, change: Callable[[Device], Device]) -> Device:
        try:
            return self._registry.change_device(device_id, change)
        except NotFound:  # a browser forgotten meanwhile
            raise unauthorized("token_invalid") from None

    def _read_refresh(self, text: str) -> RefreshToken:
        try:
            return read_refresh(self._keyring, text)
        except TokenError as error:
            raise unauthorized(error.code) from None

    def _rehash(self, user: User, password: str) -> None:
        """Keep the password at today's cost. A new password set meanwhile stands, and so does its epoch."""
        fresh = self._passwords.renewed(password)
        old = user.password_hash
        self._registry.change_user(
            user.name, lambda u: replace(u, password_hash=fresh) if u.password_hash == old else u
        )

    def _tablet(self, user: User, claim: DeviceClaim) -> Device:
        """The enrolled device of that id, else a new one. Raises Problem 401 device_revoked, 409."""
        now = self._clock()
        known = self._registry.device(claim.id) if claim.id else None
        if known is None:
            device = Device(
                id=claim.id or new_id(),
                user=user.name,
                name=claim.name[:MAX_DEVICE_NAME],
                kind="tablet",
                enrolled_at=now,
                last_seen_at=now,
            )
            self._list_device(user, device.id)
            if self._registry.insert_device(device):
                return device
            known = self._registry.device(device.id)
        if known is None or known.user != user.name:
            raise Problem(409, "device_taken")
        if known.revoked:
            raise unauthorized("device_revoked", order=known.order)
        self._list_device(user, known.id)
        return self._registry.change_device(
            known.id, lambda device: replace(device, name=claim.name[:MAX_DEVICE_NAME])
        )

    def _browser(self, user: User, agent: str) -> Device:
        """A device for one sign-in of a browser. Browsers nobody is signed in on any more are forgotten."""
        now = self._clock()
        browsers = [d for d in self._registry.devices(user.devices) if d.kind == "browser"]
        live = sorted((d for d in browsers if d.signed_in(now)), key=lambda d: d.last_seen_at, reverse=True)
        kept = {d.id for d in live[: MAX_BROWSERS - 1]}
        gone = [d.id for d in browsers if d.id not in kept]
        device = Device(
            id=new_id(),
            user=user.name,
            name=agent[:MAX_DEVICE_NAME],
            kind="browser",
            enrolled_at=now,
            last_seen_at=now,
        )
        self._list_device(user, device.id, without=gone)
        for device_id in gone:
            self._registry.remove_device(device_id)
        if not self._registry.insert_device(device):
            raise Problem(503, "unavailable")
        return device

    def _list_device(self, user: User, device_id: str, without: list[str] | None = None) -> None:
        """Name the device in the user's document, before it exists: so no device is ever unlisted."""
        dropped = {device_id, *(without or ())}

        def listed(present: User) -> User:
            if device_id in present.devices:
                return present
            return replace(present, devices=(*(d for d in present.devices if d not in dropped), device_id))

        self._registry.change_user(user.name, listed)

    def _open(self, user: User, device: Device) -> SignedIn:
        now = self._clock()
        session_id = new_id()
        token = issue_refresh(self._keyring, device=device.id, session=session_id, generation=1)
        session = rotation.opened(session_id, user.session_epoch, token, now, self._refresh_life)

        def opened(present: Device) -> Device:
            if present.revoked:
                raise unauthorized("device_revoked", order=present.order)
            return replace(present, session=session, last_seen_at=now)

        return self._answer(user, self._change(device.id, opened), token)

    def _rotate(self, user: User, token: RefreshToken) -> SignedIn:
        now = self._clock()
        verdict: rotation.Verdict = "ended"
        successor = token

        def turned(present: Device) -> Device:
            nonlocal verdict, successor
            if present.revoked:
                raise unauthorized("device_revoked", order=present.order)
            session = present.session
            verdict = rotation.judge(session, token, now=now, grace=self._grace)
            if session is None or verdict == "ended" or session.epoch != user.session_epoch:
                raise unauthorized("token_invalid")
            if verdict == "late_copy":
                raise unauthorized("token_rotated")
            if verdict == "theft":
                return revoked(present, now, by=None, reason="refresh_token_reused", order="sign_in")
            successor = issue_refresh(
                self._keyring,
                device=present.id,
                session=session.id,
                generation=rotation.next_generation(session, verdict),
            )
            moved = rotation.rotated(session, token, successor, now=now, lifetime=self._refresh_life)
            return replace(present, session=moved, last_seen_at=now)

        device = self._change(token.device, turned)
        if device.revoked:
            log.warning("refresh_token_reused", user=user.name, device=device.id)
            self._tell(device)
            raise unauthorized("device_revoked", order=device.order)
        return self._answer(user, device, successor)

    def _answer(self, user: User, device: Device, token: RefreshToken) -> SignedIn:
        access = issue_access(
            self._keyring,
            user=user.name,
            roles=user.roles,
            device=device.id,
            session=token.session,
            now=self._clock(),
            lifetime=self._access_life,
        )
        return SignedIn(access, token.text, int(self._access_life.total_seconds()), user, device)


def revoked(device: Device, now: datetime, *, by: str | None, reason: str, order: Order) -> Device:
    """The device, revoked. `by` None: by Hezha itself."""
    return replace(device, session=None, revoked_at=now, revoked_by=by, revoked_reason=reason, order=order)
