"""One stage of a search on its way: what is asked, the best choice so far, and the bound."""

from __future__ import annotations

from dataclasses import dataclass

from server.outages.greedy import mended
from server.outages.instance import Part
from server.outages.ledger import Choice, Ledger
from server.outages.measure import costs_of, total
from server.outages.model import Question
from server.outages.month import Month
from server.outages.options import Options
from server.outages.watch import Watcher


@dataclass
class Task:
    """`choice` always keeps every rule; `question` grows by the days that have to be told apart by halves."""

    month: Month
    options: Options
    question: Question
    parts: tuple[Part, ...]
    choice: Choice
    watcher: Watcher
    bound: float = 0.0

    def __post_init__(self) -> None:
        self.value = self.cost(self.choice)

    def cost(self, choice: Choice) -> int:
        """What a choice comes to in this stage, in weighted customer-minutes."""
        return total(costs_of(self.month, self.options, choice, self.question.base), self.parts)

    def raise_bound(self, bound: float) -> None:
        """Nothing lies below this either."""
        if bound < float("inf"):
            self.bound = max(self.bound, bound)

    def offer(self, choice: Choice) -> frozenset[int]:
        """Take a choice over if it is no worse, mended where days of it do not split; returns those."""
        ledger = Ledger(self.month, self.options, choice)
        days = ledger.by_day.keys() | ledger.live.keys()
        unsplit = frozenset(day for day in days if ledger.halves(day) is None)
        if unsplit:
            choice = mended(self.month, self.options, choice, self.question.places)
        costs = costs_of(self.month, self.options, choice, self.question.base)
        keeps = all(total(costs, own) <= most for own, most in self.question.caps)
        if keeps and total(costs, self.parts) <= self.value:
            self.choice, self.value = choice, total(costs, self.parts)
        return unsplit
