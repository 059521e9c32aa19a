"""The search for the best choice: the whole model where it is small, its neighbourhoods where it is not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from server.outages.greedy import mended, merged
from server.outages.instance import Part
from server.outages.ledger import Choice, Ledger
from server.outages.measure import costs_of, total
from server.outages.model import Question, build, choice_of, values_of, whole
from server.outages.month import Month
from server.outages.neighbours import by_neighbourhoods
from server.outages.options import Options
from server.outages.solving import Limits, Solved, solve
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
    pieces = len(asked.places) > limits.whole_works
    stages: list[StageFound] = []
    plan = month.instance.objective.stages
    for number, parts in enumerate(plan):
        value = total(costs_of(month, options, choice, asked.base), parts)
        watcher.enter(number, value)
        share = 1.0 / (len(plan) - number)
        if pieces:
            choice, bound = by_neighbourhoods(month, options, asked, choice, parts, watcher, share)
        else:
            choice, bound, asked = _at_once(month, options, asked, choice, parts, watcher, share)
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


def _at_once(
    month: Month,
    options: Options,
    question: Question,
    choice: Choice,
    parts: tuple[Part, ...],
    watcher: Watcher,
    share: float,
) -> tuple[Choice, float, Question]:
    """The whole model, again and again with more days told apart by halves, until the plan can be split."""
    limits, bound = watcher.limits, 0.0
    ends = watcher.seconds + watcher.left * share
    while not watcher.cancelled:
        model = build(month, options, question)
        seconds = ends - watcher.seconds
        if seconds <= 0:
            break
        effort = None if limits.effort is None else limits.effort * share
        solved: Solved = solve(
            model.rows,
            parts,
            values_of(model, choice),
            limits,
            seconds=seconds,
            effort=effort,
            watch=watcher.heard,
        )
        bound = max(bound, solved.bound) if solved.status != "impossible" else bound
        if solved.values is None:
            break
        found = choice_of(model, solved.values)
        ledger = Ledger(month, options, found)
        unsplit = {day for day in ledger.by_day.keys() | ledger.live.keys() if ledger.halves(day) is None}
        choice = better(
            month,
            options,
            question,
            parts,
            choice,
            found if not unsplit else mended(month, options, found, question.places),
        )
        if not unsplit:
            break
        question = replace(question, exact=question.exact | unsplit)
    return choice, bound, question


def better(
    month: Month, options: Options, question: Question, parts: tuple[Part, ...], one: Choice, other: Choice
) -> Choice:
    """The choice that costs less, among those that keep what earlier stages came to; `one` where equal."""
    costs, rival = (
        costs_of(month, options, one, question.base),
        costs_of(month, options, other, question.base),
    )
    if any(total(rival, own) > most for own, most in question.caps):
        return one
    return other if total(rival, parts) < total(costs, parts) else one
