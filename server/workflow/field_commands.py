"""Commands on field work: tasks, forms, photos, hazards, and what a tablet could not send. See `commands`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from msgspec import Meta, field

from server.workflow.case_commands import CommandBase, People
from server.workflow.model import (
    ChecklistRef,
    CodedReason,
    DeviceSignature,
    Id,
    ItemResult,
    LimitsInForce,
    Location,
    Moment,
    Name,
    PhotoRef,
    Presence,
    Reason,
    Severity,
    Text,
    Value,
    Words,
)

Revisions = Annotated[
    tuple[Annotated[str, Meta(pattern=r"^[1-9][0-9]*-.+$", max_length=100)], ...], Meta(min_length=1)
]


class AssignTask(CommandBase, frozen=True, kw_only=True):
    """Give field work to people. `task_id` is new; the same task again changes nothing."""

    task_id: Id
    kind: Literal["survey", "intermediate", "acceptance"]
    checklist: ChecklistRef
    assignees: People
    due: date | None = None
    note: Words = ""


class Reassign(CommandBase, frozen=True, kw_only=True):
    """Give an unsettled task to other people. `specialties`: those of people who have some set."""

    task_id: Id
    assignees: People
    reason: Reason
    specialties: Mapping[Name, tuple[Id, ...]] = field(default_factory=dict)


class CancelTask(CommandBase, frozen=True, kw_only=True):
    """Take back an unsettled task. A re-inspection's notice goes back to `answered`: it needs a new one."""

    task_id: Id
    reason: Reason


class ChangeChecklist(CommandBase, frozen=True, kw_only=True):
    """Bind a task that nobody has begun to a newer version of its checklist.

    `answers` says how many answers of its form have arrived; the tablets' drafts are not part of a case.
    """

    task_id: Id
    checklist: ChecklistRef
    answers: Annotated[int, Meta(ge=0)]
    reason: Words = ""


class Accepted(Value, frozen=True, kw_only=True, tag_field="outcome", tag="accepted"):
    """The form is complete and was judged. `photos` are all photos it names, every one verified.

    `superseded` holds answers that lost against a safer one; `findings` are flags (time, evidence).
    `presence` is what was known of it then; tracks that come later do not make it another outcome.
    """

    items: tuple[ItemResult, ...]
    photos: tuple[PhotoRef, ...] = ()
    superseded: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    findings: tuple[CodedReason, ...] = ()
    presence: Presence | None = None


class AwaitingPhotos(Value, frozen=True, omit_defaults=True, tag_field="outcome", tag="awaiting_photos"):
    """The form is complete but these photos or signatures (ids) have not arrived; there is at least one."""

    missing: tuple[Id, ...] = ()
    signatures: tuple[Id, ...] = ()

    def __post_init__(self) -> None:
        if not self.missing and not self.signatures:
            raise ValueError("nothing is missing")


class Returned(Value, frozen=True, tag_field="outcome", tag="returned"):
    """The form goes back to its tablet; it is open for edits again."""

    reasons: Annotated[tuple[CodedReason, ...], Meta(min_length=1)]


Outcome = Accepted | AwaitingPhotos | Returned


class RecordSubmission(CommandBase, frozen=True, kw_only=True):
    """Record what intake made of a form. Role: system.

    `revs` are all leaf revisions of the form's document: the judgement is of the merged whole. A judgement
    of fewer leaves than were judged before is stale and changes nothing; a repeat changes nothing.
    `unsent_id` names the accepted quarantine that this work came from, whoever is assigned by now.
    `checklist` is what the form was judged by (None: recorded before a task could move to another), `limits`
    are those of the organisation that were judged beside it. `device_signatures` tell of each of `revs`
    whether its tablet signed it. Refuses `not_assigned`, `task_cancelled`, `task_unknown`,
    `photos_unverified`, `checklist_moved`.
    """

    task_id: Id
    revs: Revisions
    outcome: Outcome
    submitted_by: Name
    submitted_at: Moment
    device: str = ""
    unsent_id: Id | None = None
    checklist: ChecklistRef | None = None
    limits: LimitsInForce | None = None
    device_signatures: tuple[DeviceSignature, ...] = ()


class SettleLateBranch(CommandBase, frozen=True, kw_only=True):
    """Give up waiting for a late branch (a lost tablet). Role: manager, not the person who sent it."""

    task_id: Id
    reason: Reason


class RecordPhoto(CommandBase, frozen=True, kw_only=True):
    """Record the evidence room's word on a photo. Photos that the case does not rely on change nothing."""

    photo_id: Id
    verified: bool
    sha256: str | None = None
    reason: str = ""


class ReportHazard(CommandBase, frozen=True, kw_only=True):
    """Record a defect seen outside any task. Never refused for the case's stage, nor for being wordy.

    `checklist` and `item` name what a re-inspection will look at; `text` and `remedy` are that item's words.
    `unsent_id` as in RecordSubmission.
    """

    hazard_id: Id
    description: str
    at: Moment
    by: Name
    checklist: ChecklistRef
    text: Text
    item: Id = "HZ-01"
    remedy: Text | None = None
    severity: Severity = "critical"
    photos: tuple[PhotoRef, ...] = ()
    location: Location | None = None
    unsent_id: Id | None = None


class QuarantineUnsent(CommandBase, frozen=True, kw_only=True):
    """Keep work whose sender has lost the case. Role: system. The same again changes nothing."""

    unsent_id: Id
    database: Words
    doc_id: Words
    doc_rev: str | None
    by: Name
    reason: Words
    summary: Words = ""


class SettleQuarantine(CommandBase, frozen=True, kw_only=True):
    """Accept or reject quarantined work. Roles: manager, admin, but not the sender.

    Accepted work still keeps field work open until it was taken in: by RecordSubmission or ReportHazard
    with its `unsent_id`, or by TakeQuarantined.
    """

    unsent_id: Id
    decision: Literal["accept", "reject"]
    reason: Reason


class TakeQuarantined(CommandBase, frozen=True, kw_only=True):
    """Say that accepted quarantined work that is no form and no hazard is in its database. Role: system."""

    unsent_id: Id


class ReopenQuarantine(CommandBase, frozen=True, kw_only=True):
    """Have quarantined work decided on once more: two people did at once, differently. Role: system."""

    unsent_id: Id


class SettleConflict(CommandBase, frozen=True, kw_only=True):
    """End the hold of a conflict once no losing branch is left. Role: system; see `rebase`."""
