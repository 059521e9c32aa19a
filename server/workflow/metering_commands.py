"""The command on a case's metering plan. See `commands`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta

from server.workflow.case_commands import CommandBase
from server.workflow.metering import MeteringLine
from server.workflow.vocabulary import Words


class PlanMetering(CommandBase, frozen=True, kw_only=True):
    """Say which instruments the case needs and when it is to connect, instead of what was said before."""

    connect_on: date
    lines: Annotated[tuple[MeteringLine, ...], Meta(min_length=1, max_length=50)]
    note: Words = ""
