"""Subscriptions, and what could not be delivered, in a database of their own that only the server opens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime

from msgspec.structs import replace

from server.names import Names, new_id
from server.webhooks.model import (
    DEAD,
    DELIVERY,
    PING,
    SUBSCRIPTION,
    Attempt,
    Delivery,
    Subscription,
    delivery_from,
    delivery_name,
    new_secret,
    subscription_from,
    to_document,
)
from sync.changing import change_document
from sync.conflicts import find_settled, keep_winner
from sync.store import Conflict, DatabaseExists, Document, DocumentStore, NotFound, Security


class Book:
    """`keep`: dead letters of a subscription that are kept; the oldest go first."""

    def __init__(self, store: DocumentStore, names: Names, clock: Callable[[], datetime], keep: int) -> None:
        self._store = store
        self.database = names.webhooks
        self._clock = clock
        self._keep = keep

    # -- subscriptions

    def add(
        self, *, id_: str, organisation: str, url: str, events: tuple[str, ...], by: str
    ) -> tuple[Subscription, bool]:
        """Keep a subscription; the one that has the id already, and False, if there is one."""
        now = self._clock()
        subscription = Subscription(
            id=id_,
            organisation=organisation,
            url=url,
            events=events,
            secret=new_secret(),
            created_at=now,
            created_by=by,
            since=now,
        )
        with suppress(DatabaseExists):
            self._store.create_database(self.database, Security(kind="registry"))
        try:
            self._store.put(self.database, to_document(SUBSCRIPTION, id_, subscription))
        except Conflict:
            return self.subscription(id_), False
        return subscription, True

    def subscriptions(self, organisation: str) -> list[Subscription]:
        """Those of an organisation, the oldest first."""
        try:
            found = list(self._store.all_docs(self.database, prefix=SUBSCRIPTION))
        except NotFound:
            return []  # nobody has ever subscribed
        ours = [one for one in map(subscription_from, found) if one.organisation == organisation]
        return sorted(ours, key=lambda one: (one.created_at, one.id))

    def subscription(self, id_: str) -> Subscription:
        """Raises NotFound."""
        return subscription_from(self._subscribed(id_))

    def _subscribed(self, id_: str) -> Document:
        document = find_settled(self._store, self.database, SUBSCRIPTION + id_, keep_winner)
        if document is None:
            raise NotFound("missing")
        return document

    def change(self, id_: str, change: Callable[[Subscription], Subscription]) -> Subscription:
        """Apply `change`, again if somebody else wrote meanwhile. Raises NotFound."""
        changed, _ = change_document(
            self._store,
            self.database,
            lambda: self._subscribed(id_),
            read=subscription_from,
            write=lambda wanted: to_document(SUBSCRIPTION, id_, wanted),
            change=change,
        )
        return changed

    def enable(self, id_: str) -> Subscription:
        """Send again; of what happened meanwhile nothing is sent."""
        now = self._clock()
        return self.change(
            id_,
            lambda one: (
                one
                if one.state == "active"
                else replace(one, state="active", reason="", failing_since=None, since=now)
            ),
        )

    def disable(self, id_: str, reason: str) -> Subscription:
        return self.change(
            id_, lambda one: one if one.state == "disabled" else replace(one, state="disabled", reason=reason)
        )

    def remove(self, id_: str) -> None:
        """Forget a subscription and all that waited for it. Raises NotFound."""
        for prefix in (f"{DELIVERY}{id_}:", f"{DEAD}{id_}:", SUBSCRIPTION + id_):
            for document in list(self._store.all_docs(self.database, prefix=prefix)):
                self._delete(document["_id"], document["_rev"])

    # -- deliveries

    def deliveries(self) -> Iterator[Delivery]:
        """Everything that waits."""
        try:
            found = self._store.all_docs(self.database, prefix=DELIVERY)
        except NotFound:
            return iter(())
        return map(delivery_from, found)

    def delivery(self, name: str) -> tuple[Delivery, str] | None:
        """One that waits, and its revision; None if it has arrived or was given up."""
        document = find_settled(self._store, self.database, DELIVERY + name, keep_winner)
        return None if document is None else (delivery_from(document), str(document["_rev"]))

    def put_off(self, delivery: Delivery, rev: str) -> None:
        """Keep what an attempt changed. Whoever was faster, another worker, is right."""
        document = {**to_document(DELIVERY, delivery_name(delivery), delivery), "_rev": rev}
        try:
            self._store.put(self.database, document)
        except Conflict:
            return

    def done(self, delivery: Delivery, rev: str) -> None:
        self._delete(DELIVERY + delivery_name(delivery), rev)

    def give_up(self, delivery: Delivery, rev: str) -> None:
        """Put it with the dead letters, and take it from what waits after that."""
        self._write(DEAD, delivery)
        self.done(delivery, rev)
        letters = list(self._store.all_docs(self.database, prefix=f"{DEAD}{delivery.subscription}:"))
        letters.sort(key=lambda one: str(one["created_at"]))
        for letter in letters[: max(0, len(letters) - self._keep)]:
            self._delete(letter["_id"], letter["_rev"])

    def dead_letters(self, id_: str) -> list[Delivery]:
        """What was given up, the latest first."""
        found = map(delivery_from, self._store.all_docs(self.database, prefix=f"{DEAD}{id_}:"))
        return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)

    def redeliver(self, id_: str, message: str) -> Delivery:
        """Send a dead letter once more, from the beginning. Raises NotFound."""
        document = find_settled(self._store, self.database, f"{DEAD}{id_}:{message}", keep_winner)
        if document is None:
            raise NotFound("missing")
        fresh = replace(delivery_from(document), attempts=0, next_at=self._clock())
        self._write(DELIVERY, fresh)
        self._delete(document["_id"], document["_rev"])
        return fresh

    def ping(self, subscription: Subscription) -> Delivery:
        """Send something that means nothing, to see whether it arrives."""
        now, message = self._clock(), f"{PING}-{new_id()}"
        delivery = Delivery(
            id=message,
            subscription=subscription.id,
            event=PING,
            body={"id": message, "event": PING, "at": now.isoformat()},
            created_at=now,
            next_at=now,
        )
        self._write(DELIVERY, delivery)
        return delivery

    def failed(self, id_: str, attempt: Attempt, disable_after: float) -> None:
        """Note that nothing arrives; after so many seconds of that the subscription is disabled."""

        def note(one: Subscription) -> Subscription:
            since = one.failing_since or attempt.at
            late = (attempt.at - since).total_seconds() > disable_after
            if late and one.state == "active":
                return replace(one, failing_since=since, state="disabled", reason="failing")
            return replace(one, failing_since=since)

        self.change(id_, note)

    def _write(self, prefix: str, delivery: Delivery) -> None:
        """Put a delivery under a prefix. One that is there already is the same message, and stays."""
        try:
            self._store.put(self.database, to_document(prefix, delivery_name(delivery), delivery))
        except Conflict:
            return

    def _delete(self, doc_id: str, rev: str) -> None:
        try:
            self._store.put(self.database, {"_id": doc_id, "_rev": rev, "_deleted": True})
        except Conflict:
            return
