"""An organisation's limit as it stands: who added it, and how it ends.

Adding a limit tightens, so one person may. Ending one early loosens, so one person proposes it and another
confirms; and it never ends before today, because what held on the day of a visit has held. What a limit says
never changes: who wants another one adds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from checklists.loader import DefinitionError
from checklists.overrides import Override
from checklists.refusal import ChecklistRefused

__all__ = [
    "LIMIT_PREFIX",
    "Ending",
    "Standing",
    "add",
    "confirm_end",
    "merged_standing",
    "propose_end",
    "reject_end",
    "standing_from_document",
    "standing_to_document",
]

LIMIT_PREFIX = "checklist-limit:"
_SCHEMA = 1
Deed = Literal["added", "end_proposed", "end_rejected", "ended"]


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who did what to a limit, when (an aware time)."""

    event: Deed
    by: str
    at: datetime
    remark: str = ""


class Ending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A proposal that a limit hold no longer than `until`, which waits for a second person."""

    until: date
    by: str
    at: datetime
    reason: str


class Standing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A limit with its history and the proposal that waits, if one does."""

    limit: Override
    history: tuple[Event, ...]
    ending: Ending | None = None


def add(override: Override, *, by: str, at: datetime) -> Standing:
    """The override as a limit that stands. Whether it tightens, `overrides.check` says."""
    return Standing(override, (Event("added", by, at),))


def propose_end(
    standing: Standing, *, until: date, reason: str, by: str, at: datetime, today: date
) -> Standing:
    """The limit with a proposal to end it after the day `until`.

    Raises ChecklistRefused: `limit_end_proposed`, `limit_end_passed`, `limit_ends_before`.
    """
    if standing.ending is not None:
        raise _refused(standing, "limit_end_proposed", {"by": standing.ending.by})
    _require_ahead(standing, until, today)
    if standing.limit.until is not None and standing.limit.until <= until:
        raise _refused(standing, "limit_ends_before", {"until": standing.limit.until.isoformat()})
    proposed = Event("end_proposed", by, at, reason)
    return replace(standing, ending=Ending(until, by, at, reason), history=(*standing.history, proposed))


def confirm_end(standing: Standing, *, by: str, at: datetime, today: date) -> Standing:
    """The limit with its end as somebody else proposed it.

    Raises ChecklistRefused: `limit_end_not_proposed`, `limit_end_own`, `limit_end_passed`.
    """
    ending = _require_proposed(standing)
    if by == ending.by:
        params = {"id": standing.limit.id, "by": ending.by}
        raise ChecklistRefused("limit_end_own", params, facts=("person:another",), kind="forbidden")
    _require_ahead(standing, ending.until, today)
    ended = replace(standing.limit, until=ending.until)
    return Standing(ended, (*standing.history, Event("ended", by, at)))


def reject_end(standing: Standing, *, reason: str, by: str, at: datetime) -> Standing:
    """The limit without the proposal, turned down or taken back. Raises ChecklistRefused
    `limit_end_not_proposed`."""
    _require_proposed(standing)
    return Standing(standing.limit, (*standing.history, Event("end_rejected", by, at, reason)))


def _require_proposed(standing: Standing) -> Ending:
    if standing.ending is None:
        raise _refused(standing, "limit_end_not_proposed", {})
    return standing.ending


def _require_ahead(standing: Standing, until: date, today: date) -> None:
    if until < today:
        days = {"until": until.isoformat(), "today": today.isoformat()}
        params = {"id": standing.limit.id, **days}
        raise ChecklistRefused("limit_end_passed", params, facts=("field:until",), kind="invalid")


def _refused(standing: Standing, code: str, params: Mapping[str, str]) -> ChecklistRefused:
    about = {"id": standing.limit.id, **params}
    return ChecklistRefused(code, about, facts=(f"limit:{standing.limit.id}",))


# -- as documents


def standing_to_document(standing: Standing) -> dict[str, Any]:
    """The `library` document `checklist-limit:<id>`: tablets apply `limit` as the server does."""
    return {
        "_id": LIMIT_PREFIX + standing.limit.id,
        "type": "checklist-limit",
        "schema": _SCHEMA,
        **msgspec.to_builtins(standing),
        "digest": standing.limit.digest,
    }


def standing_from_document(doc: Mapping[str, Any]) -> Standing:
    """Raises DefinitionError for what is no limit of this schema, or says something else than it did."""
    name = doc.get("_id", "document")
    if doc.get("type") != "checklist-limit" or doc.get("schema") != _SCHEMA:
        raise DefinitionError(f"{name}: not a limit of schema {_SCHEMA}")
    body = {
        key: value for key, value in doc.items() if key not in {"_id", "_rev", "type", "schema", "digest"}
    }
    try:
        standing = msgspec.convert(body, Standing)
    except msgspec.ValidationError as error:
        raise DefinitionError(f"{name}: {error}") from error
    if doc.get("digest") != standing.limit.digest:
        raise DefinitionError(f"{name}: the limit does not match its digest")
    return standing


def merged_standing(leaves: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One limit of leaves that were written in two places at once: where they differ, it holds for longer.

    A proposal that only one place knows of is dropped, to be made anew; its event stays.
    """
    standings = [standing_from_document(leaf) for leaf in leaves]
    longest = max(standings, key=lambda one: one.limit.until or date.max)
    events = {msgspec.json.encode(event): event for one in standings for event in one.history}
    history = tuple(sorted(events.values(), key=lambda event: (event.at, msgspec.json.encode(event))))
    agreed = all(one.ending == longest.ending and one.limit == longest.limit for one in standings)
    ending = longest.ending if agreed else None
    return standing_to_document(Standing(longest.limit, history, ending))
