"""Processes and limits over HTTP: what the workflow does, as data."""

from __future__ import annotations

from server.texts import catalogue
from tests.desk import Desk


def test_a_process_is_told_with_every_way_and_what_it_asks_for(house: Desk) -> None:
    processes = {one["process"]: one for one in house.get("/processes", by="inspector")["items"]}
    assert set(processes) == {"hv", "hv_complex", "lv"}
    stages = {row["stage"]: row for row in processes["hv"]["stages"]}
    ways = {move["to"]: [need["code"] for need in move["needs"]] for move in stages["scheme"]["moves"]}
    assert ways["reply"] == ["line_is_shared", "scheme_review_not_required", "scheme_approved"]
    assert ways["cancelled"] == ["field_work_complete"]
    assert (stages["reply"]["held_by"], stages["reply"]["waits_for"]) == ("customer", "design")
    assert stages["intermediate"]["rectification"] == "MR"
    assert stages["ready"]["title"] == catalogue("zh-CN")["stage.ready"]
    assert [one["code"] for one in processes["lv"]["side_states"]] == ["WC", "WG", "SU", "SX", "CX"]
    assert "reply" not in {
        move["to"]
        for row in processes["hv_complex"]["stages"]
        if row["stage"] == "scheme"
        for move in row["moves"]
    }


def test_the_limits_of_the_day_are_told_with_their_sources(house: Desk) -> None:
    answer = house.get("/time-limits")
    limits = {one["id"]: one for one in answer["items"]}
    assert answer["on"] == "2026-11-02"
    assert limits["county-2012.total"]["days"] == 16
    assert limits["state-grid.total"]["days"] == 22
    assert limits["supervision-2009.reply_dual"]["sources"] == "dual"
    assert "state-grid.reply" not in limits, "ended in 2023"
    assert "assessment.reply" not in limits, "another promise is in force"
    assert all(one["source"] and one["title"] for one in limits.values())
