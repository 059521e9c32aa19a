"""Answers are read with distrust: whatever a tablet sends is judged or named; oddity never passes."""

from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checklists import evaluate, load_definitions
from checklists.answers import MAX_NOTE, MAX_PHOTOS, canonical, read_answer
from checklists.model import (
    MAX_ENTRIES,
    Definition,
    Item,
    ItemType,
    NumberRange,
    Option,
    Point,
    Role,
    Section,
    Text,
)
from checklists.values import MAX_TEXT, ProblemCode

AT = "2025-03-04T09:30:00+08:00"
WORDS = Text("词", "word")
POSITION = {"lon": 120.1, "lat": 30.2, "accuracy_m": 5, "datum": "wgs84"}
#: One item of each type, by type.
ITEMS = {
    kind: Item(
        code=f"TT-{number:02}",
        text=WORDS,
        type=kind,
        severity="critical",
        remedy=WORDS,
        source="test",
        unit="m" if kind == "number" else None,
        range=NumberRange(0, 100) if kind == "number" else None,
        options=(Option("a", WORDS), Option("b", WORDS, alone=True), Option("c", WORDS, verdict="fail"))
        if kind in ("choice", "multi_choice")
        else (),
        roles=(Role("utility", WORDS),) if kind == "signature" else (),
        points=(Point("here", WORDS),) if kind == "location" else (),
    )
    for number, kind in enumerate(get_args(ItemType))
    if kind != "rule"
}
GOOD: dict[str, Any] = {
    "pass_fail": "pass",
    "number": 5,
    "choice": "a",
    "multi_choice": ["a"],
    "text": "好",
    "date": "2024-02-29",
    "photo": None,
    "signature": [{"role": "utility", "signature": "signature:1"}],
    "location": {"here": POSITION},
    "file": "provided",
    "repeat": [{"entry": "a-1", "label": "1#主变"}],
}
FORM = Definition("test", 1, "survey", WORDS, (Section("all", WORDS, tuple(ITEMS.values())),))


def answer(value: Any, **more: Any) -> dict[str, Any]:
    return {"value": value, "by": "lin", "at": AT, "photos": ["photo:1"], **more}


def judged(kind: str, raw: Any) -> tuple[str, set[ProblemCode]]:
    """The verdict on an answer to the item of this type, and its problems."""
    item = ITEMS[kind]
    judgement = evaluate(FORM, {}, {item.code: raw}, only={item.code})
    return judgement.items[0].verdict, {problem.code for problem in judgement.problems}


@pytest.mark.parametrize("kind", ITEMS)
def test_a_good_answer_of_each_type_passes(kind: str) -> None:
    assert judged(kind, answer(GOOD[kind])) == ("pass", set())


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        ("pass_fail", "Pass", "unknown_option"),
        ("pass_fail", True, "unknown_option"),
        ("pass_fail", ["pass"], "unknown_option"),
        ("number", "5", "wrong_type"),
        ("number", True, "wrong_type"),
        ("number", float("nan"), "not_finite"),
        ("number", float("inf"), "not_finite"),
        ("number", 10**400, "not_finite"),
        ("number", -0.001, "out_of_range"),
        ("number", 100.1, "out_of_range"),
        ("choice", "d", "unknown_option"),
        ("choice", ["a"], "unknown_option"),
        ("choice", {"a": 1}, "unknown_option"),
        ("multi_choice", [], "wrong_type"),
        ("multi_choice", "a", "wrong_type"),
        ("multi_choice", ["a", "d"], "unknown_option"),
        ("multi_choice", ["a", "b"], "contradiction"),
        ("multi_choice", ["a"] * 4, "too_long"),
        ("text", " ", "wrong_type"),
        ("text", 5, "wrong_type"),
        ("text", "长" * (MAX_TEXT + 1), "too_long"),
        ("date", "2025-02-29", "invalid_date"),
        ("date", "20250228", "invalid_date"),
        ("date", 20250228, "invalid_date"),
        ("photo", "pass", "wrong_type"),
        ("signature", "signature:1", "wrong_type"),
        ("signature", [{"role": "mayor", "signature": "signature:1"}], "unknown_option"),
        ("signature", [{"role": ["utility"], "signature": "signature:1"}], "unknown_option"),
        ("signature", [{"role": "utility"}], "wrong_type"),
        ("signature", [{"role": "utility", "signature": "s", "stamp": 1}], "wrong_type"),
        ("signature", ["signature:1"], "wrong_type"),
        ("signature", [{"role": "utility", "signature": "s"}] * 51, "too_long"),
        ("location", [120, 30], "invalid_location"),
        ("location", {"there": POSITION}, "unknown_option"),
        ("location", {"here": {**POSITION, "lat": 91}}, "invalid_location"),
        ("location", {"here": {**POSITION, "lon": "120"}}, "invalid_location"),
        ("location", {"here": {**POSITION, "datum": "WGS"}}, "invalid_location"),
        ("location", {"here": {**POSITION, "datum": ["wgs84"]}}, "invalid_location"),
        ("location", {"here": {**POSITION, "accuracy_m": -1}}, "invalid_location"),
        ("file", "pass", "unknown_option"),
        ("repeat", "1#主变", "wrong_type"),
        ("repeat", ["1#主变"], "wrong_type"),
        ("repeat", [{"entry": "主变", "label": "1#主变"}], "wrong_type"),
        ("repeat", [{"entry": "a", "label": " "}], "wrong_type"),
        ("repeat", [{"entry": "a", "label": "1#主变", "more": 1}], "wrong_type"),
        ("repeat", [{"entry": "a", "label": label} for label in ("1#", "2#")], "wrong_type"),
        ("repeat", [{"entry": str(n), "label": str(n)} for n in range(MAX_ENTRIES + 1)], "too_long"),
    ],
)
def test_a_value_that_cannot_be_is_named_and_not_judged(kind: str, value: Any, problem: str) -> None:
    verdict, problems = judged(kind, answer(value))
    assert verdict == "not_judged"
    assert problem in problems


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"by": None}, "wrong_type"),
        ({"by": " "}, "wrong_type"),
        ({"by": "x" * 201}, "too_long"),
        ({"at": None}, "wrong_type"),
        ({"at": "2025-03-04T09:30:00"}, "invalid_time"),
        ({"at": "2025-03-04 09:30:00+08:00"}, "invalid_time"),
        ({"at": "2025-13-04T09:30:00Z"}, "invalid_time"),
        ({"at": "2025-03-04T09:30:00+99:00"}, "invalid_time"),
        ({"at": 1741051800}, "invalid_time"),
        ({"note": 5}, "wrong_type"),
        ({"note": "长" * (MAX_NOTE + 1)}, "too_long"),
        ({"photos": "photo:1"}, "wrong_type"),
        ({"photos": [1]}, "wrong_type"),
        ({"photos": [""]}, "wrong_type"),
        ({"photos": ["photo:1"] * (MAX_PHOTOS + 1)}, "too_long"),
        ({"location": "here"}, "invalid_location"),
        ({"instrument": 5}, "wrong_type"),
        ({"instrument": {"number": 5}}, "wrong_type"),
        ({"instrument": {str(n): "x" for n in range(11)}}, "wrong_type"),
        ({"verdict": "pass"}, "unknown_field"),
        ({"merged": "x"}, "wrong_type"),
        ({"merged": []}, "wrong_type"),
        ({"merged": [{"value": 5}, {"value": 6}]}, "wrong_type"),
    ],
)
def test_a_fault_beside_the_value_keeps_it_from_passing_but_not_from_failing(
    change: dict[str, Any], problem: str
) -> None:
    verdict, problems = judged("pass_fail", answer("pass") | change)
    assert verdict == "not_judged"
    assert problem in problems
    verdict, problems = judged("pass_fail", answer("fail", note="接地线断开") | change)
    assert verdict == "fail"
    assert problem in problems


def test_a_defect_mark_that_is_neither_true_nor_false_counts_as_one() -> None:
    assert judged("text", answer("好", defect="no")) == ("fail", {"wrong_type", "missing_note"})
    assert judged("text", answer("好", defect=False)) == ("pass", set())


@pytest.mark.parametrize("raw", [None, "pass", 1, True, [], ["pass"], [[]]])
def test_what_is_no_object_is_no_answer(raw: Any) -> None:
    assert judged("pass_fail", raw) == ("not_judged", {"not_an_answer"})


def test_notes_instruments_and_positions_are_taken() -> None:
    extra = {
        "note": "季节系数 1.4",
        "instrument": {"number": "ZC-8 0412", "calibrated": "2024-11-02"},
        "location": {**POSITION, "at": AT},
    }
    assert judged("number", answer(5) | extra) == ("pass", set())


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value, {"k": value}] if depth < 10 else {"k": [value]}
    return value


def test_what_is_nested_without_end_is_a_fault_like_any_other() -> None:
    assert judged("pass_fail", answer(nested(5000)))[0] == "not_judged"
    assert judged("pass_fail", answer("pass", merged=[nested(5000), 1]))[0] == "not_judged"


def test_canonical_json_of_what_is_nested_too_deep_for_recursion_is_still_canonical() -> None:
    deep = nested(5000)
    assert canonical({"b": deep, "a": 1}) == canonical({"a": 1, "b": deep})
    assert canonical({"b": deep}) != canonical({"b": nested(5001)})


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["pass", "fail", "na", "provided", "a", "b", "photo:1", AT, POSITION]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "value": JSON | st.sampled_from(list(GOOD.values())),
        "note": JSON,
        "photos": JSON | st.just(["photo:1"]),
        "by": JSON | st.just("lin"),
        "at": JSON | st.just(AT),
        "location": JSON,
        "instrument": JSON,
        "defect": JSON,
        "merged": JSON,
        "unheard_of": JSON,
    },
)


@settings(max_examples=80, deadline=None)
@given(kind=st.sampled_from(list(ITEMS)), raw=JSON | FIELDS)
def test_no_malformed_answer_ever_passes_or_raises(kind: str, raw: Any) -> None:
    verdict, problems = judged(kind, raw)
    faults = read_answer(ITEMS[kind], raw).faults
    assert {fault.code for fault in faults} <= problems
    if faults:
        assert verdict in ("fail", "not_judged")
    if verdict == "pass" and isinstance(raw, dict):
        assert raw.get("value") is not None or kind == "photo"
        assert raw["by"] == "lin" or raw["by"].strip()
        assert raw.get("defect") in (None, False)


@settings(max_examples=80, deadline=None)
@given(answers=st.dictionaries(st.sampled_from([*(i.code for i in ITEMS.values()), "XX-1"]), JSON | FIELDS))
def test_whole_forms_of_anything_are_judged_without_raising(answers: dict[str, Any]) -> None:
    judgement = evaluate(FORM, {"capacity_kva": answers}, answers)
    assert [item.code for item in judgement.items] == [item.code for item in ITEMS.values()]
    if answers.keys() != FORM.by_code.keys():
        assert not judgement.complete


def test_the_shipped_forms_stand_any_kind_of_rubbish() -> None:
    for definition in load_definitions().all():
        kinds: list[Any] = [None, [], "fail", {"value": []}, {"value": {}}, {"value": float("nan")}]
        for rubbish in kinds:
            names = (f"{code}#k" if code in definition.repeat_of else code for code in definition.by_code)
            judgement = evaluate(definition, {}, dict.fromkeys(names, rubbish))
            assert {item.verdict for item in judgement.items} == {"not_judged"}
            shown = {item.code for item in judgement.items if item.shown}
            assert {problem.item for problem in judgement.problems} == shown
