"""An audit finds photos that are gone or are others than were verified."""

from __future__ import annotations

import io

from server.casework.auditing import Auditor, case_ids
from server.evidence.originals.document import ATTACHMENT
from sync.store import NewAttachment
from tests.desk import Desk, picture


def found(desk: Desk, case: str, *, deep: bool = True) -> list[tuple[str, str]]:
    audited = Auditor(desk.made.store, desk.made.names, deep=deep).audit(case)
    return [(trace.code, trace.part) for trace in audited.traces]


def inspected(desk: Desk) -> str:
    """A case that relies on the verified photo p-1."""
    case = desk.open_case()
    task = desk.assign(case)
    desk.shoot(case, task)
    desk.submit(case, task)
    desk.intake()
    assert desk.case(case).photos["p-1"].state == "verified"
    return case


def test_photos_as_they_were_verified_leave_no_trace(desk: Desk) -> None:
    case = inspected(desk)
    assert case_ids(desk.made.store, desk.made.names) == [case]
    assert found(desk, case) == []


def test_a_photo_that_is_gone_is_found(desk: Desk) -> None:
    case = inspected(desk)
    photo = desk.document(desk.media(case), "photo:p-1")
    desk.made.store.put(desk.media(case), {"_id": "photo:p-1", "_rev": photo["_rev"], "_deleted": True})
    assert found(desk, case) == [("photo_missing", "photos/p-1")]
    desk.made.store.delete_database(desk.media(case))
    assert found(desk, case) == [("photo_missing", "photos/p-1")]


def test_other_bytes_are_found_when_photos_are_read(desk: Desk) -> None:
    case = inspected(desk)
    photo = desk.document(desk.media(case), "photo:p-1")
    other = NewAttachment(ATTACHMENT, "image/jpeg", io.BytesIO(picture(2)))
    desk.made.store.put_attachment(desk.media(case), "photo:p-1", photo["_rev"], other)
    assert found(desk, case, deep=False) == []
    assert found(desk, case) == [("photo_differs", "photos/p-1")]


def test_another_claim_is_found_without_reading_photos(desk: Desk) -> None:
    case = inspected(desk)
    photo = desk.document(desk.media(case), "photo:p-1")
    desk.made.store.put(desk.media(case), {**photo, "sha256": "0" * 64})
    assert found(desk, case, deep=False) == [("photo_differs", "photos/p-1")]
