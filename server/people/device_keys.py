"""Keys that tablets sign forms with: enrolled, ended by the next one, revoked, and how they stand.

A tablet has one key at a time. A key is revoked from a moment on, by itself or with its device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog

from server.people.model import Device, DeviceKey, is_device_id
from server.people.registry import Registry
from server.problems import Problem
from server.signing.keys import PublicKey, proof_bytes, verifies
from server.signing.verdicts import Standing

log = structlog.get_logger()


class DeviceKeys:
    """Keys of every tablet."""

    def __init__(self, registry: Registry, clock: Callable[[], datetime]) -> None:
        self._registry = registry
        self._clock = clock

    def standing(self, kid: str) -> Standing | None:
        """A key as it stands now, with what became of its device; None if nobody enrolled it.

        A device that was revoked takes its keys with it from that moment. A document whose key is not the one
        that its name is the thumbprint of was written past Hezha, and is nobody's.
        """
        found = self._registry.key(kid)
        if found is None or found.key.kid != kid:
            return None
        device = self._registry.device(found.device)
        ends = (found.revoked_from, None if device is None else device.revoked_at)
        revoked_at = min((one for one in ends if one is not None), default=None)
        return Standing(found.key, found.device, found.user, found.ended_at, revoked_at)

    def of_device(self, device: Device) -> list[DeviceKey]:
        """The one enrolled last comes first."""
        found = [key for key in map(self._registry.key, device.keys) if key is not None]
        return sorted(found, key=lambda one: (one.enrolled_at, one.kid), reverse=True)

    def enrol(self, device_id: str, user: str, key: PublicKey, proof: str) -> tuple[DeviceKey, bool]:
        """Take a tablet's new key, and end those before it. Repeated, it gives what was made the first time;
        the flag tells whether it is new.

        Raises Problem 404, 409 (device_key_taken, device_key_spent, device_not_tablet), 422
        device_key_unproven.
        """
        device = self._registry.device(device_id) if is_device_id(device_id) else None
        if device is None or device.user != user:
            raise Problem(404, "not_found", text_code="people.device_unknown", device=device_id)
        if device.kind != "tablet":
            raise Problem(409, "device_not_tablet")
        if not verifies(key, proof_bytes(key, device=device_id, user=user), proof):
            raise Problem(422, "device_key_unproven")
        made = DeviceKey(kid=key.kid, device=device_id, user=user, key=key, enrolled_at=self._clock())
        new = self._registry.insert_key(made)
        present = made if new else self._made_before(made)
        # The key first: one that no device names yet verifies, and the same request again brings the rest.
        device = self._registry.change_device(device_id, lambda d: _with_key(d, key.kid))
        for other in device.keys:
            if other != key.kid:
                self._registry.change_key(other, lambda k: _ended(k, present.enrolled_at))
        if new:
            log.info("device_key_enrolled", device=device_id, user=user, kid=key.kid)
        return present, new

    def revoke(
        self, device: Device, kid: str, *, by: str, reason: str, since: datetime | None = None
    ) -> DeviceKey:
        """Let a key count no more: from now on, or from an earlier moment. An earlier moment given later
        counts; a later one never does.

        Raises Problem 404, 422 device_key_future.
        """
        now = self._clock()
        since = since or now
        if since > now:
            raise Problem(422, "device_key_future", now=now.isoformat(timespec="seconds"))
        if kid not in device.keys or self._registry.key(kid) is None:
            raise Problem(404, "not_found", text_code="people.device_key_unknown", device=device.id, kid=kid)

        def revoked(key: DeviceKey) -> DeviceKey:
            if key.revoked_from is not None and key.revoked_from <= since:
                return key
            return replace(key, revoked_from=since, revoked_at=now, revoked_by=by, revoked_reason=reason)

        after = self._registry.change_key(kid, revoked)
        log.info("device_key_revoked", device=device.id, kid=kid, by=by, since=since.isoformat())
        return after

    def _made_before(self, wanted: DeviceKey) -> DeviceKey:
        """The key that is there, if it is this device's and still counts."""
        present = self._registry.key(wanted.kid)
        if present is None or (present.device, present.user) != (wanted.device, wanted.user):
            raise Problem(409, "device_key_taken")
        if present.ended_at is not None or present.revoked_from is not None:
            raise Problem(409, "device_key_spent")
        return present


def _ended(key: DeviceKey, at: datetime) -> DeviceKey:
    return key if key.ended_at is not None else replace(key, ended_at=at)


def _with_key(device: Device, kid: str) -> Device:
    return device if kid in device.keys else replace(device, keys=(*device.keys, kid))
