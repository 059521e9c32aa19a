"""Monitors: what in a case asks to be looked at, and by whom. They judge nobody and stop nothing.

A monitor is a function of the case, the settings and its clocks. Each thing is judged by the settings of the
day on which it was done, as a clock is by those of the day on which it began: so nothing changes because a
setting does. What will come about by itself if nothing is done (a limit that runs out) is told with its day,
so that a list is right on any day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal

from msgspec import Struct, field

from server.workflow.clocks.measure import Clock, clocks
from server.workflow.clocks.timeline import stage_begins
from server.workflow.facts import known
from server.workflow.inforce import InForce
from server.workflow.model import Case, Submission, Task, TaskKind, Value
from server.workflow.policy import Policy
from server.workflow.processes import process
from server.workflow.sheet import on_load_due
from server.workflow.use_rules import line_terms, total_kva, unused

MonitorName = Literal["over_limit", "too_short", "time_order", "one_person", "small_firm", "use"]
#: 1 the clerk of the local station, 2 the customer manager, 3 the marketing specialist 三级监控.
Watch = Literal[1, 2, 3]
AnomalyCode = Literal[
    "over_limit",
    "due_soon",
    "limit_unknown",
    "on_load_overdue",
    "reply_too_quick",
    "inspection_too_quick",
    "case_too_quick",
    "survey_before_application",
    "reply_before_survey",
    "mid_check_before_reply",
    "photo_time",
    "device_clock",
    "stage_before_previous",
    "contract_after_energization",
    "metering_after_energization",
    "recorded_late",
    "visit_alone",
    "raised_and_closed",
    "surveyed_and_replied",
    "inspected_and_authorized",
    "small_firm_on_hv",
    "account_unused",
    "line_below_terms",
]
#: Findings on photos whose time is not that of the visit.
_PHOTO_TIMES = frozenset({"photo_exif_time_differs", "photo_taken_in_future", "photo_taken_too_early"})
_DEVICE_CLOCKS = frozenset({"clock_ahead", "clock_behind"})
#: Gates whose condition comes before the breaker is closed, by what is said if it came after.
_BEFORE_ENERGIZATION: Mapping[str, AnomalyCode] = {
    "contract-signed": "contract_after_energization",
    "metering-fitted": "metering_after_energization",
}


class Anomaly(Value, frozen=True, kw_only=True):
    """Something to be looked at from the day `since`, and before the day `until` if it ends by itself.

    `code` is a key of the text catalogue, filled in with `params`; `refs` as in a refusal.
    """

    monitor: MonitorName
    code: AnomalyCode
    watch: int
    since: date
    until: date | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    refs: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What it is called within its case, for as long as it is there."""
        return anomaly_key(self.code, self.refs)


def anomaly_key(code: str, refs: Iterable[str]) -> str:
    """The key of an anomaly with this code and these refs."""
    return " ".join((code, *refs))


class _Look(Struct, frozen=True):
    """What a monitor looks at."""

    case: Case
    rules: InForce
    clocks: tuple[Clock, ...]
    begins: Mapping[str, datetime]

    def policy(self, at: datetime) -> Policy:
        """What held at a moment."""
        return self.rules.at(at, self.case.organisation)

    def begun(self, stage: str) -> datetime | None:
        """When a stage was first entered."""
        return self.begins.get(stage)

    def accepted(self, kind: TaskKind) -> Iterator[tuple[Task, Submission]]:
        """Every accepted form of a kind."""
        for task in self.case.tasks.values():
            if task.kind == kind:
                yield from ((task, one) for one in task.submissions if one.outcome == "accepted")

    def found(
        self, monitor: MonitorName, code: AnomalyCode, at: datetime, *refs: str, **params: Any
    ) -> Anomaly:
        policy = self.policy(at)
        watch = getattr(policy, f"watch_{monitor}")
        return Anomaly(
            monitor=monitor, code=code, watch=watch, since=policy.day(at), refs=refs, params=params
        )


def watched(
    case: Case, now: datetime, rules: InForce, timed: tuple[Clock, ...] | None = None
) -> tuple[Anomaly, ...]:
    """Everything that is to be looked at, what will come about included, the gravest first.

    `timed`: the case's clocks at this moment, if they are at hand.
    """
    begins = dict(reversed(stage_begins(case)))
    look = _Look(case, rules, clocks(case, now, rules) if timed is None else timed, begins)
    found = (anomaly for monitor in MONITORS.values() for anomaly in monitor(look))
    return tuple(sorted(found, key=lambda one: (-one.watch, one.since, one.code, one.refs)))


def anomalies(case: Case, now: datetime, rules: InForce) -> tuple[Anomaly, ...]:
    """What is to be looked at now."""
    today = rules.at(now, case.organisation).day(now)
    return tuple(
        one
        for one in watched(case, now, rules)
        if one.since <= today and (one.until is None or today < one.until)
    )


def _over_limit(look: _Look) -> Iterator[Anomaly]:
    """A limit that is passed, will be, or nearly is."""
    for clock in look.clocks:
        if clock.over_on is None and clock.state == "ended":
            continue
        params = {"clock": clock.clock, "kind": clock.kind, "limit": clock.limit, "run": clock.run}
        about = (f"clock:{clock.id}:{clock.run}",)
        policy = look.policy(clock.started_at)
        watch = getattr(policy, f"watch_over_{clock.kind}")
        # Of one that is passed, nothing that is asked here is unknown.
        if clock.unknown_year is not None and clock.over_on is None and clock.state != "ended":
            yield Anomaly(
                monitor="over_limit",
                code="limit_unknown",
                watch=watch,
                since=date(clock.unknown_year, 1, 1),
                params={**params, "year": clock.unknown_year},
                refs=about,
            )
        if clock.over_on is not None:
            yield Anomaly(
                monitor="over_limit",
                code="over_limit",
                watch=watch,
                since=clock.over_on,
                params=params,
                refs=about,
            )
        if clock.soon_on is not None and clock.state == "running":
            yield Anomaly(
                monitor="over_limit",
                code="due_soon",
                watch=policy.watch_due_soon,
                since=clock.soon_on,
                until=clock.over_on,
                params={**params, "due": clock.due.isoformat() if clock.due else ""},
                refs=about,
            )
    yield from _load_unchecked(look)


def _load_unchecked(look: _Look) -> Iterator[Anomaly]:
    """A check under load that nobody has made by the day it was due, or that came later."""
    record = look.case.energization.record
    if record is None:
        return
    policy = look.policy(record.at)
    due = on_load_due(look.case, policy)
    checked = min((policy.day(check.at) for check in look.case.on_load_checks), default=None)
    if due is not None and (checked is None or checked > due):
        yield Anomaly(
            monitor="over_limit",
            code="on_load_overdue",
            watch=policy.watch_over_internal,
            since=due + timedelta(days=1),
            params={"due": due.isoformat()},
            refs=("energization",),
        )


def _too_short(look: _Look) -> Iterator[Anomaly]:
    """Work that was done faster than it can be: a sign that it was done outside, and entered afterwards."""
    survey, replied = look.begun("survey"), look.begun("reply")
    if survey is not None and replied is not None:
        yield from _quick(look, "reply_too_quick", survey, replied, "floor_reply_minutes")
    arrived = look.begun("acceptance")
    for task, form in look.accepted("acceptance") if arrived is not None else ():
        about = f"task:{task.id}"
        end = form.submitted_at
        yield from _quick(look, "inspection_too_quick", arrived, end, "floor_inspection_minutes", about)
    archived = look.begun("archived")
    if look.case.process == "lv" and archived is not None:
        opened = look.case.history[0].at
        yield from _quick(look, "case_too_quick", opened, archived, "floor_lv_minutes")


def _quick(
    look: _Look, code: AnomalyCode, start: datetime | None, end: datetime, setting: str, *refs: str
) -> Iterator[Anomaly]:
    """`setting` names the least that is plausible, in minutes."""
    if start is None:
        return
    floor = getattr(look.policy(end), setting)
    minutes = int((end - start).total_seconds() // 60)
    # Less than nothing is another matter: the times are in the wrong order.
    if 0 <= minutes < floor:
        yield look.found("too_short", code, end, *refs, minutes=minutes, floor=floor)


def _time_order(look: _Look) -> Iterator[Anomaly]:
    case = look.case
    yield from _forms_out_of_order(look)
    yield from _late_records(look)
    for (_, entry), (n, following) in pairwise(enumerate(case.history, start=1)):
        if following.begun < entry.begun:
            params = {"stage": following.stage, "before": entry.stage}
            yield look.found("time_order", "stage_before_previous", following.at, f"stage:{n}", **params)
    record = case.energization.record
    for gate, code in _BEFORE_ENERGIZATION.items() if record is not None else ():
        met = [entry.at for entry in case.entries.get(gate, ()) if entry.status == "met"]
        if record is not None and met and min(met) > record.at:
            yield look.found("time_order", code, min(met), f"gate:{gate}")


def _forms_out_of_order(look: _Look) -> Iterator[Anomaly]:
    applied, replied = look.case.history[0].begun, look.begun("reply")
    for task, form in look.accepted("survey"):
        if form.submitted_at < applied:
            yield _form(look, "survey_before_application", task, form)
        if replied is not None and task.accepted == form.n and replied < form.submitted_at:
            yield _form(look, "reply_before_survey", task, form)
    for task, form in look.accepted("intermediate"):
        if replied is not None and form.submitted_at < replied:
            yield _form(look, "mid_check_before_reply", task, form)
    for task in look.case.tasks.values():
        for form in task.submissions:
            if _PHOTO_TIMES & {finding.code for finding in form.findings}:
                yield _form(look, "photo_time", task, form)
            if _DEVICE_CLOCKS & {reason.code for reason in form.reasons}:
                yield _form(look, "device_clock", task, form)


def _form(look: _Look, code: AnomalyCode, task: Task, form: Submission) -> Anomaly:
    return look.found("time_order", code, form.received_at, f"task:{task.id}", task=task.id, n=form.n)


def _late_records(look: _Look) -> Iterator[Anomaly]:
    """What was recorded so long after its date that it may have been thought of afterwards."""
    dated: list[tuple[str, datetime, datetime]] = []
    for pause in look.case.pauses.values():
        dated.append((f"pause:{pause.id}", pause.since, pause.recorded_at))
        dated += [(f"pause:{pause.id}", act.dated, act.recorded_at) for act in pause.acts]
    for n, entry in enumerate(look.case.history, start=1):
        dated += [(f"stage:{n}", act.dated, act.recorded_at) for act in entry.acts]
    for ref, at, recorded in dated:
        policy = look.policy(recorded)
        days = (policy.day(recorded) - policy.day(at)).days
        if days > policy.late_record_days:
            yield look.found("time_order", "recorded_late", recorded, ref, days=days)


def _one_person(look: _Look) -> Iterator[Anomaly]:
    """One person where the work takes two, or where two steps are to look at each other."""
    case = look.case
    for task in case.tasks.values():
        forms = [form for form in task.submissions if form.outcome == "accepted"]
        people = {*task.assignees, *(form.submitted_by for form in forms)}
        needed = look.policy(forms[0].received_at).visit_people if forms else 0
        if forms and len(people) < needed:
            yield look.found(
                "one_person",
                "visit_alone",
                forms[0].received_at,
                f"task:{task.id}",
                task=task.id,
                kind=task.kind,
                have=len(people),
                needed=needed,
            )
    for notice in case.notices.values():
        raisers = {name for item in notice.items for name in item.raisers}
        if notice.closed_by in raisers and notice.closed_at is not None:
            about, params = f"notice:{notice.n}", {"n": notice.n, "by": notice.closed_by}
            yield look.found("one_person", "raised_and_closed", notice.closed_at, about, **params)
    surveyors = {form.submitted_by for _, form in look.accepted("survey")}
    replied = process(case.process).scheme_replied
    for entry in case.history:
        if entry.stage == replied and entry.by in surveyors:
            yield look.found("one_person", "surveyed_and_replied", entry.at, by=entry.by)
    inspectors = {form.submitted_by for _, form in look.accepted("acceptance")}
    energization = case.energization
    if energization.authorized_by in inspectors and energization.authorized_at is not None:
        by = energization.authorized_by
        yield look.found("one_person", "inspected_and_authorized", energization.authorized_at, by=by)


def _small_firm(look: _Look) -> Iterator[Anomaly]:
    """A small firm, or a small load, at high voltage without the customer's written wish."""
    case = look.case
    limit = look.policy(case.history[0].at).small_firm_kva
    small = total_kva(case) <= limit or known(case, "small_firm") is True
    if case.process != "lv" and small and known(case, "hv_by_wish") is not True:
        params = {"kva": total_kva(case), "limit": limit}
        yield look.found("small_firm", "small_firm_on_hv", case.history[0].at, "fact:hv_by_wish", **params)


def _use(look: _Look) -> Iterator[Anomaly]:
    """A large customer who uses nothing for so long that his account may be closed; a line of his own that he
    does not make use of as he asked for it. By the settings of the day of energization."""
    case, record = look.case, look.case.energization.record
    if record is None:
        return
    policy = look.policy(record.at)
    idle = unused(case, policy)
    if idle is not None:
        yield Anomaly(
            monitor="use",
            code="account_unused",
            watch=policy.watch_use,
            since=idle.closable_on,
            params={"since": idle.since.isoformat(), "months": policy.unused_months},
            refs=(f"use:{idle.report}",),
        )
    for term in line_terms(case, policy):
        if not term.kept:
            yield Anomaly(
                monitor="use",
                code="line_below_terms",
                watch=policy.watch_use,
                since=term.by + timedelta(days=1),
                until=term.reached_on,
                params={"kva": term.kva, "by": term.by.isoformat(), "term": term.id},
                refs=(f"line:{term.id}",),
            )


MONITORS: Mapping[MonitorName, Callable[[_Look], Iterator[Anomaly]]] = {
    "over_limit": _over_limit,
    "too_short": _too_short,
    "time_order": _time_order,
    "one_person": _one_person,
    "small_firm": _small_firm,
    "use": _use,
}
