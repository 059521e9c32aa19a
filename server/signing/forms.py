"""What a signature on a form covers: the device's all of it, a person's what stood there when they signed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from server.signing.canonical import canonical, sha256

#: The member of a form that holds its device's signature.
MEMBER = "signature_of_device"
#: The member that lists what belongs to the form, by kind and id, each with its SHA-256.
EVIDENCE = "evidence"


def signed_bytes(form: Mapping[str, Any]) -> bytes:
    """What a device signs: the form's canonical JSON without the signature, and without what the database
    keeps in it (`_rev` and other members that begin with `_`, but for `_id`). Raises NotCanonical.
    """
    return canonical(own_members(form, without=MEMBER))


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def form_digest(form: Mapping[str, Any]) -> str:
    """What a person's signature names: SHA-256 of the task, the checklist and every answer that is not itself
    a signature. Whoever signs second signs the same. Raises NotCanonical.
    """
    answers = {
        code: answer
        for code, answer in _mapping(form.get("answers")).items()
        if not _entries(_mapping(answer).get("value"))
    }
    return sha256({"task": form.get("task"), "checklist": form.get("checklist"), "answers": answers})


def signature_digest(signature: Mapping[str, Any], pictures: Mapping[str, str]) -> str:
    """SHA-256 of a person's signature: its document with its strokes, and by name the SHA-256 (hex) of the
    pictures attached to it. Raises NotCanonical.
    """
    own = own_members(signature)
    return sha256({"document": own, "pictures": dict(pictures)} if pictures else {"document": own})


def named_photos(form: Mapping[str, Any]) -> dict[str, str]:
    """By photo id, the item whose answer names it."""
    found: dict[str, str] = {}
    for code, answer in _mapping(form.get("answers")).items():
        photos = _mapping(answer).get("photos")
        for photo in photos if isinstance(photos, list) else ():
            if isinstance(photo, str):
                found.setdefault(photo, code)
    return found


def named_signatures(form: Mapping[str, Any]) -> dict[str, str]:
    """By the id of a person's signature, the item whose answer names it."""
    found: dict[str, str] = {}
    for code, answer in _mapping(form.get("answers")).items():
        for entry in _entries(_mapping(answer).get("value")):
            found.setdefault(entry, code)
    return found


def listed(form: Mapping[str, Any], kind: str) -> dict[str, str]:
    """What the form lists as its evidence of a kind (`photos`, `signatures`): SHA-256 by id."""
    rows = _mapping(_mapping(form.get(EVIDENCE)).get(kind))
    return {name: digest for name, digest in rows.items() if isinstance(digest, str)}


def own_members(document: Mapping[str, Any], *, without: str = "") -> dict[str, Any]:
    """A document without what the database keeps in it."""
    return {
        name: value
        for name, value in document.items()
        if (name == "_id" or not name.startswith("_")) and name != without
    }


def _entries(value: Any) -> list[str]:
    """The ids in the value of an answer that consists of signatures."""
    return list(_ids(value)) if isinstance(value, list) else []


def _ids(value: list[Any]) -> Iterator[str]:
    for entry in value:
        one = _mapping(entry).get("signature")
        if isinstance(one, str):
            yield one


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
