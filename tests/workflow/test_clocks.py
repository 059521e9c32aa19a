"""Clocks: only the utility's time, in working days, against the limit that held when it began."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.clocks.measure import KINDS, Clock, clocks, met
from server.workflow.clocks.standing import standing
from server.workflow.clocks.tables import Limits, Span, limits, lint, pause_reasons
from server.workflow.inforce import with_own
from server.workflow.policy import PolicyError, load_policy
from tests.workflow.builders import (
    INSPECTOR,
    MANAGER,
    authorized_desk,
    energized_desk,
    item,
    ready_desk,
    refused,
)
from tests.workflow.timing import RULES, Walk, china, clocks_of, to_construction


def test_the_founding_papers_example_eight_days_of_the_utility_from_june_18_to_july_2() -> None:
    """630 kVA, applied for on 18 June 2012, energized on 2 July: eight working days held by the utility (S1).

    The papers give these dates and the sum. How the days fell between the stages is made up here; nine days
    were worked in between, as the Dragon Boat Festival took Friday 22 June, and one is the customer's.
    """
    walk = Walk(china(2012, 6, 18), kva=630).on(china(2012, 6, 18, 10), "survey")
    walk.surveyed(china(2012, 6, 19)).on(china(2012, 6, 20), "scheme").on(
        china(2012, 6, 21), "review", "reply"
    )
    walk.on(china(2012, 6, 25), "design_review").on(china(2012, 6, 26), "construction", "intermediate")
    walk.inspect("t-m", "intermediate", item("ME-01", "pass"))
    walk.on(china(2012, 6, 27), "construction", "completion_applied", "acceptance")
    walk.inspect("t-a", "acceptance", item("CT-01", "pass"))
    walk.on(china(2012, 6, 28), "ready")
    walk.now = china(2012, 7, 2, 9)
    walk.enter()
    walk.do(c.Authorize(), at=china(2012, 7, 2, 10))
    walk.record()
    found = walk.clocks(china(2012, 8, 1))
    assert RULES.calendar("xiangyang").count(date(2012, 6, 18), date(2012, 7, 2)) == 9
    every = clocks(walk.case, china(2012, 8, 1), RULES)
    assert [met(every, kind) for kind in KINDS] == [True, True, True]
    total = found["county-2012.total"]
    assert (total.used, total.limit, total.state, total.over) == (8, 16, "ended", False)
    assert (found["state-grid.total"].used, found["state-grid.total"].limit) == (8, 52)
    parts = {name: found[f"county-2012.{name}"].used for name in ("reply", "design_review", "intermediate")}
    parts |= {name: found[f"county-2012.{name}"].used for name in ("completion", "connection")}
    assert parts == {"reply": 3, "design_review": 1, "intermediate": 1, "completion": 1, "connection": 2}


@pytest.mark.parametrize(("kva", "reply", "total"), [(630.0, 7, 16), (999.9, 7, 16), (1000.0, 10, 19)])
def test_the_sums_are_those_of_the_papers_and_of_their_parts(kva: float, reply: int, total: int) -> None:
    walk = Walk(china(2026, 3, 2), kva=kva)
    found = walk.clocks(china(2026, 3, 2, 12))
    assert (found["county-2012.acceptance"].limit, found["county-2012.acceptance"].used) == (1, 0)
    name = "reply_extended" if reply == 10 else "reply"
    assert found[f"county-2012.{name}"].limit == reply
    assert found[f"county-2012.{name.replace('reply', 'total')}"].limit == total
    profile = limits().profiles["county-2012"].limits
    days: dict[str, Any] = {key: limit.days for key, limit in profile.items()}
    scheme = days["scheme_extended" if reply == 10 else "scheme"]
    assert days["acceptance"] + days["survey"] + scheme + days["fees"] == reply
    later = sum(days[key] for key in ("design_review", "intermediate", "completion", "connection"))
    assert reply + later == total


def test_a_day_that_is_begun_is_due_on_the_next_working_day() -> None:
    walk = Walk(china(2026, 3, 6, 17))  # a Friday
    clock = walk.clocks(china(2026, 3, 7))["county-2012.acceptance"]
    assert (clock.used, clock.due, clock.level, clock.state) == (0, date(2026, 3, 9), 0, "running")
    monday = walk.clocks(china(2026, 3, 9, 0))["county-2012.acceptance"]
    assert (monday.used, monday.level, monday.over, monday.remaining) == (1, 100, False, 0)
    tuesday = walk.clocks(china(2026, 3, 10, 0))["county-2012.acceptance"]
    assert (tuesday.used, tuesday.over, tuesday.due) == (2, True, date(2026, 3, 9))


def test_marks_come_at_half_at_four_fifths_and_at_the_limit() -> None:
    walk = Walk(china(2026, 3, 2)).on(china(2026, 3, 2, 10), "survey")
    clock = walk.clocks(china(2026, 3, 2, 12))["county-2012.total"]
    assert [(mark.percent, mark.on) for mark in clock.marks] == [
        (50, date(2026, 3, 12)),
        (80, date(2026, 3, 19)),
        (100, date(2026, 3, 24)),
    ]
    for mark in clock.marks:
        at = china(mark.on.year, mark.on.month, mark.on.day, 0)
        assert walk.clocks(at)["county-2012.total"].level == mark.percent
        before = walk.clocks(at - timedelta(minutes=1))["county-2012.total"].level
        assert before is not None
        assert before < mark.percent


def test_limits_are_met_once_all_have_ended_and_missed_as_soon_as_one_is_passed() -> None:
    walk = Walk(china(2026, 3, 2)).on(china(2026, 3, 2), "survey")

    def kept(day: int) -> list[bool | None]:
        found = clocks(walk.case, china(2026, 3, day), RULES)
        return [met(found, kind) for kind in KINDS]

    assert kept(5) == [None, None, None]
    assert kept(6) == [False, None, None]
    assert met((), "legal") is None


def test_the_percentages_are_settings() -> None:
    policies = load_policy().with_overrides(
        [{"key": "clock_first_percent", "from": "2026-01-01", "value": 25}]
    )
    walk = Walk(china(2026, 3, 2), rules=type(RULES)(policies))
    assert walk.clocks(china(2026, 3, 6))["county-2012.total"].level == 25


def test_the_customers_own_stages_count_for_nothing() -> None:
    walk = to_construction(china(2026, 3, 2))
    year_on = walk.clocks(china(2026, 11, 2))
    assert year_on["county-2012.total"].used == 0
    assert year_on["county-2012.total"].state == "paused"
    stands = standing(walk.case, china(2026, 11, 2), RULES)
    assert stands is not None
    begun = walk.case.history[-1].at
    assert (stands.holder, stands.why, stands.since) == ("customer", "construction", begun)


def test_a_notice_that_is_out_stops_the_clock_and_the_answer_starts_a_fresh_one() -> None:
    walk = to_construction(china(2026, 3, 2)).on(china(2026, 3, 2), "intermediate")
    walk.now = china(2026, 3, 3)
    walk.inspect("t-m", "intermediate", item("ME-01"))
    walk.do(c.IssueNotice(n=1), at=china(2026, 3, 4))
    walk.do(c.DeliverNotice(n=1, mode="counter", received_by="Mr Lu"))
    out = walk.clocks(china(2026, 3, 20))
    assert (out["county-2012.intermediate"].used, out["county-2012.intermediate"].state) == (2, "ended")
    stands = standing(walk.case, china(2026, 3, 20), RULES)
    assert stands is not None
    assert (stands.holder, stands.why) == ("customer", "rectification")
    walk.now = china(2026, 3, 23)
    walk.answer(1)
    again = walk.clocks(china(2026, 3, 24))["county-2012.intermediate"]
    assert (again.run, again.used, again.due) == (2, 1, date(2026, 3, 25))
    runs = [one.run for one in clocks(walk.case, china(2026, 3, 24), RULES) if one.clock == "intermediate"]
    assert runs == [1, 1, 2, 2], "internal and legal"
    assert walk.clocks(china(2026, 3, 24))["county-2012.total"].used == 3


def test_an_answer_on_paper_counts_from_its_own_date() -> None:
    walk = to_construction(china(2026, 3, 2)).on(china(2026, 3, 2), "intermediate")
    walk.now = china(2026, 3, 2)
    walk.inspect("t-m", "intermediate", item("ME-01"))
    walk.do(c.IssueNotice(n=1), at=china(2026, 3, 3))
    walk.do(c.DeliverNotice(n=1, mode="counter", received_by="Mr Lu"))
    paper = c.AnswerNotice(
        n=1,
        items={"ME-01": c.AnsweredItem("Mended.")},
        answered_by="Red Maple Textiles",
        dated=china(2026, 3, 9),
    )
    early = replace(paper, dated=china(2026, 3, 2))
    walk.now = china(2026, 3, 11)
    assert refused(walk, early).code == "time_order"
    walk.do(paper, at=china(2026, 3, 12))
    clock = walk.clocks(china(2026, 3, 12, 10))["county-2012.intermediate"]
    assert (clock.run, clock.used, clock.started_at) == (2, 3, china(2026, 3, 9))


def test_applying_again_starts_a_fresh_clock_and_going_back_does_not() -> None:
    walk = to_construction(china(2026, 3, 2)).on(china(2026, 3, 3), "intermediate")
    walk.on(china(2026, 3, 4), "construction").on(china(2026, 3, 30), "intermediate")
    assert walk.clocks(china(2026, 3, 31))["county-2012.intermediate"].run == 2
    back = Walk(china(2026, 3, 2)).on(china(2026, 3, 2), "survey").surveyed(china(2026, 3, 3))
    back.on(china(2026, 3, 4), "scheme", "survey")
    survey = back.clocks(china(2026, 3, 5))["county-2012.survey"]
    assert (survey.run, survey.used) == (1, 3)


def pause(walk: Walk, *days: int, reason: str = "papers", id_: str = "p-1") -> None:
    """From one day of March to another, if it has ended."""
    walk.now = max(walk.now, china(2026, 3, max(days)))
    since = china(2026, 3, days[0])
    walk.do(c.PauseClock(pause_id=id_, reason=reason, evidence="letter 7", since=since))
    if len(days) > 1:
        walk.do(c.ResumeClock(pause_id=id_, dated=china(2026, 3, days[1]), evidence="receipt 9"))


def test_a_pause_takes_out_its_days_and_moves_the_due_day_by_as_many() -> None:
    walk = Walk(china(2026, 3, 2)).on(china(2026, 3, 2), "survey")
    plain = walk.clocks(china(2026, 3, 13))["county-2012.total"]
    pause(walk, 4, 10)
    paused = walk.clocks(china(2026, 3, 13))["county-2012.total"]
    assert (plain.used, paused.used) == (9, 5)
    assert (plain.due, paused.due) == (date(2026, 3, 24), date(2026, 3, 30))


def test_while_it_lasts_clocks_stand_and_the_case_says_for_what() -> None:
    walk = Walk(china(2026, 3, 2)).on(china(2026, 3, 2), "survey")
    pause(walk, 3, reason="customer_delay")
    clock = walk.clocks(china(2026, 6, 1))["county-2012.survey"]
    assert (clock.used, clock.state, clock.due) == (1, "paused", None)
    stands = standing(walk.case, china(2026, 6, 1), RULES)
    assert stands is not None
    assert (stands.side_state, stands.why, stands.pauses) == ("SU", "customer_delay", ("p-1",))


def test_the_earliest_act_ends_a_pause_whenever_it_comes_to_be_known() -> None:
    walk = Walk(china(2026, 3, 2)).on(china(2026, 3, 2), "survey")
    pause(walk, 3, 20)
    assert walk.clocks(china(2026, 3, 23))["county-2012.total"].used == 2
    walk.do(c.ResumeClock(pause_id="p-1", dated=china(2026, 3, 5), evidence="stamped letter"))
    assert walk.clocks(china(2026, 3, 23))["county-2012.total"].used == 13
    walk.do(c.ResumeClock(pause_id="p-1", dated=china(2026, 3, 6), evidence="a copy"))
    assert walk.clocks(china(2026, 3, 23))["county-2012.total"].used == 13


def test_grid_works_count_at_low_voltage_and_have_a_clock_of_their_own_at_high() -> None:
    low = Walk(china(2026, 3, 2), process="lv", kva=80.0, facts={"resident": True})
    pause(low, 3, 31, reason="grid_works")
    total = low.clocks(china(2026, 3, 31))["state-grid.lv_total_resident"]
    assert (total.limit, total.used, total.over) == (5, 21, True)
    high = to_construction(china(2026, 3, 2))
    assert "county-2012.grid_works" not in high.clocks(china(2026, 3, 31))
    high.do(c.SetFacts(facts={"grid_works": True}))
    works = high.clocks(china(2026, 3, 31))["county-2012.grid_works"]
    assert (works.limit, works.used, works.state) == (30, 21, "running")
    done = c.RecordEntry(gate="grid-works-accepted", status="met", evidence="sheet 4")
    high.do(done, at=china(2026, 4, 1))
    works = high.clocks(china(2026, 5, 29))["county-2012.grid_works"]
    assert (works.used, works.state) == (22, "ended")


@pytest.mark.parametrize(
    ("facts", "limit_id"),
    [({"dual": True}, "supervision-2009.reply_dual"), ({"dual": None}, "supervision-2009.reply")],
)
def test_while_a_fact_is_not_settled_the_shortest_limit_holds(facts: dict[str, Any], limit_id: str) -> None:
    assert limit_id in Walk(china(2026, 3, 2), facts=facts).clocks(china(2026, 3, 2, 12))


def test_the_complex_process_has_a_week_of_calendar_days_to_connect() -> None:
    walk = Walk(china(2026, 3, 2), process="hv_complex")
    walk.case = replace(walk.case, history=(replace(walk.case.history[0], stage="ready"),), stage="ready")
    found = walk.clocks(china(2026, 3, 8))
    assert (found["county-2012.weekly_plan"].used, found["county-2012.weekly_plan"].unit) == (6, "calendar")
    assert found["county-2012.connection"].unit == "working"


def test_a_limit_is_that_of_the_day_on_which_its_clock_began() -> None:
    own = """
schema: 1
settings:
  - {key: limit.county-2012.survey, from: 2026-03-10, value: 2}
  - {key: limit.county-2012.survey, from: 2026-01-01, value: 5, organisation: north}
  - {key: promise_profile, from: 2026-03-01, value: assessment}
"""
    rules = with_own(load_policy(), own)
    before = Walk(china(2026, 3, 2), rules=rules).on(china(2026, 3, 9), "survey")
    after = Walk(china(2026, 3, 2), rules=rules).on(china(2026, 3, 10), "survey")
    assert before.clocks(china(2026, 3, 20))["county-2012.survey"].limit == 3
    assert after.clocks(china(2026, 3, 20))["county-2012.survey"].limit == 2
    north = replace(before.case, organisation="north")
    assert clocks_of(north, china(2026, 3, 20), rules)["county-2012.survey"].limit == 5
    assert after.clocks(china(2026, 3, 20))["assessment.reply"].limit == 15


def test_the_promise_changed_in_2023_and_the_law_began_in_2010() -> None:
    def limit_ids(year: int) -> set[str]:
        return set(Walk(china(year, 3, 3)).clocks(china(year, 3, 3, 12)))

    assert "state-grid.reply" in limit_ids(2012)
    assert "state-grid.reply" not in limit_ids(2023)
    assert not {name for name in limit_ids(2009) if name.startswith("supervision")}


def test_a_limit_of_no_days_is_none_and_of_too_many_is_refused() -> None:
    gone = "{schema: 1, settings: [{key: limit.county-2012.total, from: 2026-01-01, value: 0}]}"
    assert "county-2012.total" not in Walk(china(2026, 3, 2), rules=with_own(load_policy(), gone)).clocks(
        china(2026, 3, 3)
    )
    with pytest.raises(PolicyError, match="not within"):
        with_own(load_policy(), gone.replace("value: 0", "value: 5000"))
    with pytest.raises(PolicyError, match="no such setting"):
        with_own(load_policy(), gone.replace("total", "totals"))


def test_a_year_that_nobody_knows_leaves_clocks_open_and_says_so() -> None:
    walk = Walk(china(2026, 12, 21)).on(china(2026, 12, 21), "survey")
    clock = walk.clocks(china(2026, 12, 28))["county-2012.total"]
    assert (clock.used, clock.level, clock.due, clock.unknown_year) == (5, 0, None, 2027)
    later = walk.clocks(china(2027, 1, 5))["county-2012.total"]
    assert (later.used, later.level, later.over, later.unknown_year) == (None, None, None, 2027)
    survey = walk.clocks(china(2027, 1, 5))["county-2012.survey"]
    assert (survey.used, survey.over, survey.level) == (None, True, 100), "it ran out in December"
    assert survey.over_on == date(2026, 12, 25)
    own = """
schema: 1
calendar:
  - {year: 2027, holidays: [2027-01-01], workdays: [], source: made up}
"""
    entered = clocks_of(walk.case, china(2027, 1, 5), with_own(load_policy(), own))["county-2012.total"]
    assert (entered.used, entered.due, entered.unknown_year) == (10, date(2027, 1, 13), None)


def test_every_limit_of_the_papers_is_there_with_its_source() -> None:
    of = {
        name: {key: limit.days for key, limit in one.limits.items()}
        for name, one in limits().profiles.items()
    }
    assert of["county-2012"]["grid_works"] == 30
    assert of["assessment"] == {
        "reply": 15,
        "reply_dual": 30,
        "design_review": 10,
        "intermediate": 5,
        "completion": 5,
        "connection": 5,
    }
    law = of["supervision-2009"]
    assert [law[key] for key in ("reply", "reply_dual", "design_review", "completion")] == [20, 45, 20, 7]
    assert all(limit.source for one in limits().profiles.values() for limit in one.limits.values())


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda table: replace(table, clocks={**table.clocks, "total": Span()}), "total: a clock spans"),
        (lambda table: replace(table, clocks={"total": Span(whole=True)}), "no clock acceptance"),
    ],
)
def test_a_table_of_limits_that_cannot_be_is_complained_of(damage: Any, complaint: str) -> None:
    table: Limits = damage(limits())
    assert complaint in "; ".join(lint(table))


# What the office records


def test_a_pause_takes_a_known_reason_evidence_and_a_date_that_can_be() -> None:
    walk = Walk(china(2026, 3, 2)).on(china(2026, 3, 2), "survey")
    walk.now = china(2026, 3, 20)
    good = c.PauseClock(pause_id="p-1", reason="papers", evidence="letter 7", since=china(2026, 3, 9))
    assert refused(walk, replace(good, reason="siesta")).code == "pause_reason_unknown"
    assert refused(walk, replace(good, evidence=" ")).code == "act_evidence_missing"
    assert refused(walk, replace(good, since=china(2026, 3, 1))).code == "time_order"
    assert refused(walk, replace(good, since=china(2026, 4, 1))).code == "in_future"
    assert refused(walk, good, INSPECTOR).code == "role_missing"
    walk.do(good)
    assert walk.do(good).events == ()
    assert refused(walk, replace(good, reason="payment")).code == "pause_exists"
    ended = c.ResumeClock(pause_id="p-1", dated=china(2026, 3, 8), evidence="receipt 9")
    assert refused(walk, ended).code == "time_order"
    assert refused(walk, replace(ended, pause_id="p-2")).code == "pause_unknown"
    walk.do(replace(ended, dated=china(2026, 3, 10)))
    assert walk.do(replace(ended, dated=china(2026, 3, 10))).events == ()
    assert [entry.event for entry in walk.case.log[-2:]] == ["clock_paused", "clock_resumed"]


def test_a_paused_case_moves_on_only_when_the_pause_has_ended_but_may_be_given_up() -> None:
    walk = Walk(china(2026, 3, 2)).on(china(2026, 3, 2), "survey").surveyed(china(2026, 3, 2))
    pause(walk, 3)
    refusal = refused(walk, c.MoveStage(to="scheme"))
    assert (refusal.code, refusal.facts) == ("case_paused", ("pause:p-1",))
    walk.do(c.MoveStage(to="cancelled"))
    stands = standing(walk.case, walk.now, RULES)
    assert stands is not None
    assert (stands.side_state, stands.holder) == ("CX", "nobody")


def test_nothing_is_paused_that_does_not_wait() -> None:
    wanted = c.PauseClock(pause_id="p-1", reason="papers", evidence="letter 7")
    assert refused(authorized_desk(), wanted).code == "pause_while_authorized"
    assert refused(energized_desk(), wanted).code == "nothing_to_pause"


def test_a_paused_case_is_not_authorized() -> None:
    desk = ready_desk()
    desk.do(c.PauseClock(pause_id="p-1", reason="customer_delay", evidence="letter 7"))
    assert refused(desk, c.Authorize()).code == "case_paused"
    desk.do(c.ResumeClock(pause_id="p-1", dated=desk.now, evidence="call 3"))
    desk.do(c.Authorize())
    assert desk.status == "authorized"


def test_a_stage_begins_on_the_customers_dated_application() -> None:
    walk = to_construction(china(2026, 3, 2)).on(china(2026, 3, 20), "intermediate")
    act = c.DateStage(stage="intermediate", dated=china(2026, 3, 16), evidence="application 12")
    assert refused(walk, replace(act, dated=china(2026, 3, 21))).code == "act_after_stage"
    assert refused(walk, replace(act, dated=china(2026, 2, 27))).code == "time_order"
    assert refused(walk, replace(act, visit=2)).code == "stage_not_entered"
    assert refused(walk, replace(act, stage="survey")).code == "stage_not_dated"
    assert refused(walk, replace(act, evidence="\t")).code == "act_evidence_missing"
    walk.do(act)
    clock = walk.clocks(china(2026, 3, 20))["county-2012.intermediate"]
    assert (clock.used, clock.over, clock.started_at) == (4, True, china(2026, 3, 16))
    assert walk.do(act).events == ()
    opened = c.DateStage(stage="accepted", dated=china(2026, 2, 27), evidence="stamp of receipt")
    walk.do(opened, MANAGER)
    assert walk.clocks(china(2026, 3, 3))["county-2012.total"].started_at == china(2026, 2, 27)


def test_what_was_seen_of_a_clock_is_a_value() -> None:
    walk = Walk(china(2026, 3, 2))
    at = china(2026, 3, 5)
    assert clocks(walk.case, at, RULES) == clocks(walk.case, at, RULES)
    assert clocks(walk.case, china(2026, 3, 1), RULES) == ()
    assert standing(walk.case, china(2026, 3, 1), RULES) is None
    assert all(isinstance(one, Clock) for one in clocks(walk.case, at, RULES))


def test_every_reason_for_a_pause_says_who_ends_it() -> None:
    assert {reason.side for reason in pause_reasons().values()} == {"WC", "WG", "SU"}
    assert all(reason.held_by in {"customer", "third_party"} for reason in pause_reasons().values())
