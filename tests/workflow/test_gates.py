"""Conditions as they are asked for, shown, and confirmed: by whom, with what evidence, and for how long."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.gates import evaluate_gates, gate_table, lapsed, ready, ready_until, unmet
from server.workflow.model import Actor, GateStatus, PhotoRef
from server.workflow.policy import PolicyError, load_policy
from server.workflow.sheet import gate_sheet
from tests.workflow.builders import (
    ADMIN,
    COLLEAGUE,
    DEPUTY,
    INSPECTOR,
    MANAGER,
    START,
    Desk,
    accepted,
    authorized_desk,
    item,
    ready_desk,
    refused,
)

#: Whoever handed in the acceptance of `ready_desk`, when he also works in the office.
BOTH = Actor(INSPECTOR.name, ("inspector", "manager"))
RESTING = [gate.id for gate in gate_table().values() if gate.rests_on]


def status(desk: Desk, gate: str, **later: int) -> GateStatus:
    """A gate as it is now, or some time later with nothing done."""
    found = evaluate_gates(desk.case, desk.policy, desk.now + timedelta(**later))
    return next(one for one in found if gate in (one.id, one.code))


def codes(desk: Desk, gate: str, **later: int) -> list[str]:
    return [reason.code for reason in status(desk, gate, **later).reasons]


# Whether a condition is asked for


@pytest.mark.parametrize(("gate", "fact"), [("E02", "grid_works"), ("E12", "outage_needed")])
def test_a_fact_decides_whether_it_applies_and_a_word_only_while_there_is_none(gate: str, fact: str) -> None:
    desk = Desk()
    assert codes(desk, gate) == ["fact_unknown"]
    desk.do(c.RecordEntry(gate=gate, status="not_applicable", evidence="live work, sheet 3"))
    assert (status(desk, gate).status, codes(desk, gate)) == ("not_applicable", ["said_not_applicable"])
    desk.do(c.SetFacts(facts={fact: True}))
    assert (status(desk, gate).status, codes(desk, gate)) == ("unmet", ["fact_true"]), "the word was wrong"
    desk.do(c.RecordEntry(gate=gate, status="met", evidence="sheet 4"))
    assert status(desk, gate).status == "met"
    desk.do(c.RecordEntry(gate=gate, status="unmet", note="withdrawn"))
    desk.do(c.SetFacts(facts={fact: False}))
    found = status(desk, gate)
    assert (found.status, found.refs) == ("not_applicable", (f"fact:{fact}",))


def test_what_falls_away_says_by_which_facts() -> None:
    desk = Desk()
    for gate in gate_table().values():
        found = status(desk, gate.id)
        if found.status == "not_applicable":
            assert found.reasons, gate.id
            assert {reason.code for reason in found.reasons} == {"fact_false"}
    assert status(desk, "E08").refs == ("fact:dual", "fact:gen")
    assert status(desk, "mid-check-passed").refs == ("fact:mid_check_required",)


# What shows it


def test_a_word_is_shown_by_words_a_photo_or_a_document() -> None:
    desk = Desk()
    bare = c.RecordEntry(gate="E06", status="met", evidence=" ", documents=(" ",))
    assert refused(desk, bare).code == "evidence_missing"
    for shown in (
        {"evidence": "HT-1"},
        {"photos": (PhotoRef("p-1", "aa", verified=True),)},
        {"documents": ("HT-1",)},
    ):
        fresh = Desk()
        fresh.do(c.RecordEntry(gate="E06", status="met", **shown))
        assert status(fresh, "E06").status == "met"
    desk.do(c.RecordEntry(gate="E06", status="unmet"))
    assert codes(desk, "E06") == ["recorded_unmet"]


def test_a_photo_that_shows_a_condition_is_verified_like_any_other() -> None:
    desk = ready_desk()
    seals = c.RecordEntry(gate="E09", status="met", photos=(PhotoRef("p-9", "aa"),))
    desk.do(seals)
    assert desk.red() == {"photos-verified"}
    assert status(desk, "photos-verified").refs == ("photo:p-9", "gate:metering-fitted")
    desk.do(c.RecordEntry(gate="E09", status="unmet"))
    assert desk.red() == {"metering-fitted"}, "nobody relies on it any more"
    desk.do(replace(seals, photos=(PhotoRef("p-9", "aa", verified=True),)))
    assert desk.red() == set()


# For how long it holds


def test_a_site_is_clear_for_the_day_only() -> None:
    desk = ready_desk()
    today = desk.policy.day(desk.now)
    assert status(desk, "E18").until == today
    assert codes(desk, "E18", days=1) == [
        "entry_expired",
        "entry_expired",
        "persons_missing",
        "role_among_missing",
    ]
    assert (ready(desk.case), ready_until(desk.case)) == (True, today), "told without a write to the case"
    night = c.Authorize()
    with pytest.raises(Exception, match="gates_unmet"):
        desk.do(night, at=desk.now + timedelta(days=1))


def test_an_authorization_lapses_with_the_day_as_soon_as_anything_is_decided() -> None:
    desk = authorized_desk()
    assert not lapsed(desk.case, desk.policy, desk.now)
    assert lapsed(desk.case, desk.policy, desk.now + timedelta(days=1))
    desk.do(c.AmendCase(title="new", reason="x"), at=desk.now + timedelta(days=1))
    assert desk.status == "on_hold"
    hold = desk.case.energization.hold
    assert hold is not None
    assert (hold.cause, hold.gates) == ("gates_shut", ("site-clear",))


def test_the_same_word_on_another_day_is_news() -> None:
    desk = ready_desk()
    again = c.RecordEntry(gate="E18", status="met", evidence="sheet site-clear")
    assert desk.do(again, INSPECTOR).events == ()
    desk.do(again, MANAGER, at=desk.now + timedelta(days=1))
    desk.do(again, INSPECTOR)
    assert "site-clear" not in desk.red()


def test_tests_are_in_date_by_the_setting_from_the_day_they_were_made() -> None:
    desk = Desk()
    today = desk.policy.day(START)
    tested = today - timedelta(days=desk.policy.tests_valid_days - 10)
    desk.do(c.RecordEntry(gate="E13", status="met", evidence="SY-1", dated=tested))
    assert status(desk, "E13").until == today + timedelta(days=10)
    assert status(desk, "E13", days=10).status == "met"
    assert codes(desk, "E13", days=11) == ["entry_expired"]
    shorter = replace(desk.policy, tests_valid_days=30)
    assert next(one for one in evaluate_gates(desk.case, shorter, desk.now) if one.code == "E13").reasons


def test_evidence_may_end_by_its_own_words_at_any_gate() -> None:
    desk = Desk()
    today = desk.policy.day(START)
    desk.do(c.RecordEntry(gate="E14", status="met", evidence="card 7", until=today + timedelta(days=2)))
    assert status(desk, "E14", days=2).status == "met"
    assert codes(desk, "E14", days=3) == ["entry_expired"]


def test_newer_evidence_stands_in_the_place_of_older() -> None:
    """Nobody falls back on a card without a date once one with a date has come."""
    desk = Desk()
    today = desk.policy.day(START)
    desk.do(c.RecordEntry(gate="E14", status="met", evidence="a card"), MANAGER)
    desk.do(c.RecordEntry(gate="E14", status="met", evidence="b", until=today + timedelta(days=9)), DEPUTY)
    assert status(desk, "E14").until == today + timedelta(days=9)
    assert codes(desk, "E14", days=10) == ["entry_expired"]
    desk.do(c.RecordEntry(gate="E14", status="met", evidence="renewed"), ADMIN)
    assert (status(desk, "E14").until, codes(desk, "E14", days=10)) == (None, [])


@pytest.mark.parametrize(
    ("days", "code"),
    [
        ({"dated": 1}, "evidence_in_future"),
        ({"until": -1}, "evidence_expired"),
        ({"dated": -366}, "evidence_expired"),
    ],
)
def test_evidence_of_a_day_to_come_or_out_of_date_opens_nothing(days: dict[str, int], code: str) -> None:
    desk = Desk()
    today = desk.policy.day(START)
    dates: Any = {name: today + timedelta(days=n) for name, n in days.items()}
    refusal = refused(desk, c.RecordEntry(gate="E13", status="met", evidence="SY-1", **dates))
    assert (refusal.code, refusal.kind) == (code, "invalid")


# By whom


def test_one_of_the_two_who_find_the_site_clear_comes_from_the_field() -> None:
    desk = ready_desk()
    desk.do(c.RecordEntry(gate="E18", status="unmet", note="a ladder"), COLLEAGUE)
    sheet = c.RecordEntry(gate="E18", status="met", evidence="sheet 8")
    desk.do(sheet, MANAGER)
    desk.do(sheet, DEPUTY)
    assert codes(desk, "E18") == ["role_among_missing"]
    assert status(desk, "E18").refs == ("role:inspector",)
    desk.do(sheet, COLLEAGUE)
    assert status(desk, "E18").status == "met"


@pytest.mark.parametrize("gate", RESTING)
def test_who_inspected_does_not_confirm_what_rests_on_it_whichever_came_first(gate: str) -> None:
    facts = dict.fromkeys(gate_table()[gate].needs, True)
    word = c.RecordEntry(gate=gate, status="met", evidence="seen")
    after = ready_desk()
    after.do(c.SetFacts(facts=facts))
    after.do(c.RecordEntry(gate=gate, status="unmet"))
    refusal = refused(after, word, BOTH)
    assert (refusal.code, refusal.facts) == ("own_inspection", ("person:another",))
    after.do(word, DEPUTY)
    assert gate not in after.red()

    before = Desk()
    before.do(c.SetFacts(facts=facts))
    before.do(word, BOTH)
    assert gate not in before.red()
    before.inspect("t-acc", "acceptance", item("CT-01", "pass"))
    assert codes(before, gate) == ["own_inspection"]


def test_who_inspected_may_always_say_that_something_is_not_right() -> None:
    desk = ready_desk()
    desk.do(c.RecordEntry(gate="E13", status="unmet", note="the page is torn"), INSPECTOR)
    assert desk.red() == {"tests-complete"}


def test_who_inspected_the_works_does_not_authorize() -> None:
    desk = ready_desk()
    refusal = refused(desk, c.Authorize(), BOTH)
    assert (refusal.code, refusal.facts) == ("own_inspection", ("person:another",))
    desk.inspect("t-2", "acceptance", item("A"))
    desk.issue()
    desk.answer()
    task = desk.reinspect()
    both_too = Actor(COLLEAGUE.name, ("manager",))
    desk.submit(task.id, accepted(item("A", "pass")), by=COLLEAGUE.name)
    assert refused(desk, c.Authorize(), both_too).code == "own_inspection", "a re-inspection is one too"
    desk.do(c.Authorize(), DEPUTY)
    assert desk.status == "authorized"


# The sheet


def test_the_sheet_names_for_each_condition_who_said_so_when_and_with_what() -> None:
    desk = ready_desk()
    desk.do(c.RecordEntry(gate="E06", status="met", documents=("HT-2",), note="both seals"), ADMIN)
    lines = {
        line.status.code or line.status.id: line for line in gate_sheet(desk.case, desk.policy, desk.now)
    }
    assert [code for code in lines if code.startswith("E")] == sorted(f"E{n:02}" for n in range(1, 20))
    assert {word.by for word in lines["E06"].words} == {ADMIN.name, MANAGER.name}
    assert {word.by for word in lines["E18"].words} == {MANAGER.name, INSPECTOR.name}
    assert lines["E07"].asks == {"dispatched": False, "dual": False}
    assert not lines["E03"].words
    assert not any(line.waivable for line in lines.values()), "unless a setting says so"


def test_a_case_from_before_words_had_roles_or_runs_is_read_and_asks_for_new_ones() -> None:
    desk = authorized_desk()
    old = case_to_document(desk.case)
    for name in ("waivers", "on_load_checks", "papers"):
        del old[name]
    del old["energization"]["runs"]
    for words in old["entries"].values():
        for word in words:
            for name in ("photos", "documents", "dated", "until", "roles"):
                del word[name]
    for gate in (*old["gates"], *old["energization"]["gates"]):
        del gate["until"]
    case = case_from_document(old)
    assert case.energization.status == "authorized"
    shut = {one.id for one in evaluate_gates(case, desk.policy, desk.now) if one.status == "unmet"}
    assert shut == {"site-clear"}, "nobody knows whether one of the two came from the field"


@pytest.mark.parametrize("gate", sorted(g.id for g in gate_table().values() if not g.waivable))
def test_settings_know_no_waiver_of_what_is_never_waived(gate: str) -> None:
    override = {"key": f"waiver.{gate}", "from": "2026-01-01", "value": True}
    with pytest.raises(PolicyError, match="never waived"):
        load_policy().with_overrides([override])


def test_an_unmet_gate_is_unmet_for_everybody() -> None:
    desk = ready_desk()
    desk.do(c.RecordEntry(gate="E05", status="unmet"))
    assert [one.id for one in unmet(desk.case)] == ["fees-settled"]
    assert not ready(desk.case)


def test_the_page_on_gates_says_of_each_what_the_table_says() -> None:
    page = (Path(__file__).parents[2] / "docs" / "gates.md").read_text("utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines()]
    told = {row[0]: row for row in rows if len(row) == 6 and row[0].startswith("E")}
    for gate in gate_table().values():
        if gate.code:
            assert (told[gate.code][5] == "yes") is gate.waivable, gate.id
            assert all(fact in told[gate.code][3] for fact in gate.needs), gate.id
            assert ("¹" in told[gate.code][2]) is bool(gate.rests_on), gate.id
            ages = gate.entry.ages if gate.entry is not None else None
            assert ages is None or ages in told[gate.code][4], gate.id
    for name in ("waiver_max_days", "impulse_closings_dry", "impulse_interval_minutes", "on_load_check_days"):
        assert f"`{name}`" in page
