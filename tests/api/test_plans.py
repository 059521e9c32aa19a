"""A month's plan is a job: queued, made by the worker in a process of its own, with proof and reasons."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

import server.demo
from server.intake.worker import make_intake, make_planner
from server.scheduling.confined import ORDER, RESULT
from server.scheduling.plans import Effort, PlanRecord, Plans
from server.scheduling.requests import Particulars, agree, request
from server.scheduling.solver import Order, Result
from tests.api.test_networks import hand_in
from tests.desk import Desk, refused, run_intake

JSON = dict[str, Any]
MONTH: JSON = json.loads((Path(server.demo.__file__).parent / "outages.json").read_text("utf-8"))
#: What of the demo month the scheduler says.
GIVEN: JSON = {name: MONTH[name] for name in ("crews", "customers", "past", "rules") if name in MONTH}
CALENDAR = {name: value for name, value in MONTH["calendar"].items() if name not in ("first", "last")}


def body(**changes: Any) -> JSON:
    return {
        "month": "2026-06",
        "network": "wangchao",
        "seconds": 3.0,
        **GIVEN,
        "calendar": dict(CALENDAR),
        **changes,
    }


def approved(desk: Desk, names: tuple[str, ...], cases: Mapping[str, tuple[str, ...]] = {}) -> None:
    """Works of the demo month, requested and agreed to; the roads to that are tested elsewhere."""
    kept = desk.made.works
    for work in MONTH["works"]:
        if work["id"] not in names:
            continue
        about: JSON = {"type": "planned", "network": "wangchao", "content": "as named"}
        about["cases"] = cases.get(work["id"], ())
        asked = msgspec.convert({**about, "work": work}, Particulars)
        now = desk.clock()
        made = request(work["id"].lower(), "demo", asked, by="anna", at=now, needed=("dispatch",))
        kept.add(agree(made, "dispatch", by="ben", roles=("scheduler",), at=now, needed=("dispatch",)))


@pytest.fixture
def town(desk: Desk) -> Desk:
    assert hand_in(desk).status_code == 201
    approved(desk, ("T-01", "T-02", "T-13"))
    return desk


def plans(desk: Desk) -> Plans:
    return desk.made.plans


def test_the_worker_makes_a_queued_plan_and_says_why_a_work_is_out(town: Desk) -> None:
    asked = town.post("/plans", body(id="june"), by="scheduler")
    assert (asked["state"], asked["works"], asked["plan"]) == ("queued", ["t-01", "t-02", "t-13"], None)
    assert make_planner(town.made).run_once()
    made = town.get("/plans/june")
    assert made["state"] == "made", made["fault"]
    assert made["summary"]["wrong"] == 0
    assert made["findings"] == []
    assert made["summary"]["bound"] <= made["summary"]["value"]
    assert (made["summary"]["placed"], made["summary"]["unplaced"]) == (2, 1)
    (why,) = made["reasons"]
    assert why["work"] == "t-13"
    assert all(why["text"].values())
    assert why["text"]["zh-CN"] != why["text"]["en"]
    assert not make_planner(town.made).run_once(), "nothing is made twice"


def test_the_same_request_again_finds_the_plan_and_another_is_refused(town: Desk) -> None:
    key = {"Idempotency-Key": "june"}
    given = body(calendar={"operations": 16})
    first = town.post("/plans", given, by="scheduler", headers=key)
    town.clock.forward(minutes=1)
    assert town.post("/plans", given, by="scheduler", headers=key)["id"] == first["id"]
    other = town.ask("POST", "/plans", by="scheduler", json={**given, "seed": 7}, headers=key)
    refused(other, 409, "plan_exists")
    assert len(town.get("/plans?state=queued")["items"]) == 1


def test_what_keeps_a_month_from_being_balanced_is_told_at_once(town: Desk) -> None:
    nobody = town.ask("POST", "/plans", by="scheduler", json=body(crews=[]))
    told = refused(nobody, 422, "plan_unusable")
    assert "outage_skill_unknown" in [one["code"] for one in told["findings"]]
    for changes, code in (
        ({"works": ["t-99"]}, "plan_work_unknown"),
        ({"network": "elsewhere"}, "plan_network_unknown"),
    ):
        refused(town.ask("POST", "/plans", by="scheduler", json=body(**changes)), 422, code)
    assert town.get("/plans")["items"] == []


def test_a_plan_that_waits_is_given_up_and_one_under_way_is_asked_to_end(town: Desk) -> None:
    town.post("/plans", body(id="june"), by="scheduler")
    assert town.post("/plans/june/cancel", by="scheduler")["state"] == "cancelled"
    assert town.post("/plans/june/cancel", by="scheduler")["state"] == "cancelled"
    assert not make_planner(town.made).run_once()
    town.post("/plans", body(id="july"), by="scheduler")
    running(town, "july", begun=1)
    assert town.post("/plans/july/cancel", by="scheduler")["cancel"] is True


def running(desk: Desk, plan: str, *, begun: int) -> PlanRecord:
    """As a worker leaves it that was killed."""
    now = desk.clock()
    return plans(desk).change(
        "demo", plan, lambda known: replace(known, state="running", begun=begun, beat_at=now)
    )


def test_a_plan_whose_worker_died_is_begun_anew_and_not_for_ever(town: Desk) -> None:
    town.post("/plans", body(id="june"), by="scheduler")
    running(town, "june", begun=3)
    planner = make_planner(town.made)
    assert not planner.run_once(), "its worker may still be at it"
    town.clock.forward(seconds=town.made.settings.plan_abandoned_seconds + 1)
    assert not planner.run_once()
    given_up = town.get("/plans/june")
    assert (given_up["state"], given_up["fault"]["code"]) == ("failed", "plan_died")
    assert given_up["fault"]["text"]["en"]


def test_a_worker_that_is_stopped_leaves_the_plan_to_the_next(town: Desk) -> None:
    town.post("/plans", body(id="june", seconds=60.0), by="scheduler")
    stop = threading.Event()
    stop.set()
    assert make_planner(town.made).run_once(stop)
    assert town.get("/plans/june")["state"] == "queued"


def test_a_month_that_takes_too_much_memory_fails_alone(town: Desk) -> None:
    town.post("/plans", body(id="june"), by="scheduler")
    few = dataclasses.replace(town.made.settings, plan_memory_bytes=40_000_000)
    small = dataclasses.replace(town.made, settings=few)
    assert make_planner(small).run_once()
    assert town.get("/plans/june")["state"] == "failed"


def test_a_search_that_is_ended_leaves_the_best_plan_it_has(tmp_path: Path) -> None:
    network = json.loads((Path(server.demo.__file__).parent / "network.json").read_text("utf-8"))
    effort = Effort(seconds=60.0, workers=1)
    order = Order(instance=MONTH, network=network, effort=effort, explain_seconds=60.0)
    (tmp_path / ORDER).write_bytes(msgspec.json.encode(order))
    command = [sys.executable, "-m", "server.scheduling.solver", str(4 * 1024**3), str(tmp_path)]
    # Its input has ended before it begins, as when the server dies.
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True, timeout=300)
    left = msgspec.json.decode((tmp_path / RESULT).read_bytes(), type=Result)
    assert left.plan["proof"]["status"] == "cancelled"
    assert (left.reasons, left.findings) == ((), ())
    assert set(left.unexplained) >= {"T-13"}


def test_another_organisation_sees_no_plan_and_no_work(town: Desk) -> None:
    town.hire("northern", "scheduler", organisation="north")
    town.post("/plans", body(id="june"), by="scheduler")
    assert town.get("/plans", by="northern")["items"] == []
    refused(town.ask("GET", "/plans/june", by="northern"), 404, "not_found")
    refused(town.ask("POST", "/plans", by="northern", json=body()), 422, "plan_network_unknown")


def test_a_change_of_plans_wakes_who_makes_them(town: Desk) -> None:
    woken = threading.Event()
    town.post("/plans", body(id="june"), by="scheduler")
    run_intake(town.made, make_intake(town.made, plans_changed=woken.set))
    assert woken.is_set()


def test_the_process_that_watches_loads_nothing_that_balances() -> None:
    program = (
        "import sys, server.scheduling.planner, server.api.plans\n"
        "print([one for one in sys.modules if one.startswith(('ortools', 'pandas', 'shapely'))])"
    )
    run = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_plan_near_another_moves_what_the_scheduler_moves(town: Desk) -> None:
    approved(town, ("T-06",))
    town.post("/plans", body(id="first", works=["t-01", "t-06"]), by="scheduler")
    assert make_planner(town.made).run_once()
    before = {one["work"]: outage["date"] for outage in days(town, "first") for one in outage["works"]}
    other = next(day for day in ("2026-06-22", "2026-06-23") if day not in before.values())
    asked = body(
        id="second",
        works=["t-01", "t-06"],
        near={"plan": "first"},
        hand={"t-06": {"pin": {"date": other}, "forbid": [before["t-06"]]}},
    )
    town.post("/plans", asked, by="scheduler")
    assert make_planner(town.made).run_once()
    made = town.get("/plans/second")
    assert (made["state"], made["findings"], made["near"]["plan"]) == ("made", [], "first")
    assert made["moves"] == [{"work": "t-06", "before": before["t-06"], "after": other}]


def days(desk: Desk, plan: str) -> list[JSON]:
    outages: list[JSON] = desk.get(f"/plans/{plan}")["plan"]["outages"]
    return outages


def test_a_plan_is_near_only_to_one_that_was_made_of_the_same(town: Desk) -> None:
    town.post("/plans", body(id="first"), by="scheduler")
    for plan in ("first", "none"):
        answer = town.ask("POST", "/plans", by="scheduler", json=body(near={"plan": plan}))
        refused(answer, 422, "plan_near_unusable")
    stray = town.ask("POST", "/plans", by="scheduler", json=body(hand={"t-99": {"forbid": []}}))
    refused(stray, 422, "plan_work_unknown")


def test_a_search_under_way_ends_soon_when_it_is_cancelled(town: Desk) -> None:
    approved(town, tuple(one["id"] for one in MONTH["works"] if "after" not in one))
    town.post("/plans", body(id="june", seconds=120.0), by="scheduler")
    settings = dataclasses.replace(town.made.settings, plan_beat_seconds=0.1)
    often = dataclasses.replace(town.made, settings=settings)
    planner = make_planner(often)
    making = threading.Thread(target=planner.run_once)
    making.start()
    # It takes its child longer to load what balances than the request to arrive.
    while town.get("/plans/june")["state"] == "queued":
        making.join(0.01)
    assert town.post("/plans/june/cancel", by="scheduler")["cancel"] is True
    making.join()
    made = town.get("/plans/june")
    assert (made["state"], made["summary"]["status"], made["findings"]) == ("made", "cancelled", [])
    assert made["summary"]["placed"] > 0, "the best that it had"
    refused(town.ask("POST", "/plans/june/cancel", by="auditor"), 403, "forbidden")


def test_plans_are_listed_page_by_page_in_the_order_they_were_asked_for(town: Desk) -> None:
    for name in ("one", "two", "three"):
        town.post("/plans", body(id=name), by="scheduler")
        town.clock.forward(seconds=1)
    town.post("/plans/two/cancel", by="scheduler")
    first = town.get("/plans?limit=2")
    assert ([one["id"] for one in first["items"]], first["total"]) == (["one", "two"], 3)
    rest = town.get(f"/plans?limit=2&after={first['next']}")
    assert ([one["id"] for one in rest["items"]], rest["next"]) == (["three"], None)
    queued = town.get("/plans?state=queued&limit=1")
    assert ([one["id"] for one in queued["items"]], queued["total"]) == (["one"], 2)
    newest = town.get("/plans?sort=-requested&limit=2")
    assert [one["id"] for one in newest["items"]] == ["three", "two"]
    # A place holds for the order that it was given in.
    refused(town.ask("GET", f"/plans?after={newest['next']}"), 422, "after_invalid")
    refused(town.ask("GET", "/plans?after=none"), 422, "after_invalid")


def test_works_are_listed_page_by_page_by_id(town: Desk) -> None:
    first = town.get("/works?limit=2")
    assert ([one["id"] for one in first["items"]], first["total"]) == (["t-01", "t-02"], 3)
    rest = town.get(f"/works?limit=2&after={first['next']}")
    assert ([one["id"] for one in rest["items"]], rest["next"]) == (["t-13"], None)
    assert town.get("/works?state=requested&limit=2") == {"items": [], "total": 0, "next": None}
    assert town.get("/works?plan=none")["items"] == []
    refused(town.ask("GET", "/works?limit=501"), 422, "invalid_fields")
