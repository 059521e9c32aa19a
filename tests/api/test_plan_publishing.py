"""A plan is published by people who agree, in time to announce it, and the cases that waited are told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from server.casework.outages import GATE
from server.intake.worker import make_planner
from server.scheduling.plans import PlanRecord, Summary
from tests.api.test_networks import hand_in
from tests.api.test_plans import approved, body, running
from tests.desk import Desk, refused

JSON = dict[str, Any]
#: Before the demo month is to be published.
MAY = datetime(2026, 5, 20, 8, 0, tzinfo=UTC)


@pytest.fixture
def june(desk: Desk) -> Desk:
    """A plan of June that was made, for a case that waits for one of its works."""
    desk.clock.now = MAY
    assert hand_in(desk).status_code == 201
    for name in ("second", "third"):
        desk.hire(name, "scheduler")
    case = desk.open_case()
    desk.post(f"/cases/{case}/facts", {"facts": {"outage_needed": True}})
    approved(desk, ("T-01", "T-02"), cases={"T-01": (case,)})
    # What the scheduler says of a work in this plan does not make it another work.
    hand = {"t-02": {"forbid": ["2026-06-01"]}}
    desk.post("/plans", body(id="june", hand=hand), by="scheduler")
    assert make_planner(desk.made).run_once()
    return desk


def agree(desk: Desk) -> None:
    for function, by in (
        ("safety_maintenance", "second"),
        ("dispatch", "third"),
        ("customer_centre", "manager"),
    ):
        desk.post("/plans/june/approve", {"function": function}, by=by)


def waiting(desk: Desk) -> str:
    """The case that waits."""
    return str(desk.get("/works/t-01")["asked"]["cases"][0])


def gate(desk: Desk) -> JSON:
    return next(one for one in desk.get(f"/cases/{waiting(desk)}/gates")["gates"] if one["id"] == GATE)


def publish(desk: Desk) -> Any:
    return desk.ask("POST", "/plans/june/publish", by="scheduler")


def test_a_published_plan_opens_the_gate_of_the_case_that_waited(june: Desk) -> None:
    assert gate(june)["status"] == "unmet"
    agree(june)
    published = publish(june).get_json()
    assert (published["state"], published["published_by"]) == ("published", "scheduler")
    assert published["told"] == [{"case": waiting(june), "work": "t-01", "refused": None}]
    assert gate(june)["status"] == "met"
    assert gate(june)["words"][-1]["documents"] == ["2026-06/june"]
    assert [one["state"] for one in june.get("/works")["items"]] == ["planned", "planned"]
    refused(june.ask("POST", "/works/t-01/withdraw", json={"reason": "no"}), 409, "work_not_open")
    assert publish(june).status_code == 200, "the same again changes nothing"


def test_what_somebody_says_of_the_gate_later_is_not_overruled(june: Desk) -> None:
    agree(june)
    publish(june)
    june.post(
        f"/cases/{waiting(june)}/gates/{GATE}/entries",
        {"status": "unmet", "evidence": "the outage fell through"},
    )
    publish(june)
    june.intake()
    assert gate(june)["status"] == "unmet"


def test_a_publishing_that_was_cut_off_is_ended_by_the_worker(june: Desk) -> None:
    agree(june)
    plans = june.made.plans
    plans.change("demo", "june", lambda known: replace(known, state="published", published_by="scheduler"))
    assert gate(june)["status"] == "unmet"
    june.intake()
    assert gate(june)["status"] == "met"


def test_nothing_is_published_that_some_have_not_agreed_to(june: Desk) -> None:
    told = refused(publish(june), 409, "plan_not_approved")
    assert told["params"]["functions"] == "customer_centre, dispatch, safety_maintenance"
    for by, function, code in (
        ("scheduler", "dispatch", "plan_another_person"),
        ("manager", "dispatch", "plan_function_of_others"),
    ):
        answer = june.ask("POST", "/plans/june/approve", by=by, json={"function": function})
        refused(answer, 409, code)
    june.post("/plans/june/approve", {"function": "dispatch"}, by="second")
    for by, function, code in (
        ("second", "safety_maintenance", "plan_another_person"),
        ("third", "dispatch", "plan_approved_already"),
    ):
        answer = june.ask("POST", "/plans/june/approve", by=by, json={"function": function})
        refused(answer, 409, code)
    assert gate(june)["status"] == "unmet"


def test_a_plan_that_can_no_longer_be_announced_in_time_is_not_published(june: Desk) -> None:
    agree(june)
    june.clock.now = datetime(2026, 6, 25, 8, 0, tzinfo=UTC)
    refused(publish(june), 409, "plan_notice_late")
    assert [one["state"] for one in june.get("/works")["items"]] == ["approved", "approved"]


def test_a_work_that_changed_since_is_not_published_as_it_was(june: Desk) -> None:
    agree(june)
    tag = {"If-Match": june.ask("GET", "/works/t-02").headers["ETag"]}
    changes = {"content": "and more", "live_possible": False, "live_reason": "too narrow"}
    june.patch("/works/t-02", changes, headers=tag)
    refused(publish(june), 409, "plan_work_changed")
    assert gate(june)["status"] == "unmet"


def test_a_plan_that_the_check_finds_wrong_is_agreed_to_by_nobody(june: Desk) -> None:
    def spoilt(known: PlanRecord) -> PlanRecord:
        assert isinstance(known.summary, Summary)
        return replace(known, summary=replace(known.summary, wrong=1))

    june.made.plans.change("demo", "june", spoilt)
    answer = june.ask("POST", "/plans/june/approve", by="second", json={"function": "dispatch"})
    refused(answer, 409, "plan_wrong")


def test_a_plan_under_way_is_neither_agreed_to_nor_published(june: Desk) -> None:
    running(june, "june", begun=1)
    refused(publish(june), 409, "plan_not_made")


def test_each_outage_is_announced_in_words_with_its_proof(june: Desk) -> None:
    refused(june.ask("GET", "/plans/june/public-notices"), 409, "plan_not_published")
    agree(june)
    publish(june)
    notices = june.get("/plans/june/public-notices")["items"]
    assert notices
    assert [one["by"] for one in notices] == sorted(one["by"] for one in notices)
    first = notices[0]
    assert (first["state"], first["announcements"]) == ("due", [])
    assert first["sections"][0] in first["text"]["zh-CN"]
    assert first["from"][:10] in first["text"]["en"]
    sent = {
        "outage": first["outage"],
        "channel": "village notice board",
        "proof": "photo 7",
        "announced_at": june.clock().isoformat(),
    }
    for _ in range(2):
        told = june.post("/plans/june/public-notices", sent)["items"][0]
        assert (told["state"], len(told["announcements"])) == ("announced", 1)
    unknown = june.ask("POST", "/plans/june/public-notices", json={**sent, "outage": "none"})
    refused(unknown, 409, "plan_outage_unknown")
    ahead = june.ask(
        "POST", "/plans/june/public-notices", json={**sent, "announced_at": "2026-12-01T00:00:00+08:00"}
    )
    refused(ahead, 422, "announced_ahead")
    june.clock.now = datetime(2026, 7, 25, 8, 0, tzinfo=UTC)
    states = {one["state"] for one in june.get("/plans/june/public-notices")["items"]}
    assert states <= {"announced", "overdue"}


def test_a_published_plan_is_a_calendar(june: Desk) -> None:
    refused(june.ask("GET", "/plans/june/calendar.ics"), 409, "plan_not_published")
    agree(june)
    publish(june)
    calendar = june.ask("GET", "/plans/june/calendar.ics")
    assert calendar.mimetype == "text/calendar"
    assert calendar.data.count(b"BEGIN:VEVENT") == len(june.get("/plans/june")["plan"]["outages"])
