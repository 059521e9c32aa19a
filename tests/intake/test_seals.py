"""Forms that tablets signed: what holds is kept with its proof, what does not goes back, nothing is lost."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from server.casework.cases import Cases
from server.intake.receipts import receipt_document
from server.signing.forms import digest_of, signature_digest, signed_bytes
from server.workflow.documents import case_from_document
from server.workflow.inforce import InForce
from sync.store import Document
from tests.desk import START, Desk, photo_document, policies
from tests.signing.desk import (
    SIGNED,
    TABLET,
    enrolled,
    filled_in,
    hand_in,
    photographed,
    signature_of,
)
from tests.signing.signer import Signer


def opened(desk: Desk, **task: Any) -> tuple[str, str]:
    case = desk.open_case()
    return case, desk.assign(case, **task)


def codes(receipt: Document) -> list[str]:
    return [reason["code"] for reason in receipt["reasons"]]


def taking_none_unsigned(desk: Desk, *, days: int = 0) -> None:
    """From so many days ahead, the organisation refuses forms that no tablet signed."""
    since = (desk.clock() + timedelta(days=days)).date()
    override = {"key": "unsigned_forms", "from": since, "value": "refuse"}
    made = desk.made
    rules = InForce(policies().with_overrides([override]), made.cases.rules.workdays)
    cases = Cases(made.store, made.names, made.readmodel, rules, desk.clock)
    desk.made = replace(made, cases=cases)


def test_a_signed_form_is_accepted_and_its_proof_is_kept_with_the_case(desk: Desk) -> None:
    case, task = opened(desk)
    signer = enrolled(desk)
    form = signer.sign(filled_in(desk, task), photographed(desk, case, task))
    desk.intake()
    receipt = hand_in(desk, case, form)
    assert (receipt["status"], receipt["signed"], receipt["findings"]) == ("accepted", "signed", [])
    [kept] = desk.case(case).tasks[task].submissions[-1].device_signatures
    assert (kept.verdict, kept.code, kept.kid, kept.device) == ("signed", "", signer.kid, TABLET)
    assert kept.digest == form["signature_of_device"]["digest"] == digest_of(signed_bytes(form))
    assert receipt["device_signatures"] == [
        {"rev": kept.rev, "verdict": "signed", "key": signer.kid, "device": TABLET, "by": "inspector"}
    ]


def test_an_unsigned_form_is_accepted_and_marked(desk: Desk) -> None:
    case, task = opened(desk)
    photographed(desk, case, task)
    desk.intake()
    receipt = hand_in(desk, case, filled_in(desk, task))
    assert (receipt["status"], receipt["signed"]) == ("accepted", "unsigned")
    shown = desk.task(case, task)
    assert (shown["signed"], shown["submissions"][-1]["device_signatures"][0]["verdict"]) == (
        "unsigned",
        "unsigned",
    )
    assert desk.get(f"/cases/{case}/inspections")["items"][0]["signed"] == "unsigned"
    assert desk.get("/sync/session", by="inspector")["unsigned_forms"] == "accept"


def test_a_case_from_before_forms_were_signed_loads_and_says_nothing_of_it(desk: Desk) -> None:
    case, task = opened(desk)
    photographed(desk, case, task)
    desk.intake()
    hand_in(desk, case, filled_in(desk, task))
    document = desk.document(desk.forms(case), "case")
    [submission] = document["tasks"][task]["submissions"]
    del submission["device_signatures"]
    old = case_from_document(document)
    assert (old.tasks[task].signed, old.tasks[task].submissions[0].device_signatures) == (None, ())
    assert "signed" not in receipt_document(task, old.tasks[task].submissions[0])


Spoil = Callable[[Desk, Signer, Document], Document]


def unlike(field: str, value: Any) -> Spoil:
    return lambda _desk, _signer, form: {
        **form,
        "signature_of_device": {**form["signature_of_device"], field: value},
    }


def other_answer(_desk: Desk, _signer: Signer, form: Document) -> Document:
    return {**form, "answers": {**form["answers"], "NR-01": {**form["answers"]["NR-01"], "value": 2.6}}}


def other_answer_with_its_digest(desk: Desk, signer: Signer, form: Document) -> Document:
    changed = other_answer(desk, signer, form)
    member = {**form["signature_of_device"], "digest": digest_of(signed_bytes(changed))}
    return {**changed, "signature_of_device": member}


def nobodys_key(_desk: Desk, _signer: Signer, form: Document) -> Document:
    return Signer("nobody's").sign(form, form["evidence"]["photos"])


def key_of_another_tablet(desk: Desk, _signer: Signer, form: Document) -> Document:
    return enrolled(desk, "key two", device="tablet-two").sign(form, form["evidence"]["photos"])


def key_of_a_colleague(desk: Desk, _signer: Signer, form: Document) -> Document:
    theirs = enrolled(desk, "key two", device="tablet-two", user="colleague")
    at = {**form["submitted"], "device": "tablet-two"}
    return theirs.sign({**form, "submitted": at}, form["evidence"]["photos"])


def revoked_key(desk: Desk, signer: Signer, form: Document) -> Document:
    desk.post(f"/devices/{TABLET}/keys/{signer.kid}/revoke", {"reason": "copied"}, by="admin")
    return form


def lost_tablet(desk: Desk, _signer: Signer, form: Document) -> Document:
    desk.post(f"/devices/{TABLET}/revoke", {"reason": "lost"}, by="admin")
    return form


def replaced_key(desk: Desk, signer: Signer, form: Document) -> Document:
    """Signed with the old key a day after the new one was enrolled."""
    enrolled(desk, "key two")
    desk.clock.forward(days=1)
    at = {**form["submitted"], "at": desk.clock().isoformat()}
    return signer.sign({**form, "submitted": at}, form["evidence"]["photos"])


def photo_left_out(_desk: Desk, signer: Signer, form: Document) -> Document:
    whole = {**form, "evidence": {"photos": {}, "signatures": {}}}
    data = signed_bytes(whole)
    member = {"kid": signer.kid, "alg": "ES256", "digest": digest_of(data), "value": signer.value(data)}
    return {**whole, "signature_of_device": member}


WRONG: dict[str, tuple[Spoil, str]] = {
    "an answer changed afterwards": (other_answer, "device_digest_differs"),
    "an answer and the digest changed": (other_answer_with_its_digest, "device_signature_false"),
    "another signature": (unlike("value", "A" * 86), "device_signature_false"),
    "no signature": (unlike("value", None), "device_signature_false"),
    "another digest": (unlike("digest", "0" * 64), "device_digest_differs"),
    "no algorithm": (unlike("alg", "none"), "device_signature_unreadable"),
    "no key": (unlike("kid", {"a": 1}), "device_signature_unreadable"),
    "no object": (lambda _d, _s, form: {**form, "signature_of_device": "x"}, "device_signature_unreadable"),
    "nobody's key": (nobodys_key, "device_key_unknown"),
    "another tablet's key": (key_of_another_tablet, "device_key_of_another_device"),
    "a colleague's key": (key_of_a_colleague, "device_key_of_another_person"),
    "a revoked key": (revoked_key, "device_key_revoked"),
    "a lost tablet": (lost_tablet, "device_key_revoked"),
    "a key that was replaced": (replaced_key, "device_key_ended"),
    "a photo left out": (photo_left_out, "device_evidence_incomplete"),
}


@pytest.mark.parametrize(("spoil", "code"), WRONG.values(), ids=WRONG)
def test_what_does_not_hold_goes_back_and_is_taken_once_it_is_signed_again(
    desk: Desk, spoil: Spoil, code: str
) -> None:
    """Open for edits, every answer in it, with the reason in both languages."""
    case, task = opened(desk)
    signer = enrolled(desk)
    photos = photographed(desk, case, task)
    desk.intake()
    sent = spoil(desk, signer, signer.sign(filled_in(desk, task), photos))
    receipt = hand_in(desk, case, sent)
    assert (receipt["status"], receipt["signed"], codes(receipt)) == ("returned", "wrong", [code])
    assert set(receipt["reasons"][0]["text"]) == {"zh-CN", "en"}
    again = desk.document(desk.forms(case), f"inspection:{task}")
    assert (again["status"], again["answers"]) == ("returned", sent["answers"])
    assert not {"signature_of_device", "evidence"} & set(again)

    fresh = enrolled(desk, "key three", device="tablet-three")
    at = {**again["submitted"], "at": desk.clock().isoformat(), "device": "tablet-three"}
    mended = fresh.sign({**again, "status": "submitted", "submitted": at}, photos)
    receipt = hand_in(desk, case, mended)
    assert (receipt["status"], receipt["signed"]) == ("accepted", "signed")


def test_what_was_signed_before_its_key_was_replaced_holds_whenever_it_arrives(desk: Desk) -> None:
    case, task = opened(desk)
    signer = enrolled(desk)
    photos = photographed(desk, case, task)
    desk.intake()
    form = signer.sign(filled_in(desk, task), photos)
    desk.clock.forward(hours=1)
    enrolled(desk, "key two")
    desk.clock.forward(days=20)
    assert hand_in(desk, case, form)["signed"] == "signed"


def test_what_had_arrived_before_its_key_was_revoked_holds(desk: Desk) -> None:
    """A form that waited for its photo is judged again after the tablet was lost."""
    case, task = opened(desk)
    signer = enrolled(desk)
    photo = photo_document("p-1", task, "PH-01", at=desk.clock())
    form = signer.sign(filled_in(desk, task), {"p-1": photo["sha256"]})
    assert hand_in(desk, case, form)["status"] == "awaiting_photos"
    desk.clock.forward(hours=1)
    desk.post(f"/devices/{TABLET}/revoke", {"reason": "lost"}, by="admin")
    desk.write("inspector", desk.media(case), photo)
    desk.intake()
    receipt = desk.receipts(case, task)[-1]
    assert (receipt["status"], receipt["signed"]) == ("accepted", "signed")
    arrived = [one.received_at for one in desk.case(case).tasks[task].submissions[-1].device_signatures]
    assert arrived == [START]


def test_a_photo_that_was_not_signed_goes_back_with_its_item(desk: Desk) -> None:
    case, task = opened(desk)
    photographed(desk, case, task)
    desk.intake()
    receipt = hand_in(desk, case, enrolled(desk).sign(filled_in(desk, task), {"p-1": "0" * 64}))
    [reason] = receipt["reasons"]
    assert (receipt["status"], reason["code"], reason["item"]) == ("returned", "photo_not_as_signed", "PH-01")


def test_people_sign_first_and_the_tablet_signs_their_signatures_with_the_form(desk: Desk) -> None:
    """Strokes, picture and all; one that was exchanged on the way is not the one that was signed."""
    case, task = opened(desk, checklist=SIGNED)
    signer = enrolled(desk)
    photos = photographed(desk, case, task)
    desk.intake()
    form = filled_in(desk, task, checklist=SIGNED)
    form["answers"]["SG-01"] = desk.answer([{"role": "customer", "signature": "s-1"}])
    document, _ = signature_of(desk, form, "s-1")
    picture = b"\x89PNG"
    hand = {"s-1": signature_digest(document, {"picture": digest_of(picture)})}
    sent = signer.sign(form, photos, hand)
    assert hand_in(desk, case, sent)["status"] == "awaiting_photos"
    attached = {"picture": {"content_type": "image/png", "data": base64.b64encode(picture).decode()}}
    desk.write("inspector", desk.forms(case), {**document, "_attachments": attached})
    desk.intake()
    receipt = desk.receipts(case, task)[-1]
    assert (receipt["status"], receipt["signed"], receipt["findings"]) == ("accepted", "signed", [])


@pytest.mark.parametrize("change", [{"strokes": [[[9, 9]]]}, {"signer": "nobody"}])
def test_a_signature_that_was_exchanged_is_found(desk: Desk, change: dict[str, Any]) -> None:
    case, task = opened(desk, checklist=SIGNED)
    photos = photographed(desk, case, task)
    form = filled_in(desk, task, checklist=SIGNED)
    form["answers"]["SG-01"] = desk.answer([{"role": "customer", "signature": "s-1"}])
    document, hand = signature_of(desk, form, "s-1")
    desk.write("inspector", desk.forms(case), {**document, **change})
    desk.intake()
    receipt = hand_in(desk, case, enrolled(desk).sign(form, photos, hand))
    assert codes(receipt) == ["signature_not_as_signed"]
    assert receipt["reasons"][0]["item"] == "SG-01"


def test_a_signature_given_for_other_answers_is_flagged(desk: Desk) -> None:
    """With a tablet's signature or without; whoever gave it may be gone, so the form is not held up."""
    case, task = opened(desk, checklist=SIGNED)
    photographed(desk, case, task)
    form = filled_in(desk, task, checklist=SIGNED)
    form["answers"]["SG-01"] = desk.answer([{"role": "customer", "signature": "s-1"}])
    document, _ = signature_of(desk, form, "s-1")
    desk.write("inspector", desk.forms(case), document)
    desk.intake()
    form["answers"]["NR-01"]["value"] = 2.6
    receipt = hand_in(desk, case, form)
    assert receipt["status"] == "accepted"
    flags = [(one["item"], one["code"]) for one in receipt["findings"]]
    assert flags == [("SG-01", "signature_over_other_answers")]


# -- organisations that take nothing unsigned


def test_an_organisation_that_takes_none_unsigned_sends_it_back_from_that_day_on(desk: Desk) -> None:
    case, task = opened(desk)
    photos = photographed(desk, case, task)
    desk.intake()
    taking_none_unsigned(desk)
    receipt = hand_in(desk, case, filled_in(desk, task))
    assert (receipt["status"], codes(receipt)) == ("returned", ["device_signature_missing"])
    assert receipt["signed"] == "unsigned"
    again = desk.document(desk.forms(case), f"inspection:{task}")
    receipt = hand_in(desk, case, enrolled(desk).sign({**again, "status": "submitted"}, photos))
    assert (receipt["status"], receipt["signed"]) == ("accepted", "signed")


def test_what_came_unsigned_before_that_day_stays_accepted_when_it_is_judged_again(desk: Desk) -> None:
    case, task = opened(desk)
    taking_none_unsigned(desk, days=2)
    assert hand_in(desk, case, filled_in(desk, task))["status"] == "awaiting_photos"
    desk.clock.forward(days=3)
    desk.shoot(case, task)
    desk.intake()
    receipt = desk.receipts(case, task)[-1]
    assert (receipt["status"], receipt["signed"]) == ("accepted", "unsigned")


def test_a_person_s_signature_then_has_to_say_what_it_was_given_for(desk: Desk) -> None:
    case, task = opened(desk, checklist=SIGNED)
    photos = photographed(desk, case, task)
    taking_none_unsigned(desk)
    form = filled_in(desk, task, checklist=SIGNED)
    form["answers"]["SG-01"] = desk.answer([{"role": "customer", "signature": "s-1"}])
    document, _ = signature_of(desk, form, "s-1")
    del document["form_digest"]
    desk.write("inspector", desk.forms(case), document)
    desk.intake()
    signed = enrolled(desk).sign(form, photos, {"s-1": signature_digest(document, {})})
    receipt = hand_in(desk, case, signed)
    assert receipt["status"] == "accepted"
    assert [one["code"] for one in receipt["findings"]] == ["signature_unbound"]


# -- several branches


def test_a_form_of_two_tablets_is_signed_if_both_signed(desk: Desk) -> None:
    for signs, wanted in ((True, "signed"), (False, "unsigned")):
        case, task = opened(desk)
        desk.patch(
            f"/cases/{case}/tasks/{task}", {"assignees": ["inspector", "colleague"], "reason": "together"}
        )
        photos = photographed(desk, case, task)
        desk.intake()
        one = enrolled(desk).sign(filled_in(desk, task), photos)
        theirs = filled_in(desk, task, by="colleague", device="tablet-two")
        if signs:
            theirs = enrolled(desk, "key two", device="tablet-two", user="colleague").sign(theirs, photos)
        desk.graft("inspector", desk.forms(case), one, "a" * 32)
        desk.graft("colleague", desk.forms(case), theirs, "b" * 32)
        desk.intake()
        receipt = desk.receipts(case, task)[-1]
        assert (receipt["status"], receipt["signed"]) == ("accepted", wanted)


def test_a_draft_beside_a_signed_form_is_no_reason_to_send_it_back_but_leaves_a_mark(desk: Desk) -> None:
    case, task = opened(desk)
    desk.patch(f"/cases/{case}/tasks/{task}", {"assignees": ["inspector", "colleague"], "reason": "together"})
    photos = photographed(desk, case, task)
    taking_none_unsigned(desk)
    desk.intake()
    draft = filled_in(desk, task, by="colleague", status="draft")
    desk.graft("inspector", desk.forms(case), enrolled(desk).sign(filled_in(desk, task), photos), "f" * 32)
    desk.graft("colleague", desk.forms(case), draft, "b" * 32)
    desk.intake()
    receipt = desk.receipts(case, task)[-1]
    assert (receipt["status"], receipt["signed"]) == ("accepted", "unsigned")
    assert [one["verdict"] for one in receipt["device_signatures"]] == ["signed", "draft"]
