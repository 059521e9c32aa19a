"""Audit: every case compared with its own log, its photos with the hashes that the case relies on, and its
forms with what their tablets signed.

It reads what is stored and changes nothing; a case whose conflict is still to be settled is read as the
store's winner stands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from server.casework.proofs import Proofs
from server.evidence.originals.bucket import OriginalLost, OriginalsUnreachable
from server.evidence.originals.document import has_original
from server.evidence.originals.door import Originals
from server.names import CASE_DOCUMENT, Names
from server.workflow.audit import Head, Trace, head, sound, traces
from server.workflow.documents import CaseFormatError, case_from_document
from server.workflow.model import Case
from sync.store import DocumentStore, NotFound

__all__ = ["Audited", "Auditor", "case_ids", "cases_of"]

_CHUNK_BYTES = 1 << 20


class Audited(msgspec.Struct, frozen=True):
    """What was found of one case. `head` is None where its document cannot be read."""

    case: str
    head: Head | None
    traces: tuple[Trace, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing speaks against the case."""
        return sound(self.traces)


def case_ids(store: DocumentStore, names: Names) -> list[str]:
    """Every case in the store, sorted."""
    return cases_of(store.database_names(), names)


def cases_of(databases: Iterable[str], names: Names) -> list[str]:
    """The cases whose forms lie in these databases, sorted."""
    parsed = map(names.parse, databases)
    return sorted(found[1] for found in parsed if found is not None and found[0] == "case")


class Auditor:
    """Looks at cases one by one. `deep`: read every photo's bytes too, and hash them; `originals` is the way
    to those that were moved."""

    def __init__(
        self,
        store: DocumentStore,
        names: Names,
        *,
        deep: bool = False,
        originals: Originals | None = None,
    ) -> None:
        self._store = store
        self._originals = originals or Originals(store)
        self._names = names
        self._deep = deep
        self._proofs = Proofs(store, names)

    def heads(self, case_ids: Iterable[str]) -> Iterator[Head]:
        """The heads of these cases, for keeping elsewhere. Cases that cannot be read are left out."""
        for case_id in case_ids:
            audited = self._read(case_id)
            if isinstance(audited, Case):
                yield head(audited)

    def audit(self, case_id: str, known: Sequence[Head] = ()) -> Audited:
        """Compare one case with its log, with heads of it that were kept, and with its photos, and verify its
        forms' signatures again."""
        case = self._read(case_id)
        if isinstance(case, Trace):
            return Audited(case_id, None, (case,))
        return Audited(
            case_id, head(case), (*traces(case, known), *self._photos(case), *self._proofs.traces(case))
        )

    def _read(self, case_id: str) -> Case | Trace:
        try:
            document = self._store.get(self._names.forms(case_id), CASE_DOCUMENT)
        except NotFound:
            return Trace(code="case_missing")
        try:
            return case_from_document(document)
        except CaseFormatError as error:
            return Trace(code="case_unreadable", reason=str(error))

    def _photos(self, case: Case) -> Iterator[Trace]:
        """Photos that were verified once, as they are now."""
        relied = {
            id_: photo.sha256
            for id_, photo in sorted(case.photos.items())
            if photo.state == "verified" and photo.sha256 is not None
        }
        media = self._names.media(case.id)
        try:
            found = self._store.all_docs(media, keys=[f"photo:{id_}" for id_ in relied])
            documents = {document["_id"].removeprefix("photo:"): document for document in found}
        except NotFound:
            documents = {}
        for id_, sha256 in relied.items():
            code = self._judge(media, documents.get(id_), sha256)
            if code is not None:
                yield Trace(code=code, part=f"photos/{id_}")

    def _judge(self, media: str, document: Mapping[str, Any] | None, sha256: str) -> str | None:
        if document is None or not has_original(document):
            return "photo_missing"
        if document.get("sha256") != sha256:
            return "photo_differs"
        return self._read_again(media, document["_id"], sha256) if self._deep else None

    def _read_again(self, media: str, doc_id: str, sha256: str) -> str | None:
        hashed = hashlib.sha256()
        try:
            with self._originals.find(media, doc_id, sha256) as original:
                plain = original.open()
                while chunk := plain.read(_CHUNK_BYTES):
                    hashed.update(chunk)
        except OriginalsUnreachable:
            return "photo_unreachable"
        except OriginalLost as lost:
            return "photo_missing" if lost.what == "missing" else "photo_differs"
        return None if hashed.hexdigest() == sha256 else "photo_differs"
