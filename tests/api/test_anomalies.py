"""Monitors over HTTP: what is to be looked at in a case, and a list of it that is right on any day."""

from __future__ import annotations

from typing import Any

from server.texts import catalogue
from tests.desk import Clock, Desk


def told(desk: Desk, **query: Any) -> list[tuple[str, str, int]]:
    words = "&".join(f"{key}={value}" for key, value in query.items())
    return [(row["no"], row["code"], row["watch"]) for row in desk.get(f"/anomalies?{words}")["items"]]


def forward(desk: Desk, **by: float) -> None:
    clock: Clock = desk.made.clock  # type: ignore[assignment]
    clock.forward(**by)


def test_the_list_and_the_case_page_tell_the_same_on_every_day_without_a_write(desk: Desk) -> None:
    case = desk.open_case()
    desk.open_case(supply={"voltage_kv": 10.0, "capacity_kva": 100.0})
    desk.post(f"/cases/{case}/transitions", {"to": "survey"})
    [no] = [row["no"] for row in desk.get("/cases")["items"] if row["id"] == case]
    seen: set[str] = set()
    for _ in range(30):
        page = [(no, one["code"], one["watch"]) for one in desk.get(f"/cases/{case}/anomalies")["items"]]
        assert sorted(page) == sorted(one for one in told(desk, limit=200) if one[0] == no)
        seen |= {code for _, code, _ in page}
        forward(desk, days=1)
    assert seen == {"due_soon", "over_limit"}


def test_it_is_filtered_by_monitor_level_and_manager_and_paged(desk: Desk) -> None:
    small = desk.open_case(supply={"voltage_kv": 10.0, "capacity_kva": 100.0})
    desk.open_case()
    forward(desk, days=10)
    everything = desk.get("/anomalies")
    assert everything["total"] == len(everything["items"]) > 2
    assert [row["watch"] for row in everything["items"]] == sorted(
        (row["watch"] for row in everything["items"]), reverse=True
    )
    [row] = desk.get("/anomalies?monitor=small_firm")["items"]
    assert (row["case_id"], row["code"], row["watch"]) == (small, "small_firm_on_hv", 2)
    assert row["monitor_title"] == catalogue("zh-CN")["monitor.small_firm"]
    assert row["watch_title"] == catalogue("zh-CN")["watch.2"]
    assert "100" in row["text"]
    assert told(desk, watch=2, monitor="small_firm") == told(desk, code="small_firm_on_hv")
    assert told(desk, watch=1, monitor="small_firm") == told(desk, manager="nobody") == []
    page = desk.get("/anomalies?limit=1&offset=1")
    assert page["items"] == everything["items"][1:2]
    assert desk.ask("GET", "/anomalies?watch=4").status_code == 422


def test_other_organisations_and_inspectors_see_none(desk: Desk) -> None:
    desk.hire("stranger", "manager", organisation="north")
    case = desk.open_case(supply={"voltage_kv": 10.0, "capacity_kva": 100.0})
    assert {code for _, code, _ in told(desk)} == {"small_firm_on_hv", "due_soon"}
    assert desk.get("/anomalies", by="stranger")["total"] == 0
    assert desk.ask("GET", f"/cases/{case}/anomalies", by="stranger").status_code == 404
    assert desk.ask("GET", "/anomalies", by="inspector").status_code == 403
