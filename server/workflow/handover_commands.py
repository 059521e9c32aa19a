"""Commands on papers handed over and on checks ahead of the inspections. See `commands`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from server.workflow.case_commands import CommandBase
from server.workflow.handover import DeliveryMode, HandoverKind
from server.workflow.vocabulary import Id, Moment, Name, Reason, Words


class HandOver(CommandBase, frozen=True, kw_only=True):
    """Record that the customer has a paper, and by what receipt; once the intermediate inspection passed.

    `handover_id` is new; the same again changes nothing. A later version is handed over anew.
    """

    handover_id: Id
    kind: HandoverKind
    version: Name
    received_by: Name
    dated: Moment
    receipt: Reason
    mode: DeliveryMode = "in_person"
    document: Words = ""


class RecordSelfCheck(CommandBase, frozen=True, kw_only=True):
    """Record the customer's check of his own works. The last one counts when completion is applied for."""

    check_id: Id
    dated: Moment
    by: Name
    finished: bool
    evidence: Reason
    findings: Words = ""


class RecordPreInspection(CommandBase, frozen=True, kw_only=True):
    """Record a look ahead of the completion inspection. What endangers anybody is a hazard, and no advice."""

    check_id: Id
    dated: Moment
    inspectors: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=50)]
    advice: Annotated[tuple[Reason, ...], Meta(max_length=200)] = ()
    evidence: Words = ""
