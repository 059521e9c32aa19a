"""A case in a test's hands: short names for commands, people and judged items.

`Desk` keeps one case, a clock that moves on by a minute with every command, and the people of a small firm
made up for tests. It never catches a refusal.
"""

from __future__ import annotations

import json
import string
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.texts import LANGUAGES, catalogue
from server.workflow import commands as c
from server.workflow.decide import decide
from server.workflow.gates import gate_table, unmet
from server.workflow.meetings import MeetingKind, MeetingOutcome, Participant
from server.workflow.model import (
    Actor,
    Case,
    ChecklistRef,
    CodedReason,
    Customer,
    Decision,
    Fact,
    ItemResult,
    Notice,
    PhotoRef,
    ProcessName,
    Severity,
    Signature,
    Site,
    Supply,
    Task,
    Text,
    Verdict,
)
from server.workflow.papers import paper_rules
from server.workflow.policy import Policy, load_policy
from server.workflow.processes.called import meeting_table, not_minuted
from server.workflow.refusal import Refusal
from server.workflow.switching import current_run, done, on_load_points, steps_of

MANAGER = Actor("wang.manager", ("manager",))
DEPUTY = Actor("deng.deputy", ("manager",))
ADMIN = Actor("an.admin", ("admin",))
SCHEDULER = Actor("shi.scheduler", ("scheduler",))
AUDITOR = Actor("shen.auditor", ("auditor",))
CUSTOMER = Actor("ke.customer", ("customer",))
INSPECTOR = Actor("chen.inspector", ("inspector",))
COLLEAGUE = Actor("lin.inspector", ("inspector",))
INTAKE = Actor("hezha", ("system",))

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
STEP = timedelta(minutes=1)
CHECKLIST = ChecklistRef("acceptance-10kv", 1)
HAZARD_CHECKLIST = ChecklistRef("hazard-recheck", 1)
POLICY = load_policy().at(START.date())

#: Every fact that gates ask for, settled so that no conditional gate applies.
PLAIN_FACTS: Mapping[str, bool] = {
    "mid_check_required": False,
    "design_review_required": False,
    "dual": False,
    "gen": False,
    "dispatched": False,
    "terminal": False,
    "relay": False,
    "important": False,
}


def text(words: str) -> Text:
    return Text(zh=f"中文 {words}", en=words)


def item(
    code: str = "CT-01",
    verdict: Verdict = "fail",
    severity: Severity = "major",
    *,
    photos: Iterable[str] = (),
    by: str = "chen.inspector",
    note: str = "",
) -> ItemResult:
    return ItemResult(
        code=code,
        verdict=verdict,
        severity=severity,
        text=text(f"item {code}"),
        remedy=text("mend it"),
        photos=tuple(photos),
        by=by,
        note=note,
    )


def accepted(*items: ItemResult, photos: Iterable[PhotoRef] | None = None, **more: Any) -> c.Accepted:
    """An accepted form; every photo of an item is verified unless `photos` says otherwise."""
    if photos is None:
        photos = [PhotoRef(id_, None, verified=True) for one in items for id_ in one.photos]
    return c.Accepted(items=items, photos=tuple(photos), **more)


def returned(code: str = "answer_missing", on: str | None = "CT-01") -> c.Returned:
    return c.Returned((CodedReason(on, code),))


def awaiting(*photos: str) -> c.AwaitingPhotos:
    return c.AwaitingPhotos(photos or ("p-1",))


def open_command(process: ProcessName = "hv", **changes: Any) -> c.OpenCase:
    fields: dict[str, Any] = {
        "id": "01case",
        "no": "YK-2026-0001",
        "process": process,
        "organisation": "xiangyang",
        "customer": Customer("Red Maple Textiles", account_no="330001", address="2 Canal Road"),
        "site": Site(121.87, 29.48),
        "supply": Supply(0.4, 80.0) if process == "lv" else Supply(10.0, 630.0),
        "manager": MANAGER.name,
        "reason": "as surveyed",
    }
    return c.OpenCase(**{**fields, **changes})


class Desk:
    """One case and the people around it. Every `do` replaces the case by the decided one, a `step` later."""

    def __init__(
        self,
        process: ProcessName = "hv",
        *,
        facts: Mapping[str, Any] | None = None,
        policy: Policy = POLICY,
        start: datetime = START,
        step: timedelta = STEP,
    ) -> None:
        self.now = start
        self.step = step
        self.policy = policy
        self._revs = 0
        opening = open_command(process, facts=PLAIN_FACTS if facts is None else facts)
        self.case: Case = decide(None, opening, now=start, actor=MANAGER, policy=policy).case

    @classmethod
    def at_work_on(cls, case: Case, now: datetime, policy: Policy = POLICY) -> Desk:
        """A desk with a case that was made elsewhere."""
        desk = cls.__new__(cls)
        desk.now, desk.step, desk.policy, desk.case, desk._revs = now, STEP, policy, case, 0
        return desk

    def do(self, command: c.Command, actor: Actor = MANAGER, *, at: datetime | None = None) -> Decision:
        self.now = at or self.now + self.step
        decision = decide(self.case, command, now=self.now, actor=actor, policy=self.policy)
        self.case = decision.case
        return decision

    # Field work

    def assign(
        self,
        task_id: str = "t-acc",
        kind: Any = "acceptance",
        *people: str,
        checklist: ChecklistRef = CHECKLIST,
    ) -> Task:
        assignees = people or (INSPECTOR.name, COLLEAGUE.name)
        self.do(c.AssignTask(task_id=task_id, kind=kind, checklist=checklist, assignees=assignees))
        return self.task(task_id)

    def submit(
        self,
        task_id: str,
        outcome: c.Outcome,
        *,
        revs: tuple[str, ...] | None = None,
        by: str = INSPECTOR.name,
        unsent_id: str | None = None,
    ) -> Decision:
        if revs is None:
            self._revs += 1
            revs = (f"{self._revs}-a",)
        return self.do(
            c.RecordSubmission(
                task_id=task_id,
                revs=revs,
                outcome=outcome,
                submitted_by=by,
                submitted_at=self.now,
                device="tablet-1",
                unsent_id=unsent_id,
            ),
            INTAKE,
        )

    def inspect(self, task_id: str, kind: Any, *items: ItemResult) -> Task:
        """Assign a task and have it accepted with these items."""
        self.assign(task_id, kind)
        self.submit(task_id, accepted(*items))
        return self.task(task_id)

    # Notices

    def issue(self, n: int = 1) -> Notice:
        self.do(c.IssueNotice(n=n))
        return self.notice(n)

    def answer(self, n: int = 1, *codes: str, photos: Iterable[PhotoRef] = ()) -> Notice:
        wanted = codes or tuple(one.code for one in self.notice(n).items if one.state == "open")
        items = {code: c.AnsweredItem("Mended.", tuple(photos)) for code in wanted}
        self.do(c.AnswerNotice(n=n, items=items, answered_by="Red Maple Textiles"), CUSTOMER)
        return self.notice(n)

    def reinspect(self, n: int = 1, *people: str, task_id: str | None = None) -> Task:
        task_id = task_id or f"r-{n}-{self.notice(n).round}-{len(self.notice(n).reinspections)}"
        assignees = people or (INSPECTOR.name, COLLEAGUE.name)
        self.do(c.ScheduleReinspection(n=n, task_id=task_id, assignees=assignees))
        return self.task(task_id)

    def round(self, n: int = 1, *items: ItemResult, by: str = COLLEAGUE.name, issue: bool = False) -> Notice:
        """One whole round: issue if asked to, answer, re-inspect with these items."""
        if issue:
            self.issue(n)
        self.answer(n)
        task = self.reinspect(n)
        self.submit(task.id, accepted(*items), by=by)
        return self.notice(n)

    def hazard(self, hazard_id: str = "h-1", *, by: str = INSPECTOR.name, actor: Actor = INTAKE) -> Decision:
        return self.do(
            c.ReportHazard(
                hazard_id=hazard_id,
                description="An open cable pit by the gate.",
                at=START,
                by=by,
                checklist=HAZARD_CHECKLIST,
                text=text("hazard removed"),
            ),
            actor,
        )

    # Towards energization

    def enter(self, *, without: Collection[str] = ()) -> None:
        """Confirm every condition that takes somebody's word."""
        for gate in gate_table().values():
            if gate.entry is None or gate.id in without or self.case.process not in gate.processes:
                continue
            command = c.RecordEntry(gate=gate.id, status="met", evidence=f"sheet {gate.id}")
            self.do(command, MANAGER)
            if gate.entry.persons is not None:
                self.do(command, INSPECTOR)

    def to_stage(self, *stages: str) -> None:
        for stage in stages:
            self.hold_meetings(stage)
            if stage == "completion_applied":
                self.check_self()
            self.do(c.MoveStage(to=stage))

    def hold_meetings(self, stage: str) -> None:
        """Hold the meetings whose minutes the way to a stage waits for, within the moment."""
        kinds: Mapping[tuple[str, str], tuple[MeetingKind, ...]] = {
            ("review", "reply"): ("scheme_review", "leaders_review"),
            ("design_review", "construction"): ("drawing_review",),
        }
        for reason in not_minuted(self.case, self.policy, *kinds.get((self.case.stage, stage), ())):
            self.hold_meeting(reason.params["meeting"])

    def check_self(self, *, finished: bool = True) -> None:
        """Have the customer check his own works, within the moment."""
        check = c.RecordSelfCheck(
            check_id=f"s-{len(self.case.self_checks) + 1}",
            dated=self.now,
            by="Red Maple Textiles",
            finished=finished,
            evidence="sheet",
        )
        self.do(check, at=self.now)

    def hold_meeting(self, kind: MeetingKind, outcome: MeetingOutcome = "agreed") -> str:
        """Call and hold a meeting of everybody that it asks for; its id."""
        meeting = f"m-{len(self.case.meetings) + 1}"
        people = tuple(
            Participant(name=f"{department}.head", department=department)
            for department in meeting_table()[kind].departments
        )
        call = c.CallMeeting(meeting_id=meeting, kind=kind, at=self.now, place="Room 2", invited=people)
        self.do(call, at=self.now)
        minutes = c.RecordMinutes(
            meeting_id=meeting, held_at=self.now, attended=people, text="As drawn.", outcome=outcome
        )
        self.do(minutes, at=self.now)
        return meeting

    def steps(self) -> tuple[c.StepDone, ...]:
        """The switching steps that are left, done a minute apart, or as far as they must be."""
        run = current_run(self.case)
        ticks = () if run is None else run.ticks
        at = max([self.now, *(tick.at for tick in ticks)])
        found = []
        for step in steps_of(self.case, self.policy):
            for _ in range(step.times - done(ticks, step.id)):
                at += timedelta(minutes=max(step.minutes, 1))
                found.append(c.StepDone(step=step.id, at=at))
        return tuple(found)

    def switch(self) -> None:
        """Do every switching step that is left."""
        steps = self.steps()
        if steps:
            self.do(c.RecordSteps(steps=steps), INSPECTOR, at=steps[-1].at)

    def record(self, **changes: Any) -> Decision:
        """Switch, and record the energization."""
        self.switch()
        return self.do(record_command(self, **changes))

    def on_load(self, **points: Any) -> Decision:
        """Check under load: every point is right, but for those named otherwise."""
        results = {point: points.get(point.replace("-", "_"), "pass") for point in on_load_points(self.case)}
        return self.do(
            c.RecordOnLoadCheck(
                check_id=f"lc-{len(self.case.on_load_checks) + 1}",
                at=self.now,
                by=COLLEAGUE.name,
                points=results,
                evidence="sheet 9",
                recheck=HAZARD_CHECKLIST,
                text=text("right under load"),
            )
        )

    def file_papers(self) -> None:
        """Bring in every paper that the file is asked for."""
        for rule in paper_rules().values():
            if self.case.process in rule.processes:
                self.do(c.RecordPaper(paper=rule.id, state="in", reference="box 3", original=True))

    # Looking

    def task(self, task_id: str) -> Task:
        return self.case.tasks[task_id]

    def notice(self, n: int = 1) -> Notice:
        return self.case.notices[n]

    def fact(self, name: str) -> Fact:
        return self.case.facts[name]

    def red(self) -> set[str]:
        return {status.id for status in unmet(self.case)}

    @property
    def status(self) -> str:
        return self.case.energization.status


def record_command(desk: Desk, **changes: Any) -> c.RecordEnergization:
    """The record of the breaker closed a moment ago."""
    fields: dict[str, Any] = {
        "at": desk.now,
        "phase_check": "consistent",
        "participants": (MANAGER.name, INSPECTOR.name),
        "readings": {"kWh": 0.0},
        "readings_by": CUSTOMER.name,
        "signatures": (Signature(CUSTOMER.name, "customer", "signature:s-1"),),
    }
    return c.RecordEnergization(**{**fields, **changes})


def ready_desk(process: ProcessName = "hv", *, start: datetime = START, step: timedelta = STEP) -> Desk:
    """A case with every gate met, at the ready stage, not yet authorized."""
    desk = Desk(process, start=start, step=step)
    desk.to_stage("survey")
    desk.inspect("t-survey", "survey", item("SH-01", "pass"))
    before = (
        ("scheme", "review", "reply", "construction", "completion_applied")
        if process != "lv"
        else ("construction",)
    )
    desk.to_stage(*before, "acceptance")
    desk.inspect("t-acc", "acceptance", item("CT-01", "pass"))
    desk.enter()
    desk.to_stage("ready")
    return desk


def authorized_desk(process: ProcessName = "hv", *, start: datetime = START, step: timedelta = STEP) -> Desk:
    desk = ready_desk(process, start=start, step=step)
    desk.do(c.Authorize())
    return desk


def energized_desk(process: ProcessName = "hv", *, start: datetime = START, step: timedelta = STEP) -> Desk:
    desk = authorized_desk(process, start=start, step=step)
    desk.record()
    return desk


def refused(desk: Desk, command: c.Command, actor: Actor = MANAGER) -> Refusal:
    """The refusal of a command: it must leave the case as it was, and its words must have no gaps."""
    before = desk.case
    with pytest.raises(Refusal) as caught:
        desk.do(command, actor)
    assert desk.case is before
    check_words(caught.value)
    return caught.value


def check_words(refusal: Refusal) -> None:
    json.dumps(refusal.params, allow_nan=False)
    for lang in LANGUAGES:
        words = catalogue(lang)[f"refusal.{refusal.code}"]
        assert {name for _, name, _, _ in string.Formatter().parse(words) if name} <= set(refusal.params)
