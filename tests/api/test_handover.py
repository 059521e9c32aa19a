"""Papers handed over and checks before the inspection, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.desk import START, Desk, refused

BODIES: dict[str, dict[str, Any]] = {
    "handovers": {
        "kind": "setting_sheet",
        "version": "3",
        "received_by": "洪女士",
        "dated": START.isoformat(),
        "receipt": "签收单 12",
        "mode": "post",
    },
    "self-checks": {
        "dated": START.isoformat(),
        "by": "洪女士",
        "finished": False,
        "evidence": "自检表",
        "findings": "缺一根电缆",
    },
    "pre-inspections": {"dated": START.isoformat(), "inspectors": ["inspector"], "advice": ["补标识"]},
}


@pytest.mark.parametrize("path", BODIES)
def test_a_record_is_shown_as_it_was_given_and_a_repeat_changes_nothing(desk: Desk, path: str) -> None:
    case = desk.open_case(facts={"mid_check_required": False}, reason="现场勘查确认")
    key = {"Idempotency-Key": "one"}
    made = desk.post(f"/cases/{case}/{path}", BODIES[path], headers=key)
    assert desk.post(f"/cases/{case}/{path}", BODIES[path], headers=key) == made
    [shown] = desk.get(f"/cases/{case}/{path}")["items"]
    assert shown == made
    given = {name: value for name, value in BODIES[path].items() if name != "dated"}
    assert {name: shown[name] for name in given} == given
    assert (shown["recorded_by"], shown["dated"]) == ("manager", "2026-11-02T08:00:00Z")
    other = {**BODIES[path], "dated": "2026-11-02T07:59:59+00:00"}
    answer = desk.ask("POST", f"/cases/{case}/{path}", json=other, headers=key)
    assert answer.status_code in (409, 422)
    assert len(desk.get(f"/cases/{case}/{path}")["items"]) == 1


def test_papers_are_not_handed_over_before_the_intermediate_inspection(desk: Desk) -> None:
    case = desk.open_case()
    answer = desk.ask("POST", f"/cases/{case}/handovers", json=BODIES["handovers"])
    refused(answer, 409, "handover_too_early")


def test_what_is_no_record_is_refused_and_foreign_cases_are_not_there(desk: Desk) -> None:
    desk.hire("northern", "manager", organisation="north")
    case = desk.open_case()
    for path, body in BODIES.items():
        refused(desk.ask("POST", f"/cases/{case}/{path}", json={**body, "odd": 1}), 422, "invalid_fields")
        refused(desk.ask("GET", f"/cases/{case}/{path}", by="northern"), 404, "not_found")
        refused(desk.ask("POST", f"/cases/{case}/{path}", json=body, by="northern"), 404, "not_found")
