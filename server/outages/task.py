"""One stage of a search on its way: what is asked, the best choice so far, and the bound."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from server.outages.greedy import mended
from server.outages.instance import Part
from server.outages.ledger import Choice, Ledger
from server.outages.measure import costs_of, total
from server.outages.model import Question
from server.outages.month import Month
from server.outages.options import Options, Place
from server.outages.watch import Watcher

if TYPE_CHECKING:
    from server.outages.bound import Relaxed


@dataclass
class Task:
    """`choice` always keeps every rule; `question` grows by the days that have to be told apart by halves.
    `relaxed` tells what places cost at least, once that is known."""

    month: Month
    options: Options
    question: Question
    parts: tuple[Part, ...]
    choice: Choice
    watcher: Watcher
    bound: float = 0.0
    relaxed: Relaxed | None = None

    def __post_init__(self) -> None:
        self.value = self.cost(self.choice)

    def cost(self, choice: Choice) -> int:
        """What a choice comes to in this stage, in weighted customer-minutes."""
        return total(costs_of(self.month, self.options, choice, self.question.base), self.parts)

    def raise_bound(self, bound: float) -> None:
        """Nothing lies below this either."""
        if bound < float("inf"):
            self.bound = max(self.bound, bound)

    def tell(self, relaxed: Relaxed) -> None:
        """More is known of what plans and places cost at least."""
        self.relaxed = relaxed
        self.__dict__.pop("extras", None)
        self.raise_bound(relaxed.bound)

    @cached_property
    def extras(self) -> list[float]:
        """What each place costs beyond the bound, the least first."""
        return [] if self.relaxed is None else sorted(chain.from_iterable(self.relaxed.extras.values()))

    def near(self, places: float) -> float:
        """How far above the bound to look so that so many places are left for each work on average."""
        at = places * len(self.question.places)
        return self.extras[int(at)] if at < len(self.extras) else math.inf

    def few(self) -> bool:
        """Whether the places that a better plan could use are few enough for one model."""
        if self.relaxed is None:
            return sum(map(len, self.question.places.values())) <= self.watcher.limits.whole_places
        return bisect_left(self.extras, self.beyond()) <= self.watcher.limits.whole_places

    def beyond(self) -> float:
        """How far above the bound the present value lies: no better plan uses a place that costs as much."""
        return math.inf if self.relaxed is None else max(0.0, self.value - self.relaxed.base)

    def cheap(self, work: int, extra: float) -> tuple[Sequence[Place], float]:
        """The places of a work that cost less than so much beyond the bound, and its present one; and how
        much the others cost at least."""
        own = self.question.places[work]
        if self.relaxed is None or math.isinf(extra):
            return own, math.inf
        kept, left_out = [], math.inf
        for place, more in zip(own, self.relaxed.extras[work], strict=True):
            if more < extra or place == self.choice.get(work):
                kept.append(place)
            else:
                left_out = min(left_out, more)
        return kept, left_out

    def narrowed(self, extra: float) -> tuple[Question, float]:
        """The question with the cheap places of all works; and what every plan that uses another comes to at
        least."""
        found = {work: self.cheap(work, extra) for work in self.question.places}
        left_out = min((least for _, least in found.values()), default=math.inf)
        base = 0.0 if self.relaxed is None else self.relaxed.base
        places = {work: places for work, (places, _) in found.items()}
        return replace(self.question, places=places), base + left_out

    def within(self, choice: Choice) -> bool:
        """Whether a choice is one of those asked for."""
        asked = self.question
        return all(
            work in asked.may if place is None else place in asked.places.get(work, ())
            for work, place in choice.items()
        )

    def offer(self, choice: Choice) -> frozenset[int]:
        """Take a choice over if it is no worse, mended where days of it do not split; returns those."""
        ledger = Ledger(self.month, self.options, choice)
        # All others are as they were, and split.
        moved = [work for work, place in choice.items() if place != self.choice.get(work)]
        days = {place[1] for work in moved if (place := choice[work]) is not None}
        unsplit = frozenset(day for day in days if ledger.halves(day) is None)
        if unsplit:
            choice = mended(self.month, self.options, choice, self.question.places)
        costs = costs_of(self.month, self.options, choice, self.question.base)
        keeps = all(total(costs, own) <= most for own, most in self.question.caps)
        if keeps and total(costs, self.parts) <= self.value:
            self.choice, self.value = choice, total(costs, self.parts)
        return unsplit
