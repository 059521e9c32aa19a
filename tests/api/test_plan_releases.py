"""A failed acceptance frees its day, who could use it is told with the cost, and the scheduler decides."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from server.intake.worker import make_answerer
from tests.api.test_plan_amending import again, case_of, june, made, published, stands
from tests.api.test_plans import approved
from tests.desk import Desk, refused

__all__ = ["june"]

JSON = dict[str, Any]


def fail_acceptance(desk: Desk, case: str) -> None:
    task = desk.assign(case)
    desk.shoot(case, task)
    desk.submit(case, task, PF_01=desk.answer("fail", note="loose"))
    desk.intake()


def released(desk: Desk, plan: str = "june") -> list[JSON]:
    found: list[JSON] = desk.get(f"/plans/{plan}/releases")["items"]
    return found


def proposals(desk: Desk, freed: JSON) -> list[JSON]:
    """Who could use a day, as a worker answers."""
    while make_answerer(desk.made).run_once():
        pass
    told = desk.get(f"/plans/june/enquiries/{freed['enquiry']}")
    assert told["state"] == "answered", told
    answers: list[JSON] = told["answers"]
    return answers


def test_a_failed_acceptance_frees_its_day_and_proposes_who_could_use_it(june: Desk) -> None:
    approved(june, ("T-08", "T-14"))
    day = stands(june, "june", "t-06")
    case = case_of(june, "t-06")
    fail_acceptance(june, case)
    (freed,) = released(june)
    assert (freed["work"], freed["date"], freed["code"]) == ("t-06", day, "acceptance_failed")
    assert (freed["case"], freed["cause"], freed["by"]) == (case, "notice:1", "hezha")
    june.intake()
    assert len(released(june)) == 1, "once"
    assert stands(june, "june", "t-06") == day, "nothing moves by itself"
    found = {one["work"]: one for one in proposals(june, freed)}
    assert set(found) >= {"t-08", "t-14"}
    fits = [one for one in found.values() if one["possible"]]
    assert fits
    assert all(one["date"] == day and one["moves"] and one["hours"] for one in fits)
    chosen = fits[0]["work"]
    drop = {"t-06": {"code": freed["code"]}}
    hand = {chosen: {"pin": {"date": day}}}
    made(june, id="june-2", drop=drop, add=[chosen], hand=hand, reason="acceptance failed")
    assert stands(june, "june-2", chosen) == day
    published(june, "june-2")
    assert released(june, "june-2") == []


def test_a_day_in_the_frozen_week_that_came_free_may_be_used_by_the_scheduler(june: Desk) -> None:
    june.post("/plans/june/releases", {"work": "t-06", "code": "material_late", "remark": "cable"})
    (freed,) = released(june)
    assert (freed["by"], freed["remark"]) == ("manager", "cable")
    day = datetime.fromisoformat(f"{freed['date']}T01:00:00+00:00")
    june.clock.now = day - timedelta(days=1)
    answer = again(june, drop={"t-06": {"code": "material_late"}})
    assert (answer.status_code, answer.get_json()["thawed"], answer.get_json()["thawed_by"]) == (
        201,
        ["t-06"],
        "",
    )


def test_a_work_may_keep_its_day_and_the_same_cause_does_not_free_it_again(june: Desk) -> None:
    fail_acceptance(june, case_of(june, "t-06"))
    june.post("/plans/june/releases/t-06/keep", {"reason": "mended tomorrow"}, by="scheduler")
    june.intake()
    june.post(f"/cases/{case_of(june, 't-06')}/facts", {"facts": {"outage_needed": True}})
    june.intake()
    assert [one["kept"] for one in released(june)] == ["mended tomorrow"]
    again_free = june.post("/plans/june/releases", {"work": "t-06", "code": "weather"})["items"]
    assert [one["kept_at"] is None for one in again_free] == [False, True]


def test_only_days_ahead_of_a_plan_in_force_are_freed(june: Desk) -> None:
    def wrong(code: str, **said: Any) -> None:
        body = {"work": "t-06", "code": "weather", **said}
        refused(june.ask("POST", "/plans/june/releases", json=body), 409, code)

    wrong("plan_work_not_placed", work="t-04")
    keep = june.ask("POST", "/plans/june/releases/t-06/keep", by="scheduler", json={"reason": "x"})
    refused(keep, 409, "plan_not_released")
    june.clock.now = june.clock.now.replace(month=7)
    wrong("plan_day_over")
    june.post("/plans/june/withdraw", {"reason": "storm"}, by="scheduler")
    wrong("plan_not_in_force")


def test_a_condition_that_was_confirmed_and_is_no_more_frees_the_day(june: Desk) -> None:
    case = case_of(june, "t-06")
    entries = f"/cases/{case}/gates/fees-settled/entries"
    june.post(entries, {"status": "unmet", "evidence": "the bill is open"})
    june.intake()
    assert released(june) == [], "what was never confirmed has not fallen away"
    june.post(entries, {"status": "met", "evidence": "paid"})
    june.clock.forward(minutes=1)
    june.post(entries, {"status": "unmet", "evidence": "the payment was sent back"})
    june.intake()
    (freed,) = released(june)
    assert (freed["work"], freed["code"], freed["cause"][:8]) == ("t-06", "gate_shut", "gate:E05")
