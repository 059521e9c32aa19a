# mypy: disable-error-code="untyped-decorator"
"""Photos: uploaded by the office, shown in three sizes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import marshmallow as ma
from flask import Response, g, request, send_file
from flask_smorest.fields import Upload

from server.api.base import Schema, blueprint, roles
from server.api.casework import may_see, visible
from server.api.keys import IDEMPOTENCY_HEADER, created_id
from server.api.renditions import rendition
from server.evidence.originals.door import Original
from server.evidence.watermark import mark_digest
from server.intake.photos import PhotoIdTaken, PhotoRefused, Photos, UploadClaim, watermark
from server.intake.receipts import reason_text
from server.problems import Problem, language
from server.readmodel.queries import find_photos, photos_of
from server.services import services
from server.texts import text

blp = blueprint("photos", "Photos 影像.")

_CHUNK = 256 * 1024
_PICTURES = ("image/jpeg", "image/png", "image/webp")
#: A rendition changes with its words, the original of a named case never does. What was shown to one who
#: signed in is not for the next at the same browser.
_CACHED = {"Cache-Control": "private, max-age=86400", "Vary": "Authorization"}
_CACHED_FOR_GOOD = {"Cache-Control": "private, max-age=31536000, immutable", "Vary": "Authorization"}
_SIZES = ("thumb", "screen", "original")
_FILE = {"schema": {"type": "string", "format": "binary"}}
_ANY = dict.fromkeys((*_PICTURES, "application/octet-stream"), _FILE)
#: The answers of a route that shows a picture.
PICTURE = {
    "200": {"description": "The picture.", "content": _ANY},
    "206": {"description": "The part that was asked for.", "content": _ANY},
    "304": {"description": "The reader has it already."},
}


class PhotoQuery(Schema):
    case = ma.fields.String(
        metadata={"description": "The photo's case; without it the oldest one that you may see."}
    )
    size = ma.fields.String(load_default="screen", validate=ma.validate.OneOf(_SIZES))


class PhotoFile(Schema):
    photo = Upload(required=True)


class PhotoForm(Schema):
    purpose = ma.fields.String(
        load_default="",
        validate=ma.validate.Length(max=100),
        metadata={"description": "What the photo shows or answers, such as `notice:1`."},
    )


class PhotoOut(ma.Schema):
    id = ma.fields.String()
    task = ma.fields.String()
    item = ma.fields.String()
    sha256 = ma.fields.String()
    status = ma.fields.String()
    taken_at = ma.fields.String()
    by = ma.fields.String()


class PhotoList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(PhotoOut))


@blp.route("/cases/<case_id>/photos", methods=["GET"])
@roles()
@blp.response(200, PhotoList)
def list_photos(case_id: str) -> dict[str, Any]:
    """Every photo of a case that was judged, by the time it was taken."""
    visible(case_id)
    return {"items": photos_of(services().readmodel, case_id)}


@blp.route("/cases/<case_id>/photos", methods=["POST"])
@roles("manager", "inspector", "admin")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(PhotoForm, location="form")
@blp.arguments(PhotoFile, location="files")
@blp.response(201, PhotoOut)
def upload_photo(form: dict[str, Any], files: dict[str, Any], case_id: str) -> dict[str, Any]:
    """Add a photo, as the evidence of a customer's answer. It is verified before it is kept."""
    case = visible(case_id).case
    with tempfile.NamedTemporaryFile(dir=services().settings.spool_dir, suffix=".upload") as spool:
        files["photo"].save(spool)
        spool.flush()
        # Without a key nobody sends it again, and its id is new.
        photo_id = created_id({}) if request.headers.get("Idempotency-Key") else None
        claim = UploadClaim(g.actor.name, form["purpose"])
        try:
            return Photos(services()).add(case, Path(spool.name), claim, photo_id)
        except PhotoRefused as refused:
            raise photo_problem(refused) from None
        except PhotoIdTaken:
            raise Problem(422, "idempotency_key_reused") from None


def photo_problem(refused: PhotoRefused) -> Problem:
    """Why a photo was not kept, for who sent it."""
    reasons = [
        {"code": r.code, "text": text(reason_text(r.code), language(), **r.params)} for r in refused.reasons
    ]
    return Problem(422, "photo_refused", extra={"reasons": reasons})


@blp.route("/photos/<photo_id>", methods=["GET"])
@roles()
@blp.arguments(PhotoQuery, location="query", unknown=ma.RAISE)
@blp.doc(responses=PICTURE)
@blp.alt_response(416, description="No such bytes.")
def show_photo(query: dict[str, Any], photo_id: str) -> Response:
    """A verified photo: a thumbnail of 320 pixels, 1600 for the screen, or the original bytes.

    In parts by `Range`, with `If-Range` for the rest of a download that broke off.
    """
    row = _visible_photo(photo_id, query.get("case"))
    if row["status"] != "verified":
        raise Problem(409, "photo_not_verified")
    _answer_one_range()
    size: str = query["size"]
    mark = () if size == "original" else _mark(row)
    tag = f"{row['sha256']}-{size}" + (f"-{mark_digest(mark)}" if mark else "")
    headers = _CACHED_FOR_GOOD if size == "original" and "case" in query else _CACHED
    if request.if_none_match.contains(tag):
        return Response(status=304, headers={"ETag": f'"{tag}"', **headers})
    response = _original(row, tag) if size == "original" else _rendition(row, size, mark, tag)
    response.headers.update(headers)
    return response


def _answer_one_range() -> None:
    """Answer a request in another unit than bytes, or for several parts at once, with the whole, as RFC 9110
    (14.2) has it. What is below this would say that there are no such bytes."""
    unit, _, parts = request.headers.get("Range", "bytes=").partition("=")
    if unit.strip().lower() != "bytes" or "," in parts:
        del request.environ["HTTP_RANGE"]


def _visible_photo(photo_id: str, case_id: str | None) -> dict[str, Any]:
    """The photo's row. Raises Problem 404, the same for one that is not there and one that is not yours."""
    for row in find_photos(services().readmodel, photo_id):
        if case_id in (None, row["case_id"]) and may_see(row["case_id"]):
            return row
    raise Problem(404, "not_found")


def _original(row: dict[str, Any], tag: str) -> Response:
    made = services()
    found = made.originals.find(made.names.media(row["case_id"]), f"photo:{row['id']}", row["sha256"])
    try:
        return _streamed(found, tag)
    except BaseException:
        found.close()
        raise


def _streamed(found: Original, tag: str) -> Response:
    """What was asked for of an original, a block at a time. Its first bytes are there before the answer
    begins: what cannot be had is a problem, and no picture that breaks off."""
    # The type is the tablet's word; a browser shall not be talked into running a picture.
    known = found.content_type in _PICTURES
    response = Response(mimetype=found.content_type if known else "application/octet-stream")
    response.call_on_close(found.close)
    response.set_etag(tag)
    if found.length is not None:
        response.make_conditional(request, accept_ranges=True, complete_length=found.length)
    part = response.content_range
    if response.status_code == 206 and part.start is not None:
        picture = found.open(part.start, part.stop)
    else:
        picture = found.open()
        if found.length is not None:
            response.headers["Content-Length"] = str(found.length)
    first = picture.read(_CHUNK)

    def chunks() -> Iterator[bytes]:
        with found:
            block = first
            while block:
                yield block
                block = picture.read(_CHUNK)

    response.response = chunks()
    return response


def _mark(row: dict[str, Any]) -> tuple[str, ...]:
    """The words on a rendition of the photo."""
    made = services()
    case = made.cases.load(row["case_id"]).case
    document = made.store.get(made.names.media(case.id), f"photo:{row['id']}")
    return watermark(case, document, made.cases.policy(case.organisation))


def _rendition(row: dict[str, Any], size: Any, mark: tuple[str, ...], tag: str) -> Response:
    case = services().cases.load(row["case_id"]).case
    path = rendition(case, row["id"], row["sha256"], size, mark)
    return send_file(os.path.abspath(path), mimetype="image/jpeg", etag=tag)
