"""A log tells what happened and is never what happens."""

from __future__ import annotations

import errno
import io
import os

import structlog

from server.logs import Lines


def test_lines_are_written_at_every_level() -> None:
    out = io.StringIO()
    log = structlog.wrap_logger(
        Lines(out),
        processors=[structlog.processors.KeyValueRenderer()],
        wrapper_class=structlog.stdlib.BoundLogger,  # no filter by level
    )
    for level in ("debug", "info", "warning", "error", "critical", "exception"):
        getattr(log, level)(level)
    assert out.getvalue().count("event=") == 6


class Full(io.StringIO):
    """Standard error into a file on a full disk."""

    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_line_that_cannot_be_written_stops_nobody() -> None:
    Lines(Full()).error("disk_full")
