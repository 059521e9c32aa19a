"""Clocks over HTTP: on the case page, in the list on any later day, and what the office records of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from server.ownrules import rules_in_force
from server.settings import Settings, SettingsError
from server.texts import catalogue
from tests.desk import Clock, Desk, open_desk, policies, refused

#: 4 pm on Monday, 2 November 2026 where the customers live.
OPENED = "2026-11-02T08:00:00+00:00"


@pytest.fixture
def clock(desk: Desk) -> Clock:
    return desk.made.clock  # type: ignore[return-value]


def at_survey(desk: Desk, **changes: Any) -> str:
    case = desk.open_case(**changes)
    desk.post(f"/cases/{case}/transitions", {"to": "survey"})
    return case


def one(desk: Desk, case: str, limit: str) -> dict[str, Any]:
    [found] = [row for row in desk.get(f"/cases/{case}/clocks")["clocks"] if row["id"] == limit]
    return dict(found)


def listed(desk: Desk, **query: str) -> list[str]:
    words = "&".join(f"{key}={value}" for key, value in query.items())
    return [row["id"] for row in desk.get(f"/cases?{words}")["items"]]


def test_the_case_page_says_what_is_used_what_is_left_and_whose_move_it_is(desk: Desk, clock: Clock) -> None:
    case = at_survey(desk)
    clock.forward(days=2)
    page = desk.get(f"/cases/{case}")
    clocks = {row["id"]: row for row in page["clocks"]}
    survey = clocks["county-2012.survey"]
    assert (survey["limit"], survey["used"], survey["remaining"], survey["due"]) == (3, 2, 1, "2026-11-05")
    assert (survey["level"], survey["over"], survey["kind"], survey["state"]) == (
        50,
        False,
        "internal",
        "running",
    )
    assert survey["title"] == catalogue("zh-CN")["clock.survey"]
    assert {row["kind"] for row in page["clocks"]} == {"internal", "promise", "legal"}
    assert (page["standing"]["holder"], page["standing"]["why"]) == ("utility", "")
    assert [rule["id"] for rule in page["size_rules"] if rule["applies"]] == ["scheme_review"]


def test_the_list_tells_the_level_of_the_day_without_a_write(desk: Desk, clock: Clock) -> None:
    case = at_survey(desk)
    low: dict[str, Any] = {
        "process": "lv",
        "supply": {"voltage_kv": 0.4, "capacity_kva": 80.0},
        "facts": {"resident": False},
    }
    other = desk.open_case(**low)
    levels = []
    for _ in range(6):
        rows = {row["id"]: row["clock"] for row in desk.get("/cases")["items"]}
        levels.append((clock.now.day, rows[case]["id"], rows[case]["level"]))
        clock.forward(days=1)
    assert levels == [
        (2, "county-2012.survey", "none"),
        (3, "county-2012.survey", "none"),
        (4, "county-2012.survey", "first"),
        (5, "county-2012.survey", "full"),
        (6, "county-2012.survey", "over"),
        (7, "county-2012.survey", "over"),
    ]
    assert listed(desk, clock="overdue") == [case]
    assert listed(desk, clock="overdue", clock_kind="legal") == []
    assert listed(desk, clock="at_risk") == []
    clock.forward(days=1)
    assert listed(desk, clock="at_risk") == [other], "the fifth of its six days"
    assert listed(desk, sort="clock") == [case, other]


def test_what_the_list_says_is_what_the_case_page_says_on_every_day(desk: Desk, clock: Clock) -> None:
    case = at_survey(desk)
    for _ in range(40):
        rows = desk.get("/cases")["items"]
        page = {row["id"]: row for row in desk.get(f"/cases/{case}")["clocks"]}
        urgent = rows[0]["clock"]
        shown = page[urgent["id"]]
        names = {0: "none", 50: "first", 80: "second", 100: "full"}
        assert urgent["level"] == ("over" if shown["over"] else names[shown["level"]])
        assert (case in listed(desk, clock="overdue")) == any(row["over"] for row in page.values())
        risky = any(row["level"] >= 80 and not row["over"] for row in page.values())
        assert (case in listed(desk, clock="at_risk")) == risky
        clock.forward(days=1)


def test_a_server_whose_clock_is_behind_shows_what_the_case_came_to(desk: Desk, clock: Clock) -> None:
    case = at_survey(desk)
    clock.forward(hours=-5)
    desk.made.cases.project(case)
    assert desk.get("/cases")["items"][0]["clock"]["id"] == "county-2012.survey"
    assert "county-2012.survey" in {row["id"] for row in desk.get(f"/cases/{case}")["clocks"]}


def test_a_pause_stops_the_clock_and_the_customers_late_act_takes_it_up(desk: Desk, clock: Clock) -> None:
    case = at_survey(desk)
    clock.forward(days=1)
    body = {"pause_id": "p-1", "reason": "papers", "evidence": "letter 7", "message": "请补充营业执照"}
    desk.post(f"/cases/{case}/pauses", body)
    clock.forward(days=7)
    stood = one(desk, case, "county-2012.survey")
    assert (stood["used"], stood["state"], stood["due"]) == (1, "paused", None)
    assert listed(desk, clock="paused") == [case]
    page = desk.get(f"/cases/{case}/clocks")
    assert page["standing"]["side_state"] == "WC"
    assert page["standing"]["why_title"] == catalogue("zh-CN")["pause_reason.papers"]
    moving = desk.ask("POST", f"/cases/{case}/transitions", json={"to": "scheme"})
    refused(moving, 409, "case_paused")
    act = {"dated": "2026-11-06T02:00:00+00:00", "evidence": "stamp of receipt"}
    after = desk.post(f"/cases/{case}/pauses/p-1/acts", act)
    assert after["pauses"][0]["until"] == "2026-11-06T02:00:00Z"
    assert one(desk, case, "county-2012.survey")["used"] == 3
    assert listed(desk, clock="paused") == []


def test_an_application_counts_from_its_own_date(desk: Desk, clock: Clock) -> None:
    case = at_survey(desk)
    act = {"dated": "2026-10-30T02:00:00+00:00", "evidence": "stamp of receipt"}
    desk.post(f"/cases/{case}/stages/1/acts", act)
    assert one(desk, case, "county-2012.acceptance")["used"] == 1
    late = {**act, "dated": (clock.now + timedelta(days=1)).isoformat()}
    assert desk.ask("POST", f"/cases/{case}/stages/1/acts", json=late).status_code == 422
    assert desk.ask("POST", f"/cases/{case}/stages/9/acts", json=act).status_code == 404
    assert desk.ask("POST", f"/cases/{case}/pauses/none/acts", json=act).status_code == 404


def test_a_year_whose_holidays_nobody_knows_is_a_risk_and_not_a_guess(desk: Desk, clock: Clock) -> None:
    clock.forward(days=50)
    case = at_survey(desk)
    assert listed(desk, clock="at_risk") == []
    clock.forward(days=12)
    assert clock.now.year == 2027
    rows = desk.get("/cases")["items"]
    assert rows[0]["clock"]["level"] in {"over", "unknown"}
    unknown = one(desk, case, "state-grid.total")
    assert (unknown["used"], unknown["level"], unknown["unknown_year"]) == (None, None, 2027)
    assert case in listed(desk, clock="at_risk", clock_kind="promise")


def test_reasons_for_a_pause_are_told_in_both_languages(desk: Desk) -> None:
    reasons = {one["code"]: one for one in desk.get("/pause-reasons")["items"]}
    assert reasons["grid_works"]["counted_in"] == ["lv"]
    assert set(reasons["papers"]["title"]) == {"zh-CN", "en"}


def test_an_installations_own_rules_hold_from_the_next_start_in_the_lists_too(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with open_desk(folder) as desk:
        case = at_survey(desk)
        assert desk.get("/cases")["items"][0]["clock"]["due"] == "2026-11-05"
    own = tmp_path / "own.yaml"
    own.write_text(
        "schema: 1\n"
        "settings: [{key: limit.county-2012.survey, from: 2026-01-01, value: 2}]\n"
        "calendar: [{day: 2026-11-03, working: false, source: made up}]\n"
    )
    with open_desk(folder, policy_file=str(own)) as desk:
        assert desk.get("/cases")["items"][0]["clock"]["due"] == "2026-11-05"
        assert desk.get("/cases")["items"][0]["clock"]["limit"] == 2
        assert one(desk, case, "county-2012.survey")["due"] == "2026-11-05"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("schema: 2", "not a file of settings"),
        ("schema: [", "not a file of settings"),
        ("{schema: 1, settings: [{key: luck, from: 2026-01-01, value: 2}]}", "luck: no such setting"),
        ("{schema: 1, calendar: [{day: 2026-01-01, working: true, source: ''}]}", "calendar row 1"),
    ],
)
def test_a_file_of_rules_that_cannot_be_used_stops_the_start(
    tmp_path: Path, words: str, complaint: str
) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(words)
    with pytest.raises(SettingsError, match=f"HEZHA_POLICY_FILE=.*{complaint}"):
        rules_in_force(Settings(policy_file=str(own)), policies())
    with pytest.raises(SettingsError, match="HEZHA_POLICY_FILE"):
        rules_in_force(Settings(policy_file=str(tmp_path / "none.yaml")), policies())
