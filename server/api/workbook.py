"""How a workbook is answered: written into the spool, and gone with the answer."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from flask import Response, send_file

from server.services import services

__all__ = ["XLSX", "workbook"]

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def workbook(name: str, write: Callable[[Path], None]) -> Response:
    """What `write` puts into the file that it is given, to be saved under this name."""
    with tempfile.NamedTemporaryFile(dir=services().settings.spool_dir, suffix=".xlsx") as spool:
        write(Path(spool.name))
        # The open file outlives its name, and is closed with the answer.
        return send_file(
            os.fdopen(os.dup(spool.fileno()), "rb"), mimetype=XLSX, as_attachment=True, download_name=name
        )
