"""Commands on the use of what was connected. See `commands`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from server.workflow.case_commands import CommandBase
from server.workflow.power_use import GrowthStep, Kva, UseState
from server.workflow.vocabulary import Id, Moment, Reason, Words


class RecordUse(CommandBase, frozen=True, kw_only=True):
    """Record whether an energized customer uses power, and how much. `report_id` is new."""

    report_id: Id
    dated: Moment
    state: UseState
    evidence: Reason
    connected_kva: Kva | None = None
    used_kva: Kva | None = None
    words: Words = ""


class DeclareGrowth(CommandBase, frozen=True, kw_only=True):
    """Say what the customer means to add and by when, instead of what was said before; no steps: nothing."""

    steps: Annotated[tuple[GrowthStep, ...], Meta(max_length=50)]
    evidence: Reason
