# mypy: disable-error-code="untyped-decorator"
"""What photos a form wants and has, before and after; as data and as sheets to print 影像一览、整改前后."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import marshmallow as ma
from flask import Response

from checklists.shots import ItemShots, shots_of
from server.api.base import blueprint, roles
from server.api.casework import plain, visible
from server.api.paper_evidence import found
from server.api.papers import PaperQuery, printed_wording
from server.api.pdf import ANSWERS, pdf
from server.api.renditions import rendition
from server.evidence.originals.bucket import OriginalsUnreachable
from server.evidence.renditions import Size
from server.intake.judging import PhotoFact
from server.intake.photos import photo_fact, place_words, watermark
from server.intake.receipts import reason_text, told
from server.problems import Problem
from server.readmodel.queries import photos_of
from server.reports.contact_sheet import Group, Seen, contact_sheet, on_sheet, pairs_sheet, sheet_number
from server.reports.paper import Copies, number_of
from server.reports.wording import Wording
from server.services import services
from server.workflow.model import Case, Notice, Task
from server.workflow.pairs import ItemPairs, pairs_of
from sync.store import BytesMissing

blp = blueprint("photo_sheets", "Photos by item, before and after 影像一览、整改前后.")

#: Characters of a photo's SHA-256 that its file is called by within a sheet.
_NAME_DIGITS = 32
#: Sizes printed: many photos small, as they lie in the cache already; two beside each other larger.
_ON_SHEET: Size = "thumb"
_IN_PAIRS: Size = "paper"


class SheetQuery(PaperQuery):
    copies = ma.fields.String(
        load_default="file",
        validate=ma.validate.OneOf(get_args(Copies)),
        metadata={"description": "Which copies; the one for the file unless said otherwise."},
    )


class ShownPhoto(ma.Schema):
    id = ma.fields.String()
    status = ma.fields.String(
        metadata={"description": "verified, refused, pending (not judged yet) or absent (not come yet)."}
    )
    taken_at = ma.fields.String(allow_none=True)
    by = ma.fields.String()
    place = ma.fields.String(metadata={"description": "Where, in WGS-84; empty if it is not known."})
    reasons = ma.fields.List(ma.fields.Dict(), metadata={"description": "Why it was refused."})
    flags = ma.fields.List(ma.fields.Dict(), metadata={"description": "What looks odd of it."})


class ViewOut(ma.Schema):
    view = ma.fields.String()
    text = ma.fields.Dict()
    min = ma.fields.Integer()
    photos = ma.fields.List(ma.fields.String(), metadata={"description": "Those verified that show it."})
    complete = ma.fields.Boolean()


class ItemShotsOut(ma.Schema):
    code = ma.fields.String()
    label = ma.fields.String(allow_none=True)
    text = ma.fields.Dict()
    verdict = ma.fields.String()
    wanted = ma.fields.Integer(metadata={"description": "How many photos there must be, verified."})
    verified = ma.fields.Integer()
    complete = ma.fields.Boolean()
    views = ma.fields.List(ma.fields.Nested(ViewOut))
    photos = ma.fields.List(ma.fields.Nested(ShownPhoto))


class ShotsOut(ma.Schema):
    task = ma.fields.String()
    complete = ma.fields.Boolean(metadata={"description": "Every item that wants photos has them."})
    items = ma.fields.List(ma.fields.Nested(ItemShotsOut))


class AfterOut(ma.Schema):
    round = ma.fields.Integer()
    kind = ma.fields.String(metadata={"description": "answer (the customer's) or reinspection."})
    at = ma.fields.String(allow_none=True)
    by = ma.fields.String()
    verdict = ma.fields.String(allow_none=True)
    photos = ma.fields.List(ma.fields.Nested(ShownPhoto))


class PairsRow(ma.Schema):
    code = ma.fields.String()
    text = ma.fields.Dict()
    severity = ma.fields.String()
    state = ma.fields.String()
    before = ma.fields.List(ma.fields.Nested(ShownPhoto))
    after = ma.fields.List(ma.fields.Nested(AfterOut))
    lacking = ma.fields.List(
        ma.fields.String(), metadata={"description": "before, after: what no photo shows."}
    )


class PairsOut(ma.Schema):
    n = ma.fields.Integer()
    items = ma.fields.List(ma.fields.Nested(PairsRow))


@blp.route("/cases/<case_id>/inspections/<task_id>/photos", methods=["GET"])
@roles()
@blp.response(200, ShotsOut)
@blp.alt_response(409, description="No form was handed in yet.")
def show_shots(case_id: str, task_id: str) -> dict[str, Any]:
    """The photos of one inspection by item: how many are wanted and verified, and what they must show.

    Items that want no photo and have none are left out. `GET /photos/{id}?case=` shows each.
    """
    case = visible(case_id).case
    items = _shots(case, _task(case, task_id))
    facts = _facts(case, (photo for item in items for photo in item.photos))
    return {
        "task": task_id,
        "complete": all(item.complete for item in items),
        "items": [_item(case, item, facts) for item in items],
    }


@blp.route("/cases/<case_id>/inspections/<task_id>/contact-sheet.pdf", methods=["GET"])
@roles()
@blp.arguments(SheetQuery, location="query", unknown=ma.RAISE)
@blp.doc(responses=ANSWERS)
@blp.alt_response(409, description="No form was handed in yet.")
def print_inspection_sheet(query: dict[str, Any], case_id: str, task_id: str) -> Response:
    """The photos of one inspection by item 现场影像一览表. 409 until a form was handed in."""
    case = visible(case_id).case
    task = _task(case, task_id)
    groups = [Group((), _shots(case, task))]
    return _sheet(case, sheet_number(case, task), groups, query)


@blp.route("/cases/<case_id>/contact-sheet.pdf", methods=["GET"])
@roles()
@blp.arguments(SheetQuery, location="query", unknown=ma.RAISE)
@blp.doc(responses=ANSWERS)
def print_case_sheet(query: dict[str, Any], case_id: str) -> Response:
    """Every photo of a case 现场影像一览表: by inspection and item, then those that no form names."""
    case = visible(case_id).case
    say = printed_wording(case, query)
    groups = list(_groups(case, say))
    return _sheet(case, number_of(case.no, "contact_sheet"), groups, query)


@blp.route("/cases/<case_id>/notices/<int:n>/pairs", methods=["GET"])
@roles()
@blp.response(200, PairsOut)
def show_pairs(case_id: str, n: int) -> dict[str, Any]:
    """The items of a notice as they were found and as they were shown since, round by round."""
    case = visible(case_id).case
    pairs = pairs_of(_notice(case, n))
    facts = _facts(case, _photos_of(pairs))
    return {"n": n, "items": [_pairs(case, item, facts) for item in pairs]}


@blp.route("/cases/<case_id>/notices/<int:n>/pairs.pdf", methods=["GET"])
@roles()
@blp.arguments(SheetQuery, location="query", unknown=ma.RAISE)
@blp.doc(responses=ANSWERS)
def print_pairs(query: dict[str, Any], case_id: str, n: int) -> Response:
    """The items of a notice, before beside after 整改前后对比影像."""
    case = visible(case_id).case
    notice = _notice(case, n)
    pairs, say = pairs_of(notice), printed_wording(case, query)
    seen, images = _seen(case, _photos_of(pairs), _IN_PAIRS)
    return pdf(pairs_sheet(case, notice, pairs, seen, say), say, query["copies"], images)


def _task(case: Case, task_id: str) -> Task:
    task = case.tasks.get(task_id)
    if task is None:
        raise Problem(404, "not_found")
    return task


def _notice(case: Case, n: int) -> Notice:
    notice = case.notices.get(n)
    if notice is None:
        raise Problem(404, "not_found")
    return notice


def _shots(case: Case, task: Task) -> tuple[ItemShots, ...]:
    """The photos of a task's form by item. Raises Problem 409 while there is none."""
    form = found(case, task) if task.submissions else None
    if form is None:
        raise Problem(409, "paper_no_form", task=task.id)
    facts = _facts(case, (photo for item in form.shown for photo in item.photos))
    verified = {photo for photo, fact in facts.items() if fact.status == "verified"}
    return shots_of(form.definition, form.items, form.answers, verified)


def _groups(case: Case, say: Wording) -> Iterable[Group]:
    """The photos of each form, and the rest by the time they were taken."""
    named: set[str] = set()
    for task in case.tasks.values():
        try:
            items = _shots(case, task)
        except Problem:
            continue
        named.update(photo for item in items for photo in item.photos)
        title = say.say(
            "sheet_task", form=say.say(f"title_{task.kind}"), no=sheet_number(case, task).split("-")[-1]
        )
        yield Group(title, tuple(item for item in items if item.photos or not item.complete))
    rows = photos_of(services().readmodel, case.id)
    others = tuple((row["item"], row["id"]) for row in rows if row["id"] not in named)
    yield Group(say.say("sheet_others"), others=others)


def _sheet(case: Case, no: str, groups: list[Group], query: dict[str, Any]) -> Response:
    say = printed_wording(case, query)
    seen, images = _seen(case, on_sheet(groups), _ON_SHEET)
    return pdf(contact_sheet(case, no, groups, seen, say), say, query["copies"], images)


def _seen(case: Case, photos: Iterable[str], size: Size) -> tuple[dict[str, Seen], dict[str, Path]]:
    """Photos as sheets show them, and their files by the names that they have there."""
    made = services()
    media, policy = made.names.media(case.id), made.cases.policy(case.organisation)
    seen: dict[str, Seen] = {}
    images: dict[str, Path] = {}
    for photo, fact in _facts(case, photos).items():
        document = made.store.find(media, f"photo:{photo}") or {"_id": f"photo:{photo}"}
        image, lacking = None, "refused"
        if fact.status == "verified" and fact.sha256 is not None:
            mark = watermark(case, document, policy) if size == _ON_SHEET else ()
            try:
                path = rendition(case, photo, fact.sha256, size, mark)
            except Problem:
                pass
            except (OriginalsUnreachable, BytesMissing):
                lacking = "unavailable"
            else:
                # Two photos of the same bytes have a strip of words each.
                image = f"{fact.sha256[:_NAME_DIGITS]}-{len(images)}.jpg"
                images[image] = path
        seen[photo] = Seen(
            image=image,
            state=fact.status if image or fact.status != "verified" else lacking,
            taken_at=fact.taken_at,
            by=str(document.get("by") or ""),
            place=place_words(document.get("location")),
            flags=tuple((reason_text(flag.code), flag.params) for flag in fact.flags),
        )
    return seen, images


def _facts(case: Case, photos: Iterable[str]) -> dict[str, PhotoFact]:
    made = services()
    media = made.names.media(case.id)
    return {photo: photo_fact(made.store, media, photo) for photo in dict.fromkeys(photos)}


def _photos_of(pairs: Iterable[ItemPairs]) -> list[str]:
    return [photo for item in pairs for photo in (*item.before, *item.shown_after)]


def _item(case: Case, item: ItemShots, facts: dict[str, PhotoFact]) -> dict[str, Any]:
    return {
        "code": item.code,
        "label": item.label,
        "text": plain(item.text),
        "verdict": item.verdict,
        "wanted": item.wanted,
        "verified": len(item.verified),
        "complete": item.complete,
        "views": [{**plain(view), "complete": view.complete} for view in item.views],
        "photos": [_photo(case, photo, facts[photo]) for photo in item.photos],
    }


def _pairs(case: Case, item: ItemPairs, facts: dict[str, PhotoFact]) -> dict[str, Any]:
    return {
        **plain(item),
        "before": [_photo(case, photo, facts[photo]) for photo in item.before],
        "after": [
            {**plain(one), "photos": [_photo(case, photo, facts[photo]) for photo in one.photos]}
            for one in item.after
        ],
        "lacking": list(item.lacking),
    }


def _photo(case: Case, photo: str, fact: PhotoFact) -> dict[str, Any]:
    made = services()
    document = made.store.find(made.names.media(case.id), f"photo:{photo}") or {}
    return {
        "id": photo,
        "status": fact.status,
        "taken_at": fact.taken_at.isoformat() if fact.taken_at else None,
        "by": str(document.get("by") or ""),
        "place": place_words(document.get("location")),
        "reasons": told(fact.reasons),
        "flags": told(fact.flags),
    }
