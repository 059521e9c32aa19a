"""The life of a version: written as a draft, reviewed by a second person, published, and then never changed.

Functions of values; who acts and when are parameters. A draft says in its history who did what to which
definition, named by its digest. What is not done is refused, and the refusal names the facts that would
change the answer.

What two persons means: whoever changed the definition since it was last reviewed cannot review it, and only
what was reviewed as it stands is published. So of every published sentence two people have seen it as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from checklists.loader import DefinitionError
from checklists.model import Definition
from checklists.refusal import ChecklistRefused

__all__ = [
    "MAX_REMARK",
    "RESERVED_IDS",
    "Draft",
    "Event",
    "as_published",
    "change",
    "draft_from_document",
    "draft_id",
    "draft_to_document",
    "merged_draft",
    "publish",
    "review",
    "start",
    "withdraw",
]

State = Literal["draft", "reviewed", "published", "withdrawn"]
Deed = Literal["created", "changed", "reviewed", "published", "withdrawn", "merged"]

#: Ids that are paths of their own beside the checklists'.
RESERVED_IDS = frozenset({"drafts", "import", "limits", "schema"})
#: Characters in what a person remarks on a review, a publication or a withdrawal.
MAX_REMARK = 2000
_ID = re.compile(r"[a-z][a-z0-9-]{0,63}")
_SCHEMA = 1
_PREFIX = "checklist-draft:"
#: Whoever merged a draft that was written in two places at once.
_NOBODY = "hezha"


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who did what, when (an aware time), to the definition of this digest."""

    event: Deed
    by: str
    at: datetime
    digest: str
    remark: str = ""


class Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A definition on its way to being a version; `history` begins where the version before was published.

    `aside` are definitions that lost when the draft was written in two places at once. They are shown until
    somebody has written the draft anew.
    """

    definition: Definition
    state: State
    history: tuple[Event, ...]
    aside: tuple[Definition, ...] = ()

    @property
    def open(self) -> bool:
        """Whether it can still be changed."""
        return self.state in ("draft", "reviewed")

    @property
    def authors(self) -> tuple[str, ...]:
        """Whoever changed the definition since it was last reviewed; once it was merged, whoever ever did."""
        everybody: dict[str, None] = {}
        since: dict[str, None] = {}
        for event in self.history:
            if event.event == "reviewed":
                since = {}
            elif event.event == "merged":
                since = dict(everybody)
            elif event.event in ("created", "changed"):
                everybody[event.by] = since[event.by] = None
        return tuple(since)

    @property
    def reviewer(self) -> str | None:
        """Whoever reviewed the definition as it stands and had no part in its last change; None if nobody."""
        author: str | None = None
        reviewer: str | None = None
        for event in self.history:
            if event.event in ("created", "changed", "merged"):
                author, reviewer = event.by, None
            elif event.event == "reviewed" and event.digest == self.definition.digest and event.by != author:
                reviewer = event.by
        return reviewer


def start(
    definition: Definition, *, by: str, at: datetime, latest: Definition | None, before: Draft | None = None
) -> Draft:
    """A new draft of what follows `latest`, the newest published version (None: there is none yet).

    `before` is the last draft of the same checklist. Raises ChecklistRefused: `draft_exists`, or as `change`.
    """
    if before is not None and before.open:
        params = {"id": definition.id, "by": before.history[-1].by}
        raise ChecklistRefused("draft_exists", params, facts=(f"draft:{definition.id}",))
    _require_follows(definition, latest)
    kept = before.history if before is not None and before.state == "withdrawn" else ()
    return Draft(definition, "draft", (*kept, Event("created", by, at, definition.digest)))


def change(
    draft: Draft, definition: Definition, *, by: str, at: datetime, latest: Definition | None
) -> Draft:
    """The draft with another definition, which nobody has reviewed yet; the same one changes nothing.

    Raises ChecklistRefused: `draft_ended`, `checklist_id_unusable`, `draft_of_another`, `version_not_next`,
    `stage_differs`.
    """
    _require_open(draft)
    if definition.id != draft.definition.id:
        params = {"id": draft.definition.id, "given": definition.id}
        raise ChecklistRefused("draft_of_another", params, facts=("field:id",), kind="invalid")
    _require_follows(definition, latest)
    if definition.digest == draft.definition.digest and not draft.aside:
        return draft
    return Draft(definition, "draft", (*draft.history, Event("changed", by, at, definition.digest)))


def review(draft: Draft, *, by: str, at: datetime, complaints: Sequence[object], remark: str = "") -> Draft:
    """The draft with the word of `by` that it is good as it stands. `complaints` are what lint says of it.

    Raises ChecklistRefused: `draft_ended`, `own_review`, `checklist_not_sound`.
    """
    _require_open(draft)
    # Nobody is an author since the review of a draft that stands reviewed, but who wrote it is no second eye.
    last = next(event.by for event in reversed(draft.history) if event.event in ("created", "changed"))
    if by in {*draft.authors, last}:
        names = ", ".join(sorted({*draft.authors, last}))
        raise ChecklistRefused("own_review", {"names": names}, facts=("person:another",), kind="forbidden")
    _require_sound(draft, complaints)
    said = Event("reviewed", by, at, draft.definition.digest, remark)
    return replace(draft, state="reviewed", history=(*draft.history, said))


def publish(
    draft: Draft,
    *,
    by: str,
    at: datetime,
    complaints: Sequence[object],
    latest: Definition | None,
    remark: str = "",
) -> Draft:
    """The draft as published: its definition is a version from now on.

    Raises ChecklistRefused: `draft_ended`, `draft_not_reviewed`, `checklist_not_sound`, `version_not_next`,
    `stage_differs`.
    """
    _require_open(draft)
    if draft.state != "reviewed" or draft.reviewer is None:
        raise ChecklistRefused(
            "draft_not_reviewed", {"id": draft.definition.id}, facts=("review", "person:another")
        )
    _require_sound(draft, complaints)
    _require_follows(draft.definition, latest)
    done = Event("published", by, at, draft.definition.digest, remark)
    return replace(draft, state="published", history=(*draft.history, done))


def as_published(draft: Draft, history: tuple[Event, ...]) -> Draft:
    """The draft as it ends when its definition stands published with this history."""
    return Draft(draft.definition, "published", history)


def withdraw(draft: Draft, *, by: str, at: datetime, remark: str = "") -> Draft:
    """The draft given up; its history stays. Raises ChecklistRefused `draft_ended`."""
    _require_open(draft)
    given_up = Event("withdrawn", by, at, draft.definition.digest, remark)
    return replace(draft, state="withdrawn", history=(*draft.history, given_up))


def _require_open(draft: Draft) -> None:
    if not draft.open:
        params = {"id": draft.definition.id, "state": draft.state}
        raise ChecklistRefused("draft_ended", params, facts=(f"draft:{draft.definition.id}",))


def _require_sound(draft: Draft, complaints: Sequence[object]) -> None:
    if complaints:
        params = {"id": draft.definition.id, "count": len(complaints)}
        raise ChecklistRefused("checklist_not_sound", params, facts=("definition",))


def _require_follows(definition: Definition, latest: Definition | None) -> None:
    """Refuse a definition that cannot be the version after `latest`."""
    if not _ID.fullmatch(definition.id) or definition.id in RESERVED_IDS:
        params = {"id": definition.id[:100]}
        raise ChecklistRefused("checklist_id_unusable", params, facts=("field:id",), kind="invalid")
    following = 1 if latest is None else latest.version + 1
    if definition.version != following:
        numbers = {"version": definition.version, "next": following}
        raise ChecklistRefused(
            "version_not_next", {"id": definition.id, **numbers}, facts=(f"version:{following}",)
        )
    if latest is not None and latest.stage != definition.stage:
        params = {"id": definition.id, "stage": definition.stage, "was": latest.stage}
        raise ChecklistRefused("stage_differs", params, facts=("field:stage",), kind="invalid")


# -- as documents


def draft_id(checklist_id: str) -> str:
    """The id of the document that holds the draft of a checklist: there is one at a time."""
    return _PREFIX + checklist_id


def draft_to_document(draft: Draft) -> dict[str, Any]:
    """Plain JSON values with `_id`, `type` and `schema`; whoever stores it adds the `_rev`."""
    return {
        "_id": draft_id(draft.definition.id),
        "type": "checklist-draft",
        "schema": _SCHEMA,
        **msgspec.to_builtins(draft),
    }


def draft_from_document(doc: Mapping[str, Any]) -> Draft:
    """Raises DefinitionError for what is no draft of this schema."""
    name = doc.get("_id", "document")
    if doc.get("type") != "checklist-draft" or doc.get("schema") != _SCHEMA:
        raise DefinitionError(f"{name}: not a checklist draft of schema {_SCHEMA}")
    body = {key: value for key, value in doc.items() if key not in {"_id", "_rev", "type", "schema"}}
    try:
        return msgspec.convert(body, Draft)
    except msgspec.ValidationError as error:
        raise DefinitionError(f"{name}: {error}") from error


def merged_draft(leaves: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One draft of leaves that were written in two places at once: no edit and no event is lost.

    What was published is. Else what was written last stands, the other definitions are set aside, and it
    takes a new review, for whoever gave one had half of it before them.
    """
    drafts = [draft_from_document(leaf) for leaf in leaves]
    drafts.sort(key=lambda draft: (draft.state == "published", draft.history[-1].at, draft.definition.digest))
    stands = drafts[-1]
    events = {msgspec.json.encode(event): event for draft in drafts for event in draft.history}
    history = tuple(sorted(events.values(), key=lambda event: (event.at, msgspec.json.encode(event))))
    if stands.state == "published":
        return draft_to_document(replace(stands, history=history))
    others = {
        one.digest: one
        for draft in drafts
        for one in (draft.definition, *draft.aside)
        if one.digest != stands.definition.digest
    }
    merged = Event("merged", _NOBODY, history[-1].at, stands.definition.digest)
    state: State = "draft" if others and any(draft.open for draft in drafts) else stands.state
    aside = tuple(others[digest] for digest in sorted(others))
    return draft_to_document(Draft(stands.definition, state, (*history, merged), aside))
