# mypy: disable-error-code="untyped-decorator"
"""The customer's page: one case, by a link."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import marshmallow as ma
import msgspec
from flask import g
from flask_smorest.fields import Upload

from server.api.auth import client_address
from server.api.base import Schema, blueprint, public
from server.api.parsing import faults
from server.api.photos import photo_problem
from server.casework.customer_page import customer_page, receipt
from server.intake.customer import Act, CustomerDoor, PhotosNotNamed, Visit
from server.intake.photos import PhotoRefused
from server.problems import Problem, language
from server.services import services

blp = blueprint("customer", "The customer's page, by a link 客户专属链接.")

#: Photos that come with one answer.
MAX_PHOTOS = 10
#: Under which name failures at this door are counted; no user's name has a colon.
_DOOR = "link:"
_PATH = "/public/cases/<token>"

F = TypeVar("F", bound=Callable[..., Any])


class ActForm(Schema):
    act = ma.fields.String(
        required=True,
        validate=ma.validate.Length(max=100_000),
        metadata={
            "description": "JSON: `{act: answer, notice, items: {code: {text, photos: [0, …]}}, answered_by, "
            "text}`, `{act: receive, notice}`, `{act: accept, notice}`, `{act: dispute, notice, items, "
            "reason}`, `{act: dates, notice, dates: {code: day}}`, `{act: wish, about, at, note}`, "
            "`{act: agree, at, note}` or `{act: rate, score, words}`."
        },
    )


class ActFiles(Schema):
    photos = ma.fields.List(
        Upload(),
        load_default=list,
        validate=ma.validate.Length(max=MAX_PHOTOS),
        metadata={"description": "Pictures that an answer's items name by their place, from 0."},
    )


class PublicStageOut(ma.Schema):
    title = ma.fields.String()
    since = ma.fields.String(allow_none=True)


class PublicNextOut(ma.Schema):
    text = ma.fields.String()
    promised_by = ma.fields.String(allow_none=True)
    promise = ma.fields.String(allow_none=True)


class PublicReasonOut(ma.Schema):
    title = ma.fields.String()
    message = ma.fields.String()


class PublicWaitsForOut(ma.Schema):
    holder = ma.fields.String()
    title = ma.fields.String()
    reasons = ma.fields.List(ma.fields.Nested(PublicReasonOut))


class PublicStepOut(ma.Schema):
    title = ma.fields.String()
    at = ma.fields.String()
    receipt = ma.fields.String()


class PublicNoticeItemOut(ma.Schema):
    code = ma.fields.String()
    text = ma.fields.String()
    remedy = ma.fields.String()
    demand = ma.fields.String()
    place = ma.fields.String()
    severity = ma.fields.String()
    state = ma.fields.String()
    title = ma.fields.String()
    due = ma.fields.String(allow_none=True)
    answered = ma.fields.Boolean()
    disputed = ma.fields.Boolean()


class PublicNoticeOut(ma.Schema):
    n = ma.fields.Integer()
    state = ma.fields.String()
    title = ma.fields.String()
    round = ma.fields.Integer()
    issued_at = ma.fields.String()
    received_at = ma.fields.String(allow_none=True)
    accepted = ma.fields.Boolean()
    items = ma.fields.List(ma.fields.Nested(PublicNoticeItemOut))


class PublicAppointmentOut(ma.Schema):
    about = ma.fields.String()
    title = ma.fields.String()
    on = ma.fields.String(allow_none=True)
    wished = ma.fields.String(allow_none=True)


class PublicOutageOut(ma.Schema):
    """The outage by which the customer is connected, as a published plan has it."""

    title = ma.fields.String()
    on = ma.fields.String()


class PublicLinkOut(ma.Schema):
    expires_at = ma.fields.String()


class CustomerPageOut(ma.Schema):
    """Everything that a link shows, in the language asked for."""

    no = ma.fields.String()
    organisation = ma.fields.String()
    link = ma.fields.Nested(PublicLinkOut)
    stage = ma.fields.Nested(PublicStageOut)
    next = ma.fields.Nested(PublicNextOut)
    waits_for = ma.fields.Nested(PublicWaitsForOut)
    steps = ma.fields.List(ma.fields.Nested(PublicStepOut))
    notices = ma.fields.List(ma.fields.Nested(PublicNoticeOut))
    appointments = ma.fields.List(ma.fields.Nested(PublicAppointmentOut))
    outage = ma.fields.Nested(PublicOutageOut, allow_none=True)
    receipts = ma.fields.List(ma.fields.Nested(PublicStepOut))
    energized_at = ma.fields.String(allow_none=True)


class ReceiptOut(ma.Schema):
    receipt = ma.fields.String(metadata={"description": "To be quoted; it stands in the case's log."})
    at = ma.fields.String()
    title = ma.fields.String()


def by_link(view: F) -> F:
    """Admit who has a link that holds, before anything else is looked at. Sets `g.visit`.

    Raises Problem 404, the same for every token that opens nothing, and 429 for an address that tries many.
    """

    @wraps(view)
    def guarded(token: str, *args: Any, **kwargs: Any) -> Any:
        made = services()
        visit = CustomerDoor(made).visit(token)
        if visit is None:
            made.people.count_failure(_DOOR, client_address())
            raise Problem(404, "not_found")
        g.visit = visit
        return view(*args, **kwargs)

    return public(cast("F", guarded))


@blp.route(_PATH, methods=["GET"])
@by_link
@blp.response(200, CustomerPageOut)
@blp.alt_response(404, description="No link that holds.")
@blp.alt_response(429, description="Too many tokens that open nothing.")
def show_page() -> dict[str, Any]:
    """Where the case stands, what comes next and by when, what is to be mended, and every receipt."""
    made, visit = services(), _visit()
    return customer_page(visit.known.case, visit.link, made.clock(), made.cases.rules, language())


@blp.route(_PATH, methods=["POST"])
@by_link
@blp.arguments(ActForm, location="form")
@blp.arguments(ActFiles, location="files")
@blp.response(201, ReceiptOut)
@blp.alt_response(404, description="No link that holds.")
@blp.alt_response(429, description="Too many tokens that open nothing.")
def act(form: dict[str, Any], files: dict[str, Any]) -> dict[str, Any]:
    """Answer a notice with photos, ask for a time, or agree to one. The receipt says that it is recorded."""
    wanted = _read(form["act"])
    try:
        with _spooled(files["photos"]) as paths:
            _, entry = CustomerDoor(services()).act(_visit(), wanted, paths)
    except PhotosNotNamed as error:
        raise Problem(422, "photos_not_named", numbers=str(error)) from None
    except PhotoRefused as refused:
        raise photo_problem(refused) from None
    return receipt(entry, language())


def _visit() -> Visit:
    return cast("Visit", g.visit)


def _read(text: str) -> Act:
    """Raises Problem 422 with the place of what is wrong."""
    try:
        read = msgspec.json.decode(text, type=Act)
        fault = next(faults(msgspec.to_builtins(read)), None)
        message = None if fault is None else fault[1]
    except (msgspec.DecodeError, RecursionError) as error:
        message = str(error)
    if message is not None:
        raise Problem(422, "invalid_fields", extra={"errors": [{"pointer": "#/act", "message": message}]})
    return cast("Act", read)


@contextmanager
def _spooled(uploads: list[Any]) -> Iterator[list[Path]]:
    """The uploads as files, gone at the end."""
    with ExitStack() as stack:
        paths = []
        for upload in uploads:
            spool = stack.enter_context(
                tempfile.NamedTemporaryFile(dir=services().settings.spool_dir, suffix=".upload")
            )
            upload.save(spool)
            spool.flush()
            paths.append(Path(spool.name))
        yield paths
