"""Years later a form is still what its tablet signed, or the audit names what is not, and where."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from server.casework.auditing import Auditor
from server.signing.forms import signature_digest
from sync.store import Document
from tests.desk import Desk
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


def found(desk: Desk, case: str) -> list[tuple[str, str, str]]:
    """Code, part and reason of what an audit finds about signatures; the document of the case is sound."""
    audited = Auditor(desk.made.store, desk.made.names, deep=True).audit(case)
    return [(trace.code, trace.part, trace.reason) for trace in audited.traces]


def accepted(desk: Desk, signer: Signer) -> tuple[str, str, str]:
    """A case with a signed form, photo, customer's signature and all; case, task, the form's revision."""
    case = desk.open_case()
    task = desk.assign(case, checklist=SIGNED)
    photos = photographed(desk, case, task)
    form = filled_in(desk, task, checklist=SIGNED)
    form["answers"]["SG-01"] = desk.answer([{"role": "customer", "signature": "s-1"}])
    document, hands = signature_of(desk, form, "s-1")
    desk.write("inspector", desk.forms(case), document)
    desk.intake()
    receipt = hand_in(desk, case, signer.sign(form, photos, hands))
    assert (receipt["status"], receipt["signed"]) == ("accepted", "signed")
    return case, task, receipt["judged"][0]


def rewritten(desk: Desk, database: str, doc_id: str, change: Callable[[Document], Document]) -> None:
    """Put a document in place of another past Hezha, under the same revision."""
    store = desk.made.store
    [leaf] = store.leaves(database, doc_id)
    revisions = leaf.pop("_revisions")
    store.purge(database, {doc_id: [leaf["_rev"]]})  # type: ignore[attr-defined]
    [row] = store.bulk_docs(database, [{**change(leaf), "_revisions": revisions}], new_edits=False)
    assert row.ok


def test_what_was_signed_leaves_no_trace_after_its_key_ended_and_was_revoked(desk: Desk) -> None:
    signer = enrolled(desk)
    case, _, _ = accepted(desk, signer)
    assert found(desk, case) == []
    desk.clock.forward(days=400)
    enrolled(desk, "key two")
    assert found(desk, case) == []
    desk.clock.forward(days=400)
    desk.post(f"/devices/{TABLET}/keys/{signer.kid}/revoke", {"reason": "copied"}, by="admin")
    desk.post(f"/devices/{TABLET}/revoke", {"reason": "lost"}, by="admin")
    assert found(desk, case) == []


def test_a_key_that_is_said_later_to_have_been_lost_before_is_told_of_each_form(desk: Desk) -> None:
    signer = enrolled(desk)
    case, task, rev = accepted(desk, signer)
    desk.clock.forward(days=1)
    since = desk.clock() - timedelta(days=2)
    body = {"reason": "stolen", "since": since.isoformat()}
    desk.post(f"/devices/{TABLET}/keys/{signer.kid}/revoke", body, by="admin")
    part = f"tasks/{task}/submissions/1/{rev}"
    assert found(desk, case) == [("signing_key_revoked", part, "device_key_revoked")]


def other_value(form: Document) -> Document:
    answers = {**form["answers"], "NR-01": {**form["answers"]["NR-01"], "value": 9.9}}
    return {**form, "answers": answers}


def without_signature(form: Document) -> Document:
    return {name: value for name, value in form.items() if name != "signature_of_device"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (other_value, "device_digest_differs"),
        (without_signature, "device_signature_missing"),
        (lambda form: Signer("key one").sign(other_value(form)), "device_digest_differs"),
        (lambda form: Signer("a thief's").sign(other_value(form)), "device_signature_false"),
        (
            lambda form: {**form, "signature_of_device": {**form["signature_of_device"], "value": "A" * 86}},
            "device_signature_false",
        ),
    ],
)
def test_a_form_that_was_changed_past_hezha_is_found(
    desk: Desk, change: Callable[[Document], Document], reason: str
) -> None:
    """Also by whoever holds the key: the case's sealed log knows what was signed then."""
    case, task, rev = accepted(desk, enrolled(desk))
    rewritten(desk, desk.forms(case), f"inspection:{task}", change)
    [(code, part, why), *_] = found(desk, case)
    assert (code, part, why) == ("signed_form_differs", f"tasks/{task}/submissions/1/{rev}", reason)


def test_what_belongs_to_a_signed_form_and_was_exchanged_is_found(desk: Desk) -> None:
    case, task, rev = accepted(desk, enrolled(desk))
    part = f"tasks/{task}/submissions/1/{rev}"
    store = desk.made.store
    photo = desk.document(desk.media(case), "photo:p-1")
    store.put(desk.media(case), {**photo, "sha256": "0" * 64})
    hand = desk.document(desk.forms(case), "signature:s-1")
    store.put(desk.forms(case), {**hand, "strokes": [[[1, 1]]]})
    assert found(desk, case) == [
        ("photo_differs", "photos/p-1", ""),
        ("signed_photo_differs", f"{part}/photos/p-1", ""),
        ("signed_signature_differs", f"{part}/signatures/s-1", ""),
    ]
    gone = desk.document(desk.forms(case), "signature:s-1")
    store.put(desk.forms(case), {"_id": gone["_id"], "_rev": gone["_rev"], "_deleted": True})
    assert found(desk, case)[-1][0] == "signed_signature_differs"


def test_a_key_or_a_form_that_is_gone_is_found(desk: Desk) -> None:
    signer = enrolled(desk)
    case, task, rev = accepted(desk, signer)
    part = f"tasks/{task}/submissions/1/{rev}"
    store, registry = desk.made.store, desk.made.names.registry
    key = store.get(registry, f"device-key:{signer.kid}")
    store.put(registry, {"_id": key["_id"], "_rev": key["_rev"], "_deleted": True})
    assert found(desk, case) == [("signing_key_missing", part, "device_key_unknown")]
    form = desk.document(desk.forms(case), f"inspection:{task}")
    store.put(desk.forms(case), {"_id": form["_id"], "_rev": form["_rev"], "_deleted": True})
    assert found(desk, case) == [("signed_form_missing", part, "")]


def test_a_signed_form_that_goes_back_is_kept_as_it_was_signed(desk: Desk) -> None:
    """What the tablet handed in can be shown after the form went on, was compacted, and was signed again."""
    signer = enrolled(desk)
    case = desk.open_case()
    task = desk.assign(case)
    photos = photographed(desk, case, task)
    desk.intake()
    wanting = signer.sign(filled_in(desk, task, PF_01=desk.answer("fail")), photos)
    first = hand_in(desk, case, wanting)
    assert (first["status"], first["signed"]) == ("returned", "signed"), "a failure wants a note"
    [rev] = first["judged"]
    kept = desk.document(desk.forms(case), f"signed-form:{task}:{rev}")
    assert kept["form"] == wanting

    again = desk.document(desk.forms(case), f"inspection:{task}")
    mended: dict[str, Any] = {**again, "status": "submitted"}
    mended["answers"]["PF-01"]["note"] = "loose"
    assert hand_in(desk, case, signer.sign(mended, photos))["status"] == "accepted"
    assert found(desk, case) == []
    desk.made.store.put(desk.forms(case), {**kept, "form": other_value(wanting)})
    part = f"tasks/{task}/submissions/1/{rev}"
    assert found(desk, case) == [("signed_form_differs", part, "device_digest_differs")]


def test_what_was_never_signed_is_not_asked_for_a_signature(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    photographed(desk, case, task)
    desk.intake()
    assert hand_in(desk, case, filled_in(desk, task))["signed"] == "unsigned"
    assert found(desk, case) == []


def test_the_digest_of_a_signature_is_of_its_document(desk: Desk) -> None:
    document, digests = signature_of(desk, filled_in(desk, "t"), "s-1")
    assert digests == {"s-1": signature_digest({**document, "_rev": "1-a"}, {})}
