"""A desk whose inspector has a tablet with a key."""

from __future__ import annotations

from typing import Any

from server.signing.forms import form_digest, signature_digest
from sync.store import Document
from tests.desk import MINI_SIGNED, Desk
from tests.signing.signer import Signer

TABLET = "tablet-one"
SIGNED = {"id": MINI_SIGNED.id, "version": 1}


def enrolled(desk: Desk, name: str = "key one", *, device: str = TABLET, user: str = "inspector") -> Signer:
    """A key, enrolled by the tablet itself."""
    body = {"username": user, "password": f"{user}-password", "device": {"id": device, "name": "tablet"}}
    token = desk.client.post("/api/v1/auth/login", json=body).get_json()["access_token"]
    signer = Signer(name)
    answer = desk.client.put(
        f"/api/v1/devices/{device}/keys/{signer.kid}",
        json=signer.enrolment(device, user),
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code in (200, 201), answer.text
    return signer


def filled_in(desk: Desk, task: str, *, by: str = "inspector", device: str = TABLET, **more: Any) -> Document:
    """A submitted form on a tablet, not signed yet."""
    submitted = {"by": by, "at": desk.clock().isoformat(), "device": device, "clock_skew_ms": 0}
    return desk.form(task, by=by, submitted=submitted, **more)


def photographed(desk: Desk, case: str, task: str, photo: str = "p-1") -> dict[str, str]:
    """Takes a photo; its SHA-256 by its id."""
    return {photo: desk.shoot(case, task, photo=photo)["sha256"]}


def signature_of(desk: Desk, form: Document, name: str, **more: Any) -> tuple[Document, dict[str, str]]:
    """A person's signature under a form, before the tablet signs; its digest by its id."""
    document: Document = {
        "_id": f"signature:{name}",
        "type": "signature",
        "schema": 1,
        "by": "inspector",
        "at": desk.clock().isoformat(),
        "strokes": [[[1, 2], [3.5, 4.0]]],
        "form_digest": form_digest(form),
        **more,
    }
    return document, {name: signature_digest(document, {})}


def hand_in(desk: Desk, case: str, document: Document, *, by: str = "inspector") -> dict[str, Any]:
    """Writes a form, takes it in, and gives the newest receipt."""
    desk.write(by, desk.forms(case), document)
    desk.intake()
    return dict(desk.receipts(case, document["task"])[-1])
