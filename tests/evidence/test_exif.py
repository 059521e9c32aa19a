"""EXIF is read for what it says, and broken EXIF says nothing instead of raising."""

from __future__ import annotations

import io
import random
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from PIL import ExifTags, Image, JpegImagePlugin

from server.evidence.exif import read_exif
from server.evidence.model import ExifFacts
from server.evidence.sample import make_exif
from tests.evidence.photos import LAT, LON, TAKEN, photo

BASE = ExifTags.Base


def facts(exif: Image.Exif, utc_offset_min: int = 480) -> ExifFacts | None:
    out = io.BytesIO()
    Image.new("L", (8, 8)).save(out, "JPEG", exif=exif.tobytes())
    with JpegImagePlugin.JpegImageFile(io.BytesIO(out.getvalue())) as image:
        return read_exif(image, utc_offset_min=utc_offset_min)


def test_everything_a_camera_wrote_is_read() -> None:
    wrote = make_exif(TAKEN, lon=LON, lat=-LAT, orientation=6, make=" NIKON ", model="P6000", software="v1")
    found = facts(wrote)
    assert found is not None
    assert found.taken_at == TAKEN
    assert not found.offset_assumed
    assert found.gps_at == TAKEN
    assert (found.make, found.model, found.software, found.orientation) == ("NIKON", "P6000", "v1", 6)
    assert found.position is not None
    assert found.position.lon == pytest.approx(LON, abs=1e-7)
    assert found.position.lat == pytest.approx(-LAT, abs=1e-7)


def test_a_time_without_a_zone_is_read_in_the_zone_given_and_says_so() -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[int(BASE.DateTimeOriginal)] = "2026:03:05 09:30:00"
    found = facts(exif)
    assert found is not None
    assert (found.taken_at, found.offset_assumed) == (TAKEN, True)
    other = facts(exif, utc_offset_min=-90)
    assert other is not None
    assert other.taken_at == datetime(2026, 3, 5, 11, 0, tzinfo=UTC)


def test_a_western_offset_is_honoured() -> None:
    there = datetime(2026, 3, 5, 9, 30, tzinfo=timezone(-timedelta(hours=3, minutes=30)))
    found = facts(make_exif(there, lon=None, lat=None))
    assert found is not None
    assert found.taken_at == there
    assert found.position is None


def test_a_file_s_own_time_is_in_the_zone_that_the_original_names() -> None:
    """Many cameras name a zone for the original only: that does not make the file hours younger."""
    there = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
    found = facts(make_exif(there, lon=None, lat=None), utc_offset_min=480)
    assert found is not None
    assert found.saved_at == found.taken_at == there


@pytest.mark.parametrize(
    ("datum", "readable"),
    [("WGS-84   ", True), ("CGCS2000", True), ("GCJ-02", True), ("BD-09", True), ("TOKYO", False)],
)
def test_the_named_datum_is_converted_and_a_foreign_one_is_not_guessed(datum: str, readable: bool) -> None:
    found = facts(make_exif(TAKEN, lon=LON, lat=LAT, datum=datum))
    assert found is not None
    assert found.gps_datum == datum.strip()
    assert (found.position is not None) == readable
    if datum == "GCJ-02":
        assert found.position is not None
        assert abs(found.position.lon - LON) > 0.001
        assert found.position.original is not None


@pytest.mark.parametrize(
    "place",
    [
        {ExifTags.GPS.GPSLatitude: (0.0, 0.0, 0.0), ExifTags.GPS.GPSLongitude: (0.0, 0.0, 0.0)},
        {ExifTags.GPS.GPSLatitude: (91.0, 0.0, 0.0)},
        {ExifTags.GPS.GPSLatitude: (31.0, 51.0)},
    ],
)
def test_a_place_that_is_none_is_not_there(place: dict[int, Any]) -> None:
    exif = make_exif(TAKEN, lon=LON, lat=LAT)
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({int(tag): value for tag, value in place.items()})
    found = facts(exif)
    assert found is not None
    assert found.position is None
    assert found.taken_at == TAKEN


@pytest.mark.parametrize(
    "when", ["0000:00:00 00:00:00", "    :  :     :  :  ", "2026:13:40 25:61:61", "5 March", ""]
)
def test_a_time_that_is_none_is_not_there(when: str) -> None:
    exif = Image.Exif()
    exif[int(BASE.Make)] = "X"
    exif.get_ifd(ExifTags.IFD.Exif)[int(BASE.DateTimeOriginal)] = when
    found = facts(exif)
    assert found is not None
    assert found.taken_at is None


@pytest.mark.parametrize("orientation", [0, 9, 300])
def test_an_orientation_that_is_none_is_upright(orientation: int) -> None:
    exif = make_exif(TAKEN, lon=None, lat=None, orientation=orientation)
    found = facts(exif)
    assert found is not None
    assert found.orientation == 1


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_chinese_names_are_read_as_they_were_meant(encoding: str) -> None:
    exif = Image.Exif()
    exif[int(BASE.Software)] = "美图秀秀 9".encode(encoding)
    found = facts(exif)
    assert found is not None
    assert found.software == "美图秀秀 9"


def test_a_picture_without_exif_has_none() -> None:
    assert read_exif(Image.new("RGB", (4, 4)), utc_offset_min=480) is None


@pytest.mark.filterwarnings("ignore")  # Pillow warns of what it skips; that is not the promise here
def test_damaged_exif_never_raises() -> None:
    """Bytes of the EXIF block are changed at random, lengths, offsets and directories among them."""
    good = photo()
    start = good.index(b"Exif\0\0") + 6
    chance = random.Random(11)
    read = 0
    for _ in range(400):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 12)):
            data[start + chance.randrange(300)] = chance.choice((0, 1, 8, 0x7F, 0xFF, chance.randrange(256)))
        with JpegImagePlugin.JpegImageFile(io.BytesIO(bytes(data))) as image:
            read += read_exif(image, utc_offset_min=480) is not None
    assert read > 0
