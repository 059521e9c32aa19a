"""Merging: the same for every order of arrival, safe in disagreement, and nothing is lost."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checklists import Merged, evaluate, load_definitions, merge
from checklists.answers import canonical, parts_of

MIDCHECK = load_definitions().latest("intermediate-earthing-cable")
FACTS = {"capacity_kva": 630, "direct_buried": True, "under_roadway_or_farmland": False}
AT = "2025-03-04T09:30:00+08:00"


def answer(value: Any, by: str = "lin", at: str = AT, **more: Any) -> dict[str, Any]:
    return {"value": value, "by": by, "at": at, **more}


def merged(code: str, *answers: Any) -> Merged:
    """Answers of as many inspectors to one item, merged in both orders."""
    there = merge(MIDCHECK, FACTS, [{code: one} for one in answers])
    back = merge(MIDCHECK, FACTS, [{code: one} for one in reversed(answers)])
    assert there == back
    return there


def standing(code: str, *answers: Any) -> Any:
    return merged(code, *answers).answers[code]["value"]


NOTED = {"note": "见照片"}


@pytest.mark.parametrize(
    ("code", "stands", "gives_way"),
    [
        ("MG-01", answer("fail"), answer("pass")),
        ("MG-01", answer("fail"), answer("na", **NOTED)),
        ("MG-01", answer("na", **NOTED), answer("pass")),
        ("MG-01", answer("fail"), answer("broken")),
        ("MG-01", answer("broken"), answer("pass")),
        ("MG-01", answer("pass", at="yesterday"), answer("pass")),
        ("MG-01", answer("pass"), answer(None, **NOTED)),
        ("MG-03", answer("na", **NOTED), answer("pass")),
        ("ME-05", answer(0.5), answer(0.7)),
        ("ME-05", answer(0.7), answer(0.9)),
        ("ME-05", answer(-3), answer(0.7)),
        ("ME-05", answer(0.5), answer("0.7")),
        ("ME-05", answer(0.4), answer(0.5)),
        ("ME-05", answer(0.61), answer(0.62)),
        ("ME-13", answer(3.9), answer(1)),
        ("ME-13", answer(9), answer(5)),
        ("ME-07", answer("na", **NOTED), answer(6)),
        ("ME-07", answer(5.9), answer("na", **NOTED)),
        ("MC-10", answer("YJV22", defect=True), answer("YJV22")),
        ("MG-02", answer("none"), answer("grade_1")),
    ],
)
def test_the_safe_answer_stands_and_the_other_is_kept(code: str, stands: Any, gives_way: Any) -> None:
    result = merged(code, stands, gives_way)
    assert result.answers == {code: stands}
    assert result.superseded == {code: (gives_way,)}


def test_an_answer_that_is_no_object_is_kept_and_does_not_beat_a_failure() -> None:
    assert merged("MG-01", "rubbish", answer("pass")).answers["MG-01"] == "rubbish"
    result = merged("MG-01", "rubbish", answer("fail"))
    assert result.answers["MG-01"]["value"] == "fail"
    assert result.superseded["MG-01"] == ("rubbish",)


def test_equal_answers_join_their_photos_and_notes() -> None:
    first = answer(0.9, "lin", note="东侧", photos=["photo:2", "photo:1"])
    second = answer(0.9, "wu", "2025-03-04T01:00:00Z", note="西侧", photos=["photo:3", "photo:1"])
    result = merged("ME-05", first, second)
    joined = result.answers["ME-05"]
    assert joined["photos"] == ["photo:1", "photo:2", "photo:3"]
    assert sorted(joined["note"].split("\n")) == ["东侧", "西侧"]
    assert (joined["by"], joined["at"]) == ("wu", "2025-03-04T01:00:00Z")
    assert sorted(map(canonical, joined["merged"])) == sorted(map(canonical, (first, second)))
    assert result.superseded == {}
    judged = evaluate(MIDCHECK, FACTS, result.answers, only={"ME-05"})
    assert judged.complete
    assert judged.items[0].verdict == "pass"


def test_four_and_four_point_zero_are_the_same_reading() -> None:
    result = merged("ME-13", answer(4, "lin"), answer(4.0, "wu"))
    assert len(result.answers["ME-13"]["merged"]) == 2
    assert result.superseded == {}


def test_signatures_are_collected_from_every_tablet() -> None:
    ours = [{"role": "utility", "signature": f"signature:{n}"} for n in (1, 2)]
    theirs = [{"role": role, "signature": f"signature:{role}"} for role in ("customer", "contractor")]
    result = merged("MZ-02", answer(ours), answer(theirs, "wu"))
    judged = evaluate(MIDCHECK, FACTS, result.answers, only={"MZ-02"})
    assert judged.complete
    assert judged.items[0].verdict == "pass"
    assert len(judged.signature_ids) == 4


def test_a_forged_merge_hides_nothing() -> None:
    forged = answer("fail", note="x", merged=[answer("pass"), answer("pass", "wu")])
    assert parts_of(MIDCHECK.by_code["MG-01"], forged) is None
    result = merged("MG-01", forged, answer("pass"))
    assert result.answers["MG-01"] == forged
    assert evaluate(MIDCHECK, FACTS, result.answers, only={"MG-01"}).failed


def test_a_rule_between_items_fails_if_any_reading_would_have_failed_it() -> None:
    # Each branch is fine or not by itself; a mixture of both must not look better than the worse one.
    long_rods = {"ME-03": answer(3), "ME-04": answer(5)}
    short_rods = {"ME-03": answer(2.5, "wu"), "ME-04": answer(5, "wu")}
    result = merge(MIDCHECK, FACTS, [long_rods, short_rods])
    judged = evaluate(MIDCHECK, FACTS, result.answers, only={"ME-03", "ME-04"}, superseded=result.superseded)
    assert [item.code for item in judged.failed] == ["ME-04"]


def test_merging_changes_nothing_it_was_given() -> None:
    branches = [{"ME-05": answer(0.9, photos=["photo:2"])}, {"ME-05": answer(0.9, "wu", photos=["photo:1"])}]
    before = copy.deepcopy(branches)
    merge(MIDCHECK, FACTS, branches)
    assert branches == before


VALUES: dict[str, list[Any]] = {
    "MG-01": ["pass", "fail", "na", "broken", None, 3],
    "MG-03": ["pass", "fail", "na"],
    "ME-03": [2, 2.5, 3, 3.0, 4, None],
    "ME-04": [4, 5, 5.5, 6, 6.0, "x"],
    "ME-05": [0.5, 0.6, 0.7, 0.8, 1, 1.0, float("nan"), -1],
    "ME-07": [5, 6, 7, "na"],
    "MZ-01": [None, "x"],
    "MZ-02": [
        [{"role": "utility", "signature": "signature:1"}],
        [{"role": "utility", "signature": "signature:2"}, {"role": "customer", "signature": "signature:3"}],
        [],
    ],
    "XX-01": ["pass", "fail"],
}


@st.composite
def one_answer(draw: st.DrawFn, code: str) -> Any:
    if draw(st.integers(0, 15)) == 0:
        return draw(st.sampled_from(["rubbish", None, 7, ["fail"]]))
    made: dict[str, Any] = {
        "value": draw(st.sampled_from(VALUES[code])),
        "by": draw(st.sampled_from(["lin", "wu"])),
        "at": draw(st.sampled_from([AT, "2025-03-04T09:30:00+09:00", "2025-03-04T01:30:00Z", "later"])),
    }
    if draw(st.booleans()):
        made["photos"] = draw(st.lists(st.sampled_from(["photo:1", "photo:2", "photo:3"]), max_size=2))
    if draw(st.booleans()):
        made["note"] = draw(st.sampled_from(["甲", "乙", "甲\n乙", ""]))
    if draw(st.integers(0, 7)) == 0:
        made["defect"] = draw(st.sampled_from([True, False, "yes"]))
    return made


@st.composite
def branch(draw: st.DrawFn) -> dict[str, Any]:
    codes = draw(st.lists(st.sampled_from(list(VALUES)), unique=True, max_size=5))
    return {code: draw(one_answer(code)) for code in codes}


BRANCHES = st.lists(branch(), min_size=1, max_size=4)
SITES = st.sampled_from([{}, FACTS, {"capacity_kva": 50}])


def seen(result: Merged) -> str:
    """A merge as comparable text; NaN is not equal to itself."""
    return canonical([result.answers, {code: list(other) for code, other in result.superseded.items()}])


def everything(branches: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Each single answer that branches hold, merged ones taken apart."""
    for held in branches:
        for code, raw in held.items():
            item = MIDCHECK.by_code.get(code)
            parts = parts_of(item, raw) if item is not None and isinstance(raw, Mapping) else None
            yield from ((code, canonical(part)) for part in parts or (raw,))


@settings(max_examples=80, deadline=None)
@given(data=st.data(), branches=BRANCHES, facts=SITES)
def test_the_order_of_arrival_never_matters(
    data: st.DataObject, branches: list[Any], facts: dict[str, Any]
) -> None:
    shuffled = data.draw(st.permutations(branches))
    assert seen(merge(MIDCHECK, facts, branches)) == seen(merge(MIDCHECK, facts, shuffled))


@settings(max_examples=80, deadline=None)
@given(first=BRANCHES, later=BRANCHES, facts=SITES)
def test_merging_in_steps_is_merging_at_once(
    first: list[Any], later: list[Any], facts: dict[str, Any]
) -> None:
    at_once = merge(MIDCHECK, facts, [*first, *later])
    step = merge(MIDCHECK, facts, first)
    assert seen(merge(MIDCHECK, facts, [*step.branches(), *later])) == seen(at_once)
    other = merge(MIDCHECK, facts, later)
    assert seen(merge(MIDCHECK, facts, [*step.branches(), *other.branches()])) == seen(at_once)


@settings(max_examples=80, deadline=None)
@given(branches=BRANCHES, facts=SITES)
def test_merging_again_changes_nothing(branches: list[Any], facts: dict[str, Any]) -> None:
    once = merge(MIDCHECK, facts, branches)
    assert seen(merge(MIDCHECK, facts, once.branches())) == seen(once)
    assert seen(merge(MIDCHECK, facts, [*branches, *branches])) == seen(once)


@settings(max_examples=80, deadline=None)
@given(branches=BRANCHES, facts=SITES)
def test_no_answer_photo_or_note_is_lost(branches: list[Any], facts: dict[str, Any]) -> None:
    result = merge(MIDCHECK, facts, branches)
    assert set(everything(list(result.branches()))) == set(everything(branches))


@settings(max_examples=80, deadline=None)
@given(branches=BRANCHES, facts=SITES)
def test_a_merge_adds_failures_and_never_removes_one(branches: list[Any], facts: dict[str, Any]) -> None:
    result = merge(MIDCHECK, facts, branches)
    together = evaluate(MIDCHECK, facts, result.answers, superseded=result.superseded)
    failed = {item.code for item in together.failed}
    for alone in branches:
        assert {item.code for item in evaluate(MIDCHECK, facts, alone).failed} <= failed


@settings(max_examples=80, deadline=None)
@given(branches=BRANCHES, facts=SITES)
def test_an_unreadable_answer_never_lets_a_pass_stand(branches: list[Any], facts: dict[str, Any]) -> None:
    result = merge(MIDCHECK, facts, branches)
    together = evaluate(MIDCHECK, facts, result.answers, superseded=result.superseded)
    passed = {item.code for item in together.items if item.verdict in ("pass", "warning")}
    for held in branches:
        for code, raw in held.items():
            if not isinstance(raw, Mapping) or raw.get("at") == "later":
                assert code not in passed


def test_views_and_instruments_of_two_tablets_complete_each_other() -> None:
    survey = load_definitions().latest("survey-lv")
    first = {"value": None, "by": "lin", "at": "2025-03-04T09:30:00+08:00"}
    views = {"door_plate": ["a"], "connection_point": ["b"]}
    others = {"door_plate": ["d"], "meter_place": ["c"]}
    branches = [
        {"SL-17": {**first, "photos": ["a", "b"], "views": views}},
        {"SL-17": {**first, "by": "wu", "photos": ["c", "d"], "views": others}},
    ]
    merged = merge(survey, {}, branches)
    assert merged == merge(survey, {}, branches[::-1])
    assert merged.answers["SL-17"]["views"] == {
        "door_plate": ["a", "d"],
        "connection_point": ["b"],
        "meter_place": ["c"],
    }
    judged = evaluate(survey, {}, merged.answers, only={"SL-17"})
    assert (judged.items[0].verdict, judged.problems) == ("pass", ())

    reading = {"value": 220, "photos": ["a"], "by": "lin", "at": "2025-03-04T09:30:00+08:00"}
    instrument = {"number": "7", "calibrated": "2025-01-01"}
    named = {**reading, "at": "2025-03-04T09:40:00+08:00", "instrument": instrument}
    form = load_definitions().latest("acceptance-lv")
    both = merge(form, {}, [{"LV-13": reading}, {"LV-13": named}])
    assert evaluate(form, {}, both.answers, only={"LV-13"}).problems == ()
