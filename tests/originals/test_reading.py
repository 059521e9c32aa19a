"""Whoever reads an original that was moved need not know it, and hears why when it cannot be had."""

from __future__ import annotations

import io
import shutil

import pytest
from PIL import Image
from pypdf import PdfReader

from server.casework.auditing import Auditor
from server.evidence.originals.bucket import OriginalsUnreachable
from server.evidence.originals.door import Originals
from server.intake.renditions import rebuild
from tests.desk import Desk, picture, refused
from tests.originals.conftest import DAYS, Ended, Shelf, options


@pytest.fixture
def inspected(desk: Desk) -> Ended:
    """A case that relies on a photo, was cancelled, and whose originals were moved."""
    case = Ended(desk, photos=1)
    desk.submit(case.id, case.task, photo="p-0")
    desk.intake()
    assert desk.case(case.id).photos["p-0"].state == "verified"
    desk.post(f"/cases/{case.id}/transitions", {"to": "cancelled", "note": "the customer moved"})
    desk.clock.forward(days=DAYS + 1)
    assert [one.outcome for one in case.move()] == ["moved"]
    return case


def without_renditions(desk: Desk) -> None:
    shutil.rmtree(desk.made.settings.data_dir / "renditions")


def cut_off(desk: Desk) -> None:
    """The storage answers to nobody any more."""
    assert desk.made.bucket is not None
    desk.made.bucket.close()
    desk.made.bucket.options = options("http://127.0.0.1:9", attempts=1, connect=0.2, pause=0.1)


def test_an_original_is_shown_whole_in_parts_and_not_again(desk: Desk, inspected: Ended) -> None:
    data = inspected.data["p-0"]
    answer = desk.ask("GET", f"/photos/p-0?size=original&case={inspected.id}")
    assert (answer.status_code, answer.data, answer.mimetype) == (200, data, "image/jpeg")
    assert (answer.content_length, answer.headers["Accept-Ranges"]) == (len(data), "bytes")
    assert "immutable" in answer.headers["Cache-Control"]
    tag = answer.headers["ETag"]
    part = desk.ask(
        "GET",
        f"/photos/p-0?size=original&case={inspected.id}",
        headers={"Range": "bytes=100-299", "If-Range": tag},
    )
    assert (part.status_code, part.data) == (206, data[100:300])
    assert part.headers["Content-Range"] == f"bytes 100-299/{len(data)}"
    assert part.content_length == 200
    last = desk.ask("GET", "/photos/p-0?size=original", headers={"Range": "bytes=-10"})
    assert (last.status_code, last.data) == (206, data[-10:])
    other = desk.ask(
        "GET", "/photos/p-0?size=original", headers={"Range": "bytes=0-9", "If-Range": '"other"'}
    )
    assert (other.status_code, other.data) == (200, data)
    again = desk.ask("GET", "/photos/p-0?size=original", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    refused(
        desk.ask("GET", "/photos/p-0?size=original", headers={"Range": f"bytes={len(data)}-"}),
        416,
        "range_not_satisfiable",
    )


def test_renditions_are_made_again_from_what_was_moved(desk: Desk, inspected: Ended) -> None:
    without_renditions(desk)
    shown = desk.ask("GET", "/photos/p-0?size=thumb")
    assert shown.status_code == 200
    with Image.open(io.BytesIO(shown.data)) as image:
        assert image.size == (200, 150)
    without_renditions(desk)
    assert rebuild(desk.made, inspected.id).made == 2


def test_without_the_storage_renditions_that_were_made_are_still_shown(desk: Desk, inspected: Ended) -> None:
    cut_off(desk)
    assert desk.ask("GET", "/photos/p-0?size=thumb").status_code == 200
    answer = desk.ask("GET", "/photos/p-0?size=original")
    refused(answer, 503, "originals_unreachable")
    assert answer.headers["Retry-After"] == "1"  # the pause of these tests, in whole seconds
    without_renditions(desk)
    refused(desk.ask("GET", "/photos/p-0?size=screen"), 503, "originals_unreachable")
    assert rebuild(desk.made, inspected.id).failed == ("p-0",)


@pytest.mark.parametrize("spoil", ["remove", "overwrite"])
def test_an_original_that_is_lost_is_a_problem_and_no_picture(
    desk: Desk, inspected: Ended, shelf: Shelf, spoil: str
) -> None:
    data = inspected.data["p-0"]
    if spoil == "remove":
        shelf.remove(data)
    else:
        shelf.overwrite(data, picture(99, size=(200, 150)))
    refused(desk.ask("GET", "/photos/p-0?size=original"), 500, "original_lost")
    without_renditions(desk)
    refused(desk.ask("GET", "/photos/p-0?size=screen"), 500, "original_lost")


def test_a_paper_says_that_its_picture_cannot_be_had(desk: Desk, inspected: Ended) -> None:
    pages = (
        f"/cases/{inspected.id}/inspections/{inspected.task}/report.pdf?copies=file&language=en",
        f"/cases/{inspected.id}/inspections/{inspected.task}/contact-sheet.pdf?language=en",
    )
    words = "photo cannot be had at the moment"
    for page in pages:
        answer = desk.ask("GET", page)
        assert answer.status_code == 200, answer.text
        assert words not in said(answer.data)
    without_renditions(desk)
    cut_off(desk)
    for page in pages:
        answer = desk.ask("GET", page)
        assert answer.status_code == 200, answer.text
        assert words in said(answer.data)


def said(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def audit(desk: Desk, case: Ended) -> list[tuple[str, str]]:
    originals = Originals(desk.made.store, desk.made.bucket)
    auditor = Auditor(desk.made.store, desk.made.names, deep=True, originals=originals)
    return [(trace.code, trace.part) for trace in auditor.audit(case.id).traces]


def test_an_audit_reads_what_was_moved_and_finds_what_is_other(
    desk: Desk, inspected: Ended, shelf: Shelf
) -> None:
    data = inspected.data["p-0"]
    assert audit(desk, inspected) == []
    shelf.overwrite(data, bytes(len(data)))
    assert audit(desk, inspected) == [("photo_differs", "photos/p-0")]
    shelf.remove(data)
    assert audit(desk, inspected) == [("photo_missing", "photos/p-0")]
    cut_off(desk)
    assert audit(desk, inspected) == [("photo_unreachable", "photos/p-0")]


def test_without_a_setting_what_was_moved_cannot_be_had(desk: Desk, inspected: Ended) -> None:
    door = Originals(desk.made.store)
    with door.find(inspected.media, "photo:p-0") as found, pytest.raises(OriginalsUnreachable):
        found.open()
