"""Work on a tablet whose owner has lost the case, and tablets that are not trusted any more."""

from __future__ import annotations

import pytest
import requests

from tests.loop.conftest import MakeInspector
from tests.loop.couch import COUCHDB_URL
from tests.loop.house import ADMIN, House
from tests.loop.inspector import Inspector, clean
from tests.loop.office import JSON, Office
from tests.loop.paper import Form
from tests.tablet.driver import TabletError

pytestmark = pytest.mark.loop

#: A survey item that fails for sure: the switch-room site floods.
FLOODED = "SH-14"


def withdrawn(office: Office, wang: Inspector, liu: Inspector, no: str, *fail: str) -> Form:
    """A survey filled in offline by wang, while the office gave the task to liu; wang has been told."""
    case = office.open_case(no, facts={"dedicated": False, "gen": False, "temporary": False})
    task = office.assign(case, "survey", "survey-hv-10kv", wang.name)
    wang.read_inbox()
    wang.fetch(case)
    wang.tablet.go_offline()
    form = wang.fill_in(case, task, fail=fail)
    office.reassign(case, task, liu.name)
    wang.tablet.go_online()
    wang.read_inbox()
    lost = wang.tablet.get("inbox", f"assignment:{case}")
    assert (lost["active"], lost["reason"]) == (False, "not_assigned")
    return form


def denied(wang: Inspector, form: Form) -> None:
    """Neither database takes anything from somebody who has lost the case, nor shows anything."""
    for push in (wang.push_forms, wang.push_media, wang.fetch_forms):
        with pytest.raises(TabletError) as refusal:
            push(form.case)
        assert refusal.value.status == 403


def reasons(office: Office, case: str, gate: str) -> list[str]:
    sheet = office.get(f"/cases/{case}/gates")["gates"]
    return [reason["code"] for one in sheet if one["id"] == gate for reason in one["reasons"]]


def quarantined(office: Office, form: Form, unsent: dict[str, str]) -> dict[str, JSON]:
    """Wait until everything that was set aside lies before the manager."""
    office.until(lambda: len(office.quarantine(form.case)) == len(unsent), what="quarantine")
    found = office.quarantine(form.case)
    assert {doc_id: row["id"] for doc_id, row in found.items()} == unsent
    assert {row["state"] for row in found.values()} == {"waiting"}
    return found


def test_unsent_work_of_somebody_who_lost_the_case_counts_once_the_manager_accepts_it(
    office: Office, inspector: MakeInspector, case_no: str
) -> None:
    """Form, photos, signatures and track come in, and the failure that nobody else saw is on a notice."""
    wang, liu = inspector("wang"), inspector("liu")
    form = withdrawn(office, wang, liu, case_no, FLOODED)
    denied(wang, form)
    unsent = wang.set_aside(form, "not_assigned")
    clean(wang.push_outbox())
    rows = quarantined(office, form, unsent)
    assert office.inspection(form.case, form.task)["branches"] == 0
    assert reasons(office, form.case, "field-work-complete").count("quarantine_open") == len(unsent)
    held = office.get(f"/cases/{form.case}/quarantine/{unsent[form.id]}")
    assert held["document"]["answers"][FLOODED]["value"] == "fail"
    assert (rows[form.id]["doc_rev"], rows[form.id]["by"]) == (form.rev, wang.name)

    # The form first: what belongs to it is decided afterwards, one by one.
    for doc_id in sorted(unsent, key=lambda doc_id: doc_id != form.id):
        office.settle(form.case, unsent[doc_id], "accept")
    office.until(lambda: office.task(form.case, form.task)["status"] == "accepted", what="acceptance")
    office.until(
        lambda: {row["state"] for row in office.quarantine(form.case).values()} == {"taken"}, what="taking in"
    )
    [notice] = office.notices(form.case)
    assert [item["result"]["code"] for item in notice["items"]] == [FLOODED]
    assert notice["items"][0]["raised_by"] == wang.name
    assert "field-work-complete" not in office.unmet(form.case)
    seen = office.inspection(form.case, form.task)
    assert seen["photos"] == dict.fromkeys(form.photos, "verified")
    assert len(office.get(f"/cases/{form.case}/tracks")["items"]) == 1
    for photo in form.photos:
        original = requests.get(
            f"{office.house.url}/api/v1/photos/{photo}?size=original",
            headers={"Authorization": f"Bearer {office.house.token(office.name)}"},
            timeout=30,
        )
        assert original.content == wang.photo_bytes(photo)
    told = office.until(lambda: answered(wang, unsent[form.id]), what="answer")
    assert told == ["unsent_quarantined", "unsent_accepted"]


def test_rejected_work_is_kept_and_its_sender_is_told(
    office: Office, inspector: MakeInspector, case_no: str
) -> None:
    """The manager says no: the case is as it was, the sender hears why, and the document is still there."""
    wang, liu = inspector("wang"), inspector("liu")
    form = withdrawn(office, wang, liu, case_no, FLOODED)
    unsent = wang.set_aside(form, "not_assigned")
    clean(wang.push_outbox())
    quarantined(office, form, unsent)
    for one in unsent.values():
        office.settle(form.case, one, "reject", "该户由刘工重新勘查")
    told = office.until(lambda: answered(wang, unsent[form.id]), what="answer")
    assert told == ["unsent_quarantined", "unsent_rejected"]
    [message] = [
        m for m in wang.messages() if m["unsent"] == unsent[form.id] and m["code"] == "unsent_rejected"
    ]
    assert message["params"]["reason"] == "该户由刘工重新勘查"
    assert "该户由刘工重新勘查" in message["text"]["zh-CN"]
    assert office.notices(form.case) == []
    assert office.inspection(form.case, form.task)["branches"] == 0
    assert reasons(office, form.case, "field-work-complete") == ["task_open"], "only liu's own survey"
    held = office.get(f"/cases/{form.case}/quarantine/{unsent[form.id]}")
    assert held["document"]["answers"][FLOODED]["value"] == "fail"


def answered(who: Inspector, unsent: str) -> list[str]:
    """The codes of the messages about a document, in their order; none before one says what was decided."""
    found = sorted((m for m in who.messages() if m["unsent"] == unsent), key=lambda m: str(m["at"]))
    codes = [str(m["code"]) for m in found]
    return codes if {"unsent_accepted", "unsent_rejected"} & set(codes) else []


def test_a_revoked_tablet_is_refused_at_once_and_loses_nothing(
    house: House, office: Office, inspector: MakeInspector, case_no: str
) -> None:
    """Its next request is refused; its owner signs in anew, and the unsent work arrives."""
    wang = inspector("wang")
    case = office.open_case(case_no)
    task = office.assign(case, "survey", "survey-hv-10kv", wang.name)
    wang.read_inbox()
    wang.fetch(case)
    wang.tablet.go_offline()
    form = wang.fill_in(case, task)
    admin = Office(house, ADMIN)
    admin.post(f"/devices/{wang.device}/revoke", {"reason": "平板送修", "order": "sign_in"})
    admin.close()
    wang.tablet.go_online()
    assert wang.ask_session().status_code == 401
    if COUCHDB_URL:
        # CouchDB asks nobody: it takes the token until it runs out.
        wang.tablet.sign_in(house.stale_token(wang.name, wang.device))
    for push in (wang.push_forms, wang.push_media, wang.fetch_forms):
        with pytest.raises(TabletError) as refusal:
            push(case)
        assert refusal.value.status == 401
    assert office.inspection(case, task)["branches"] == 0

    revoked = wang.enrol_anew()
    wang.sign_in()
    wang.read_inbox()
    order = wang.tablet.get("inbox", f"device:{revoked}")
    assert order["order"] == "sign_in"
    wang.hand_in(form)
    assert office.task(case, task)["status"] == "accepted"
