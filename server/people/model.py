"""Users and devices as values, and the documents they are kept in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import msgspec

from server.signing.keys import PublicKey
from sync.store import Document

#: Every role of Hezha. None of them is CouchDB's `_admin`, not even `admin`.
ROLES = ("inspector", "manager", "scheduler", "admin", "auditor")

#: A user name is part of two database names, so it keeps to what CouchDB admits there: no dots.
USER_NAME_SHAPE = r"[a-z0-9][a-z0-9_-]{1,39}"
#: A device id is made here (UUIDv7) or brought by the tablet; it is part of tokens, so no dots.
DEVICE_ID_SHAPE = r"[0-9a-z][0-9a-z-]{7,63}"
#: Names that documents already use for Hezha itself.
RESERVED_NAMES = frozenset({"hezha"})

USER_PREFIX = "user:"
DEVICE_PREFIX = "device:"
KEY_PREFIX = "device-key:"
SCHEMA = 1

DeviceKind = Literal["tablet", "browser"]
Order = Literal["wipe", "sign_in"]


@dataclass(frozen=True, kw_only=True)
class User:
    """A person. `version` grows with every change that people make, not with sign-ins.

    `session_epoch` ends every session opened under a smaller one (a new password). `devices` lists the ids of
    their devices. `created_key` is the digest of the Idempotency-Key that made the user.
    `specialties` are what an inspector may close (`server/workflow/specialties.yaml`); none set means all.
    """

    name: str
    display_name: str
    roles: tuple[str, ...]
    organisation: str
    password_hash: str = field(repr=False)
    created_at: datetime
    created_by: str
    updated_at: datetime
    disabled: bool = False
    version: int = 1
    session_epoch: int = 0
    devices: tuple[str, ...] = ()
    created_key: str | None = None
    specialties: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Session:
    """The refresh family of one sign-in; see `rotation` for how it moves. Tokens stand here as digests.

    `generation` counts rotations, `offered` are the unused tokens of that generation, `previous` is the token
    that they were given for, `rotated_at` is when the generation began.
    """

    id: str
    epoch: int
    generation: int
    offered: tuple[str, ...]
    previous: str | None
    rotated_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Device:
    """A tablet, or the browser of one sign-in. `order` is what a revoked device is told to do; `keys` names
    every key that it ever enrolled.
    """

    id: str
    user: str
    name: str
    kind: DeviceKind
    enrolled_at: datetime
    last_seen_at: datetime
    session: Session | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    revoked_reason: str | None = None
    order: Order | None = None
    keys: tuple[str, ...] = ()

    @property
    def revoked(self) -> bool:
        return self.revoked_at is not None

    def signed_in(self, now: datetime) -> bool:
        return not self.revoked and self.session is not None and now < self.session.expires_at


@dataclass(frozen=True, kw_only=True)
class DeviceKey:
    """A public key that a tablet enrolled to sign forms with; dated, and never deleted.

    `ended_at`: the tablet took another one. `revoked_from`: from when on it counts no more, which may be
    earlier than `revoked_at`, when somebody said so.
    """

    kid: str
    device: str
    user: str
    key: PublicKey
    enrolled_at: datetime
    ended_at: datetime | None = None
    revoked_from: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    revoked_reason: str | None = None


@dataclass(frozen=True)
class Identity:
    """Who asks, as read from the registry at this request."""

    name: str
    roles: tuple[str, ...]
    device: str
    organisation: str
    display_name: str


def is_user_name(value: str) -> bool:
    return re.fullmatch(USER_NAME_SHAPE, value) is not None and value not in RESERVED_NAMES


def is_device_id(value: str) -> bool:
    return re.fullmatch(DEVICE_ID_SHAPE, value) is not None


def as_user_name(typed: str) -> str:
    """The name somebody meant: a tablet's keyboard likes a capital first letter and a blank at the end."""
    return typed.strip().lower()


def user_document(user: User) -> Document:
    return {"_id": USER_PREFIX + user.name, "type": "user", "schema": SCHEMA, **msgspec.to_builtins(user)}


def device_document(device: Device) -> Document:
    return {
        "_id": DEVICE_PREFIX + device.id,
        "type": "device",
        "schema": SCHEMA,
        **msgspec.to_builtins(device),
    }


def key_document(key: DeviceKey) -> Document:
    return {
        "_id": KEY_PREFIX + key.kid,
        "type": "device-key",
        "schema": SCHEMA,
        **msgspec.to_builtins(key),
    }


def to_user(document: Document) -> User:
    """Raises msgspec.ValidationError for a document that no version of this module wrote."""
    return msgspec.convert(document, User)


def to_device(document: Document) -> Device:
    """Raises msgspec.ValidationError for a document that no version of this module wrote."""
    return msgspec.convert(document, Device)


def to_key(document: Document) -> DeviceKey:
    """Raises msgspec.ValidationError for a document that no version of this module wrote."""
    return msgspec.convert(document, DeviceKey)
