"""A day's route keeps every promise it makes, leaves no room unused, and says why a call is not on it."""

from __future__ import annotations

from itertools import combinations, permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.routing.asking import NoRoute, Routes, Terms
from server.routing.model import Call, Day, Order, Route
from server.routing.solving import find_route
from server.routing.timing import alone, timed
from server.texts import LANGUAGES, catalogue

HOUR = 3600
HOME = (121.93, 29.20)
#: Ten metres a second, straight on: a hundredth of a degree of latitude takes 111 seconds.
DAY = Day(begins_s=8 * HOUR, ends_s=17 * HOUR, speed_m_s=10.0, detour=1.0, start=HOME)


def call(name: str, north: float = 0.0, *, hours: float = 1.0, **more: Any) -> Call:
    return Call(id=name, lon=HOME[0], lat=HOME[1] + north, stay_s=round(hours * HOUR), **more)


def route(*calls: Call, day: Day = DAY) -> Route:
    return find_route(Order(calls=calls, day=day, effort=5.0))


def names(found: Route) -> list[str]:
    return [visit.call for visit in found.visits]


def test_calls_come_in_an_order_without_detours() -> None:
    found = route(call("far", 0.3), call("near", 0.1), call("middle", 0.2), call("behind", -0.1))
    assert sorted(names(found)) == ["behind", "far", "middle", "near"]
    assert (found.left, found.proven) == ((), True)
    assert found.travel_m == pytest.approx(2 * 0.4 * 110_850, rel=1e-3)


def test_who_comes_too_early_waits_until_the_customer_expects_him() -> None:
    found = route(call("asked", 0.01, opens_s=15 * HOUR, closes_s=16 * HOUR))
    [visit] = found.visits
    assert visit.arrives_s < visit.begins_s == 15 * HOUR
    assert visit.leaves_s == 16 * HOUR


def test_without_a_start_the_first_way_and_the_last_cost_nothing() -> None:
    day = Day(begins_s=8 * HOUR, ends_s=17 * HOUR, speed_m_s=10.0, detour=1.5)
    found = route(call("a", 5.0), call("b", 5.01), day=day)
    assert found.travel_m == pytest.approx(1.5 * 0.01 * 110_900, rel=2e-3)
    assert found.visits[0].arrives_s == 8 * HOUR


def test_of_calls_that_do_not_all_fit_the_weightier_stay() -> None:
    calls = [call(f"light-{n}", hours=3.0) for n in range(3)]
    found = route(*calls, call("due", 0.5, hours=4.0, weight=8))
    assert "due" in names(found)
    assert {one.code for one in found.left} == {"route_no_room"}
    assert all(int(one.params["minutes"]) > 0 for one in found.left)


@pytest.mark.parametrize(
    ("odd", "code"),
    [
        (call("odd", 0.5, closes_s=8 * HOUR + 60), "route_window_shut"),
        (call("odd", 2.0, hours=7.0), "route_day_too_short"),
        (call("odd", hours=20.0), "route_day_too_short"),
    ],
)
def test_what_would_not_fit_even_alone_says_so(odd: Call, code: str) -> None:
    found = route(odd, call("good"))
    assert names(found) == ["good"]
    [left] = found.left
    assert (left.call, left.code) == ("odd", code)
    assert alone(DAY, odd) == left


def test_a_time_that_is_taken_is_told_with_whom_it_would_make_late() -> None:
    at = {"opens_s": 10 * HOUR, "closes_s": 10 * HOUR}
    found = route(call("first", **at, weight=2), call("second", **at))
    assert names(found) == ["first"]
    [left] = found.left
    assert left.code in ("route_no_room_then", "route_no_room_beside")
    assert left.params["minutes"] == 60


def test_a_day_without_calls_is_a_route_without_visits() -> None:
    assert route() == Route(visits=(), left=(), travel_m=0, travel_s=0, ends_s=8 * HOUR, proven=True)


CALLS = st.lists(
    st.builds(
        lambda north, east, minutes, weight, window: {
            "lon": HOME[0] + east,
            "lat": HOME[1] + north,
            "stay_s": minutes * 60,
            "weight": weight,
            **({} if window is None else {"opens_s": window * 60, "closes_s": (window + 60) * 60}),
        },
        st.floats(-0.6, 0.6),
        st.floats(-0.6, 0.6),
        st.integers(10, 300),
        st.sampled_from([1, 2, 4, 8]),
        st.none() | st.integers(400, 1000),
    ),
    max_size=5,
)


def best(day: Day, calls: list[Call]) -> tuple[int, int]:
    """By trying everything: the most weight that fits, and the shortest time on the way with it."""
    found = [(0, 0)]
    for size in range(1, len(calls) + 1):
        for some in combinations(calls, size):
            weight = sum(one.weight for one in some)
            ways = [timed(day, order) for order in permutations(some)]
            found += [(weight, -way.travel_s) for way in ways if way.late is None]
    weight, way = max(found)
    return weight, -way


@settings(max_examples=40, deadline=None)
@given(CALLS)
def test_a_proven_route_is_as_good_as_trying_everything(rows: list[dict[str, Any]]) -> None:
    calls = [Call(id=f"c-{n}", **row) for n, row in enumerate(rows)]
    found = route(*calls)
    by_id = {one.id: one for one in calls}
    assert found.proven
    assert sorted([*names(found), *(one.call for one in found.left)]) == sorted(by_id)
    again = timed(DAY, [by_id[name] for name in names(found)])
    assert (again.late, again.visits) == (None, found.visits)
    assert (sum(by_id[name].weight for name in names(found)), found.travel_s) == best(DAY, calls)


def test_the_same_order_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    routes = Routes(Terms(memory_bytes=2 * 1024**3, seconds=60.0, at_once=1))
    order = Order(calls=(call("a", 0.1), call("b", 0.2)), day=DAY, effort=1.0)
    found = routes.find(order)
    assert found == find_route(order), "another process comes to the same"
    monkeypatch.setattr(routes, "_found", lambda _: pytest.fail("asked again"))
    assert routes.find(order) is found


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        (Terms(memory_bytes=2 * 1024**3, seconds=0.01, at_once=1), "route_too_slow"),
        (Terms(memory_bytes=16 * 1024**2, seconds=60.0, at_once=1), "route_failed"),
    ],
)
def test_a_process_that_dies_or_takes_too_long_is_told(terms: Terms, code: str) -> None:
    order = Order(calls=(call("a"),), day=DAY, effort=1.0)
    with pytest.raises(NoRoute) as refused:
        Routes(terms).find(order)
    assert refused.value.code == code


def test_who_finds_no_place_is_told_so() -> None:
    routes = Routes(Terms(memory_bytes=1, seconds=0.01, at_once=1))
    with routes._places, pytest.raises(NoRoute) as refused:
        routes.find(Order(calls=(), day=DAY, effort=1.0))
    assert refused.value.code == "route_busy"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_reason_has_words(lang: str) -> None:
    codes = ("window_shut", "day_too_short", "no_room", "no_room_then", "no_room_beside", "wished_later")
    assert {f"route_{code}" for code in codes} <= set(catalogue(lang))
