"""The week ahead is frozen at an hour of a weekday; what stands there moves only where that is allowed."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from server.scheduling.freezing import broken, frozen_until, touched
from server.scheduling.plans import Hand, Pinned

TODAY, UNTIL = date(2026, 6, 10), date(2026, 6, 21)
STANDING = {"over": date(2026, 6, 3), "held": date(2026, 6, 12), "open": date(2026, 6, 25)}


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (datetime(2026, 6, 10, 16, 59, tzinfo=UTC), date(2026, 6, 14)),
        (datetime(2026, 6, 10, 17, 0, tzinfo=UTC), date(2026, 6, 21)),
        (datetime(2026, 6, 14, 9, 0, tzinfo=UTC), date(2026, 6, 21)),
        (datetime(2026, 6, 17, 16, 0, tzinfo=UTC), date(2026, 6, 21)),
        (datetime(2026, 6, 17, 18, 0, tzinfo=UTC), date(2026, 6, 28)),
    ],
)
def test_on_wednesday_at_five_the_week_after_is_frozen(now: datetime, until: date) -> None:
    assert frozen_until(now, weekday=3, hour=17, days=11) == until


def test_without_a_weekday_only_today_is() -> None:
    assert frozen_until(datetime(2026, 6, 10, 18, 0, tzinfo=UTC), weekday=0, hour=17, days=11) == TODAY


def test_today_is_frozen_however_few_days_are() -> None:
    tuesday = datetime(2026, 6, 16, 9, 0, tzinfo=UTC)
    assert frozen_until(tuesday, weekday=3, hour=17, days=2) == tuesday.date()


def moved(hand: dict[str, Hand], *drop: str) -> tuple[str, ...]:
    return touched(STANDING, hand, drop, today=TODAY, until=UNTIL)


def test_what_moves_off_or_onto_frozen_days_is_told() -> None:
    late, early = Hand(pin=Pinned(date=date(2026, 6, 26))), Hand(pin=Pinned(date=date(2026, 6, 15)))
    assert moved({"held": late, "open": early, "new": early}) == ("held", "new", "open")
    assert moved({"held": Hand(forbid=(date(2026, 6, 12),))}) == ("held",)
    assert moved({}, "held", "open", "over", "unknown") == ("held",)


def test_what_stays_or_lies_behind_is_not() -> None:
    stays = Hand(pin=Pinned(date=date(2026, 6, 12)))
    later = Hand(pin=Pinned(date=date(2026, 6, 26)), forbid=(date(2026, 6, 25),))
    assert moved({"held": stays, "open": later}) == ()
    assert moved({"held": Hand(forbid=(date(2026, 6, 13),))}) == ()


def test_a_plan_that_moves_frozen_works_is_found_out() -> None:
    after = {"held": date(2026, 6, 25), "open": date(2026, 6, 15), "new": date(2026, 6, 26)}
    assert broken(STANDING, after, until=UNTIL, today=TODAY, may=()) == ("held", "open")
    assert broken(STANDING, after, until=UNTIL, today=TODAY, may=("held",)) == ("open",)
    assert broken(STANDING, STANDING, until=UNTIL, today=TODAY, may=()) == ()
