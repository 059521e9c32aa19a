"""Photos as a tablet's camera takes them: JPEG files with EXIF time and place, no two alike."""

from __future__ import annotations

import io
import itertools
from datetime import datetime
from functools import cache

from PIL import Image

from server.evidence.sample import draw, make_exif

WIDTH, HEIGHT = 320, 240
_serial = itertools.count(1)


@cache
def _scene() -> Image.Image:
    return draw("earth_trench", seed=1, size=(WIDTH, HEIGHT))


def shoot(at: datetime, lon: float, lat: float) -> bytes:
    """One exposure of WIDTH by HEIGHT pixels; its serial number in EXIF makes each file's bytes its own."""
    exif = make_exif(at, lon=lon, lat=lat, make="Hezha Demo", model=f"Field Tablet {next(_serial)}")
    out = io.BytesIO()
    _scene().save(out, "JPEG", quality=70, exif=exif.tobytes())
    return out.getvalue()
