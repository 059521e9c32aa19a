"""Anything that the OpenAPI document allows, and what it does not: no answer is a fault of ours, none is
unannounced.

`HEZHA_TEST_EXAMPLES=200` asks every operation that often; the suite asks less.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.desk import Desk

#: Its client reads a file that is sent and leaves it to be collected.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
#: These end the session of whoever asks.
ENDING = {"/api/v1/auth/logout": "colleague", "/api/v1/me/password": "inspector"}
EXAMPLES = int(os.environ.get("HEZHA_TEST_EXAMPLES", "3"))


@schemathesis.serializer("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
def workbook(_: Any, value: Any) -> bytes:
    """Bytes that are hardly ever a workbook."""
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture(scope="module")
def known(house: Desk) -> dict[str, Any]:
    """What path parameters may name, so that not every question ends at 404."""
    case = house.open_case()
    task = house.assign(case, "inspector", "colleague")
    house.submit(case, task, PF_01=house.answer("fail"), photo="p-1")
    house.shoot(case, task)
    house.intake()
    return {"case_id": case, "task_id": task, "n": 1, "photo_id": "p-1", "gate": "fees-settled"}


@pytest.fixture(scope="module")
def api(house: Desk, known: dict[str, Any]) -> Any:
    return schemathesis.openapi.from_wsgi("/api/openapi.json", house.app)


def faults_of(operation: Any, house: Desk, known: dict[str, Any], who: str) -> tuple[set[int], list[str]]:
    """What an operation answers to made-up requests, at things that are there most of the time: the statuses,
    and whatever the document does not announce."""
    statuses: set[int] = set()
    taken = operation.schema.raw_schema["paths"].keys()

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @seed(1)
    @given(case=operation.as_strategy())
    def ask(case: schemathesis.Case[Any]) -> None:
        for name in case.path_parameters.keys() & known.keys():
            if len(str(case.path_parameters[name])) % 4:
                case.path_parameters[name] = known[name]
        # An id such as "drafts" makes the address of another operation, which answers in its own shape.
        assume(case.formatted_path == operation.path or case.formatted_path not in taken)
        answer = case.call(headers=house.signed_in(who))
        statuses.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    try:
        ask()
    except BaseExceptionGroup as group:
        return statuses, [f"{operation.label}: {error}" for error in group.exceptions]
    except Exception as error:  # noqa: BLE001  whatever it is, it is told
        return statuses, [f"{operation.label}: {error!r}"]
    return statuses, []


@pytest.mark.parametrize("who", ["admin", "manager"])
def test_every_answer_is_announced_and_none_is_a_fault(
    who: str, api: Any, house: Desk, known: dict[str, Any]
) -> None:
    """All operations are asked before the faults are told, each with the request that led to it."""
    faults = []
    seen: dict[str, set[int]] = {}
    for found in api.get_all_operations():
        operation = found.ok()
        asking = ENDING.get(operation.path, who)
        seen[operation.label], more = faults_of(operation, house, known, asking)
        faults += more
    assert not faults, "\n\n".join(faults)
    # Questions that nobody listens to would find nothing.
    unheard = {label for label, statuses in seen.items() if statuses == {401}}
    doors = ("auth/login", "auth/refresh", "auth/logout", "me/password")
    assert not unheard - {f"POST /api/v1/{path}" for path in doors}
    assert sum(bool(statuses & {200, 201, 204}) for statuses in seen.values()) > len(seen) / 4
