"""A calendar that other programs read: every line within its octets, no text breaks out of its property."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from server.scheduling.ical import calendar_of

WORDS = st.text(max_size=200)


def calendar(summary: str, work: str = "w-1") -> bytes:
    outage: dict[str, Any] = {
        "id": "o-1",
        "off": "2026-06-11T08:00:00",
        "on": "2026-06-11T11:30:00",
        "works": [{"work": work}],
    }
    stamp = datetime(2026, 5, 25, 1, 0, tzinfo=UTC)
    return calendar_of(
        {"outages": [outage]},
        number="2026-06/june",
        stamp=stamp,
        timezone="Asia/Shanghai",
        summaries={"o-1": summary},
    )


def test_an_outage_is_an_event_in_universal_time() -> None:
    lines = calendar("渔港线").decode().split("\r\n")
    assert "DTSTART:20260611T000000Z" in lines
    assert "DTEND:20260611T033000Z" in lines
    assert "DTSTAMP:20260525T010000Z" in lines
    assert "SUMMARY:渔港线" in lines
    assert lines[-1] == "", "the last line ends too"


@settings(deadline=None, max_examples=60)
@given(WORDS, WORDS)
def test_whatever_a_text_says_it_stays_in_its_property(summary: str, work: str) -> None:
    made = calendar(summary, work)
    physical = made.split(b"\r\n")
    assert all(len(line) <= 75 for line in physical)
    logical = made.decode().replace("\r\n ", "").split("\r\n")
    assert len(logical) == len(calendar("x").decode().replace("\r\n ", "").split("\r\n"))
    assert sum(line.startswith("SUMMARY:") for line in logical) == 1
