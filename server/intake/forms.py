"""Takes in a form: all of its branches at once, as often as it is asked to, with the same result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from checklists.loader import UnknownChecklist
from checklists.merge import merge
from checklists.model import Definition
from geo.coords import CoordinateError
from geo.fence import FenceError, SiteFence, read_fence
from server.casework.cases import SYSTEM
from server.intake.judging import (
    Evidence,
    Judged,
    PhotoFact,
    Submitter,
    admitted,
    as_mapping,
    case_facts,
    is_submitted,
    judge_form,
    submitter,
)
from server.intake.photos import photo_fact
from server.intake.receipts import write_receipt, write_refusal
from server.services import Services
from server.workflow.commands import QuarantineUnsent, RecordSubmission, Returned
from server.workflow.model import Case, CodedReason, Submission, Task
from server.workflow.policy import Policy
from server.workflow.refusal import Refusal
from sync.store import Conflict, Document

log = structlog.get_logger()

#: How often a returned form is written again when its tablet writes it at the same time.
_REOPEN_TRIES = 5


class Forms:
    """Inspection documents of every case."""

    def __init__(self, made: Services) -> None:
        self._store = made.store
        self._names = made.names
        self._cases = made.cases
        self._library = made.library
        self._clock = made.clock

    def take(self, case_id: str, task_id: str, *, unsent_id: str | None = None) -> None:
        """Judge what stands of the form of a task and let the case decide on it.

        `unsent_id` names the accepted quarantine that the form came from.
        """
        case = self._cases.load(case_id).case
        leaves = self._leaves(case_id, task_id)
        if not any(map(is_submitted, leaves)):
            return
        task = case.tasks.get(task_id)
        if task is None:
            self._set_aside(case, task_id, leaves, "task_unknown")
            return
        revs = admitted_revs(case, form_id(task_id))
        counted = [leaf for leaf in leaves if admitted(task, leaf, revs)]
        strangers = [leaf for leaf in leaves if is_submitted(leaf) and leaf not in counted]
        self._set_aside(case, task_id, strangers, "not_assigned")
        signed = submitter(counted)
        if not any(map(is_submitted, counted)):
            return
        judged = self.judge(case, task, counted)
        self._record(case, task, counted, signed, judged, unsent_id)

    def judge(self, case: Case, task: Task, counted: Sequence[Document]) -> Judged:
        """Judge the branches that count, with everything that lies beside them."""
        definition = self.definition(task)
        policy = self._cases.policy(case.organisation)
        evidence = Evidence(
            photos=self.photo_facts(case.id, counted),
            signatures={
                document["_id"].removeprefix("signature:")
                for document in self._store.all_docs(self._names.forms(case.id), prefix="signature:")
            },
            fence=site_fence(case, policy),
            received_at=self._clock(),
            context=self._repeated(case, task),
        )
        return judge_form(case, task, definition, counted, evidence, policy)

    def counted(self, case: Case, task: Task) -> list[Document]:
        """The branches of a task's form that count, winner first."""
        revs = admitted_revs(case, form_id(task.id))
        return [leaf for leaf in self._leaves(case.id, task.id) if admitted(task, leaf, revs)]

    def give_back(self, case_id: str, task_id: str, *, by: str, reason: str) -> None:
        """Return a form that waits for photos which will not come. Its branches stay as they are."""
        case = self._cases.load(case_id).case
        task = case.tasks[task_id]
        counted = self.counted(case, task)
        if not any(map(is_submitted, counted)):
            return
        judged = self.judge(case, task, counted)
        given_back = CodedReason(None, "given_back", {"by": by, "reason": reason})
        outcome = Returned((given_back,))
        self._record(
            case, task, counted, submitter(counted), Judged(outcome, judged.merged, judged.judgement), None
        )

    def definition(self, task: Task) -> Definition | None:
        try:
            return self._library.get(task.checklist.id, int(task.checklist.version))
        except (UnknownChecklist, ValueError):
            return None

    def _leaves(self, case_id: str, task_id: str) -> list[Document]:
        return self._store.leaves(self._names.forms(case_id), form_id(task_id))

    def _record(
        self,
        case: Case,
        task: Task,
        counted: Sequence[Document],
        signed: Submitter | None,
        judged: Judged,
        unsent_id: str | None,
    ) -> None:
        if signed is None:
            # No readable time: the form is returned in its sender's name, at the moment it arrived.
            sender = next(leaf for leaf in counted if is_submitted(leaf)).get("submitted") or {}
            signed = Submitter(str(sender.get("by") or task.assignees[0]), self._clock(), "")
        command = RecordSubmission(
            task_id=task.id,
            revs=tuple(sorted(leaf["_rev"] for leaf in counted)),
            outcome=judged.outcome,
            submitted_by=signed.by,
            submitted_at=signed.at,
            device=signed.device,
            unsent_id=unsent_id,
        )
        try:
            after = self._cases.apply(case.id, command, SYSTEM).case
        except Refusal as refusal:
            if refusal.code not in {"task_cancelled", "not_assigned"}:
                raise
            self._set_aside(case, task.id, [leaf for leaf in counted if is_submitted(leaf)], refusal.code)
            return
        submissions = after.tasks[task.id].submissions
        if not submissions:
            return
        latest = submissions[-1]
        write_receipt(self._store, self._names.forms(case.id), task.id, latest)
        if isinstance(judged.outcome, Returned) and latest.outcome == "returned":
            self._reopen(case.id, task.id, latest, judged)

    def _reopen(self, case_id: str, task_id: str, submission: Submission, judged: Judged) -> None:
        """Open a returned form for edits: one document again, with everything that its branches held."""
        database = self._names.forms(case_id)
        for _ in range(_REOPEN_TRIES):
            leaves = self._leaves(case_id, task_id)
            merged_in = [leaf for leaf in leaves if leaf["_rev"] in submission.revs]
            if not any(map(is_submitted, merged_in)):
                return
            winner, *others = merged_in
            document = {key: value for key, value in winner.items() if key != "_revisions"}
            document["status"] = "returned"
            document["returned"] = {
                "receipt": f"receipt:{task_id}:{submission.n}",
                "at": submission.received_at.isoformat(),
            }
            if judged.merged is not None:
                document["answers"] = judged.merged.answers
                if judged.merged.superseded:
                    kept = {code: list(answers) for code, answers in judged.merged.superseded.items()}
                    document["superseded"] = kept
            try:
                self._store.put(database, document)
            except Conflict:
                continue
            for other in others:
                self._store.bulk_docs(
                    database, [{"_id": other["_id"], "_rev": other["_rev"], "_deleted": True}]
                )
            return
        raise Conflict

    def _set_aside(self, case: Case, task_id: str, leaves: Sequence[Document], code: str) -> None:
        """Keep a form that is not its sender's to hand in, for the manager to decide, and say so."""
        for leaf in leaves:
            rev, by = leaf["_rev"], str((leaf.get("submitted") or {}).get("by") or "unknown")
            known = case.quarantine.get(branch_id(task_id, rev))
            if known is None:
                command = QuarantineUnsent(
                    unsent_id=branch_id(task_id, rev),
                    database=self._names.forms(case.id),
                    doc_id=leaf["_id"],
                    doc_rev=rev,
                    by=by,
                    reason=code,
                    summary=f"{len(leaf.get('answers') or {})} answers",
                )
                self._cases.apply(case.id, command, SYSTEM)
            reasons = [CodedReason(None, code, {"task": task_id, "by": by})]
            write_refusal(self._store, self._names.forms(case.id), task_id, rev, by, reasons, self._clock())

    def photo_facts(self, case_id: str, counted: Sequence[Document]) -> dict[str, PhotoFact]:
        media = self._names.media(case_id)
        return {photo: photo_fact(self._store, media, photo) for photo in sorted(named_photos(counted))}

    def _repeated(self, case: Case, task: Task) -> Mapping[str, Any]:
        """The merged answers of the inspection whose failures a re-inspection looks at again."""
        notice = case.notices.get(task.notice) if task.notice is not None else None
        origin = case.tasks.get(notice.task_id) if notice is not None and notice.task_id else None
        definition = self.definition(origin) if origin is not None else None
        if origin is None or definition is None:
            return {}
        branches = [as_mapping(leaf.get("answers")) for leaf in self.counted(case, origin)]
        return merge(definition, case_facts(case), branches).answers


def form_id(task_id: str) -> str:
    return f"inspection:{task_id}"


def branch_id(task_id: str, rev: str) -> str:
    """The quarantine id of one branch of a form."""
    return f"{form_id(task_id)}@{rev}"


def admitted_revs(case: Case, doc_id: str) -> set[str]:
    """The branches of a document that a manager accepted out of quarantine."""
    return {
        unsent.doc_rev
        for unsent in case.quarantine.values()
        if unsent.doc_id == doc_id and unsent.doc_rev and unsent.state in {"accepted", "taken"}
    }


def named_photos(leaves: Sequence[Document]) -> set[str]:
    """Every photo id that any answer of any branch names."""
    found: set[str] = set()
    for leaf in leaves:
        answers = leaf.get("answers")
        for answer in answers.values() if isinstance(answers, dict) else ():
            photos = answer.get("photos") if isinstance(answer, dict) else None
            found.update(photo for photo in photos or () if isinstance(photo, str))
    return found


def site_fence(case: Case, policy: Policy) -> SiteFence | None:
    """The site's fence; None if the case's own position is unusable, which is logged and flagged later."""
    site: dict[str, Any] = {"lon": case.site.lon, "lat": case.site.lat, "datum": case.site.datum}
    if case.site.radius_m is not None:
        site["radius_m"] = case.site.radius_m
    if case.site.boundary is not None:
        rings = [[list(point) for point in ring] for ring in case.site.boundary]
        site["boundary"] = {"type": "Polygon", "coordinates": rings}
    try:
        return read_fence(site, default_radius_m=policy.fence_radius_m)
    except (FenceError, CoordinateError) as error:
        log.warning("site_unusable", case=case.id, code=error.code)
        return None
