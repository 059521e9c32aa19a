"""The checker agrees with every plan that is made, and finds what was broken in one."""

from __future__ import annotations

import copy
import json
from typing import Any

import msgspec
import pytest

from server.outages.balancing import balance
from server.outages.checking import check
from server.outages.plan import Plan
from server.texts import LANGUAGES, text
from tests.outages.demo import LIMITS, demo, demo_document, demo_plan, demo_plan_bytes
from tests.outages.months import tiny
from tests.outages.violations import PLANTED, TIGHTENED, Change


def applied(document: Any, change: Change) -> Any:
    """A copy with the changes made; see `violations`."""
    made = copy.deepcopy(document)
    for path, value in change.items():
        *way, last = path.split(".")
        here = made
        for step in way:
            here = (
                here[index(here, step)]
                if isinstance(here, list)
                else here.setdefault(step, [] if last == "+" else {})
            )
        if last == "+":
            here.append(value)
        elif value == "reversed":
            here[last] = here[last][::-1]
        elif value is None:
            del here[index(here, last)]
        else:
            here[index(here, last) if isinstance(here, list) else last] = value
    return made


def index(rows: list[Any], step: str) -> int:
    if step.startswith("@"):
        return next(n for n, row in enumerate(rows) if any(one["work"] == step[1:] for one in row["works"]))
    if step.startswith(("#", "T-")):
        return next(n for n, row in enumerate(rows) if row.get("work", row.get("id")) == step.lstrip("#"))
    return int(step)


@pytest.mark.parametrize("seed", range(0, 240, 4))
def test_every_plan_that_is_made_holds(seed: int) -> None:
    instance, network = tiny(seed)
    plan = balance(instance, network, limits=LIMITS)
    assert check(instance, network, plan) == ()


def test_the_demo_month_holds_and_leaves_out_what_no_day_allows() -> None:
    instance, network = demo()
    plan = demo_plan()
    assert check(instance, network, plan) == ()
    assert [one.work for one in plan.unplaced] == ["T-13"]
    assert plan.proof.status == "optimal"


@pytest.mark.parametrize(("name", "change", "code"), PLANTED, ids=[one[0] for one in PLANTED])
def test_what_is_planted_in_a_plan_is_found(name: str, change: Change, code: str) -> None:
    broken = msgspec.convert(applied(json.loads(demo_plan_bytes()), change), Plan)
    told(check(*demo(), broken), code)


@pytest.mark.parametrize(("name", "change", "code"), TIGHTENED, ids=[one[0] for one in TIGHTENED])
def test_a_plan_is_held_to_rules_made_stricter_since(name: str, change: Change, code: str) -> None:
    instance, network = demo(applied(demo_document(), change))
    told(check(instance, network, demo_plan()), code)


def told(findings: tuple[Any, ...], code: str) -> None:
    found = {one.code: one for one in findings}
    assert f"plan_{code}" in found, sorted(found)
    for language in LANGUAGES:
        words = text(f"plan_{code}", language, **found[f"plan_{code}"].params)
        assert words != f"plan_{code}"
        assert "{" not in words


def test_at_least_thirty_ways_to_be_wrong_are_planted() -> None:
    assert len({code for _, _, code in (*PLANTED, *TIGHTENED)}) >= 30
