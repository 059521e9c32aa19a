"""A decision in the making: the case as the handlers leave it, and the events they told.

Handlers replace values, never change them. A draft lives within one call of `decide` and is dropped whole
when a handler refuses, so a refusal cannot leave anything half done.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from server.workflow.log import append
from server.workflow.model import (
    Actor,
    Case,
    Cause,
    Energization,
    LogEntry,
    Notice,
    PhotoRecord,
    PhotoRef,
    Quarantined,
    StageEntry,
    Task,
)
from server.workflow.policy import Policy
from server.workflow.processes import Process, process
from server.workflow.refusal import Refusal


class Draft:
    """The working copy of one case. `now` is in UTC.

    `again`: the command was admitted before, on a branch that lost a conflict. What people did on the word of
    that stays admitted: a submission whose sender is no longer assigned, work on a case that has ended since.
    """

    def __init__(
        self, case: Case, *, now: datetime, actor: Actor, policy: Policy, cause: Cause, again: bool = False
    ) -> None:
        self.case = case
        self.now = now
        self.actor = actor
        self.policy = policy
        self.again = again
        self.events: tuple[LogEntry, ...] = ()
        self._cause = cause

    def tell(self, event: str, **data: Any) -> None:
        """Log an event, in the past tense; `data` in JSON values."""
        entry = append(
            self.case.log,
            self.case.id,
            at=self.now,
            actor=self.actor.name,
            event=event,
            data=data,
            cause=None if self.events else self._cause,
        )
        self.case = replace(self.case, log=(*self.case.log, entry))
        self.events = (*self.events, entry)

    @property
    def given_at(self) -> datetime:
        """When the command was given: now, or before the conflict after which it is carried out again."""
        return (self._cause.at if self.again else None) or self.now

    @property
    def process(self) -> Process:
        return process(self.case.process)

    @property
    def energized(self) -> bool:
        return self.case.energization.status == "energized"

    def require_running(self) -> None:
        """Refuse office work on a case that has ended; notices, hazards and field truth still go on."""
        if self.process.stages[self.case.stage].final and not self.again:
            raise Refusal("case_ended", {"stage": self.case.stage}, facts=(f"stage:{self.case.stage}",))

    def require_not_future(self, moment: datetime, field: str) -> None:
        if moment > self.now + timedelta(seconds=self.policy.clock_future_tolerance_s):
            raise Refusal(
                "in_future",
                {"field": field, "at": moment.isoformat(), "now": self.now.isoformat()},
                kind="invalid",
                facts=(f"field:{field}",),
            )

    def require_not_paused(self) -> None:
        """Refuse what does not wait for the end of a pause."""
        lasting = sorted(pause.id for pause in self.case.pauses.values() if pause.until is None)
        if lasting:
            reasons = ", ".join(sorted({self.case.pauses[id_].reason for id_ in lasting}))
            facts = tuple(f"pause:{id_}" for id_ in lasting)
            raise Refusal("case_paused", {"names": reasons, "pauses": lasting}, facts=facts)

    def require_dated(self, moment: datetime, field: str, *, earliest: datetime) -> None:
        """Refuse a date of something outside that cannot be, or that nobody could have kept so long."""
        if self.again:
            return
        self.require_not_future(moment, field)
        oldest = max(earliest, self.now - timedelta(days=self.policy.backdate_days))
        if moment < oldest:
            raise Refusal(
                "time_order",
                {"field": field, "at": moment.isoformat(), "earliest": oldest.isoformat()},
                kind="invalid",
                facts=(f"field:{field}",),
            )

    def require_not_before(self, day: date | None, field: str, earliest: datetime) -> None:
        """Refuse a day on which something is to be done that lies before what it follows from."""
        first = self.policy.day(earliest)
        if day is not None and day < first and not self.again:
            raise Refusal(
                "time_order",
                {"field": field, "at": day.isoformat(), "earliest": first.isoformat()},
                kind="invalid",
                facts=(f"field:{field}",),
            )

    def task(self, task_id: str) -> Task:
        task = self.case.tasks.get(task_id)
        if task is None:
            raise Refusal("task_unknown", {"task": task_id}, kind="not_found")
        return task

    def notice(self, n: int) -> Notice:
        notice = self.case.notices.get(n)
        if notice is None:
            raise Refusal("notice_unknown", {"n": n}, kind="not_found")
        return notice

    def put_task(self, task: Task) -> None:
        self.case = replace(self.case, tasks={**self.case.tasks, task.id: task})

    def put_notice(self, notice: Notice) -> None:
        self.case = replace(self.case, notices={**self.case.notices, notice.n: notice})

    def put_quarantined(self, unsent: Quarantined) -> None:
        self.case = replace(self.case, quarantine={**self.case.quarantine, unsent.id: unsent})

    def put_energization(self, **changes: Any) -> Energization:
        energization = replace(self.case.energization, **changes)
        self.case = replace(self.case, energization=energization)
        return energization

    def enter_stage(self, stage: str, note: str) -> None:
        entered = StageEntry(stage, self.now, self.actor.name, note)
        self.case = replace(self.case, stage=stage, history=(*self.case.history, entered))

    def rely_on(self, photos: tuple[PhotoRef, ...], use: str) -> None:
        """Note that the case relies on these photos. What was verified before stays verified.

        Refuses a photo that is known by another hash: one id cannot stand for two pictures.
        """
        ledger = dict(self.case.photos)
        for ref in photos:
            known = ledger.get(ref.id) or PhotoRecord("awaiting")
            if known.sha256 is not None and ref.sha256 is not None and known.sha256 != ref.sha256:
                raise Refusal("photo_differs", {"photo": ref.id}, kind="invalid", facts=(f"photo:{ref.id}",))
            ledger[ref.id] = replace(
                known,
                state="verified" if ref.verified else known.state,
                sha256=known.sha256 or ref.sha256,
                used_by=tuple(dict.fromkeys((*known.used_by, use))),
                reason="" if ref.verified else known.reason,
            )
        self.case = replace(self.case, photos=ledger)
