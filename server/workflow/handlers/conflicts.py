"""What a conflict between two branches of a case leaves in the case itself; see `rebase`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from server.workflow.commands import SettleConflict
from server.workflow.draft import Draft
from server.workflow.handlers.energization import put_on_hold
from server.workflow.model import HoldCause, Task
from server.workflow.switching import left_live


def hold_for_conflict(draft: Draft) -> None:
    """Void an authorization and admit none. A hold that is there stays, and so does a closed breaker."""
    if draft.case.energization.status in {"none", "authorized"}:
        put_on_hold(draft, "conflict")


def keep_hold(draft: Draft) -> None:
    """Leave it to a person to end the hold of this conflict."""
    hold = draft.case.energization.hold
    if hold is not None and hold.cause == "conflict":
        cause: HoldCause = "conflict_unclear"
        draft.put_energization(hold=replace(hold, cause=cause))
        draft.tell("conflict_unclear")


def settle_conflict(draft: Draft, _: SettleConflict) -> None:
    hold = draft.case.energization.hold
    if draft.case.energization.status != "on_hold" or hold is None or hold.cause != "conflict":
        return
    if left_live(draft.case):
        # Whether it is dead again nobody knows but who was there.
        keep_hold(draft)
        return
    draft.put_energization(
        status="none", hold=None, authorized_by=None, authorized_at=None, note="", gates=()
    )
    draft.tell("conflict_settled")


def tell_lost(draft: Draft, event: str, by: str, code: str, params: Mapping[str, Any]) -> None:
    """Name what a losing branch had decided and does not stand any more, and why."""
    draft.tell("conflict_lost", lost=event, by=by, code=code, params=dict(params))


def adopt_task(draft: Draft, task: Task) -> None:
    """Keep field work that a losing branch had given out and that cannot be given out again.

    It is cancelled, so that nobody is sent; but a form of it that was filled in all the same is heard.
    """
    if task.id in draft.case.tasks:
        return
    draft.put_task(
        replace(
            task,
            status="cancelled",
            cancelled_reason="conflict",
            submissions=(),
            accepted=None,
            failed=(),
            open_branch=None,
        )
    )
    draft.tell("task_adopted", task=task.id, kind=task.kind, assignees=list(task.assignees))
