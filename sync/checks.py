"""What can be a name, an id, a revision or a document at all: CouchDB's rules, the same for both engines.

No I/O, no storage. CouchDB itself answers some of these mistakes with a 500 or accepts them; both engines
refuse them alike, before anything is written.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any

from sync import revtree
from sync.revtree import Rev
from sync.store import BadRequest, Document

LOCAL = "_local/"
DESIGN = "_design/"

#: CouchDB's rule for the names of databases.
_DATABASE = re.compile(r"[a-z][a-z0-9_$()+/-]*")
_DATABASE_MAX = 238
_SPECIAL = frozenset({"_id", "_rev", "_revisions", "_deleted", "_attachments"})
#: Members that a client may send back as it got them; they say nothing new.
_META_ONLY = frozenset({"_revs_info", "_local_seq", "_conflicts", "_deleted_conflicts"})
#: CouchDB keeps these in the body, though they begin with an underscore.
_KEPT = re.compile(r"_access|_replication_(state|state_time|state_reason|id|stats)")


def check_database_name(name: str) -> None:
    """Raises BadRequest as CouchDB does."""
    if len(name) > _DATABASE_MAX:
        raise BadRequest(
            f"At least one path segment of `{name}` is too long.", error="database_name_too_long"
        )
    if _DATABASE.fullmatch(name) is None:
        raise BadRequest(
            f"Name: '{name}'. Only lowercase characters (a-z), digits (0-9), and any of the characters "
            "_, $, (, ), +, -, and / are allowed. Must begin with a letter.",
            error="illegal_database_name",
        )


def check_id(doc_id: object) -> str:
    """The id, if it is one. Raises BadRequest (illegal_docid)."""
    if not isinstance(doc_id, str):
        raise BadRequest("Document id must be a string", error="illegal_docid")
    if not doc_id:
        raise BadRequest("Document id must not be empty", error="illegal_docid")
    if doc_id[0] == "_":
        if doc_id in {DESIGN, LOCAL}:
            raise BadRequest(f"Illegal document id `{doc_id}`", error="illegal_docid")
        if not doc_id.startswith((DESIGN, LOCAL)):
            raise BadRequest("Only reserved document ids may start with underscore.", error="illegal_docid")
    if not is_utf8(doc_id):
        raise BadRequest("Document id must be valid UTF-8", error="illegal_docid")
    return doc_id


def check_attachment_name(name: object) -> str:
    """The name, if it is one. Raises BadRequest."""
    if not isinstance(name, str) or not name or not is_utf8(name):
        raise BadRequest("Attachment name is not UTF-8 encoded")
    if name.startswith("_"):
        raise BadRequest("Attachment name '" + name + "' starts with prohibited character '_'")
    return name


def read_rev(text: object) -> Rev:
    """Raises BadRequest."""
    if not isinstance(text, str) or not is_utf8(text):
        raise BadRequest("Invalid rev format")
    try:
        return revtree.parse_rev(text)
    except ValueError as error:
        raise BadRequest(str(error)) from error


def own_fields(doc: Document) -> Document:
    """The members that are the document's own, without CouchDB's. Raises BadRequest (an unknown `_name`)."""
    fields: Document = dict(doc)
    for name in [name for name in doc if not isinstance(name, str) or name[:1] == "_"]:
        if not isinstance(name, str):
            raise BadRequest("Document member names must be strings")
        if name in _SPECIAL or name in _META_ONLY:
            del fields[name]
        elif not _KEPT.fullmatch(name):
            raise BadRequest(f"Bad special document member: {name}", error="doc_validation")
    return fields


def read_deleted(doc: Document) -> bool:
    """Whether the document is a tombstone. Raises BadRequest."""
    deleted = doc.get("_deleted", False)
    if not isinstance(deleted, bool):
        raise BadRequest("Bad special document member: _deleted", error="doc_validation")
    return deleted


def inline_bytes(name: str, data: Any) -> bytes:
    """The bytes of an attachment's `data`. Raises BadRequest."""
    if not isinstance(data, str):
        raise BadRequest(f"Invalid attachment data for {name}")
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"Invalid attachment data for {name}") from error


def parse_digest(digest: object) -> bytes | None:
    """The MD5 in a digest `md5-<base64>`; None for other kinds, which CouchDB ignores. Raises BadRequest."""
    if not isinstance(digest, str) or not digest.startswith("md5-"):
        return None
    try:
        md5 = base64.b64decode(digest[4:], validate=True)
    except ValueError:
        md5 = b""
    if len(md5) != hashlib.md5(usedforsecurity=False).digest_size:
        raise BadRequest(f"Invalid attachment digest {digest}")
    return md5


def is_utf8(text: str) -> bool:
    """Whether a string can be written as UTF-8: a lone surrogate cannot."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
