"""The search for the best choice: the whole model where it is small, its neighbourhoods where it is not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from server.outages.greedy import merged
from server.outages.instance import Part
from server.outages.ledger import Choice
from server.outages.measure import costs_of, total
from server.outages.model import Model, Question, build, choice_of, values_of, whole
from server.outages.month import Month
from server.outages.neighbours import bounded, by_neighbourhoods
from server.outages.options import Options
from server.outages.solving import Limits, solve
from server.outages.task import Task
from server.outages.watch import Progress, Watcher

#: Fewer works than this are solved before anything could be warm.
WARM_WORKS = 25


@dataclass(frozen=True)
class StageFound:
    """One stage of the objective, in weighted customer-minutes."""

    parts: tuple[Part, ...]
    value: int
    bound: float


@dataclass(frozen=True)
class Found:
    """The best choice found, each stage with its value and bound, and how it was found."""

    choice: Choice
    stages: tuple[StageFound, ...]
    cancelled: bool
    seconds: float
    method: Literal["whole", "neighbourhoods"]


def search(
    month: Month,
    options: Options,
    limits: Limits,
    progress: Progress | None = None,
    *,
    question: Question | None = None,
    start: Choice | None = None,
) -> Found:
    """Go through the stages of the objective, none made worse by a later one.

    `question` narrows what is open, by default nothing; `start` is a choice within it whose days all split.
    """
    watcher = Watcher(limits, progress)
    asked = question or whole(month, options)
    choice = start if start is not None else merged(month, options)
    pieces = len(asked.places) > limits.whole_works
    stages: list[StageFound] = []
    plan = month.instance.objective.stages
    for number, parts in enumerate(plan):
        value = total(costs_of(month, options, choice, asked.base), parts)
        watcher.enter(number, value)
        share = 1.0 / (len(plan) - number)
        work = Task(month, options, asked, parts, choice, watcher)
        if len(asked.places) > WARM_WORKS or pieces:
            bounded(work, share)
            by_neighbourhoods(work, share if pieces else share * limits.warm_share)
        if not pieces:
            _at_once(work, share)
        choice, bound, asked = work.choice, work.bound, work.question
        value = total(costs_of(month, options, choice, asked.base), parts)
        stages.append(StageFound(parts, value, min(bound, value)))
        asked = replace(asked, caps=(*asked.caps, (parts, value)))
    return Found(
        choice,
        tuple(stages),
        watcher.cancelled,
        watcher.seconds,
        "neighbourhoods" if pieces else "whole",
    )


def _at_once(work: Task, share: float) -> None:
    """The whole model, again and again with more days told apart by halves, until the plan can be split."""
    watcher, limits = work.watcher, work.watcher.limits
    ends = watcher.seconds + watcher.left * share
    while not watcher.cancelled and watcher.seconds < ends:
        model = build(work.month, work.options, work.question)
        round_ = _Round(work, model, watcher.seconds + limits.split_share * min(limits.seconds, watcher.left))
        solved = solve(
            model.rows,
            work.parts,
            values_of(model, work.choice),
            limits,
            seconds=ends - watcher.seconds,
            effort=None if limits.effort is None else limits.effort * share,
            watch=round_.heard,
            # Under a limit of effort the clock may end nothing.
            seen=round_.seen if limits.effort is None else None,
        )
        work.raise_bound(solved.bound if solved.status != "impossible" else 0.0)
        if solved.values is None:
            break
        unsplit = work.offer(choice_of(model, solved.values))
        if not unsplit:
            break
        work.question = replace(work.question, exact=work.question.exact | unsplit)


class _Round:
    """What the solver finds on its way is kept where it can be split, and mended where it cannot."""

    def __init__(self, work: Task, model: Model, patience: float) -> None:
        self.work, self.model, self.patience = work, model, patience

    def heard(self, value: float, bound: float) -> bool:
        """Values of plans count once they are known to split, which `seen` sees to."""
        del value
        self.work.raise_bound(bound)
        return self.work.watcher.heard(self.work.value, self.work.bound)

    def seen(self, values: dict[int, int]) -> bool:
        unsplit = self.work.offer(choice_of(self.model, values))
        if not self.work.watcher.heard(self.work.value, self.work.bound):
            return False
        return not unsplit or self.work.watcher.seconds < self.patience
