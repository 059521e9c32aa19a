"""Takes in a form: all of its branches at once, as often as it is asked to, with the same result."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from checklists.merge import merge
from geo.coords import CoordinateError
from geo.fence import FenceError, SiteFence, read_fence
from server.casework.cases import SYSTEM
from server.casework.proofs import keep_signed
from server.intake.judging import (
    Evidence,
    Judged,
    PhotoFact,
    Submitter,
    admitted,
    case_facts,
    is_submitted,
    judge_form,
    signer,
    submitter,
)
from server.intake.photos import photo_fact
from server.intake.reading import as_mapping, texts_in
from server.intake.receipts import write_receipt, write_refusal
from server.intake.rulebook import Rulebook
from server.intake.seals import Sealed, Seals, held_to, unsealed
from server.library.shelf import Rules
from server.services import Services
from server.workflow.commands import (
    AwaitingPhotos,
    QuarantineUnsent,
    RecordSubmission,
    Returned,
)
from server.workflow.model import Case, CodedReason, LimitsInForce, Submission, Task
from server.workflow.policy import Policy
from server.workflow.refusal import Refusal
from server.workflow.vocabulary import MAX_ID
from sync.store import Conflict, Document

log = structlog.get_logger()

#: How often a returned form is written again when its tablet writes it at the same time.
_REOPEN_TRIES = 5

SIGNATURE = "signature:"
TRACK = "track:"


class Forms:
    """Inspection documents of every case."""

    def __init__(self, made: Services) -> None:
        self._store = made.store
        self._names = made.names
        self._cases = made.cases
        self._rulebook = Rulebook(made)
        self._seals = Seals(made)
        self._clock = made.clock

    def take(self, case_id: str, task_id: str, *, unsent_id: str | None = None) -> None:
        """Judge what stands of the form of a task and let the case decide on it.

        `unsent_id` names the accepted quarantine that the form came from.
        """
        case = self._cases.load(case_id).case
        task = case.tasks.get(task_id)
        if task is not None:
            self._answer(case, task)
        leaves = self._leaves(case_id, task_id)
        if not any(map(is_submitted, leaves)):
            return
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
        sealed = self._seals.of(case, task, counted)
        judged = self.judge(case, task, counted, sealed)
        self._record(case, task, counted, signed, judged, unsent_id, sealed)

    def judge(
        self, case: Case, task: Task, counted: Sequence[Document], sealed: Sealed | None = None
    ) -> Judged:
        """Judge the branches that count, with everything that lies beside them, and held to how they were
        signed if somebody has looked at that.
        """
        rules = self._rulebook.rules(case, task, counted)
        definition = None if rules is None else rules.definition
        policy = self._cases.policy(case.organisation)
        forms = self._names.forms(case.id)
        context = self._repeated(case, task)
        evidence = Evidence(
            photos=self.photo_facts(case.id, [*counted, {"answers": context}]),
            signatures={
                document["_id"].removeprefix(SIGNATURE)
                for document in self._store.all_docs(forms, prefix=SIGNATURE)
            },
            fence=site_fence(case, policy),
            received_at=self._clock(),
            context=context,
            tracks=list(self._store.all_docs(forms, prefix=TRACK)),
            on_the_day=self._rulebook.policy(case, task, counted),
        )
        judged = replace(judge_form(case, task, definition, counted, evidence, policy), rules=rules)
        if isinstance(judged.outcome, AwaitingPhotos):
            # A cluster may list what a copy has that lags behind, and tell of what it lacks no more. A single
            # document it asks of most copies.
            late = {one for one in judged.outcome.signatures if self._store.find(forms, SIGNATURE + one)}
            if late:
                evidence = replace(evidence, signatures={*evidence.signatures, *late})
                judged = replace(judge_form(case, task, definition, counted, evidence, policy), rules=rules)
        return judged if sealed is None else held_to(judged, sealed, counted, evidence.photos)

    def counted(self, case: Case, task: Task) -> list[Document]:
        """The branches of a task's form that count, winner first."""
        revs = admitted_revs(case, form_id(task.id))
        return [leaf for leaf in self._leaves(case.id, task.id) if admitted(task, leaf, revs)]

    def arrived(self, case_id: str, task_id: str) -> int:
        """How many answers of a form have arrived, drafts and strangers' work included; handed in, at least
        one."""
        leaves = self._leaves(case_id, task_id)
        counts = (len(as_mapping(leaf.get("answers"))) or int(is_submitted(leaf)) for leaf in leaves)
        return max(counts, default=0)

    def give_back(self, case_id: str, task_id: str, *, by: str, reason: str) -> None:
        """Return a form that waits for what will not come. Its branches stay as they are."""
        case = self._cases.load(case_id).case
        task = case.tasks[task_id]
        counted = self.counted(case, task)
        if not any(map(is_submitted, counted)):
            return
        given_back = CodedReason(None, "given_back", {"by": by, "reason": reason})
        judged = Judged(Returned((given_back,)), rules=self._rulebook.rules(case, task, counted))
        sealed = self._seals.of(case, task, counted)
        self._record(case, task, counted, submitter(counted), judged, None, sealed)

    def answer(self, case: Case) -> None:
        """Bring receipts and returned forms in line with what the case has decided. Safe to repeat."""
        for task in case.tasks.values():
            self._answer(case, task)

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
        sealed: Sealed,
    ) -> None:
        revs = tuple(sorted(leaf["_rev"] for leaf in counted))
        unsent_id = unsent_id or accepted_unsent(case, form_id(task.id), revs)
        if signed is None:
            # No readable time: the form is returned in its sender's name, at the moment it arrived.
            unsent = case.quarantine.get(unsent_id or "")
            sender = signer(next(filter(is_submitted, counted))) or (unsent.by if unsent else None)
            signed = Submitter(sender or task.assignees[0], self._clock(), "")
        command = RecordSubmission(
            task_id=task.id,
            revs=revs,
            outcome=judged.outcome,
            submitted_by=signed.by,
            submitted_at=signed.at,
            device=signed.device,
            unsent_id=unsent_id,
            checklist=task.checklist,
            limits=_limits(judged.rules),
            device_signatures=sealed.branches,
        )
        try:
            after = self._cases.apply(case.id, command, SYSTEM).case
        except Refusal as refusal:
            if refusal.code == "checklist_moved":
                # The office moved the task while its form was judged.
                self.take(case.id, task.id, unsent_id=unsent_id)
                return
            if refusal.code not in {"task_cancelled", "not_assigned"}:
                raise
            self._set_aside(case, task.id, [leaf for leaf in counted if is_submitted(leaf)], refusal.code)
            return
        self._answer(after, after.tasks[task.id])

    def _answer(self, case: Case, task: Task) -> None:
        """Write what the case has decided on a form beside it: every receipt, and the form open again."""
        for submission in task.submissions:
            write_receipt(self._store, self._names.forms(case.id), task.id, submission)
        if task.submissions and task.submissions[-1].outcome == "returned":
            self._reopen(case, task, task.submissions[-1])

    def _reopen(self, case: Case, task: Task, submission: Submission) -> None:
        """Open a returned form for edits: one document again, with everything that its branches held.

        The other branches go only after that is written; a second call finds what a first one left.
        """
        database, receipt = self._names.forms(case.id), f"receipt:{task.id}:{submission.n}"
        for _ in range(_REOPEN_TRIES):
            leaves = self._leaves(case.id, task.id)
            judged = [leaf for leaf in leaves if leaf["_rev"] in submission.revs]
            if not any(as_mapping(leaf.get("returned")).get("receipt") == receipt for leaf in leaves):
                if not any(map(is_submitted, judged)):
                    return
                for leaf in judged:
                    keep_signed(self._store, database, leaf)
                returned = {"receipt": receipt, "at": submission.received_at.isoformat()}
                try:
                    self._store.put(database, {**self._united(case, task, judged), "returned": returned})
                except Conflict:
                    continue
                judged = judged[1:]
            gone = [{"_id": leaf["_id"], "_rev": leaf["_rev"], "_deleted": True} for leaf in judged]
            self._store.bulk_docs(database, gone)
            return
        raise Conflict

    def _united(self, case: Case, task: Task, leaves: Sequence[Document]) -> Document:
        """The first of these branches, returned, with the answers of all. None is lost: what a safer answer
        stands before is kept beside it."""
        rules = self._rulebook.rules(case, task, leaves)
        branches = [as_mapping(leaf.get("answers")) for leaf in leaves]
        kept = [as_mapping(leaf.get("superseded")) for leaf in leaves]
        if rules is not None:
            merged = merge(rules.definition, case_facts(case), branches)
            answers, kept = merged.answers, [*kept, merged.superseded]
        else:
            answers = {code: raw for branch in reversed(branches) for code, raw in branch.items()}
            kept = [*kept, *({code: [raw] for code, raw in branch.items()} for branch in branches)]
        superseded: dict[str, list[Any]] = {}
        for layer in kept:
            for code, others in layer.items():
                beside = superseded.setdefault(code, [])
                for raw in others if isinstance(others, list | tuple) else ():
                    if raw != answers.get(code) and raw not in beside:
                        beside.append(raw)
        document = {key: value for key, value in unsealed(leaves[0]).items() if key != "_revisions"}
        document.update(status="returned", answers=answers)
        document.pop("superseded", None)
        if any(superseded.values()):
            document["superseded"] = {code: others for code, others in superseded.items() if others}
        return document

    def _set_aside(self, case: Case, task_id: str, leaves: Sequence[Document], code: str) -> None:
        """Keep a form that is not its sender's to hand in, for the manager to decide, and say so."""
        for leaf in leaves:
            rev, by = leaf["_rev"], signer(leaf) or "unknown"
            known = case.quarantine.get(quarantine_id(leaf["_id"], rev))
            if known is None:
                command = QuarantineUnsent(
                    unsent_id=quarantine_id(leaf["_id"], rev),
                    database=self._names.forms(case.id),
                    doc_id=leaf["_id"],
                    doc_rev=rev,
                    by=by,
                    reason=code,
                    summary=f"{len(as_mapping(leaf.get('answers')))} answers",
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
        if origin is None:
            return {}
        counted = self.counted(case, origin)
        rules = self._rulebook.rules(case, origin, counted)
        if rules is None:
            return {}
        branches = [as_mapping(leaf.get("answers")) for leaf in counted]
        return merge(rules.definition, case_facts(case), branches).answers


def _limits(rules: Rules | None) -> LimitsInForce | None:
    """What a submission pins of the rules it was judged by."""
    held = None if rules is None else rules.held
    return None if held is None else LimitsInForce(held.day, held.ids, held.digest)


def form_id(task_id: str) -> str:
    return f"inspection:{task_id}"


def quarantine_id(doc_id: str, rev: str) -> str:
    """The quarantine id of one revision of a document that lies in its case's database."""
    name = f"{doc_id}@{rev}"
    return name if len(name) <= MAX_ID else f"revision-{hashlib.sha256(name.encode()).hexdigest()}"


def admitted_revs(case: Case, doc_id: str) -> set[str]:
    """The branches of a document that a manager accepted out of quarantine."""
    return {
        unsent.doc_rev
        for unsent in case.quarantine.values()
        if unsent.doc_id == doc_id and unsent.doc_rev and unsent.state in {"accepted", "taken"}
    }


def accepted_unsent(case: Case, doc_id: str, revs: Collection[str]) -> str | None:
    """The accepted quarantine that one of these branches came from, if a crash left it to be taken."""
    return next(
        (
            unsent.id
            for unsent in case.quarantine.values()
            if unsent.state == "accepted" and unsent.doc_id == doc_id and unsent.doc_rev in revs
        ),
        None,
    )


def named_photos(leaves: Sequence[Document]) -> set[str]:
    """Every photo id that any answer of any branch names."""
    found: set[str] = set()
    for leaf in leaves:
        for answer in as_mapping(leaf.get("answers")).values():
            found.update(texts_in(as_mapping(answer).get("photos")))
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
