"""Every operation of the OpenAPI document, walked with every role: who is not admitted learns no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from server.workflow import commands
from server.workflow.decide import ROLES as COMMAND_ROLES
from tests.desk import ROLES, Desk, open_desk, refused

#: What anybody may ask without signing in. A new public route has to be written down here.
PUBLIC = {
    ("post", "/api/v1/auth/login"),
    ("post", "/api/v1/auth/refresh"),
    ("get", "/api/v1/checklists/schema"),
    ("get", "/api/v1/public/cases/{token}"),
    ("post", "/api/v1/public/cases/{token}"),
}
METHODS = {"get", "post", "put", "patch", "delete"}
#: Values for path parameters that name nothing; a number where the route wants one.
NOWHERE = {"n": "999999", "version": "999999", "other": "999998"}
#: The routes that give a command, and the command.
COMMANDS: dict[tuple[str, str], type[commands.CommandBase]] = {
    ("post", "/api/v1/cases"): commands.OpenCase,
    ("patch", "/api/v1/cases/{case_id}"): commands.AmendCase,
    ("post", "/api/v1/cases/{case_id}/facts"): commands.SetFacts,
    ("post", "/api/v1/cases/{case_id}/transitions"): commands.MoveStage,
    ("post", "/api/v1/cases/{case_id}/pauses"): commands.PauseClock,
    ("post", "/api/v1/cases/{case_id}/explanations"): commands.ExplainAnomaly,
    ("post", "/api/v1/cases/{case_id}/explanations/audit"): commands.AuditExplanation,
    ("post", "/api/v1/cases/{case_id}/pauses/{pause_id}/acts"): commands.ResumeClock,
    ("post", "/api/v1/cases/{case_id}/stages/{n}/acts"): commands.DateStage,
    ("post", "/api/v1/cases/{case_id}/scheme/extensions"): commands.ExtendScheme,
    ("post", "/api/v1/cases/{case_id}/links"): commands.IssueLink,
    ("post", "/api/v1/cases/{case_id}/links/{link_id}/revoke"): commands.RevokeLink,
    ("post", "/api/v1/cases/{case_id}/tasks"): commands.AssignTask,
    ("patch", "/api/v1/cases/{case_id}/tasks/{task_id}"): commands.Reassign,
    ("post", "/api/v1/cases/{case_id}/tasks/{task_id}/cancel"): commands.CancelTask,
    ("post", "/api/v1/cases/{case_id}/tasks/{task_id}/checklist"): commands.ChangeChecklist,
    ("post", "/api/v1/cases/{case_id}/tasks/{task_id}/settle-late"): commands.SettleLateBranch,
    ("patch", "/api/v1/cases/{case_id}/notices/{n}"): commands.AmendNotice,
    ("post", "/api/v1/cases/{case_id}/notices/{n}/cosign"): commands.CosignNotice,
    ("post", "/api/v1/cases/{case_id}/notices/{n}/issue"): commands.IssueNotice,
    ("post", "/api/v1/cases/{case_id}/notices/{n}/deliveries"): commands.DeliverNotice,
    ("post", "/api/v1/cases/{case_id}/notices/{n}/accept"): commands.AcceptNotice,
    ("post", "/api/v1/cases/{case_id}/notices/{n}/disputes"): commands.DisputeNotice,
    ("post", "/api/v1/cases/{case_id}/notices/{n}/disputes/settle"): commands.SettleDispute,
    ("post", "/api/v1/cases/{case_id}/notices/{n}/dates"): commands.StateDates,
    ("post", "/api/v1/cases/{case_id}/notices/{n}/extend"): commands.ExtendDeadlines,
    ("post", "/api/v1/cases/{case_id}/notices/{n}/covered"): commands.MarkCovered,
    ("post", "/api/v1/cases/{case_id}/notices/{n}/specialists"): commands.RecordSpecialists,
    ("post", "/api/v1/cases/{case_id}/notices/{n}/answer"): commands.AnswerNotice,
    ("post", "/api/v1/cases/{case_id}/notices/{n}/reinspect"): commands.ScheduleReinspection,
    ("post", "/api/v1/cases/{case_id}/notices/{n}/withdraw"): commands.ProposeWithdrawal,
    ("post", "/api/v1/cases/{case_id}/notices/{n}/withdraw/confirm"): commands.ConfirmWithdrawal,
    ("post", "/api/v1/cases/{case_id}/notices/{n}/withdraw/reject"): commands.RejectWithdrawal,
    ("post", "/api/v1/cases/{case_id}/quarantine/{unsent_id}/settle"): commands.SettleQuarantine,
    ("put", "/api/v1/cases/{case_id}/metering-plan"): commands.PlanMetering,
    ("post", "/api/v1/cases/{case_id}/use"): commands.RecordUse,
    ("put", "/api/v1/cases/{case_id}/growth"): commands.DeclareGrowth,
    ("post", "/api/v1/cases/{case_id}/contacts"): commands.RecordContact,
    ("post", "/api/v1/cases/{case_id}/ratings"): commands.RateService,
    ("post", "/api/v1/cases/{case_id}/ratings/{rating_id}/actions"): commands.RecordRatingAction,
    ("post", "/api/v1/cases/{case_id}/customer-inspections"): commands.PlanCustomerInspection,
    (
        "post",
        "/api/v1/cases/{case_id}/customer-inspections/{inspection_id}/done",
    ): commands.RecordCustomerInspection,
    (
        "post",
        "/api/v1/cases/{case_id}/customer-inspections/{inspection_id}/cancel",
    ): commands.CancelCustomerInspection,
    ("post", "/api/v1/cases/{case_id}/scheme/proposals"): commands.ProposeScheme,
    ("post", "/api/v1/cases/{case_id}/changes"): commands.ProposeChange,
    ("post", "/api/v1/cases/{case_id}/approvals/{approval_id}/approver"): commands.NameApprover,
    ("post", "/api/v1/cases/{case_id}/approvals/{approval_id}/decide"): commands.DecideApproval,
    ("post", "/api/v1/cases/{case_id}/approvals/{approval_id}/withdraw"): commands.WithdrawProposal,
    ("post", "/api/v1/cases/{case_id}/handovers"): commands.HandOver,
    ("post", "/api/v1/cases/{case_id}/self-checks"): commands.RecordSelfCheck,
    ("post", "/api/v1/cases/{case_id}/pre-inspections"): commands.RecordPreInspection,
    ("post", "/api/v1/cases/{case_id}/meetings"): commands.CallMeeting,
    ("post", "/api/v1/cases/{case_id}/meetings/{meeting_id}/minutes"): commands.RecordMinutes,
    ("post", "/api/v1/cases/{case_id}/meetings/{meeting_id}/cancel"): commands.CancelMeeting,
    ("post", "/api/v1/cases/{case_id}/gates/{gate}/entries"): commands.RecordEntry,
    ("post", "/api/v1/cases/{case_id}/gates/{gate}/waiver"): commands.ProposeWaiver,
    ("post", "/api/v1/cases/{case_id}/gates/{gate}/waiver/approve"): commands.ApproveWaiver,
    ("post", "/api/v1/cases/{case_id}/gates/{gate}/waiver/withdraw"): commands.WithdrawWaiver,
    ("post", "/api/v1/cases/{case_id}/energization/steps"): commands.RecordSteps,
    ("post", "/api/v1/cases/{case_id}/energization/abort"): commands.AbortSwitching,
    ("post", "/api/v1/cases/{case_id}/energization/isolation"): commands.RecordIsolation,
    ("post", "/api/v1/cases/{case_id}/on-load-checks"): commands.RecordOnLoadCheck,
    ("put", "/api/v1/cases/{case_id}/file/{paper_id}"): commands.RecordPaper,
    ("post", "/api/v1/cases/{case_id}/energization/authorize"): commands.Authorize,
    ("post", "/api/v1/cases/{case_id}/energization/record"): commands.RecordEnergization,
    ("post", "/api/v1/cases/{case_id}/energization/hold"): commands.Hold,
    ("post", "/api/v1/cases/{case_id}/energization/release"): commands.ReleaseHold,
}

Operation = tuple[str, str, tuple[str, ...]]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("roles")) as desk:
        yield desk


@pytest.fixture(scope="module")
def document(house: Desk) -> dict[str, Any]:
    found: dict[str, Any] = house.client.get("/api/openapi.json").get_json()
    return found


@pytest.fixture(scope="module")
def operations(document: dict[str, Any]) -> list[Operation]:
    return [
        (method, path, tuple(operation.get("x-roles", ())))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


@cache
def somewhere(path: str) -> str:
    """The path with parameters that name nothing."""
    return re.sub(r"{(\w+)}", lambda match: NOWHERE.get(match[1], "no-such-thing"), path)


def test_the_document_holds_every_route_of_the_api(house: Desk, operations: list[Operation]) -> None:
    routes = {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in house.app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(method, path) for method, path, _ in operations} == routes
    assert len(routes) > 40


def test_every_operation_says_whom_it_admits(operations: list[Operation]) -> None:
    for method, path, admitted in operations:
        assert admitted, (method, path)
        assert admitted == ("public",) or set(admitted) <= set(ROLES), (method, path)
    assert {(method, path) for method, path, admitted in operations if admitted == ("public",)} == PUBLIC


def test_every_operation_says_how_one_signs_in(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                wanted: list[Any] = [] if (method, path) in PUBLIC else [{"bearer": []}]
                assert operation["security"] == wanted, (method, path)


def test_every_answer_that_only_has_to_be_asked_again_says_when(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                assert "503" in operation["responses"], (method, path)
                for status in {"429", "503"} & operation["responses"].keys():
                    assert "Retry-After" in operation["responses"][status]["headers"], (method, path)


def test_nobody_is_told_to_sign_in_before_anything_else_is_looked_at(
    house: Desk, operations: list[Operation]
) -> None:
    for method, path, admitted in operations:
        if admitted == ("public",):
            continue
        for body in ({"json": {"odd": 1}}, {"data": b"{broken", "content_type": "application/json"}):
            answer = house.client.open(somewhere(path), method=method.upper(), **body)
            refused(answer, 401, "token_missing")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_who_is_not_admitted_is_refused_before_anything_else_is_looked_at(
    house: Desk, operations: list[Operation]
) -> None:
    walked = 0
    for method, path, admitted in operations:
        for role in set(ROLES) - set(admitted) if admitted != ("public",) else ():
            for body in ({"json": {"odd": 1}}, {"data": b"{broken", "content_type": "application/json"}):
                target = somewhere(path).removeprefix("/api/v1")
                answer = house.ask(method.upper(), target, by=role, **body)
                assert answer.status_code == 403, (method, path, role, answer.text)
                refused(answer, 403, "forbidden")
                walked += 1
    assert walked > 100


def test_who_is_admitted_is_not_refused_for_the_role(house: Desk, operations: list[Operation]) -> None:
    for method, path, admitted in operations:
        if (method, path) in PUBLIC or path.endswith("/logout"):
            continue
        for role in admitted:
            answer = house.ask(method.upper(), somewhere(path).removeprefix("/api/v1"), by=role, json={})
            assert answer.status_code not in (401, 403, 500), (method, path, role, answer.text)


def test_a_route_admits_nobody_whom_its_command_refuses(operations: list[Operation]) -> None:
    """The workflow's own table is the last word; a route that promises more would only disappoint."""
    stated = {(method, path): admitted for method, path, admitted in operations}
    for route, command in COMMANDS.items():
        assert set(stated[route]) <= COMMAND_ROLES[command], route
