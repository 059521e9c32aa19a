"""Sharing databases among any number of workers: each falls into a slot by its hash, each slot has a lease.

Workers make themselves known in one document, take free slots up to their fair share, and give up what is
over it. One that dies is missed when its leases run out; its slots then go to the others, who begin at its
checkpoints. Two that hold one slot for a moment do the same work twice, which followers are made for.
"""

from __future__ import annotations

import math
import threading
import zlib
from collections.abc import Callable
from datetime import datetime

import structlog

from sync.lease import Lease, Leases
from sync.store import Conflict, Document, DocumentStore, StoreError

_log = structlog.get_logger(__name__)

PRESENT = "workers"
#: How many times a lease is renewed within its life.
_RENEWALS = 3


def slot_of(key: str, count: int) -> int:
    """The slot, from 0 to `count` - 1, that a key falls into; the same in every process."""
    return zlib.crc32(key.encode()) % count


def fair_share(count: int, workers: int) -> int:
    """How many of `count` slots one of so many workers holds at most; together they can hold all."""
    return math.ceil(count / max(1, workers))


class Slots:
    """The slots of one worker. `tick` renews them; `holds` may be asked from any thread.

    `count` must be the same for every worker. `seconds` is the life of a lease of `leases`. `on_gain` is told
    of slots that came, in the thread that ticks: what takes long belongs elsewhere.
    """

    def __init__(
        self,
        store: DocumentStore,
        database: str,
        leases: Leases,
        *,
        worker: str,
        count: int,
        seconds: float,
        clock: Callable[[], datetime],
        on_gain: Callable[[frozenset[int]], None],
    ) -> None:
        self._store = store
        self._db = database
        self._leases = leases
        self._worker = worker
        self._count = count
        self._seconds = seconds
        self._clock = clock
        self._on_gain = on_gain
        self._held: dict[int, Lease] = {}
        self._gained: set[int] = set()

    def holds(self, key: str) -> bool:
        """Whether what has this key is this worker's at this moment."""
        lease = self._held.get(slot_of(key, self._count))
        return lease is not None and self._now() < lease.expires

    @property
    def held(self) -> frozenset[int]:
        return frozenset(slot for slot, lease in list(self._held.items()) if self._now() < lease.expires)

    def run(self, stop: threading.Event) -> None:
        """Tick until `stop`, then leave. A failure is logged; slots that are not renewed run out."""
        while not stop.is_set():
            try:
                self.tick()
            except Exception:  # noqa: BLE001  whatever ails the store, renewing must outlast it
                _log.exception("slots.not_renewed", worker=self._worker)
            stop.wait(self._seconds / _RENEWALS)
        self.leave()

    def tick(self) -> None:
        """Renew what is held, give up what is over the fair share, take what is free up to it."""
        share = fair_share(self._count, len(self._announce()))
        # A worker that holds more than its share lets the others have the last ones, so that two which come
        # to the same count do not pass one slot to and fro.
        for slot in sorted(self._held)[share:]:
            self._leases.give_back(self._held.pop(slot))
        for slot in sorted(self._held):
            self._take(slot)
        for slot in self._in_my_order():
            if len(self._held) >= share:
                break
            if slot not in self._held:
                self._take(slot)
        if self._gained:
            gained, self._gained = frozenset(self._gained), set()
            _log.info("slots.gained", worker=self._worker, slots=sorted(gained), held=len(self._held))
            self._on_gain(gained)

    def leave(self) -> None:
        """Give everything back, so that the others need not wait until it runs out."""
        held, self._held = self._held, {}
        for lease in held.values():
            self._leases.give_back(lease)
        try:
            self._announce(leaving=True)
        except StoreError as error:
            _log.warning("slots.not_left", worker=self._worker, error=error.reason)

    def _take(self, slot: int) -> None:
        known = self._held.get(slot)
        lease = self._leases.take(f"slot-{slot}", self._worker)
        if lease is None:
            self._held.pop(slot, None)
            return
        self._held[slot] = lease
        # Whoever asked while the old lease was over was told no, and may have looked away.
        if known is None or self._now() >= known.expires:
            self._gained.add(slot)

    def _in_my_order(self) -> list[int]:
        """Each worker begins elsewhere, so that those who start together rarely ask for the same slot."""
        first = slot_of(self._worker, self._count)
        return [(first + n) % self._count for n in range(self._count)]

    def _announce(self, *, leaving: bool = False) -> dict[str, float]:
        """Say that this worker is here, and learn who else is. Of several leaves the winner will do: whoever
        is missing there announces itself again.
        """
        now = self._now()
        known: Document = self._store.find(self._db, PRESENT) or {
            "_id": PRESENT,
            "type": "workers",
            "schema": 1,
        }
        present = {name: until for name, until in known.get("present", {}).items() if now < until}
        present.pop(self._worker, None)
        if not leaving:
            present[self._worker] = now + self._seconds
        try:
            self._store.put(self._db, {**known, "present": present})
        except Conflict:
            # Somebody else announced itself at this moment; the next tick is soon enough.
            _log.debug("slots.announced_at_once", worker=self._worker)
        return present

    def _now(self) -> float:
        return self._clock().timestamp()
