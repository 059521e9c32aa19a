"""Defects that a tablet saw out of coverage and that arrive when everything seemed to be decided."""

from __future__ import annotations

import pytest

from tests.loop.conftest import MakeInspector
from tests.loop.house import House
from tests.loop.inspector import clean
from tests.loop.office import Office
from tests.loop.shortcuts import ready_case

pytestmark = pytest.mark.loop


def test_a_hazard_that_arrives_after_the_authorization_takes_it_back(
    house: House, office: Office, inspector: MakeInspector, case_no: str
) -> None:
    """It was written before; nobody has to look for it; the breaker stays open until its loop is closed."""
    wang, zhao = inspector("wang"), inspector("zhao")
    case = ready_case(house, office, wang, case_no)
    wang.tablet.go_offline()
    hazard = wang.see_hazard(case, "电缆沟内有积水,电缆头受潮")
    assert office.authorize(case)["status"] == "authorized"

    wang.tablet.go_online()
    clean(wang.push_forms(case))
    office.until(lambda: office.energization(case)["status"] == "on_hold", what="hold")
    hold = office.energization(case)["hold"]
    assert (hold["cause"], hold["gates"]) == ("gates_shut", ["notices-closed"])
    problem = office.record_energization(case, status=409)
    assert problem["code"] == "not_authorized"
    assert office.refused(case) == {"notices-closed", "no-hold"}
    [notice] = office.notices(case)
    assert (notice["stage"], notice["hazard_id"], notice["operational"]) == ("hazard", hazard, False)
    assert notice["items"][0]["result"]["note"] == "电缆沟内有积水,电缆头受潮"

    # Nobody can wave it through: released, the open notice still keeps the breaker open.
    office.post(f"/cases/{case}/energization/release", {"reason": "已通知客户处理"})
    assert office.refused(case) == {"notices-closed"}
    office.post(f"/cases/{case}/notices/1/issue")
    office.post(
        f"/cases/{case}/notices/1/answer",
        {"items": {"HZ-01": {"text": "已抽水并更换电缆头"}}, "answered_by": "客户代表"},
    )
    task = office.reinspect(case, 1, zhao.name)
    assert office.refused(case) == {"notices-closed", "field-work-complete"}
    zhao.read_inbox()
    zhao.fetch(case)
    zhao.hand_in(zhao.fill_in(case, task))
    assert office.notice(case, 1)["state"] == "closed"
    assert office.authorize(case)["status"] == "authorized"
    office.switch(case)
    assert office.record_energization(case)["status"] == "energized"


def test_a_hazard_that_arrives_after_the_breaker_was_closed_opens_an_operational_notice(
    house: House, office: Office, inspector: MakeInspector, case_no: str
) -> None:
    """What happened stands in the record; what is wrong is followed up."""
    wang = inspector("wang")
    case = ready_case(house, office, wang, case_no)
    wang.tablet.go_offline()
    wang.see_hazard(case, "配电房门锁损坏", severity="major")
    office.authorize(case)
    office.switch(case)
    record = office.record_energization(case)["record"]

    wang.tablet.go_online()
    clean(wang.push_forms(case))
    [notice] = office.until(lambda: office.notices(case), what="notice")
    assert (notice["operational"], notice["state"]) == (True, "draft")
    assert notice["items"][0]["result"]["severity"] == "major"
    energization = office.energization(case)
    assert (energization["status"], energization["record"]) == ("energized", record)
    office.move(case, "on_load_check")
    problem = office.post(f"/cases/{case}/transitions", {"to": "archived"}, status=409)
    assert problem["code"] == "precondition_unmet"
    assert office.get(f"/cases/{case}/log")["verified"] is True
