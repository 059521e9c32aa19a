"""Events as iCalendar (RFC 5545), such as a plan's outages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

#: RFC 5545, 3.1: octets of a line without its end.
_LINE_OCTETS = 75


@dataclass(frozen=True)
class Event:
    """One event; `uid` is the same whenever it is given out, `place` words for where it is."""

    uid: str
    begins: datetime
    ends: datetime
    summary: str
    description: str = ""
    place: str = ""


def calendar_of(
    plan: Mapping[str, Any], *, number: str, stamp: datetime, timezone: str, summaries: Mapping[str, str]
) -> bytes:
    """A calendar with an event for each outage, from when it begins to when it ends, in UTC.

    `summaries` are the words of each outage by its id; `stamp` is when the plan became what it is.
    """
    events = (
        Event(
            uid=f"{number}-{outage['id']}",
            begins=_local(outage["off"], timezone),
            ends=_local(outage["on"], timezone),
            summary=summaries[outage["id"]],
            description=", ".join(one["work"] for one in outage["works"]),
        )
        for outage in plan["outages"]
    )
    return calendar(events, product="Outages", stamp=stamp)


def calendar(events: Iterable[Event], *, product: str, stamp: datetime) -> bytes:
    """A calendar of these events, in UTC; `stamp` is when they became what they are."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//Hezha//{product}//EN", "CALSCALE:GREGORIAN"]
    for event in events:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{_escaped(event.uid)}@hezha",
            f"DTSTAMP:{_moment(stamp)}",
            f"DTSTART:{_moment(event.begins)}",
            f"DTEND:{_moment(event.ends)}",
            f"SUMMARY:{_escaped(event.summary)}",
            f"DESCRIPTION:{_escaped(event.description)}",
            *([f"LOCATION:{_escaped(event.place)}"] if event.place else []),
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
