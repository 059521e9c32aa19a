"""What a move along a process may ask for: reasons why it is refused, none if it is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

from server.workflow import gates
from server.workflow.approvals.standing import scheme_not_approved
from server.workflow.facts import known
from server.workflow.model import Case, GateReason, StageEntry, Task
from server.workflow.papers import owed_papers
from server.workflow.policy import Policy
from server.workflow.processes.called import not_minuted
from server.workflow.vocabulary import SETTLED_TASKS
from server.workflow.workdays import add_months

if TYPE_CHECKING:
    from server.workflow.processes import Process

Precondition = Callable[[Case, "Process", Policy, datetime], list[GateReason]]


def _of_case(decide: Callable[[Case], list[GateReason] | None]) -> Precondition:
    """A precondition that looks at nothing but the case."""
    return lambda case, _table, _policy, _now: decide(case) or []


def survey_accepted(case: Case) -> list[GateReason]:
    if any(task.kind == "survey" and task.status == "accepted" for task in case.tasks.values()):
        return []
    refs = tuple(f"task:{task.id}" for task in case.tasks.values() if _is_open_survey(task))
    return [GateReason("none_accepted", {"kind": "survey"}, refs or ("command:AssignTask",))]


def _is_open_survey(task: Task) -> bool:
    return task.kind == "survey" and task.status not in SETTLED_TASKS


def _not_required(fact: str) -> Callable[[Case], list[GateReason]]:
    """Passes once it is settled that something is not required; unknown is not no."""

    def decide(case: Case) -> list[GateReason]:
        required = known(case, fact)
        if required is False:
            return []
        code = "fact_unknown" if required is None else "fact_true"
        return [GateReason(code, {"fact": fact}, (f"fact:{fact}",))]

    return decide


def line_is_shared(case: Case) -> list[GateReason]:
    """A line of the customer's own takes the complex process, whose schemes are consulted on jointly."""
    if known(case, "dedicated"):
        return [GateReason("line_of_its_own", {}, ("fact:dedicated", "field:process"))]
    return []


def scheme_expiry(case: Case, table: Process, policy: Policy) -> date | None:
    """The last day on which the scheme holds; None while none was replied. A new one is not extended yet."""
    replied = scheme_reply(case, table)
    if replied is None:
        return None
    months = getattr(policy, table.scheme_valid_months)
    extended = (one.until for one in case.scheme_extensions if one.act.dated >= replied.begun)
    return max([add_months(policy.day(replied.begun), months), *extended])


def scheme_reply(case: Case, table: Process) -> StageEntry | None:
    """The last time that a scheme was replied."""
    return next((entry for entry in reversed(case.history) if entry.stage == table.scheme_replied), None)


def scheme_valid(case: Case, table: Process, policy: Policy, now: datetime) -> list[GateReason]:
    expiry = scheme_expiry(case, table, policy)
    if expiry is None or policy.day(now) <= expiry:
        return []
    return [GateReason("scheme_expired", {"until": expiry.isoformat()}, ("stage:scheme",))]


def on_load_checked(case: Case) -> list[GateReason]:
    """Passes once the last check under load found everything right."""
    last = case.on_load_checks[-1] if case.on_load_checks else None
    if last is None:
        return [GateReason("not_checked_on_load")]
    return [GateReason("failed_on_load", {"names": ", ".join(last.failed)})] if last.failed else []


def scheme_minuted(case: Case, _table: Process, policy: Policy, _now: datetime) -> list[GateReason]:
    """The scheme's meetings, where the case calls for them, were held on this scheme and came to agree."""
    return not_minuted(case, policy, "scheme_review", "leaders_review")


def drawings_minuted(case: Case, _table: Process, policy: Policy, _now: datetime) -> list[GateReason]:
    return not_minuted(case, policy, "drawing_review")


def self_checked(case: Case, _table: Process, policy: Policy, _now: datetime) -> list[GateReason]:
    """The customer's last check of his own works found them finished."""
    if not policy.self_check_required:
        return []
    last = max(case.self_checks.values(), key=lambda one: (one.dated, one.recorded_at, one.id), default=None)
    if last is not None and last.finished:
        return []
    fact = ("command:RecordSelfCheck",)
    if last is None:
        return [GateReason("self_check_missing", {}, fact)]
    return [GateReason("self_check_unfinished", {"findings": last.findings}, fact)]


def scheme_approved(case: Case, table: Process, policy: Policy, _now: datetime) -> list[GateReason]:
    """The scheme was approved, by rule or by a person, on what the case is now."""
    return scheme_not_approved(case, table, policy)


PRECONDITIONS: Mapping[str, Precondition] = {
    "survey_accepted": _of_case(survey_accepted),
    "line_is_shared": _of_case(line_is_shared),
    "scheme_review_not_required": _of_case(_not_required("scheme_review_required")),
    "scheme_minuted": scheme_minuted,
    "scheme_approved": scheme_approved,
    "scheme_valid": scheme_valid,
    "drawings_minuted": drawings_minuted,
    "design_review_not_required": _of_case(_not_required("design_review_required")),
    "mid_check_passed": _of_case(gates.mid_check_passed),
    "self_checked": self_checked,
    "acceptance_passed": _of_case(gates.acceptance_passed),
    "on_load_checked": _of_case(on_load_checked),
    "papers_in": _of_case(lambda case: list(owed_papers(case))),
    "notices_closed": _of_case(gates.notices_closed),
    "field_work_complete": _of_case(gates.field_work_complete),
}
