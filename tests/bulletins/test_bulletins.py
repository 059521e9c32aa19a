"""A bulletin counts each case once, each miss with its explanation, in whatever order records come."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from server.bulletins.ledger import ledger
from server.bulletins.making import bulletin
from server.bulletins.periods import Period, PeriodError, named, period_of
from server.bulletins.record import (
    AnomalyRecord,
    CaseRecord,
    ClockRecord,
    NoticeRecord,
    VisitRecord,
    packed,
    record_of,
    unpacked,
)
from server.bulletins.values import Bulletin, Mean, Rate
from server.workflow import commands as c
from server.workflow.clocks.measure import clocks, met
from server.workflow.clocks.timeline import latest
from server.workflow.explanations import Explanation
from server.workflow.inforce import InForce
from server.workflow.monitors import anomaly_key, watched
from server.workflow.policy import load_policy
from tests.workflow.builders import Desk, energized_desk, item

RULES = InForce(load_policy())
NOVEMBER = named("monthly", "2026-11")
TODAY = date(2026, 11, 30)
POLICY = RULES.on(TODAY, "north")
CALENDAR = RULES.calendar("north")


def clock(clock_: str = "survey", **changes: Any) -> ClockRecord:
    fields: dict[str, Any] = {
        "id": f"county-2012.{clock_}",
        "clock": clock_,
        "kind": "internal",
        "run": 1,
        "limit": 3,
        "unit": "working",
        "state": "ended",
        "started": date(2026, 11, 2),
        "ended": date(2026, 11, 4),
        "used": 2,
        "over_on": None,
        "unknown_year": None,
    }
    return ClockRecord(**{**fields, **changes})


LATE = clock(used=5, ended=date(2026, 11, 9), over_on=date(2026, 11, 6))
LATE_KEY = anomaly_key("over_limit", ("clock:county-2012.survey:1",))


def case(n: int = 1, **changes: Any) -> CaseRecord:
    fields: dict[str, Any] = {
        "id": f"case-{n}",
        "no": f"N-{n}",
        "organisation": "north",
        "county": "象山",
        "station": "石浦",
        "manager": "one",
        "customer": f"customer {n}",
        "process": "hv",
        "kva": 1000.0,
        "stage": "archived",
        "opened": date(2026, 10, 20),
        "replied": date(2026, 10, 27),
        "energized": date(2026, 11, 10),
        "archived": date(2026, 11, 12),
        "cancelled": None,
        "held": 9,
        "clocks": (clock(),),
        "visits": (VisitRecord("acceptance", date(2026, 11, 5), passed=True),),
        "notices": (),
        "anomalies": (),
    }
    return CaseRecord(**{**fields, **changes})


def told(explanation: Explanation | None = None, **changes: Any) -> AnomalyRecord:
    one = AnomalyRecord(LATE_KEY, "over_limit", "over_limit", 2, date(2026, 11, 6), None, {}, explanation)
    return replace(one, **changes)


def explained(reason: str = "customer_papers", **changes: Any) -> Explanation:
    at = datetime(2026, 11, 7, tzinfo=UTC)
    one = Explanation(anomaly=LATE_KEY, code="over_limit", reason=reason, words="why", by="one", at=at)
    return replace(one, **changes)


def made(*records: CaseRecord, period: Period = NOVEMBER, today: date = TODAY) -> Bulletin:
    return bulletin(records, period, organisation="north", today=today, policy=POLICY, calendar=CALENDAR)


def test_the_figures_of_a_month() -> None:
    notice = NoticeRecord(
        1,
        "acceptance",
        "major",
        2,
        2,
        supplement=False,
        issued=date(2026, 11, 1),
        closed=date(2026, 11, 9),
        withdrawn=None,
    )
    supplement = replace(notice, n=2, rounds=1, supplement=True, closed=date(2026, 11, 11))
    found = made(
        case(1, clocks=(clock(), clock("connection"))),
        case(
            2,
            held=15,
            clocks=(LATE, clock("connection", over_on=date(2026, 11, 3))),
            visits=(VisitRecord("acceptance", date(2026, 11, 5), passed=False),),
            notices=(notice, supplement),
            rating=4,
        ),
        case(
            3,
            energized=None,
            archived=None,
            stage="survey",
            clocks=(replace(LATE, state="running", ended=None, used=None),),
        ),
    ).totals
    assert (found.opened, found.energized, found.archived, found.open) == (0, 2, 2, 1)
    assert found.met["internal"] == Rate(1, 2, 0.5)
    assert found.met["legal"] == Rate(0, 0, None), "no limit of the kind, so nothing was kept or missed"
    assert found.connection_days == Mean(2, 12.0)
    assert found.calendar_days == Mean(2, 21.0)
    assert found.first_pass == Rate(2, 3, 0.6667)
    assert found.rounds == Mean(1, 3.0)
    assert found.days_to_close == Mean(2, 9.0)
    assert found.supplementary == Rate(1, 2, 0.5)
    assert found.overdue_connections["internal"] == Rate(1, 2, 0.5)
    assert found.late_open == {"internal": 1, "promise": 0, "legal": 0}
    assert found.rating == Mean(1, 4.0)


def test_a_miss_is_listed_with_its_explanation_and_standing() -> None:
    records = [
        case(1, clocks=(LATE,), anomalies=(told(),)),
        case(2, clocks=(LATE,), anomalies=(told(explained()),)),
        case(3, clocks=(LATE,), anomalies=(told(explained("staff_late")),)),
        case(4, clocks=(LATE,), anomalies=(told(explained(audit="accepted", audited_by="two")),)),
        case(5, clocks=(LATE,), anomalies=(told(explained(audit="rejected", audited_by="two")),)),
    ]
    found = made(*records)
    assert [(miss.no, miss.said.standing) for miss in found.misses] == [
        ("N-1", "unexplained"),
        ("N-2", "waiting"),
        ("N-3", "staff"),
        ("N-4", "excused"),
        ("N-5", "staff"),
    ]
    assert found.misses[0].said.late
    assert found.misses[3].said.audited_by == "two"
    [line] = found.anomalies
    assert (line.arisen, line.unexplained, line.late, line.waiting, line.staff, line.excused) == (
        5,
        1,
        1,
        1,
        2,
        1,
    )
    [third, second, first] = found.watch
    assert (third.watch, len(second.rows), first.rows) == (3, 5, ())


def test_a_limit_that_is_passed_later_is_no_miss_of_this_period() -> None:
    ahead = clock(state="running", ended=None, used=None, over_on=date(2026, 11, 20))
    records = [
        case(archived=None, energized=None, clocks=(ahead,), anomalies=(told(since=date(2026, 11, 20)),))
    ]
    assert made(*records, today=date(2026, 11, 19)).misses == ()
    assert len(made(*records, today=date(2026, 11, 20)).misses) == 1
    december = named("monthly", "2026-12")
    assert len(made(*records, period=december, today=date(2026, 12, 5)).misses) == 1, "it is late still"
    assert not made(case(clocks=(LATE,)), period=december, today=date(2026, 12, 5)).misses, "that is over"


def test_groups_are_ranked_by_what_they_kept() -> None:
    found = made(
        case(1, manager="slow", clocks=(LATE,)),
        case(2, manager="good"),
        case(3, manager="good too", held=20),
        case(4, manager="idle", archived=None, energized=None),
    )
    ranks = {group.name: group.rank for group in found.groups if group.by == "manager"}
    assert ranks == {"good": 1, "good too": 2, "slow": 3, "idle": None}
    assert {group.name for group in found.groups if group.by == "station"} == {"石浦"}


def test_a_week_tells_of_stages_a_quarter_compares() -> None:
    week = made(case(clocks=(LATE,)), period=named("weekly", "2026-W46"))
    [line] = week.stages
    assert (line.clock, line.ended, line.late, line.mean_used) == ("survey", 1, 1, 5.0)
    assert week.before is None
    quarter = made(
        case(),
        case(2, archived=date(2026, 9, 3), opened=date(2026, 8, 1)),
        period=named("quarterly", "2026-Q4"),
    )
    assert quarter.before is not None
    assert (quarter.totals.archived, quarter.before.archived) == (1, 1)
    assert (quarter.stages, quarter.watch, quarter.misses) == ((), (), ())


def test_the_order_of_records_makes_no_difference() -> None:
    records = [
        case(
            n, manager=f"m{n % 3}", clocks=(LATE if n % 2 else clock(),), anomalies=(told(),) if n % 2 else ()
        )
        for n in range(20)
    ]
    shuffled = records[:]
    random.Random(3).shuffle(shuffled)
    assert made(*records) == made(*shuffled)


def test_a_record_comes_back_from_its_bytes() -> None:
    one = case(clocks=(LATE,), anomalies=(told(explained()),))
    assert unpacked(packed(one)) == one


@pytest.mark.parametrize(
    "name", ["2026-W54", "2026-W00", "2026-13", "2026-Q5", "26-11", "", "2026-11 ", "0000-01"]
)
def test_what_names_no_period_is_refused(name: str) -> None:
    for kind in ("weekly", "monthly", "quarterly"):
        with pytest.raises(PeriodError):
            named(kind, name)


@pytest.mark.parametrize("kind", ["weekly", "monthly", "quarterly"])
def test_every_day_lies_in_one_period_that_its_name_finds_again(kind: Any) -> None:
    day = date(2024, 12, 20)
    while day < date(2026, 1, 20):
        period = period_of(kind, day)
        assert period.first <= day <= period.last
        assert named(kind, period.name) == period
        assert period.before.last == period.first - timedelta(days=1)
        day += timedelta(days=1)


# -- records of real cases


def record(desk: Desk) -> CaseRecord:
    now = latest(desk.case)
    timed = clocks(desk.case, now, RULES)
    policy = RULES.at(now, desk.case.organisation)
    return record_of(desk.case, policy, timed, watched(desk.case, now, RULES, timed))


def test_a_record_says_what_its_case_does() -> None:
    desk = energized_desk()
    desk.to_stage("on_load_check")
    desk.on_load()
    desk.file_papers()
    desk.do(c.MoveStage(to="archived"), at=desk.now + timedelta(days=3))
    found = record(desk)
    timed = clocks(desk.case, latest(desk.case), RULES)
    assert (found.opened, found.energized, found.archived) == (
        date(2026, 3, 2),
        date(2026, 3, 2),
        date(2026, 3, 5),
    )
    for kind in ("internal", "promise", "legal"):
        assert found.kept(kind) == met(timed, kind)
    assert [visit.passed for visit in found.visits] == [True]


def test_a_record_knows_notices_and_what_was_explained() -> None:
    desk = Desk()
    desk.to_stage("survey")
    desk.inspect("t-acc", "acceptance", item("CT-01"), item("CT-02", severity="critical"))
    desk.issue()
    found = record(desk)
    [notice] = found.notices
    assert (notice.severity, notice.items, notice.issued, notice.supplement) == (
        "critical",
        2,
        date(2026, 3, 2),
        False,
    )
    assert [visit.passed for visit in found.visits] == [False]
    key = next(one.key for one in found.anomalies)
    desk.do(c.ExplainAnomaly(anomaly=key, reason="mistaken", words="checked"))
    assert {one.key: one.standing for one in record(desk).anomalies}[key] == "waiting"


# -- the ledger


def page(*records: CaseRecord, today: date = TODAY) -> Any:
    found = ledger(records, NOVEMBER, organisation="north", today=today, policy=POLICY, calendar=CALENDAR)
    return found.pages[0]


def test_every_finished_case_is_scored_by_category_capacity_time_and_rating() -> None:
    [scored] = page(case(rating=5)).cases
    # 70 for the category, half of 2,000 kVA, no limit passed, the best rating
    assert (scored.category, scored.capacity, scored.time, scored.rating) == (70.0, 50.0, 100.0, 100.0)
    assert scored.score == (70 * 20 + 50 * 20 + 100 * 40 + 100 * 20) / 100
    [unrated] = page(case()).cases
    assert unrated.score == (70 * 20 + 50 * 20 + 100 * 40) / 80, "the rating's weight falls to the others"


@pytest.mark.parametrize(
    ("explanation", "time"),
    [
        (None, 90.0),
        (explained(), 100.0),
        (explained(audit="accepted"), 100.0),
        (explained(audit="rejected"), 90.0),
        (explained("staff_late"), 90.0),
    ],
)
def test_only_what_the_staff_caused_takes_points(explanation: Explanation | None, time: float) -> None:
    [scored] = page(case(clocks=(LATE,), anomalies=(told(explanation),))).cases
    assert scored.time == time


def test_what_is_not_explained_counts_once_its_days_are_over() -> None:
    one = case(clocks=(LATE,), anomalies=(told(),), archived=date(2026, 11, 6))
    [soon] = page(one, today=date(2026, 11, 9)).cases
    assert (soon.time, soon.open_faults) == (100.0, (LATE_KEY,))
    [later] = page(one, today=date(2026, 11, 20)).cases
    assert (later.time, later.faults) == (90.0, (LATE_KEY,))


def test_other_faults_lower_the_score_and_never_below_nothing() -> None:
    alone = told(key="visit_alone task:1", monitor="one_person", code="visit_alone")
    [one] = page(case(anomalies=(alone,))).cases
    [none] = page(case()).cases
    assert none.score - one.score == pytest.approx(POLICY.ledger_points_fault)
    many = tuple(replace(alone, key=f"visit_alone task:{n}") for n in range(50))
    assert page(case(anomalies=many)).cases[0].score == 0.0


def test_the_ledger_follows_up_what_is_late_of_the_cases_at_work() -> None:
    late = replace(LATE, state="running", ended=None, used=None)
    found = page(case(), case(2, energized=None, archived=None, clocks=(late,)))
    assert (len(found.cases), found.open, [miss.no for miss in found.open_misses]) == (1, 1, ["N-2"])


def test_bulletins_are_plain_values() -> None:
    found = made(case(clocks=(LATE,), anomalies=(told(explained()),)))
    assert msgspec.convert(msgspec.to_builtins(found), Bulletin) == found
