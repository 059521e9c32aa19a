"""A picture's format and size from its first bytes, before any decoder touches it.

A decompression bomb is a tiny file with an honest header; who believes the header first never has to decode
it. Only what is needed to refuse is read here: the decoder's own view must agree afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

import msgspec
from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from server.evidence.model import Format, PhotoLimits, Reason

_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"}

# JPEG markers: frames carry the size; these stand alone, without a length.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_BARE = {0x01, *range(0xD0, 0xD9)}


class Header(msgspec.Struct, frozen=True):
    """`width` and `height` in pixels as stored; `animated` if the file holds more than one frame."""

    format: Format
    width: int
    height: int
    animated: bool = False


class Refused(Exception):
    """The file is not a photo that may be decoded; `reason` says why."""

    def __init__(self, code: str, **params: str | int) -> None:
        super().__init__(code)
        self.reason = Reason(code, params)


def read_header(file: BinaryIO) -> Header:
    """Read the header from the start of a seekable file; raises Refused for anything but a photo."""
    file.seek(0)
    start = file.read(32)
    if not start:
        raise Refused("photo_empty")
    header = None
    if start.startswith(b"\xff\xd8\xff"):
        header = _jpeg(file)
    elif start.startswith(b"\x89PNG\r\n\x1a\n"):
        header = _png(file)
    elif start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        header = _webp(start)
    elif start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS:
        raise Refused("photo_heic")
    else:
        raise Refused("photo_not_image")
    if header is None or not header.width or not header.height:
        raise Refused("photo_undecodable", cause="header")
    return header


def check_limits(header: Header, limits: PhotoLimits) -> None:
    """Raise Refused if the picture has too many pixels or frames to be decoded."""
    if max(header.width, header.height) > limits.max_side:
        raise Refused("photo_side_too_long", side=max(header.width, header.height), limit=limits.max_side)
    pixels = header.width * header.height
    if pixels > limits.max_pixels:
        raise Refused("photo_too_many_pixels", pixels=pixels, limit=limits.max_pixels)
    if header.animated:
        raise Refused("photo_animated")


def open_bounded(file: BinaryIO, limits: PhotoLimits) -> tuple[Header, Image.Image]:
    """Open a picture without decoding it, once its header is within the limits.

    Raises Refused, OSError for the disk.

    The plugin is called by name: what a file is was settled by the header, and Pillow's own bomb check is a
    global of the process that would warn at another number than ours.
    """
    header = read_header(file)
    check_limits(header, limits)
    file.seek(0)
    plugins: dict[Format, Callable[[BinaryIO], ImageFile.ImageFile]] = {
        "JPEG": JpegImagePlugin.JpegImageFile,
        "PNG": PngImagePlugin.PngImageFile,
        "WEBP": WebPImagePlugin.WebPImageFile,
    }
    try:
        image = plugins[header.format](file)
    except Exception as error:
        # Parsers raise all kinds on damaged bytes. Only the system's own errors carry a number: those say
        # nothing about the photo and must not condemn it.
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno):
            raise
        raise Refused("photo_undecodable", cause="damaged") from error
    if image.size != (header.width, header.height):
        raise Refused("photo_undecodable", cause="header")
    return header, image


def _jpeg(file: BinaryIO) -> Header | None:
    """Walk the segments up to the frame header (ITU-T T.81, B.1)."""
    file.seek(2)
    while (byte := file.read(1)) == b"\xff":
        while byte == b"\xff":
            byte = file.read(1)
        if not byte:
            return None
        marker = byte[0]
        if marker in _BARE:
            continue
        length = int.from_bytes(file.read(2), "big")
        if length < 2:
            return None
        if marker in _FRAMES:
            frame = file.read(5)
            return Header("JPEG", int.from_bytes(frame[3:5], "big"), int.from_bytes(frame[1:3], "big"))
        file.seek(length - 2, 1)
    return None


def _png(file: BinaryIO) -> Header | None:
    """IHDR, which comes first, and whether acTL (an animation) comes before the picture (PNG 5.6, 11.3)."""
    file.seek(8)
    width = height = 0
    while len(chunk := file.read(8)) == 8:
        length, kind = int.from_bytes(chunk[:4], "big"), chunk[4:]
        if kind == b"IHDR":
            body = file.read(8)
            width, height = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:], "big")
            length -= 8
        elif kind == b"acTL":
            return Header("PNG", width, height, animated=True)
        elif kind in (b"IDAT", b"IEND") or not width:
            break
        file.seek(max(0, length) + 4, 1)
    return Header("PNG", width, height) if width else None


def _webp(start: bytes) -> Header | None:
    """The first chunk: extended, lossless or lossy (WebP container specification; RFC 6386, 9.1)."""
    kind = start[12:16]
    if kind == b"VP8X" and len(start) >= 30:
        width, height = int.from_bytes(start[24:27], "little"), int.from_bytes(start[27:30], "little")
        return Header("WEBP", width + 1, height + 1, animated=bool(start[20] & 0x02))
    if kind == b"VP8L" and len(start) >= 25:
        bits = int.from_bytes(start[21:25], "little")
        return Header("WEBP", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8 " and len(start) >= 30:
        sides = int.from_bytes(start[26:28], "little"), int.from_bytes(start[28:30], "little")
        return Header("WEBP", sides[0] & 0x3FFF, sides[1] & 0x3FFF)
    return None
