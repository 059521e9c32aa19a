"""Which meetings a case calls for, and whether they were held: the table `meetings.yaml`.

In doubt a meeting is called for: a fact that nobody has settled spares nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Literal, get_args

import msgspec
import yaml

from server.workflow.facts import known
from server.workflow.meetings import Department, Meeting, MeetingKind, Minutes
from server.workflow.model import Case, GateReason
from server.workflow.policy import Policy
from server.workflow.processes.rules import size_rules


class MeetingRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of the table."""

    since: str
    called_for: str
    departments: tuple[Department, ...]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: Literal[1]
    meetings: dict[MeetingKind, MeetingRule]


@cache
def meeting_table() -> Mapping[MeetingKind, MeetingRule]:
    """Every kind of meeting, in the order of a case. Raises ValueError for a table that cannot be."""
    text = (resources.files(__package__) / "meetings.yaml").read_text("utf-8")
    table = msgspec.convert(yaml.safe_load(text), _File).meetings
    if missing := set(get_args(MeetingKind)) - set(table):
        raise ValueError(f"meetings without a rule: {sorted(missing)}")
    if unknown := {rule.called_for for rule in table.values()} - set(CALLED_FOR):
        raise ValueError(f"no such functions: {sorted(unknown)}")
    return table


def called_for(case: Case, policy: Policy) -> tuple[MeetingKind, ...]:
    """The meetings that the case calls for, whether or not they were held."""
    table = meeting_table()
    return tuple(kind for kind, rule in table.items() if CALLED_FOR[rule.called_for](case, policy))


def standing_minutes(case: Case, kind: MeetingKind) -> Minutes | None:
    """The last minutes of a kind since the case last came to the stage that the meeting looks at."""
    since = meeting_table()[kind].since
    entered = max((n for n, entry in enumerate(case.history, start=1) if entry.stage == since), default=0)
    found = [
        meeting.minutes
        for meeting in case.meetings.values()
        if meeting.kind == kind and meeting.minutes is not None and meeting.minutes.visit >= entered
    ]
    return max(found, key=lambda minutes: (minutes.visit, minutes.held_at, minutes.recorded_at), default=None)


def missing_departments(meeting: Meeting, attended: set[Department]) -> tuple[Department, ...]:
    """The departments that the meeting asks for and nobody came for."""
    return tuple(name for name in meeting_table()[meeting.kind].departments if name not in attended)


def not_minuted(case: Case, policy: Policy, *kinds: MeetingKind) -> list[GateReason]:
    """Why these meetings hold the case up: one that it calls for has no minutes, or did not agree."""
    if not policy.meeting_minutes_required:
        return []
    reasons = []
    for kind in called_for(case, policy):
        if kind not in kinds:
            continue
        minutes = standing_minutes(case, kind)
        if minutes is None:
            reasons.append(GateReason("minutes_missing", {"meeting": kind}, (f"meeting:{kind}",)))
        elif minutes.outcome == "not_agreed":
            reasons.append(GateReason("meeting_not_agreed", {"meeting": kind}, (f"meeting:{kind}",)))
    return reasons


def _applies(case: Case, policy: Policy, size: str) -> bool:
    return any(rule.id == size and rule.applies for rule in size_rules(case, policy))


def _high_voltage(case: Case, _policy: Policy) -> bool:
    return case.process != "lv"


def _scheme_review(case: Case, _policy: Policy) -> bool:
    """Always in the complex process; in the simple one unless it is settled that none is required."""
    if case.process == "lv":
        return False
    return case.process == "hv_complex" or known(case, "scheme_review_required") is not False


def _large_customer(case: Case, policy: Policy) -> bool:
    large = _applies(case, policy, "large_customer")
    return _scheme_review(case, policy) and (
        large or known(case, "dedicated") is True or known(case, "dual") is True
    )


def _drawing_review(case: Case, policy: Policy) -> bool:
    return known(case, "design_review_required") is not False and _applies(
        case, policy, "joint_drawing_review"
    )


#: The functions a row of the table may name.
CALLED_FOR: Mapping[str, Callable[[Case, Policy], bool]] = {
    "high_voltage": _high_voltage,
    "scheme_review": _scheme_review,
    "large_customer": _large_customer,
    "drawing_review": _drawing_review,
}
