"""Commands on the case as a whole: what it is, where it stands, and whose time it is. See `commands`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from msgspec import Meta, Struct, field

from server.workflow.model import (
    Count,
    Customer,
    FactValue,
    Id,
    Moment,
    Name,
    ProcessName,
    Reason,
    Site,
    Supply,
    Words,
)

People = Annotated[tuple[Name, ...], Meta(min_length=1)]


class CommandBase(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag=True, tag_field="command"
):
    """Base of every command."""


class OpenCase(CommandBase, frozen=True, kw_only=True):
    """Accept an application. The only command on no case. Roles: manager, admin.

    `reason` is asked for where `facts` say otherwise than a rule of the process would.
    """

    id: Id
    no: Name
    process: ProcessName
    organisation: Words
    customer: Customer
    site: Site
    supply: Supply
    manager: Name
    title: Words = ""
    facts: Mapping[str, FactValue] = field(default_factory=dict)
    reason: Words = ""


class AmendCase(CommandBase, frozen=True, kw_only=True):
    """Correct what is known of a case; None leaves a part as it is. Another process must fit the supply and
    know the stage that the case stands at."""

    reason: Reason
    process: ProcessName | None = None
    customer: Customer | None = None
    site: Site | None = None
    supply: Supply | None = None
    manager: Name | None = None
    title: Words | None = None


class SetFacts(CommandBase, frozen=True, kw_only=True):
    """Settle facts that gates and checklists depend on. A value of None makes a fact unknown again.

    A fact that the process has a rule for goes back to the rule then; to say otherwise takes a reason.
    """

    facts: Mapping[str, FactValue]
    reason: Words = ""


class MoveStage(CommandBase, frozen=True, kw_only=True):
    """Move along the process. Energized is never reached this way."""

    to: Id
    note: Words = ""


class ExtendScheme(CommandBase, frozen=True, kw_only=True):
    """Let the scheme hold longer, as the customer asked on the day `dated`, in time before its end."""

    until: date
    dated: Moment
    evidence: Reason


class PauseClock(CommandBase, frozen=True, kw_only=True):
    """Stop the clocks: the utility waits. `pause_id` is new; the same pause again changes nothing.

    `since`: when it began, now if it says nothing. The case moves on only once the pause has ended.
    """

    pause_id: Id
    reason: Id
    evidence: Reason
    since: Moment | None = None
    message: Words = ""


class ResumeClock(CommandBase, frozen=True, kw_only=True):
    """Record the act that ended a pause, by the day it was done on. Of several the earliest counts."""

    pause_id: Id
    dated: Moment
    evidence: Reason


class DateStage(CommandBase, frozen=True, kw_only=True):
    """Record the customer's dated act that began a stage: an application, a receipt. The earliest counts.

    `visit`: which time the stage was entered, counted from 1.
    """

    stage: Id
    dated: Moment
    evidence: Reason
    visit: Count = 1
