"""What a scheduler asks of a plan is answered by a worker, in a process of its own, and changes nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from server.intake.worker import make_answerer, make_intake, make_planner
from tests.api.test_networks import hand_in
from tests.api.test_plans import MONTH, approved, body
from tests.desk import Desk, open_desk, refused, run_intake

JSON = dict[str, Any]
WORKS = {one["id"].lower(): {**one, "id": one["id"].lower()} for one in MONTH["works"]}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A plan that was made, of which nothing here changes anything."""
    with open_desk(tmp_path_factory.mktemp("enquiries")) as desk:
        assert hand_in(desk).status_code == 201
        approved(desk, ("T-01", "T-06", "T-13"))
        desk.post("/plans", body(id="june"), by="scheduler")
        assert make_planner(desk.made).run_once()
        yield desk


def ask(desk: Desk, **asked: Any) -> JSON:
    """An enquiry, answered."""
    queued = desk.ask("POST", "/plans/june/enquiries", by="scheduler", json=asked)
    assert queued.status_code == 202, queued.text
    assert queued.get_json()["state"] == "queued"
    assert make_answerer(desk.made).run_once()
    told: JSON = desk.get(queued.headers["Location"].removeprefix("/api/v1"))
    assert told["state"] == "answered", told
    return told


def day_of(desk: Desk, work: str) -> str:
    for outage in desk.get("/plans/june")["plan"]["outages"]:
        if work in {one["work"] for one in outage["works"]}:
            return str(outage["date"])
    raise AssertionError(work)


def test_a_move_has_its_price_before_it_is_made(made: Desk) -> None:
    before = made.get("/plans/june")
    stands = day_of(made, "t-06")
    other = next(day for day in ("2026-06-22", "2026-06-23") if day != stands)
    (answer,) = ask(made, kind="move", work="t-06", date=other)["answers"]
    assert answer["possible"]
    assert answer["moves"] == [{"work": "t-06", "before": stands, "after": other}]
    assert answer["total"] == pytest.approx(sum(answer["hours"].values()))
    assert other in answer["text"]["en"][0]
    assert answer["text"]["zh-CN"] != answer["text"]["en"]
    (barred,) = ask(made, kind="move", work="t-06", date="2026-06-01")["answers"]
    assert not barred["possible"]
    assert barred["text"]["en"]
    assert made.get("/plans/june") == before, "an enquiry moves nothing"


def test_of_a_work_that_is_out_it_is_told_what_would_change_it(made: Desk) -> None:
    (answer,) = ask(made, kind="explain", work="t-13")["answers"]
    assert answer["date"] is None
    assert len(answer["text"]["en"]) > 1


def test_a_work_in_two_parts_has_its_price(made: Desk) -> None:
    half = WORKS["t-06"]["minutes"] // 2
    parts = [{**WORKS["t-06"], "id": name, "minutes": half} for name in ("t-06-1", "t-06-2")]
    parts[1] |= {"after": ["t-06-1"]}
    (answer,) = ask(made, kind="works", drop=["t-06"], add=parts)["answers"]
    moved = {one["work"]: one["after"] for one in answer["moves"]}
    assert (answer["possible"], answer["left_out"], moved["t-06"]) == (True, [], None)
    assert moved["t-06-1"] < moved["t-06-2"]
    assert answer["hours"]["hours"] > 0, "two outages where one did"


def test_a_month_without_a_work_costs_less(made: Desk) -> None:
    (answer,) = ask(made, kind="works", drop=["t-06"])["answers"]
    assert answer["hours"]["hours"] < 0
    assert [one["work"] for one in answer["moves"]] == ["t-06"], "nothing else moves unless it may"


def test_what_no_worker_could_answer_is_refused_at_once(made: Desk) -> None:
    def wrong(code: str, **asked: Any) -> None:
        refused(made.ask("POST", "/plans/june/enquiries", by="scheduler", json=asked), 422, code)

    wrong("enquiry_work_missing", kind="move", date="2026-06-22")
    wrong("plan_work_unknown", kind="move", work="t-99", date="2026-06-22")
    wrong("enquiry_day_outside", kind="move", work="t-06", date="2026-07-01")
    wrong("enquiry_day_outside", kind="move", work="t-06")
    wrong("enquiry_nothing", kind="works")
    wrong("plan_work_unknown", kind="works", drop=["t-99"])
    wrong("plan_unusable", kind="works", add=[{**WORKS["t-06"], "skill": "none"}])
    odd: JSON
    for odd in ({}, {"id": []}, {"id": "x", "after": 7}, {**WORKS["t-06"], "with": [{}]}):
        wrong("plan_unusable", kind="works", add=[odd])
    refused(made.ask("GET", "/plans/june/enquiries/none", by="scheduler"), 404, "not_found")


def test_the_same_enquiry_again_finds_the_first(made: Desk) -> None:
    asked = {"id": "mine", "kind": "move", "work": "t-06", "date": "2026-06-23"}
    assert ask(made, **asked)["state"] == "answered"
    again = made.ask("POST", "/plans/june/enquiries", by="scheduler", json=asked)
    assert (again.status_code, again.get_json()["state"]) == (202, "answered")
    other = {**asked, "date": "2026-06-24"}
    refused(made.ask("POST", "/plans/june/enquiries", by="scheduler", json=other), 409, "enquiry_exists")


def test_one_that_takes_too_much_fails_alone_and_says_so(made: Desk) -> None:
    made.ask(
        "POST", "/plans/june/enquiries", by="scheduler", json={"id": "big", "kind": "explain", "work": "t-06"}
    )
    few = dataclasses.replace(made.made.settings, plan_memory_bytes=40_000_000)
    assert make_answerer(dataclasses.replace(made.made, settings=few)).run_once()
    told = made.get("/plans/june/enquiries/big")
    assert told["state"] == "failed"
    assert told["fault"]["text"]["en"]


def test_an_enquiry_wakes_who_answers_and_is_kept_for_some_days(desk: Desk) -> None:
    assert hand_in(desk).status_code == 201
    approved(desk, ("T-06",))
    desk.post("/plans", body(id="june"), by="scheduler")
    unmade = {"kind": "explain", "work": "t-06", "id": "why"}
    refused(desk.ask("POST", "/plans/june/enquiries", by="scheduler", json=unmade), 409, "plan_not_made")
    assert make_planner(desk.made).run_once()
    assert desk.ask("POST", "/plans/june/enquiries", by="scheduler", json=unmade).status_code == 202
    woken: list[bool] = []
    run_intake(desk.made, make_intake(desk.made, enquiries_changed=lambda: woken.append(True)))
    assert woken
    desk.clock.forward(days=desk.made.settings.enquiry_days, seconds=1)
    assert not make_answerer(desk.made).run_once()
    refused(desk.ask("GET", "/plans/june/enquiries/why", by="scheduler"), 404, "not_found")
