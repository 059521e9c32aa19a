"""People: what the rest of the server asks about users, devices and who is speaking."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from server.names import Names
from server.people.device_keys import DeviceKeys
from server.people.keys import load_keyring
from server.people.model import (
    ROLES,
    SCHEMA,
    Device,
    Identity,
    Order,
    User,
    as_user_name,
    is_device_id,
    is_user_name,
)
from server.people.passwords import Passwords
from server.people.registry import Registry
from server.people.sessions import DeviceClaim, Sessions, SignedIn, revoked
from server.people.throttle import Throttle
from server.problems import Problem
from server.settings import Settings
from sync.conflicts import find_settled, keep_winner
from sync.store import Conflict, DatabaseExists, DocumentStore, NotFound, Security

log = structlog.get_logger()

#: How often an order is written again into an inbox that somebody else writes too.
_INBOX_TRIES = 16


@dataclass(frozen=True, kw_only=True)
class UserChange:
    """What to change of a user; None leaves as it is. A password ends every session of the user."""

    display_name: str | None = None
    roles: tuple[str, ...] | None = None
    organisation: str | None = None
    disabled: bool | None = None
    password: str | None = field(default=None, repr=False)
    specialties: tuple[str, ...] | None = None


class People:
    """Users, devices, sign-in. Every refusal is a Problem; `by` names who asked, for the log."""

    def __init__(self, store: DocumentStore, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._names = Names(settings)
        self._registry = Registry(store, self._names.registry)
        self._registry.ensure()
        self._passwords = Passwords(settings.argon2, settings.password_min_length)
        #: What tablets sign forms with.
        self.device_keys = DeviceKeys(self._registry, clock)
        #: What signs tokens, and links.
        self.keyring = load_keyring(settings)
        self._throttle = Throttle(store, self._names.registry, settings, clock)
        self._sessions = Sessions(
            registry=self._registry,
            passwords=self._passwords,
            throttle=self._throttle,
            keyring=self.keyring,
            settings=settings,
            clock=clock,
            tell=self._tell,
        )

    # -- who is speaking

    def login(
        self,
        username: str,
        password: str,
        device: DeviceClaim | None = None,
        *,
        address: str = "",
        agent: str = "",
    ) -> SignedIn:
        """Sign in. Without `device` the session lies on a browser device named by `agent`.

        Raises Problem 401 bad_credentials, user_disabled, device_revoked; 409 device_taken; 429 rate_limited.
        """
        if device is not None and device.id is not None and not is_device_id(device.id):
            raise Problem(422, "device_id_invalid")
        return self._sessions.login(username, password, device, address, agent)

    def refresh(self, refresh_token: str, device_id: str | None = None) -> SignedIn:
        """Exchange a refresh token for new tokens; see `rotation`. Raises Problem 401."""
        return self._sessions.refresh(refresh_token, device_id)

    def logout(self, identity: Identity) -> None:
        """End the session that `identity` speaks in. The device stays enrolled."""
        self._sessions.logout(identity)

    def authenticate(self, authorization: str | None) -> Identity:
        """Who asks, by an `Authorization` header, as the registry stands now. Raises Problem 401:
        token_missing, token_expired, token_invalid, device_revoked, user_disabled.
        """
        return self._sessions.authenticate(authorization)

    def authenticate_until(self, authorization: str | None) -> tuple[Identity, timedelta]:
        """The same, and how long the token holds. Raises Problem 401."""
        return self._sessions.authenticate_until(authorization)

    def access_for(self, identity: Identity, lifetime: timedelta) -> str:
        """An access token of another life than usual for the session that `identity` speaks in.

        Raises Problem 401 when the session is over.
        """
        return self._sessions.access_for(identity, lifetime)

    def guard(self, name: str, address: str, check: Callable[[], bool]) -> None:
        """Count `check` as a sign-in of `name`, who need not be a user.

        Raises Problem 401 bad_credentials when it says no, 429 rate_limited without asking it.
        """
        self._sessions.guard(name, address, check)

    def count_failure(self, door: str, address: str) -> None:
        """Count a failure at a door beside sign-in, by the same limits. Raises Problem 429 beyond them."""
        self._throttle.admit(door, address)

    # -- users

    def add_user(
        self,
        name: str,
        password: str,
        *,
        roles: Iterable[str],
        display_name: str = "",
        organisation: str | None = None,
        by: str = "hezha",
        idempotency_key: str | None = None,
    ) -> User:
        """Create a user with inbox and outbox. Raises Problem 409 user_exists, 422.

        Repeated with the same `idempotency_key`, name and password, it gives the user made the first time.
        """
        if not is_user_name(name):
            raise Problem(422, "user_name_invalid")
        key = None if idempotency_key is None else hashlib.sha256(idempotency_key.encode()).hexdigest()
        now = self._clock()
        user = User(
            name=name,
            display_name=display_name or name,
            roles=_checked_roles(roles),
            organisation=organisation or self._settings.organisation,
            password_hash=self._passwords.hash(password, user=name),
            created_at=now,
            created_by=by,
            updated_at=now,
            created_key=key,
        )
        # The databases first: a user without an inbox would be a user who never hears of a task.
        if self._registry.user(name) is None:
            self._provision(name)
            if self._registry.insert_user(user):
                log.info("user_added", user=name, roles=user.roles, by=by)
                return user
        return self._made_before(user, password)

    def user(self, name: str) -> User:
        """Raises Problem 404."""
        user = self._registry.user(name) if is_user_name(name) else None
        if user is None:
            raise _no_user(name)
        return user

    def may_manage(self, name: str, organisation: str) -> bool:
        """Whether this is somebody of the organisation who manages cases and may sign in."""
        user = self._registry.user(name) if is_user_name(name) else None
        return (
            user is not None
            and not user.disabled
            and bool({"manager", "admin"} & set(user.roles))
            and user.organisation == organisation
        )

    def users(
        self,
        *,
        organisation: str | None = None,
        role: str | None = None,
        disabled: bool | None = None,
        q: str = "",
    ) -> list[User]:
        """Users by name; `q` is looked for in name and display name, whatever the case."""
        wanted = q.casefold()
        return [
            user
            for user in self._registry.users()
            if (organisation is None or user.organisation == organisation)
            and (role is None or role in user.roles)
            and (disabled is None or user.disabled == disabled)
            and (not wanted or wanted in user.name or wanted in user.display_name.casefold())
        ]

    def update_user(self, name: str, change: UserChange, *, by: str, if_version: int | None = None) -> User:
        """Change a user, atomically. Raises Problem 404, 409 last_admin, 412 (version has moved on), 422."""
        user = self.user(name)
        fresh = None if change.password is None else self._passwords.hash(change.password, user=name)
        roles = None if change.roles is None else _checked_roles(change.roles)
        now = self._clock()

        def changed(present: User) -> User:
            if if_version is not None and present.version != if_version:
                raise Problem(412, "precondition_failed")
            wanted = replace(
                present,
                display_name=change.display_name or present.display_name,
                roles=present.roles if roles is None else roles,
                organisation=change.organisation or present.organisation,
                disabled=present.disabled if change.disabled is None else change.disabled,
                specialties=present.specialties if change.specialties is None else change.specialties,
                password_hash=fresh or present.password_hash,
                session_epoch=present.session_epoch + (fresh is not None),
            )
            if wanted == present:
                return present
            if _admin(present) and not _admin(wanted):
                self._keep_one_admin(name)
            return replace(wanted, version=present.version + 1, updated_at=now)

        after = self._registry.change_user(name, changed)
        if after.version != user.version:
            log.info("user_changed", user=name, by=by, disabled=after.disabled, roles=after.roles)
        return after

    def disable(self, name: str, *, by: str = "hezha") -> User:
        """Refuse this user's every request from now on. Raises Problem 404, 409 last_admin."""
        return self.update_user(name, UserChange(disabled=True), by=by)

    def enable(self, name: str, *, by: str = "hezha") -> User:
        """Admit this user again. Raises Problem 404."""
        return self.update_user(name, UserChange(disabled=False), by=by)

    def set_password(self, name: str, password: str, *, by: str = "hezha") -> User:
        """Give a new password and end every session of the user. Raises Problem 404, 422."""
        return self.update_user(name, UserChange(password=password), by=by)

    def change_own_password(self, identity: Identity, old: str, new: str, *, address: str = "") -> SignedIn:
        """Change one's password: every other session ends, this device gets new tokens.

        Raises Problem 401 bad_credentials, 422, 429 rate_limited.
        """
        self._sessions.verified(identity.name, old, address)
        user = self.set_password(identity.name, new, by=identity.name)
        return self._sessions.reopen(user, identity.device)

    # -- devices

    def devices(self, user: str | None = None) -> list[Device]:
        """Devices of a user (none for an unknown one), or everybody's; the one seen last first."""
        if user is None:
            found = list(self._registry.all_devices())
        else:
            known = self._registry.user(user) if is_user_name(user) else None
            found = self._registry.devices(known.devices) if known else []
        return sorted(found, key=lambda device: (device.last_seen_at, device.id), reverse=True)

    def device(self, device_id: str) -> Device:
        """Raises Problem 404."""
        device = self._registry.device(device_id) if is_device_id(device_id) else None
        if device is None:
            raise _no_device(device_id)
        return device

    def revoke_device(
        self, device_id: str, *, by: str, reason: str = "revoked", order: Order = "wipe"
    ) -> Device:
        """Refuse a device from its next request on, and tell it through the inbox what to do.

        Done again, it changes nothing but an order that did not reach the inbox. Raises Problem 404.
        """
        self.device(device_id)
        now = self._clock()
        device = self._registry.change_device(
            device_id, lambda d: d if d.revoked else revoked(d, now, by=by, reason=reason, order=order)
        )
        self._tell(device)
        log.info("device_revoked", device=device.id, user=device.user, by=by, reason=reason)
        return device

    # -- inside

    def _made_before(self, wanted: User, password: str) -> User:
        present = self.user(wanted.name)
        if wanted.created_key is None or present.created_key is None:
            raise Problem(409, "user_exists", user=wanted.name)
        if not hmac.compare_digest(present.created_key, wanted.created_key):
            raise Problem(409, "user_exists", user=wanted.name)
        same = (present.display_name, present.roles, present.organisation) == (
            wanted.display_name,
            wanted.roles,
            wanted.organisation,
        )
        if not same or not self._passwords.matches(present.password_hash, password):
            raise Problem(422, "idempotency_key_reused")
        return present

    def _provision(self, name: str) -> None:
        """Make the user's two databases, whole: also after a start that ended between them."""
        for database, security in (
            (self._names.inbox(name), Security(members=(name,), kind="inbox")),
            (self._names.outbox(name), Security(members=(name,), kind="outbox", writers=(name,))),
        ):
            try:
                self._store.create_database(database, security)
            except DatabaseExists:
                self._store.set_security(database, security)

    def _keep_one_admin(self, name: str) -> None:
        if not any(_admin(user) and user.name != name for user in self._registry.users()):
            raise Problem(409, "last_admin", user=name)

    def _tell(self, device: Device) -> None:
        """Write a revoked tablet's order into its user's inbox. A browser keeps nothing to be told about."""
        if device.kind == "browser" or device.revoked_at is None:
            return
        inbox, doc_id = self._names.inbox(device.user), f"device:{device.id}"
        for _ in range(_INBOX_TRIES):
            try:
                present = find_settled(self._store, inbox, doc_id, keep_winner)
                if present is not None and present.get("order") == device.order:
                    return
                self._store.put(
                    inbox,
                    {
                        "_id": doc_id,
                        **({"_rev": present["_rev"]} if present else {}),
                        "type": "device",
                        "schema": SCHEMA,
                        "device": device.id,
                        "order": device.order,
                        "reason": device.revoked_reason,
                        "at": device.revoked_at.isoformat(),
                    },
                )
            except Conflict:
                continue
            except NotFound:
                # An inbox somebody dropped by hand must not keep a device from being revoked.
                log.error("inbox_missing", user=device.user, device=device.id)
            return


def _checked_roles(roles: Iterable[str]) -> tuple[str, ...]:
    """Roles in their fixed order, each once. Raises Problem 422."""
    wanted = set(roles)
    unknown = sorted(wanted - set(ROLES))
    if unknown or not wanted:
        raise Problem(422, "role_unknown", roles=", ".join(unknown), known=", ".join(ROLES))
    return tuple(role for role in ROLES if role in wanted)


def _admin(user: User) -> bool:
    return "admin" in user.roles and not user.disabled


def _no_user(name: str) -> Problem:
    return Problem(404, "not_found", text_code="people.user_unknown", user=as_user_name(name))


def _no_device(device_id: str) -> Problem:
    return Problem(404, "not_found", text_code="people.device_unknown", device=device_id)
