"""How often one address may fail to sign in, counted in the registry so that every process counts alike.

An attempt is written down *before* the password is looked at and struck out when it was right: many guesses
sent at once meet the limit like guesses sent one by one. Limits hold per user and address, and per address;
there is none per user alone, because a stranger could use it to lock somebody out from everywhere.

Attempts lie in a fixed number of documents (`signin:<bucket>`), names and addresses as digests: people type
passwords into the wrong field. What is older than the window is dropped at the next write.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from server.people.merging import merged_attempts
from server.problems import Problem
from server.settings import Settings
from sync.conflicts import find_settled
from sync.store import Conflict, Document, DocumentStore

BUCKETS = 256
#: How often a count that lost a race is tried again before it is given up.
MAX_TRIES = 64
#: Providers give a customer a whole IPv6 network, so that is one address here.
IPV6_PREFIX = 64

#: Attempts by address digest: when (POSIX seconds), for whom (user digest).
Attempts = Mapping[str, list[tuple[float, str]]]


@dataclass(frozen=True)
class Limits:
    """Failures admitted within `window` seconds."""

    per_user_address: int
    per_address: int
    window: float


@dataclass(frozen=True)
class Attempt:
    """One sign-in under way."""

    bucket: str
    address: str
    user: str


def attempt_of(user: str, address: str) -> Attempt:
    """The attempt of `user` (as typed) from `address` (IPv4, IPv6, or any text that is neither)."""
    network = _digest(_network(address))
    return Attempt(f"signin:{int(network[:8], 16) % BUCKETS:02x}", network, _digest(user))


def wait(attempts: Attempts, attempt: Attempt, now: float, limits: Limits) -> float:
    """Seconds until this attempt is admitted; 0 if it is now."""
    recent = sorted(at for at, _ in _recent(attempts, attempt.address, now, limits.window))
    own = sorted(
        at for at, user in _recent(attempts, attempt.address, now, limits.window) if user == attempt.user
    )
    return max(
        _until_free(own, limits.per_user_address, now, limits),
        _until_free(recent, limits.per_address, now, limits),
    )


def _until_free(times: list[float], limit: int, now: float, limits: Limits) -> float:
    if limit <= 0:
        return limits.window
    # A time in the future was written by another clock; it bars nobody for longer than a window.
    return 0.0 if len(times) < limit else min(limits.window, times[-limit] + limits.window - now)


def noted(
    attempts: Attempts, attempt: Attempt, now: float, window: float
) -> dict[str, list[tuple[float, str]]]:
    """The attempts with this one, without those older than the window."""
    kept = {address: _recent(attempts, address, now, window) for address in attempts}
    kept[attempt.address] = [*kept.get(attempt.address, []), (now, attempt.user)]
    return {address: entries for address, entries in kept.items() if entries}


def forgiven(attempts: Attempts, attempt: Attempt) -> dict[str, list[tuple[float, str]]]:
    """The attempts without any of this user from this address: the password was right."""
    left = {
        address: [e for e in entries if address != attempt.address or e[1] != attempt.user]
        for address, entries in attempts.items()
    }
    return {address: entries for address, entries in left.items() if entries}


def _recent(attempts: Attempts, address: str, now: float, window: float) -> list[tuple[float, str]]:
    return [(at, user) for at, user in attempts.get(address, []) if now - window < at <= now + window]


def _network(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, IPV6_PREFIX), strict=False))
    return str(ip)


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Throttle:
    """The shell: reads and writes one bucket by compare and swap."""

    def __init__(
        self, store: DocumentStore, database: str, settings: Settings, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._db = database
        self._clock = clock
        self._limits = Limits(
            settings.login_failures_per_user_address,
            settings.login_failures_per_address,
            settings.login_window_seconds,
        )

    def admit(self, user: str, address: str) -> Attempt:
        """Note an attempt that may be made. Raises Problem 429 with Retry-After (whole seconds)."""
        attempt = attempt_of(user, address)
        now = self._clock().timestamp()
        limits = self._limits

        def note(attempts: Attempts) -> Attempts:
            seconds = wait(attempts, attempt, now, limits)
            if seconds > 0:
                raise _too_many(seconds)
            return noted(attempts, attempt, now, limits.window)

        if not self._change(attempt.bucket, note):
            raise _too_many(1.0)
        return attempt

    def forgive(self, attempt: Attempt) -> None:
        """The password was right: nothing counts against this user from this address any more.

        If the write loses every race, the attempt stays noted until its window has passed.
        """
        self._change(attempt.bucket, lambda attempts: forgiven(attempts, attempt))

    def _change(self, bucket: str, change: Callable[[Attempts], Attempts]) -> bool:
        for _ in range(MAX_TRIES):
            stored = find_settled(self._store, self._db, bucket, merged_attempts)
            document: Document = stored or {"_id": bucket, "type": "signin", "schema": 1}
            attempts = {
                address: [(float(at), str(user)) for at, user in entries]
                for address, entries in document.get("attempts", {}).items()
            }
            try:
                self._store.put(self._db, {**document, "attempts": change(attempts)})
            except Conflict:
                continue
            return True
        return False


def _too_many(seconds: float) -> Problem:
    whole = max(1, math.ceil(seconds))
    return Problem(
        429,
        "rate_limited",
        text_code="people.too_many_failures",
        headers={"Retry-After": str(whole)},
        seconds=whole,
    )
