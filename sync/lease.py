"""Leases: one owner of a name at a time, for as long as it says, on any engine.

A lease is a document, taken by compare and swap. On a cluster that check is made by each replica by itself,
so a lease makes two owners rare and not impossible: whoever owns checks again right before it writes, and
what slips through all the same shows as a conflict of what was written. A token grows with every owner.

Clocks of different servers may differ by `skew`. An owner counts its lease as over when its own clock says
so; others wait for `skew` longer.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from sync.store import Conflict, Document, DocumentStore, NotFound, StoreError

_log = structlog.get_logger(__name__)

PREFIX = "lease:"
#: How often taking a lease is tried again at once after somebody else wrote it in between.
_RACES = 8


class Busy(StoreError):
    """Somebody else owns what was asked for. `retry_after` are whole seconds after which it may be free."""

    status = 503
    error = "busy"

    def __init__(self, name: str, retry_after: float) -> None:
        super().__init__(f"{name} is being written by somebody else.")
        self.name = name
        self.retry_after = max(1, math.ceil(retry_after))


class LeaseLost(Busy):
    """The lease ran out, or went to somebody else, before the work under it was written."""


@dataclass(frozen=True)
class Terms:
    """All in seconds: how long a lease lasts unless renewed, by how much clocks may differ, and how long
    `hold` waits for another owner, looking again after `first_pause`, then after twice that, and so on up to
    `longest_pause`.
    """

    seconds: float
    skew: float
    wait: float
    first_pause: float = 0.02
    longest_pause: float = 0.25


@dataclass(frozen=True)
class Lease:
    """`expires` is a POSIX time, `rev` the document's. `token` is greater than that of every owner before."""

    name: str
    owner: str
    token: int
    expires: float
    rev: str = ""


class Leases:
    """Leases in one database. Safe for many threads, each of which holds leases of its own."""

    def __init__(
        self,
        store: DocumentStore,
        database: str,
        terms: Terms,
        clock: Callable[[], datetime],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._db = database
        self._terms = terms
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep

    @contextmanager
    def hold(self, name: str) -> Iterator[Lease]:
        """Own `name` within the block. Raises Busy when another owner does not give way in time."""
        lease = self._wait_for(name, secrets.token_hex(8))
        try:
            yield lease
        finally:
            self.give_back(lease)

    def take(self, name: str, owner: str) -> Lease | None:
        """The lease of `name`, new or renewed by the same owner; None while another owner has it."""
        for _ in range(_RACES):
            known = self._read(name)
            now = self._now()
            if known is not None and not self._free(known, owner, now):
                return None
            same = known is not None and known["owner"] == owner and now < known["expires"]
            token = 1 if known is None else int(known["token"]) + (not same)
            lease = Lease(name, owner, token, now + self._terms.seconds, known["_rev"] if known else "")
            try:
                return replace(lease, rev=self._store.put(self._db, _document(lease)))
            except Conflict:
                continue
        return None

    def check(self, lease: Lease) -> None:
        """Raises LeaseLost unless the lease still stands. To be called right before what it protects."""
        known = self._read(lease.name)
        ours = known is not None and (known["owner"], known["token"]) == (lease.owner, lease.token)
        if not ours or self._now() >= lease.expires:
            _log.warning("lease.lost", name=lease.name, token=lease.token)
            raise LeaseLost(lease.name, self._terms.wait)

    def give_back(self, lease: Lease) -> None:
        """Let the next owner in at once. A lease that is somebody else's by now is left alone."""
        try:
            self._store.put(self._db, _document(replace(lease, owner="", expires=0.0)))
        except Conflict:
            return
        except StoreError as error:
            # It runs out by itself; what was done under it is done.
            _log.warning("lease.not_given_back", name=lease.name, error=error.reason)

    def _wait_for(self, name: str, owner: str) -> Lease:
        until = self._monotonic() + self._terms.wait
        pause = self._terms.first_pause
        while True:
            lease = self.take(name, owner)
            if lease is not None:
                return lease
            left = until - self._monotonic()
            if left <= 0:
                raise Busy(name, self._terms.wait)
            self._sleep(min(pause, left))
            pause = min(pause * 2, self._terms.longest_pause)

    def _free(self, known: Document, owner: str, now: float) -> bool:
        return known["owner"] in {"", owner} or now >= known["expires"] + self._terms.skew

    def _read(self, name: str) -> Document | None:
        """The lease's document. Of several leaves the store's winner stands; the others lost their owners."""
        try:
            known = self._store.get(self._db, PREFIX + name, conflicts=True)
        except NotFound:
            return None
        lost = known.pop("_conflicts", [])
        if lost:
            leaves = self._store.leaves(self._db, PREFIX + name)
            known["token"] = max(int(leaf["token"]) for leaf in [known, *leaves])
            gone = [{"_id": known["_id"], "_rev": rev, "_deleted": True} for rev in lost]
            self._store.bulk_docs(self._db, gone)
        return known

    def _now(self) -> float:
        return self._clock().timestamp()


def _document(lease: Lease) -> Document:
    """What is put over the revision that the lease names."""
    return {
        "_id": PREFIX + lease.name,
        **({"_rev": lease.rev} if lease.rev else {}),
        "type": "lease",
        "schema": 1,
        "owner": lease.owner,
        "token": lease.token,
        "expires": lease.expires,
    }
