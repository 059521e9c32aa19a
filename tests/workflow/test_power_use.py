"""Use of a connection: what may follow from it on which day, at the edges, and never from silence."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.duties import duties
from server.workflow.inforce import InForce
from server.workflow.model import Supply
from server.workflow.monitors import anomalies
from server.workflow.policy import load_policy
from server.workflow.power_use import GrowthStep
from server.workflow.processes.rules import size_rules
from server.workflow.use_rules import line_terms, planned_kva, unused
from tests.workflow.branches import branch, held
from tests.workflow.builders import POLICY, START, Desk, energized_desk, refused

RULES = InForce(load_policy())
#: The day on which the case of these tests is energized.
BEGUN = date(2026, 3, 2)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


def energized(kva: float = 2500.0, **facts: bool) -> Desk:
    desk = energized_desk()
    desk.do(c.AmendCase(reason="as built", supply=Supply(10.0, kva)))
    if facts:
        desk.policy = load_policy(fact_names=facts).at(START.date())
        desk.do(c.SetFacts(facts=facts, reason="as built"))
    return desk


def report(desk: Desk, name: str, day: date, state: Any = "not_in_use", **more: Any) -> None:
    """What is recorded on the evening of the day that it is about."""
    desk.now = max(desk.now, noon(day) + timedelta(hours=1))
    desk.do(c.RecordUse(report_id=name, dated=noon(day), state=state, evidence="reading", **more))


def told(desk: Desk, day: date, code: str) -> list[str]:
    return [" ".join(one.refs) for one in anomalies(desk.case, noon(day), RULES) if one.code == code]


def owed(desk: Desk, day: date, kind: str) -> list[tuple[date, date, str]]:
    found = [one for one in duties(desk.case, noon(day), RULES) if one.kind == kind]
    return [(one.since, one.due, one.about) for one in found]


@pytest.mark.parametrize(
    ("since", "closable"),
    [
        (date(2026, 4, 1), date(2026, 10, 1)),
        (date(2026, 8, 31), date(2027, 2, 28)),
        (date(2027, 8, 31), date(2028, 2, 29)),
    ],
)
def test_after_six_calendar_months_without_use_the_account_may_be_closed(since: date, closable: date) -> None:
    desk = energized()
    report(desk, "u-1", since)
    found = unused(desk.case, POLICY)
    assert found is not None
    assert (found.since, found.closable_on) == (since, closable)
    log = desk.case.log
    assert told(desk, closable - timedelta(days=1), "account_unused") == []
    assert told(desk, closable, "account_unused") == ["use:u-1"]
    assert desk.case.log == log, "days pass, nothing is written"


def test_use_and_suspension_both_end_it_and_what_follows_a_suspension_counts_anew() -> None:
    desk = energized()
    report(desk, "u-1", date(2026, 4, 1))
    report(desk, "u-2", date(2026, 6, 1))
    assert unused(desk.case, POLICY).since == date(2026, 4, 1)  # type: ignore[union-attr]
    report(desk, "u-3", date(2026, 9, 30), "suspended")
    assert unused(desk.case, POLICY) is None
    assert told(desk, date(2027, 4, 1), "account_unused") == []
    report(desk, "u-4", date(2026, 12, 1))
    assert unused(desk.case, POLICY).since == date(2026, 12, 1)  # type: ignore[union-attr]
    report(desk, "u-5", date(2027, 1, 1), "in_use", used_kva=300.0)
    assert unused(desk.case, POLICY) is None


def test_an_older_report_that_comes_later_counts_by_its_day() -> None:
    desk = energized()
    report(desk, "u-1", date(2026, 5, 1))
    report(desk, "u-2", date(2026, 4, 20), "in_use")
    assert unused(desk.case, POLICY).since == date(2026, 5, 1)  # type: ignore[union-attr]
    report(desk, "u-3", date(2026, 5, 1), "in_use")
    assert unused(desk.case, POLICY) is None, "of one moment, use goes before its want"


def test_nothing_is_concluded_from_silence_nor_of_whom_it_does_not_concern() -> None:
    desk = energized()
    assert unused(desk.case, POLICY) is None
    assert told(desk, date(2036, 1, 1), "account_unused") == []
    small = energized(1999.0)
    report(small, "u-1", date(2026, 4, 1))
    assert unused(small.case, POLICY) is None
    closed = energized()
    report(closed, "u-1", date(2026, 4, 1))
    report(closed, "u-2", date(2026, 11, 1), "account_closed")
    assert unused(closed.case, POLICY) is None
    assert owed(closed, date(2027, 1, 1), "unused") == []


def test_whoever_may_close_an_account_is_told_a_month_ahead() -> None:
    desk = energized()
    report(desk, "u-1", date(2026, 4, 1))
    [(since, due, _)] = owed(desk, date(2026, 9, 1), "unused")
    assert (since, due) == (date(2026, 9, 1), date(2026, 10, 1))


def test_the_months_are_a_setting_from_a_day_on() -> None:
    own = InForce(load_policy().with_overrides([{"key": "unused_months", "from": "2026-01-01", "value": 3}]))
    desk = energized()
    report(desk, "u-1", date(2026, 4, 1))
    found = anomalies(desk.case, noon(date(2026, 7, 1)), own)
    assert [one.code for one in found if one.monitor == "use"] == ["account_unused"]


@pytest.mark.parametrize(
    ("by", "total", "asks"),
    [
        (date(2030, 3, 2), 4000.0, True),
        (date(2030, 3, 3), 630.0, False),
        (date(2027, 1, 1), 4000.0, True),
    ],
)
def test_what_is_added_within_four_years_counts_for_a_line_of_its_own(
    by: date, total: float, asks: bool
) -> None:
    """The application of this case is of 2 March 2026."""
    desk = Desk()
    desk.do(c.DeclareGrowth(steps=(GrowthStep(by=by, kva=3370.0),), evidence="letter 8"))
    assert planned_kva(desk.case, POLICY) == total
    [rule] = [one for one in size_rules(desk.case, POLICY) if one.id == "dedicated_line"]
    assert (rule.case_kva, rule.applies) == (total, asks)
    [large] = [one for one in size_rules(desk.case, POLICY) if one.id == "large_customer"]
    assert large.case_kva == 630.0, "what is only planned makes nobody large"


def test_growth_is_said_anew_and_taken_back() -> None:
    desk = Desk()
    first = c.DeclareGrowth(steps=(GrowthStep(by=date(2027, 1, 1), kva=3369.0),), evidence="letter 8")
    desk.do(first)
    assert desk.do(first).events == ()
    assert planned_kva(desk.case, POLICY) == 3999.0
    desk.do(c.DeclareGrowth(steps=(), evidence="letter 9"))
    assert planned_kva(desk.case, POLICY) == 630.0
    assert [entry.event for entry in desk.case.log[-2:]] == ["growth_declared"] * 2


def test_a_line_of_its_own_is_held_by_what_is_connected_and_used_in_time() -> None:
    desk = energized(2500.0, dedicated=True)
    first, full, used = line_terms(desk.case, POLICY)
    assert (first.kva, first.by, first.kept) == (2000.0, BEGUN, True)
    assert (full.kva, full.by, full.kept) == (4000.0, date(2027, 3, 2), False)
    assert (used.kva, used.by, used.kept) == (4000.0, date(2028, 3, 2), False)
    assert told(desk, date(2027, 3, 2), "line_below_terms") == []
    assert told(desk, date(2027, 3, 3), "line_below_terms") == ["line:full"]
    report(desk, "u-1", date(2027, 3, 10), "in_use", connected_kva=4000.0, used_kva=3999.0)
    assert told(desk, date(2027, 3, 9), "line_below_terms") == ["line:full"], (
        "it was late, and still was then"
    )
    assert told(desk, date(2027, 3, 10), "line_below_terms") == []
    assert told(desk, date(2028, 3, 3), "line_below_terms") == ["line:in_use"]
    report(desk, "u-2", date(2028, 3, 2), "in_use", used_kva=4000.0)
    assert told(desk, date(2028, 3, 3), "line_below_terms") == []
    assert [term.kept for term in line_terms(desk.case, POLICY)] == [True, False, True]


def test_a_line_that_begins_too_small_is_told_the_day_after_and_none_that_was_taken_back() -> None:
    desk = energized(1999.0, dedicated=True)
    assert told(desk, BEGUN, "line_below_terms") == []
    assert told(desk, BEGUN + timedelta(days=1), "line_below_terms") == ["line:first"]
    assert [due for _, due, _ in owed(desk, BEGUN, "line_terms")] == [
        BEGUN,
        date(2027, 3, 2),
        date(2028, 3, 2),
    ]
    report(desk, "u-1", date(2027, 4, 1), "line_public")
    assert line_terms(desk.case, POLICY) == ()
    assert told(desk, date(2029, 1, 1), "line_below_terms") == []
    assert line_terms(energized(1999.0, dedicated=False).case, POLICY) == ()
    assert line_terms(energized(1999.0).case, POLICY) == (), "unknown: nobody said it has one"


def test_use_is_recorded_of_the_energized_alone_once_and_makes_sense() -> None:
    early = c.RecordUse(report_id="u-1", dated=START, state="in_use", evidence="reading")
    assert refused(Desk(), early).code == "customer_not_energized"
    desk = energized()
    assert refused(desk, early).code == "time_order"
    good = replace(early, dated=desk.now)
    desk.do(good)
    assert desk.do(good).events == ()
    assert refused(desk, replace(good, evidence="another")).code == "record_exists"
    nonsense = replace(good, report_id="u-2", state="suspended", used_kva=10.0)
    assert refused(desk, nonsense).code == "use_contradicts"
    assert refused(desk, replace(good, report_id="u-3", used_kva=-1.0)).code == "malformed"
    ahead = replace(good, report_id="u-4", dated=desk.now + timedelta(days=1))
    assert refused(desk, ahead).code == "in_future"


def test_reports_of_a_lost_branch_are_kept() -> None:
    base = energized()
    seen = c.RecordUse(report_id="u-1", dated=base.now, state="not_in_use", evidence="visit")
    case = held(branch(base, lambda d: d.hazard()), branch(base, lambda d: d.do(seen))).case
    assert set(case.use_reports) == {"u-1"}


@pytest.mark.parametrize(("part", "empty"), [("use_reports", {}), ("growth", None)])
def test_a_case_from_before_these_records_still_loads(part: str, empty: Any) -> None:
    document = case_to_document(Desk().case)
    document.pop(part, None)
    assert getattr(case_from_document(document), part) == empty
