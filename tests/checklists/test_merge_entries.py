"""Merging what repeats: entry by entry and item by item, in every order the same, and no failure is lost."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checklists import Merged, evaluate, merge
from checklists.answers import canonical, parts_of
from checklists.lines import spelled_in
from tests.checklists.transformers import FACTS, FORM, LISTED, NOTED, answer, good

LATER = "2025-03-04T10:30:00+08:00"
VISIT = {"start": 0.0, "end": 4e9}
PHOTOS = {"p": {"taken_at": 1.0}, "q": {"taken_at": 5e9}}
THIRD = {"entry": "n", "label": "3#主变"}
QUICK = settings(max_examples=80, deadline=None)

#: Rules over all entries see those of every branch, and may be kept by all of them where one alone broke
#: them.
OVER_ENTRIES = {item.code for item in FORM.items if "T" in spelled_in(item.accept or "")}


def merged(*branches: Mapping[str, Any], facts: Mapping[str, Any] = FACTS) -> Merged:
    return merge(FORM, facts, branches, visit=VISIT, photos=PHOTOS)


def seen(result: Merged) -> str:
    return canonical([result.answers, {name: list(others) for name, others in result.superseded.items()}])


def test_two_tablets_list_and_fill_in_an_entry_each() -> None:
    ours = good(T=answer(LISTED[:1]), T_01m=None, T_02m=None)
    theirs = good(T=answer(LISTED[1:], by="wu"), T_01k=None, T_02k=None)
    result = merged(ours, theirs)
    assert seen(result) == seen(merged(theirs, ours))
    assert {one["entry"] for one in result.answers["T"]["value"]} == {"k", "m"}
    assert result.superseded == {}
    judged = evaluate(FORM, FACTS, result.answers, visit=VISIT, photos=PHOTOS)
    assert judged.complete
    assert judged.failed == ()


def test_an_entry_has_the_name_that_it_was_given_first() -> None:
    renamed = answer([{"entry": "k", "label": "甲变"}], by="wu", at=LATER)
    result = merged({"T": answer(LISTED)}, {"T": renamed})
    assert result.answers["T"]["value"] == LISTED
    assert renamed in result.answers["T"]["merged"]


def test_two_entries_of_one_name_are_both_there_and_somebody_has_to_tell_them_apart() -> None:
    twin = answer([{"entry": "x", "label": "1#主变"}], by="wu")
    judged = evaluate(FORM, FACTS, merged({"T": answer(LISTED)}, {"T": twin}).answers)
    told = {(problem.code, problem.item) for problem in judged.problems}
    assert {("repeated_entry", "T"), ("missing_answer", "T-01#x")} <= told


@pytest.mark.parametrize("value", [[], LISTED[:1]])
def test_what_one_inspector_listed_the_other_does_not_call_away(value: Any) -> None:
    result = merged({"T": answer("na", **NOTED)}, {"T": answer(value, by="wu")})
    assert result.answers["T"]["value"] == value
    assert result.superseded["T"] == (answer("na", **NOTED),)


def test_a_defect_that_one_inspector_saw_stays() -> None:
    marked = answer(LISTED[:1], defect=True, **NOTED)
    judged = evaluate(FORM, FACTS, merged({"T": answer(LISTED, by="wu")}, {"T": marked}).answers)
    assert [item.code for item in judged.failed] == ["T"]
    assert [item.entry for item in judged.items if item.code.startswith("T-01")] == ["k", "m"]


def test_one_reading_in_two_units_is_one_reading() -> None:
    result = merged({"T-02#k": answer(0.5, unit="GΩ")}, {"T-02#k": answer(500, by="wu")})
    assert result.superseded == {}
    assert len(result.answers["T-02#k"]["merged"]) == 2
    assert (
        merged({"T-02#k": answer(0.2, unit="GΩ")}, {"T-02#k": answer(500)}).answers["T-02#k"]["value"] == 0.2
    )


VALUES: dict[str, list[Any]] = {
    "A-01": ["pass", "fail", "na"],
    "T": [LISTED, LISTED[:1], [THIRD], [LISTED[1], THIRD], [], "na", None, "rubbish"],
    **{f"T-01#{key}": [630, 400, 0.4, None] for key in "kmn"},
    **{f"T-02#{key}": [500, 299, 300.0, 0.3, "x", "na"] for key in "kmn"},
    **{f"T-03#{key}": ["pass", "fail", "na"] for key in "km"},
    **{f"T-04#{key}": [500, 100, 0.5] for key in "km"},
    "T-05#k": [None, "pass"],
    "R-01": [None],
}


@st.composite
def one_answer(draw: st.DrawFn, name: str) -> Any:
    if draw(st.integers(0, 20)) == 0:
        return "rubbish"
    made = answer(
        draw(st.sampled_from(VALUES[name])),
        draw(st.sampled_from(["lin", "wu"])),
        draw(st.sampled_from(["2025-03-04T09:30:00+08:00", LATER, "2025-03-04T01:00:00Z", "later"])),
    )
    if name[:4] in ("T-01", "T-02", "T-04") and draw(st.integers(0, 2)) == 0:
        made["unit"] = draw(st.sampled_from(["GΩ", "MΩ", "kΩ", "MVA", "kVA", "ell"]))
    if draw(st.booleans()):
        made["photos"] = draw(st.lists(st.sampled_from(["p", "q"]), max_size=2))
    if draw(st.integers(0, 3)) == 0:
        made["note"] = "甲"
    if draw(st.integers(0, 7)) == 0:
        made["defect"] = draw(st.sampled_from([True, False]))
    return made


@st.composite
def branch(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(list(VALUES)), unique=True, max_size=8))
    return {name: draw(one_answer(name)) for name in names}


BRANCHES = st.lists(branch(), min_size=1, max_size=4)
SITES = st.sampled_from([FACTS, {}, {**FACTS, "transformer_type": "oil", "important": True}])


@QUICK
@given(data=st.data(), branches=BRANCHES, facts=SITES)
def test_the_order_of_arrival_never_matters(
    data: st.DataObject, branches: list[Any], facts: dict[str, Any]
) -> None:
    shuffled = data.draw(st.permutations(branches))
    assert seen(merged(*branches, facts=facts)) == seen(merged(*shuffled, facts=facts))


@QUICK
@given(first=BRANCHES, later=BRANCHES, facts=SITES)
def test_merging_in_steps_is_merging_at_once_and_again_changes_nothing(
    first: list[Any], later: list[Any], facts: dict[str, Any]
) -> None:
    at_once = merged(*first, *later, facts=facts)
    step = merged(*first, facts=facts)
    assert seen(merged(*step.branches(), *later, facts=facts)) == seen(at_once)
    assert seen(merged(*at_once.branches(), *first, facts=facts)) == seen(at_once)


@QUICK
@given(branches=BRANCHES, facts=SITES)
def test_no_answer_and_no_entry_is_lost(branches: list[Any], facts: dict[str, Any]) -> None:
    def everything(held: list[Mapping[str, Any]]) -> set[tuple[str, str]]:
        found = set()
        for one in held:
            for name, raw in one.items():
                item = FORM.item_at(name)
                assert item is not None
                parts = parts_of(item, raw) if isinstance(raw, Mapping) else None
                found |= {(name, canonical(part)) for part in parts or (raw,)}
        return found

    result = merged(*branches, facts=facts)
    assert everything(list(result.branches())) == everything(branches)


@QUICK
@given(branches=BRANCHES, facts=SITES)
def test_a_merge_adds_failures_and_never_removes_one(branches: list[Any], facts: dict[str, Any]) -> None:
    result = merged(*branches, facts=facts)
    extra: dict[str, Any] = {"visit": VISIT, "photos": PHOTOS}
    together = evaluate(FORM, facts, result.answers, superseded=result.superseded, **extra)
    failed = {item.code for item in together.failed}
    for alone in branches:
        judged = evaluate(FORM, facts, alone, **extra)
        assert {item.code for item in judged.failed if item.code not in OVER_ENTRIES} <= failed
