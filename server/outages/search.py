"""The search for the best choice: a bound first, which tells the places worth looking at; among those the
plan's neighbourhoods, and the model of all that a better plan could use, once that is small."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from server.outages.greedy import merged
from server.outages.instance import Part
from server.outages.ledger import Choice
from server.outages.measure import costs_of, total
from server.outages.model import Model, Question, build, choice_of, values_of, whole
from server.outages.month import Month
from server.outages.neighbours import by_neighbourhoods
from server.outages.options import Options
from server.outages.solving import Limits, solve
from server.outages.task import Task
from server.outages.watch import Progress, Watcher


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
    stages: list[StageFound] = []
    whole_at_last = True
    plan = month.instance.objective.stages
    for number, parts in enumerate(plan):
        value = total(costs_of(month, options, choice, asked.base), parts)
        watcher.enter(number, value)
        share = 1.0 / (len(plan) - number)
        work = Task(month, options, asked, parts, choice, watcher)
        several = sum(len(places) > 1 for places in asked.places.values()) > limits.warm_works
        if not watcher.over and (several or not work.few()):
            _bounded(work, share)
            _tightened(work, share)
            by_neighbourhoods(work, share * limits.warm_share, patience=limits.patience)
        if not watcher.over and not work.few():
            by_neighbourhoods(work, share, enough=work.few)
        if whole_at_last := work.value > work.bound and work.few():
            _at_once(work, share, work.beyond())
        choice, bound, asked = work.choice, work.bound, work.question
        value = total(costs_of(month, options, choice, asked.base), parts)
        stages.append(StageFound(parts, value, min(bound, value)))
        asked = replace(asked, caps=(*asked.caps, (parts, value)))
    return Found(
        choice,
        tuple(stages),
        watcher.cancelled,
        watcher.seconds,
        "whole" if whole_at_last else "neighbourhoods",
    )


def _bounded(work: Task, share: float) -> None:
    """A bound for all choices, and what places cost beyond it, within its share of the time that is left."""
    # With numpy below it, and only what solves needs that.
    from server.outages.bound import relaxed  # noqa: PLC0415
    from server.outages.dealing import dealt  # noqa: PLC0415

    watcher, limits = work.watcher, work.watcher.limits

    def heard(bound: float) -> bool:
        work.raise_bound(bound)
        return watcher.heard(work.value, work.bound)

    work.relaxed = relaxed(
        work.month,
        work.options,
        work.question,
        work.parts,
        work.choice,
        seconds=limits.bound_share * share * watcher.left if limits.effort is None else None,
        gap=limits.bound_gap,
        most=limits.bound_works,
        heard=heard,
        clock=limits.clock,
    )
    work.raise_bound(work.relaxed.bound)
    if not watcher.cancelled:
        found = dealt(work.month, work.options, work.relaxed.outages, work.question.places)
        if work.within(found):
            work.offer(found)
    watcher.heard(work.value, work.bound)


def _tightened(work: Task, share: float) -> None:
    from server.outages.tighten import tightened  # noqa: PLC0415

    tightened(work, share * work.watcher.limits.cut_share)
    if work.relaxed is not None:
        # What it can be gone on from takes as much memory as all else.
        work.relaxed = replace(work.relaxed, warm=None)


def _at_once(work: Task, share: float, extra: float = math.inf) -> None:
    """The model of all places that cost less than `extra` beyond the bound, again and again with more days
    told apart by halves, until the plan can be split."""
    watcher, limits = work.watcher, work.watcher.limits
    ends = watcher.seconds + watcher.left * share
    while not watcher.cancelled and watcher.seconds < ends:
        question, floor = work.narrowed(extra)
        if extra < math.inf:
            question = replace(question, exact=frozenset(range(len(work.month.days))))
        model = build(work.month, work.options, question)
        patience = watcher.seconds + limits.split_share * min(limits.seconds, watcher.left)
        round_ = _Round(work, model, floor, patience)
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
        work.raise_bound(min(solved.bound, floor) if solved.status != "impossible" else 0.0)
        if solved.values is None:
            break
        unsplit = work.offer(choice_of(model, solved.values))
        if not unsplit:
            break
        work.question = replace(work.question, exact=work.question.exact | unsplit)


class _Round:
    """What the solver finds on its way is kept where it can be split, and mended where it cannot. Plans that
    the model leaves out come to `floor` at least."""

    def __init__(self, work: Task, model: Model, floor: float, patience: float) -> None:
        self.work, self.model, self.floor, self.patience = work, model, floor, patience

    def heard(self, value: float, bound: float) -> bool:
        """Values of plans count once they are known to split, which `seen` sees to."""
        del value
        self.work.raise_bound(min(bound, self.floor))
        return self.work.watcher.heard(self.work.value, self.work.bound)

    def seen(self, values: dict[int, int]) -> bool:
        unsplit = self.work.offer(choice_of(self.model, values))
        if not self.work.watcher.heard(self.work.value, self.work.bound):
            return False
        return not unsplit or self.work.watcher.seconds < self.patience
