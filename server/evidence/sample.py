"""Photos for the demo and the tests: drawn, yet real JPEG files with the EXIF that a tablet's camera writes.

The same arguments give the same bytes with the same Pillow. Nothing is read from disk.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Literal

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from server.evidence.scenes import ground, plant
from server.evidence.scenes.paint import HEIGHT, WIDTH, Sheet

Kind = Literal[
    "site",
    "earth_trench",
    "weld",
    "cable_trench",
    "earth_tester",
    "switchgear",
    "door",
    "transformer",
    "nameplate",
    "meter",
]

SCENES: Mapping[Kind, Callable[[Sheet], None]] = {
    "site": ground.site,
    "earth_trench": ground.earth_trench,
    "weld": ground.weld,
    "cable_trench": ground.cable_trench,
    "earth_tester": ground.earth_tester,
    "switchgear": plant.switchgear,
    "door": plant.door,
    "transformer": plant.transformer,
    "nameplate": plant.nameplate,
    "meter": plant.meter,
}
KINDS: tuple[Kind, ...] = tuple(SCENES)

#: What undoes each EXIF orientation: applied to an upright picture it gives the pixels as stored.
STORED: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def sample_photo(
    kind: Kind,
    *,
    seed: int,
    taken_at: datetime,
    lon: float | None = None,
    lat: float | None = None,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    orientation: int = 1,
    text_lines: Sequence[str] = (),
    make: str = "Hezha Demo",
    model: str = "Field Tablet 10",
    software: str | None = None,
    quality: int = 84,
) -> bytes:
    """A JPEG of the scene. `taken_at` needs a zone; `lon`, `lat` are WGS-84 degrees or None for no GPS.

    `size` is (width, height) in pixels when shown upright; with an EXIF `orientation` of 5 to 8 the file
    stores the sides swapped. `text_lines` appear on a card in the picture, Latin letters only.
    """
    picture = draw(kind, seed=seed, size=size, text_lines=text_lines)
    turn = STORED.get(orientation)
    if turn is not None:
        picture = picture.transpose(turn)
    exif = make_exif(
        taken_at, lon=lon, lat=lat, orientation=orientation, make=make, model=model, software=software
    )
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, exif=exif.tobytes())
    return out.getvalue()


def draw(kind: Kind, *, seed: int, size: tuple[int, int], text_lines: Sequence[str] = ()) -> Image.Image:
    """The scene as an upright RGB picture of exactly `size` pixels."""
    width, height = size
    sheet = Sheet(max(width / WIDTH, height / HEIGHT), f"{kind}:{seed}")
    SCENES[kind](sheet)
    picture = sheet.image
    if text_lines:
        # The card must survive the crop to a portrait picture, so it is put where that will look.
        shown = width / sheet.scale
        left = (WIDTH - shown) / 2
        sheet.board(text_lines, left + min(shown * 0.36, 430), HEIGHT * 0.8, sheet.jitter(3))
    picture = sheet.develop()
    left_px, top_px = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left_px, top_px, left_px + width, top_px + height))


def make_exif(
    taken_at: datetime,
    *,
    lon: float | None,
    lat: float | None,
    orientation: int = 1,
    make: str | None = None,
    model: str | None = None,
    software: str | None = None,
    datum: str = "WGS-84",
) -> Image.Exif:
    """EXIF as cameras write it: local time with its offset, and the receiver's position and UTC time."""
    if taken_at.tzinfo is None:
        raise ValueError("taken_at needs a time zone")
    exif = Image.Exif()
    named = {
        ExifTags.Base.Make: make,
        ExifTags.Base.Model: model,
        ExifTags.Base.Software: software,
        ExifTags.Base.DateTime: taken_at.strftime("%Y:%m:%d %H:%M:%S"),
    }
    # As UTF-8 bytes, the way cameras do it: Pillow would turn other letters into question marks.
    exif.update({int(tag): words.encode() for tag, words in named.items() if words is not None})
    exif[int(ExifTags.Base.Orientation)] = orientation
    offset = taken_at.strftime("%z")
    offset = f"{offset[:3]}:{offset[3:5]}"
    detail = exif.get_ifd(ExifTags.IFD.Exif)
    for time_tag, zone_tag in (
        (ExifTags.Base.DateTimeOriginal, ExifTags.Base.OffsetTimeOriginal),
        (ExifTags.Base.DateTimeDigitized, ExifTags.Base.OffsetTimeDigitized),
    ):
        detail[int(time_tag)] = taken_at.strftime("%Y:%m:%d %H:%M:%S")
        detail[int(zone_tag)] = offset
    if lon is not None and lat is not None:
        utc = taken_at.astimezone(UTC)
        clock = (IFDRational(utc.hour), IFDRational(utc.minute), IFDRational(utc.second))
        tag = ExifTags.GPS
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(
            {
                int(tag.GPSVersionID): b"\x02\x03\x00\x00",
                int(tag.GPSLatitudeRef): "N" if lat >= 0 else "S",
                int(tag.GPSLatitude): _sexagesimal(abs(lat)),
                int(tag.GPSLongitudeRef): "E" if lon >= 0 else "W",
                int(tag.GPSLongitude): _sexagesimal(abs(lon)),
                int(tag.GPSTimeStamp): clock,
                int(tag.GPSDateStamp): utc.strftime("%Y:%m:%d"),
                int(tag.GPSMapDatum): datum,
            }
        )
    return exif


def _sexagesimal(degrees: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    """Degrees, minutes and seconds to a ten-thousandth of a second (3 mm)."""
    ticks = round(Fraction(degrees) * 36_000_000)
    whole, rest = divmod(ticks, 36_000_000)
    minutes, seconds = divmod(rest, 600_000)
    return IFDRational(whole, 1), IFDRational(minutes, 1), IFDRational(seconds, 10_000)
