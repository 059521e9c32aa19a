"""A plan made again moves only what must move, and keeps what is frozen."""

from __future__ import annotations

import datetime as dt
import random

import msgspec
import pytest

from geo.network.model import Network
from server.outages.balancing import balance
from server.outages.checking import check
from server.outages.instance import Instance, Pin, Work
from server.outages.plan import Plan
from server.outages.rebalancing import rebalance
from tests.outages.brute import Brute, Spot
from tests.outages.demo import LIMITS, demo, demo_plan, with_work
from tests.outages.months import tiny


def dates(plan: Plan) -> dict[str, dt.date]:
    found = {one.work: outage.date for outage in plan.outages for one in outage.works}
    return found | {one.work: one.date for one in plan.live}


def moved(before: Plan, after: Plan) -> set[str]:
    """Works of both plans that stood somewhere before and do not any more."""
    old, new = dates(before), dates(after)
    known = set(new) | {one.work for one in after.unplaced}
    return {work for work in old if work in known and new.get(work) != old[work]}


def test_one_failed_acceptance_moves_that_work_alone() -> None:
    """The acceptance of T-07 fails: it cannot be connected before the 22nd."""
    instance, network = demo()
    failed = with_work(instance, "T-07", earliest=dt.date(2026, 6, 22))
    again = rebalance(failed, network, demo_plan(), limits=LIMITS)
    assert moved(demo_plan(), again) == {"T-07"}
    assert dates(again)["T-07"] >= dt.date(2026, 6, 22)
    assert again.proof.status == "optimal"
    assert check(failed, network, again) == ()


def test_nothing_moves_where_nothing_changed() -> None:
    again = rebalance(*demo(), demo_plan(), limits=LIMITS)
    assert moved(demo_plan(), again) == set()
    assert again.customer_hours == pytest.approx(demo_plan().customer_hours)


class Fewest(Brute):
    """The least number of works that any plan moves, by trying everything."""

    before: dict[str, dt.date]

    def cost(self, plan: dict[str, Spot]) -> int:
        """The works that stand elsewhere than before, of those decided so far."""
        spots = {work: plan[work] for work in self.before if work in plan}
        return sum(spot is None or spot[2] != self.before[work] for work, spot in spots.items())


def waiting(instance: Instance, first: str) -> set[str]:
    """A work, and all that is tied to its day."""
    found = {first}
    while True:
        more = {
            work.id
            for work in instance.works
            if work.id not in found and (found & {*work.after, *work.together} or tied(work, instance, found))
        }
        if not more:
            return found
        found |= more


def tied(work: Work, instance: Instance, found: set[str]) -> bool:
    return any(work.id in other.together for other in instance.works if other.id in found)


def month_with_outages(seed: int) -> tuple[Instance, Network, Plan]:
    """A tiny month of which something is placed."""
    for attempt in range(20):
        instance, network = tiny(seed + 1000 * attempt)
        plan = balance(instance, network, limits=LIMITS)
        if dates(plan):
            return instance, network, plan
    raise AssertionError(seed)


@pytest.mark.parametrize("seed", range(80))
def test_after_one_failed_acceptance_only_what_must_change_changes(seed: int) -> None:
    """At most the works that wait for it, and no more than the fewest that any plan could move."""
    instance, network, plan = month_with_outages(seed)
    failed = random.Random(seed).choice(sorted(dates(plan)))
    later = dates(plan)[failed] + dt.timedelta(days=1)
    work = next(one for one in instance.works if one.id == failed)
    changed = with_work(instance, failed, earliest=later, latest=max(later, work.latest or later), pin=None)
    again = rebalance(changed, network, plan, limits=LIMITS)
    assert failed in moved(plan, again)
    assert moved(plan, again) <= waiting(instance, failed)
    fewest = Fewest(changed, network)
    fewest.before = dates(plan)
    assert len(moved(plan, again)) == fewest.solve()
    assert check(changed, network, again) == ()


def test_what_is_frozen_stays_and_nothing_new_comes_before() -> None:
    instance, network = demo()
    until = dt.date(2026, 6, 12)
    more = Work(id="T-15", kind="repair", minutes=90, skill="line", section="SQ 3段")
    grown = msgspec.structs.replace(instance, works=(*instance.works, more))
    again = rebalance(grown, network, demo_plan(), frozen_until=until, first="weights", limits=LIMITS)
    early = {work: day for work, day in dates(demo_plan()).items() if day <= until}
    assert {work: dates(again)[work] for work in early} == early
    assert dates(again)["T-15"] > until
    assert check(grown, network, again) == ()


def test_a_work_that_is_gone_leaves_its_slot_and_the_others_alone() -> None:
    instance, network = demo()
    fewer = msgspec.structs.replace(instance, works=tuple(one for one in instance.works if one.id != "T-01"))
    again = rebalance(fewer, network, demo_plan(), limits=LIMITS)
    assert moved(demo_plan(), again) == set()
    assert "T-01" not in dates(again)


def test_what_comes_first_decides_between_leaving_out_and_moving_another() -> None:
    """T-02 only fits later if T-01, on the same section, goes with it."""
    instance, network = demo()
    later = with_work(instance, "T-02", earliest=dt.date(2026, 6, 24))
    few = rebalance(later, network, demo_plan(), first="changes", limits=LIMITS)
    all_ = rebalance(later, network, demo_plan(), first="works", limits=LIMITS)
    assert moved(demo_plan(), few) == {"T-02"}
    assert "T-02" in {one.work for one in few.unplaced}
    assert moved(demo_plan(), all_) == {"T-01", "T-02"}
    assert dates(all_)["T-02"] == dates(all_)["T-01"]


def test_pins_and_forbidden_days_are_kept() -> None:
    instance, network = demo()
    pinned = with_work(instance, "T-06", pin=Pin(date=dt.date(2026, 6, 24), window="day"))
    pinned = with_work(pinned, "T-14", forbid=(dates(demo_plan())["T-14"],))
    again = rebalance(pinned, network, demo_plan(), limits=LIMITS)
    assert dates(again)["T-06"] == dt.date(2026, 6, 24)
    assert moved(demo_plan(), again) == {"T-06", "T-14"}
    assert check(pinned, network, again) == ()
