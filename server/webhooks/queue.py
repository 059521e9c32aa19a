"""What is to be sent of a case, written down before anything is: nothing of it is lost with a process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from server.webhooks.book import Book
from server.webhooks.model import (
    DELIVERY,
    TOLD,
    Delivery,
    Subscription,
    delivery_name,
    message_id,
    message_of,
    to_document,
)
from server.workflow.model import Case, LogEntry
from sync.conflicts import find_settled, keep_winner
from sync.store import Conflict, DocumentStore


class Queue:
    """Writes deliveries. How far each subscription has been told of a case is kept beside them."""

    def __init__(self, store: DocumentStore, book: Book, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._book = book
        self._clock = clock

    def take(self, case: Case) -> int:
        """Queue what subscriptions have not been told of a case; how much that is. May be repeated."""
        subscriptions = [one for one in self._book.subscriptions(case.organisation) if one.state == "active"]
        if not subscriptions or not case.log:
            return 0
        known = find_settled(self._store, self._book.database, TOLD + case.id, keep_winner) or {}
        heads: dict[str, str] = dict(known.get("heads", {}))
        news = [
            to_document(DELIVERY, delivery_name(delivery), delivery)
            for one in subscriptions
            for delivery in self._deliveries(one, case, heads.get(one.id))
        ]
        if news:
            # One that is there already waits; at worst what has arrived is sent again under the same id.
            self._store.bulk_docs(self._book.database, news)
        last = case.log[-1].hash
        told = {one.id: last for one in subscriptions}
        if heads != told:
            self._remember(case.id, told, known)
        return len(news)

    def _deliveries(self, one: Subscription, case: Case, head: str | None) -> Iterator[Delivery]:
        now = self._clock()
        for entry in _after(case.log, head):
            if entry.at >= one.since and one.wants(entry.event):
                yield Delivery(
                    id=message_id(case, entry),
                    subscription=one.id,
                    event=entry.event,
                    body=message_of(case, entry),
                    created_at=now,
                    next_at=now,
                )

    def _remember(self, case_id: str, told: dict[str, str], known: dict[str, Any]) -> None:
        document = {"_id": TOLD + case_id, "type": "told", "schema": 1, "heads": told}
        if "_rev" in known:
            document["_rev"] = known["_rev"]
        try:
            self._store.put(self._book.database, document)
        except Conflict:
            return  # somebody else told of it meanwhile; at worst something is queued twice, as one message


def _after(log: Sequence[LogEntry], head: str | None) -> Sequence[LogEntry]:
    """What stands behind an entry; all of it if the entry is gone, with a branch that lost a conflict."""
    for n in range(len(log), 0, -1):
        if log[n - 1].hash == head:
            return log[n:]
    return log
