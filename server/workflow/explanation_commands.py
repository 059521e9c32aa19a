"""Commands on what monitors tell of a case. See `commands`."""

from __future__ import annotations

from server.workflow.case_commands import CommandBase
from server.workflow.model import Id, Name, Reason, Words


class ExplainAnomaly(CommandBase, frozen=True, kw_only=True):
    """Say why an anomaly came about. `anomaly`: its key (`monitors.Anomaly.key`); `reason`: a code of
    explanations.yaml. A later explanation takes the place of one that no audit has accepted."""

    anomaly: Name
    reason: Id
    words: Reason


class AuditExplanation(CommandBase, frozen=True, kw_only=True):
    """Accept an explanation, or reject it for a reason. Not by whom it is from, nor the case's manager."""

    anomaly: Name
    accept: bool
    words: Words = ""
