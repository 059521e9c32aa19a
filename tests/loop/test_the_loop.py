"""One case through every room, from a tablet that was offline to a breaker that may close."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from server.workflow.log import verify_log
from tests.loop.camera import shoot
from tests.loop.conftest import MakeInspector
from tests.loop.house import House
from tests.loop.inspector import Inspector, clean
from tests.loop.office import Office
from tests.loop.paper import Form

pytestmark = pytest.mark.loop

#: Conditions that hold only once somebody has said so.
WORDS = {
    "energization-plan-approved",
    "grid-works-accepted",
    "fees-settled",
    "contract-signed",
    "metering-fitted",
    "outage-approved",
    "tests-complete",
    "duty-staff",
    "tools-and-rules",
    "site-clear",
    "customer-agrees-time",
}
#: Conditions that fall away once their facts are settled, and hold nothing back before.
DEPENDING = {
    "dispatch-agreement",
    "dual-source-interlock",
    "terminal-online",
    "settings-applied",
    "emergency-source",
    "names-issued",
}
UNSETTLED = WORDS | DEPENDING
FACTS = {"dispatched": False, "dual": False, "gen": False, "terminal": True, "relay": True}
CRITICAL, MAJOR = "ME-05", "ME-09"


def out_and_back(who: Inspector, case: str, task: str, *fail: str) -> Form:
    """A day in the field: pulled in coverage, filled in without it, handed in again in coverage.

    The form arrives before its photos, and its receipt says which it waits for.
    """
    who.hear_of_task(case, task)
    who.fetch(case)
    who.tablet.go_offline()
    form = who.fill_in(case, task, fail=fail)
    who.tablet.go_online()
    clean(who.push_forms(case))
    waiting = who.await_receipt(form, "awaiting_photos")
    assert sorted(waiting["missing_photos"]) == sorted(form.photos)
    assert waiting["n"] == 1
    return form


def photos_follow(who: Inspector, form: Form) -> None:
    """The photos go out, and the form they belong to is accepted."""
    clean(who.push_media(form.case))
    receipt = who.await_receipt(form, "accepted")
    assert receipt["judged"] == [form.rev]
    assert receipt["submitted_by"] == who.name
    assert receipt["reasons"] == []
    who.fetch_media(form.case)
    media = who.databases(form.case)["media"]
    verdicts = {photo: who.tablet.get(media, f"photo-receipt:{photo}")["status"] for photo in form.photos}
    assert set(verdicts.values()) == {"verified"}


def test_a_case_goes_from_survey_to_the_closed_breaker_and_no_step_may_be_left_out(
    house: House, office: Office, inspector: MakeInspector, case_no: str
) -> None:
    """Energization is tried at every step before the last, and refused with exactly the right gates."""
    wang, liu = inspector("wang"), inspector("liu")
    scheduler = Office(house, house.hire("sun", "scheduler"))
    case = office.open_case(case_no, facts={"direct_buried": True, "transformer_type": "dry"})
    never_inspected = {"acceptance-passed", "mid-check-passed"}
    assert office.refused(case) == UNSETTLED | never_inspected

    # 现场勘查
    wang.listen()
    liu.listen()
    office.move(case, "survey")
    survey = office.assign(case, "survey", "survey-hv-10kv", wang.name)
    assert office.refused(case) == UNSETTLED | never_inspected | {"field-work-complete"}
    form = out_and_back(wang, case, survey)
    assert office.refused(case) == UNSETTLED | never_inspected | {"field-work-complete"}
    photos_follow(wang, form)
    assert office.refused(case) == UNSETTLED | never_inspected
    assert kept(office, wang, form)

    office.settle_facts(case, **FACTS, important=False, mid_check_required=True, design_review_required=False)
    settled = WORDS | {"terminal-online", "settings-applied"}
    assert office.refused(case) == settled | never_inspected
    office.move(case, "scheme", "review", "reply", "construction", "intermediate")

    # 中间检查: two failed items, one of them critical
    check = office.assign(case, "intermediate", "intermediate-earthing-cable", wang.name)
    form = out_and_back(wang, case, check, CRITICAL, MAJOR)
    assert office.refused(case) == settled | never_inspected | {"field-work-complete"}
    photos_follow(wang, form)
    failed = settled | never_inspected | {"notices-closed"}
    assert office.refused(case) == failed
    [notice] = office.notices(case)
    assert notice["state"] == "draft"
    assert notice["stage"] == "intermediate"
    assert [(item["result"]["code"], item["result"]["severity"]) for item in notice["items"]] == [
        (CRITICAL, "critical"),
        (MAJOR, "major"),
    ]
    problem = office.post(f"/cases/{case}/transitions", {"to": "completion_applied"}, status=409)
    assert problem["code"] == "precondition_unmet"

    # 缺陷整改通知单, first round
    assert office.post(f"/cases/{case}/notices/1/issue")["round"] == 1
    assert office.refused(case) == failed
    evidence = shoot(datetime.now(UTC), 121.55, 29.88)
    assert office.answer(case, 1, [CRITICAL], evidence)["state"] == "issued"
    assert office.answer(case, 1, [MAJOR], evidence)["state"] == "answered"
    assert office.refused(case) == failed
    problem = office.post(f"/cases/{case}/notices/1/reinspect", {"assignees": [wang.name]}, status=403)
    assert problem["code"] == "second_person_needed"
    again = office.reinspect(case, 1, liu.name)
    assert office.refused(case) == failed | {"field-work-complete"}
    assert set(liu.hear_of_task(case, again)["tasks"][-1]["items"]) == {CRITICAL, MAJOR}
    form = out_and_back(liu, case, again, CRITICAL)
    assert office.refused(case) == failed | {"field-work-complete"}
    photos_follow(liu, form)
    assert office.refused(case) == failed

    # second round: only what failed again is looked at again
    notice = office.notice(case, 1)
    assert (notice["state"], notice["round"]) == ("issued", 2)
    assert {item["result"]["code"]: item["state"] for item in notice["items"]} == {
        CRITICAL: "open",
        MAJOR: "passed",
    }
    assert office.answer(case, 1, [CRITICAL], evidence)["state"] == "answered"
    once_more = office.reinspect(case, 1, liu.name)
    assert [
        task["items"] for task in liu.hear_of_task(case, once_more)["tasks"] if task["id"] == once_more
    ] == [[CRITICAL]]
    photos_follow(liu, out_and_back(liu, case, once_more))
    notice = office.notice(case, 1)
    assert (notice["state"], notice["round"], notice["closed_by"]) == ("closed", 2, liu.name)
    assert [len(item["rounds"]) for item in notice["items"]] == [2, 1]
    passed = settled | {"acceptance-passed"}
    assert office.refused(case) == passed

    # 竣工检验
    office.move(case, "completion_applied", "acceptance")
    acceptance = office.assign(case, "acceptance", "acceptance-10kv", wang.name, liu.name)
    assert office.refused(case) == passed | {"field-work-complete"}
    form = out_and_back(wang, case, acceptance)
    assert office.refused(case) == passed | {"field-work-complete"}
    photos_follow(wang, form)
    assert office.refused(case) == settled

    # 送电条件: each word opens its own gate and no other
    missing = set(settled)
    for gate in sorted(settled - {"site-clear", "outage-approved"}):
        office.enter(case, gate)
        missing.remove(gate)
        assert office.refused(case) == missing
    scheduler.enter(case, "outage-approved", "not_applicable")
    assert office.refused(case) == {"site-clear"}
    office.enter(case, "site-clear")
    assert office.refused(case) == {"site-clear"}, "one person's word is not two persons'"
    field_office = Office(house, wang.name)
    field_office.enter(case, "site-clear")
    assert office.unmet(case) == set()
    problem = office.post(f"/cases/{case}/energization/authorize", status=409)
    assert problem["code"] == "not_at_ready_stage"
    office.move(case, "ready")
    assert field_office.post(f"/cases/{case}/energization/authorize", status=403)["code"] == "forbidden"

    # 送电
    assert office.authorize(case)["status"] == "authorized"
    problem = office.record_energization(case, status=422, phase_check="inconsistent")
    assert problem["code"] == "phase_check_failed"
    office.switch(case)
    assert office.record_energization(case)["status"] == "energized"
    assert office.case(case)["stage"] == "energized"
    log = office.get(f"/cases/{case}/log")
    assert log["verified"] is True
    wang.fetch_forms(case)
    assert verify_log(wang.case(case)), "the tablet's own copy of the case proves the same"
    events = [entry["event"] for entry in log["items"]]
    assert events.count("notice_issued") == 2
    assert events[-1] == "energized"
    only_the_inbox_was_held_open(wang, liu)
    for who in (scheduler, field_office):
        who.close()


def kept(office: Office, who: Inspector, form: Form) -> bool:
    """Track and signatures are on the server as the tablet wrote them, and the track is measured."""
    forms = who.databases(form.case)["forms"]
    for doc_id in [f"track:{one}" for one in form.tracks] + [f"signature:{one}" for one in form.signatures]:
        assert who.tablet.remote_get(who.url(forms), doc_id) == who.tablet.get(forms, doc_id)
    [track] = office.get(f"/cases/{form.case}/tracks")["items"]
    assert track["readable"]
    assert track["fixes"] == 10
    assert track["on_site_s"] > 0
    return True


def only_the_inbox_was_held_open(*people: Inspector) -> None:
    """A browser allows about six connections to a host: a tablet holds one, and asks for the rest."""
    for who in people:
        who.stop_listening()
        held = [seen["path"] for seen in who.tablet.requests() if "feed=longpoll" in seen["path"]]
        assert held, "the inbox was followed by long poll"
        inbox = urlsplit(who.url(who.inbox)).path
        assert all(path.startswith(f"{inbox}/") for path in held)
