"""Where renditions of photos lie: beside the data, found by the digests of the original and of the watermark.

They are a cache: each can be deleted and is made again from the original when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from server.evidence.renditions import Shown, Size
from server.evidence.watermark import mark_digest

__all__ = ["AT_ONCE", "rendition_path", "shown_at_once"]

#: The sizes made while a photo is verified: those that people look at first. Paper's is made when printed.
AT_ONCE: tuple[Size, ...] = ("thumb", "screen")


def rendition_path(data_dir: Path, sha256: str, size: Size, mark: Sequence[str]) -> Path:
    """The file of a rendition, whether or not it is there."""
    return data_dir / "renditions" / sha256[:2] / f"{sha256}-{size}-{mark_digest(mark)}.jpg"


def shown_at_once(data_dir: Path, sha256: str, mark: Sequence[str]) -> Shown:
    """What to write of a photo that passes; raises OSError where there is no folder to be had."""
    paths = {size: rendition_path(data_dir, sha256, size, mark).absolute() for size in AT_ONCE}
    for path in paths.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    return Shown({size: str(path) for size, path in paths.items()}, tuple(mark))
