"""When a case has a clock that is overdue, at risk, paused, or open at all: days, and no look at a clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

SpanState = Literal["open", "overdue", "at_risk", "paused"]
#: Whichever kind a clock is of.
ANY_KIND = "any"
#: Before and after every day.
ALWAYS, NEVER = "", "9999-12-31"

_Days = tuple[str, str]


def spans_of(clock_rows: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The spans of a case from the rows of its clocks that have not ended, for each kind and for any."""
    days: dict[tuple[str, SpanState], list[_Days]] = {}
    for row in clock_rows:
        for state, span in _of_clock(row):
            for kind in (row["kind"], ANY_KIND):
                days.setdefault((kind, state), []).append(span)
    return [
        {"state": state, "kind": kind, "since": since, "until": until}
        for (kind, state), found in days.items()
        for since, until in _joined(found)
    ]


def _of_clock(row: Mapping[str, Any]) -> Iterator[tuple[SpanState, _Days]]:
    yield "open", (ALWAYS, NEVER)
    if row["state"] == "paused":
        yield "paused", (ALWAYS, NEVER)
    over = row["over_on"] or NEVER
    if over < NEVER:
        yield "overdue", (over, NEVER)
    risk = min(row["second_on"] or NEVER, row["unknown_from"] or NEVER)
    if risk < over:
        yield "at_risk", (risk, over)


def _joined(spans: Iterable[_Days]) -> Iterator[_Days]:
    """The same days in spans that neither overlap nor touch."""
    current: _Days | None = None
    for since, until in sorted(spans):
        if current is None or since > current[1]:
            if current is not None:
                yield current
            current = since, until
        else:
            current = current[0], max(current[1], until)
    if current is not None:
        yield current
