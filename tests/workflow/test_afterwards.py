"""After the breaker: the check under load, the papers of the file, and what keeps a case from the archive."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.gate_rows import waivable_gates
from server.workflow.papers import owed_papers, paper_rules
from server.workflow.policy import load_policy
from server.workflow.sheet import on_load_due
from server.workflow.switching import on_load_points
from tests.workflow.branches import branch, held
from tests.workflow.builders import (
    ADMIN,
    CUSTOMER,
    DEPUTY,
    INSPECTOR,
    START,
    Desk,
    accepted,
    authorized_desk,
    energized_desk,
    item,
    ready_desk,
    refused,
)

CLOSE = c.MoveStage(to="archived")


def checking_desk() -> Desk:
    desk = energized_desk()
    desk.to_stage("on_load_check")
    return desk


def owed(desk: Desk) -> list[str]:
    return [reason.code for reason in owed_papers(desk.case)]


def test_the_load_is_checked_by_a_day_that_a_setting_names() -> None:
    desk = energized_desk()
    record = desk.case.energization.record
    assert record is not None
    assert on_load_due(desk.case, desk.policy) == desk.policy.day(record.at) + timedelta(days=7)
    sooner = replace(desk.policy, on_load_check_days=1)
    assert on_load_due(desk.case, sooner) == desk.policy.day(record.at) + timedelta(days=1)
    assert on_load_due(authorized_desk().case, desk.policy) is None
    assert on_load_due(energized_desk("lv").case, desk.policy) is None, "metered and connected on one visit"


def test_only_a_fact_takes_a_point_away() -> None:
    desk = Desk()
    assert on_load_points(desk.case) == ("meter-wiring", "meter-readings", "differential-polarity")
    desk.do(c.SetFacts(facts={"differential": False}))
    assert on_load_points(desk.case) == ("meter-wiring", "meter-readings")
    assert on_load_points(Desk("lv").case) == ()


def test_nothing_is_checked_under_load_before_there_is_one() -> None:
    desk = authorized_desk()
    desk.switch()
    command = c.RecordOnLoadCheck(
        check_id="lc-1",
        at=desk.now,
        by=INSPECTOR.name,
        points=dict.fromkeys(on_load_points(desk.case), "pass"),
        evidence="sheet 9",
        recheck=desk.task("t-acc").checklist,
        text=item().text,
    )
    assert refused(desk, command).code == "no_load_yet"
    desk.record()
    record = desk.case.energization.record
    assert record is not None
    early = replace(command, at=record.at - timedelta(minutes=1))
    assert refused(desk, early).code == "time_order"
    assert refused(desk, replace(command, points={"meter-wiring": "pass"})).code == "on_load_points_missing"
    odd = replace(command, points={**command.points, "colour": "pass"})
    assert refused(desk, odd).code == "on_load_point_unknown"
    assert refused(desk, command, CUSTOMER).code == "role_missing"
    good = replace(command, at=desk.now)
    desk.do(good, INSPECTOR)
    assert desk.do(good, INSPECTOR).events == ()
    assert refused(desk, replace(good, note="other")).code == "on_load_check_exists"


def test_what_is_wrong_under_load_becomes_an_operational_notice_and_goes_round() -> None:
    desk = checking_desk()
    desk.file_papers()
    desk.on_load(differential_polarity="fail")
    notice = desk.notice(1)
    assert (notice.operational, notice.stage, notice.state) == (True, "hazard", "draft")
    assert notice.items[0].severity == "critical"
    assert "differential-polarity" in notice.items[0].result.note
    refusal = refused(desk, CLOSE)
    assert refusal.params["names"] == "on_load_checked, notices_closed"
    desk.on_load()
    assert refused(desk, CLOSE).params["names"] == "notices_closed", "a good check closes no notice"
    desk.round(1, item("HZ-01", "pass", "critical"), by=INSPECTOR.name, issue=True)
    assert not desk.notice(1).open
    desk.do(CLOSE)
    assert desk.case.stage == "archived"


def test_the_last_check_counts() -> None:
    desk = checking_desk()
    desk.file_papers()
    desk.on_load()
    desk.on_load(meter_wiring="fail")
    assert "on_load_checked" in refused(desk, CLOSE).params["names"]


@pytest.mark.parametrize("turned", [False, True])
def test_what_two_branches_found_under_load_under_one_id_is_heard_of_both(turned: bool) -> None:
    base = checking_desk()
    good, bad = branch(base, lambda d: d.on_load()), branch(base, lambda d: d.on_load(meter_wiring="fail"))
    desk = held(good, bad) if turned else held(bad, good)
    assert sorted(bool(check.failed) for check in desk.case.on_load_checks) == [False, True]
    assert len({check.id for check in desk.case.on_load_checks}) == 2
    assert [notice.operational for notice in desk.case.notices.values()] == [True]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (c.RecordPaper(paper="supply-contract", state="in", reference="box 3"), "original_missing"),
        (c.RecordPaper(paper="supply-contract", state="in", original=True), "paper_reference_missing"),
        (c.RecordPaper(paper="land-permit", state="owed"), "paper_unnamed"),
    ],
)
def test_a_paper_that_is_in_can_be_found_and_is_the_original(command: c.RecordPaper, code: str) -> None:
    assert refused(Desk(), command).code == code


def test_who_is_accepted_on_one_document_brings_the_others_before_the_file_is_closed() -> None:
    desk = checking_desk()
    desk.on_load()
    desk.file_papers()
    promised = c.RecordPaper(paper="land-permit", state="owed", title="Land permit", due=date(2026, 3, 20))
    desk.do(promised)
    assert desk.do(promised).events == ()
    refusal = refused(desk, CLOSE)
    assert (refusal.params["names"], refusal.facts) == ("papers_in", ("paper:land-permit",))
    desk.do(c.RecordPaper(paper="land-permit", state="in", reference="TD-7"))
    assert desk.case.papers["land-permit"].title == "Land permit"
    desk.do(CLOSE)
    assert refused(desk, replace(promised, note="late")).code == "case_ended"


def test_the_file_of_each_process_asks_for_its_own_papers() -> None:
    high = {rule.id for rule in paper_rules().values() if "hv" in rule.processes}
    low = {rule.id for rule in paper_rules().values() if "lv" in rule.processes}
    assert low < high
    assert owed(Desk()) == ["paper_missing"] * len(high)
    desk = energized_desk("lv")
    assert refused(desk, CLOSE).params["names"] == "papers_in"
    desk.file_papers()
    desk.do(CLOSE)
    assert desk.case.stage == "archived"


def test_what_was_waived_for_the_energization_is_made_good_before_the_file_is_closed() -> None:
    allowed = ({"key": f"waiver.{gate}", "from": "2000-01-01", "value": True} for gate in waivable_gates())
    desk = ready_desk()
    desk.policy = load_policy().with_overrides(allowed).at(START.date())
    desk.do(c.RecordEntry(gate="E06", status="unmet", note="one seal"))
    until = desk.policy.day(desk.now) + timedelta(days=5)
    desk.do(c.ProposeWaiver(gate="contract-signed", reason="seal abroad", until=until), ADMIN)
    desk.do(c.ApproveWaiver(gate="E06"), DEPUTY)
    desk.do(c.Authorize())
    desk.record()
    desk.file_papers()
    desk.to_stage("on_load_check")
    desk.on_load()
    assert owed(desk) == ["waived_owed"]
    assert refused(desk, CLOSE).facts == ("gate:contract-signed",)
    desk.do(c.RecordEntry(gate="E06", status="met", documents=("HT-1",)))
    desk.do(CLOSE)
    assert desk.case.stage == "archived"


def test_field_work_after_the_breaker_keeps_the_file_open() -> None:
    desk = checking_desk()
    desk.on_load()
    desk.file_papers()
    task = desk.assign("t-after", "acceptance")
    assert refused(desk, CLOSE).params["names"] == "field_work_complete"
    desk.submit(task.id, accepted(item("A", "pass")))
    desk.do(CLOSE)
    assert desk.case.stage == "archived"
