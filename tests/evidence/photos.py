"""Photos for the tests: drawn small, by the project's own sample maker, and claims that fit them."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any

from PIL import Image

from geo.coords import Fix, Position
from server.evidence.model import PhotoClaim, PhotoLimits, PhotoVerdict
from server.evidence.sample import sample_photo
from server.evidence.verify import verify_photo

LON, LAT = 117.283, 31.861
TAKEN = datetime(2026, 3, 5, 9, 30, tzinfo=timezone(timedelta(hours=8)))
RECEIVED = TAKEN.astimezone(UTC) + timedelta(hours=6)
SIZE = (160, 120)


def photo(**changes: Any) -> bytes:
    given: dict[str, Any] = {"seed": 1, "taken_at": TAKEN, "lon": LON, "lat": LAT, "size": SIZE}
    kind = changes.pop("kind", "earth_trench")
    return sample_photo(kind, **(given | changes))


def claim_for(data: bytes, **changes: Any) -> PhotoClaim:
    given: dict[str, Any] = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "width": SIZE[0],
        "height": SIZE[1],
        "taken_at": TAKEN,
        "location": Fix(Position(LON, LAT), 8.0),
    }
    return PhotoClaim(**(given | changes))


def judge(data: bytes, claim: PhotoClaim | None = None, **changes: Any) -> PhotoVerdict:
    given: dict[str, Any] = {"limits": PhotoLimits(), "received_at": RECEIVED}
    return verify_photo(io.BytesIO(data), claim or claim_for(data), **(given | changes))


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@cache
def png_bomb(width: int, height: int) -> bytes:
    """A PNG of one grey level, honest and tiny: a thousandth of its pixels in bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
