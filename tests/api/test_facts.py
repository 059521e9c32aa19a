"""A fact takes only values that it can have; what cannot be is refused and nothing is settled."""

from __future__ import annotations

from typing import Any

import pytest

from tests.desk import Desk


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("transformer_type", 10**30, "fact_value_invalid"),
        ("transformer_type", "steam", "fact_value_invalid"),
        ("direct_buried", "yes", "fact_value_invalid"),
        ("capacity_kva", 630, "fact_of_the_supply"),
        ("voltage_kv", 10, "fact_of_the_supply"),
        ("dual_or_gen", True, "fact_derived"),
        ("design_review_required", "yes", "fact_not_boolean"),
        ("phase_of_the_moon", True, "fact_not_known"),
    ],
)
def test_a_value_that_cannot_be_is_refused(desk: Desk, name: str, value: Any, code: str) -> None:
    case = desk.open_case()
    before = desk.case(case)
    answer = desk.ask("POST", f"/cases/{case}/facts", json={"facts": {name: value, "dual": False}})
    assert (answer.status_code, answer.get_json()["code"]) == (422, code)
    assert desk.case(case) == before
    opened = desk.ask("POST", "/cases", json=desk.application(facts={name: value}))
    assert (opened.status_code, opened.get_json()["code"]) == (422, code)


def test_a_fact_is_settled_and_taken_back(desk: Desk) -> None:
    case = desk.open_case()
    desk.post(f"/cases/{case}/facts", {"facts": {"transformer_type": "dry", "relay": True}})
    desk.post(f"/cases/{case}/facts", {"facts": {"relay": None}, "reason": "the drawing changed"})
    facts = desk.case(case).facts
    assert (facts["transformer_type"].value, facts["relay"].value) == ("dry", None)
