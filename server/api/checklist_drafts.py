# mypy: disable-error-code="untyped-decorator"
"""Drafts of checklists: written by one person, reviewed by another, then published as a version."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import marshmallow as ma
from flask import g

from checklists.differencing import difference
from checklists.loader import UnknownChecklist
from checklists.model import Definition
from checklists.versions import MAX_REMARK
from server.api.base import Schema, blueprint, roles
from server.api.casework import REQUIRED_MATCH, plain, required_match
from server.api.checklists import ChecklistRow, checklist_row
from server.api.definitions import DEFINITION_BODY, sent_definition
from server.library.drafts import StaleDraft, Stored, UnknownDraft
from server.problems import Problem
from server.services import services

blp = blueprint("checklist_drafts", "Checklists on their way to a version 清单草稿.")

#: Drafts are written and reviewed by the office. A version goes to every organisation of the house, so it is
#: published by who keeps the house.
WRITERS = ("manager", "admin")
READERS = (*WRITERS, "auditor")
PUBLISHERS = ("admin",)


class RemarkIn(Schema):
    remark = ma.fields.String(validate=ma.validate.Length(max=MAX_REMARK), load_default="")


class DraftRow(ChecklistRow):
    state = ma.fields.String(metadata={"description": "draft, reviewed, published or withdrawn."})
    authors = ma.fields.List(
        ma.fields.String(), metadata={"description": "Who changed it since its last review."}
    )
    reviewer = ma.fields.String(allow_none=True, metadata={"description": "Who reviewed it as it stands."})


class DraftList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(DraftRow))


class DraftOut(DraftRow):
    definition = ma.fields.Dict()
    history = ma.fields.List(
        ma.fields.Dict(), metadata={"description": "Who did what, when, to what digest."}
    )
    aside = ma.fields.List(
        ma.fields.Dict(),
        metadata={"description": "Definitions that lost when the draft was written in two places at once."},
    )
    complaints = ma.fields.List(
        ma.fields.Dict(), metadata={"description": "What lint says: code, subject, path, text."}
    )
    limits_lost = ma.fields.List(
        ma.fields.String(),
        metadata={"description": "Organisations' limits that would no longer count, as their item is gone."},
    )


class HistoryOut(ma.Schema):
    id = ma.fields.String()
    version = ma.fields.Integer()
    history = ma.fields.List(ma.fields.Dict())


class DifferenceList(ma.Schema):
    before = ma.fields.String(allow_none=True)
    after = ma.fields.String()
    items = ma.fields.List(ma.fields.Dict())


def _row(stored: Stored) -> dict[str, Any]:
    draft, definition = stored.draft, stored.draft.definition
    return {
        **checklist_row(definition),
        "state": draft.state,
        "authors": list(draft.authors),
        "reviewer": draft.reviewer,
    }


def _answer(stored: Stored) -> tuple[dict[str, Any], dict[str, str]]:
    draft = stored.draft
    body = {
        **_row(stored),
        "definition": plain(draft.definition),
        "history": plain(draft.history),
        "aside": plain(draft.aside),
        "complaints": plain(services().drafts.complaints(draft)) if draft.open else [],
        "limits_lost": services().drafts.limits_lost(draft) if draft.open else [],
    }
    return body, {"ETag": f'"{stored.rev}"'}


@contextmanager
def _found() -> Iterator[None]:
    """Says what is not there, or not as the caller read it, as a problem."""
    try:
        yield
    except UnknownDraft:
        raise Problem(404, "not_found") from None
    except StaleDraft:
        raise Problem(412, "precondition_failed") from None


@blp.route("/checklists", methods=["POST"])
@roles(*WRITERS)
@blp.doc(requestBody=DEFINITION_BODY)
@blp.response(201, DraftOut)
def begin_draft() -> tuple[dict[str, Any], dict[str, str]]:
    """Begin the draft of a new checklist, or of the next version of one. There is one draft at a time.

    The same definition sent again by the same person finds the draft that the first request began.
    """
    definition = sent_definition()
    with _found():
        return _answer(services().drafts.start(definition, by=g.actor.name))


@blp.route("/checklists/drafts", methods=["GET"])
@roles(*READERS)
@blp.response(200, DraftList)
def list_drafts() -> dict[str, Any]:
    """The last draft of every checklist, those that have ended too."""
    return {"items": [_row(stored) for stored in services().drafts.all()]}


@blp.route("/checklists/drafts/<checklist_id>", methods=["GET"])
@roles(*READERS)
@blp.response(200, DraftOut)
def show_draft(checklist_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """One draft, with its history and what lint says of it."""
    with _found():
        return _answer(services().drafts.get(checklist_id))


@blp.route("/checklists/drafts/<checklist_id>", methods=["PUT"])
@roles(*WRITERS)
@blp.doc(requestBody=DEFINITION_BODY, parameters=[REQUIRED_MATCH])
@blp.response(200, DraftOut)
def change_draft(checklist_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Give a draft another definition. A review of what it was before no longer counts."""
    rev, definition = required_match(), sent_definition()
    with _found():
        drafts = services().drafts
        return _answer(drafts.change(checklist_id, definition, by=g.actor.name, if_rev=rev))


@blp.route("/checklists/drafts/<checklist_id>", methods=["DELETE"])
@roles(*WRITERS)
@blp.doc(parameters=[REQUIRED_MATCH])
@blp.response(200, DraftOut)
def withdraw_draft(checklist_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Give a draft up. Its history stays, and goes on in the next draft."""
    rev = required_match()
    with _found():
        return _answer(services().drafts.withdraw(checklist_id, by=g.actor.name, remark="", if_rev=rev))


@blp.route("/checklists/drafts/<checklist_id>/review", methods=["POST"])
@roles(*WRITERS)
@blp.doc(parameters=[REQUIRED_MATCH])
@blp.arguments(RemarkIn)
@blp.response(200, DraftOut)
def review_draft(body: dict[str, Any], checklist_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Say that a draft is good as it stands. Not for who changed it since its last review."""
    rev = required_match()
    with _found():
        return _answer(services().drafts.review(checklist_id, by=g.actor.name, if_rev=rev, **body))


@blp.route("/checklists/drafts/<checklist_id>/publish", methods=["POST"])
@roles(*PUBLISHERS)
@blp.doc(parameters=[REQUIRED_MATCH])
@blp.arguments(RemarkIn)
@blp.response(200, DraftOut)
def publish_draft(body: dict[str, Any], checklist_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Make a reviewed draft a version that never changes. New tasks take it; given ones keep theirs."""
    rev = required_match()
    with _found():
        return _answer(services().drafts.publish(checklist_id, by=g.actor.name, if_rev=rev, **body))


@blp.route("/checklists/drafts/<checklist_id>/diff", methods=["GET"])
@roles(*READERS)
@blp.response(200, DifferenceList)
def compare_draft(checklist_id: str) -> dict[str, Any]:
    """What a draft changes against the newest published version; nothing to compare with for a first one."""
    with _found():
        definition = services().drafts.get(checklist_id).draft.definition
    try:
        published = services().library.latest(checklist_id)
    except UnknownChecklist:
        return {"before": None, "after": _name(definition), "items": []}
    return _compared(published, definition)


@blp.route("/checklists/<checklist_id>/versions/<int:version>/diff/<int:other>", methods=["GET"])
@roles()
@blp.response(200, DifferenceList)
def compare_versions(checklist_id: str, version: int, other: int) -> dict[str, Any]:
    """What the version `other` changed against `version`, in sentences, and what became stricter."""
    library = services().library
    try:
        return _compared(library.get(checklist_id, version), library.get(checklist_id, other))
    except UnknownChecklist:
        raise Problem(404, "not_found") from None


@blp.route("/checklists/<checklist_id>/versions/<int:version>/history", methods=["GET"])
@roles(*READERS)
@blp.response(200, HistoryOut)
def show_history(checklist_id: str, version: int) -> dict[str, Any]:
    """Who wrote, reviewed and published a version; empty for one that came with Hezha."""
    try:
        history = services().drafts.history(checklist_id, version)
    except UnknownChecklist:
        raise Problem(404, "not_found") from None
    return {"id": checklist_id, "version": version, "history": plain(history)}


def _name(definition: Definition) -> str:
    return f"{definition.id}@{definition.version}"


def _compared(before: Definition, after: Definition) -> dict[str, Any]:
    found = difference(before, after)
    return {"before": _name(before), "after": _name(after), "items": plain(found)}
