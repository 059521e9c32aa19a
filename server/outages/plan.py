"""The answer: which outages, when, with which switching, for which works; and how good that is known to be.

Published as JSON Schema. Times are local; customer-hours count every customer once, whatever its weight.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from msgspec import Struct, field

from server.outages.instance import Half, Part, Window

PLAN_SCHEMA = "outage-plan-1"

#: optimal: nothing better exists within the model; feasible: the limits ended the search; cancelled: somebody
#: did; empty: no work could be placed at all.
Status = Literal["optimal", "feasible", "cancelled", "empty"]
#: What comes first where a plan is made again: that few works move, even if one is left out for it; that few
#: are left out; or the sum of all with the instance's weights.
First = Literal["changes", "works", "weights"]


class Value(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of a plan."""


class Stage(Value, frozen=True, kw_only=True):
    """One stage of the objective: its parts' sum as reached, and what no plan can go below."""

    parts: tuple[Part, ...]
    value: float
    bound: float


class Proof(Value, frozen=True, kw_only=True):
    """How good the plan is known to be.

    `gap` is of the first stage: (value - bound) / value. It holds for outages that join at most
    `sections_per_outage` places of work; more were not looked at. `method` tells what the bound is of: the
    whole model, less what cannot be in a better plan, or its linear relaxation over whole outages, the plan
    then found by neighbourhoods.
    """

    status: Status
    stages: tuple[Stage, ...]
    gap: float
    seconds: float
    method: Literal["whole", "neighbourhoods"]
    sections_per_outage: int
    seed: int
    workers: int


class Operation(Value, frozen=True, kw_only=True):
    """One step of a switching sequence."""

    switch: str
    to: Literal["open", "closed"]


class Lender(Value, frozen=True, kw_only=True):
    """A feeder that supplies others meanwhile, and how much; empty where a busbar does so itself."""

    feeder: str
    kva: float


class Riding(Value, frozen=True, kw_only=True):
    """A work done during an outage; `half` is when its crew is bound, None for the whole day."""

    work: str
    half: Half | None
    late_days: int = 0


class Outage(Value, frozen=True, kw_only=True):
    """One outage: `sections` are isolated, `dead` have no supply, `moved` lose it twice while switching.

    `off` to `on` is what customers are told; work may go on from `work_from` to `work_to`. `operations`
    counts both ways. `customers_before` would be dead without transfer. `important` are dead, `life_support`
    dead or moved. `rain_date` is the day in reserve; `notify_by` the last day for announcing the outage.
    """

    id: str
    date: dt.date
    window: Window
    off: dt.datetime
    on: dt.datetime
    work_from: dt.datetime
    work_to: dt.datetime
    sections: tuple[str, ...]
    dead: tuple[str, ...]
    moved: tuple[str, ...]
    works: tuple[Riding, ...]
    there: tuple[Operation, ...]
    back: tuple[Operation, ...]
    operations: int
    lenders: tuple[Lender, ...] = ()
    customers_before: int
    customers_dead: int
    customers_moved: int
    important: tuple[str, ...] = ()
    life_support: tuple[str, ...] = ()
    customer_hours: float
    notify_by: dt.date
    rain_date: dt.date | None = None


class LiveWork(Value, frozen=True, kw_only=True):
    """A work done live; `half` None: the whole day."""

    work: str
    date: dt.date
    half: Half | None
    late_days: int = 0


class Unplaced(Value, frozen=True, kw_only=True):
    """A work that is not in the plan. The reasons are asked of `explain`."""

    work: str


class CrewUse(Value, frozen=True, kw_only=True):
    """Crews of a skill at work in each half of a day, and on duty."""

    skill: str
    morning: int
    afternoon: int
    duty: int


class Day(Value, frozen=True, kw_only=True):
    """The load of a day on which something happens."""

    date: dt.date
    crews: tuple[CrewUse, ...]
    operations: int
    operations_limit: int
    customer_hours: float


class Notice(Value, frozen=True, kw_only=True):
    """What is to be announced of an outage: area, lines and time, by when, and whom to tell directly."""

    outage: str
    by: dt.date
    start: dt.datetime = field(name="from")
    end: dt.datetime = field(name="to")
    feeders: tuple[str, ...]
    sections: tuple[str, ...]
    customers: int
    tell: tuple[str, ...] = ()


class Parts(Value, frozen=True, kw_only=True):
    """The objective by part, in customer-hours; weights included."""

    unplaced: float
    hours: float
    repeats: float
    live: float
    lateness: float
    changes: float


class Near(Value, frozen=True, kw_only=True):
    """The plan that this one was to stay near: the day of each work in it, and what came first."""

    first: First
    days: dict[str, dt.date]


class Plan(Value, frozen=True, kw_only=True):
    """A month's plan. `instance` and `digest` say of what: the digest is over the instance's values and its
    network's."""

    schema: Literal["outage-plan-1"]
    instance: str
    digest: str
    near: Near | None = None
    proof: Proof
    parts: Parts
    customer_hours: float
    outages: tuple[Outage, ...]
    live: tuple[LiveWork, ...] = ()
    unplaced: tuple[Unplaced, ...] = ()
    days: tuple[Day, ...] = ()
    notices: tuple[Notice, ...] = ()
