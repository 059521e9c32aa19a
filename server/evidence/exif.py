"""What the camera wrote into a photo: time, place, camera, software, orientation (JEITA CP-3451, Exif 2.32).

EXIF is written by many hands and damaged by more. Nothing here raises: what cannot be read is not there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from PIL import ExifTags, Image

from geo.coords import CoordinateError, Datum, Position, to_wgs84
from server.evidence.model import ExifFacts

_TEXT_LENGTH = 120
_OFFSET = re.compile(r"([+-])(\d{2}):(\d{2})")
_CREATOR = re.compile(rb"CreatorTool(?:>|\s*=\s*[\"'])([^<\"']{1,200})")
_DATUMS: dict[str, Datum] = {
    "WGS84": "wgs84",
    "CGCS2000": "cgcs2000",
    "GCJ02": "gcj02",
    "BD09": "bd09",
}


def read_exif(image: Image.Image, *, utc_offset_min: int) -> ExifFacts | None:
    """The facts in a picture's EXIF, or None if it has none.

    `utc_offset_min` is the zone, in minutes east of UTC, of a time that names none.
    """
    main, detail, gps = _tables(image)
    creator = _creator(image)
    if not (main or detail or gps or creator):
        return None
    taken_at, assumed = _taken_at(main, detail, utc_offset_min)
    base = ExifTags.Base
    datum = _text(gps.get(ExifTags.GPS.GPSMapDatum))
    orientation = main.get(base.Orientation)
    return ExifFacts(
        taken_at=taken_at,
        offset_assumed=assumed,
        saved_at=_saved_at(main, detail, utc_offset_min),
        position=_position(gps, datum),
        gps_datum=datum,
        gps_at=_gps_time(gps),
        make=_text(main.get(base.Make)),
        model=_text(main.get(base.Model)),
        software=_joined(_text(main.get(base.Software)), _text(main.get(base.ProcessingSoftware)), creator),
        orientation=orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,
    )


def _tables(image: Image.Image) -> tuple[dict[int, Any], dict[int, Any], dict[int, Any]]:
    """The main, Exif and GPS directories, each empty where it is missing or broken."""
    tables: list[dict[int, Any]] = [{}, {}, {}]
    with suppress(Exception):  # a parser on damaged bytes may raise anything; what was read before is kept
        exif = image.getexif()
        # A broken directory is often noticed only while its values are read.
        tables[0] = dict(exif)
        tables[1] = dict(exif.get_ifd(ExifTags.IFD.Exif))
        tables[2] = dict(exif.get_ifd(ExifTags.IFD.GPSInfo))
    return tables[0], tables[1], tables[2]


def _taken_at(
    main: Mapping[int, Any], detail: Mapping[int, Any], utc_offset_min: int
) -> tuple[datetime | None, bool]:
    """Original time, else digitized, else the file's, each with its own zone tag.

    Returned as UTC, and whether the zone was assumed.
    """
    base = ExifTags.Base
    for table, time_tag, zone_tag in (
        (detail, base.DateTimeOriginal, base.OffsetTimeOriginal),
        (detail, base.DateTimeDigitized, base.OffsetTimeDigitized),
        (main, base.DateTime, base.OffsetTime),
    ):
        moment, assumed = _moment(table, detail, time_tag, zone_tag, utc_offset_min)
        if moment is not None:
            return moment, assumed
    return None, False


def _saved_at(main: Mapping[int, Any], detail: Mapping[int, Any], utc_offset_min: int) -> datetime | None:
    """When the file was written. Cameras that name the zone of the original only mean it here as well."""
    base = ExifTags.Base
    for zone_tag in (base.OffsetTime, base.OffsetTimeOriginal, base.OffsetTimeDigitized):
        moment, assumed = _moment(main, detail, base.DateTime, zone_tag, utc_offset_min)
        if not assumed:
            break
    return moment


def _moment(
    table: Mapping[int, Any], detail: Mapping[int, Any], time_tag: int, zone_tag: int, utc_offset_min: int
) -> tuple[datetime | None, bool]:
    """One time tag as UTC, and whether its zone was assumed."""
    digits = re.findall(r"\d+", _text(table.get(time_tag)) or "")
    zone = _OFFSET.fullmatch(_text(detail.get(zone_tag)) or "")
    minutes = utc_offset_min
    if zone:
        minutes = (int(zone[2]) * 60 + int(zone[3])) * (-1 if zone[1] == "-" else 1)
    try:
        year, month, day, hour, minute, second = map(int, digits[:6])
        local = datetime(year, month, day, hour, minute, second, tzinfo=timezone(timedelta(minutes=minutes)))
        return local.astimezone(UTC), zone is None
    except (ValueError, OverflowError):
        return None, False


def _creator(image: Image.Image) -> str | None:
    """The program that XMP names, which editors write even where they leave EXIF as it was."""
    packet = image.info.get("xmp")
    if isinstance(packet, str):
        packet = packet.encode()
    found = _CREATOR.search(packet) if isinstance(packet, bytes) else None
    return _text(found[1]) if found else None


def _joined(*names: str | None) -> str | None:
    return "; ".join(dict.fromkeys(name for name in names if name)) or None


def _position(gps: Mapping[int, Any], datum: str | None) -> Position | None:
    lat = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef), "S")
    lon = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef), "W")
    # Cameras that had no fix write 0, 0, a place in the ocean.
    if lat is None or lon is None or (lat == 0 and lon == 0):
        return None
    name = _DATUMS.get(re.sub(r"[^A-Z0-9]", "", (datum or "WGS84").upper()))
    if name is None:
        return None
    try:
        return to_wgs84(lon, lat, name)
    except CoordinateError:
        return None


def _degrees(value: Any, ref: Any, negative: str) -> float | None:
    parts = _numbers(value, 3)
    if parts is None:
        return None
    degrees = parts[0] + parts[1] / 60 + parts[2] / 3600
    return -degrees if (_text(ref) or "").upper() == negative else degrees


def _gps_time(gps: Mapping[int, Any]) -> datetime | None:
    """The receiver's own time, which EXIF defines as UTC."""
    date = re.findall(r"\d+", _text(gps.get(ExifTags.GPS.GPSDateStamp)) or "")
    clock = _numbers(gps.get(ExifTags.GPS.GPSTimeStamp), 3)
    if clock is None:
        return None
    try:
        year, month, day = map(int, date[:3])
        return datetime(year, month, day, tzinfo=UTC) + timedelta(
            hours=clock[0], minutes=clock[1], seconds=clock[2]
        )
    except (ValueError, OverflowError):
        return None


def _numbers(value: Any, count: int) -> list[float] | None:
    if not isinstance(value, tuple | list) or len(value) != count:
        return None
    try:
        numbers = [float(part) for part in value]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return numbers if all(math.isfinite(number) for number in numbers) else None


def _text(value: Any) -> str | None:
    """A tag as trimmed text; tags hold bytes, padding, NULs and numbers as well."""
    if isinstance(value, str):
        # Pillow reads text tags as Latin-1; cameras write UTF-8 into them, whatever the standard says.
        with suppress(UnicodeError):
            value = value.encode("latin-1")
    if isinstance(value, bytes):
        value = _decoded(value)
    if not isinstance(value, str):
        return None
    words = "".join(letter for letter in value if letter.isprintable()).strip()
    return words[:_TEXT_LENGTH] or None


def _decoded(raw: bytes) -> str:
    for encoding in ("utf-8", "gb18030"):
        with suppress(UnicodeError):
            return raw.decode(encoding)
    return raw.decode("latin-1")
