"""A photo is refused when it is not evidence, and flagged when it merely looks odd."""

from __future__ import annotations

import hashlib
import io
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from geo.coords import Fix, Position
from geo.fence import circle
from server.evidence.model import ClaimError, PhotoLimits, claim_from_document
from server.evidence.verify import verify_photo
from tests.evidence.photos import LAT, LON, RECEIVED, SIZE, TAKEN, claim_for, judge, photo, png_bomb, saved

GOOD = photo()
SKEW = "photo_exif_time_differs"
PLAIN = Image.new("RGB", SIZE, (90, 120, 60))


def codes(reasons: tuple[Any, ...]) -> list[str]:
    return [reason.code for reason in reasons]


def test_a_true_photo_passes_without_a_flag() -> None:
    verdict = judge(GOOD, fence=circle(Position(LON, LAT), 200.0))
    assert (verdict.ok, verdict.reasons, verdict.flags) == (True, (), ())
    assert verdict.sha256 == hashlib.sha256(GOOD).hexdigest()
    assert (verdict.format, verdict.width, verdict.height, verdict.bytes) == ("JPEG", *SIZE, len(GOOD))
    assert verdict.exif is not None
    assert verdict.exif.taken_at == TAKEN
    assert verdict.presence is not None
    assert verdict.presence.verdict == "inside"


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_png_and_webp_pass(kind: str) -> None:
    verdict = judge(saved(PLAIN, kind))
    assert (verdict.ok, verdict.format) == (True, kind)


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 60}, {"exif": Image.Exif().tobytes()}])
def test_every_webp_layout_tells_its_size(options: dict[str, Any]) -> None:
    assert judge(saved(PLAIN, "WEBP", **options)).ok


@pytest.mark.parametrize("mode", ["L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_grey_ink_and_progressive_jpegs_pass(mode: str, progressive: bool) -> None:
    assert judge(saved(PLAIN.convert(mode), "JPEG", progressive=progressive)).ok


def test_other_bytes_than_the_form_names_are_refused() -> None:
    verdict = judge(GOOD, claim_for(GOOD + b"x"))
    assert codes(verdict.reasons) == ["photo_digest_differs"]
    assert verdict.format is None


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "photo_empty"),
        (b"<html>not found</html>", "photo_not_image"),
        (b"GIF89a" + bytes(40), "photo_not_image"),
        (b"\x00\x00\x00(ftypheic\x00\x00\x00\x00mif1heic" + bytes(64), "photo_heic"),
        (b"\x00\x00\x00\x1cftypavif" + bytes(64), "photo_heic"),
        (b"\xff\xd8\xff", "photo_undecodable"),
        (b"\xff\xd8\xff\xe0\x00\x00" + bytes(30), "photo_undecodable"),
        (b"\x89PNG\r\n\x1a\n", "photo_undecodable"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "photo_undecodable"),
        (GOOD[:200], "photo_undecodable"),
    ],
)
def test_what_is_no_photo_is_refused_by_name(data: bytes, code: str) -> None:
    verdict = judge(data)
    assert not verdict.ok
    assert codes(verdict.reasons) == [code]


@given(st.integers(1, len(GOOD) - 1))
@settings(max_examples=80, deadline=None)
def test_a_jpeg_cut_off_anywhere_is_refused(cut: int) -> None:
    """Also where the quick scaled decoding might have been content with less."""
    assert codes(judge(GOOD[:cut]).reasons) == ["photo_undecodable"] or cut < 3


@pytest.mark.parametrize(
    "options", [{"format": "PNG"}, {"format": "WEBP"}, {"format": "JPEG", "progressive": True}]
)
def test_other_formats_cut_off_are_refused(options: dict[str, Any]) -> None:
    noisy = Image.open(io.BytesIO(GOOD))
    out = io.BytesIO()
    noisy.save(out, **options)
    data = out.getvalue()
    for tenth in range(1, 10):
        assert codes(judge(data[: len(data) * tenth // 10]).reasons) == ["photo_undecodable"]


@given(st.binary(max_size=400), st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFFxxxxWEBPVP8X"]))
@settings(max_examples=150, deadline=None)
def test_no_bytes_raise_anything(noise: bytes, start: bytes) -> None:
    assert not judge(start + noise).ok


def test_a_bomb_is_refused_by_its_header_in_no_memory() -> None:
    """50,000 x 50,000 pixels would be 2.5 GB as grey bytes; the file takes 300 KB."""
    bomb = png_bomb(50_000, 50_000)
    assert len(bomb) < 400_000
    claim = claim_for(bomb, width=50_000, height=50_000)
    tracemalloc.start()
    try:
        verdict = judge(bomb, claim)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert codes(verdict.reasons) == ["photo_side_too_long"]
    assert peak < 4_000_000
    huge = claim_for(bomb, width=50_000, height=50_000)
    assert codes(judge(bomb, huge, limits=PhotoLimits(max_side=60_000)).reasons) == ["photo_too_many_pixels"]


def test_a_jpeg_header_that_lies_upwards_is_refused_before_decoding() -> None:
    """The frame header of a small JPEG is patched to 65,000 x 65,000."""
    at = GOOD.index(b"\xff\xc0") + 5
    lying = GOOD[:at] + b"\xfd\xe8\xfd\xe8" + GOOD[at + 4 :]
    verdict = judge(lying, claim_for(lying, width=65_000, height=65_000))
    assert codes(verdict.reasons) == ["photo_side_too_long"]


def test_a_file_over_the_limit_is_refused_and_not_read_on() -> None:
    class Endless(io.RawIOBase):
        served = 0

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            self.served += size
            return bytes(size)

    stream = Endless()
    verdict = verify_photo(
        cast(BinaryIO, stream), claim_for(GOOD), limits=PhotoLimits(max_bytes=1_000_000), received_at=RECEIVED
    )
    assert codes(verdict.reasons) == ["photo_too_many_bytes"]
    assert verdict.sha256 is None
    assert stream.served < 2_000_000


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_no_photo(kind: str) -> None:
    other = Image.new("RGB", SIZE, (200, 30, 30))
    data = saved(PLAIN, kind, save_all=True, append_images=[other], duration=100)
    assert codes(judge(data).reasons) == ["photo_animated"]


def test_a_picture_of_another_size_than_claimed_is_refused() -> None:
    verdict = judge(GOOD, claim_for(GOOD, width=SIZE[0] + 1))
    assert codes(verdict.reasons) == ["photo_size_differs"]
    assert verdict.reasons[0].params == {"claimed": "161 × 120", "found": "160 × 120"}


def test_a_turned_photo_may_be_claimed_as_stored_or_as_shown() -> None:
    data = photo(size=(120, 160), orientation=6)
    stored = judge(data, claim_for(data, width=160, height=120))
    shown = judge(data, claim_for(data, width=120, height=160))
    assert (stored.ok, shown.ok) == (True, True)
    assert (stored.width, stored.height) == (160, 120)
    assert codes(judge(GOOD, claim_for(GOOD, width=120, height=160)).reasons) == ["photo_size_differs"]


@pytest.mark.parametrize(
    ("made", "claimed", "flags"),
    [
        ({"taken_at": TAKEN - timedelta(hours=2)}, {}, [SKEW]),
        ({"taken_at": TAKEN - timedelta(minutes=9)}, {}, []),
        ({"lon": LON + 0.01}, {}, ["photo_exif_place_differs"]),
        ({"lon": LON + 0.01}, {"location": Fix(Position(LON, LAT), 900.0)}, []),
        ({"lon": None}, {}, []),
        ({"software": "Adobe Photoshop 25.1 (Windows)"}, {}, ["photo_edited"]),
        ({"software": "美图秀秀 9"}, {}, ["photo_edited"]),
        ({"software": "Nikon Transfer 1.1 W"}, {}, []),
        ({}, {"taken_at": RECEIVED + timedelta(days=3)}, ["photo_taken_in_future", SKEW]),
        ({}, {"taken_at": datetime(1999, 12, 31, tzinfo=UTC)}, ["photo_taken_too_early", SKEW]),
        ({}, {"location": None, "taken_at": None}, []),
    ],
)
def test_what_looks_odd_is_flagged_and_never_refused(
    made: dict[str, Any], claimed: dict[str, Any], flags: list[str]
) -> None:
    data = photo(**made)
    verdict = judge(data, claim_for(data, **claimed))
    assert verdict.ok
    assert codes(verdict.flags) == flags


def test_a_photo_without_exif_or_its_time_is_flagged() -> None:
    assert codes(judge(saved(PLAIN, "JPEG")).flags) == ["photo_no_exif"]
    exif = Image.Exif()
    exif[0x0112] = 1
    assert codes(judge(saved(PLAIN, "JPEG", exif=exif.tobytes())).flags) == ["photo_no_exif_time"]


def test_a_place_off_site_or_unknown_is_flagged() -> None:
    far = circle(Position(LON + 0.05, LAT), 200.0)
    found = judge(GOOD, fence=far)
    assert (found.ok, codes(found.flags)) == (True, ["photo_off_site"])
    assert int(found.flags[0].params["distance_m"]) > 4_000
    nowhere = judge(GOOD, claim_for(GOOD, location=None), fence=far)
    assert (nowhere.ok, codes(nowhere.flags)) == (True, ["photo_place_unknown"])


def test_the_limits_are_parameters() -> None:
    strict = PhotoLimits(time_skew_s=60, place_skew_m=5)
    data = photo(taken_at=TAKEN - timedelta(minutes=5), lat=LAT + 0.0004)
    assert codes(judge(data, limits=strict).flags) == [SKEW, "photo_exif_place_differs"]
    assert codes(judge(GOOD, limits=PhotoLimits(max_pixels=100)).reasons) == ["photo_too_many_pixels"]
    assert codes(judge(GOOD, limits=PhotoLimits(max_bytes=100)).reasons) == ["photo_too_many_bytes"]


def test_a_failing_disk_does_not_condemn_the_photo() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        verify_photo(Broken(GOOD), claim_for(GOOD), limits=PhotoLimits(), received_at=RECEIVED)


DOC: dict[str, Any] = {
    "_id": "photo:1",
    "sha256": "AB" * 32,
    "width": 160,
    "height": 120,
    "taken_at": "2026-03-05T09:30:00+08:00",
    "location": {"lon": LON, "lat": LAT, "datum": "wgs84", "accuracy_m": 6},
}


def test_a_claim_is_read_from_its_document() -> None:
    claim = claim_from_document(DOC)
    assert claim.sha256 == "ab" * 32
    assert claim.taken_at == TAKEN
    assert claim.location == Fix(Position(LON, LAT), 6.0)
    assert claim.notes == ()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sha256": None}, "photo_claim_digest"),
        ({"sha256": "zz" * 32}, "photo_claim_digest"),
        ({"width": "160"}, "photo_claim_size"),
        ({"height": 0}, "photo_claim_size"),
        ({"height": True}, "photo_claim_size"),
    ],
)
def test_a_document_that_claims_nothing_checkable_is_refused(change: dict[str, Any], code: str) -> None:
    with pytest.raises(ClaimError) as caught:
        claim_from_document(DOC | change)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "location", ["here", {}, {"lon": LON, "lat": LAT}, {"lon": None, "lat": 1, "datum": "wgs84"}]
)
def test_a_claimed_place_or_time_that_cannot_be_read_is_flagged(location: Any) -> None:
    claim = claim_from_document(DOC | {"location": location, "taken_at": "yesterday"})
    assert (claim.location, claim.taken_at) == (None, None)
    data = photo()
    verdict = judge(data, claim_for(data, notes=claim.notes))
    assert codes(verdict.flags) == ["photo_claim_time", "photo_claim_place"]
