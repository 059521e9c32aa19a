"""After energization: who was called, how content the customer was, what was done, who inspects him."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.policy import load_policy
from tests.workflow.branches import branch, held
from tests.workflow.builders import (
    CUSTOMER,
    INSPECTOR,
    START,
    Desk,
    energized_desk,
    ready_desk,
    refused,
)


def contact(desk: Desk, **changes: Any) -> c.RecordContact:
    fields: dict[str, Any] = {
        "contact_id": "c-1",
        "kind": "call",
        "dated": desk.now,
        "by": "wang.manager",
        "reached": True,
    }
    return c.RecordContact(**{**fields, **changes})


def inspection(**changes: Any) -> c.PlanCustomerInspection:
    fields: dict[str, Any] = {
        "inspection_id": "i-1",
        "planned_on": date(2027, 3, 1),
        "assignees": (INSPECTOR.name, INSPECTOR.name),
    }
    return c.PlanCustomerInspection(**{**fields, **changes})


def test_a_call_is_kept_with_the_rating_that_was_given_in_it() -> None:
    desk = energized_desk()
    desk.do(contact(desk, score=5, words="quick"))
    [rating] = desk.case.ratings.values()
    assert (rating.id, rating.score, rating.mode, rating.low) == ("c-1", 5, "call", False)
    desk.do(contact(desk, contact_id="c-2", reached=False))
    assert refused(desk, contact(desk, contact_id="c-3", reached=False, score=1)).code == "rating_of_nobody"
    assert case_from_document(case_to_document(desk.case)) == desk.case


@pytest.mark.parametrize(("score", "low"), [(1, True), (2, True), (3, False), (5, False)])
def test_a_low_rating_asks_for_an_action_by_the_setting_of_its_day(score: int, low: bool) -> None:
    desk = energized_desk()
    desk.do(c.RateService(rating_id="r-1", score=score, words="slow"), CUSTOMER)
    assert desk.case.ratings["r-1"].low is low
    own = {"key": "rating_low", "from": "2026-01-01", "value": 4}
    desk.policy = load_policy().with_overrides([own]).at(START.date())
    assert desk.case.ratings["r-1"].low is low, "a later setting judges no earlier rating"
    desk.do(c.RateService(rating_id="r-2", score=score, words="slow"), CUSTOMER)
    assert desk.case.ratings["r-2"].low is (score <= 4)


def test_what_was_done_about_a_rating_is_kept_beside_it() -> None:
    desk = energized_desk()
    desk.do(c.RateService(rating_id="r-1", score=1), CUSTOMER)
    done = c.RecordRatingAction(rating_id="r-1", text="visited, apologised")
    desk.do(done)
    assert desk.do(done).events == ()
    assert [one.text for one in desk.case.ratings["r-1"].actions] == ["visited, apologised"]
    assert refused(desk, replace(done, rating_id="r-9")).code == "rating_unknown"


def test_nobody_rates_in_the_customers_place_on_his_page() -> None:
    desk = energized_desk()
    by_link = c.RateService(rating_id="r-1", score=5)
    assert refused(desk, by_link).code == "rating_not_by_link"
    desk.do(replace(by_link, mode="paper"))
    assert desk.do(replace(by_link, mode="paper")).events == ()
    assert refused(desk, replace(by_link, mode="paper", score=4)).code == "record_exists"
    assert refused(desk, replace(by_link, rating_id="r-2", score=6), CUSTOMER).code == "malformed"
    late = replace(by_link, rating_id="r-3", dated=desk.now + timedelta(days=1))
    assert refused(desk, late, CUSTOMER).code == "in_future"


def test_a_customer_is_inspected_once_he_is_energized_and_for_years_after_the_case_has_ended() -> None:
    desk = ready_desk()
    assert refused(desk, inspection()).code == "customer_not_energized"
    desk = energized_desk()
    desk.do(inspection())
    assert desk.do(inspection()).events == ()
    planned = desk.case.customer_inspections["i-1"]
    assert (planned.assignees, planned.open) == ((INSPECTOR.name,), True)
    done = c.RecordCustomerInspection(
        inspection_id="i-1", dated=desk.now, inspectors=(INSPECTOR.name,), evidence="report 3"
    )
    assert refused(desk, replace(done, dated=START)).code == "time_order", "not before he was energized"
    desk.do(done)
    assert desk.do(done).events == ()
    assert refused(desk, replace(done, findings="rust")).code == "customer_inspection_settled"
    assert refused(desk, c.CancelCustomerInspection(inspection_id="i-1", reason="x")).code == (
        "customer_inspection_settled"
    )


def test_a_planned_inspection_may_be_called_off() -> None:
    desk = energized_desk()
    desk.do(inspection())
    off = c.CancelCustomerInspection(inspection_id="i-1", reason="flood")
    desk.do(off)
    assert desk.do(off).events == ()
    assert not desk.case.customer_inspections["i-1"].open
    assert refused(desk, replace(off, inspection_id="i-9")).code == "customer_inspection_unknown"
    assert refused(desk, inspection(planned_on=date(2027, 4, 1))).code == "record_exists"


def test_what_follows_is_kept_from_a_lost_branch() -> None:
    base = energized_desk()
    loser = branch(
        base,
        lambda d: d.do(contact(d, score=1)),
        lambda d: d.do(c.RecordRatingAction(rating_id="c-1", text="visited")),
        lambda d: d.do(inspection()),
    )
    case = held(branch(base, lambda d: d.hazard()), loser).case
    assert [one.text for one in case.ratings["c-1"].actions] == ["visited"]
    assert set(case.customer_inspections) == {"i-1"}


@pytest.mark.parametrize("part", ["contacts", "ratings", "customer_inspections"])
def test_a_case_from_before_these_records_still_loads(part: str) -> None:
    document = case_to_document(Desk().case)
    del document[part]
    assert getattr(case_from_document(document), part) == {}
