"""What the customer does on a case, and the link by which: values and bounds. See `handlers/customer`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from server.workflow.refusal import Refusal
from server.workflow.vocabulary import Id, Moment, Name, Value, Words

if TYPE_CHECKING:
    from server.workflow.model import Case, ItemAnswer, LogEntry
    from server.workflow.policy import Policy

#: How somebody who came by a link is named in the log; no user's name has a colon.
_ACTOR = "customer:"
_DAY = timedelta(days=1)
#: What a wish may be about beside the tasks of the case.
ENERGIZATION: Literal["energization"] = "energization"


class Link(Value, frozen=True, kw_only=True):
    """A link to the case that somebody outside was given. The token itself is kept nowhere.

    `to`: whom it was given to, in the manager's words. It ends at `expires_at`, or when it was revoked.
    """

    id: Id
    to: Words
    issued_at: Moment
    issued_by: Name
    expires_at: Moment
    revoked_at: Moment | None = None
    revoked_by: Name | None = None
    revoked_reason: Words = ""

    def holds(self, now: datetime) -> bool:
        """Whether it opens the case at a moment."""
        return self.revoked_at is None and now < self.expires_at


class Wish(Value, frozen=True, kw_only=True):
    """A time that the customer asked for. `about`: a task's id, or `energization`. The office decides."""

    id: Id
    about: Id
    at: Moment
    wished_at: Moment
    wished_by: Name
    note: Words = ""


def customer_by(link_id: str) -> str:
    """The name in the log of whoever came by a link."""
    return _ACTOR + link_id


def acts_of_customer(case: Case) -> Iterator[LogEntry]:
    """The entries with which decisions of somebody who came by a link begin."""
    return (entry for entry in case.log if entry.actor.startswith(_ACTOR) and entry.cause is not None)


def require_measure(case: Case, now: datetime, policy: Policy) -> None:
    """Refuse more acts by links than a customer has reason for within a day: the log keeps each of them."""
    recent = sum(now - _DAY < entry.at <= now for entry in acts_of_customer(case))
    if recent >= policy.link_acts_a_day:
        raise Refusal("too_many_acts", {"limit": policy.link_acts_a_day}, facts=("time:tomorrow",))


def require_room_for_photos(case: Case, more: int, policy: Policy) -> None:
    """Refuse more photos by links than a case has reason for: each is kept as long as the case."""
    sent = sum(len(item.photos) for item in _answered_by_customer(case))
    if sent + more > policy.link_photos:
        params = {"limit": policy.link_photos, "sent": sent}
        raise Refusal("too_many_photos", params, facts=("field:photos",))


def _answered_by_customer(case: Case) -> Iterator[ItemAnswer]:
    for notice in case.notices.values():
        for answer in notice.answers:
            if answer.recorded_by.startswith(_ACTOR):
                yield from answer.items.values()


def receipt_no(entry: LogEntry) -> str:
    """What the customer may quote: the beginning of the hash of the entry that told of it first.

    It stays the same when the decision is carried out again after a conflict.
    """
    origin = entry.cause.origin if entry.cause is not None else None
    digits = (origin or entry.hash)[:12].upper()
    return "-".join((digits[:4], digits[4:8], digits[8:]))


__all__ = [
    "ENERGIZATION",
    "Link",
    "Wish",
    "acts_of_customer",
    "customer_by",
    "receipt_no",
    "require_measure",
    "require_room_for_photos",
]
