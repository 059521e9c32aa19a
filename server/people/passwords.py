"""Passwords: Argon2id, as much work for a stranger as for a friend, and never in a log."""

from __future__ import annotations

import secrets
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from server.problems import Problem
from server.settings import Argon2Profile

#: Longer ones are refused before any work: hashing them would be somebody else's way to keep us busy.
MAX_LENGTH = 256
#: Hashes computed at once in one process. Each takes the profile's memory; web threads are far more.
PARALLEL_HASHES = 4


class Passwords:
    """Hashes and verifies with one cost profile. Safe to share between threads."""

    def __init__(self, profile: Argon2Profile, minimum: int, *, parallel: int = PARALLEL_HASHES) -> None:
        self._minimum = minimum
        self._hasher = PasswordHasher(
            time_cost=profile.time_cost, memory_cost=profile.memory_kib, parallelism=profile.parallelism
        )
        self._slots = threading.BoundedSemaphore(parallel)
        self._decoy = self._hash(secrets.token_urlsafe(16))

    def hash(self, password: str, *, user: str) -> str:
        """A new hash. Raises Problem 422 for a password that is too short, too long, or the user's name."""
        normal = _normal(password)
        if len(normal) < self._minimum:
            raise Problem(422, "password_too_short", minimum=self._minimum)
        if len(normal) > MAX_LENGTH:
            raise Problem(422, "password_too_long", maximum=MAX_LENGTH)
        if normal.lower() == user:
            raise Problem(422, "password_is_name")
        return self._hash(normal)

    def matches(self, stored: str | None, password: str) -> bool:
        """Whether `password` made the hash. `stored` None (no such user) costs the same and is False."""
        if len(password) > MAX_LENGTH:
            return False
        with self._slots:
            try:
                self._hasher.verify(stored or self._decoy, _bytes(_normal(password)))
            except (VerificationError, InvalidHashError):
                return False
        return stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether a hash was made with another cost than today's."""
        return self._hasher.check_needs_rehash(stored)

    def renewed(self, password: str) -> str:
        """The hash of a password that has just been verified, at today's cost, whatever today's minimum."""
        return self._hash(_normal(password))

    def _hash(self, normal: str) -> str:
        with self._slots:
            return self._hasher.hash(_bytes(normal))


def _bytes(normal: str) -> bytes:
    """UTF-8; JSON can carry a lone surrogate, which is odd in a password and no reason to fail."""
    return normal.encode("utf-8", "surrogatepass")


def _normal(password: str) -> str:
    """One form for what different keyboards compose differently (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
