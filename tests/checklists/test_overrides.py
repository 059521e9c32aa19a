"""Limits of an organisation's own hold from their day on, for that organisation, and only ever tighten."""

from __future__ import annotations

from datetime import date
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from checklists.evaluate import evaluate
from checklists.model import (
    SEVERITY_RANK,
    Definition,
    Entries,
    Item,
    Limit,
    NumberRange,
    Option,
    Section,
    SeverityRule,
    Text,
)
from checklists.overrides import Override, apply, apply_all, check, held_by, in_force
from checklists.refusal import ChecklistRefused

DAY = date(2026, 12, 1)
RANK = {"pass": 0, "not_judged": 1, "warning": 2, "fail": 3}


def words(said: str) -> Text:
    return Text(f"中文{said}", said)


def item(code: str = "NR-01", **changes: Any) -> Item:
    fields: dict[str, Any] = {
        "code": code,
        "text": words("earthing resistance"),
        "type": "number",
        "severity": "major",
        "remedy": words("mend it"),
        "source": "judgement",
        "unit": "Ω",
        "range": NumberRange(0.0, 1000.0),
        "limits": (Limit(max=10.0),),
    }
    return Item(**{**fields, **changes})


def form(*items: Item, name: str = "form") -> Definition:
    section = Section("all", words("all"), items or (item(),))
    return Definition(name, 1, "acceptance", words("form"), (section,))


def override(name: str = "l-1", **changes: Any) -> Override:
    fields: dict[str, Any] = {
        "id": name,
        "organisation": "north",
        "item": "NR-01",
        "since": DAY,
        "basis": Text("省公司 2026-12 号文", "circular 2026-12"),
        "source": "circular 2026-12, 3.2",
        "max": 4.0,
    }
    return Override(**{**fields, **changes})


def limits(definition: Definition, code: str = "NR-01") -> tuple[Limit, ...]:
    return definition.by_code[code].limits


# -- what holds


def test_an_override_adds_its_limit_and_says_whose_it_is() -> None:
    held = apply(form(), [override()], "north", DAY)
    assert limits(held) == (
        Limit(max=10.0),
        Limit(max=4.0, basis=Text("省公司 2026-12 号文", "circular 2026-12"), since="2026-12-01"),
    )


@pytest.mark.parametrize(
    ("changes", "organisation", "day", "holds"),
    [
        ({}, "north", date(2026, 11, 30), False),
        ({}, "north", date(2030, 1, 1), True),
        ({}, "south", DAY, False),
        ({"organisation": None}, "south", DAY, True),
        ({"until": date(2026, 12, 31)}, "north", date(2026, 12, 31), True),
        ({"until": date(2026, 12, 31)}, "north", date(2027, 1, 1), False),
        ({"checklist": "form"}, "north", DAY, True),
        ({"checklist": "other"}, "north", DAY, False),
        ({"item": "NR-99"}, "north", DAY, False),
    ],
)
def test_an_override_holds_for_its_organisation_item_and_days(
    changes: dict[str, Any], organisation: str, day: date, holds: bool
) -> None:
    definition = form()
    held = apply(definition, [override(**changes)], organisation, day)
    assert (held is not definition) == holds


def test_a_definition_without_overrides_is_itself() -> None:
    """What is prepared for a definition is found again."""
    definition = form()
    assert apply(definition, [], "north", DAY) is definition


def test_the_order_in_which_overrides_are_read_does_not_matter() -> None:
    three = [override("l-1"), override("l-2", max=3.0), override("l-3", max=2.0, since=date(2026, 11, 1))]
    results = {apply(form(), order, "north", DAY).digest for order in permutations(three)}
    assert len(results) == 1
    held = in_force(form(), three, "north", DAY)
    assert [one.id for one in held] == ["l-3", "l-1", "l-2"]


def test_items_of_a_repeat_and_accuracies_of_positions_are_limited_too() -> None:
    repeat = item(
        "R-01",
        type="repeat",
        unit=None,
        range=None,
        limits=(),
        entries=Entries(words("cable")),
        items=(item(),),
    )
    place = item("LO-01", type="location", unit=None, range=None, limits=(Limit(max=50.0),))
    definition = form(repeat, place)
    held = apply(definition, [override(), override("l-2", item="LO-01", max=20.0)], "north", DAY)
    assert [limit.max for limit in limits(held)] == [10.0, 4.0]
    assert [limit.max for limit in limits(held, "LO-01")] == [50.0, 20.0]


def test_what_an_inspection_pins_is_told_apart_by_what_it_says() -> None:
    one, two = override("l-1"), override("l-2", max=3.0)
    pinned = held_by([one, two], DAY)
    assert pinned is not None
    assert (pinned.day, pinned.ids) == (DAY, ("l-1", "l-2"))
    assert held_by([], DAY) is None
    ended = replace(one, until=date(2027, 1, 1))
    assert held_by([ended, two], DAY) == pinned, "that a limit ends later changes nothing of what held"
    assert held_by([replace(one, max=3.9), two], DAY) != pinned


def test_pinned_overrides_are_applied_whatever_the_day() -> None:
    ended = override(until=date(2026, 12, 2))
    assert len(limits(apply_all(form(), [ended]))) == 2


_BOUNDS = st.floats(min_value=0.5, max_value=900.0, allow_nan=False)
_LIMITS = st.builds(
    Limit,
    max=_BOUNDS,
    verdict=st.sampled_from(["fail", "warning"]),
    severity=st.sampled_from([None, "minor", "critical"]),
)
_OVERRIDES = st.lists(
    st.builds(
        override,
        st.uuids().map(str),
        max=st.none() | _BOUNDS,
        min=st.none() | _BOUNDS,
        verdict=st.sampled_from(["fail", "warning"]),
        severity=st.sampled_from([None, "minor", "major", "critical"]),
        when=st.sampled_from([None, "facts.dual", "facts.capacity_kva > 100.0"]),
    ),
    max_size=4,
)


@settings(max_examples=80, deadline=None)
@given(own=st.lists(_LIMITS, max_size=3), overrides=_OVERRIDES, value=_BOUNDS, dual=st.booleans() | st.none())
def test_no_override_ever_makes_a_judgement_milder(
    own: list[Limit], overrides: list[Override], value: float, dual: bool | None
) -> None:
    definition = form(item(limits=tuple(own)))
    facts = {} if dual is None else {"dual": dual}
    answers = {"NR-01": {"value": value, "by": "a", "at": "2026-12-01T08:00:00+08:00"}}
    [before] = evaluate(definition, facts, answers).items
    [after] = evaluate(apply(definition, overrides, "north", DAY), facts, answers).items
    graver = SEVERITY_RANK[after.severity] >= SEVERITY_RANK[before.severity]
    assert RANK[after.verdict] > RANK[before.verdict] or (after.verdict == before.verdict and graver)


def test_the_reason_of_a_verdict_names_the_basis() -> None:
    held = apply(form(), [override()], "north", DAY)
    answers = {"NR-01": {"value": 5.0, "by": "a", "at": "2026-12-01T08:00:00+08:00"}}
    [judged] = evaluate(held, {}, answers).items
    assert judged.verdict == "fail"
    assert "省公司 2026-12 号文" in judged.reason.zh
    assert "circular 2026-12" in judged.reason.en


def test_a_limit_in_another_unit_is_converted_to_the_items() -> None:
    held = apply(form(), [override(max=4000.0, unit="mΩ")], "north", DAY)
    assert limits(held)[-1].max == 4.0
    assert check(override(max=4000.0, unit="mΩ"), (form(),)) == (form(),)
    refused("limit_not_stricter", override(max=40_000.0, unit="mΩ"))


# -- what is refused when it is entered


def refused(code: str, one: Override, *definitions: Definition) -> ChecklistRefused:
    with pytest.raises(ChecklistRefused) as caught:
        check(one, definitions or (form(),))
    assert caught.value.code == code
    assert caught.value.kind == "invalid"
    assert caught.value.facts[0].startswith("field:")
    return caught.value


def test_a_stricter_limit_is_taken_for_every_checklist_that_asks() -> None:
    here, there, elsewhere = form(), form(name="other"), form(item("XX-01"), name="third")
    assert check(override(), (here, there, elsewhere)) == (here, there)
    assert check(override(checklist="other"), (here, there)) == (there,)


@pytest.mark.parametrize(
    ("limits_there", "changes"),
    [
        ((Limit(max=10.0),), {"max": 10.0}),
        ((Limit(max=10.0),), {"max": 12.0}),
        ((Limit(max=10.0),), {"max": 12.0, "when": "facts.dual"}),
        ((Limit(max=10.0),), {"max": 10.5, "verdict": "warning"}),
        ((Limit(min=2.0),), {"max": None, "min": 1.0}),
        ((Limit(max=10.0, when="facts.dual"),), {"max": 12.0, "when": "facts.dual"}),
        ((Limit(max=4.0, when="facts.dual"), Limit(max=10.0, when="!facts.dual")), {"max": 10.0}),
        ((Limit(min=2.0, max=10.0),), {"min": 3.0, "max": 11.0}),
    ],
)
def test_a_limit_that_would_never_decide_is_refused(
    limits_there: tuple[Limit, ...], changes: dict[str, Any]
) -> None:
    refusal = refused("limit_not_stricter", override(**changes), form(item(limits=limits_there)))
    assert refusal.params["stands"] in {10.0, 2.0, 4.0}


@pytest.mark.parametrize(
    ("limits_there", "changes"),
    [
        ((), {"max": 12.0}),
        ((Limit(max=10.0),), {"max": 9.9}),
        ((Limit(max=10.0),), {"max": None, "min": 0.1}),
        ((Limit(max=10.0, verdict="warning"),), {"max": 12.0}),
        ((Limit(max=10.0, severity="minor"),), {"max": 12.0, "severity": "critical"}),
        ((Limit(max=4.0, when="facts.dual"), Limit(max=10.0, when="!facts.dual")), {"max": 8.0}),
    ],
)
def test_a_limit_that_decides_something_is_taken(
    limits_there: tuple[Limit, ...], changes: dict[str, Any]
) -> None:
    definition = form(item(limits=limits_there))
    assert check(override(**changes), (definition,)) == (definition,)


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("limit_days_reversed", {"until": date(2026, 11, 30)}),
        ("limit_words_missing", {"basis": Text("有", " ")}),
        ("limit_words_missing", {"source": " "}),
        ("limit_item_unknown", {"item": "NR-99"}),
        ("limit_item_unknown", {"checklist": "other"}),
        ("limit_unit_mismatch", {"unit": "kV"}),
        ("limit_not_sound", {"max": None}),
        ("limit_not_sound", {"min": 5.0, "max": 3.0}),
        ("limit_not_sound", {"max": 2000.0}),
        ("limit_not_sound", {"when": "facts.no_such_fact"}),
        ("limit_not_sound", {"when": "answers["}),
    ],
)
def test_what_cannot_be_a_limit_is_refused_with_its_field(code: str, changes: dict[str, Any]) -> None:
    refused(code, override(**changes))


def test_only_what_is_measured_can_be_limited() -> None:
    choice = item(
        type="choice",
        unit=None,
        range=None,
        limits=(),
        options=(Option("a", words("a")), Option("b", words("b"), "fail")),
    )
    assert refused("limit_not_measured", override(), form(choice)).params["type"] == "choice"


def test_a_limit_may_decide_where_its_item_is_graver_than_usual() -> None:
    """Without a severity of its own it is as grave as its item, which a fact may make critical."""
    graver = item(
        severity="minor",
        severities=(SeverityRule("critical", "facts.dual"),),
        limits=(Limit(max=10.0, severity="major"),),
    )
    assert check(override(max=12.0), (form(graver),)) == (form(graver),)
