"""A plan's outages as iCalendar (RFC 5545). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

#: RFC 5545, 3.1: octets of a line without its end.
_LINE_OCTETS = 75


def calendar_of(
    plan: Mapping[str, Any], *, number: str, stamp: datetime, timezone: str, summaries: Mapping[str, str]
) -> bytes:
    """A calendar with an event for each outage, from when it begins to when it ends, in UTC.

    `summaries` are the words of each outage by its id; `stamp` is when the plan became what it is.
    """
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Hezha//Outages//EN", "CALSCALE:GREGORIAN"]
    for outage in plan["outages"]:
        works = ", ".join(one["work"] for one in outage["works"])
        lines += [
            "BEGIN:VEVENT",
            f"UID:{_escaped(number)}-{_escaped(outage['id'])}@hezha",
            f"DTSTAMP:{_moment(stamp)}",
            f"DTSTART:{_moment(_local(outage['off'], timezone))}",
            f"DTEND:{_moment(_local(outage['on'], timezone))}",
            f"SUMMARY:{_escaped(summaries[outage['id']])}",
            f"DESCRIPTION:{_escaped(works)}",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return b"".join(folded + b"\r\n" for line in lines for folded in _folded(line))


def _local(text: str, timezone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone))


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(words: str) -> str:
    """Text as a property's value: a line break in it would begin another property."""
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,")):
        words = words.replace(plain, escaped)
    return "\\n".join(words.splitlines())


def _folded(line: str) -> Iterator[bytes]:
    """The line in pieces of so many octets, no character cut apart; the later ones begin with a space."""
    piece = b""
    for character in line:
        octets = character.encode()
        if len(piece) + len(octets) > _LINE_OCTETS:
            yield piece
            piece = b" "
        piece += octets
    yield piece
