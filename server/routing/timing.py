"""When one is where: a sequence of calls on the clock, and why a call has no room in it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from geo.metric import distance_m
from server.routing.model import Call, Day, Left, Param, Route, Visit


def metres(day: Day, start: Call | None, end: Call | None) -> int:
    """The way between two calls; None is where the day begins and ends."""
    one, other = (day.start if call is None else (call.lon, call.lat) for call in (start, end))
    if one is None or other is None:
        return 0
    return round(distance_m(*one, *other) * day.detour)


def seconds(day: Day, start: Call | None, end: Call | None) -> int:
    """How long that way takes; never less than it does."""
    return math.ceil(metres(day, start, end) / day.speed_m_s)


@dataclass(frozen=True)
class Late:
    """What a sequence misses: a call that is reached too late, or (None) the end of the day; by how much."""

    call: Call | None
    seconds: int


@dataclass(frozen=True)
class Timed:
    """A sequence on the clock, everything as early as it may be. `late` is what it misses by most."""

    visits: tuple[Visit, ...]
    travel_m: int
    travel_s: int
    ends_s: int
    late: Late | None


def timed(day: Day, calls: Sequence[Call]) -> Timed:
    """Do these calls in this order."""
    now, before, visits, missed = day.begins_s, None, [], []
    travel_m = travel_s = 0
    for call in calls:
        way_m, way_s = metres(day, before, call), seconds(day, before, call)
        arrives = now + way_s
        begins = max(arrives, call.opens_s or 0)
        visits.append(
            Visit(
                call=call.id,
                travel_m=way_m,
                travel_s=way_s,
                arrives_s=arrives,
                begins_s=begins,
                leaves_s=begins + call.stay_s,
            )
        )
        if call.closes_s is not None and begins > call.closes_s:
            missed.append(Late(call, begins - call.closes_s))
        now, before = begins + call.stay_s, call
        travel_m, travel_s = travel_m + way_m, travel_s + way_s
    back_m, back_s = (0, 0) if before is None else (metres(day, before, None), seconds(day, before, None))
    ends = now + back_s
    if ends > day.ends_s:
        missed.append(Late(None, ends - day.ends_s))
    worst = max(missed, key=lambda one: one.seconds, default=None)
    return Timed(tuple(visits), travel_m + back_m, travel_s + back_s, ends, worst)


def alone(day: Day, call: Call) -> Left | None:
    """Why a call does not fit into the day even if it is the only one; None if it does."""
    found = timed(day, [call])
    if found.late is None:
        return None
    [visit] = found.visits
    if found.late.call is not None:
        params: dict[str, Param] = {"arrives_s": visit.arrives_s, "closes_s": call.closes_s or 0}
        return Left(call=call.id, code="route_window_shut", params=params)
    params = {"ends_s": found.ends_s, "day_ends_s": day.ends_s}
    return Left(call=call.id, code="route_day_too_short", params=params)


def squeezed(day: Day, calls: Sequence[Call], call: Call) -> tuple[int, Late | None]:
    """Where among the calls one more misses least, and what it makes miss there; None if nothing."""
    found = [(place, timed(day, with_call(calls, place, call))) for place in range(len(calls) + 1)]
    place, least = min(found, key=lambda one: (one[1].late.seconds if one[1].late else 0, one[1].travel_s))
    return place, least.late


def with_call(calls: Sequence[Call], place: int, call: Call) -> list[Call]:
    return [*calls[:place], call, *calls[place:]]


def route_of(day: Day, calls: Mapping[str, Call], chosen: Sequence[str], *, proven: bool) -> Route:
    """The route of the chosen calls in their order, with a reason for every other.

    Unless it is proven that nothing better exists, what has room is put in. Raises ValueError for a sequence
    that misses something.
    """
    sequence = [calls[name] for name in chosen]
    left: list[Left] = []
    for call in sorted(calls.values(), key=lambda one: (-one.weight, one.id)):
        if call in sequence:
            continue
        shut = alone(day, call)
        place, late = squeezed(day, sequence, call)
        if shut is not None:
            left.append(shut)
        elif late is None:
            sequence = with_call(sequence, place, call)
        else:
            left.append(_no_room(call, late))
    found = timed(day, sequence)
    if found.late is not None:
        raise ValueError("a route misses what it promises")
    return Route(
        visits=found.visits,
        left=tuple(left),
        travel_m=found.travel_m,
        travel_s=found.travel_s,
        ends_s=found.ends_s,
        proven=proven,
    )


def _no_room(call: Call, late: Late) -> Left:
    minutes: dict[str, Param] = {"minutes": math.ceil(late.seconds / 60)}
    if late.call is None:
        return Left(call=call.id, code="route_no_room", params=minutes)
    if late.call == call:
        return Left(call=call.id, code="route_no_room_then", params=minutes)
    return Left(call=call.id, code="route_no_room_beside", params={**minutes, "other": late.call.id})


def fitting(day: Day, calls: Sequence[Call]) -> Iterator[Call]:
    """The calls that fit into the day by themselves."""
    return (call for call in calls if alone(day, call) is None)
