"""Renditions: small upright JPEG copies for looking at, which carry nothing of the person who took them.

The picture is scaled while it is decoded and only then turned upright: the other order decodes it in full.
All sizes come from one decoding. The colour profile stays, EXIF, XMP and comments go. The original is only
read.
"""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from PIL import Image, ImageCms

from server.evidence.exif import read_exif
from server.evidence.header import Refused, open_bounded
from server.evidence.model import PhotoLimits
from server.evidence.watermark import stamp

Size = Literal["thumb", "paper", "screen"]

#: Long side in pixels and JPEG quality of each rendition. On paper a photo is 58 mm wide: 300 to the inch.
SIZES: Mapping[Size, tuple[int, int]] = {"thumb": (320, 78), "paper": (700, 80), "screen": (1600, 82)}

#: How many lines of a watermark each can carry and still show the picture; on paper a caption says it.
MARK_LINES: Mapping[Size, int] = {"thumb": 1, "paper": 0, "screen": 6}

#: Colour profiles of cameras and screens take some kilobytes; a printer's does not belong into a thumbnail.
MAX_PROFILE_BYTES = 64 * 1024

# Decode at no less than 1.2 times the wanted size: the cost of a smaller scale without a visible loss.
_REDUCING_GAP = 1.2
# What is to be smaller still is first averaged down to no less than the wanted size, in whole steps.
_AVERAGING_GAP = 1.0
_PAPER = (255, 255, 255)

#: What brings the stored pixels upright, by EXIF orientation (Exif 2.32, 4.6.4).
_UPRIGHT: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Rendition(msgspec.Struct, frozen=True):
    """One picture written: pixels and bytes."""

    width: int
    height: int
    bytes: int


class Shown(msgspec.Struct, frozen=True):
    """Renditions wanted of a photo: the file of each, and the lines of their watermark."""

    outs: dict[Size, str] = {}
    mark: tuple[str, ...] = ()


UNSHOWN = Shown()


def render(
    path: Path, size: Size, out: Path, *, limits: PhotoLimits | None = None, mark: Sequence[str] = ()
) -> Rendition:
    """Write one rendition of the photo at `path` to `out`; see `render_all`."""
    return render_all(path, {size: out}, limits=limits, mark=mark)[size]


def render_all(
    path: Path,
    outs: Mapping[Size, Path],
    *,
    limits: PhotoLimits | None = None,
    mark: Sequence[str] = (),
) -> dict[Size, Rendition]:
    """Write the renditions named, decoding once.

    `mark` are the lines of the watermark, the most telling first; a thumbnail carries
    the first only. Each file appears whole or not at all. Raises Refused for what is no photo within the
    limits or cannot be decoded, OSError for the disk. Nothing is ever enlarged.
    """
    limits = limits or PhotoLimits()
    with path.open("rb") as file:
        _, source = open_bounded(file, limits)
        with source:
            try:
                exif = read_exif(source, utc_offset_min=limits.exif_utc_offset_min)
                decode(source, max(SIZES[size][0] for size in outs))
                return write_all(source, exif.orientation if exif else 1, outs, mark)
            except (Refused, MemoryError):
                raise
            except Exception as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise
                raise Refused("photo_undecodable", cause="damaged") from error


def decode(source: Image.Image, side: int = SIZES["screen"][0]) -> None:
    """Decode a picture just opened to its end, scaled down by the decoder as far as `side` pixels allow.

    A JPEG's scaling leaves out sums, not bytes: every coefficient of every scan is read at any scale.
    """
    least = round(side * _REDUCING_GAP)
    ratio = least / max(source.size)
    source.draft(None, (round(source.width * ratio), round(source.height * ratio)))
    source.load()


def write_all(
    picture: Image.Image,
    orientation: int,
    outs: Mapping[Size, Path],
    mark: Sequence[str],
    ready: Mapping[Size, Image.Image] | None = None,
) -> dict[Size, Rendition]:
    """Write renditions of a decoded picture; those `ready` were made by `upright` before. None of these is
    what it was afterwards: the mark is drawn on it where no other rendition needs it.

    Raises whatever Pillow does with odd pictures, OSError for the disk.
    """
    made: dict[Size, Rendition] = {}
    last = list(outs)[-1:]
    for size, out in outs.items():
        side, quality = SIZES[size]
        image = (ready or {}).get(size) or upright(picture, orientation, side)
        own = [size] == last or image is not picture
        made[size] = _write(stamp(image, mark[: MARK_LINES[size]], own=own), out, quality)
    return made


def upright(picture: Image.Image, orientation: int, side: int) -> Image.Image:
    """A decoded picture scaled to `side`, turned upright by its EXIF orientation and brought to RGB or grey,
    with no metadata but the colour profile. It may be the picture itself."""
    image = picture
    longer = max(image.size)
    if longer > side:
        size = (max(1, round(image.width * side / longer)), max(1, round(image.height * side / longer)))
        image = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=_AVERAGING_GAP)
    image = flat(image)
    turn = _UPRIGHT.get(orientation)
    if turn is not None:
        image = image.transpose(turn)
    profile = image.info.get("icc_profile")
    fits = isinstance(profile, bytes) and len(profile) <= MAX_PROFILE_BYTES
    image.info = {"icc_profile": profile} if fits else {}
    return image


def flat(image: Image.Image) -> Image.Image:
    """RGB or L, transparency laid on white, ink colours and 16 bits brought to what screens show."""
    if image.mode in ("RGB", "L"):
        if "transparency" not in image.info:
            return image
        image = image.convert("RGBA")
    if image.mode == "CMYK":
        return _from_ink(image)
    if image.mode.startswith("I"):
        return _without_profile(image.convert("I").point(lambda value: value / 256).convert("L"))
    if image.mode in ("LA", "PA", "RGBA", "RGBa", "La") or "transparency" in image.info:
        alpha = image.convert("RGBA")
        paper = Image.new("RGB", alpha.size, _PAPER)
        paper.paste(alpha, mask=alpha.getchannel("A"))
        paper.info = dict(image.info)
        return paper
    return image.convert("RGB")


def _from_ink(image: Image.Image) -> Image.Image:
    """CMYK by its own profile to sRGB, or by the plain formula where it has none that works."""
    profile = image.info.get("icc_profile")
    if isinstance(profile, bytes):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            screen = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, screen, outputMode="RGB")
            if converted is not None:
                return _without_profile(converted)
        except (ImageCms.PyCMSError, OSError):
            pass
    return _without_profile(image.convert("RGB"))


def _without_profile(image: Image.Image) -> Image.Image:
    image.info = {}
    return image


def _write(image: Image.Image, out: Path, quality: int) -> Rendition:
    """Write beside `out` and rename, so that no reader meets half a picture."""
    part = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
    try:
        image.save(part, "JPEG", quality=quality, icc_profile=image.info.get("icc_profile"))
        written = part.stat().st_size
        os.replace(part, out)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return Rendition(image.width, image.height, written)
