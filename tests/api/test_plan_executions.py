"""Outages are recorded as they went: works are done, months have figures, later plans look back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tests.api.test_plan_amending import june
from tests.api.test_plans import approved, body
from tests.desk import Desk, refused

__all__ = ["june"]

JSON = dict[str, Any]


def outage_of(desk: Desk, work: str) -> JSON:
    for outage in desk.get("/plans/june")["plan"]["outages"]:
        if work in {one["work"] for one in outage["works"]}:
            found: JSON = outage
            return found
    raise AssertionError(work)


def went(outage: JSON, **changes: Any) -> JSON:
    """What is recorded of an outage that went as planned."""
    return {
        "outage": outage["id"],
        "off": outage["off"] + "+08:00",
        "on": outage["on"] + "+08:00",
        "works": [{"work": one["work"], "done": True} for one in outage["works"]],
        **changes,
    }


def test_an_outage_that_went_as_planned_is_done_and_counts_as_planned(june: Desk) -> None:
    outage = outage_of(june, "t-06")
    ahead = june.ask("POST", "/plans/june/executions", json=went(outage))
    refused(ahead, 422, "execution_times_order")
    june.clock.now = datetime(2026, 7, 1, 1, 0, tzinfo=UTC)
    (told,) = june.post("/plans/june/executions", went(outage))["items"]
    assert (told["outcome"], told["by"]) == ("as_planned", "manager")
    # Times are told to the minute; the plan reckons its hours the same way.
    assert told["customer_hours"] == round(told["customer_hours"], 6)
    assert abs(told["customer_hours"] - outage["customer_hours"]) < 0.01
    assert june.get("/works/t-06")["state"] == "done"
    assert len(june.post("/plans/june/executions", went(outage))["items"]) == 1
    counted = june.get("/outage-figures?month=2026-06")
    assert counted["plans"] == ["june"]
    assert counted["figures"]["recorded"] == 1
    assert counted["figures"]["hours_real"] == round(told["customer_hours"], 3)
    assert june.get("/outage-figures?month=2026-06&network=none")["figures"]["outages"] == 0


def test_what_went_otherwise_is_recorded_with_its_reason_and_can_be_corrected(june: Desk) -> None:
    outage = outage_of(june, "t-06")
    june.clock.now = datetime(2026, 7, 1, 1, 0, tzinfo=UTC)
    works = [{"work": one["work"], "done": False} for one in outage["works"]]
    gone = went(outage, off=None, on=None, works=works)
    refused(june.ask("POST", "/plans/june/executions", json=gone), 422, "execution_reason_missing")
    why = {"code": "weather", "reason": "storm"}
    (told,) = june.post("/plans/june/executions", {**gone, **why})["items"]
    assert (told["outcome"], told["customer_hours"]) == ("cancelled", 0)
    assert june.get("/works/t-06")["state"] == "planned"
    june.clock.forward(minutes=1)
    late = datetime.fromisoformat(outage["on"]) + timedelta(hours=1)
    (told,) = june.post("/plans/june/executions", went(outage, on=f"{late.isoformat()}+08:00", **why))[
        "items"
    ]
    assert told["outcome"] == "deviated"
    assert told["customer_hours"] > outage["customer_hours"]
    assert june.get("/works/t-06")["state"] == "done"
    refused(
        june.ask("POST", "/plans/june/executions", json=went({**outage, "id": "none"})),
        422,
        "plan_outage_unknown",
    )


def test_a_later_month_looks_back_on_what_there_was(june: Desk) -> None:
    june.clock.now = datetime(2026, 6, 25, 1, 0, tzinfo=UTC)
    approved(june, ("T-08",))
    asked = body(id="july", month="2026-07", works=["t-08"], calendar={"operations": 16, "rest_days": []})
    del asked["past"]
    del asked["customers"]
    june.post("/plans", asked, by="scheduler")
    kept = june.made.plans
    past = msgspec.json.decode(kept.instance(kept.get("demo", "july")))["past"]
    outages = june.get("/plans/june")["plan"]["outages"]
    assert past == sorted(
        ({"section": section, "date": one["date"]} for one in outages for section in one["dead"]),
        key=lambda one: (one["date"], one["section"]),
    )
