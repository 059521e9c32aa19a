"""Customers are told once: a version announces what it changes, corrects what was told, or withdraws it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from msgspec.structs import replace

from server.scheduling.announcing import Notice, Terms, due_notices, uncovered
from server.scheduling.plans import Announcement, Effort, PlanRecord

JSON = dict[str, Any]
TERMS = Terms(today=date(2026, 6, 1), day_of=lambda moment: moment.date(), short_hours=24)
TOLD = datetime(2026, 5, 22, tzinfo=UTC)


def plan(**outages: tuple[int, str, str]) -> JSON:
    """Outages by name: the day of June, a section, the work."""
    return {
        "outages": [
            {"id": name, "date": f"2026-06-{day:02}", "works": [{"work": work}], "dead": [section]}
            for name, (day, section, work) in outages.items()
        ],
        "notices": [
            {
                "outage": name,
                "by": f"2026-06-{max(1, day - 7):02}",
                "from": f"2026-06-{day:02}T08:00:00",
                "to": f"2026-06-{day:02}T11:00:00",
                "sections": [section],
                "feeders": ["f"],
                "customers": 7,
            }
            for name, (day, section, _) in outages.items()
        ],
    }


def record(name: str, amends: str = "", *announced: str) -> PlanRecord:
    told = tuple(
        Announcement(
            outage=one,
            channel="board",
            proof="photo",
            announced_at=TOLD,
            recorded_by="cleo",
            recorded_at=TOLD,
        )
        for one in announced
    )
    return PlanRecord(
        id=name,
        organisation="demo",
        month="2026-06",
        network="town",
        version="1",
        works=(),
        digest="",
        asked="",
        effort=Effort(seconds=1.0, workers=1),
        state="published",
        requested_by="anna",
        requested_at=TOLD,
        published_at=TOLD,
        amends=amends,
        announcements=told,
    )


FIRST = plan(o1=(11, "s-1", "a"), o2=(15, "s-2", "b"), o3=(20, "s-3", "c"))


def by_work(found: list[Notice]) -> dict[str, Notice]:
    return {min(one.works): one for one in found}


def test_an_outage_that_stays_keeps_its_announcements_under_whatever_name() -> None:
    again = plan(o7=(11, "s-1", "a"), o8=(15, "s-2", "b"), o9=(20, "s-3", "c"))
    found = by_work(due_notices([(record("p", "", "o1"), FIRST), (record("q", "p"), again)], TERMS))
    assert (found["a"].kind, found["a"].state, found["a"].notice["outage"]) == ("planned", "announced", "o7")
    assert (found["b"].kind, found["b"].state) == ("planned", "due")


def test_what_was_announced_and_moved_is_corrected_once() -> None:
    moved = plan(o1=(18, "s-1", "a"), o2=(16, "s-2", "b"), o3=(20, "s-3", "c"))
    versions = [(record("p", "", "o1"), FIRST), (record("q", "p"), moved)]
    found = by_work(due_notices(versions, TERMS))
    assert (found["a"].kind, found["a"].state) == ("corrected", "due")
    assert found["a"].was is not None
    assert found["a"].was["from"] == "2026-06-11T08:00:00"
    assert found["b"].kind == "planned", "nobody was told of it"
    told = [versions[0], (record("q", "p", "o1"), moved)]
    assert by_work(due_notices(told, TERMS))["a"].state == "announced"
    once_more = [*told, (record("r", "q"), moved)]
    assert by_work(due_notices(once_more, TERMS))["a"].state == "announced"


def test_a_correction_that_was_not_told_yet_corrects_what_was() -> None:
    moved = plan(o1=(18, "s-1", "a"))
    further = plan(o1=(25, "s-1", "a"))
    versions = [(record("p", "", "o1"), FIRST), (record("q", "p"), moved), (record("r", "q"), further)]
    found = by_work(due_notices(versions, TERMS))["a"]
    assert (found.kind, found.was and found.was["from"]) == ("corrected", "2026-06-11T08:00:00")


def test_what_was_announced_and_is_no_more_is_withdrawn_and_what_was_not_is_not() -> None:
    fewer = plan(o3=(20, "s-3", "c"))
    versions = [(record("p", "", "o1"), FIRST), (record("q", "p"), fewer)]
    found = by_work(due_notices(versions, TERMS))
    assert sorted(found) == ["a", "c"]
    gone = found["a"]
    assert (gone.kind, gone.state, gone.notice["outage"]) == ("withdrawn", "due", "p/o1")
    assert gone.notice["by"] == "2026-06-10", "a day before it would have begun"
    later = replace(TERMS, today=date(2026, 6, 12))
    assert by_work(due_notices(versions, later))["a"].state == "overdue"
    told = [versions[0], (record("q", "p", "p/o1"), fewer), (record("r", "q"), fewer)]
    assert by_work(due_notices(told, TERMS))["a"].state == "announced", "in every later version too"


def test_an_outage_that_was_over_is_not_withdrawn() -> None:
    late = replace(record("q", "p"), published_at=datetime(2026, 6, 12, tzinfo=UTC))
    versions = [(record("p", "", "o1"), FIRST), (late, plan(o3=(20, "s-3", "c")))]
    assert sorted(by_work(due_notices(versions, TERMS))) == ["c"]


def test_of_a_plan_that_was_given_up_all_that_was_announced_is_withdrawn() -> None:
    gone = replace(record("p", "", "o1"), state="withdrawn", given_up_at=TOLD)
    (only,) = due_notices([(gone, FIRST)], TERMS)
    assert (only.kind, min(only.works)) == ("withdrawn", "a")


def test_what_comes_too_late_must_be_covered_by_what_was_announced() -> None:
    today = date(2026, 6, 10)
    assert uncovered(None, FIRST, today) == FIRST["notices"][0]
    assert uncovered(FIRST, FIRST, today) is None
    wider = plan(o1=(11, "s-1", "a"))
    wider["notices"][0]["sections"] = ["s-1", "s-2"]
    longer = plan(o1=(11, "s-1", "a"))
    longer["notices"][0]["to"] = "2026-06-11T11:01:00"
    for other in (wider, longer):
        assert uncovered(FIRST, other, today) == other["notices"][0]
