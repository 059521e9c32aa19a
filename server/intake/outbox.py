"""Work of people who have lost the case: quarantined, decided on, then taken in or answered.

A tablet whose push was refused writes `unsent:<uuid>` into its user's outbox, with the document it could not
send. Nothing of it reaches the case until a manager has said so; nothing of it is ever dropped.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

import structlog

from server.casework.cases import SYSTEM
from server.casework.inbox import holders, write_if_changed
from server.evidence.originals.document import ATTACHMENT, MOVED, attached, has_original
from server.intake.forms import Forms, form_id
from server.intake.hazards import Hazards
from server.services import Services
from server.texts import both
from server.workflow.commands import QuarantineUnsent, TakeQuarantined
from server.workflow.model import Case, Quarantined
from server.workflow.refusal import Refusal
from server.workflow.vocabulary import MAX_ID
from sync.store import BadRequest, Document, NewAttachment, NotFound, StoreError

log = structlog.get_logger()

_UNSENT = "unsent:"
#: What follows the type in a field document's id, as the write rules have it.
_TAIL = re.compile(rf"[0-9A-Za-z._-]{{1,{MAX_ID}}}")
#: Documents that a tablet may have been unable to send, by database kind.
_FIELD_TYPES = {"case": ("inspection", "track", "signature", "hazard"), "media": ("photo",)}


class Outbox:
    """Outboxes of every user, and what of them lies in quarantine."""

    def __init__(self, made: Services, forms: Forms, hazards: Hazards) -> None:
        self._store = made.store
        self._names = made.names
        self._cases = made.cases
        self._forms = forms
        self._hazards = hazards
        self._clock = made.clock

    def quarantine(self, user: str, unsent_id: str) -> None:
        """Bring a document of an outbox before the manager of the case that it belongs to."""
        outbox = self._names.outbox(user)
        unsent = self._store.find(outbox, _UNSENT + unsent_id)
        if unsent is None:
            return
        document = unsent.get("doc")
        doc_id = document.get("_id") if isinstance(document, dict) else None
        case = self._case_of(user, str(unsent.get("database") or ""), doc_id)
        if case is None or not isinstance(document, dict):
            self.answer(user, unsent_id, "unsent_no_case", document=str(doc_id))
            return
        command = QuarantineUnsent(
            unsent_id=unsent_id,
            database=outbox,
            doc_id=str(doc_id),
            doc_rev=graft_rev(document, unsent_id),
            by=user,
            reason=str(unsent.get("reason") or "not_assigned")[:200],
            summary=_summary(document),
        )
        try:
            self._cases.apply(case.id, command, SYSTEM)
        except Refusal as refusal:
            # Somebody else's parcel has this id. It must not hold up the outbox, nor be taken for the other.
            log.error("unsent_refused", user=user, unsent=unsent_id, case=case.id, code=refusal.code)
            self.answer(user, unsent_id, "unsent_id_taken", document=str(doc_id), case=case.no)
            return
        self.answer(user, unsent_id, "unsent_quarantined", document=str(doc_id), case=case.no)

    def take_decided(self, case: Case) -> None:
        """Take in what a manager accepted, and tell each sender what became of their work.

        What cannot be taken in stays accepted, and keeps field work open until it is rejected.
        """
        for unsent in sorted(case.quarantine.values(), key=_forms_last):
            if unsent.state == "accepted":
                try:
                    self._take(case, unsent)
                except (StoreError, Refusal) as error:
                    log.error("quarantine_not_taken", case=case.id, unsent=unsent.id, error=str(error))
            params = {"document": unsent.doc_id, "case": case.no}
            if unsent.state == "waiting":
                self.answer(unsent.by, unsent.id, "unsent_quarantined", **params)
            else:
                code = "unsent_rejected" if unsent.state == "rejected" else "unsent_accepted"
                self.answer(unsent.by, unsent.id, code, **params, reason=unsent.decision_reason)

    def answer(self, user: str, unsent_id: str, code: str, **params: Any) -> None:
        """One message in the sender's inbox for each turn that their document takes."""
        digest = hashlib.sha256(f"{unsent_id}\n{code}".encode()).hexdigest()[:32]
        message: Document = {
            "_id": f"message:{digest}",
            "type": "message",
            "schema": 1,
            "code": code,
            "unsent": unsent_id,
            "params": params,
            "text": both(f"intake.{code}", **params),
        }
        try:
            if self._store.find(self._names.inbox(user), message["_id"]) is None:
                write_if_changed(
                    self._store, self._names.inbox(user), {**message, "at": self._clock().isoformat()}
                )
        except NotFound:
            log.error("inbox_missing", user=user, message=code)

    def _case_of(self, user: str, database: str, doc_id: object) -> Case | None:
        """The case that a refused document was meant for, if this user ever had to do with it."""
        parsed = self._names.parse(database)
        if parsed is None or parsed[0] not in _FIELD_TYPES or not isinstance(doc_id, str):
            return None
        kind, _, tail = doc_id.partition(":")
        if kind not in _FIELD_TYPES[parsed[0]] or not _TAIL.fullmatch(tail):
            return None
        try:
            case = self._cases.load(parsed[1]).case
        except NotFound:
            return None
        return case if user in holders(case) else None

    def _take(self, case: Case, unsent: Quarantined) -> None:
        kind, _, tail = unsent.doc_id.partition(":")
        if unsent.database != self._names.forms(case.id):
            self._bring_in(case, unsent, kind)
        takers: dict[str, Callable[[], None]] = {
            "inspection": lambda: self._forms.take(case.id, tail, unsent_id=unsent.id),
            "hazard": lambda: self._hazards.take(case.id, tail, unsent_id=unsent.id),
        }
        takers.get(kind, lambda: None)()
        # A draft is no submission, and photos and tracks are no decision: being there is all they need.
        self._cases.apply(case.id, TakeQuarantined(unsent_id=unsent.id), SYSTEM)

    def _bring_in(self, case: Case, unsent: Quarantined, kind: str) -> None:
        """Put the document where its tablet could not. The same branch again changes nothing."""
        source = self._store.get(unsent.database, _UNSENT + unsent.id)
        document = dict(source["doc"])
        # The write rules would have refused the second: where originals were moved, only the server says.
        for key in ("_attachments", MOVED):
            document.pop(key, None)
        target = self._names.media(case.id) if kind == "photo" else self._names.forms(case.id)
        if kind == "inspection":
            document["_rev"] = unsent.doc_rev
            if not _names_its_revision(document):
                document.pop("_revisions", None)
            for row in self._store.bulk_docs(target, [document], new_edits=False):
                if not row.ok:
                    raise BadRequest(f"{row.error}: {row.reason}")
            return
        for key in ("_rev", "_revisions"):
            document.pop(key, None)
        if self._store.find(target, document["_id"]) is None:
            self._store.put(target, document)
        if kind == "photo":
            self._copy_photo(unsent, source, target)

    def _copy_photo(self, unsent: Quarantined, source: Document, target: str) -> None:
        present = self._store.get(target, unsent.doc_id)
        if has_original(present) or not attached(source):
            return
        with self._store.open_attachment(unsent.database, source["_id"], ATTACHMENT) as original:
            self._store.put_attachment(
                target,
                unsent.doc_id,
                present["_rev"],
                NewAttachment(ATTACHMENT, original.content_type, original.stream),
            )


def _forms_last(unsent: Quarantined) -> bool:
    """A form waits for what it names; what was decided together with it goes before, and it need not."""
    return unsent.doc_id.startswith(form_id(""))


def graft_rev(document: Document, unsent_id: str) -> str:
    """The revision under which a refused branch joins its document's tree: its own, if it says so.

    A tablet that did not keep revisions gets a root of its own, the same at every attempt.
    """
    rev = document.get("_rev")
    if isinstance(rev, str) and _names_its_revision(document):
        return rev
    return "1-" + hashlib.md5(unsent_id.encode(), usedforsecurity=False).hexdigest()


def _names_its_revision(document: Document) -> bool:
    """Whether `_rev` and `_revisions` tell the same story."""
    revisions = document.get("_revisions")
    if not isinstance(revisions, dict):
        return False
    ids, start = revisions.get("ids"), revisions.get("start")
    return (
        isinstance(ids, list)
        and bool(ids)
        and all(isinstance(one, str) for one in ids)
        and isinstance(start, int)
        and start >= len(ids)
        and document.get("_rev") == f"{start}-{ids[0]}"
        and len(f"{start}-{ids[0]}") <= MAX_ID
    )


def _summary(document: Document) -> str:
    answers = document.get("answers")
    if document.get("_id", "").startswith(form_id("")):
        count = len(answers) if isinstance(answers, dict) else 0
        return f"{document.get('status', '?')}, {count} answers"
    return str(document.get("description") or document.get("item") or "")[:200]
