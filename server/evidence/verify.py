"""One photo judged: are these the bytes the form names, a whole picture within bounds, and true to the claim.

What cannot be evidence is refused; what merely looks odd is flagged for people. The order is cheapest and
safest first: size while reading, digest, header, and only then the decoder, which alone notices a file
that breaks off. One decoding proves the photo whole, gives its look and its renditions. Run it on strangers'
files through `workers`.
"""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, BinaryIO, cast

from PIL import Image

from geo.fence import Presence, SiteFence, presence
from geo.metric import distance_m
from server.evidence.exif import read_exif
from server.evidence.foreign import check_alone
from server.evidence.header import Header, Refused, open_bounded
from server.evidence.look import look_of
from server.evidence.model import ExifFacts, PhotoClaim, PhotoLimits, PhotoVerdict, Reason
from server.evidence.renditions import SIZES, UNSHOWN, Shown, Size, decode, upright, write_all

_BLOCK = 256 * 1024
_SPOOL_IN_MEMORY = 1024 * 1024


def verify_photo(
    stream: BinaryIO,
    claim: PhotoClaim,
    *,
    limits: PhotoLimits,
    received_at: datetime,
    fence: SiteFence | None = None,
    shown: Shown = UNSHOWN,
) -> PhotoVerdict:
    """Judge a photo from a stream of bytes, read once; no more than `limits.max_bytes` are kept, on disk.

    `shown` are the renditions that a photo which passes is given at once, from the same decoding. The verdict
    does not hang on them: one that could not be written is not there.

    Raises nothing on account of the photo; an OSError means that reading or the disk failed.
    """
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL_IN_MEMORY) as spool:
        hashed = copy_hashed(stream, cast(IO[bytes], spool), limits.max_bytes)
        file = cast(BinaryIO, spool)
        return _judge(file, hashed, claim, limits=limits, received_at=received_at, fence=fence, shown=shown)


def verify_file(
    path: Path,
    claim: PhotoClaim,
    *,
    limits: PhotoLimits,
    received_at: datetime,
    fence: SiteFence | None = None,
    shown: Shown = UNSHOWN,
) -> PhotoVerdict:
    """`verify_photo` for a file at hand, which is read in place."""
    with path.open("rb") as file:
        hashed = copy_hashed(file, None, limits.max_bytes)
        return _judge(file, hashed, claim, limits=limits, received_at=received_at, fence=fence, shown=shown)


def copy_hashed(source: BinaryIO, target: IO[bytes] | None, max_bytes: int) -> tuple[str | None, int]:
    """Copy and hash; returns (SHA-256, bytes read), or None for the hash once `max_bytes` are passed.

    The copy of a file that was cut off is itself over the limit, so that whoever reads it next sees that.
    """
    digest, size = hashlib.sha256(), 0
    while block := source.read(_BLOCK):
        size += len(block)
        if target is not None:
            target.write(block)
        if size > max_bytes:
            return None, size
        digest.update(block)
    return digest.hexdigest(), size


def _judge(
    file: BinaryIO,
    hashed: tuple[str | None, int],
    claim: PhotoClaim,
    *,
    limits: PhotoLimits,
    received_at: datetime,
    fence: SiteFence | None,
    shown: Shown,
) -> PhotoVerdict:
    sha256, size = hashed
    header: Header | None = None
    exif: ExifFacts | None = None
    behind = 0
    look: bytes | None = None
    there = None if fence is None else presence(fence, claim.location, limits=limits.presence)
    reasons: tuple[Reason, ...] = ()
    try:
        if sha256 is None:
            raise Refused("photo_too_many_bytes", limit=limits.max_bytes)
        if sha256 != claim.sha256:
            raise Refused("photo_digest_differs", claimed=claim.sha256, found=sha256)
        picture = _decode(file, limits)
        header, exif, look = picture.header, picture.exif, look_of(picture.thumb)
        file.seek(0)
        behind = check_alone(file.read(), header.format)
        _check_size(header, exif, claim)
        _show(picture, shown)
    except Refused as refused:
        reasons = (refused.reason,)
    flags = (
        *claim.notes,
        *_source_flags(claim),
        *_time_flags(claim, limits, received_at),
        *_place_flags(there),
    )
    if header is not None:
        flags += _exif_flags(exif, claim, limits)
    if behind:
        flags += (Reason("photo_bytes_behind", {"bytes": behind}),)
    return PhotoVerdict(
        ok=not reasons,
        reasons=reasons,
        flags=flags,
        sha256=sha256,
        bytes=size,
        format=header.format if header else None,
        width=header.width if header else None,
        height=header.height if header else None,
        exif=exif,
        presence=there,
        look=look,
    )


@dataclass(frozen=True)
class _Picture:
    """A photo decoded: `image` as stored, `thumb` upright and small."""

    header: Header
    exif: ExifFacts | None
    image: Image.Image
    thumb: Image.Image

    @property
    def orientation(self) -> int:
        return self.exif.orientation if self.exif else 1


def _decode(file: BinaryIO, limits: PhotoLimits) -> _Picture:
    """Decode the whole file, which is the only proof that it is whole; raises Refused."""
    try:
        header, image = open_bounded(file, limits)
        exif = read_exif(image, utc_offset_min=limits.exif_utc_offset_min)
        decode(image)
        thumb = upright(image, exif.orientation if exif else 1, SIZES["thumb"][0])
        return _Picture(header, exif, image, thumb)
    except (Refused, KeyboardInterrupt):
        raise
    except MemoryError:
        raise Refused("photo_undecodable", cause="memory") from None
    except Exception as error:
        # Decoders raise all kinds on damaged bytes. Only the system's own errors carry a number: those say
        # nothing about the photo and must not condemn it.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise Refused("photo_undecodable", cause="damaged") from error


def _show(picture: _Picture, shown: Shown) -> None:
    """Write the renditions wanted, or not: a full disk or an odd profile says nothing against the photo."""
    outs: dict[Size, Path] = {size: Path(out) for size, out in shown.outs.items()}
    with suppress(Exception):
        write_all(picture.image, picture.orientation, outs, shown.mark, {"thumb": picture.thumb})


def _check_size(header: Header, exif: ExifFacts | None, claim: PhotoClaim) -> None:
    """The claim may name the sides as stored or as shown upright: browsers report the latter."""
    stored, claimed = (header.width, header.height), (claim.width, claim.height)
    upright = stored[::-1] if exif and exif.orientation >= 5 else stored
    if claimed not in (stored, upright):
        raise Refused(
            "photo_size_differs",
            claimed=f"{claim.width} × {claim.height}",
            found=f"{header.width} × {header.height}",
        )


def _source_flags(claim: PhotoClaim) -> tuple[Reason, ...]:
    return (Reason("photo_from_gallery"),) if claim.source == "gallery" else ()


def _time_flags(claim: PhotoClaim, limits: PhotoLimits, received_at: datetime) -> tuple[Reason, ...]:
    if claim.taken_at is None:
        return ()
    ahead = (claim.taken_at - received_at).total_seconds()
    if ahead > limits.future_s:
        return (Reason("photo_taken_in_future", {"seconds": round(ahead), "limit_s": limits.future_s}),)
    if claim.taken_at < limits.earliest:
        return (Reason("photo_taken_too_early", {"taken_at": claim.taken_at.isoformat()}),)
    return ()


def _place_flags(there: Presence | None) -> tuple[Reason, ...]:
    if there is None or there.verdict in ("inside", "near"):
        return ()
    code = "photo_off_site" if there.verdict == "outside" else "photo_place_unknown"
    return (Reason(code, dict(there.params())),)


def _exif_flags(exif: ExifFacts | None, claim: PhotoClaim, limits: PhotoLimits) -> tuple[Reason, ...]:
    if exif is None:
        return (Reason("photo_no_exif"),)
    flags = []
    if exif.taken_at is None:
        flags.append(Reason("photo_no_exif_time"))
    elif claim.taken_at is not None:
        skew = abs((exif.taken_at - claim.taken_at).total_seconds())
        if skew > limits.time_skew_s:
            flags.append(
                Reason("photo_exif_time_differs", {"seconds": round(skew), "limit_s": limits.time_skew_s})
            )
    flags += _camera_time_flags(exif, limits)
    if exif.position is not None and claim.location is not None:
        place = claim.location.position
        apart = distance_m(exif.position.lon, exif.position.lat, place.lon, place.lat)
        if apart - max(0.0, claim.location.accuracy_m or 0.0) > limits.place_skew_m:
            flags.append(
                Reason("photo_exif_place_differs", {"metres": round(apart), "limit_m": limits.place_skew_m})
            )
    elif exif.position is None and exif.gps_datum is not None:
        flags.append(Reason("photo_exif_datum_unknown", {"datum": exif.gps_datum}))
    software = (exif.software or "").lower()
    if any(mark in software for mark in limits.editors):
        flags.append(Reason("photo_edited", {"software": exif.software or ""}))
    return tuple(flags)


def _camera_time_flags(exif: ExifFacts, limits: PhotoLimits) -> list[Reason]:
    """The times within EXIF against each other: written again later, or not when the receiver says."""
    flags: list[Reason] = []
    if exif.taken_at is None:
        return flags
    for code, other in (("photo_saved_later", exif.saved_at), ("photo_gps_time_differs", exif.gps_at)):
        apart = 0 if other is None else round(abs((other - exif.taken_at).total_seconds()))
        if apart > limits.time_skew_s:
            flags.append(Reason(code, {"seconds": apart, "limit_s": limits.time_skew_s}))
    return flags
