"""A tablet signs its forms with WebCrypto, offline, and the office can tell years later that it did."""

from __future__ import annotations

import json

import pytest

from tests.loop.conftest import MakeInspector
from tests.loop.house import ADMIN, House
from tests.loop.inspector import Inspector, clean
from tests.loop.office import JSON, Office
from tests.loop.paper import Form
from tests.loop.shortcuts import survey

pytestmark = pytest.mark.loop


def audited(house: House, case: str) -> JSON:
    found: JSON = json.loads(house.command("audit", "verify", "--json", "--deep", case))
    return found


def filled_in_offline(office: Office, wang: Inspector, no: str) -> Form:
    """A survey, pulled and then filled in and signed out of coverage."""
    case, task = survey(office, wang, no)
    wang.tablet.go_offline()
    form = wang.fill_in(case, task)
    wang.tablet.go_online()
    return form


def codes(receipt: JSON) -> list[str]:
    return [reason["code"] for reason in receipt["reasons"]]


def test_a_form_signed_offline_holds_and_is_verified_again_after_the_tablet_is_gone(
    house: House, office: Office, inspector: MakeInspector, case_no: str
) -> None:
    """Photos, people's signatures and all, over real replication and two ways to write numbers."""
    wang = inspector("wang")
    key = wang.enrol_key()
    form = filled_in_offline(office, wang, case_no)
    assert form.photos
    assert form.signatures
    receipt = wang.hand_in(form)
    assert receipt["signed"] == "signed"
    assert [(row["key"], row["device"]) for row in receipt["device_signatures"]] == [(key, wang.device)]
    assert "signature_over_other_answers" not in {row["code"] for row in receipt["findings"]}
    assert office.inspection(form.case, form.task)["signed"] == "signed"
    assert audited(house, form.case)["sound"]

    admin = Office(house, ADMIN)
    admin.post(f"/devices/{wang.device}/revoke", {"reason": "平板遗失"})
    admin.close()
    assert audited(house, form.case)["sound"]


def test_what_was_changed_after_signing_comes_back_and_is_signed_again(
    house: House, office: Office, inspector: MakeInspector, case_no: str
) -> None:
    wang = inspector("wang")
    wang.enrol_key()
    form = filled_in_offline(office, wang, case_no)
    names = wang.databases(form.case)
    signed = wang.form_document(form)
    code = next(code for code, answer in signed["answers"].items() if answer["value"] == "pass")
    signed["answers"][code]["note"] = "改过的说明"
    wang.tablet.put(names["forms"], signed)
    clean(wang.push_forms(form.case))
    clean(wang.push_media(form.case))
    assert codes(wang.await_return(form)) == ["device_digest_differs"]
    returned = wang.form_document(form)
    assert returned["answers"][code]["note"] == "改过的说明", "nothing that was handed in is lost"
    assert "signature_of_device" not in returned
    wang.sign(form)
    assert wang.hand_in(form)["signed"] == "signed"
    assert audited(house, form.case)["sound"]


def test_what_a_lost_tablet_signed_is_signed_again_on_another(
    house: House, office: Office, inspector: MakeInspector, case_no: str
) -> None:
    wang = inspector("wang")
    key = wang.enrol_key()
    form = filled_in_offline(office, wang, case_no)
    admin = Office(house, ADMIN)
    admin.post(f"/devices/{wang.device}/keys/{key}/revoke", {"reason": "密钥外泄"})
    admin.close()
    clean(wang.push_forms(form.case))
    clean(wang.push_media(form.case))
    assert codes(wang.await_return(form)) == ["device_key_revoked"]
    wang.enrol_anew()
    wang.sign_in()
    assert wang.enrol_key() != key
    wang.sign(form)
    assert wang.hand_in(form)["signed"] == "signed"
    assert audited(house, form.case)["sound"]
