"""A published plan is amended by a version with approvals of its own; works, cases and notices follow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.casework.outages import GATE
from server.intake.worker import make_planner
from tests.api.test_networks import hand_in
from tests.api.test_plan_publishing import MAY
from tests.api.test_plans import approved, body
from tests.desk import Desk, refused

JSON = dict[str, Any]
PEOPLE = (("safety_maintenance", "second"), ("dispatch", "third"), ("customer_centre", "manager"))


@pytest.fixture
def june(desk: Desk) -> Desk:
    """A plan of June that was published; a case waits for each of two works, and a third work is approved."""
    desk.clock.now = MAY
    assert hand_in(desk).status_code == 201
    for name in ("second", "third"):
        desk.hire(name, "scheduler")
    cases = [desk.open_case(), desk.open_case()]
    for case in cases:
        desk.post(f"/cases/{case}/facts", {"facts": {"outage_needed": True}})
    waiting = {"T-06": (cases[0],), "T-02": (cases[1],)}
    approved(desk, ("T-01", "T-02", "T-06"), cases=waiting)
    desk.post("/plans", body(id="june"), by="scheduler")
    assert make_planner(desk.made).run_once()
    published(desk, "june")
    approved(desk, ("T-04",))
    return desk


def published(desk: Desk, plan: str) -> JSON:
    for function, by in PEOPLE:
        desk.post(f"/plans/{plan}/approve", {"function": function}, by=by)
    return desk.post(f"/plans/{plan}/publish", by="scheduler")


def again(desk: Desk, plan: str = "june", *, by: str = "scheduler", rev: str = "", **asked: Any) -> Any:
    """The answer to asking for a version."""
    tag = rev or desk.ask("GET", f"/plans/{plan}").headers["ETag"]
    asked = {"reason": "material is late", "seconds": 3.0, **asked}
    return desk.ask("POST", f"/plans/{plan}/again", by=by, json=asked, headers={"If-Match": tag})


def made(desk: Desk, **asked: Any) -> JSON:
    """A version, made."""
    answer = again(desk, **asked)
    assert answer.status_code == 201, answer.text
    assert make_planner(desk.made).run_once()
    version: JSON = desk.get(f"/plans/{answer.get_json()['id']}")
    assert (version["state"], version["findings"]) == ("made", []), version
    return version


def stands(desk: Desk, plan: str, work: str) -> str | None:
    for outage in desk.get(f"/plans/{plan}")["plan"]["outages"]:
        if work in {one["work"] for one in outage["works"]}:
            return str(outage["date"])
    return None


def case_of(desk: Desk, work: str) -> str:
    return str(desk.get(f"/works/{work}")["asked"]["cases"][0])


def gate(desk: Desk, work: str) -> JSON:
    gates = desk.get(f"/cases/{case_of(desk, work)}/gates")["gates"]
    return next(one for one in gates if one["id"] == GATE)


def other_day(desk: Desk, work: str = "t-06") -> str:
    return next(day for day in ("2026-06-22", "2026-06-23") if day != stands(desk, "june", work))


def test_an_amendment_moves_what_was_asked_and_takes_the_plans_place(june: Desk) -> None:
    day = other_day(june)
    version = made(june, id="june-2", hand={"t-06": {"pin": {"date": day}}}, add=["t-04"])
    assert (version["amends"], version["reason"]) == ("june", "material is late")
    moved = {one["work"]: one for one in version["moves"]}
    assert moved["t-06"]["after"] == day
    assert set(moved) <= {"t-06", "t-04"}, "nothing else moves"
    refused(june.ask("POST", "/plans/june-2/publish", by="scheduler"), 409, "plan_not_approved")
    told = published(june, "june-2")["told"]
    assert {one["case"] for one in told} == {case_of(june, "t-06")}, "whoever stays is not told again"
    assert june.get("/plans/june")["state"] == "amended"
    assert june.get("/plans/june")["amended_by"] == "june-2"
    assert {one["state"] for one in june.get("/works")["items"]} == {"planned"}
    june.intake()
    words = june.case(case_of(june, "t-06")).entries[GATE]
    assert [word.documents for word in words] == [("2026-06/june",), ("2026-06/june-2",)], "told once"


def test_a_work_taken_out_is_free_again_and_its_case_is_told(june: Desk) -> None:
    made(june, id="june-2", drop={"t-06": {"code": "acceptance_failed", "remark": "round 2"}})
    published(june, "june-2")
    assert june.get("/works/t-06")["state"] == "approved"
    assert (gate(june, "t-06")["status"], gate(june, "t-02")["status"]) == ("unmet", "met")
    assert june.get("/plans/june-2")["drop"] == [
        {"work": "t-06", "code": "acceptance_failed", "remark": "round 2"}
    ]


def test_of_two_amendments_one_takes_the_plans_place(june: Desk) -> None:
    made(june, id="one", hand={"t-06": {"pin": {"date": other_day(june)}}})
    made(june, id="two", drop={"t-06": {"code": "other"}}, add=["t-04"])
    for function, by in PEOPLE:
        june.post("/plans/two/approve", {"function": function}, by=by)
    published(june, "one")
    refused(june.ask("POST", "/plans/two/publish", by="scheduler"), 409, "plan_amended_otherwise")
    assert june.get("/works/t-04")["state"] == "approved", "what it had taken is given back"
    assert june.get("/works/t-06")["plan"] == "one"


def test_an_amendment_is_of_the_plan_as_it_was_read_and_has_a_reason(june: Desk) -> None:
    stale = june.ask("GET", "/plans/june").headers["ETag"]
    first = june.get("/plans/june/public-notices")["items"][0]
    announced(june, "june", first["outage"])
    refused(again(june, rev=stale), 412, "precondition_failed")
    bare = june.ask("POST", "/plans/june/again", by="scheduler", json={"reason": "x"})
    refused(bare, 428, "precondition_required")
    refused(again(june, reason=" "), 422, "plan_reason_missing")
    refused(again(june, add=["t-99"]), 422, "plan_work_unknown")
    refused(again(june, hand={"t-99": {}}), 422, "plan_work_unknown")
    refused(again(june, hand={"t-06": {"pin": {"date": "soon"}}}), 422, "invalid_fields")


def test_the_same_amendment_again_finds_the_first(june: Desk) -> None:
    tag = june.ask("GET", "/plans/june").headers["ETag"]
    first = again(june, rev=tag, id="june-2").get_json()
    assert again(june, rev=tag, id="june-2").get_json()["requested_at"] == first["requested_at"]
    refused(again(june, id="june-2", seed=7), 409, "plan_exists")


def announced(desk: Desk, plan: str, outage: str) -> None:
    sent = {
        "outage": outage,
        "channel": "village notice board",
        "proof": "photo 7",
        "announced_at": desk.clock().isoformat(),
    }
    desk.post(f"/plans/{plan}/public-notices", sent)


def test_what_was_announced_is_corrected_in_words_and_the_rest_is_not_told_again(june: Desk) -> None:
    for notice in june.get("/plans/june/public-notices")["items"]:
        announced(june, "june", notice["outage"])
    made(june, id="june-2", hand={"t-06": {"pin": {"date": other_day(june)}}})
    was = stands(june, "june", "t-06")
    published(june, "june-2")
    refused(june.ask("GET", "/plans/june/public-notices"), 409, "plan_amended")
    notices = june.get("/plans/june-2/public-notices")["items"]
    changed = [one for one in notices if one["kind"] != "planned"]
    assert [(one["kind"], one["state"]) for one in changed] == [("corrected", "due")]
    assert str(was) in changed[0]["text"]["en"]
    assert other_day(june) in changed[0]["text"]["zh-CN"]
    assert {one["state"] for one in notices if one not in changed} <= {"announced"}
    announced(june, "june-2", changed[0]["outage"])
    assert {one["state"] for one in june.get("/plans/june-2/public-notices")["items"]} == {"announced"}


def test_frozen_works_stay_unless_somebody_lets_them_go(june: Desk) -> None:
    held = datetime.fromisoformat(f"{stands(june, 'june', 't-06')}T01:00:00+00:00")
    june.clock.now = held - timedelta(days=2)
    moved: JSON = {"hand": {"t-06": {"pin": {"date": other_day(june)}}}}
    told = refused(again(june, **moved), 409, "plan_frozen")
    assert told["params"]["works"] == "t-06"
    drop: JSON = {"drop": {"t-06": {"code": "weather"}}}
    refused(again(june, **drop), 409, "plan_frozen")
    version = made(june, id="june-2", by="admin", **drop)
    assert (version["thawed"], version["thawed_by"]) == (["t-06"], "admin")
    published(june, "june-2")
    assert june.get("/works/t-06")["state"] == "approved"


def test_a_move_that_can_no_longer_be_announced_is_refused_at_once(june: Desk) -> None:
    june.clock.now = datetime(2026, 5, 26, 1, 0, tzinfo=UTC)
    taken = {one["date"] for one in june.get("/plans/june")["plan"]["outages"]}
    day = next(day for day in ("2026-06-01", "2026-06-02", "2026-06-03", "2026-06-04") if day not in taken)
    told = refused(again(june, hand={"t-06": {"pin": {"date": day}}}), 409, "plan_day_unannounced")
    assert told["params"]["first"] == "2026-06-05"


def test_a_plan_that_is_withdrawn_frees_its_works_and_shuts_the_gates(june: Desk) -> None:
    first = june.get("/plans/june/public-notices")["items"][0]
    announced(june, "june", first["outage"])
    answer = june.post("/plans/june/withdraw", {"reason": "storm"}, by="scheduler")
    assert (answer["state"], answer["given_up"], len(answer["told"])) == ("withdrawn", "storm", 2)
    assert {one["state"] for one in june.get("/works")["items"]} == {"approved"}
    assert {gate(june, work)["status"] for work in ("t-02", "t-06")} == {"unmet"}
    notices = june.get("/plans/june/public-notices")["items"]
    assert [one["kind"] for one in notices] == ["withdrawn"]
    announced(june, "june", notices[0]["outage"])
    assert june.get("/plans/june/public-notices")["items"][0]["state"] == "announced"
    refused(again(june), 409, "plan_no_next")
    refused(june.ask("POST", "/plans/june/publish", by="scheduler"), 409, "plan_not_made")


def test_a_version_of_an_unpublished_plan_needs_no_reason_and_may_be_given_up(june: Desk) -> None:
    version = made(june, id="june-2", drop={"t-06": {"code": "other"}})
    assert version["amends"] == "june"
    nearer = made(june, plan="june-2", id="june-3", reason="", add=["t-04"])
    assert (nearer["amends"], nearer["reason"]) == ("june", "material is late")
    assert [one["work"] for one in nearer["drop"]] == ["t-06"]
    june.post("/plans/june-2/withdraw", {"reason": "june-3 is better"}, by="scheduler")
    assert june.get("/works/t-06")["plan"] == "june", "the published plan holds it as before"
    published(june, "june-3")
    assert june.get("/works/t-06")["state"] == "approved"


def test_a_plan_that_nobody_published_is_made_again_by_hand_without_a_reason(june: Desk) -> None:
    june.post("/plans/june/withdraw", {"reason": "storm"}, by="scheduler")
    june.post("/plans", body(id="other", works=["t-01", "t-06"]), by="scheduler")
    assert make_planner(june.made).run_once()
    day = next(day for day in ("2026-06-22", "2026-06-23") if day != stands(june, "other", "t-06"))
    version = made(june, plan="other", id="by-hand", reason="", hand={"t-06": {"pin": {"date": day}}})
    assert (version["amends"], version["hand"]) == ("", {"t-06": {"pin": {"date": day}}})
    assert [(one["work"], one["after"]) for one in version["moves"]] == [("t-06", day)]
    back = made(june, plan="by-hand", id="back", reason="", hand={"t-06": {}})
    assert (back["hand"], back["moves"]) == ({}, []), "nothing moves without need"


def test_works_merged_by_hand_are_on_one_day_and_published_so(june: Desk) -> None:
    june.post("/plans/june/withdraw", {"reason": "storm"}, by="scheduler")
    approved(june, ("T-08",))
    # By themselves, the one would be on the day that it is wanted on, and so would the other.
    hand = {"t-02": {"with": ["t-08"]}}
    june.post("/plans", body(id="merged", works=["t-02", "t-08"], hand=hand), by="scheduler")
    assert make_planner(june.made).run_once()
    assert june.get("/plans/merged")["findings"] == []
    assert stands(june, "merged", "t-02") == stands(june, "merged", "t-08") is not None
    assert published(june, "merged")["state"] == "published"
    assert june.get("/works/t-02")["asked"]["work"].get("with", []) == [], "the request stays as it is"
    alone = made(june, plan="merged", id="apart", hand={"t-02": {}}, drop={"t-08": {"code": "other"}})
    assert alone["hand"] == {}
    published(june, "apart")


def test_a_case_that_waits_for_several_works_is_told_once_all_have_a_day(june: Desk) -> None:
    case = case_of(june, "t-06")
    approved(june, ("T-08",), cases={"T-08": (case,)})
    june.post("/plans/june/withdraw", {"reason": "storm"}, by="scheduler")
    june.post("/plans", body(id="one", works=["t-06"]), by="scheduler")
    assert make_planner(june.made).run_once()
    assert [one["refused"] for one in published(june, "one")["told"]] == ["works_left"]
    assert gate(june, "t-06")["status"] == "unmet"
    june.post("/plans", body(id="two", works=["t-08"]), by="scheduler")
    assert make_planner(june.made).run_once()
    assert [one["refused"] for one in published(june, "two")["told"]] == [None]
    assert gate(june, "t-06")["status"] == "met"


def test_the_customers_page_shows_the_day_as_the_plan_has_it(june: Desk) -> None:
    case = case_of(june, "t-06")
    token = june.post(f"/cases/{case}/links")["token"]

    def shown(lang: str = "en") -> JSON | None:
        answer = june.client.get(f"/api/v1/public/cases/{token}", headers={"Accept-Language": lang})
        found: JSON | None = answer.get_json()["outage"]
        return found

    assert shown() == {"title": "Planned outage to connect you", "on": stands(june, "june", "t-06")}
    day = other_day(june)
    made(june, id="june-2", hand={"t-06": {"pin": {"date": day}}})
    published(june, "june-2")
    told = shown("zh-CN")
    assert told is not None
    assert (told["on"], told["title"]) == (day, "为您接电的计划停电")
    june.post("/plans/june-2/withdraw", {"reason": "storm"}, by="scheduler")
    assert shown() is None
