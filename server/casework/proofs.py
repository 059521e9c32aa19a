"""What proves that a form is as its tablet signed it: kept when the form goes back, verified in years."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from server.evidence.originals.document import plain_bytes
from server.names import Names
from server.people.device_keys import DeviceKeys
from server.people.registry import Registry
from server.signing.canonical import NotCanonical
from server.signing.forms import MEMBER, listed, own_members, signature_digest
from server.signing.verdicts import Claim, Standing, check
from server.workflow.audit import Trace
from server.workflow.model import Case, DeviceSignature, Submission, Task
from sync.store import Conflict, Document, DocumentStore, NotFound

__all__ = ["Proofs", "hand_digest", "keep_signed"]

_FORM = "inspection:"
_SIGNATURE = "signature:"
_SIGNED_FORM = "signed-form:"
_CHUNK_BYTES = 1 << 20
#: What an audit calls what verification says; anything else is a form that differs.
_TRACES: Mapping[str, str] = {
    "device_key_unknown": "signing_key_missing",
    "device_key_revoked": "signing_key_revoked",
}


def hand_digest(store: DocumentStore, database: str, document: Document) -> str | None:
    """The digest of a person's signature that lies in a database, pictures and all; None if its document has
    no canonical JSON. Raises NotFound if a picture went meanwhile.
    """
    pictures = {}
    for name in document.get("_attachments") or {}:
        hashed = hashlib.sha256()
        with store.open_attachment(database, document["_id"], name) as attachment:
            plain = plain_bytes(attachment)
            while chunk := plain.read(_CHUNK_BYTES):
                hashed.update(chunk)
        pictures[name] = hashed.hexdigest()
    try:
        return signature_digest(document, pictures)
    except NotCanonical:
        return None


def keep_signed(store: DocumentStore, database: str, leaf: Document) -> None:
    """Keep a signed form beside its document, which is about to go on without the signature: what its tablet
    handed in can be shown afterwards too. Done again, it changes nothing.
    """
    if leaf.get(MEMBER) is None:
        return
    doc_id = _kept_id(leaf["_id"], leaf["_rev"])
    if store.find(database, doc_id) is not None:
        return
    kept = {"_id": doc_id, "type": "signed-form", "schema": 1, "rev": leaf["_rev"], "form": own_members(leaf)}
    try:
        store.put(database, kept)
    except Conflict:
        # Somebody else keeps it at this moment.
        return


class Proofs:
    """Verifies again what cases have recorded as signed."""

    def __init__(self, store: DocumentStore, names: Names) -> None:
        self._store = store
        self._names = names
        # No key is enrolled here, so nobody asks for the time.
        self._keys = DeviceKeys(Registry(store, names.registry), lambda: datetime.now(UTC))

    def traces(self, case: Case) -> Iterator[Trace]:
        """Every signed branch of every form that is not there, or not as it was signed."""
        for task in case.tasks.values():
            yield from self._of_task(case, task)

    def _of_task(self, case: Case, task: Task) -> Iterator[Trace]:
        signed: dict[str, tuple[Submission, DeviceSignature]] = {}
        for submission in task.submissions:
            for branch in submission.device_signatures:
                if branch.verdict == "signed":
                    signed.setdefault(branch.rev, (submission, branch))
        if not signed:
            return
        database, form_id = self._names.forms(case.id), _FORM + task.id
        try:
            leaves = {leaf["_rev"]: leaf for leaf in self._store.leaves(database, form_id)}
        except NotFound:
            leaves = {}
        relied = _relied(task)
        for rev, (submission, branch) in signed.items():
            part = f"tasks/{task.id}/submissions/{submission.n}/{rev}"
            form = leaves.get(rev) or self._kept(database, form_id, rev)
            if form is None:
                yield Trace(code="signed_form_missing", part=part)
                continue
            yield from self._of_form(form, branch, part)
            if rev in relied:
                yield from self._of_evidence(case, form, part)

    def _kept(self, database: str, form_id: str, rev: str) -> Document | None:
        found = self._find(database, _kept_id(form_id, rev))
        form = None if found is None else found.get("form")
        return form if isinstance(form, dict) else None

    def _of_form(self, form: Document, branch: DeviceSignature, part: str) -> Iterator[Trace]:
        """Whether its key, as it stands now, vouches for the form as it stands now."""
        standing = self._standing(branch.kid)
        claim = Claim(branch.by, branch.device, branch.signed_at)
        checked = check(form, standing, claim, received_at=branch.received_at)
        if checked.verdict == "unsigned":
            yield Trace(code="signed_form_differs", part=part, reason="device_signature_missing")
        elif (checked.kid, checked.digest) != (branch.kid, branch.digest):
            # Signed anew, by whatever key: it is not what was taken in.
            yield Trace(code="signed_form_differs", part=part, reason=checked.code or "device_digest_differs")
        elif checked.code:
            code = _TRACES.get(checked.code, "signed_form_differs")
            yield Trace(code=code, part=part, reason=checked.code)

    def _standing(self, kid: str) -> Standing | None:
        """The key as it stands. Whether it had ended was settled by the clocks of the day."""
        try:
            found = self._keys.standing(kid)
        except NotFound:
            return None
        return None if found is None else replace(found, ended_at=None)

    def _of_evidence(self, case: Case, form: Document, part: str) -> Iterator[Trace]:
        """Photos and people's signatures that are not those that the form lists. Whether the bytes of a photo
        are what its document says is asked for all photos of a case."""
        media, forms = self._names.media(case.id), self._names.forms(case.id)
        for photo, wanted in sorted(listed(form, "photos").items()):
            document = self._find(media, f"photo:{photo}")
            if document is not None and document.get("sha256") != wanted:
                yield Trace(code="signed_photo_differs", part=f"{part}/photos/{photo}")
        for signature, wanted in sorted(listed(form, "signatures").items()):
            document = self._find(forms, _SIGNATURE + signature)
            if document is None or hand_digest(self._store, forms, document) != wanted:
                yield Trace(code="signed_signature_differs", part=f"{part}/signatures/{signature}")

    def _find(self, database: str, doc_id: str) -> dict[str, Any] | None:
        try:
            return self._store.find(database, doc_id)
        except NotFound:
            return None


def _relied(task: Task) -> set[str]:
    """The branches that the case goes by: what they list was compared with what lay there."""
    return {rev for one in task.submissions if one.outcome == "accepted" for rev in one.revs}


def _kept_id(form_id: str, rev: str) -> str:
    return f"{_SIGNED_FORM}{form_id.removeprefix(_FORM)}:{rev}"
