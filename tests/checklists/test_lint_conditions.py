"""Lint decides whether a condition can hold and can fail, and leaves open what it cannot decide."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checklists import cel, lint
from checklists.linting import undecided
from checklists.linting.conditions import Effort, lint_conditions
from checklists.model import Definition, Item, Limit, NumberRange, Option, Rules, Section, Text

WORDS = Text("词", "word")
ASKED = Item("AA-01", WORDS, "pass_fail", "major", WORDS, "judgement")
READ = msgspec.structs.replace(ASKED, code="AA-02", type="number", unit="m", range=NumberRange(0, 10))
OPTIONS = (Option("low", WORDS), Option("high", WORDS), Option("none", WORDS, verdict="fail"))
CHOSEN = msgspec.structs.replace(ASKED, code="AA-03", type="choice", options=OPTIONS)
SEVERAL = msgspec.structs.replace(ASKED, code="AA-04", type="multi_choice", options=OPTIONS)
SAID = msgspec.structs.replace(ASKED, code="AA-05", type="text")
FAR = msgspec.structs.replace(READ, code="AA-06", range=NumberRange(8, 900))
DATED = msgspec.structs.replace(ASKED, code="AA-07", type="date")
EARLIER = (ASKED, READ, CHOSEN, SEVERAL, SAID, FAR, DATED)


def form(*items: Item) -> Definition:
    return Definition("form", 1, "survey", WORDS, (Section("part", WORDS, items),))


def with_when(expression: str) -> Definition:
    return form(*EARLIER, msgspec.structs.replace(ASKED, code="ZZ-01", when=expression))


def codes(definition: Definition) -> list[str]:
    return [complaint.code for complaint in lint(definition)]


@pytest.mark.parametrize(
    "expression",
    [
        "facts.direct_buried && !facts.direct_buried",
        'facts.transformer_type == "oil" && facts.transformer_type == "dry"',
        'facts.transformer_type == "wet"',
        "facts.capacity_kva > 100 && facts.capacity_kva <= 100",
        "facts.capacity_kva < 0",
        "facts.cap_ge_100 && facts.capacity_kva < 99.9",
        "facts.cap_ge_100 && facts.cap_lt_100",
        "facts.dual_or_gen && !facts.dual && !facts.gen",
        'answers["AA-01"] == "passed"',
        'answers["AA-01"] == true',
        'answers["AA-02"] > 10',
        'answers["AA-02"] >= 3 && answers["AA-02"] < 3.0',
        'answers["AA-02"] > facts.capacity_kva && answers["AA-02"] < facts.capacity_kva',
        'answers["AA-03"] in ["medium", "higher"]',
        '!answers["AA-04"].all(one, one == "low" || one == "high" || one == "none")',
        'answers["AA-05"] == "一" && answers["AA-05"] == "二"',
        'times["AA-01"] < times["AA-02"] && times["AA-02"] < visit.end && visit.end < times["AA-01"]',
    ],
)
def test_what_can_never_hold_is_told(expression: str) -> None:
    assert codes(with_when(expression)) == ["condition_never"]
    assert codes(with_when(f"!({expression})")) == ["condition_always"]


@pytest.mark.parametrize(
    "expression",
    [
        "facts.direct_buried",
        "facts.capacity_kva > 99.99 && facts.capacity_kva < 100",
        "facts.cap_ge_100 || facts.dual",
        'answers["AA-02"] < facts.capacity_kva',
        'answers["AA-02"] == 10 || answers["AA-01"] == "na"',
        '"high" in answers["AA-04"] && size(answers["AA-04"]) == 3',
        'answers["AA-05"] == "直埋"',
        '"AA-02" in answers',
        'answers["AA-03"].startsWith("h")',
        'answers["AA-02"] == answers["AA-06"]',
        "facts.capacity_kva > 1.0e17 && facts.capacity_kva != 1.5e17",
        'times["AA-01"] <= times["AA-02"] && times["AA-02"] < visit.end',
        '"AA-01" in photos',
        'photos["AA-01"].all(one, one.taken_at >= visit.start - 3600 && one.taken_at <= visit.end)',
        'answers["AA-02"] > answers["AA-06"] && answers["AA-06"] > 9',
    ],
)
def test_what_can_hold_and_can_fail_is_left_alone(expression: str) -> None:
    definition = with_when(expression)
    assert codes(definition) == []
    assert undecided(definition) == []


@pytest.mark.parametrize(
    "expression",
    [
        'answers["AA-05"] == answers["AA-03"]',
        'days(answers["AA-07"], "2026-01-01") > 3000',
        'answers["AA-02"] * answers["AA-02"] == 7.3',
        'answers["AA-05"].startsWith("x") && facts.capacity_kva * 3 == 7',
    ],
)
def test_what_is_computed_with_is_not_decided_and_said_so(expression: str) -> None:
    definition = with_when(expression)
    assert codes(definition) == []
    assert [one.expression for one in undecided(definition)] == [expression]


def test_an_expression_that_fails_although_all_is_known_is_told_with_the_values() -> None:
    found = lint(with_when('answers["AA-01"] > 3'))
    assert [one.code for one in found] == ["expression_fails"]
    assert "AA-01 = 'pass'" in found[0].text.en


def test_what_every_answer_passes_or_none_is_told() -> None:
    never = msgspec.structs.replace(READ, accept='answers["AA-02"] > 10')
    always = msgspec.structs.replace(READ, accept='answers["AA-02"] >= 0')
    assert codes(form(never)) == ["accept_never"]
    assert codes(form(always)) == ["accept_always"]


def test_a_limit_that_applies_never_is_told_at_its_place() -> None:
    limits = (Limit(min=4, when="facts.cap_ge_100"), Limit(min=5, when="facts.capacity_kva < 0"))
    found = lint(form(msgspec.structs.replace(READ, limits=limits)))
    assert [(one.code, one.path) for one in found] == [
        ("condition_never", ("sections", 0, "items", 0, "limits", 1, "when"))
    ]


def test_conditions_that_go_round_are_named_once_with_the_way() -> None:
    def shown_by(code: str, other: str) -> Item:
        return msgspec.structs.replace(ASKED, code=code, when=f'answers["{other}"] == "fail"')

    items = (shown_by("AA-01", "AA-03"), shown_by("AA-02", "AA-01"), shown_by("AA-03", "AA-02"))
    found = [one for one in lint(form(*items)) if one.code == "condition_circle"]
    assert [one.subject for one in found] == ["AA-01"]
    assert "AA-01 → AA-03 → AA-02 → AA-01" in found[0].text.en


def test_beyond_the_effort_nothing_is_claimed() -> None:
    names = (
        "ct && dc && dual && duct && gen && joint && hazard && pt && pv && rcd && relay && sf6 && tn && vcb"
    )
    hopeless = with_when(names.replace("&& ", "&& facts.").replace("ct", "facts.ct", 1) + " && !facts.ct")
    assert [one.code for one in lint_conditions(hopeless, Effort(of_expression=20_000))] == [
        "condition_never"
    ]
    assert codes(hopeless) == []
    assert len(undecided(hopeless)) == 1
    assert list(lint_conditions(with_when("facts.ct && !facts.ct"), Effort(of_definition=0))) == []


NUMBERS = st.sampled_from([0.0, 1.0, 2.5, 99.0, 100.0])
COMPARED = st.tuples(
    st.sampled_from(["facts.capacity_kva", 'answers["AA-02"]']),
    st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    st.one_of(NUMBERS.map(str), st.just("facts.capacity_kva")),
).map(" ".join)
TESTS = st.one_of(COMPARED, st.sampled_from(["facts.ct", "facts.cap_ge_100", 'answers["AA-03"] == "low"']))
EXPRESSIONS = st.recursive(
    TESTS,
    lambda inner: st.one_of(
        inner.map(lambda one: f"!({one})"),
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(
            lambda part: f"({part[0]} {part[1]} {part[2]})"
        ),
    ),
    max_leaves=5,
)


@given(
    EXPRESSIONS,
    st.fixed_dictionaries({"capacity_kva": st.one_of(NUMBERS, st.floats(0, 1e6)), "ct": st.booleans()}),
    st.floats(0, 10) | st.sampled_from([0.0, 1.0, 2.5]),
    st.sampled_from(["low", "high", "none"]),
)
@settings(deadline=None, max_examples=60)
def test_no_situation_contradicts_what_lint_claims(
    expression: str, facts: dict[str, Any], reading: float, chosen: str
) -> None:
    complaints = codes(with_when(expression))
    known = {**facts, "cap_ge_100": facts["capacity_kva"] >= 100}
    answers: dict[str, list[dict[str, Any]]] = {"AA-02": [{"value": reading}], "AA-03": [{"value": chosen}]}
    rules = Rules(({"code": "ZZ-01", "when": expression},))
    outcome = cel.decide(rules, cel.Filled(known, answers))["ZZ-01"].when
    assert outcome is not None
    assert outcome.error is None
    assert not (outcome.yes and "condition_never" in complaints)
    assert not (outcome.no and "condition_always" in complaints)
