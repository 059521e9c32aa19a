"""The values of this room: what a tablet claims about a photo, the limits, and the verdict."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from geo.coords import CoordinateError, Fix, Position, read_fix, read_time
from geo.fence import Presence, PresenceLimits

Format = Literal["JPEG", "PNG", "WEBP"]
Source = Literal["camera", "gallery"]
#: What `look` makes of a picture.
Look = bytes

_SHA256 = re.compile(r"[0-9a-f]{64}")


class Reason(msgspec.Struct, frozen=True):
    """Why: a code of catalogue `evidence` (or `geo`) and the values its text needs."""

    code: str
    params: dict[str, str | int] = {}


class PhotoLimits(msgspec.Struct, frozen=True):
    """What a photo may be and how far it may stray from its claim. The server fills it from dated settings.

    Refused beyond: `max_bytes` of the file, `max_pixels` = width x height, `max_side` in pixels.
    Flagged beyond: `time_skew_s` between EXIF and claimed time, `place_skew_m` between EXIF and claimed
    place (the claim's accuracy granted), `future_s` by which the claimed time may be ahead of ours, and
    `earliest`, before which no field photo was taken.
    `exif_utc_offset_min` is the zone of EXIF times that name none (480: China). `editors` are marks, in lower
    case, that picture editors leave in EXIF Software.
    """

    max_bytes: int = 30 * 1024 * 1024
    max_pixels: int = 80_000_000
    max_side: int = 16_000
    time_skew_s: int = 600
    place_skew_m: int = 300
    future_s: int = 600
    earliest: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    exif_utc_offset_min: int = 480
    presence: PresenceLimits = PresenceLimits()
    editors: tuple[str, ...] = (
        "photoshop",
        "fireworks",
        "lightroom",
        "gimp",
        "snapseed",
        "picsart",
        "pixlr",
        "facetune",
        "remini",
        "affinity photo",
        "paint.net",
        "acdsee",
        "vsco",
        "canva",
        "meitu",
        "美图",
        "xingtu",
        "醒图",
        "photogrid",
        "polish",
    )


class PhotoClaim(msgspec.Struct, frozen=True):
    """What the form says of a photo. `width` and `height` in pixels, as stored or as shown upright.

    `source` is `gallery` for a picture that the tablet did not take itself but chose from those it had.
    `notes` are flags raised while reading the claim; the verdict repeats them.
    """

    sha256: str
    width: int
    height: int
    taken_at: datetime | None = None
    location: Fix | None = None
    source: Source = "camera"
    notes: tuple[Reason, ...] = ()


class ExifFacts(msgspec.Struct, frozen=True):
    """What the camera wrote. Times are UTC; `offset_assumed` says that EXIF named no zone for `taken_at`.

    `saved_at` is when the file was last written, which an editor renews and a camera writes as `taken_at`.
    `software` names every program that left its name, XMP's CreatorTool included.

    `position` is None too when the datum that EXIF names (`gps_datum`) is not one that can be converted.
    `orientation` is EXIF's 1 to 8: 1 is upright, 5 to 8 swap the sides.
    """

    taken_at: datetime | None = None
    offset_assumed: bool = False
    saved_at: datetime | None = None
    position: Position | None = None
    gps_datum: str | None = None
    gps_at: datetime | None = None
    make: str | None = None
    model: str | None = None
    software: str | None = None
    orientation: int = 1


class PhotoVerdict(msgspec.Struct, frozen=True):
    """`ok` is False if and only if there are `reasons`. `flags` never refuse; people look at them.

    `sha256` and `bytes` are of the file as read, None and a lower bound if it was cut off at the limit.
    `width` and `height` are as stored, before the EXIF orientation. `presence` is set where a fence was
    given, `look` (see `look`) where the picture could be decoded.
    """

    ok: bool
    reasons: tuple[Reason, ...] = ()
    flags: tuple[Reason, ...] = ()
    sha256: str | None = None
    bytes: int = 0
    format: Format | None = None
    width: int | None = None
    height: int | None = None
    exif: ExifFacts | None = None
    presence: Presence | None = None
    look: Look | None = None


class ClaimError(ValueError):
    """A photo document that claims nothing which could be checked. `code` is of catalogue `evidence`."""

    def __init__(self, code: str, **params: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


def claim_from_document(doc: Mapping[str, Any]) -> PhotoClaim:
    """Read a `photo:` document's claim; raises ClaimError without a SHA-256, width and height.

    A time or place that cannot be read is flagged and taken as not given: the picture is evidence still.
    """
    sha256 = doc.get("sha256")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256.lower()):
        raise ClaimError("photo_claim_digest")
    width, height = _side(doc.get("width")), _side(doc.get("height"))
    notes = []
    taken_at, location = None, None
    try:
        taken_at = read_time(doc.get("taken_at"))
    except CoordinateError:
        notes.append(Reason("photo_claim_time"))
    place = doc.get("location")
    if place is not None:
        try:
            location = read_fix(place if isinstance(place, Mapping) else {})
        except CoordinateError as error:
            notes.append(Reason("photo_claim_place", {"code": error.code}))
    # Whatever else a tablet calls its source is not the camera that it holds.
    source: Source = "camera" if doc.get("source") in (None, "camera") else "gallery"
    return PhotoClaim(sha256.lower(), width, height, taken_at, location, source, tuple(notes))


def _side(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ClaimError("photo_claim_size")
    return value
