"""What became of something that a monitor told of: who explained it, and how, and what an audit said.

An explanation is a person's word, so it is a command and stands in the log. It speaks of an anomaly by its
key, which is the same for as long as the anomaly is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
import yaml

from server.workflow.vocabulary import Id, Moment, Name, Reason, Value, Words

Fault = Literal["staff", "customer", "third_party", "nobody"]
Audit = Literal["waiting", "accepted", "rejected"]
#: `unexplained`: nobody has said why; `waiting`: somebody has, and no audit has looked at it; `staff`: the
#: staff's fault, as was said or as an audit found; `excused`: an audit accepted that it was not.
Standing = Literal["unexplained", "waiting", "staff", "excused"]


class Explanation(Value, frozen=True, kw_only=True):
    """Why an anomaly came about. `anomaly` is its key, `reason` a code of explanations.yaml.

    `audited_*`: what somebody else found, who has nothing to do with the case.
    """

    anomaly: Name
    code: Id
    reason: Id
    words: Reason
    by: Name
    at: Moment
    audit: Audit = "waiting"
    audited_by: str | None = None
    audited_at: Moment | None = None
    audit_words: Words = ""

    @property
    def fault(self) -> Fault:
        """Whose fault it was, as explained. One for a reason that is not known here is the staff's."""
        known = explanation_reasons().get(self.reason)
        return "staff" if known is None else known.fault


class ExplanationReason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reason that an explanation may give."""

    fault: Fault
    source: str = "EJ"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: Literal[1]
    reasons: dict[str, ExplanationReason]


@cache
def explanation_reasons() -> Mapping[str, ExplanationReason]:
    """Every reason by its code."""
    text = (resources.files(__package__) / "explanations.yaml").read_text("utf-8")
    return msgspec.convert(yaml.safe_load(text), _File).reasons


def standing_of(explanation: Explanation | None) -> Standing:
    """Where an anomaly stands that was explained so; None: by nobody.

    What an audit rejected is the staff's until it is explained otherwise: in doubt it counts.
    """
    if explanation is None:
        return "unexplained"
    if explanation.fault == "staff" or explanation.audit == "rejected":
        return "staff"
    return "excused" if explanation.audit == "accepted" else "waiting"
