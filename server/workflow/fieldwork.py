"""Field work as a case knows it: tasks, what was handed in for them, and the photos relied on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from msgspec import field

from server.workflow.signing import DeviceSignature, FormSigned, form_signed
from server.workflow.vocabulary import (
    ChecklistRef,
    CodedReason,
    Count,
    Id,
    ItemResult,
    LimitsInForce,
    Moment,
    Name,
    OutcomeKind,
    PhotoState,
    Presence,
    TaskKind,
    TaskStatus,
    Value,
    Words,
)

__all__ = [
    "OpenBranch",
    "PhotoRecord",
    "Submission",
    "Task",
]


class PhotoRecord(Value, frozen=True):
    """What the case knows of a photo it relies on. `used_by`: `task:<id>`, `notice:<n>`, `hazard:<id>`,
    `gate:<id>`."""

    state: PhotoState
    sha256: str | None = None
    used_by: tuple[str, ...] = ()
    reason: str = ""


class Submission(Value, frozen=True, kw_only=True):
    """One judged submission. `n` counts from 1 in its task and is the receipt's number.

    `revs` are all leaf revisions of the form when it was judged, sorted. `late`: the task was settled before.
    `digest` is that of the outcome, so that a repeat can be told from news. `limits` is None where no limit
    of the organisation's own was in force. `presence` is None where the site cannot be placed, and in what
    was judged before presence was recorded: then `findings` tell of answers given outside.
    `device_signatures`, one for each of `revs`, are empty in what was judged before forms were signed.
    """

    n: Count
    revs: tuple[str, ...]
    outcome: OutcomeKind
    submitted_by: Name
    submitted_at: Moment
    received_at: Moment
    digest: str
    device: str = ""
    late: bool = False
    failed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    missing_signatures: tuple[str, ...] = ()
    reasons: tuple[CodedReason, ...] = ()
    findings: tuple[CodedReason, ...] = ()
    advice: tuple[ItemResult, ...] = ()
    superseded: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    unsent_id: str | None = None
    limits: LimitsInForce | None = None
    presence: Presence | None = None
    device_signatures: tuple[DeviceSignature, ...] = ()

    @property
    def signed(self) -> FormSigned | None:
        """Whether tablets signed the form; None where nobody looked."""
        return form_signed(self.device_signatures)


class OpenBranch(Value, frozen=True):
    """Leaves of a form that were judged and are not settled: returned, or waiting for what they name."""

    submission: Count
    kind: Literal["awaiting_photos", "returned"]
    revs: tuple[str, ...]
    submitted_by: Name


class Task(Value, frozen=True, kw_only=True):
    """Field work given to people, bound to one version of a checklist.

    `failed` collects the codes of every failure that any branch of the form brought. `open_branch` is what
    was judged and not settled; on a settled task it is a branch that came late. A re-inspection names the
    notice it serves and exactly the `items` to be looked at; for other tasks `items` is None: all of them.
    `specialties`: those of its people who have some set; `by_photos`: nobody goes,
    the answer's photos are judged.
    """

    id: Id
    kind: TaskKind
    checklist: ChecklistRef
    assignees: tuple[Name, ...]
    status: TaskStatus
    created_at: Moment
    created_by: Name
    due: date | None = None
    note: Words = ""
    notice: int | None = None
    items: tuple[str, ...] | None = None
    submissions: tuple[Submission, ...] = ()
    accepted: int | None = None
    failed: tuple[str, ...] = ()
    open_branch: OpenBranch | None = None
    cancelled_reason: str | None = None
    specialties: Mapping[Name, tuple[Id, ...]] = field(default_factory=dict)
    by_photos: bool = False

    @property
    def signed(self) -> FormSigned | None:
        """Whether tablets signed what was judged last; None before anything was."""
        return self.submissions[-1].signed if self.submissions else None
