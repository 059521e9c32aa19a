"""Renditions of a case's photos, kept beside the data: made with the verdict, or on a worker when missing."""

from __future__ import annotations

import os
from pathlib import Path

from server.casework.renditions import rendition_path
from server.evidence.header import Refused
from server.evidence.renditions import Size
from server.intake.renditions import rendition_of
from server.problems import Problem
from server.services import services
from server.workflow.model import Case

__all__ = ["rendition"]


def rendition(case: Case, photo_id: str, sha256: str, size: Size, mark: tuple[str, ...] = ()) -> Path:
    """The file of a verified photo, found by the digest of the original and of its watermark. Raises Problem
    409 for one that cannot be decoded, OriginalsUnreachable and OriginalLost for one that was moved."""
    made = services()
    path = rendition_path(made.settings.data_dir, sha256, size, mark)
    if _there(path):
        return path
    try:
        rendition_of(made, case, photo_id, sha256, {size: path}, mark)
    except Refused:
        raise Problem(409, "photo_not_verified") from None
    return path


def _there(path: Path) -> bool:
    """Whether it was made; that somebody asks for it keeps it from the next sweep."""
    try:
        os.utime(path)
    except OSError:
        return path.exists()
    return True
