"""Renditions of a case's photos, kept beside the data: made with the verdict, or on a worker when missing."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from server.casework.originals import ATTACHMENT, plain_bytes
from server.casework.renditions import rendition_path
from server.evidence.header import Refused
from server.evidence.renditions import Size
from server.intake.photos import photo_limits
from server.problems import Problem
from server.services import services
from server.workflow.model import Case

__all__ = ["rendition"]

_CHUNK = 256 * 1024


def rendition(case: Case, photo_id: str, sha256: str, size: Size, mark: tuple[str, ...] = ()) -> Path:
    """The file of a verified photo, found by the digest of the original and of its watermark. Raises Problem
    409 for one that cannot be decoded."""
    made = services()
    path = rendition_path(made.settings.data_dir, sha256, size, mark)
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    media = made.names.media(case.id)
    policy = made.cases.policy(case.organisation)
    with (
        made.store.open_attachment(media, f"photo:{photo_id}", ATTACHMENT) as original,
        tempfile.NamedTemporaryFile(dir=made.settings.spool_dir, suffix=".original") as spool,
    ):
        shutil.copyfileobj(plain_bytes(original), spool, _CHUNK)
        spool.flush()
        try:
            made.photo_workers.render_all(
                Path(spool.name), {size: path}, limits=photo_limits(policy), mark=mark
            )
        except Refused:
            raise Problem(409, "photo_not_verified") from None
    return path
