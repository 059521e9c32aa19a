"""Every write rule, asked through the same Validator that the embedded engine uses."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

import pytest

from sync.embedded.validate import Validator
from sync.rules import DESIGN_ID, design_document
from sync.store import SERVER, Forbidden, Security, Unauthorized

ABSENT = object()
AT = "2026-03-02T09:30:00+08:00"

INSPECTION: dict[str, Any] = {
    "_id": "inspection:t1",
    "type": "inspection",
    "schema": 1,
    "task": "t1",
    "checklist": {"id": "acceptance", "version": "3"},
    "answers": {
        "A-01": {"value": "pass", "by": "wang", "at": AT, "note": "", "photos": ["photo:p1"]},
        "A-02": {"value": 4.2, "by": "liu", "location": {"lon": 121.5, "lat": 31.2, "accuracy_m": 6}},
    },
    "status": "draft",
}
SUBMITTED = INSPECTION | {"status": "submitted", "submitted": {"by": "wang", "at": AT, "device": "d1"}}
TRACK: dict[str, Any] = {
    "_id": "track:r1",
    "type": "track",
    "schema": 1,
    "by": "wang",
    "datum": "WGS-84",
    "fixes": [{"lon": 121.5, "lat": 31.2, "accuracy_m": 5.5, "at": AT}],
}
SIGNATURE: dict[str, Any] = {"_id": "signature:s1", "type": "signature", "schema": 1, "by": "wang", "at": AT}
HAZARD: dict[str, Any] = {
    "_id": "hazard:h1",
    "type": "hazard",
    "schema": 1,
    "by": "wang",
    "at": AT,
    "description": "电缆沟积水",
    "severity": "major",
    "photos": ["photo:p1"],
    "location": {"lon": 121.5, "lat": 31.2},
}
PHOTO: dict[str, Any] = {
    "_id": "photo:p1",
    "type": "photo",
    "schema": 1,
    "by": "wang",
    "task": "t1",
    "item": "A-01",
    "taken_at": AT,
    "sha256": "ab" * 32,
    "width": 4000,
    "height": 3000,
    "device": "d1",
    "_attachments": {"original": {"stub": True, "content_type": "image/jpeg"}},
}
UNSENT: dict[str, Any] = {
    "_id": "unsent:u1",
    "type": "unsent",
    "schema": 1,
    "by": "wang",
    "at": AT,
    "database": "case-01",
    "doc": {"_id": "inspection:t1", "status": "submitted"},
    "reason": "not_a_writer: …",
}
KIND_OF = {"inspection": "case", "track": "case", "signature": "case", "hazard": "case"} | {
    "photo": "media",
    "unsent": "outbox",
}
VALID = [INSPECTION, SUBMITTED, TRACK, SIGNATURE, HAZARD, PHOTO, UNSENT]


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator()


def kind_of(doc: dict[str, Any]) -> str:
    return KIND_OF[doc["_id"].split(":")[0]]


def ask(
    validator: Validator,
    doc: dict[str, Any],
    old: dict[str, Any] | None = None,
    *,
    kind: str,
    name: str | None = "wang",
    roles: tuple[str, ...] = ("inspector",),
    security: dict[str, Any] | None = None,
) -> str | None:
    """The code of the refusal, or None when the write may go through."""
    if security is None:
        security = Security(members=("wang", "liu", "boss"), kind=kind, writers=("wang", "liu")).to_json()
    source = design_document()["validate_doc_update"]
    try:
        validator([source], doc, old, {"db": "d", "name": name, "roles": list(roles)}, security)
    except (Forbidden, Unauthorized) as refusal:
        return refusal.reason.split(":")[0]
    return None


def changed(doc: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of `doc` with the value at the dotted `path` replaced, or taken away if ABSENT."""
    result = copy.deepcopy(doc)
    *parents, last = path.split("/")
    target: Any = result
    for key in parents:
        target = target[int(key)] if isinstance(target, list) else target[key]
    if value is ABSENT:
        del target[last]
    else:
        target[last] = value
    return result


@pytest.mark.parametrize("doc", VALID, ids=lambda d: f"{d['_id']}-{d.get('status', '')}")
def test_a_writer_may_write_each_field_document_in_its_own_kind_of_database_only(
    validator: Validator, doc: dict[str, Any]
) -> None:
    for kind in ("case", "media", "outbox"):
        assert ask(validator, doc, kind=kind) == (None if kind == kind_of(doc) else "server_only")


@pytest.mark.parametrize("doc", VALID, ids=lambda d: f"{d['_id']}-{d.get('status', '')}")
@pytest.mark.parametrize("kind", ["inbox", "library", "registry"])
def test_only_the_server_writes_in_inbox_library_and_registry(
    validator: Validator, doc: dict[str, Any], kind: str
) -> None:
    assert ask(validator, doc, kind=kind) == "server_only"
    assert ask(validator, doc, kind=kind, name=SERVER.name, roles=SERVER.roles) is None


@pytest.mark.parametrize(
    "security", [{}, {"hezha": None}, {"hezha": {}}, {"hezha": {"kind": "toString", "writers": ["wang"]}}]
)
def test_a_database_without_a_known_kind_admits_no_write(
    validator: Validator, security: dict[str, Any]
) -> None:
    assert ask(validator, INSPECTION, kind="case", security=security) == "unknown_kind"


def test_a_member_who_is_no_writer_is_told_so(validator: Validator) -> None:
    assert ask(validator, changed(TRACK, "by", "boss"), kind="case", name="boss") == "not_a_writer"
    closed: dict[str, Any] = {"hezha": {"kind": "case", "writers": "wang"}}
    assert ask(validator, TRACK, kind="case", security=closed) == "not_a_writer"


def test_nobody_is_asked_to_sign_in(validator: Validator) -> None:
    with pytest.raises(Unauthorized, match=r"^not_signed_in: "):
        validator(
            [design_document()["validate_doc_update"]],
            TRACK,
            None,
            {"name": None, "roles": []},
            {"hezha": {}},
        )


@pytest.mark.parametrize("id_", ["case", "receipt:t1:1", "photo-receipt:p1", "note:1", "无前缀", "valueOf:1"])
@pytest.mark.parametrize("kind", ["case", "media", "outbox"])
def test_documents_that_are_not_the_tablets_are_the_servers(
    validator: Validator, id_: str, kind: str
) -> None:
    doc = {"_id": id_, "type": id_.partition(":")[0], "schema": 1}
    assert ask(validator, doc, kind=kind) == "server_only"
    assert ask(validator, doc, kind=kind, name="hezha", roles=("_admin",)) is None


@pytest.mark.parametrize("doc", VALID, ids=lambda d: f"{d['_id']}-{d.get('status', '')}")
def test_tablets_delete_nothing(validator: Validator, doc: dict[str, Any]) -> None:
    gone = {"_id": doc["_id"], "_deleted": True}
    assert ask(validator, gone, doc, kind=kind_of(doc)) == "not_deletable"
    assert ask(validator, doc | {"_deleted": True}, None, kind=kind_of(doc)) == "not_deletable"


@pytest.mark.parametrize("doc", VALID, ids=lambda d: f"{d['_id']}-{d.get('status', '')}")
def test_what_the_server_deleted_stays_deleted(validator: Validator, doc: dict[str, Any]) -> None:
    assert ask(validator, doc, {"_id": doc["_id"], "_deleted": True}, kind=kind_of(doc)) == "deleted"


@pytest.mark.parametrize("doc", [TRACK, SIGNATURE, HAZARD, PHOTO, UNSENT], ids=lambda d: d["_id"])
def test_evidence_is_immutable_even_to_its_writer(validator: Validator, doc: dict[str, Any]) -> None:
    assert ask(validator, doc, doc, kind=kind_of(doc)) == "immutable"
    assert ask(validator, changed(doc, "by", "liu"), None, kind=kind_of(doc)) == "not_yours"
    assert ask(validator, changed(doc, "by", ABSENT), None, kind=kind_of(doc)) == "not_yours"


@pytest.mark.parametrize(
    ("before", "new", "expected"),
    [
        ("draft", "draft", None),
        ("draft", "submitted", None),
        ("submitted", "draft", "already_submitted"),
        ("submitted", "submitted", "already_submitted"),
        ("returned", "draft", None),
        ("returned", "submitted", None),
        ("accepted", "draft", "already_submitted"),
        ("draft", "returned", "bad_field"),
        ("draft", "accepted", "bad_field"),
    ],
)
def test_a_submitted_form_is_closed_until_the_server_returns_it(
    validator: Validator, before: str, new: str, expected: str | None
) -> None:
    old = SUBMITTED | {"status": before}
    doc = (SUBMITTED if new == "submitted" else INSPECTION) | {"status": new}
    assert ask(validator, doc, old, kind="case") == expected
    assert ask(validator, doc, old, kind="case", name="hezha", roles=("_admin",)) is None


def test_a_form_is_submitted_in_ones_own_name_only(validator: Validator) -> None:
    assert ask(validator, SUBMITTED, INSPECTION, kind="case", name="liu") == "not_yours"
    assert ask(validator, changed(SUBMITTED, "submitted/by", ABSENT), kind="case") == "not_yours"
    assert ask(validator, INSPECTION, INSPECTION, kind="case", name="liu") is None


WRONG = [
    (INSPECTION, "type", "track"),
    (INSPECTION, "schema", "1"),
    (INSPECTION, "schema", 1.5),
    (INSPECTION, "schema", ABSENT),
    (INSPECTION, "task", "t2"),
    (INSPECTION, "checklist", "acceptance@3"),
    (INSPECTION, "checklist/id", ""),
    (INSPECTION, "checklist/version", ABSENT),
    (INSPECTION, "answers", []),
    (INSPECTION, "answers", None),
    (INSPECTION, "answers/A-01", "pass"),
    (INSPECTION, "answers/A-01/by", ABSENT),
    (INSPECTION, "answers/A-01/by", 7),
    (INSPECTION, "answers/A-01/photos", ["photo:p1", 2]),
    (INSPECTION, "answers/A-01/at", "2026-03-02 09:30"),
    (INSPECTION, "answers/A-01/note", {}),
    (INSPECTION, "answers/A-02/location", {"lon": 190, "lat": 31.2}),
    (INSPECTION, "digest", 5),
    (INSPECTION, "status", "done"),
    (INSPECTION, "status", ABSENT),
    (SUBMITTED, "submitted", ABSENT),
    (SUBMITTED, "submitted/at", "2026-03-02T09:30:00"),
    (SUBMITTED, "submitted/device", ABSENT),
    (SUBMITTED, "submitted/clock_skew_ms", "12"),
    (TRACK, "datum", ABSENT),
    (TRACK, "fixes", []),
    (TRACK, "fixes", TRACK["fixes"] * 501),
    (TRACK, "fixes/0/accuracy_m", ABSENT),
    (TRACK, "fixes/0/accuracy_m", -1),
    (TRACK, "fixes/0/at", ABSENT),
    (TRACK, "fixes/0/lat", "31.2"),
    (SIGNATURE, "at", ABSENT),
    (HAZARD, "at", "yesterday"),
    (HAZARD, "description", ""),
    (HAZARD, "severity", "grave"),
    (HAZARD, "severity", "toString"),
    (HAZARD, "photos", "photo:p1"),
    (HAZARD, "location", {"lon": 1}),
    (PHOTO, "task", ABSENT),
    (PHOTO, "item", ""),
    (PHOTO, "taken_at", "2026-13-02T09:30:00Z"),
    (PHOTO, "sha256", "AB" * 32),
    (PHOTO, "sha256", "ab" * 31),
    (PHOTO, "width", 0),
    (PHOTO, "height", 10.5),
    (PHOTO, "device", ABSENT),
    (UNSENT, "database", ABSENT),
    (UNSENT, "doc", "inspection:t1"),
    (UNSENT, "doc/_id", ABSENT),
    (UNSENT, "reason", ABSENT),
    (UNSENT, "at", ABSENT),
    (UNSENT, "atts", "p1"),
]


@pytest.mark.parametrize(("doc", "path", "value"), WRONG, ids=lambda v: v if isinstance(v, str) else None)
def test_a_field_of_the_wrong_shape_is_refused(
    validator: Validator, doc: dict[str, Any], path: str, value: Any
) -> None:
    """The valid document differs from the refused one in this field alone."""
    assert ask(validator, changed(doc, path, value), kind=kind_of(doc)) == "bad_field"


def test_the_largest_track_still_fits(validator: Validator) -> None:
    assert ask(validator, changed(TRACK, "fixes", TRACK["fixes"] * 500), kind="case") is None


@pytest.mark.parametrize("names", [[], ["thumb"], ["original", "thumb"]])
def test_a_photo_carries_exactly_its_original(validator: Validator, names: list[str]) -> None:
    doc = PHOTO | {"_attachments": {name: {"stub": True} for name in names}}
    assert ask(validator, doc, kind="media") == "original_missing"
    assert ask(validator, changed(PHOTO, "_attachments", ABSENT), kind="media") == "original_missing"


@pytest.mark.parametrize("doc", [INSPECTION, TRACK, HAZARD], ids=lambda d: d["_id"])
def test_forms_do_not_carry_pictures(validator: Validator, doc: dict[str, Any]) -> None:
    assert ask(validator, doc | {"_attachments": {"x": {}}}, kind="case") == "attachments_not_allowed"


def test_a_signature_carries_one_picture_and_unsent_work_any(validator: Validator) -> None:
    two: dict[str, Any] = {"_attachments": {"a": {}, "b": {}}}
    assert ask(validator, SIGNATURE | {"_attachments": {"image": {}}}, kind="case") is None
    assert ask(validator, SIGNATURE | two, kind="case") == "attachments_not_allowed"
    assert ask(validator, UNSENT | two, kind="outbox") is None


@pytest.mark.parametrize("tail", ["", "a/b", "任务", "x" * 129, "t:1"])
def test_ids_that_would_not_survive_a_url_are_refused(validator: Validator, tail: str) -> None:
    doc = INSPECTION | {"_id": f"inspection:{tail}", "task": tail}
    assert ask(validator, doc, kind="case") == "bad_id"


def test_unknown_fields_are_kept_for_newer_tablets(validator: Validator) -> None:
    assert ask(validator, INSPECTION | {"weather": {"t": 3}}, kind="case") is None


def test_the_design_document_names_the_version_of_its_rules() -> None:
    design = design_document()
    assert design["_id"] == DESIGN_ID
    assert design["language"] == "javascript"
    source = design["validate_doc_update"].encode()
    assert design["rules_version"] == hashlib.sha256(source).hexdigest()
    design["validate_doc_update"] = ""
    assert design_document()["validate_doc_update"], "a caller's change must not reach the next caller"
