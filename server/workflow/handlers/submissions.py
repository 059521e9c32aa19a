"""Judged forms. The first accepted judgement settles a task; whatever comes later can only add failures.

A judgement is of all leaves of the form at the time, merged, so a judgement of more leaves replaces one of
fewer, and one of fewer is stale. Leaves that were returned or wait for what they name stay open work until an
accepted judgement covers them: contains them, or has grown past them.
"""

from __future__ import annotations

from msgspec.structs import replace

from server.workflow.cause import sparing_outcome
from server.workflow.commands import (
    Accepted,
    AwaitingPhotos,
    Outcome,
    RecordPhoto,
    RecordSubmission,
    Returned,
)
from server.workflow.draft import Draft
from server.workflow.handlers.customer_inspections import came_back
from server.workflow.handlers.quarantine import accepted_sender, take
from server.workflow.handlers.raising import raise_failures
from server.workflow.handlers.reinspections import close_round
from server.workflow.log import digest
from server.workflow.model import SEVERITY_RANK, ItemResult, NoticeItem, OpenBranch, Submission, Task
from server.workflow.refusal import Refusal
from server.workflow.vocabulary import SETTLED_TASKS


def record_submission(draft: Draft, command: RecordSubmission) -> None:
    task = _judged_by(draft, draft.task(command.task_id), command)
    _require_sender(draft, task, command)
    submission = _submission(draft, task, command)
    if isinstance(command.outcome, Accepted):
        _require_sound(task, command.outcome)
    if not _brings_nothing(task, submission, command.outcome):
        _record(draft, task, submission, command)
    if command.unsent_id is not None:
        take(draft, command.unsent_id)


def _judged_by(draft: Draft, task: Task, command: RecordSubmission) -> Task:
    """The task, if the form was judged by its checklist. One that moved meanwhile is judged anew; done on
    another branch of a conflict, the work stands and the move does not."""
    if command.checklist in (None, task.checklist):
        return task
    if draft.again:
        return replace(task, checklist=command.checklist)
    params = {"task": task.id, "checklist": f"{task.checklist.id}@{task.checklist.version}"}
    raise Refusal("checklist_moved", params, facts=(f"task:{task.id}",))


def _require_sender(draft: Draft, task: Task, command: RecordSubmission) -> None:
    """Refuse work of somebody who is not assigned, unless a manager accepted it out of quarantine."""
    by = command.submitted_by
    if draft.again:
        return
    if command.unsent_id is not None and accepted_sender(draft, command.unsent_id) == by:
        return
    if any(
        unsent.by == by and unsent.doc_rev in command.revs and unsent.state in {"accepted", "taken"}
        for unsent in draft.case.quarantine.values()
    ):
        return
    if task.status == "cancelled":
        raise Refusal("task_cancelled", {"task": task.id}, facts=(f"task:{task.id}",))
    if by not in task.assignees:
        params = {"task": task.id, "by": by}
        raise Refusal("not_assigned", params, kind="forbidden", facts=(f"task:{task.id}",))


def _require_sound(task: Task, outcome: Accepted) -> None:
    codes = [item.code for item in outcome.items]
    if len(codes) != len(set(codes)):
        raise Refusal("item_twice", {"task": task.id}, kind="invalid", facts=("field:outcome.items",))
    verified = {photo.id for photo in outcome.photos if photo.verified}
    named = {photo.id for photo in outcome.photos} | {id_ for item in outcome.items for id_ in item.photos}
    if missing := sorted(named - verified):
        raise Refusal(
            "photos_unverified",
            {"photos": missing, "names": ", ".join(missing)},
            kind="invalid",
            facts=tuple(f"photo:{photo}" for photo in missing),
        )


def _submission(draft: Draft, task: Task, command: RecordSubmission) -> Submission:
    outcome = command.outcome
    submission = Submission(
        n=len(task.submissions) + 1,
        revs=tuple(sorted(set(command.revs))),
        outcome="accepted",
        submitted_by=command.submitted_by,
        submitted_at=command.submitted_at,
        received_at=draft.now,
        device=command.device,
        late=task.status in SETTLED_TASKS,
        digest=_digest(outcome),
        unsent_id=command.unsent_id,
        limits=command.limits,
        device_signatures=command.device_signatures,
    )
    match outcome:
        case AwaitingPhotos():
            return replace(
                submission,
                outcome="awaiting_photos",
                missing=outcome.missing,
                missing_signatures=outcome.signatures,
            )
        case Returned():
            return replace(submission, outcome="returned", reasons=outcome.reasons)
        case Accepted():
            return replace(
                submission,
                failed=tuple(item.code for item in outcome.items if item.verdict == "fail"),
                advice=tuple(item for item in outcome.items if item.verdict == "warning"),
                findings=outcome.findings,
                presence=outcome.presence,
                superseded=outcome.superseded,
            )


def _digest(outcome: Outcome) -> str:
    """What tells an outcome from another. Presence is no part of it: a track that comes later is no news of
    what was found, and the presence report weighs it."""
    if isinstance(outcome, Accepted):
        outcome = replace(outcome, presence=None)
    return digest(sparing_outcome(outcome))


def _brings_nothing(task: Task, submission: Submission, outcome: Outcome) -> bool:
    """True for a repeat, for a stale judgement, and for second thoughts on leaves already accepted."""
    if any(set(submission.revs) < set(earlier.revs) for earlier in task.submissions):
        return True
    same = [earlier for earlier in task.submissions if earlier.revs == submission.revs]
    if not same:
        return False
    if submission.outcome != "accepted" and any(earlier.outcome == "accepted" for earlier in same):
        return True
    # Cases from before causes were recorded have the digest of all words.
    return same[-1].digest in {submission.digest, digest(outcome)}


def _record(draft: Draft, task: Task, submission: Submission, command: RecordSubmission) -> None:
    task = replace(
        task,
        submissions=(*task.submissions, submission),
        open_branch=_open_branch(task, submission),
    )
    if submission.outcome != "accepted":
        draft.put_task(task if submission.late else replace(task, status=submission.outcome))
        _tell(draft, task, submission)
        return
    assert isinstance(command.outcome, Accepted)  # noqa: S101  (the submission was made from it)
    draft.rely_on(command.outcome.photos, f"task:{task.id}")
    failures = [item for item in command.outcome.items if item.verdict == "fail"]
    news = _news(draft, task, failures, late=submission.late)
    task = replace(task, failed=tuple(dict.fromkeys((*task.failed, *submission.failed))))
    if not submission.late:
        task = replace(task, status="accepted", accepted=submission.n)
    draft.put_task(task)
    _tell(draft, task, submission)
    if task.notice is not None and not submission.late:
        close_round(draft, task, submission, command.outcome.items)
    if not submission.late:
        came_back(draft, task, submission)
    raise_failures(draft, task, submission, news)


def _tell(draft: Draft, task: Task, submission: Submission) -> None:
    draft.tell(
        f"submission_{submission.outcome}",
        task=task.id,
        n=submission.n,
        revs=list(submission.revs),
        submitted_by=submission.submitted_by,
        late=submission.late,
        failed=list(submission.failed),
        missing=list(submission.missing),
        missing_signatures=list(submission.missing_signatures),
        returned_for=[{"item": reason.item, "code": reason.code} for reason in submission.reasons],
    )


def _news(draft: Draft, task: Task, failures: list[ItemResult], *, late: bool) -> list[ItemResult]:
    """Failures that no notice follows up yet, or only as something less grave."""
    known: dict[str, int] = {}

    def note(item: NoticeItem) -> None:
        known[item.code] = max(known.get(item.code, 0), SEVERITY_RANK[item.gravest])

    for notice in draft.case.notices.values():
        if notice.task_id == task.id:
            for item in notice.items:
                note(item)
        elif notice.n == task.notice:
            for item in notice.items:
                # A re-inspection is judged on its notice. In a late branch of one, what has passed by now,
                # or was withdrawn, is news again unless this task found it failing before.
                still_open = notice.open and item.state == "open"
                followed = item.code in task.failed or still_open if late else item.code in (task.items or ())
                if followed:
                    note(item)
    return [failure for failure in failures if SEVERITY_RANK[failure.severity] > known.get(failure.code, 0)]


def _open_branch(task: Task, submission: Submission) -> OpenBranch | None:
    """What is left open after this judgement."""
    before = task.open_branch
    if before is not None and _covers(submission.revs, before.revs):
        before = None
    if submission.outcome == "accepted":
        return before
    left = () if before is None else before.revs
    return OpenBranch(
        submission=submission.n,
        kind=submission.outcome,
        revs=tuple(sorted({*left, *submission.revs})),
        submitted_by=submission.submitted_by,
    )


def _covers(judged: tuple[str, ...], leaves: tuple[str, ...]) -> bool:
    """True if each leaf is among those judged, or they have grown past it."""
    newest = max(_generation(rev) for rev in judged)
    return all(leaf in judged or _generation(leaf) < newest for leaf in leaves)


def _generation(rev: str) -> int:
    return int(rev.split("-", 1)[0])


def record_photo(draft: Draft, command: RecordPhoto) -> None:
    photo = draft.case.photos.get(command.photo_id)
    if photo is None:
        return
    if photo.sha256 is not None and command.sha256 is not None and photo.sha256 != command.sha256:
        raise Refusal(
            "photo_differs", {"photo": command.photo_id}, kind="invalid", facts=(f"photo:{command.photo_id}",)
        )
    judged = replace(
        photo,
        state="verified" if command.verified else "refused",
        sha256=photo.sha256 or command.sha256,
        reason="" if command.verified else command.reason,
    )
    # Verified bytes do not change, so a later refusal of them is an error of whoever says so.
    if photo.state == "verified" and not command.verified:
        raise Refusal(
            "photo_already_verified", {"photo": command.photo_id}, facts=(f"photo:{command.photo_id}",)
        )
    if judged == photo:
        return
    draft.case = replace(draft.case, photos={**draft.case.photos, command.photo_id: judged})
    draft.tell("photo_judged", photo=command.photo_id, state=judged.state, reason=judged.reason)
