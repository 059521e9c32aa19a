"""Logs: one event a line, fields behind it. Tracebacks never show values: they hold tokens and names.

The settings name the levels, and processes that only wait read them: so the library is loaded by who writes.
"""

from __future__ import annotations

import contextlib
import re
import sys
from typing import TextIO

#: From the most to the fewest lines.
LEVELS = ("debug", "info", "warning", "error")
#: A customer's link is a key, and stands in its path.
_LINK = re.compile(r"(/public/cases/)[^\s?'\"]+")


class Lines:
    """Writes lines to a file. One that cannot be written, as on a full disk, changes nobody's answer."""

    def __init__(self, file: TextIO) -> None:
        import structlog  # noqa: PLC0415

        self._print = structlog.PrintLogger(file)

    def msg(self, message: str) -> None:
        with contextlib.suppress(OSError):
            self._print.msg(_LINK.sub(r"\1…", message))

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


def configure(level: str = "info") -> None:
    """Set up structlog for a process of ours; to standard error, coloured only for a person.

    `level` is one of LEVELS; a logger that has been used keeps the level it had then.
    """
    import structlog  # noqa: PLC0415

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: Lines(sys.stderr),
        cache_logger_on_first_use=True,
    )
