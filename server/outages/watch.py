"""What a search tells while it runs, and how somebody ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from server.outages.month import MINUTES
from server.outages.solving import Limits


@dataclass(frozen=True)
class Step:
    """How far a search has come: its stage, counted from 0, the best value and the bound so far in weighted
    customer-hours, and the seconds since it began."""

    stage: int
    value: float
    bound: float
    seconds: float


#: Told of every better plan and every better bound; False ends the search with what there is.
Progress = Callable[[Step], bool]


class Watcher:
    """Keeps the time, and passes on what is found, each time it is better."""

    def __init__(self, limits: Limits, progress: Progress | None) -> None:
        self.limits, self.progress = limits, progress
        self.began = limits.clock()
        self.cancelled = False
        self.stage, self.value, self.bound = 0, float("inf"), float("-inf")

    @property
    def seconds(self) -> float:
        return self.limits.clock() - self.began

    @property
    def left(self) -> float:
        """Seconds that are left; with a limit of effort the clock counts for nothing."""
        return float("inf") if self.limits.effort is not None else self.limits.seconds - self.seconds

    @property
    def over(self) -> bool:
        """Nothing more is to be begun."""
        return self.cancelled or self.left <= 0

    def enter(self, stage: int, value: float) -> None:
        """A stage begins, with the value that is at hand."""
        self.stage, self.value, self.bound = stage, float("inf"), 0.0
        self.heard(value, 0.0)

    def heard(self, value: float, bound: float) -> bool:
        """Something better, or not; False once the search is to end."""
        if self.cancelled:
            return False
        if value >= self.value and bound <= self.bound:
            return True
        self.value, self.bound = min(self.value, value), max(self.bound, bound)
        if self.progress is not None and self.value < float("inf"):
            step = Step(self.stage, self.value / MINUTES, min(self.bound, self.value) / MINUTES, self.seconds)
            self.cancelled = not self.progress(step)
        return not self.cancelled
