"""Whether an energized customer uses what he was connected for, and what he means to add 用电情况.

What follows from it, and on which day, is said in `use_rules`.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta

from server.workflow.vocabulary import Id, Moment, Name, Reason, Value, Words

__all__ = ["GrowthPlan", "GrowthStep", "Kva", "UseReport", "UseState"]

#: Power is drawn; none is; none is because the customer suspended it 暂停; the account was closed 销户; the
#: line of the customer's own was taken back as a public one 转为公用线路.
UseState = Literal["in_use", "not_in_use", "suspended", "account_closed", "line_public"]
Kva = Annotated[float, Meta(ge=0, le=1_000_000)]


class UseReport(Value, frozen=True, kw_only=True):
    """What was so on a day, with what shows it: a reading, a visit, a letter.

    `connected_kva`: what is connected by then, `used_kva`: what is in use; None where nobody looked.
    """

    id: Id
    dated: Moment
    state: UseState
    evidence: Reason
    recorded_at: Moment
    recorded_by: Name
    connected_kva: Kva | None = None
    used_kva: Kva | None = None
    words: Words = ""


class GrowthStep(Value, frozen=True, kw_only=True):
    """So much more by a day."""

    by: date
    kva: Kva


class GrowthPlan(Value, frozen=True, kw_only=True):
    """What the customer means to add to what he applied for, as he said last."""

    steps: tuple[GrowthStep, ...]
    evidence: Reason
    declared_at: Moment
    declared_by: Name
