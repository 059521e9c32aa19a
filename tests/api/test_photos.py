"""Photos over HTTP: uploaded through the real workers, shown in three sizes, never to strangers."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from PIL import Image, ImageChops
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from server.evidence.workers import PhotoWorkers
from tests.desk import Desk, open_desk, photo_document, picture, refused


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(tmp_path_factory.mktemp("studio"), real_workers=True) as desk:
        desk.hire("stranger", "manager", organisation="north")
        desk.hire("colleague", "inspector")
        yield desk


def upload(
    desk: Desk, case: str, data: bytes, *, by: str = "manager", headers: Mapping[str, str] = {}, **form: Any
) -> TestResponse:
    # Encoded here: the test client would leave the spool of a large body open.
    fields = {"photo": FileStorage(io.BytesIO(data), "photo.jpg"), **form}
    boundary, body = encode_multipart(fields)
    kind = f"multipart/form-data; boundary={boundary}"
    return desk.ask("POST", f"/cases/{case}/photos", by=by, headers=headers, data=body, content_type=kind)


def test_a_photo_sent_again_under_its_key_is_one_photo(studio: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    case, data, key = studio.open_case(), picture(61), {"Idempotency-Key": "photo-61"}
    with monkeypatch.context() as cut_off:
        # The receipt and the document are written, and then the server is gone.
        cut_off.setattr(type(studio.made.store), "put_attachment", None)
        assert upload(studio, case, data, headers=key, purpose="notice:1").status_code == 500
    first = upload(studio, case, data, headers=key, purpose="notice:1")
    again = upload(studio, case, data, headers=key, purpose="notice:1")
    assert (first.status_code, again.get_json()) == (201, first.get_json())
    assert studio.get(f"/cases/{case}/photos")["items"] == [first.get_json()]
    assert studio.ask("GET", f"/photos/{first.get_json()['id']}?size=original").data == data
    for other in (picture(62), data):
        purpose = "notice:1" if other != data else "notice:2"
        answer = upload(studio, case, other, headers=key, purpose=purpose)
        refused(answer, 422, "idempotency_key_reused")
    assert len({upload(studio, case, data).get_json()["id"] for _ in range(2)}) == 2


def bomb() -> bytes:
    """A PNG of few bytes that claims 15,000 by 15,000 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 15_000, 15_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")


def test_a_photo_is_verified_kept_and_shown_in_three_sizes(studio: Desk) -> None:
    case = studio.open_case()
    original = picture(5, size=(2400, 1200))
    answer = upload(studio, case, original, purpose="notice:1")
    row = answer.get_json()
    assert (answer.status_code, row["status"], row["item"], row["by"]) == (
        201,
        "verified",
        "notice:1",
        "manager",
    )
    assert row["sha256"] == hashlib.sha256(original).hexdigest()
    assert studio.get(f"/cases/{case}/photos")["items"] == [row]
    for size, width in (("thumb", 320), ("screen", 1600), ("original", 2400)):
        shown = studio.ask("GET", f"/photos/{row['id']}?size={size}")
        assert (shown.status_code, shown.content_type) == (200, "image/jpeg")
        assert Image.open(io.BytesIO(shown.data)).width == width
        assert shown.headers["Cache-Control"].startswith("private")
        assert shown.headers["X-Content-Type-Options"] == "nosniff"
        etag = shown.headers["ETag"]
        again = studio.ask("GET", f"/photos/{row['id']}?size={size}", headers={"If-None-Match": etag})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
    assert studio.ask("GET", f"/photos/{row['id']}?size=original").data == original
    refused(studio.ask("GET", f"/photos/{row['id']}?size=huge"), 422, "invalid_fields")
    assert studio.ask("HEAD", f"/photos/{row['id']}?size=original").status_code == 200


def test_intake_does_not_judge_an_office_photo_again(studio: Desk) -> None:
    case = studio.open_case()
    photo = upload(studio, case, picture(6)).get_json()["id"]
    before = studio.document(studio.media(case), f"photo-receipt:{photo}")
    studio.clock.forward(hours=1)
    studio.intake()
    assert studio.document(studio.media(case), f"photo-receipt:{photo}") == before


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "photo_empty"),
        (b"GIF89a" + b"x" * 50, "photo_not_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "photo_not_image"),
        (picture(7)[:-200], "photo_undecodable"),
        (bomb(), "photo_too_many_pixels"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x00" * 40, "photo_heic"),
    ],
)
@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_what_is_no_photo_is_not_kept_and_told_why(studio: Desk, data: bytes, code: str, lang: str) -> None:
    case = studio.open_case()
    fields = {"photo": (io.BytesIO(data), "x.jpg")}
    answer = studio.ask("POST", f"/cases/{case}/photos", data=fields, headers={"Accept-Language": lang})
    problem = refused(answer, 422, "photo_refused")
    [reason] = problem["reasons"]
    assert reason["code"] == code
    assert reason["text"] != code
    assert "{" not in reason["text"]
    assert any("\u4e00" <= char <= "\u9fff" for char in reason["text"]) == (lang == "zh-CN")
    assert studio.get(f"/cases/{case}/photos")["items"] == []
    assert list(studio.made.store.all_docs(studio.media(case), prefix="photo")) == []


def test_an_upload_has_a_limit_of_its_own(studio: Desk) -> None:
    case = studio.open_case()
    over_json = picture(8) + b"\x00" * studio.made.settings.max_json_bytes
    assert upload(studio, case, over_json).status_code == 201
    too_big = b"\xff" * (studio.made.settings.max_upload_bytes + 1)
    refused(upload(studio, case, too_big), 413, "too_large")


def test_an_upload_without_a_photo_or_with_odd_fields_is_refused(studio: Desk) -> None:
    case = studio.open_case()
    problem = refused(
        studio.ask("POST", f"/cases/{case}/photos", data={"purpose": "x"}), 422, "invalid_fields"
    )
    assert [row["pointer"] for row in problem["errors"]] == ["#/photo"]
    refused(upload(studio, case, picture(9), odd="1"), 422, "invalid_fields")
    refused(upload(studio, case, picture(9), purpose="x" * 101), 422, "invalid_fields")


def test_a_photo_is_shown_to_those_who_may_see_its_case(studio: Desk) -> None:
    case = studio.open_case()
    studio.assign(case, "colleague")
    photo = upload(studio, case, picture(10), by="colleague").get_json()["id"]
    path = f"/photos/{photo}?size=thumb"
    for who in ("manager", "auditor", "colleague"):
        assert studio.ask("GET", path, by=who).status_code == 200
    hidden = [studio.ask("GET", path, by=who) for who in ("stranger", "inspector")]
    hidden += [studio.ask("GET", f"/photos/{odd}") for odd in ("none", "A B", "..%2f..", "x" * 70)]
    for answer in hidden:
        refused(answer, 404, "not_found")
        assert answer.data == hidden[0].data
    refused(upload(studio, case, picture(11), by="stranger"), 404, "not_found")


def test_a_tablets_word_on_the_type_is_not_handed_to_a_browser(studio: Desk) -> None:
    case = studio.open_case()
    task = studio.assign(case)
    document = photo_document("px-1", task, "PH-01")
    document["_attachments"]["original"]["content_type"] = "text/html"
    studio.write("inspector", studio.media(case), document)
    studio.intake()
    shown = studio.ask("GET", "/photos/px-1?size=original")
    assert (shown.status_code, shown.content_type) == (200, "application/octet-stream")


def test_a_refused_photo_of_a_tablet_is_listed_and_not_shown(studio: Desk) -> None:
    case = studio.open_case()
    task = studio.assign(case)
    studio.write("inspector", studio.media(case), photo_document("py-1", task, "PH-01", data=picture(12)))
    studio.intake()
    assert [row["status"] for row in studio.get(f"/cases/{case}/photos")["items"]] == ["refused"]
    refused(studio.ask("GET", "/photos/py-1"), 409, "photo_not_verified")


def test_a_photos_id_is_its_cases_own(studio: Desk) -> None:
    """Whoever learns an id cannot take the photo out of sight by sending another under the same id."""
    cases = [studio.open_case() for _ in range(2)]
    for number, case in enumerate(cases):
        task = studio.assign(case, "inspector" if number == 0 else "colleague")
        by = "inspector" if number == 0 else "colleague"
        studio.write(by, studio.media(case), photo_document("pz-1", task, "PH-01", by=by))
    studio.intake()
    for case, by in zip(cases, ("inspector", "colleague"), strict=True):
        assert [row["by"] for row in studio.get(f"/cases/{case}/photos")["items"]] == [by]
        assert studio.ask("GET", "/photos/pz-1?size=thumb", by=by).status_code == 200


def test_a_rendition_says_which_case_and_item_and_is_made_anew_for_another_case(studio: Desk) -> None:
    """The same bytes in two cases: each shows its own number, neither takes the other's from the cache."""
    original, shown = picture(30, size=(800, 600)), {}
    for case in (studio.open_case(), studio.open_case()):
        row = upload(studio, case, original, purpose="notice:1").get_json()
        answer = studio.ask("GET", f"/photos/{row['id']}?size=thumb")
        shown[answer.headers["ETag"]] = answer.data
    assert len(shown) == 2
    first, second = (Image.open(io.BytesIO(data)).convert("L") for data in shown.values())
    box = ImageChops.difference(first, second).getbbox()
    assert box is not None
    assert box[1] > first.height * 0.7


def renditions(desk: Desk) -> set[str]:
    return {path.name for path in (desk.made.settings.data_dir / "renditions").rglob("*.jpg")}


def test_looking_at_a_photo_that_was_just_verified_decodes_nothing(
    studio: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its renditions came with the verdict, whoever sent it; one that is deleted is made again."""
    case = studio.open_case()
    task = studio.assign(case)
    before = renditions(studio)
    studio.write("inspector", studio.media(case), photo_document("pw-1", task, "PH-01"))
    studio.intake()
    photos = ["pw-1", upload(studio, case, picture(40)).get_json()["id"]]
    cached = renditions(studio) - before
    assert len(cached) == 2 * len(photos)
    with monkeypatch.context() as patched:
        patched.setattr(PhotoWorkers, "render_all", None)
        shown = {
            (photo, size): studio.ask("GET", f"/photos/{photo}?size={size}").data
            for photo in photos
            for size in ("thumb", "screen")
        }
    assert all(shown.values())
    assert renditions(studio) - before == cached
    for path in (studio.made.settings.data_dir / "renditions").rglob("*.jpg"):
        path.unlink()
    for (photo, size), data in shown.items():
        assert studio.ask("GET", f"/photos/{photo}?size={size}").data == data
    assert renditions(studio) == cached


@pytest.mark.parametrize("size", ["thumb", "screen", "original"])
def test_a_photo_comes_in_parts_and_a_download_goes_on_where_it_broke_off(studio: Desk, size: str) -> None:
    case = studio.open_case()
    photo = upload(studio, case, picture(50, size=(900, 700))).get_json()["id"]
    path = f"/photos/{photo}?size={size}&case={case}"
    whole = studio.ask("GET", path)
    assert whole.headers["Accept-Ranges"] == "bytes"
    half, tag = len(whole.data) // 2, whole.headers["ETag"]
    first = studio.ask("GET", path, headers={"Range": f"bytes=0-{half - 1}"})
    rest = studio.ask("GET", path, headers={"Range": f"bytes={half}-", "If-Range": tag})
    assert (first.status_code, rest.status_code) == (206, 206)
    assert first.headers["Content-Range"] == f"bytes 0-{half - 1}/{len(whole.data)}"
    assert first.headers["ETag"] == rest.headers["ETag"] == tag
    assert first.data + rest.data == whole.data
    assert studio.ask("GET", path, headers={"Range": "bytes=-5"}).data == whole.data[-5:]
    for unknown in ("lines=0-3", "bytes=0-1,5-9"):
        answer = studio.ask("GET", path, headers={"Range": unknown})
        assert (answer.status_code, answer.data) == (200, whole.data), unknown
    other = studio.ask("GET", path, headers={"Range": f"bytes={half}-", "If-Range": '"another"'})
    assert (other.status_code, other.data) == (200, whole.data)


@pytest.mark.parametrize("size", ["thumb", "original"])
def test_a_range_behind_the_end_is_refused_with_the_length(studio: Desk, size: str) -> None:
    case = studio.open_case()
    photo = upload(studio, case, picture(51)).get_json()["id"]
    path = f"/photos/{photo}?size={size}"
    length = len(studio.ask("GET", path).data)
    answer = studio.ask("GET", path, headers={"Range": f"bytes={length}-"})
    refused(answer, 416, "range_not_satisfiable")
    assert answer.headers["Content-Range"] == f"bytes */{length}"


def test_only_the_original_of_a_named_case_is_kept_for_good(studio: Desk) -> None:
    """A rendition's words may change, and an id alone may come to mean an older case's photo."""
    case = studio.open_case()
    photo = upload(studio, case, picture(52)).get_json()["id"]
    for query, good in (
        (f"size=original&case={case}", True),
        ("size=original", False),
        (f"case={case}", False),
    ):
        shown = studio.ask("GET", f"/photos/{photo}?{query}")
        assert ("immutable" in shown.headers["Cache-Control"]) == good
        assert shown.headers["Vary"] == "Authorization"
        tag = {"If-None-Match": shown.headers["ETag"]}
        again = studio.ask("GET", f"/photos/{photo}?{query}", headers=tag)
        assert again.status_code == 304
        assert again.headers["Cache-Control"] == shown.headers["Cache-Control"]
