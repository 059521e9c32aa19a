"""What works that stay where they are take up of what all share: a model of the others does without them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from server.outages.ledger import Choice, Ledger
from server.outages.month import Month
from server.outages.options import LIVE, Options, Place

#: Loads as whole numbers: a hundredth of a kVA.
_KVA = 100
#: A skill, or a group of works that one crew does.
Resource = str


def least_halves(month: Month, options: Options, work: int, place: Place) -> int:
    """How many halves of a day a work binds its crew for at least."""
    number, day = place
    if number == LIVE:
        return min(len(halves) for halves in month.live_halves(work, day))
    outcome = options.sets[number]
    return min(len(month.binds(work, outcome, window)) for window in month.allowed(work, outcome, day))


def resources(month: Month, work: int, place: Place) -> Iterator[Resource]:
    """What a work takes up: its skill, and the crew that it shares with others."""
    own = month.works[work]
    yield own.live.skill if place[0] == LIVE and own.live is not None else own.skill
    if work in month.group_of:
        yield f"\0{month.group_of[work]}"


def limit_of(month: Month, resource: Resource, day: int) -> int:
    """How many crews there are."""
    return 1 if resource.startswith("\0") else month.crew(resource, day)


def whole_kva(kva: float) -> int:
    """A load rounded up."""
    return -int(-kva * _KVA // 1)


def whole_spare(kva: float) -> int:
    """What a source can still give, rounded down."""
    return int(kva * _KVA + 1e-6)


class Rest:
    """The works of `choice`, which a model leaves out: by resource and day the `halves` that they bind crews
    for, and how many of them bind one for a `whole` day; by day their switching `operations`; by source and
    day what they draw, `drawn`; by group of sections that are dead together how many `outages` on which day;
    `minutes` of the budget. No outage may have works here and works in the model."""

    def __init__(self, month: Month, options: Options, choice: Choice) -> None:
        self.choice = choice
        ledger = Ledger(month, options, choice)
        self.halves: Counter[tuple[Resource, int]] = Counter()
        self.whole: Counter[tuple[Resource, int]] = Counter()
        for work, place in choice.items():
            if place is None:
                continue
            taken = least_halves(month, options, work, place)
            for resource in resources(month, work, place):
                self.halves[resource, place[1]] += taken
                self.whole[resource, place[1]] += taken == 2
        self.operations: Counter[int] = Counter()
        self.drawn: Counter[tuple[str, int]] = Counter()
        self.outages: dict[int, Counter[int]] = {}
        for number, day in ledger.riders:
            outcome = options.sets[number]
            self.operations[day] += outcome.operations
            for root, kva in outcome.draws.items():
                self.drawn[root, day] += whole_kva(kva)
            for group in options.alike_of.get(number, ()):
                self.outages.setdefault(group, Counter())[day] += 1
        budgeted = month.instance.rules.budget_hours is not None
        self.minutes = ledger.customer_minutes() if budgeted else 0

    def times(self, group: int, days: Iterable[int]) -> int:
        """How often sections of a group are interrupted on some days."""
        found = self.outages.get(group)
        return 0 if found is None else sum(found[day] for day in days)
