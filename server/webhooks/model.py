"""What webhooks are made of: subscriptions, deliveries, and the signature of a message.

Messages are signed as Standard Webhooks has it: HMAC-SHA256 over `id.timestamp.body`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from server.texts import catalogue
from server.workflow.model import Case, LogEntry

SCHEMA = 1
SUBSCRIPTION, DELIVERY, DEAD, TOLD = "subscription:", "delivery:", "dead:", "told:"
#: Every event, those of later versions too.
EVERY = "*"
PING = "ping"
_SECRET = "whsec_"  # noqa: S105  how every secret begins, not one
_SECRET_BYTES = 32
_EVENT = "event."
#: A message larger than this comes without the event's data; the log has it.
_LARGEST = 64 * 1024

Moment = Annotated[datetime, Meta(tz=True)]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what is kept: a document's fields beside its envelope."""


class Subscription(Record, frozen=True, kw_only=True):
    """Who wants to hear of what. `since`: of what happened before, nothing is sent.

    `failing_since`: the first failure after which nothing has arrived yet.
    """

    id: str
    organisation: str
    url: str
    events: tuple[str, ...]
    secret: str
    created_at: Moment
    created_by: str
    since: Moment
    state: Literal["active", "disabled"] = "active"
    reason: str = ""
    failing_since: Moment | None = None

    def wants(self, event: str) -> bool:
        return self.state == "active" and (EVERY in self.events or event in self.events)


class Attempt(Record, frozen=True, kw_only=True):
    """How sending went: `status` of HTTP if there was an answer, else `error`, a code of ours."""

    at: Moment
    status: int | None = None
    error: str = ""


class Delivery(Record, frozen=True, kw_only=True):
    """A message on its way to one subscription. `id` is what the receiver knows it by."""

    id: str
    subscription: str
    event: str
    body: Mapping[str, Any]
    created_at: Moment
    next_at: Moment
    attempts: int = 0
    last: Attempt | None = None


def known_events() -> frozenset[str]:
    """The names of every event that a case's log may have."""
    return frozenset(code.removeprefix(_EVENT) for code in catalogue("en") if code.startswith(_EVENT))


def new_secret() -> str:
    return _SECRET + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signature(secret: str, message: str, timestamp: int, body: bytes) -> str:
    """The value of the header `Webhook-Signature`."""
    key = base64.b64decode(secret.removeprefix(_SECRET))
    signed = b".".join((message.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def message_of(case: Case, entry: LogEntry) -> dict[str, Any]:
    """What is said of one entry of a case's log. The same entry gives the same message, id and all."""
    body: dict[str, Any] = {
        "id": message_id(case, entry),
        "event": entry.event,
        "at": entry.at.isoformat(),
        "organisation": case.organisation,
        "case": {"id": case.id, "no": case.no},
        "seq": entry.seq,
        "actor": entry.actor,
        "data": dict(entry.data),
    }
    if len(json.dumps(body)) > _LARGEST:
        body["data"] = None
    return body


def message_id(case: Case, entry: LogEntry) -> str:
    """In the order of the log, and by the entry's hash: what a conflict puts in its place is another."""
    return f"{case.id}-{entry.seq:05}-{entry.hash[:16]}"


def to_document(prefix: str, name: str, record: Record) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(record)
    return {"_id": prefix + name, "type": prefix.rstrip(":"), "schema": SCHEMA, **plain}


def delivery_name(delivery: Delivery) -> str:
    return f"{delivery.subscription}:{delivery.id}"


def subscription_from(document: Mapping[str, Any]) -> Subscription:
    return msgspec.convert(dict(document), Subscription)


def delivery_from(document: Mapping[str, Any]) -> Delivery:
    return msgspec.convert(dict(document), Delivery)
