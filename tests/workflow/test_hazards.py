"""Hazards are heard at any time; work of people who lost the case is kept until it was decided on."""

from __future__ import annotations

import msgspec
import pytest

from server.workflow import commands as c
from server.workflow.model import Actor, ChecklistRef
from tests.workflow.builders import (
    COLLEAGUE,
    INSPECTOR,
    INTAKE,
    Desk,
    accepted,
    authorized_desk,
    energized_desk,
    item,
    refused,
)


class TestHazards:
    def test_a_hazard_opens_a_notice_of_its_own_and_is_reported_once(self) -> None:
        desk = Desk()
        desk.hazard()
        notice = desk.notice()
        assert (notice.stage, notice.hazard_id, notice.state) == ("hazard", "h-1", "draft")
        assert (notice.items[0].code, notice.items[0].severity) == ("HZ-01", "critical")
        before = desk.case
        assert desk.hazard().events == ()
        assert desk.case is before
        assert desk.case.hazards["h-1"].notice == 1

    def test_another_report_under_the_same_id_is_refused_loudly(self) -> None:
        desk = Desk()
        desk.hazard()
        before = desk.case
        with pytest.raises(Exception, match="hazard_differs"):
            desk.hazard(by=COLLEAGUE.name)
        assert desk.case is before

    def test_it_voids_an_authorization_and_release_asks_for_a_new_one(self) -> None:
        desk = authorized_desk()
        desk.hazard()
        assert desk.status == "on_hold"
        assert refused(desk, c.Authorize()).facts == ("gate:notices-closed", "gate:no-hold")
        desk.round(1, item("HZ-01", "pass"), issue=True)
        assert refused(desk, c.Authorize()).facts == ("gate:no-hold",)
        desk.do(c.ReleaseHold(reason="pit covered"))
        assert desk.status == "none"
        desk.do(c.Authorize())
        assert desk.status == "authorized"

    def test_after_energization_it_is_operational_and_goes_the_same_rounds(self) -> None:
        desk = energized_desk()
        desk.hazard()
        assert desk.notice().operational
        assert desk.status == "energized"
        desk.round(1, item("HZ-01"), issue=True)
        desk.round(1, item("HZ-01", "pass"))
        assert desk.notice().state == "closed"
        assert not desk.red()

    def test_a_long_story_is_heard_too(self) -> None:
        desk = Desk()
        story = "The pit by the gate is open. " * 1000
        desk.do(
            c.ReportHazard(
                hazard_id="h-1",
                description=story,
                at=desk.now,
                by=INSPECTOR.name,
                checklist=ChecklistRef("hazard-recheck", 1),
                text=item().text,
            ),
            INTAKE,
        )
        assert desk.notice().items[0].result.note == story

    def test_it_is_heard_on_a_case_that_has_ended(self) -> None:
        desk = Desk()
        desk.to_stage("cancelled")
        desk.hazard()
        assert desk.notice().state == "draft"


class TestQuarantine:
    def quarantined(self, doc_rev: str = "2-x") -> Desk:
        """A form that came from somebody who is off the case."""
        desk = Desk()
        desk.assign("t-1", "acceptance", COLLEAGUE.name)
        desk.do(self.unsent(doc_rev), INTAKE)
        return desk

    def unsent(self, doc_rev: str = "2-x") -> c.QuarantineUnsent:
        return c.QuarantineUnsent(
            unsent_id="u-1",
            database="outbox-chen",
            doc_id="inspection:t-1",
            doc_rev=doc_rev,
            by=INSPECTOR.name,
            reason="not_assigned",
        )

    def test_it_keeps_field_work_open_until_it_is_decided_and_taken_in(self) -> None:
        desk = self.quarantined()
        desk.submit("t-1", accepted(item("A", "pass")), by=COLLEAGUE.name)
        assert "field-work-complete" in desk.red()
        assert desk.do(self.unsent(), INTAKE).events == ()
        desk.do(c.SettleQuarantine(unsent_id="u-1", decision="accept", reason="good work"))
        assert "field-work-complete" in desk.red()
        desk.submit("t-1", accepted(item("B")), by=INSPECTOR.name, revs=("9-x",), unsent_id="u-1")
        assert desk.case.quarantine["u-1"].state == "taken"
        assert "field-work-complete" not in desk.red()
        assert desk.notice().items[0].code == "B"

    def test_rejected_work_is_answered_and_kept(self) -> None:
        desk = self.quarantined()
        desk.submit("t-1", accepted(item("A", "pass")), by=COLLEAGUE.name)
        desk.do(c.SettleQuarantine(unsent_id="u-1", decision="reject", reason="not on site that day"))
        assert "field-work-complete" not in desk.red()
        assert desk.case.quarantine["u-1"].decision_reason == "not on site that day"
        late = c.SettleQuarantine(unsent_id="u-1", decision="accept", reason="after all")
        assert refused(desk, late).code == "quarantine_settled"

    def test_the_sender_does_not_decide(self) -> None:
        desk = self.quarantined()
        sender = Actor(INSPECTOR.name, ("manager",))
        command = c.SettleQuarantine(unsent_id="u-1", decision="accept", reason="mine")
        assert refused(desk, command, sender).code == "own_work"

    def test_work_is_taken_in_only_once_accepted(self) -> None:
        desk = self.quarantined()
        assert refused(desk, c.TakeQuarantined(unsent_id="u-1"), INTAKE).code == "quarantine_not_accepted"
        desk.do(c.SettleQuarantine(unsent_id="u-1", decision="accept", reason="a track"))
        desk.do(c.TakeQuarantined(unsent_id="u-1"), INTAKE)
        assert desk.do(c.TakeQuarantined(unsent_id="u-1"), INTAKE).events == ()
        assert refused(desk, c.TakeQuarantined(unsent_id="u-9"), INTAKE).kind == "not_found"

    def test_an_accepted_branch_may_be_judged_again_in_its_senders_name(self) -> None:
        desk = self.quarantined()
        desk.do(c.SettleQuarantine(unsent_id="u-1", decision="accept", reason="good work"))
        desk.submit("t-1", accepted(item("A")), by=INSPECTOR.name, revs=("2-x", "2-y"))
        assert desk.task("t-1").status == "accepted"

    def test_accepted_work_of_a_cancelled_task_brings_its_failures_and_accepts_nothing(self) -> None:
        desk = self.quarantined()
        desk.do(c.CancelTask(task_id="t-1", reason="wrong checklist"))
        desk.do(c.SettleQuarantine(unsent_id="u-1", decision="accept", reason="good work"))
        desk.submit("t-1", accepted(item("A")), by=INSPECTOR.name, unsent_id="u-1")
        assert desk.task("t-1").status == "cancelled"
        assert desk.notice().items[0].code == "A"
        assert "acceptance-passed" in desk.red()

    def test_it_takes_a_standing_authorization_away(self) -> None:
        desk = authorized_desk()
        desk.do(self.unsent(), INTAKE)
        assert desk.status == "on_hold"

    def test_other_work_under_its_id_is_refused(self) -> None:
        desk = self.quarantined()
        other = msgspec.structs.replace(self.unsent(), doc_id="inspection:t-2")
        assert refused(desk, other, INTAKE).code == "quarantine_differs"

    def test_a_hazard_out_of_quarantine_is_taken_in_by_its_report(self) -> None:
        desk = self.quarantined()
        desk.do(c.SettleQuarantine(unsent_id="u-1", decision="accept", reason="heard"))
        report = c.ReportHazard(
            hazard_id="h-1",
            description="An open pit.",
            at=desk.now,
            by=INSPECTOR.name,
            checklist=ChecklistRef("hazard-recheck", 1),
            text=item().text,
            unsent_id="u-1",
        )
        desk.do(report, INTAKE)
        assert desk.case.quarantine["u-1"].state == "taken"
        assert desk.do(report, INTAKE).events == ()
