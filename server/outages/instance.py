"""What a balance is asked: the network, the month, who can work, and the works. Published as JSON Schema.

Dates are local calendar days, times of day local and written `HH:MM`; durations are minutes, weights
customer-hours. Every limit and weight is a field with a default.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

INSTANCE_SCHEMA = "outage-instance-1"

Window = Literal["morning", "afternoon", "day"]
Half = Literal["morning", "afternoon"]
Kind = Literal["connection", "maintenance", "third_party", "repair"]
Part = Literal["unplaced", "hours", "repeats", "live", "lateness", "changes"]

Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Id = Annotated[str, Meta(min_length=1, max_length=200)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Positive = Annotated[int, Meta(ge=1, le=1_000_000)]
Hours = Annotated[float, Meta(ge=0, le=1e7)]

WINDOWS: tuple[Window, ...] = ("morning", "afternoon", "day")
HALVES: tuple[Half, ...] = ("morning", "afternoon")


class Value(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of an instance; what it does not know it refuses."""


class Span(Value, frozen=True, kw_only=True):
    """From one time of day to another, the same day."""

    start: Clock = field(name="from")
    end: Clock = field(name="to")


class Windows(Value, frozen=True, kw_only=True):
    """The two windows of a day. An outage that neither holds runs from the start of the one to the end of
    the other."""

    morning: Span = Span(start="08:00", end="12:00")
    afternoon: Span = Span(start="13:00", end="17:00")


class Blackout(Value, frozen=True, kw_only=True):
    """Days, both ends included, on which nothing is switched off: examinations, festivals, heat. With
    `feeders`, only nothing that interrupts one of theirs."""

    first: dt.date
    last: dt.date
    reason: str = ""
    feeders: tuple[Id, ...] = ()


class QuietHours(Value, frozen=True, kw_only=True):
    """Hours in which no outage may run: on `dates`, or on every day where there are none."""

    hours: Span
    dates: tuple[dt.date, ...] = ()
    reason: str = ""


class Calendar(Value, frozen=True, kw_only=True):
    """The days to plan, both ends included, and when the plan is published: notice counts from then.

    Nothing is placed on `rest_days`. `operations` is how many switching operations dispatch can take in a
    day, `operations_on` on single days.
    """

    first: dt.date
    last: dt.date
    published: Annotated[dt.datetime, Meta(tz=False)]
    windows: Windows = Windows()
    rest_days: tuple[dt.date, ...] = ()
    blackouts: tuple[Blackout, ...] = ()
    quiet: tuple[QuietHours, ...] = ()
    operations: Count = 24
    operations_on: dict[dt.date, Count] = {}


class Crew(Value, frozen=True, kw_only=True):
    """Crews of a skill on duty every day, and on single days."""

    skill: Id
    count: Count
    count_on: dict[dt.date, Count] = {}


class CustomerFacts(Value, frozen=True, kw_only=True):
    """What is known of a named customer of the network: days on which its supply is guaranteed (保供电), and
    whether it has agreed in writing to be interrupted, its emergency source having been checked."""

    id: Id
    guaranteed: tuple[dt.date, ...] = ()
    consent: bool = False


class PastInterruption(Value, frozen=True, kw_only=True):
    """An interruption that a section has had, for looking back."""

    section: Id
    date: dt.date


class LiveOption(Value, frozen=True, kw_only=True):
    """The work can be done live (带电作业), without an outage: how long it then takes, by whom, and what it
    costs more, as customer-hours. `only`: it may not be done otherwise."""

    minutes: Positive
    skill: Id
    cost_hours: Hours = 0.0
    only: bool = False


class RainDate(Value, frozen=True, kw_only=True):
    """The work depends on the weather: a day in reserve, at the latest `last`, is named in the plan."""

    last: dt.date


class Pin(Value, frozen=True, kw_only=True):
    """The scheduler's hand: on this day, and in this window where one is named."""

    date: dt.date
    window: Window | None = None


class Work(Value, frozen=True, kw_only=True):
    """A work, and what must be dead for it: a `section`, or the section or sections of a `device` (for a
    switch, both sides).

    `earliest` holds for the fact in `earliest_because`; every day beyond `wanted` costs `late_hours`.
    `after` names works that must be done on an earlier day, `with` on the same day, `not_with` on another;
    `same_crew` works that the same crew does, so never two at once. `windows` are those it may be done in;
    `notice` which lead time binds it. `unplaced_hours` is what leaving it out costs.
    """

    id: Id
    kind: Kind
    minutes: Positive
    skill: Id
    name: str = ""
    case: str = ""
    section: str = ""
    device: str = ""
    windows: tuple[Window, ...] = WINDOWS
    notice: Literal["planned", "short"] = "planned"
    earliest: dt.date | None = None
    earliest_because: str = ""
    wanted: dt.date | None = None
    latest: dt.date | None = None
    late_hours: Hours | None = None
    unplaced_hours: Hours | None = None
    after: tuple[Id, ...] = ()
    together: tuple[Id, ...] = field(name="with", default=())
    not_with: tuple[Id, ...] = ()
    same_crew: tuple[Id, ...] = ()
    live: LiveOption | None = None
    rain: RainDate | None = None
    pin: Pin | None = None
    forbid: tuple[dt.date, ...] = ()


class Rules(Value, frozen=True, kw_only=True):
    """The limits that a plan keeps.

    Notice: `planned_notice_days` from publishing to the day, `short_notice_hours` to the window's start.
    `interruptions`: how often a section may be dead within `look_back_days`. `budget_hours`: customer-hours
    of the month. `sections_per_outage`: how many places of work one outage may join at most.
    `consent`: important customers are made dead, and life-support customers interrupted at all, only with
    their written consent. Switching one way takes `switch_minutes` an operation, `remote_minutes` for remote
    ones, shared among `switching_teams`.
    """

    planned_notice_days: Count = 7
    short_notice_hours: Count = 24
    look_back_days: Positive = 60
    interruptions: Positive = 2
    budget_hours: Hours | None = None
    sections_per_outage: Annotated[int, Meta(ge=1, le=3)] = 2
    consent: bool = True
    switch_minutes: Count = 6
    remote_minutes: Count = 1
    switching_teams: Positive = 2


def _late_hours() -> dict[Kind, float]:
    return {"connection": 60.0, "repair": 40.0, "third_party": 20.0, "maintenance": 10.0}


class Weights(Value, frozen=True, kw_only=True):
    """What the parts of the objective cost, in customer-hours.

    An important or life-support customer counts as so many others. `unplaced` is a work left out (ten times
    that if it is pinned), `late` a day beyond the wanted one, by kind of work; `repeat` each interruption of
    a customer after the first in the look-back; `change` each work that a re-balance moves.
    """

    important_as: Positive = 20
    life_support_as: Positive = 50
    unplaced: Hours = 20_000.0
    late: dict[Kind, Hours] = field(default_factory=_late_hours)
    repeat: Hours = 0.5
    change: Hours = 500.0


class Objective(Value, frozen=True, kw_only=True):
    """What is made least, stage by stage: each stage the sum of its parts, none worse in a later stage.

    One stage is a weighted sum, `[["unplaced"], ["hours", "repeats", "live"], ["lateness"], ["changes"]]` is
    lexicographic. A part in no stage does not count.
    """

    stages: tuple[tuple[Part, ...], ...] = (("unplaced", "hours", "repeats", "live", "lateness", "changes"),)


class Freeze(Value, frozen=True, kw_only=True):
    """Why works are pinned to days up to `until` and forbidden on others: those days are frozen, and only who
    has one of these roles may still move works there. It binds nothing by itself; reasons are told by it."""

    until: dt.date
    roles: tuple[str, ...]


class Instance(Value, frozen=True, kw_only=True):
    """A month to balance. `network` is a GeoJSON FeatureCollection as docs/place.md tells, or
    `{"file": "network.json"}`, which whoever reads the instance fetches."""

    schema: Literal["outage-instance-1"]
    id: Id
    network: dict[str, Any]
    calendar: Calendar
    crews: tuple[Crew, ...]
    works: tuple[Work, ...]
    customers: tuple[CustomerFacts, ...] = ()
    past: tuple[PastInterruption, ...] = ()
    rules: Rules = Rules()
    weights: Weights = Weights()
    objective: Objective = Objective()
    freeze: Freeze | None = None
