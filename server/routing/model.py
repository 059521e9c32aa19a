"""What a route is made of. Places are WGS-84 degrees, ways metres, times seconds since the day's midnight."""

from __future__ import annotations

from msgspec import Struct

Param = str | int
Spot = tuple[float, float]


class Call(Struct, frozen=True, kw_only=True):
    """Work at a place. It begins no earlier than `opens_s` and no later than `closes_s`, where these are
    given, and takes `stay_s`. Of two calls of which one has to be left, that of more `weight` stays."""

    id: str
    lon: float
    lat: float
    stay_s: int
    weight: int = 1
    opens_s: int | None = None
    closes_s: int | None = None


class Day(Struct, frozen=True, kw_only=True):
    """When work begins and ends, and how one gets about: along a straight line, `detour` times as long, at
    `speed_m_s`. `start` is where the day begins and ends; None: at the first call, and at the last."""

    begins_s: int
    ends_s: int
    speed_m_s: float
    detour: float
    start: Spot | None = None


class Order(Struct, frozen=True, kw_only=True):
    """What to find a route for, no call twice. `effort`: how long to look for a better one, in the solver's
    own measure (about a second each), so that the same order gives the same route on any machine."""

    calls: tuple[Call, ...]
    day: Day
    effort: float


class Visit(Struct, frozen=True, kw_only=True):
    """A call on the route, and the way to it. Who arrives before it opens waits."""

    call: str
    travel_m: int
    travel_s: int
    arrives_s: int
    begins_s: int
    leaves_s: int


class Left(Struct, frozen=True, kw_only=True):
    """A call that is not on the route: why (a code of catalogue `routes`), with its numbers. Params that end
    in `_s` are times of the day."""

    call: str
    code: str
    params: dict[str, Param] = {}


class Route(Struct, frozen=True, kw_only=True):
    """A day. `proven`: no other has calls of more weight on it, or as much and a shorter way. `ends_s` is
    when one is back at the start. Ways count the way back."""

    visits: tuple[Visit, ...]
    left: tuple[Left, ...]
    travel_m: int
    travel_s: int
    ends_s: int
    proven: bool
