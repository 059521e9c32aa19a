"""Cases over HTTP: opened, amended, moved, listed; and seen only by those whom they concern."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.desk import Clock, Desk, open_desk, refused

#: Numbers, customers and places of the cases that lists are tried on.
TOWN: tuple[dict[str, Any], ...] = (
    {"no": "L-01", "customer": {"name": "Alpha 100% Steel", "address": "1 Mill Lane"}, "site": (121.0, 29.0)},
    {"no": "L-02", "customer": {"name": "alpha_beta", "address": "2 Mill Lane"}, "site": (121.5, 29.5)},
    {"no": "L-03", "customer": {"name": "甬江纺织", "address": "中山路 3 号"}, "site": (122.0, 30.0)},
    {"no": "L_04", "customer": {"name": "Delta\\Works"}, "site": (122.5, 30.5)},
)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Four cases: L-01 is overdue with `inspector`, L-02 of `deputy`, L-03 at survey, L_04 accepted."""
    clock = Clock()
    with open_desk(tmp_path_factory.mktemp("town"), clock=clock) as desk:
        for name, roles in (("colleague", ["inspector"]), ("deputy", ["manager"])):
            desk.hire(name, *roles)
        desk.hire("stranger", "manager", organisation="north")
        ids = {}
        for capacity, place in enumerate(TOWN, start=1):
            lon, lat = place["site"]
            more = {"manager": "deputy"} if place["no"] == "L-02" else {}
            supply = {"voltage_kv": 10.0, "capacity_kva": capacity * 100.0}
            body = {**place, "site": {"lon": lon, "lat": lat, "datum": "wgs84"}, "supply": supply, **more}
            ids[place["no"]] = desk.open_case(**body)
            clock.forward(minutes=1)
        desk.assign(ids["L-01"], "inspector", due="2026-11-03")
        desk.assign(ids["L-03"], "inspector", "colleague", due="2026-12-01")
        desk.post(f"/cases/{ids['L-03']}/transitions", {"to": "survey"})
        clock.now += timedelta(days=5)
        yield desk


def listed(desk: Desk, query: str = "", *, by: str = "manager") -> list[str]:
    return [row["no"] for row in desk.get(f"/cases?sort=no&{query}", by=by)["items"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["L-01", "L-02", "L-03", "L_04"]),
        ("stage=survey", ["L-03"]),
        ("stage=nowhere", []),
        ("manager=deputy", ["L-02"]),
        ("inspector=inspector", ["L-01", "L-03"]),
        ("inspector=colleague&stage=survey", ["L-03"]),
        ("overdue=true", ["L-01"]),
        ("overdue=false", ["L-01", "L-02", "L-03", "L_04"]),
        ("energization=none", ["L-01", "L-02", "L-03", "L_04"]),
        ("energization=authorized", []),
        ("q=mill", ["L-01", "L-02"]),
        ("q=ALPHA", ["L-01", "L-02"]),
        ("q=%25", ["L-01"]),
        ("q=_", ["L-02", "L_04"]),
        ("q=%5C", ["L_04"]),
        ("q=%E7%BA%BA%E7%BB%87", ["L-03"]),
        ("q=%27%20OR%201%3D1", []),
        ("bbox=121.4,29.4,122.0,30.0", ["L-02", "L-03"]),
        ("bbox=-180,-90,180,90", ["L-01", "L-02", "L-03", "L_04"]),
        ("bbox=1,1,1,1", []),
    ],
)
def test_lists_are_filtered(town: Desk, query: str, found: list[str]) -> None:
    assert listed(town, query) == found
    assert town.get(f"/cases?{query}")["total"] == len(found)


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("no", ["L-01", "L-02", "L-03", "L_04"]),
        ("-no", ["L_04", "L-03", "L-02", "L-01"]),
        ("-capacity", ["L_04", "L-03", "L-02", "L-01"]),
        ("opened", ["L-01", "L-02", "L-03", "L_04"]),
        ("-updated", ["L-03", "L-01", "L_04", "L-02"]),
    ],
)
def test_lists_are_sorted(town: Desk, sort: str, order: list[str]) -> None:
    # L-01 and L-03 changed at the same moment, so ids decide between them; opening gives them in order.
    rows = [row["no"] for row in town.get(f"/cases?sort={sort}")["items"]]
    if sort == "-updated":
        rows = [*sorted(rows[:2], reverse=True), *rows[2:]]
        order = ["L-03", "L-01", "L_04", "L-02"]
    assert rows == order


@pytest.mark.parametrize("sort", ["due", "-due"])
def test_what_has_no_date_comes_last_either_way(town: Desk, sort: str) -> None:
    rows = [row["next_due"] for row in town.get(f"/cases?sort={sort}")["items"]]
    dated = ["2026-11-03", "2026-12-01"]
    assert rows == [*(dated if sort == "due" else reversed(dated)), None, None]


def test_pages_add_up_to_the_whole(town: Desk) -> None:
    pages = [town.get(f"/cases?sort=no&limit=3&offset={offset}") for offset in (0, 3, 6)]
    assert [len(page["items"]) for page in pages] == [3, 1, 0]
    assert {page["total"] for page in pages} == {4}
    assert [row["no"] for page in pages for row in page["items"]] == listed(town)


@pytest.mark.parametrize(
    ("who", "found"),
    [
        ("manager", ["L-01", "L-02", "L-03", "L_04"]),
        ("scheduler", ["L-01", "L-02", "L-03", "L_04"]),
        ("admin", ["L-01", "L-02", "L-03", "L_04"]),
        ("auditor", ["L-01", "L-02", "L-03", "L_04"]),
        ("inspector", ["L-01", "L-03"]),
        ("colleague", ["L-03"]),
        ("stranger", []),
    ],
)
def test_people_see_what_concerns_them(town: Desk, who: str, found: list[str]) -> None:
    assert listed(town, by=who) == found
    ids = {row["no"]: row["id"] for row in town.get("/cases")["items"]}
    for no, case in ids.items():
        assert town.ask("GET", f"/cases/{case}", by=who).status_code == (200 if no in found else 404)
        assert town.ask("GET", f"/cases/{case}/gates", by=who).status_code == (200 if no in found else 404)


def test_an_application_becomes_a_case_with_two_databases(desk: Desk) -> None:
    answer = desk.ask("POST", "/cases", json=desk.application(title="new workshop", facts={"dual": False}))
    case = answer.get_json()
    assert (answer.status_code, case["stage"], case["manager"]) == (201, "accepted", "manager")
    assert case["stage_title"]
    assert case["facts"]["dual"]["value"] is False
    assert case["energization"]["status"] == "none"
    assert "log" not in case
    for database in (desk.forms(case["id"]), desk.media(case["id"])):
        assert desk.made.store.security(database)["members"]["names"] == ["manager"]
    assert desk.get("/cases")["items"][0]["id"] == case["id"]


@pytest.mark.parametrize("name", ["inspector", "nobody", "Not A Name", "stranger", "gone"])
def test_a_case_is_managed_by_a_manager_of_the_house(desk: Desk, name: str) -> None:
    """The manager reads the case's databases; a slip must not open them to a stranger."""
    desk.hire("stranger", "manager", organisation="north")
    desk.hire("gone", "manager")
    desk.made.people.disable("gone")
    refused(desk.ask("POST", "/cases", json=desk.application(manager=name)), 422, "not_a_manager")
    case = desk.open_case()
    amend = desk.ask("PATCH", f"/cases/{case}", json={"reason": "handed over", "manager": name})
    refused(amend, 422, "not_a_manager")


def test_a_case_is_handed_to_another_manager_with_its_databases(desk: Desk) -> None:
    desk.hire("deputy", "manager")
    case = desk.open_case()
    desk.patch(f"/cases/{case}", {"reason": "handed over", "manager": "deputy"})
    members = desk.made.store.security(desk.forms(case))["members"]["names"]
    assert members == ["deputy"]


def test_amending_says_what_and_why_in_the_log(desk: Desk) -> None:
    case = desk.open_case()
    body = {"reason": "mistyped", "customer": {"name": "Red Maple Spinning"}, "title": "workshop 2"}
    amended = desk.patch(f"/cases/{case}", body)
    assert (amended["customer"]["name"], amended["title"]) == ("Red Maple Spinning", "workshop 2")
    assert desk.get("/cases?q=spinning")["total"] == 1
    log = desk.get(f"/cases/{case}/log")
    assert log["verified"] is True
    assert [entry["event"] for entry in log["items"]] == ["case_opened", "facts_ruled", "case_amended"]
    assert log["items"][-1]["data"]["reason"] == "mistyped"
    assert log["items"][-1]["actor"] == "manager"


def test_a_log_that_was_tampered_with_does_not_verify(desk: Desk) -> None:
    case = desk.open_case()
    document = desk.document(desk.forms(case), "case")
    document["log"][0]["actor"] = "somebody"
    desk.made.store.put(desk.forms(case), document)
    assert desk.get(f"/cases/{case}/log")["verified"] is False


def test_a_case_moves_along_its_process(desk: Desk) -> None:
    case = desk.open_case()
    moved = desk.post(f"/cases/{case}/transitions", {"to": "survey", "note": "tomorrow"})
    assert (moved["stage"], moved["history"][-1]["note"]) == ("survey", "tomorrow")
    refused(desk.ask("POST", f"/cases/{case}/transitions", json={"to": "moon"}), 422, "stage_unknown")
    again = desk.post(f"/cases/{case}/transitions", {"to": "survey"})
    assert len(again["history"]) == 2
