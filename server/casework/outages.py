"""What a published plan means: its works are planned, and the cases that waited for them are told.

Works are taken before the plan is published, each by compare and swap, so that no work stands in two
published plans. A version takes the place of its plan by one write to that plan, which only one can do. That
it was begun is written first, and every step can be done again: cut off in between, a worker goes on, or
gives back what was taken and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from server.casework.cases import SYSTEM, Cases, StaleCase
from server.outages.instance import Work
from server.scheduling import approving
from server.scheduling.approving import PlanRefused, claim
from server.scheduling.freezing import frozen_until
from server.scheduling.months import days_in, standing_days
from server.scheduling.plans import Hand, PlanRecord, Plans, Refused, UnknownPlan, number_of
from server.scheduling.requests import OPEN, Request, RequestState
from server.scheduling.works import UnknownWork, Works
from server.texts import text
from server.workflow.commands import RecordEntry
from server.workflow.model import Case
from server.workflow.policy import Policy, listed
from server.workflow.refusal import Refusal
from sync.changing import TRIES
from sync.store import Conflict, NotFound

log = structlog.get_logger()

GATE = "outage-approved"
#: Fields of a work that name others.
_TIES = ("after", "together", "not_with", "same_crew")
#: A plan in one of these holds no work any more, and never will again.
_OVER = ("amended", "withdrawn")


class Told(Struct, frozen=True, kw_only=True):
    """What became of a case that waited for a work: `refused` is the rule that kept its gate as it was;
    `works_left`: it waits for another work, which has no day yet."""

    case: str
    work: str
    refused: str | None = None


class Publishing:
    """Publishes plans, and ends them; holds nothing of its own."""

    def __init__(self, plans: Plans, works: Works, cases: Cases) -> None:
        self.plans = plans
        self._works = works
        self._cases = cases

    def publish(self, record: PlanRecord, *, by: str, at: datetime) -> tuple[PlanRecord, list[Told]]:
        """Publish a plan; of one that was published bring about what follows. Said before its first work is
        taken, so that a worker ends it where this is cut off.

        Raises PlanRefused, and then nothing of it is left: for what keeps it from being published by what
        holds at that moment, where a work is no longer as it was planned, or where another version has come
        in place of the plan that it amends.
        """
        if record.publishing is not None and record.publishing.refused is not None:
            record = self._give_back(record)
        if record.state == "published":
            return record, self.settle(record)
        change = self._publisher(record, by, at)
        try:
            change(record)
            record = self.plans.change(
                record.organisation, record.id, lambda known: approving.begin(known, by=by, at=at)
            )
            published = self._through(record, change)
        except PlanRefused as refusal:
            if record.publishing is not None:
                refused = Refused(code=refusal.code, params=refusal.params, at=at)
                self._give_back(
                    self.plans.change(
                        record.organisation, record.id, lambda known: approving.give_back(known, refused)
                    )
                )
            raise
        return published, self.settle(published)

    def go_on(self, record: PlanRecord, at: datetime) -> bool:
        """End a publishing that was cut off, by what holds now; whether the plan is published."""
        if record.publishing is None:
            return False
        try:
            self.publish(record, by=record.publishing.by, at=at)
        except PlanRefused as refusal:
            log.warning("publishing_given_up", plan=record.id, code=refusal.code, params=refusal.params)
            return False
        return True

    def _publisher(self, record: PlanRecord, by: str, at: datetime) -> Callable[[PlanRecord], PlanRecord]:
        """What decides whether a plan is published, as things are at a moment."""
        policy = self._cases.policy(record.organisation)
        done = record.summary is not None
        plan = self.plan(record) if done else {}
        base = (
            self.plan(self.plans.get(record.organisation, record.amends)) if done and record.amends else None
        )
        today, until = frozen_days(policy, at)
        functions = listed(policy.plan_approvals)

        def publish(known: PlanRecord) -> PlanRecord:
            return approving.publish(
                known, plan, base=base, by=by, at=at, needed=functions, today=today, frozen=until
            )

        return publish

    def _through(self, record: PlanRecord, change: Callable[[PlanRecord], PlanRecord]) -> PlanRecord:
        """Take a plan's works and publish it. Everything here can be done again."""
        if record.amends:
            self._claim(self.plans.get(record.organisation, record.amends), record)
        works = msgspec.json.decode(self.plans.instance(record))["works"]
        asked = {one.id: one for one in msgspec.convert(works, tuple[Work, ...])}
        days = standing_days(self.plan(record))
        known = {work: self._check(record, work, asked) for work in sorted(days)}
        inherited = [work for work in known if record.amends and known[work].plan == record.amends]
        for work in known:
            if work not in inherited:
                self._take(record, work, asked, days[work])
        if record.amends:
            self.plans.change(record.organisation, record.amends, lambda base: self._claim(base, record))
        for work in inherited:
            self._take(record, work, asked, days[work])

        def last(known: PlanRecord) -> PlanRecord:
            approving.require_begun(known)
            return change(known)

        return self.plans.change(record.organisation, record.id, last)

    def _give_back(self, record: PlanRecord) -> PlanRecord:
        """Free what a publishing took that was refused, and say that it is over."""
        if record.publishing is None or record.publishing.refused is None:
            return record
        self._release(record, days_in(self.plan(record)), back=record.amends)
        if record.amends:
            self.plans.change(
                record.organisation,
                record.amends,
                lambda base: replace(base, amended_by="") if base.amended_by == record.id else base,
            )
        return self.plans.change(record.organisation, record.id, approving.given_back)

    def give_up(self, record: PlanRecord, change: Callable[[PlanRecord], PlanRecord]) -> list[Told]:
        """Withdraw a plan by `change`: its works are free again, and the cases that it was told to are told.
        Raises what `change` raises."""

        def unclaimed(known: PlanRecord) -> PlanRecord:
            over = known.amended_by and self._is_over(known.organisation, known.amended_by)
            return change(replace(known, amended_by="") if over and known.state == "published" else known)

        return self.settle(self.plans.change(record.organisation, record.id, unclaimed))

    def plan(self, record: PlanRecord) -> dict[str, Any]:
        """The plan that was made, as `outage-plan-1`."""
        found: dict[str, Any] = msgspec.json.decode(self.plans.result(record))["plan"]
        return found

    def versions(self, record: PlanRecord) -> list[tuple[PlanRecord, dict[str, Any]]]:
        """What a plan came to be, oldest first: the plans that it amends, and itself."""
        found = [(record, self.plan(record))]
        while found[0][0].amends:
            base = self.plans.get(record.organisation, found[0][0].amends)
            found.insert(0, (base, self.plan(base)))
        return found

    def settle(self, record: PlanRecord) -> list[Told]:
        """What follows from a plan that was published or withdrawn, each thing once: works it leaves out are
        free again, cases are told of days that are new to them, and of works that are in no plan."""
        days = {} if record.state == "withdrawn" else days_in(self.plan(record))
        before = self._before(record)
        if record.state == "withdrawn" and record.published_at is None:
            self._release(record, days_in(self.plan(record)), back=record.amends)
            return []
        if record.state == "published" and record.amends:
            gone = before.keys() - days.keys()
            self._release(self.plans.get(record.organisation, record.amends), gone)
            self.plans.change(record.organisation, record.amends, lambda base: replace(base, state="amended"))
        elif record.state == "withdrawn":
            self._release(record, before)
        told = []
        new = any(before.get(work) != day for work, day in days.items())
        left = self._left(record, days) if new else set()
        for work, day in sorted(days.items()):
            if before.get(work) != day:
                told += self._tell_all(record, work, day, "met", left)
        for work in sorted(before.keys() - days.keys()):
            told += self._tell_all(record, work, before[work], "unmet", set())
        return told

    def _before(self, record: PlanRecord) -> dict[str, str]:
        """Where the works stood before this: in the plan it amends, or for one withdrawn in itself."""
        if record.state == "withdrawn":
            return days_in(self.plan(record))
        if not record.amends:
            return {}
        return days_in(self.plan(self.plans.get(record.organisation, record.amends)))

    def _claim(self, base: PlanRecord, record: PlanRecord) -> PlanRecord:
        """The plan that is amended, this version's. The claim of one that was withdrawn does not count."""
        if base.amended_by not in ("", record.id) and self._is_over(base.organisation, base.amended_by):
            base = replace(base, amended_by="")
        return claim(base, record.id)

    def _is_over(self, organisation: str, plan_id: str) -> bool:
        try:
            return self.plans.get(organisation, plan_id).state in _OVER
        except UnknownPlan:
            return False

    def _check(self, record: PlanRecord, work: str, asked: Mapping[str, Work]) -> Request:
        known, _ = self._works.get(record.organisation, work)
        ours = known.state in ("planned", "done") and known.plan in (record.id, record.amends or record.id)
        free = known.state == "approved" or (
            known.state == "planned" and self._is_over(record.organisation, known.plan)
        )
        # Works that the hand put together are so in this plan, and not by their request.
        within = asked.keys() - set(record.hand.get(work, Hand()).together)
        if not (ours or free) or _own(known.asked.work, within) != _own(asked[work], within):
            raise PlanRefused("plan_work_changed", work=work, state=known.state)
        return known

    def _take(self, record: PlanRecord, work: str, asked: Mapping[str, Work], day: date) -> None:
        """Have a work be this plan's, on a day."""

        def take(_known: Request) -> Request:
            known = self._check(record, work, asked)
            state: RequestState = "done" if known.state == "done" else "planned"
            return replace(known, state=state, plan=record.id, day=day)

        self._works.change(record.organisation, work, take, if_rev=None)

    def _release(self, record: PlanRecord, works: Iterable[str], *, back: str = "") -> None:
        """Have those of the works that are this plan's be free again, or those of the plan `back` that it
        took them from. What was done stays so."""
        kept = standing_days(self.plan(self.plans.get(record.organisation, back))) if back else {}

        def release(known: Request) -> Request:
            if known.state != "planned" or known.plan != record.id:
                return known
            if known.id in kept:
                return replace(known, plan=back, day=kept[known.id])
            return replace(known, state="approved", plan="", day=None)

        for work in sorted(works):
            self._works.change(record.organisation, work, release, if_rev=None)

    def _left(self, record: PlanRecord, days: Collection[str]) -> set[str]:
        """The cases that wait for a work which has no day yet, in this plan or another."""
        every = (known for known, _ in self._works.all(record.organisation) if known.id not in days)
        return {case for known in every if known.state in OPEN for case in known.asked.cases}

    def _tell_all(
        self, record: PlanRecord, work: str, day: str, status: Literal["met", "unmet"], left: Collection[str]
    ) -> list[Told]:
        try:
            known, _ = self._works.get(record.organisation, work)
        except UnknownWork:
            return []
        return [
            Told(case=case, work=work, refused="works_left")
            if case in left
            else self._tell(record, case, work, day, status)
            for case in known.asked.cases
        ]

    def _tell(
        self, record: PlanRecord, case_id: str, work: str, day: str, status: Literal["met", "unmet"]
    ) -> Told:
        number = number_of(record)
        # One language for all who read the case: the papers' own.
        code = "plan_evidence" if status == "met" else "plan_evidence_gone"
        evidence = text(code, "zh-CN", number=number, work=work, date=day)
        command = RecordEntry(gate=GATE, status=status, evidence=evidence, note=day, documents=(number,))
        try:
            self._say_once(case_id, command)
        except (Refusal, NotFound) as refusal:
            code = refusal.code if isinstance(refusal, Refusal) else "not_found"
            log.warning("outage_gate_refused", case=case_id, plan=record.id, code=code)
            return Told(case=case_id, work=work, refused=code)
        return Told(case=case_id, work=work)

    def _say_once(self, case_id: str, command: RecordEntry) -> None:
        """Say something of a case's gate, unless that was said: what anybody said since counts then. The case
        must not have changed since it was looked at, for another may be at this as well."""
        for _ in range(TRIES):
            found = self._cases.load(case_id)
            said = [(word.status, {*word.documents}) for word in found.case.entries.get(GATE, ())]
            if any(status == command.status and named >= {*command.documents} for status, named in said):
                return
            try:
                self._cases.apply(case_id, command, SYSTEM, if_rev=found.rev)
            except StaleCase:
                continue
            return
        raise Conflict


def frozen_days(policy: Policy, at: datetime) -> tuple[date, date]:
    """Which day it is at a moment, and the last one that is frozen then in published plans."""
    now = at.astimezone(ZoneInfo(policy.timezone))
    until = frozen_until(
        now, weekday=policy.plan_freeze_weekday, hour=policy.plan_freeze_hour, days=policy.plan_freeze_days
    )
    return now.date(), until


def planned_day(case: Case) -> date | None:
    """The day of the outage by which a case is connected, as long as what a published plan said of it last
    stands; None before, and where somebody else has said something since."""
    words = case.entries.get(GATE, ())
    if not words or (words[-1].status, words[-1].by) != ("met", SYSTEM.name):
        return None
    try:
        return date.fromisoformat(words[-1].note)
    except ValueError:
        return None  # said before days were kept


def _own(work: Work, within: Collection[str]) -> Work:
    """A work without what is of one plan and not of the work: the scheduler's hand, and that ties to works
    which are not `within` the plan fell away."""
    ties = {name: tuple(one for one in getattr(work, name) if one in within) for name in _TIES}
    return replace(work, pin=None, forbid=(), **ties)
