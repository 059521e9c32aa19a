"""Random histories of a case: any command by anybody, in any order, at any time.

A history draws all its chances from one `random.Random`, so that its number is all it takes to see it again:
`python -m tests.workflow.histories --from 4711 --count 1`. Hypothesis hands in a `Random` of its own to find
the shortest one that fails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import TypeVar

from server.workflow import commands as c
from server.workflow.decide import ROLES
from server.workflow.gate_rows import waivable_gates
from server.workflow.model import Actor, Case, ProcessName, Task
from server.workflow.policy import Policy, load_policy
from server.workflow.refusal import Refusal
from tests.workflow.builders import (
    ADMIN,
    AUDITOR,
    COLLEAGUE,
    CUSTOMER,
    DEPUTY,
    INSPECTOR,
    INTAKE,
    MANAGER,
    POLICY,
    SCHEDULER,
    START,
    Desk,
    authorized_desk,
    check_words,
    energized_desk,
    ready_desk,
)
from tests.workflow.histories.books import Books, check_records

ANYBODY = (MANAGER, DEPUTY, ADMIN, SCHEDULER, INSPECTOR, COLLEAGUE, CUSTOMER, AUDITOR, INTAKE)
FIELD = (INSPECTOR.name, COLLEAGUE.name, "zhou.inspector")
PROCESSES: tuple[ProcessName, ...] = ("hv", "hv", "hv_complex", "lv")
STARTS: tuple[Callable[[ProcessName], Desk], ...] = (
    Desk,
    ready_desk,
    authorized_desk,
    authorized_desk,
    energized_desk,
)
_LONGEST = 30


def _settings(**values: bool) -> Policy:
    own = [{"key": key, "from": "2000-01-01", "value": value} for key, value in values.items()]
    return load_policy().with_overrides(own).at(START.date())


#: The settings of organisations that allow every waiver there is, and ask for every approval.
WAIVING = _settings(**{f"waiver.{gate}": True for gate in waivable_gates()})
STRICT = _settings(scheme_approval_required=True, change_approval_required=True)
POLICIES = (POLICY, WAIVING, STRICT)

T = TypeVar("T")


@cache
def _prepared(start: int, process: ProcessName) -> tuple[Case, datetime]:
    """The case that a start leads to: it is the same every time, and takes longer than a history."""
    desk = STARTS[start](process)
    return desk.case, desk.now


class History:
    """A case under way. `given` counts the commands thrown at it by kind, `done` those that changed it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        start = random.randrange(len(STARTS))
        self.begun, now = _prepared(start, random.choice(PROCESSES))
        self.desk = Desk.at_work_on(self.begun, now, random.choice(POLICIES))
        self.books = Books()
        self.given: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.serial = 100

    def run(self, moves: Sequence[Callable[[History], None]], *, records: bool = True) -> None:
        """Make some of `moves`, each checked; then check the whole, with its `records` if asked for."""
        for _ in range(self.random.randint(1, _LONGEST)):
            self.random.choice(moves)(self)
        self.books.close(self.case)
        if records:
            check_records(self.begun, self.case, self.desk.policy)

    # Chances

    def pick(self, among: Iterable[T]) -> T:
        return self.random.choice(list(among))

    def chance(self, of: float = 0.5) -> bool:
        return self.random.random() < of

    def people(self) -> tuple[str, ...]:
        return tuple(self.random.sample(FIELD, self.random.randint(1, len(FIELD))))

    def some_task(self) -> str:
        return self.pick([*sorted(self.case.tasks), "t-none"][: max(1, len(self.case.tasks))])

    def some_notice(self) -> int:
        return self.pick(sorted(self.case.notices) or [1])

    def moment(self) -> datetime:
        """A moment of the past days, or one to come."""
        return self.desk.now + timedelta(minutes=self.random.choice([-4000, -600, -10, 0, 0, 3, 600]))

    def number(self) -> int:
        """One that was not given out before."""
        self.serial += 1
        return self.serial

    # Commands

    @property
    def case(self) -> Case:
        return self.desk.case

    def give(self, command: c.Command, *who: Actor) -> bool:
        """Throw a command at the case, by one of `who` or by anybody, mostly somebody whom its role admits.

        True if it changed the case. Every step is checked against the books.
        """
        admitted = [actor for actor in ANYBODY if set(actor.roles) & ROLES[type(command)]]
        actor = self.pick(who or (admitted if admitted and self.chance(0.85) else ANYBODY))
        before = self.case
        kind = type(command).__name__
        self.given[kind] += 1
        try:
            decision = self.desk.do(command, actor)
        except Refusal as refusal:
            assert self.case is before, "a refusal changes nothing"
            check_words(refusal)
            return False
        assert "auditor" not in actor.roles
        if not decision.events:
            assert self.case is before, "no event, no change"
            return False
        self.done[kind] += 1
        self.books.check(before, self.case, command, actor, self.desk.policy)
        return True

    def hand_in(self, task: Task, outcome: c.Outcome, by: str) -> bool:
        """Submit in the name of `by`, or of an assignee if that is none."""
        return self.give(
            c.RecordSubmission(
                task_id=task.id,
                revs=(f"{self.number()}-a",),
                outcome=outcome,
                submitted_by=by if by in task.assignees else task.assignees[0],
                submitted_at=self.desk.now,
            ),
            INTAKE,
        )
