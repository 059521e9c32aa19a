"""What a file carries besides its picture: a second file that others would open, or bytes behind the end.

A polyglot is a picture to us and an archive, a page or a program to whoever is sent it. Phones append
harmless things of their own (a depth picture, a second of video): what is merely there is told, not refused.
"""

from __future__ import annotations

import re

from server.evidence.header import Refused
from server.evidence.model import Format

#: How the readers of other formats find them. Each sign is long enough, or looked for in so few bytes, that a
#: picture holds it by chance less than once in a million photos.
_PDF, _PDF_WITHIN = b"%PDF-", 1024
_ZIP_END, _ZIP_END_WITHIN = b"PK\x05\x06\x00\x00\x00\x00", 65_557
_PAGE, _PAGE_WITHIN = re.compile(rb"<(?:!doctype html|html|head|body|svg)[\s>]", re.IGNORECASE), 1024
_ANYWHERE = (
    ("php", b"<?php "),
    ("php", b"<?php\n"),
    ("script", b"<script>"),
    ("script", b"<script "),
    ("rar", b"Rar!\x1a\x07"),
    ("7z", b"7z\xbc\xaf\x27\x1c"),
    ("program", b"This program cannot be run in DOS mode"),
)
_PROGRAM_BEHIND = b"\x7fELF"

#: What cameras and phones put behind a JPEG: padding, another JPEG (CIPA DC-007), a clip of video.
_PADDING = b"\x00\xff\r\n "
_JPEG_START = b"\xff\xd8\xff"
_VIDEO = b"ftyp"

# A marker that ends a scan: a stuffed 0xFF is followed by 0, restarts are part of the scan, 0xFF is filling.
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_SCAN, _END = 0xDA, 0xD9
_BARE = {0x01, *range(0xD0, 0xD9)}


def check_alone(data: bytes, kind: Format) -> int:
    """How many bytes lie behind the picture that no camera is known to put there; raises Refused.

    `data` is a whole file whose header was read. Refused is a file that is something else as well
    (`photo_polyglot`, with `kind` as zip, pdf, page, script, php, rar, 7z or program), and one that lacks its
    end though the decoder did not mind.
    """
    # The scans of a JPEG are nearly all of it and hold nothing but the picture; searching them costs time.
    beside, end = _jpeg_parts(data) if kind == "JPEG" else (data, _ENDS[kind](data))
    for name in _also(data, beside, end):
        raise Refused("photo_polyglot", kind=name)
    behind = data[end:]
    known = not behind.strip(_PADDING) or behind.startswith(_JPEG_START) or behind[4:8] == _VIDEO
    return 0 if known else len(behind)


def _also(data: bytes, beside: bytes, end: int) -> list[str]:
    """What the file is besides a picture."""
    found = [name for name, sign in _ANYWHERE if sign in beside]
    if data.find(_PDF, 0, _PDF_WITHIN) >= 0:
        found.append("pdf")
    if data.rfind(_ZIP_END, max(0, len(data) - _ZIP_END_WITHIN)) >= 0:
        found.append("zip")
    if _PAGE.search(data, 0, _PAGE_WITHIN):
        found.append("page")
    if data.startswith(_PROGRAM_BEHIND, end):
        found.append("program")
    return found


def _jpeg_parts(data: bytes) -> tuple[bytes, int]:
    """All but the scans, and where the picture ends: behind its EOI, or where it breaks off (T.81, B.1)."""
    outside, at, since = [], 2, 0
    while at + 1 < len(data):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == _END:
            end = at + 2
            outside.append(data[since:])
            return b"".join(outside), end
        if marker == 0xFF:
            at += 1
        elif marker in _BARE:
            at += 2
        else:
            # A length below 2 is no segment; what the decoder thinks of it is said elsewhere.
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
            if marker == _SCAN:
                outside.append(data[since:at])
                found = _AFTER_SCAN.search(data, at)
                at = since = found.start() if found else len(data)
    return b"".join([*outside, data[since:]]), len(data)


def _png_end(data: bytes) -> int:
    """Behind the chunk IEND (PNG 5.3), without which decoders are content and the file is cut off."""
    at = 8
    while at + 8 <= len(data):
        last = data[at + 4 : at + 8] == b"IEND"
        at += 12 + int.from_bytes(data[at : at + 4], "big")
        if last and at <= len(data):
            return at
    raise Refused("photo_undecodable", cause="damaged")


def _webp_end(data: bytes) -> int:
    """Behind the RIFF chunk, which is padded to an even length."""
    size = int.from_bytes(data[4:8], "little")
    if 8 + size > len(data):
        raise Refused("photo_undecodable", cause="damaged")
    return min(8 + size + size % 2, len(data))


_ENDS = {"PNG": _png_end, "WEBP": _webp_end}
