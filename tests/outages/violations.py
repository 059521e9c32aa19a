"""Plans that break one rule each: what is changed in the plan or in the instance of the demo month, and the
code that the checker must answer with.

In a path, `@T-09` is the outage in which that work rides and `#T-09` the work there. `+` appends,
None takes out.
"""

from __future__ import annotations

from typing import Any

Change = dict[str, Any]

#: In the plan.
PLANTED: list[tuple[str, Change, str]] = [
    ("a work twice", {"live.+": {"work": "T-14", "date": "2026-06-11", "half": "morning"}}, "work_twice"),
    ("a work forgotten", {"unplaced": []}, "work_missing"),
    ("a work that nobody asked for", {"unplaced.0.work": "T-99"}, "work_unknown"),
    ("before the earliest day", {"outages.@T-04.date": "2026-06-11"}, "too_early"),
    ("after the latest day", {"outages.@T-07.date": "2026-06-29"}, "too_late"),
    ("on a day of rest", {"outages.@T-03.date": "2026-06-13"}, "rest_day"),
    ("on a blackout day", {"outages.@T-03.date": "2026-06-05"}, "blackout"),
    ("outside the month", {"outages.@T-03.date": "2026-07-01"}, "day_outside"),
    ("days late not counted", {"outages.@T-09.works.#T-09.late_days": 3}, "late_days"),
    ("live without the option", {"live.0.work": "T-13", "unplaced": []}, "not_live"),
    ("before what it waits for", {"outages.@T-12.date": "2026-06-01"}, "order"),
    ("a section switched off twice a day", {"outages.@T-12.date": "2026-06-02"}, "clash"),
    ("two that borrow from one feeder", {"outages.@T-04.date": "2026-06-02"}, "lender_changed"),
    ("the same number twice", {"outages.1.id": "E001"}, "outage_twice"),
    ("an outage for nothing", {"outages.@T-14.works": [], "unplaced.+": {"work": "T-14"}}, "outage_idle"),
    ("a section that is not there", {"outages.0.dead.+": "XX 1段"}, "element_unknown"),
    ("a switch that stays closed", {"outages.@T-14.there": [], "outages.@T-14.back": []}, "not_isolated"),
    ("a switch left open afterwards", {"outages.@T-14.back": []}, "not_restored"),
    ("closed before it was opened", {"outages.@T-04.there": "reversed"}, "step_meshes"),
    ("more dead than told", {"outages.@T-07.dead": ["GY 2段"]}, "dead_differs"),
    ("moved, but not told", {"outages.@T-11.moved": []}, "moved_differs"),
    ("operations not counted", {"outages.@T-11.operations": 2}, "operations_differ"),
    ("a lender not told", {"outages.@T-11.lenders": []}, "lenders_differ"),
    ("a lender told too low", {"outages.@T-11.lenders.0.kva": 300.0}, "lenders_differ"),
    ("customers not counted", {"outages.@T-09.customers_dead": 100}, "customers_differ"),
    ("customers before transfer", {"outages.@T-09.customers_before": 130}, "customers_differ"),
    ("an important customer not named", {"outages.@T-04.important": []}, "important_differ"),
    ("longer than its window", {"outages.@T-03.on": "2026-06-01T12:30:00"}, "outside_window"),
    ("no time for switching", {"outages.@T-09.work_from": "2026-06-01T08:00:00"}, "switching_time"),
    ("a work longer than its outage", {"outages.@T-09.work_to": "2026-06-01T13:00:00"}, "too_short"),
    (
        "what it needs is not dead",
        {"outages.@T-14.works.0.work": "T-03", "outages.@T-03.works.0.work": "T-14"},
        "not_dead",
    ),
    ("a crew bound for half of what it takes", {"outages.@T-09.works.0.half": "morning"}, "half_differs"),
    ("announced too late", {"outages.@T-09.notify_by": "2026-05-30"}, "notify_by"),
    ("rain date too late", {"outages.@T-09.rain_date": "2026-07-02"}, "rain_date"),
    ("customer-hours of an outage", {"outages.0.customer_hours": 1.0}, "figure_differs"),
    ("customer-hours of the month", {"customer_hours": 1.0}, "figure_differs"),
    ("a part of the objective", {"parts.repeats": 0.0}, "figure_differs"),
    ("a bound above the value", {"proof.stages.0.bound": 99999.0}, "bound_above"),
    ("a proof that is none", {"proof.stages.0.bound": 100.0}, "not_proven"),
    ("another objective", {"proof.stages.0.parts": ["hours"]}, "stages_differ"),
    ("another instance", {"instance": "2026-07"}, "other_instance"),
    ("an instance since changed", {"digest": "0" * 64}, "other_digest"),
    ("a day's crews", {"days.0.crews": []}, "crew_use_differs"),
    ("a day's operations", {"days.0.operations": 1}, "figure_differs"),
    ("a day forgotten", {"days.0": None}, "days_differ"),
    ("an outage nobody is told of", {"notices.0": None}, "notices_differ"),
    ("a notice with other times", {"notices.0.from": "2026-06-01T09:00:00"}, "notice_differs"),
]

#: In the instance: the plan stays, a rule that it kept is made stricter.
TIGHTENED: list[tuple[str, Change, str]] = [
    ("forbidden since", {"works.T-03.forbid": ["2026-06-01"]}, "forbidden"),
    ("pinned elsewhere", {"works.T-03.pin": {"date": "2026-06-12"}}, "pin_broken"),
    ("published later", {"calendar.published": "2026-05-26T09:00:00"}, "notice_short"),
    ("only live", {"works.T-06.live": {"minutes": 60, "skill": "live", "only": True}}, "only_live"),
    ("together with another", {"works.T-03.with": ["T-10"]}, "not_together"),
    ("not with another", {"works.T-03.not_with": ["T-09"]}, "not_apart"),
    ("no consent", {"customers": []}, "no_consent"),
    ("guaranteed since", {"customers.0.guaranteed": ["2026-06-15"]}, "guaranteed"),
    ("quiet hours", {"calendar.quiet": [{"hours": {"from": "08:30", "to": "09:00"}}]}, "quiet_hours"),
    ("fewer windows", {"works.T-09.windows": ["morning"]}, "window_barred"),
    ("fewer operations", {"calendar.operations": 7}, "operations_many"),
    ("fewer crews", {"crews.0.count": 1}, "crews_many"),
    ("one crew for two", {"works.T-03.same_crew": ["T-09"]}, "crew_in_two_places"),
    (
        "interrupted before",
        {"past.+": {"section": "YG 4段", "date": "2026-05-30"}, "rules": {"interruptions": 1}},
        "too_often",
    ),
    ("a budget", {"rules": {"budget_hours": 100.0}}, "budget"),
]
