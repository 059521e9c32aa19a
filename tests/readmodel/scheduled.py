"""Works and plans for lists, made by hand: on feeder f1, wanted in December 2026, unless said otherwise."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from server.outages.instance import Work
from server.scheduling.plans import Effort, PlanRecord
from server.scheduling.requests import Particulars, Request, request

AT = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def work(
    name: str,
    *,
    cases: tuple[str, ...] = (),
    wanted: date | None = date(2026, 12, 3),
    kind: Any = "maintenance",
    feeders: tuple[str, ...] = ("f1",),
    after_hours: int = 0,
    organisation: str = "demo",
    **changes: Any,
) -> Request:
    """A work as it was requested so many hours later."""
    about = Work(id=name, section="s-1", kind=kind, minutes=60, skill="line", wanted=wanted)
    asked = Particulars(type="planned", network="net", work=about, cases=cases, content="as named")
    at = AT + timedelta(hours=after_hours)
    made = request(name, organisation, asked, by="anna", at=at, needed=("dispatch",), feeders=feeders)
    return replace(made, **changes)


def plan(name: str, *, works: tuple[str, ...] = (), after_hours: int = 0, **changes: Any) -> PlanRecord:
    """A plan as it was asked for so many hours later."""
    asked: dict[str, Any] = {
        "organisation": "demo",
        "month": "2026-12",
        "network": "net",
        "version": "v",
        "digest": name,
        "asked": "0" * 64,
        "effort": Effort(seconds=1.0, workers=1),
        "state": "queued",
        "requested_by": "ben",
    }
    return PlanRecord(
        id=name, works=works, requested_at=AT + timedelta(hours=after_hours), **{**asked, **changes}
    )
