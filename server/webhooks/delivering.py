"""Messages sent until they arrive, are given up, or nobody wants them: by the worker, beside its work.

Everything that matters is in documents; what is held here is only which of them wait until when. A receiver
that hangs holds one thread and rests after it, so it holds up no other.
"""

from __future__ import annotations

import heapq
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from msgspec.structs import replace

from server.webhooks.book import Book
from server.webhooks.model import DELIVERY, Delivery, delivery_from, delivery_name
from server.webhooks.sending import Sender, Sent
from sync.store import DocumentStore, NotFound, StoreError, never

log = structlog.get_logger()

#: Changes read at a time.
_BATCH = 500
#: Seconds to wait for changes, and so at most until a stop, or that something is due, is noticed.
_IDLE = 1.0
#: Messages to one subscription before another one's turn comes.
_TURN = 50


@dataclass(frozen=True)
class Terms:
    """`attempts` before a message is given up; pauses double from the first to the longest, seconds;
    `disable_after` seconds without a success a subscription is disabled; `threads` send at once."""

    attempts: int
    first_pause: float
    longest_pause: float
    disable_after: float
    threads: int

    def pause(self, failures: int, chance: float) -> float:
        """Seconds after so many failures in a row, between a half and the whole of what they double to:
        receivers that come back must not meet everything at once. `chance` is from 0 to 1."""
        whole = min(self.first_pause * 2.0 ** min(failures - 1, 60), self.longest_pause)
        return whole * (0.5 + chance / 2)


class Deliverer:
    """`ours(key)`: whether this worker looks after a subscription; with one worker, always."""

    def __init__(
        self,
        store: DocumentStore,
        book: Book,
        sender: Sender,
        terms: Terms,
        clock: Callable[[], datetime],
        ours: Callable[[str], bool] = lambda _key: True,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._book = book
        self._sender = sender
        self._terms = terms
        self._clock = clock
        self._ours = ours
        self._chance = chance
        self._lock = threading.Lock()
        #: By subscription and name of what waits, until when it does; and the same in that order, among it
        #: what does not hold any more.
        self._waiting: dict[str, dict[str, datetime]] = {}
        self._order: dict[str, list[tuple[datetime, str]]] = {}
        self._busy: set[str] = set()
        self._rests: dict[str, tuple[int, datetime]] = {}
        self._since: str | None = None

    def run(self, stop: threading.Event) -> None:
        """Deliver until `stop`; what is on its way then has its time to end."""
        with ThreadPoolExecutor(self._terms.threads, thread_name_prefix="webhook") as pool:
            while not stop.is_set():
                try:
                    self.look(_IDLE)
                except NotFound:
                    stop.wait(_IDLE)  # nobody has ever subscribed
                    continue
                except StoreError as error:
                    log.warning("webhooks_not_read", error=error.error, reason=error.reason)
                    stop.wait(_IDLE)
                    continue
                for subscription in self._take_due():
                    pool.submit(self._serve, subscription, stop.is_set)

    def run_once(self) -> int:
        """Try everything that is due, in this thread; returns how much that was."""
        self.look(0.0)
        return sum(self._serve(subscription) for subscription in self._take_due())

    def look(self, timeout: float) -> None:
        """See what has come to wait, or waits no more. Raises NotFound while there is no database."""
        database = self._book.database
        if self._since is None:
            since = self._store.info(database).update_seq
            for delivery in self._book.deliveries():
                self._note(delivery)
            self._since = since
        while True:
            batch = self._store.changes(
                database, since=self._since, limit=_BATCH, include_docs=True, timeout=timeout
            )
            for change in batch.results:
                if not change.id.startswith(DELIVERY):
                    continue
                if change.deleted or change.doc is None:
                    self._forget(change.id.removeprefix(DELIVERY))
                else:
                    self._note(delivery_from(change.doc))
            self._since = batch.last_seq
            if not batch.pending:
                return
            timeout = 0.0

    def _note(self, delivery: Delivery) -> None:
        name, whose = delivery_name(delivery), delivery.subscription
        with self._lock:
            if self._waiting.setdefault(whose, {}).get(name) != delivery.next_at:
                self._waiting[whose][name] = delivery.next_at
                heapq.heappush(self._order.setdefault(whose, []), (delivery.next_at, name))

    def _forget(self, name: str) -> None:
        with self._lock:
            self._waiting.get(name.partition(":")[0], {}).pop(name, None)

    def _take_due(self) -> list[str]:
        """The subscriptions that something is due for, now busy: those that neither rest nor are busy."""
        now = self._clock()
        with self._lock:
            due = [
                whose
                for whose in self._waiting
                if whose not in self._busy and not self._is_resting(whose, now) and self._first(whose, now)
            ]
            due = [whose for whose in due if self._ours(f"webhook-{whose}")]
            self._busy.update(due)
        return due

    def _is_resting(self, whose: str, now: datetime) -> bool:
        return whose in self._rests and self._rests[whose][1] > now

    def _first(self, whose: str, now: datetime) -> str | None:
        """The name of what is due first, if it is due. The lock is held."""
        waiting, order = self._waiting.get(whose, {}), self._order.get(whose, [])
        while order and waiting.get(order[0][1]) != order[0][0]:
            heapq.heappop(order)
        return order[0][1] if order and order[0][0] <= now else None

    def _serve(self, whose: str, stopping: Callable[[], bool] = never) -> int:
        """Deliver what is due to a subscription, one by one, while it arrives; how much was tried."""
        tried = 0
        try:
            while tried < _TURN and not stopping():
                now = self._clock()
                with self._lock:
                    name = None if self._is_resting(whose, now) else self._first(whose, now)
                if name is None:
                    break
                tried += 1
                self._deliver(name)
        except Exception:
            log.exception("webhook_not_delivered", subscription=whose)
            self._rest(whose, None)
        finally:
            with self._lock:
                self._busy.discard(whose)
        return tried

    def _deliver(self, name: str) -> None:
        found = self._book.delivery(name)
        if found is None:
            self._forget(name)
            return
        delivery, rev = found
        try:
            subscription = self._book.subscription(delivery.subscription)
        except NotFound:
            self._book.done(delivery, rev)
            self._forget(name)
            return
        if subscription.state == "disabled":
            self._book.give_up(delivery, rev)
            self._forget(name)
            return
        sent = self._sender.send(subscription, delivery, self._clock())
        if sent.arrived:
            self._book.done(delivery, rev)
            self._forget(name)
            with self._lock:
                self._rests.pop(subscription.id, None)
            if subscription.failing_since is not None:
                self._book.change(subscription.id, lambda one: replace(one, failing_since=None))
            return
        self._failed(delivery, rev, sent)

    def _failed(self, delivery: Delivery, rev: str, sent: Sent) -> None:
        log.info(
            "webhook_failed",
            subscription=delivery.subscription,
            message=delivery.id,
            status=sent.attempt.status,
            error=sent.attempt.error,
        )
        tried = replace(delivery, attempts=delivery.attempts + 1, last=sent.attempt)
        self._rest(delivery.subscription, sent.retry_after)
        if sent.gone:
            self._book.disable(delivery.subscription, "gone")
        else:
            self._book.failed(delivery.subscription, sent.attempt, self._terms.disable_after)
        if sent.gone or tried.attempts >= self._terms.attempts:
            self._book.give_up(tried, rev)
            self._forget(delivery_name(tried))
            return
        pause = self._terms.pause(tried.attempts, self._chance())
        pause = max(pause, min(sent.retry_after or 0.0, self._terms.longest_pause))
        later = replace(tried, next_at=self._clock() + timedelta(seconds=pause))
        self._book.put_off(later, rev)
        self._note(later)

    def _rest(self, subscription: str, retry_after: float | None) -> None:
        """Leave a subscription alone after a failure, for longer after each."""
        with self._lock:
            failures = self._rests.get(subscription, (0, self._clock()))[0] + 1
            pause = max(self._terms.pause(failures, self._chance()), retry_after or 0.0)
            until = self._clock() + timedelta(seconds=min(pause, self._terms.longest_pause))
            self._rests[subscription] = (failures, until)
