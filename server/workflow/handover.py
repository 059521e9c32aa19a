"""What goes between utility and customer around the inspections: papers handed over, checks made before."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from server.workflow.vocabulary import Id, Moment, Name, Reason, Value, Words

__all__ = ["DeliveryMode", "Handover", "HandoverKind", "PreInspection", "SelfCheck"]

#: The acceptance handbook 验收手册, and the sheet of protection settings 定值单.
HandoverKind = Literal["acceptance_handbook", "setting_sheet"]
DeliveryMode = Literal["in_person", "post", "electronic"]


class Handover(Value, frozen=True, kw_only=True):
    """A paper in the customer's hands. `receipt`: what shows that it is; `document`: where it is kept."""

    id: Id
    kind: HandoverKind
    version: Name
    received_by: Name
    dated: Moment
    mode: DeliveryMode
    receipt: Reason
    recorded_at: Moment
    recorded_by: Name
    document: Words = ""


class SelfCheck(Value, frozen=True, kw_only=True):
    """The customer's own check of the works. `finished`: by his word they are done and stand the check."""

    id: Id
    dated: Moment
    by: Name
    finished: bool
    evidence: Reason
    recorded_at: Moment
    recorded_by: Name
    findings: Words = ""


class PreInspection(Value, frozen=True, kw_only=True):
    """A look at the works ahead of the completion inspection 初验收. What it finds is advice, no notice."""

    id: Id
    dated: Moment
    inspectors: Annotated[tuple[Name, ...], Meta(min_length=1)]
    recorded_at: Moment
    recorded_by: Name
    advice: tuple[Reason, ...] = ()
    evidence: Words = ""
