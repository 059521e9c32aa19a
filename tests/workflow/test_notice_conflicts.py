"""Notices decided on in two places at once: what was said and got stays, what eased it is decided anew."""

from __future__ import annotations

from server.workflow import commands as c
from server.workflow.rectification import Contractor, Heading
from tests.workflow.branches import branch, lost, rebased
from tests.workflow.builders import CUSTOMER, DEPUTY, Desk, item
from tests.workflow.test_disputes import dispute, disputed, regrade


def hazard(desk: Desk) -> None:
    desk.hazard("h-9")


def test_a_delivery_and_a_dispute_are_carried_out_again() -> None:
    base = Desk()
    base.inspect("t-1", "acceptance", item("A"))
    base.issue()

    def heard(desk: Desk) -> None:
        desk.do(c.DeliverNotice(n=1, mode="counter", received_by="Mr Lu"))
        desk.do(dispute("A"), CUSTOMER)

    desk = rebased(branch(base, hazard), branch(base, heard))
    assert [one.received_by for one in desk.notice().deliveries] == ["Mr Lu"]
    assert desk.notice().dispute is not None
    assert lost(desk.case) == []


def test_a_severity_is_not_eased_on_a_case_that_nobody_saw() -> None:
    base = disputed("critical")

    def eased(desk: Desk) -> None:
        desk.do(regrade(A="minor"), DEPUTY)

    desk = rebased(branch(base, hazard), branch(base, eased))
    assert desk.notice().items[0].severity == "critical"
    assert desk.notice().dispute is not None, "the gate stays shut until somebody settles it anew"
    assert lost(desk.case) == [("dispute_settled", "decided_anew")]
    desk.do(regrade(A="minor"), DEPUTY)


def test_a_draft_completed_elsewhere_is_complete() -> None:
    base = Desk()
    base.inspect("t-1", "acceptance", item("A"))
    heading = Heading(contractor=Contractor(name="Willow Electric"))
    desk = rebased(branch(base, hazard), branch(base, lambda d: d.do(c.AmendNotice(n=1, heading=heading))))
    assert desk.notice(1).heading == heading


def test_works_covered_unseen_stay_covered_and_the_meeting_was_held() -> None:
    base = Desk()
    base.inspect("t-1", "intermediate", item("ME-01"))

    def covered(desk: Desk) -> None:
        desk.do(c.MarkCovered(n=1, item="ME-01", reason="backfilled"))
        desk.do(
            c.RecordSpecialists(
                n=1, held=desk.now, participants=("a", "b", "c"), decision="open_up", minutes="open it"
            )
        )

    desk = rebased(branch(base, hazard), branch(base, covered))
    one = desk.notice(1)
    assert one.items[0].covered is not None
    assert one.items[0].severity == "critical"
    assert [met.items for met in one.specialist_meetings] == [("ME-01",)]
