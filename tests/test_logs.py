"""A log tells what happened and is never what happens."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator

import pytest
import structlog

from server.logs import LEVELS, Lines, configure


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


def test_a_customers_link_is_not_written_out() -> None:
    out = io.StringIO()
    Lines(out).error("failed path=/api/v1/public/cases/hl1.a.b.c?x=1 status=500")
    assert out.getvalue() == "failed path=/api/v1/public/cases/…?x=1 status=500\n"


class Full(io.StringIO):
    """Standard error into a file on a full disk."""

    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_line_that_cannot_be_written_stops_nobody() -> None:
    Lines(Full()).error("disk_full")


@pytest.fixture
def restored() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("level", LEVELS)
def test_what_is_below_the_level_is_not_written(level: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure(level)
    log = structlog.get_logger()
    for each in LEVELS:
        getattr(log, each)("something", at=each)
    told = capsys.readouterr().err
    assert [each for each in LEVELS if f"at={each}" in told] == list(LEVELS[LEVELS.index(level) :])
