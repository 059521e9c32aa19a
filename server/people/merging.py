"""What stands of a user, a device, its key or counted sign-ins that were written in two places at once.

Less is allowed, never more: a revocation, a new password and a failed attempt all count, whichever leaf they
are in. Each function takes the live leaves of one document and looks at no order among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC

from server.people.model import (
    ROLES,
    Device,
    DeviceKey,
    Session,
    User,
    device_document,
    key_document,
    to_device,
    to_key,
    to_user,
    user_document,
)
from server.people.rotation import MAX_OFFERED
from sync.store import Document


def merged_user(leaves: Sequence[Document]) -> Document:
    """Disabled beats enabled, the roles are those that all leaves give, the newest password stands."""
    users = sorted(map(to_user, leaves), key=_seniority, reverse=True)
    newest = users[0]
    common = tuple(role for role in ROLES if all(role in user.roles for user in users))
    return user_document(
        replace(
            newest,
            # Somebody left without any role is somebody who may do nothing until an admin has looked.
            roles=common or newest.roles,
            disabled=not common or any(user.disabled for user in users),
            # One more than in any leaf: of two passwords given at once one is wrong, and so are its sessions.
            session_epoch=newest.session_epoch + (len({user.password_hash for user in users}) > 1),
            version=max(user.version for user in users) + 1,
            devices=tuple(sorted({device for user in users for device in user.devices})),
            specialties=_merged_specialties(users),
        )
    )


def _merged_specialties(users: Sequence[User]) -> tuple[str, ...]:
    """What is common to all leaves that set any, for none is no limit. With nothing common, the newest."""
    limited = [user.specialties for user in users if user.specialties]
    common = [name for name in limited[0] if all(name in one for one in limited)] if limited else []
    return tuple(common) or (limited[0] if limited else ())


def merged_device(leaves: Sequence[Document]) -> Document:
    """Revoked beats active. Of a session's leaves the one that rotated furthest goes on."""
    devices = sorted(map(to_device, leaves), key=lambda device: (device.last_seen_at, repr(device)))
    keys = tuple(sorted({kid for device in devices for kid in device.keys}))
    revoked = [device for device in devices if device.revoked]
    if revoked:
        # The first revocation, and the graver order: what is wiped in vain can be pulled again.
        first = min(revoked, key=lambda device: (device.revoked_at, repr(device)))
        order = "wipe" if any(device.order == "wipe" for device in revoked) else first.order
        return device_document(replace(first, order=order, session=None, keys=keys))
    latest = devices[-1]
    return device_document(replace(latest, session=_merged_session(devices), keys=keys))


def merged_key(leaves: Sequence[Document]) -> Document:
    """A key that was written in two places: it ends when either says, and is revoked from the earlier moment.

    Of two devices that claimed one key at the same moment, neither can be told from a thief: it is revoked
    from its beginning.
    """
    keys = sorted(map(to_key, leaves), key=lambda one: (one.enrolled_at, one.device, one.user))
    first = keys[0]
    ends = [one.ended_at for one in keys if one.ended_at is not None]
    merged = replace(first, ended_at=min(ends, default=None))
    revoked = [one for one in keys if one.revoked_from is not None]
    if revoked:
        earliest = min(revoked, key=_revocation)
        merged = replace(
            merged,
            revoked_from=earliest.revoked_from,
            revoked_at=earliest.revoked_at,
            revoked_by=earliest.revoked_by,
            revoked_reason=earliest.revoked_reason,
        )
    if len({(one.device, one.user) for one in keys}) > 1:
        merged = replace(
            merged,
            revoked_from=first.enrolled_at,
            revoked_at=merged.revoked_at or keys[-1].enrolled_at,
            revoked_by=merged.revoked_by or "hezha",
            revoked_reason=merged.revoked_reason or "claimed by two devices",
        )
    return key_document(merged)


def _revocation(key: DeviceKey) -> tuple[str, str, str]:
    found = (key.revoked_from, key.revoked_at)
    since, said = ("" if at is None else at.astimezone(UTC).isoformat() for at in found)
    return since, said, key.revoked_by or ""


def merged_attempts(leaves: Sequence[Document]) -> Document:
    """Every attempt that any leaf counted. One forgiven in one place only counts until its window is over."""
    found: dict[str, set[tuple[float, str]]] = {}
    for leaf in leaves:
        for address, entries in leaf.get("attempts", {}).items():
            found.setdefault(address, set()).update((float(at), str(user)) for at, user in entries)
    attempts = {address: [list(entry) for entry in sorted(entries)] for address, entries in found.items()}
    return {**leaves[0], "attempts": attempts}


def _seniority(user: User) -> tuple[int, int, str, str]:
    return user.session_epoch, user.version, user.updated_at.isoformat(), repr(user_document(user))


def _merged_session(devices: Sequence[Device]) -> Session | None:
    """The session opened last. Signed out in one place and rotated in another, it is over."""
    sessions = [device.session for device in devices if device.session is not None]
    if not sessions:
        return None
    latest = max(sessions, key=lambda one: (one.rotated_at, one.generation, one.id, one.offered))
    if any(device.session is None for device in devices) and len({one.id for one in sessions}) == 1:
        return None
    same = [one for one in sessions if (one.id, one.generation) == (latest.id, latest.generation)]
    offered = sorted({token for one in same for token in one.offered})
    return replace(latest, offered=tuple(offered)[-MAX_OFFERED:])
