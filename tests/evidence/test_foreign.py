"""A file that is more than its picture is refused or told; what phones append on their own is neither."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from PIL import ExifTags, Image

from server.evidence.model import PhotoVerdict, claim_from_document
from server.evidence.sample import draw, make_exif
from tests.evidence.photos import LAT, LON, SIZE, TAKEN, claim_for, judge, photo, saved

GOOD = photo()
SCENE = draw("weld", seed=3, size=SIZE)


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("run.sh", "#!/bin/sh\n")
    return out.getvalue()


def told(verdict: PhotoVerdict) -> tuple[list[str], list[str]]:
    return [reason.code for reason in verdict.reasons], [flag.code for flag in verdict.flags]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("tail", "name"),
    [
        (archive(), "zip"),
        (b"Rar!\x1a\x07\x01\x00" + bytes(40), "rar"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(40), "7z"),
        (b"<?php system($_GET[0]); ?>", "php"),
        (b"<script>alert(1)</script>", "script"),
        (b"\x7fELF\x02\x01\x01" + bytes(40), "program"),
        (b"MZ" + bytes(76) + b"This program cannot be run in DOS mode.", "program"),
    ],
)
def test_a_picture_with_another_file_behind_it_is_refused(kind: str, tail: bytes, name: str) -> None:
    verdict = judge(saved(SCENE, kind) + tail)
    assert [(r.code, r.params) for r in verdict.reasons] == [("photo_polyglot", {"kind": name})]


@pytest.mark.parametrize(
    ("inside", "name"),
    [
        (b"%PDF-1.7\n1 0 obj\n", "pdf"),
        (b"<!DOCTYPE html><body onload=x()>", "page"),
        (b"<svg onload=x()>", "page"),
        (archive(), "zip"),
    ],
)
def test_another_file_within_a_comment_is_refused(inside: bytes, name: str) -> None:
    verdict = judge(saved(SCENE, "JPEG", comment=inside))
    assert [(r.code, r.params) for r in verdict.reasons] == [("photo_polyglot", {"kind": name})]


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(
    "tail",
    [bytes(4096), b"\xff" * 32, saved(SCENE, "JPEG"), b"\x00\x00\x00\x18ftypmp42" + bytes(500)],
    ids=["zeros", "filling", "second picture", "motion"],
)
def test_what_phones_append_is_neither_refused_nor_told(tail: bytes, progressive: bool) -> None:
    exif = make_exif(TAKEN, lon=LON, lat=LAT).tobytes()
    assert told(judge(saved(SCENE, "JPEG", progressive=progressive, exif=exif) + tail)) == ([], [])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_unknown_bytes_behind_the_end_are_counted_and_told(kind: str) -> None:
    verdict = judge(saved(SCENE, kind) + b"secret" * 20)
    assert verdict.ok
    assert [flag.params for flag in verdict.flags if flag.code == "photo_bytes_behind"] == [{"bytes": 120}]


def test_an_end_marker_within_the_exif_is_not_the_end() -> None:
    """EXIF carries a thumbnail, a whole JPEG with an end of its own."""
    thumb = saved(SCENE.resize((40, 30)), "JPEG")
    assert told(judge(saved(SCENE, "JPEG", comment=thumb)))[1] == ["photo_no_exif"]


def test_a_photo_from_the_gallery_says_so() -> None:
    claim = {"sha256": "a" * 64, "width": 1, "height": 1, "taken_at": TAKEN.isoformat()}
    assert claim_from_document(claim).source == "camera"
    assert claim_from_document(claim | {"source": "camera"}).source == "camera"
    for other in ("gallery", "", 7, "Camera "):
        assert claim_from_document(claim | {"source": other}).source == "gallery"
    assert told(judge(GOOD, claim_for(GOOD, source="gallery"))) == ([], ["photo_from_gallery"])


def with_exif(change: dict[int, Any], **options: Any) -> bytes:
    exif = make_exif(TAKEN, lon=LON, lat=LAT)
    exif.update(change)
    return saved(SCENE, "JPEG", exif=exif.tobytes(), **options)


def test_a_file_written_again_after_it_was_taken_is_told() -> None:
    later = (TAKEN + timedelta(days=2)).strftime("%Y:%m:%d %H:%M:%S")
    verdict = judge(with_exif({int(ExifTags.Base.DateTime): later}))
    assert told(verdict) == ([], ["photo_saved_later"])
    assert verdict.flags[0].params == {"seconds": 2 * 86_400, "limit_s": 600}


def test_a_camera_clock_that_the_satellites_contradict_is_told() -> None:
    exif = make_exif(TAKEN, lon=LON, lat=LAT)
    exif.get_ifd(ExifTags.IFD.GPSInfo)[int(ExifTags.GPS.GPSDateStamp)] = "2026:03:01"
    verdict = judge(saved(SCENE, "JPEG", exif=exif.tobytes()))
    assert told(verdict) == ([], ["photo_gps_time_differs"])
    assert verdict.flags[0].params["seconds"] == 4 * 86_400


@pytest.mark.parametrize(
    "packet",
    [
        b'<rdf:Description xmp:CreatorTool="Adobe Photoshop 25.1"/>',
        b"<xmp:CreatorTool>GIMP 2.10</xmp:CreatorTool>",
    ],
)
def test_an_editor_that_only_xmp_names_is_told(packet: bytes) -> None:
    verdict = judge(with_exif({int(ExifTags.Base.Software): b"HDR+ 1.0"}, xmp=packet))
    assert told(verdict) == ([], ["photo_edited"])
    assert str(verdict.flags[0].params["software"]).startswith("HDR+ 1.0; ")


def test_a_small_unedited_picture_passes_whatever_its_format() -> None:
    for kind in ("JPEG", "PNG", "WEBP"):
        data = saved(Image.new("RGB", (1, 1)), kind)
        assert judge(data, claim_for(data, width=1, height=1)).ok
