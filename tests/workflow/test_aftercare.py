"""After energization: who was called, how content the customer was, what was done, who inspects him."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.model import ChecklistRef
from server.workflow.policy import load_policy
from tests.workflow.branches import branch, held
from tests.workflow.builders import (
    CUSTOMER,
    INSPECTOR,
    INTAKE,
    START,
    Desk,
    accepted,
    energized_desk,
    item,
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


def with_task(**changes: Any) -> c.PlanCustomerInspection:
    return replace(inspection(checklist=ChecklistRef("customer-inspection-hv", 1)), **changes)


def test_an_inspection_with_a_checklist_is_a_task_and_done_when_its_form_is_accepted() -> None:
    """What fails goes on a notice of the operation; what energization rests on does not move."""
    desk = energized_desk()
    gates = desk.case.gates
    desk.do(with_task())
    assert desk.do(with_task()).events == ()
    task = desk.case.tasks["i-1"]
    assert (task.kind, task.assignees, task.due) == (
        "customer_inspection",
        (INSPECTOR.name,),
        date(2027, 3, 1),
    )
    assert desk.case.gates == gates, "no condition for what is done"
    recorded = c.RecordCustomerInspection(
        inspection_id="i-1", dated=desk.now, inspectors=(INSPECTOR.name,), evidence="by hand"
    )
    assert refused(desk, recorded).code == "customer_inspection_by_task"
    desk.now += timedelta(days=300)
    desk.submit("i-1", accepted(item("CF-01", "fail"), item("CB-01", "pass")))
    done = desk.case.customer_inspections["i-1"].done
    assert done is not None
    assert (done.dated.date(), done.findings, done.evidence) == (date(2026, 12, 27), "CF-01", "task:i-1")
    [notice] = [one for one in desk.case.notices.values() if one.task_id == "i-1"]
    assert (notice.stage, notice.operational, notice.caution) == ("customer_inspection", True, None)
    assert desk.case.energization.status == "energized"
    assert [one for one in desk.case.gates if one.id == "acceptance-passed"] == [
        one for one in gates if one.id == "acceptance-passed"
    ]


def test_a_tablets_clock_puts_no_inspection_off() -> None:
    desk = energized_desk()
    desk.do(with_task())
    ahead = c.RecordSubmission(
        task_id="i-1",
        revs=("1-a",),
        outcome=accepted(item("CF-01", "pass")),
        submitted_by=INSPECTOR.name,
        submitted_at=desk.now + timedelta(days=2000),
    )
    desk.do(ahead, INTAKE)
    done = desk.case.customer_inspections["i-1"].done
    assert done is not None
    assert done.dated == done.recorded_at < desk.now + timedelta(days=1)


def test_the_task_and_its_inspection_go_to_others_and_are_called_off_together() -> None:
    desk = energized_desk()
    desk.do(with_task())
    desk.do(c.Reassign(task_id="i-1", assignees=("zhou.inspector",), reason="leave"))
    assert desk.case.customer_inspections["i-1"].assignees == ("zhou.inspector",)
    desk.do(c.CancelCustomerInspection(inspection_id="i-1", reason="flood"))
    assert desk.case.tasks["i-1"].status == "cancelled"
    desk.do(with_task(inspection_id="i-2"))
    desk.do(c.CancelTask(task_id="i-2", reason="flood"))
    assert desk.case.customer_inspections["i-2"].cancelled == "flood"
    assert desk.do(with_task(inspection_id="i-2")).events == (), "repeated, it is what was called off"
    desk.do(with_task(inspection_id="i-3"))
    assert refused(desk, with_task(inspection_id="i-3", checklist=None)).code == "record_exists"
    assert refused(ready_desk(), with_task()).code == "customer_not_energized"


def test_a_form_of_a_lost_branch_is_heard_though_the_winner_knew_of_no_task() -> None:
    base = energized_desk()
    loser = branch(
        base, lambda d: d.do(with_task()), lambda d: d.submit("i-1", accepted(item("CX-04", "fail")))
    )
    case = held(branch(base, lambda d: d.hazard()), loser).case
    assert case.customer_inspections["i-1"].done is not None
    assert any(notice.item("CX-04") for notice in case.notices.values())


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
