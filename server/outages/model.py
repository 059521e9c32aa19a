"""The decisions as rows: which outages, how long each lasts, which works ride on them, what is left out.

`z[X, d, k]`: set X is isolated on day d and lasts at least the k-th of the durations of its works; nested, so
that the relaxation is tight. `x[i, X, d]`: work i rides on it, `y[i, d]`: it is done live, `u[i]`: it is left
out. `r[g]`: repeated interruptions of a group of sections that are always dead together.

Morning and afternoon are told apart only on days where leaving that out has given a plan that cannot be split
(`exact`): every model is a relaxation of the whole, so its bound holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from server.outages.halves import Halves
from server.outages.instance import Part
from server.outages.ledger import Choice, Ledger
from server.outages.measure import change_minutes, costs_of, live_minutes, repeat_minutes, repeats, total
from server.outages.month import MINUTES, Month
from server.outages.options import LIVE, Options, Place, root_spare
from server.outages.rest import Rest, least_halves, limit_of, resources, whole_kva, whole_spare
from server.outages.rows import Name, Rows


@dataclass(frozen=True)
class Question:
    """What is asked: the `places` open to each work, and whether it `may` be left out. `base` has the days
    of a plan to stay near, `caps` what earlier stages of the objective came to, `exact` the days on which
    morning and afternoon are told apart, `rest` works that stay where they are and are not in `places`."""

    places: Mapping[int, Sequence[Place]]
    may: frozenset[int]
    base: Mapping[int, int | None] | None = None
    caps: tuple[tuple[tuple[Part, ...], int], ...] = ()
    exact: frozenset[int] = frozenset()
    rest: Rest | None = None


def whole(month: Month, options: Options, base: Mapping[int, int | None] | None = None) -> Question:
    """The question in full: every place of every work."""
    places = dict(enumerate(options.places))
    return Question(places, frozenset(places), base)


@dataclass
class Model:
    """The rows of a question, and what its places are called in them. `levels` are the durations of each
    outage that can happen, in minutes, the shortest first, `free` the interruptions of each group of sections
    that are no repeats."""

    month: Month
    options: Options
    question: Question
    rows: Rows = field(default_factory=Rows)
    levels: dict[Place, tuple[int, ...]] = field(default_factory=dict)
    riders: dict[Place, list[int]] = field(default_factory=dict)
    by_day: dict[int, list[int]] = field(default_factory=dict)
    free: dict[int, int] = field(default_factory=dict)

    def happens(self, place: Place) -> int:
        """The variable that says whether an outage happens."""
        return self.rows.number["z", *place, 0]

    def rides(self, work: int, place: Place) -> int:
        """The variable that says whether a work is at a place."""
        return self.rows.number["x", work, *place]

    def on_day(self, work: int) -> dict[int, list[int]]:
        """For each day the variables that put a work there."""
        found: dict[int, list[int]] = {}
        for place in self.question.places[work]:
            found.setdefault(place[1], []).append(self.rides(work, place))
        return found


def build(month: Month, options: Options, question: Question, *, blocks: bool = True) -> Model:
    """Write the rows of a question; without `blocks` only those that are not about one outage alone."""
    model = Model(month, options, question)
    _events(model, blocks)
    _works(model, blocks)
    _crews(model, blocks)
    _days(model)
    _often(model)
    _ties(model)
    _budget(model)
    for day in sorted(question.exact):
        _exact(model, day)
    if question.caps:
        spent = costs_of(month, options, question.rest.choice if question.rest else {}, question.base)
        for parts, most in question.caps:
            model.rows.row(model.rows.objective(parts).items(), high=most - total(spent, parts))
    return model


def _events(model: Model, blocks: bool) -> None:
    month, rows = model.month, model.rows
    for work, places in model.question.places.items():
        for place in places:
            if place[0] != LIVE:
                model.riders.setdefault(place, []).append(work)
    for place, riders in sorted(model.riders.items()):
        number, day = place
        model.by_day.setdefault(day, []).append(number)
        outcome = model.options.sets[number]
        levels = tuple(sorted({month.works[work].minutes for work in riders}))
        model.levels[place] = levels
        before, spent = None, 0
        for level, lasting in enumerate(levels):
            variable = rows.variable("z", *place, level)
            cost = outcome.weighted_minutes(lasting)
            rows.cost("hours", variable, cost - spent)
            spent = cost
            if blocks and before is not None:
                rows.row(((variable, 1), (before, -1)), high=0)
            before = variable


def _works(model: Model, blocks: bool) -> None:
    month, rows, base = model.month, model.rows, model.question.base
    for work, places in model.question.places.items():
        terms = []
        for place in places:
            number, day = place
            variable = rows.variable("x", work, *place)
            terms.append((variable, 1))
            rows.cost("lateness", variable, month.late_cost(work, day))
            if base is not None and work in base and base[work] != day:
                rows.cost("changes", variable, change_minutes(month))
            if number == LIVE:
                rows.cost("live", variable, live_minutes(month, work))
                continue
            if blocks:
                level = model.levels[place].index(month.works[work].minutes)
                rows.row(((variable, 1), (rows.number["z", *place, level], -1)), high=0)
        if work in model.question.may:
            left = rows.variable("u", work)
            terms.append((left, 1))
            rows.cost("unplaced", left, month.unplaced_cost(work))
            if base is not None and base.get(work) is not None:
                rows.cost("changes", left, change_minutes(month))
        rows.row(terms, low=1, high=1)


def _crews(model: Model, blocks: bool) -> None:
    """Crews by day, both halves together, and within each outage, where all begin together."""
    month, rows, rest = model.month, model.rows, model.question.rest
    daily: dict[tuple[str, int], list[tuple[int, int]]] = {}
    within: dict[tuple[str, Place], list[int]] = {}
    for work, places in model.question.places.items():
        for place in places:
            halves = least_halves(month, model.options, work, place)
            variable = model.rides(work, place)
            for resource in resources(month, work, place):
                daily.setdefault((resource, place[1]), []).append((variable, halves))
                if place[0] != LIVE:
                    within.setdefault((resource, place), []).append(variable)
    for (resource, day), terms in daily.items():
        limit = limit_of(month, resource, day)
        rows.row(terms, high=2 * limit - (rest.halves[resource, day] if rest else 0))
        long = [(one, 1) for one, halves in terms if halves == 2]
        rows.row(long, high=limit - (rest.whole[resource, day] if rest else 0))
    for (resource, place), variables in within.items():
        limit = limit_of(month, resource, place[1])
        if len(variables) > limit and (blocks or resource.startswith("\0")):
            rows.row([*((one, 1) for one in variables), (model.happens(place), -limit)], high=0)


def _days(model: Model) -> None:
    """Clashes, switching operations, and what sources can give to others."""
    rows, spare, options, rest = model.rows, root_spare(model.month), model.options, model.question.rest
    for day, numbers in sorted(model.by_day.items()):
        possible = set(numbers)
        for group in sorted({group for one in numbers for group in options.clashes_of.get(one, ())}):
            both = (one for one in options.clashes[group] if one in possible)
            rows.row(((model.happens((one, day)), 1) for one in both), high=1)
        operations = [(model.happens((one, day)), options.sets[one].operations) for one in numbers]
        rows.row(operations, high=model.month.operations[day] - (rest.operations[day] if rest else 0))
        for root, given in spare.items():
            drawn = [
                (model.happens((one, day)), whole_kva(kva))
                for one in numbers
                if (kva := options.sets[one].draws.get(root, 0.0))
            ]
            rows.row(drawn, high=whole_spare(given) - (rest.drawn[root, day] if rest else 0))


def _often(model: Model) -> None:
    """How often sections are interrupted: within the limit in every look-back, and what repeats cost."""
    month, rows, options, rest = model.month, model.rows, model.options, model.question.rest
    rules, by_set = month.instance.rules, dict[int, list[int]]()
    for number, day in sorted(model.levels):
        by_set.setdefault(number, []).append(day)
    for group in sorted({group for number in by_set for group in options.alike_of.get(number, ())}):
        sections, numbers = options.alike[group]
        days: dict[int, list[int]] = {}
        for number in numbers:
            for day in by_set.get(number, ()):
                days.setdefault(day, []).append(model.happens((number, day)))
        every = [variable for _, variables in sorted(days.items()) for variable in variables]
        for day in _turns(month, sections[0]):
            back = range(day - rules.look_back_days + 1, day + 1)
            terms = [(one, 1) for at, variables in sorted(days.items()) if at in back for one in variables]
            before = month.recent(sections[0], day) + (rest.times(group, back) if rest else 0)
            rows.row(terms, high=max(0, rules.interruptions - before))
        cost = repeat_minutes(month, sections)
        others = rest.times(group, range(len(month.days))) if rest else 0
        planned = others + len(every)
        free = model.free[group] = max(0, planned - repeats(month, sections[0], planned) - others)
        if cost and len(every) > free:
            repeated = rows.variable("r", group, most=len(every) - free)
            rows.row([*((one, 1) for one in every), (repeated, -1)], high=free)
            rows.cost("repeats", repeated, cost)


def _turns(month: Month, section: str) -> list[int]:
    """The days whose look-back differs from that of the next: none other can be the tightest."""
    last, back = len(month.days) - 1, month.instance.rules.look_back_days
    if back <= last:
        return list(range(last + 1))
    leaving = {one + back - 1 for one in month.past.get(section, ())}
    return sorted({one for one in leaving if 0 <= one < last} | {last})


def _ties(model: Model) -> None:
    """Works that come after others, with them, or not with them."""
    rows, month = model.rows, model.month
    for work in model.question.places:
        own = month.works[work]
        for name in own.after:
            other = month.number[name]
            if other in model.question.places:
                _after(model, work, other)
        for name, apart in (*((one, False) for one in own.together), *((one, True) for one in own.not_with)):
            other = month.number[name]
            if other not in model.question.places:
                continue
            mine, theirs = model.on_day(work), model.on_day(other)
            for day in sorted({*mine, *theirs}):
                here = [(one, 1) for one in mine.get(day, ())]
                there = [(one, 1 if apart else -1) for one in theirs.get(day, ())]
                rows.row([*here, *there], low=None if apart else 0, high=1 if apart else 0)


def _after(model: Model, later: int, earlier: int) -> None:
    mine, theirs = model.on_day(later), model.on_day(earlier)
    for day in sorted(mine):
        done = [(one, 1) for at, variables in mine.items() if at <= day for one in variables]
        ready = [(one, -1) for at, variables in theirs.items() if at < day for one in variables]
        model.rows.row([*done, *ready], high=0)


def _budget(model: Model) -> None:
    budget = model.month.instance.rules.budget_hours
    if budget is None:
        return
    terms = []
    for place, levels in model.levels.items():
        spent = 0
        for level, lasting in enumerate(levels):
            used = model.options.sets[place[0]].customer_minutes(lasting)
            terms.append((model.rows.number["z", *place, level], used - spent))
            spent = used
    rest = model.question.rest
    model.rows.row(terms, high=int(budget * MINUTES) - (rest.minutes if rest else 0))


def _exact(model: Model, day: int) -> None:
    """Windows and halves of one day as they are: `w[X, d, window]`, `h[i, X, d, halves]`."""
    month, rows = model.month, model.rows
    demand: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for number in model.by_day.get(day, ()):
        place = (number, day)
        windows = [(rows.variable("w", *place, window), 1) for window in ("morning", "afternoon", "day")]
        rows.row([*windows, (model.happens(place), -1)], low=0, high=0)
    for work, places in model.question.places.items():
        for place in places:
            if place[1] != day:
                continue
            ways = _halves_of(model, work, place)
            terms = []
            for halves, windows_ in ways.items():
                variable = rows.variable("h", work, *place, halves)
                terms.append((variable, 1))
                if place[0] != LIVE:
                    own = [(rows.number["w", *place, window], -1) for window in windows_]
                    rows.row([(variable, 1), *own], high=0)
                for resource in resources(month, work, place):
                    for half in halves:
                        demand.setdefault((resource, half), []).append((variable, 1))
            rows.row([*terms, (model.rides(work, place), -1)], low=0, high=0)
    for (resource, _), terms in demand.items():
        rows.row(terms, high=limit_of(month, resource, day))


def _halves_of(model: Model, work: int, place: Place) -> dict[tuple[str, ...], list[str]]:
    """The halves that a work can bind its crew for, each with the windows of its outage that come to it."""
    found: dict[tuple[str, ...], list[str]] = {}
    if place[0] == LIVE:
        return {halves: [] for halves in model.month.live_halves(work, place[1])}
    outcome = model.options.sets[place[0]]
    for window in model.month.allowed(work, outcome, place[1]):
        found.setdefault(model.month.binds(work, outcome, window), []).append(window)
    return found


def values_of(model: Model, choice: Choice) -> dict[int, int]:
    """The value of every variable for a choice: a hint that leaves one out is hardly used."""
    number = model.rows.number
    ledger = Ledger(model.month, model.options, {work: choice.get(work) for work in model.question.places})
    halves: dict[int, Halves | None] = {day: ledger.halves(day) for day in model.question.exact}
    values = dict.fromkeys(range(len(model.rows.most)), 0)
    for work in model.question.places:
        place = choice.get(work)
        name: Name = ("u", work) if place is None else ("x", work, *place)
        if name in number:
            values[number[name]] = 1
        found = halves.get(place[1]) if place is not None else None
        if found is not None and place is not None:
            values[number["h", work, *place, found.bound[work]]] = 1
    for place in ledger.riders:
        lasting = ledger.lasts(place)
        for level, minutes in enumerate(model.levels[place]):
            values[number["z", *place, level]] = int(minutes <= lasting)
        found = halves.get(place[1])
        if found is not None:
            values[number["w", *place, found.windows[place[0]]]] = 1
    planned = Counter(group for place in ledger.riders for group in model.options.alike_of.get(place[0], ()))
    for group, times in planned.items():
        if ("r", group) in number:
            values[number["r", group]] = max(0, times - model.free[group])
    return values


def choice_of(model: Model, values: Mapping[int, int]) -> Choice:
    """The choice that values come to."""
    choice: Choice = {}
    for work, places in model.question.places.items():
        choice[work] = next((place for place in places if values[model.rides(work, place)]), None)
    return choice
