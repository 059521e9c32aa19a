"""A better plan and a better bound from where the relaxation ended: the best plan of the outages that it
found worth having, and, in turn, the relaxation held to what days can have at once."""

from __future__ import annotations

from collections.abc import Iterable

from server.outages.columns import Columns
from server.outages.cutting import Cutting
from server.outages.options import Place
from server.outages.pool import pool_of
from server.outages.solving import solve
from server.outages.task import Task

#: Rounds of rows before the outages are looked through for a plan again.
_EACH = 3
#: Of a limit of effort, what looking them through may take each time.
_OF_EFFORT = 0.1


def tightened(task: Task, share: float) -> None:
    """A better choice and bound, for up to a share of the time that is left; until the places that a better
    plan could use are few, or days break no more rows."""
    warm = None if task.relaxed is None else task.relaxed.warm
    if task.relaxed is None or warm is None or not warm.known:
        return
    watcher, limits = task.watcher, task.watcher.limits
    ends = watcher.seconds + watcher.left * share
    _from_pool(task, warm.columns, map(warm.columns.placed, warm.known), ends)
    if _done(task) or not limits.cut_least < _open(task) <= limits.cut_places:
        return
    cutting = Cutting(task.relaxed, warm, task.value)
    for turn in range(1, limits.cut_rounds + 1):
        if not cutting.round(lambda: ends - watcher.seconds) or watcher.seconds >= ends:
            break
        _take_over(task, cutting)
        if turn % _EACH == 0:
            _from_pool(task, warm.columns, cutting.outages(task.value), ends)
        if _open(task) <= limits.cut_least or _done(task):
            return
    _take_over(task, cutting)
    _from_pool(task, warm.columns, cutting.outages(task.value), watcher.seconds + watcher.left * share)


def _done(task: Task) -> bool:
    near = task.value - task.bound <= task.watcher.limits.gap * task.value
    return near or task.watcher.cancelled or task.watcher.left <= 0


def _open(task: Task) -> int:
    """How many places a better plan could use."""
    assert task.relaxed is not None  # noqa: S101
    beyond = task.beyond()
    return sum(extra < beyond for own in task.relaxed.extras.values() for extra in own)


def _take_over(task: Task, cutting: Cutting) -> None:
    task.tell(cutting.relaxed())
    task.watcher.heard(task.value, task.bound)


def _from_pool(
    task: Task, columns: Columns, outages: Iterable[tuple[Place, tuple[int, ...]]], ends: float
) -> None:
    """The best choice of some outages, within a piece's time and before the end of the time given."""
    watcher, limits = task.watcher, task.watcher.limits
    seconds = min(limits.pool_seconds, ends - watcher.seconds)
    if seconds <= 0 or watcher.cancelled or task.value <= task.bound:
        return
    choice = {work: task.choice[work] for work in task.question.places}
    with_works = [(place, works) for place, works in outages if works]
    pool = pool_of(columns, with_works, choice, task.parts[0])
    effort = None if limits.effort is None else min(seconds, _OF_EFFORT * limits.effort)
    solved = solve(pool.rows, task.parts[:1], pool.hint, limits, seconds=seconds, effort=effort)
    if solved.values is not None:
        task.offer({**task.choice, **pool.choice(solved.values)})
        watcher.heard(task.value, task.bound)
