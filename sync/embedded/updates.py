"""Edits: what happens to a document inside the writer's transaction.

Two kinds, as in CouchDB. An *interactive* edit (`new_edits=true`) builds on a leaf it names, and is refused
if that is no longer one. A *replicated* edit (`new_edits=false`) has happened elsewhere already: it is merged
in, and may leave the document in conflict. Both are held to the database's write rules.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import apsw
import orjson

from sync import revtree
from sync.embedded import records, rendering
from sync.embedded.blobs import BlobStore
from sync.embedded.documents import Incoming, StoredAttachment, new_rev, resolve
from sync.embedded.ledger import Ledger
from sync.embedded.records import DatabaseRow, DocRow
from sync.revtree import Body, Rev, RevTree
from sync.store import BadRequest, Conflict, Document, Forbidden, StoreError, Unauthorized, UserCtx


class BlobGone(StoreError):
    """An attachment's bytes were swept away before a document named them."""

    status = 503
    error = "service_unavailable"


class Validator(Protocol):
    """Runs a database's `validate_doc_update` functions. Their arguments come as JSON."""

    def __call__(
        self, sources: Sequence[str], new_doc: bytes, old_doc: bytes | None, user_ctx: bytes, sec_obj: bytes
    ) -> None:
        """Return if every function lets `new_doc` pass. Raises Forbidden or Unauthorized otherwise."""


class _Sources(NamedTuple):
    """The functions that lie in a database, in the order of their documents' ids, as of `design_seq`.

    `carries` is whether the rules in force are among them, in the place of what lies under their id.
    """

    design_seq: int
    carries: bool
    stored: tuple[str, ...]


class Rules:
    """The write rules of all databases: their sources, remembered until a design document changes.

    `design` is the document of the rules in force. They hold wherever a document of that id lies, whatever
    it says, and in every database of a kind: so no write passes by rules of a version before, however long
    it takes until every database carries the new ones.
    """

    def __init__(self, validator: Validator | None, design: Document | None = None) -> None:
        self._validator = validator
        self._id = "" if design is None else design["_id"]
        self._in_force: str | None = None if design is None else design.get("validate_doc_update")
        self._sources: dict[int, _Sources] = {}

    def check(
        self,
        sources: Sequence[str],
        db: DatabaseRow,
        user: UserCtx,
        new_doc: bytes,
        old_doc: bytes | None,
    ) -> None:
        """Hold an edit to `sources`. Raises Forbidden or Unauthorized."""
        if self._validator is None:
            raise Forbidden("This database has write rules and no engine to run them; nobody can write here.")
        context = orjson.dumps({"db": db.name, "name": user.name, "roles": user.roles})
        self._validator(sources, new_doc, old_doc, context, db.security_json.encode())

    def sources(self, conn: apsw.Connection, db: DatabaseRow) -> tuple[str, ...]:
        """The functions that hold for `db`; none if it has no write rules."""
        # Only who leads the writer comes here. Thousands of databases share a few functions: hence `intern`.
        cached = self._sources.get(db.pk)
        if cached is None or cached.design_seq != db.design_seq:
            cached = self._sources[db.pk] = self._read(conn, db)
        if cached.carries or self._in_force is None or not has_kind(db.security):
            return cached.stored
        return (*cached.stored, self._in_force)

    def _read(self, conn: apsw.Connection, db: DatabaseRow) -> _Sources:
        found = dict(records.design_sources(conn, db))
        carries = self._in_force is not None and self._id in found
        if carries:
            found[self._id] = self._in_force
        stored = tuple(sys.intern(source) for source in found.values() if source is not None)
        return _Sources(db.design_seq, carries, stored)

    def forget(self, db: DatabaseRow) -> None:
        self._sources.pop(db.pk, None)

    def forget_all(self) -> None:
        """After a failed transaction: another process may yet use the numbers under which it read."""
        self._sources.clear()


def has_kind(security: Mapping[str, Any]) -> bool:
    """Whether a database is Hezha's: its `_security` names a kind."""
    own = security.get("hezha")
    return isinstance(own, dict) and bool(own.get("kind"))


def is_db_admin(user: UserCtx, security: Mapping[str, Any]) -> bool:
    """Whether `user` administers a database: a server admin, or one named in its `_security`."""
    return user.is_admin or _listed(user, security.get("admins"))


def is_member(user: UserCtx, security: Mapping[str, Any]) -> bool:
    """Whether `user` may read a database. One that names no members is public, as in CouchDB."""
    members = security.get("members") or {}
    public = not members.get("names") and not members.get("roles")
    return public or is_db_admin(user, security) or _listed(user, members)


def _listed(user: UserCtx, group: Mapping[str, Any] | None) -> bool:
    group = group or {}
    named = user.name is not None and user.name in group.get("names", [])
    return named or bool(set(user.roles) & set(group.get("roles", [])))


def require_admin(user: UserCtx, security: Mapping[str, Any]) -> None:
    """Raises Unauthorized for nobody and Forbidden for somebody who is no admin."""
    if not is_db_admin(user, security):
        refusal = Unauthorized if user.name is None else Forbidden
        raise refusal("You are not a db or server admin.")


def edit(
    ledger: Ledger,
    rules: Rules,
    blobs: BlobStore,
    db_name: str,
    incoming: Incoming,
    *,
    user: UserCtx,
    new_edits: bool,
) -> Rev:
    """Enter one edit; return its revision. Whatever is raised, nothing has been entered then.

    Raises NotFound (database), Conflict, DigestMismatch, Forbidden, Unauthorized, BlobGone.
    """
    conn = ledger.conn
    db = ledger.database(db_name)
    doc = ledger.document(db, incoming.id)
    change = _interactive(conn, doc, incoming) if new_edits else _replicated(conn, doc, incoming)
    if change is None:
        assert incoming.rev is not None  # noqa: S101  _replicated has read it
        return incoming.rev
    design = incoming.is_design
    if design:
        _check_design(db, incoming, user=user)
    elif sources := rules.sources(conn, db):
        new_doc = rendering.incoming_for_rules(incoming, change.shown, change.attachments)
        rules.check(sources, db, user, new_doc, None if change.old is None else change.old.document())
    if incoming.attachments:
        _require_blobs(blobs, incoming)
    tree = revtree.stem(change.tree, db.revs_limit)
    seq = ledger.enter(
        db,
        incoming.id,
        doc,
        tree,
        change.rev,
        deleted=incoming.deleted,
        body=incoming.body,
        atts=change.attachments,
    )
    if design:
        ledger.flush()
        rules.forget(db)
        conn.execute("UPDATE databases SET design_seq = ? WHERE pk = ?", (seq, db.pk))
    return change.rev


class _Change(NamedTuple):
    """A new leaf: its revision, the tree with it, and the ancestor against which it is judged.

    `shown` is the line of revisions that the write rules see: the parent's for an interactive edit, since
    the edit has no revision of its own until it is stored. `old` is None where there is nothing to build on.
    """

    rev: Rev
    tree: RevTree
    shown: Sequence[Rev]
    attachments: tuple[StoredAttachment, ...]
    old: _Old | None


def _interactive(conn: apsw.Connection, doc: DocRow | None, incoming: Incoming) -> _Change:
    named = incoming.rev
    if doc is None:
        if named is not None:
            raise Conflict
        atts = resolve(incoming, None, 1, new_edit=True)
        rev = new_rev(incoming, None, atts)
        return _Change(rev, revtree.path(1, (rev[1],), _body(incoming)), (), atts, None)
    tree = doc.tree
    if named is None:
        # A deleted document may be made anew; the new revision descends from the tombstone, so that it wins.
        if not tree.all_deleted or incoming.deleted:
            raise Conflict
        parent = tree.leaves[0]
    elif named not in tree.leaves or tree.all_deleted:
        raise Conflict
    else:
        parent = named
    old = None if named is None else _Old(conn, doc, named)
    generation = parent[0] + 1
    atts = resolve(incoming, _attachments(old), generation, new_edit=True)
    rev = new_rev(incoming, parent, atts)
    grown = revtree.merge(tree, revtree.path(generation, (rev[1], parent[1]), _body(incoming)))
    shown = revtree.ancestry(tree, named) if named else ()
    return _Change(rev, grown, shown, atts, old)


def _replicated(conn: apsw.Connection, doc: DocRow | None, incoming: Incoming) -> _Change | None:
    """None if this server knows the revision already, as a leaf or as something that has been built upon."""
    if incoming.rev is None:
        raise BadRequest("A replicated document needs its _rev.", error="doc_validation")
    start, hashes = incoming.ancestry or (incoming.rev[0], (incoming.rev[1],))
    grown = revtree.path(start, hashes, _body(incoming))
    rev = incoming.rev
    old = None
    if doc is not None:
        grown = revtree.merge(doc.tree, grown)
        if rev in doc.tree.nodes or rev not in grown.leaves:
            return None
        base = revtree.nearest_stored(grown, rev)
        old = None if base is None else _Old(conn, doc, base)
    atts = resolve(incoming, _attachments(old), rev[0], new_edit=False)
    return _Change(rev, grown, revtree.ancestry(grown, rev), atts, old)


def _body(incoming: Incoming) -> Body:
    return Body.DELETED if incoming.deleted else Body.STORED


class _Old:
    """The revision on disk that an edit builds upon."""

    def __init__(self, conn: apsw.Connection, doc: DocRow, rev: Rev) -> None:
        self._conn = conn
        self._doc = doc
        self._row = records.revision(conn, doc, rev)

    def attachments(self) -> dict[str, StoredAttachment] | None:
        return None if self._row is None else records.attachments(self._conn, self._row.pk)

    def document(self) -> bytes | None:
        if self._row is None:
            return None
        return rendering.for_rules(self._doc.id, self._row, self._doc.tree, self.attachments() or {})


def _attachments(old: _Old | None) -> dict[str, StoredAttachment] | None:
    return None if old is None else old.attachments()


def _check_design(db: DatabaseRow, incoming: Incoming, *, user: UserCtx) -> None:
    require_admin(user, db.security)
    source = incoming.fields.get("validate_doc_update", "")
    if not isinstance(source, str):
        raise BadRequest("`validate_doc_update` must be a string", error="invalid_design_doc")


def _require_blobs(blobs: BlobStore, incoming: Incoming) -> None:
    """A blob is swept away only by who holds the write lock, so one that is here now will stay."""
    for attachment in incoming.attachments:
        if isinstance(attachment, StoredAttachment) and not blobs.has(attachment.sha256):
            raise BlobGone(f"Attachment {attachment.name} waited too long to be stored. Send it again.")


def edit_local(ledger: Ledger, db_name: str, incoming: Incoming) -> Rev:
    """Write or delete a local document.

    As in CouchDB its `_rev` is not compared, only counted on from, and its attachments are not kept.
    """
    conn, db = ledger.conn, ledger.database(db_name)
    ledger.entered += 1
    if incoming.deleted:
        conn.execute("DELETE FROM local_docs WHERE db = ? AND id = ?", (db.pk, incoming.id))
        return (0, "0")
    number = 1
    if incoming.rev is not None:
        if incoming.rev[0] != 0 or not incoming.rev[1].isdecimal():
            raise BadRequest("Invalid rev format")
        number = int(incoming.rev[1]) + 1
    conn.execute(
        "INSERT INTO local_docs VALUES (?, ?, ?, ?) ON CONFLICT (db, id)"
        " DO UPDATE SET rev = excluded.rev, body = excluded.body",
        (db.pk, incoming.id, number, incoming.body),
    )
    return (0, str(number))
