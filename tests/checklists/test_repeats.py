"""Repeats, rules and severities: each entry is judged for itself, and what compares others names them."""

from collections.abc import Collection
from typing import Any

import msgspec
import pytest

from checklists import ItemJudgement, Judgement, evaluate, merge
from checklists.model import Item, Limit, Text
from tests.checklists.transformers import FACTS, FORM, LISTED, NOTED, answer, good

LATER = "2025-03-04T10:30:00+08:00"


def judged(answers: dict[str, Any], facts: dict[str, Any] | None = None, **more: Any) -> Judgement:
    return evaluate(FORM, FACTS if facts is None else facts, answers, **more)


def one(judgement: Judgement, name: str) -> ItemJudgement:
    return next(item for item in judgement.items if item.code == name)


def problems(judgement: Judgement) -> set[tuple[str, str | None]]:
    return {(problem.code, problem.item) for problem in judgement.problems}


def names(judgement: Judgement, *, shown: bool = True) -> list[str]:
    return [item.code for item in judgement.items if item.shown is shown]


def test_a_good_form_passes_entry_by_entry() -> None:
    judgement = judged(good())
    assert judgement.complete
    assert {item.verdict for item in judgement.items if item.shown} - {"pass"} == {"not_judged"}
    assert names(judgement)[:6] == ["A-01", "T", "T-01#k", "T-02#k", "T-04#k", "T-01#m"]
    second = one(judgement, "T-02#m")
    assert (second.entry, second.label, second.value) == ("m", "2#主变", 600)
    assert second.text == Text("2#主变：绝缘电阻", "2#主变: Insulation")
    assert one(judgement, "T").reason.en == "Entries of transformers: 2."


def test_a_defect_in_one_entry_fails_there_and_nowhere_else() -> None:
    judgement = judged(good(T_02k=answer(299, photos=["p"])))
    assert [item.code for item in judgement.failed] == ["T-02#k"]
    assert judgement.photo_ids == ("p",)
    assert ("missing_photo", "T-02#k") in problems(judged(good(T_02k=answer(299))))


def test_every_entry_is_asked_for_every_item() -> None:
    judgement = judged(good(T_01m=None, T_02k=None))
    assert problems(judgement) >= {("missing_answer", "T-01#m"), ("missing_answer", "T-02#k")}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], "too_few_entries"),
        ([{"entry": str(n), "label": str(n)} for n in range(4)], "too_many_entries"),
        ([{"entry": "k", "label": "1#"}, {"entry": "m", "label": " 1#"}], "repeated_entry"),
        ("na", "missing_note"),
        (None, "missing_answer"),
        ([{"entry": "k"}], "wrong_type"),
    ],
)
def test_a_list_that_cannot_be_is_told_and_never_passes(value: Any, problem: str) -> None:
    judgement = judged({"T": answer(value)})
    assert (problem, "T") in problems(judgement)
    assert one(judgement, "T").verdict == "not_judged"


def test_there_may_be_none_where_that_is_allowed() -> None:
    judgement = judged({"A-01": answer("pass"), "T": answer("na", **NOTED)})
    assert judgement.complete
    assert names(judgement) == ["A-01", "T", "B-01", "R-02"]


def counted(expression: str) -> Any:
    section = FORM.sections[0]
    repeat = section.items[1]
    assert repeat.entries is not None
    entries = msgspec.structs.replace(repeat.entries, count=expression)
    items = (section.items[0], msgspec.structs.replace(repeat, entries=entries), *section.items[2:])
    return msgspec.structs.replace(FORM, sections=(msgspec.structs.replace(section, items=items),))


@pytest.mark.parametrize(
    ("expression", "problem", "params"),
    [
        ("2", None, None),
        ("size(answers['A-01']) - 2", None, None),
        ("3", "too_few_entries", {"have": 2, "need": 3}),
        ("1", "too_many_entries", {"have": 2, "need": 1}),
        ("1.5", "rule_not_evaluated", None),
        ("facts.capacity_kva / facts.unknown_number", "rule_not_evaluated", None),
    ],
)
def test_a_repeat_has_as_many_entries_as_are_wanted(
    expression: str, problem: str | None, params: Any
) -> None:
    judgement = evaluate(counted(expression), FACTS, good())
    assert [(found.code, found.item) for found in judgement.problems] == ([(problem, "T")] if problem else [])
    assert one(judgement, "T").verdict == ("pass" if problem is None else "not_judged")
    if params:
        assert judgement.problems[0].params == params


def test_answers_of_an_entry_that_is_not_listed_are_judged_and_told() -> None:
    judgement = judged(good(**{"T_02zz": answer(1, photos=["p"])}))
    assert one(judgement, "T-02#zz").verdict == "fail"
    assert ("unlisted_entry", "T") in problems(judgement)
    assert [item.code for item in judgement.items if item.entry == "zz"] == ["T-02#zz", "T-05#zz"]


@pytest.mark.parametrize(
    "name", ["T-02", "T-02#", "T-02#主变", "T-02#" + "x" * 37, "A-01#k", "T#k", "T-02#k#m"]
)
def test_a_name_that_means_no_item_is_told(name: str) -> None:
    judgement = judged({**good(), name: answer(1)})
    assert {problem.code for problem in judgement.problems} == {"unknown_item"}
    assert name not in names(judgement)


def test_a_hidden_repeat_hides_its_entries_and_nobody_misses_them() -> None:
    gas = {**FACTS, "transformer_type": "gas"}
    judgement = judged(good(T_02zz=answer(1)), gas)
    assert judgement.complete
    assert names(judgement) == ["A-01", "B-01", "R-02"]
    assert set(judgement.ignored) == {"T", *(f"T-0{n}#{key}" for n in (1, 2) for key in "km"), "T-02#zz"}


def test_a_condition_within_an_entry_hides_there() -> None:
    assert "T-03#k" in names(judged(good(), {**FACTS, "transformer_type": "oil"}))
    assert "T-03#k" in names(judged(good()), shown=False)


def test_an_item_compares_itself_with_the_same_entry() -> None:
    judgement = judged(good(T_04k=answer(400, at=LATER), T_04m=answer(400, at=LATER)))
    assert [item.code for item in judgement.failed] == ["T-04#m"]


def test_the_order_of_time_is_a_rule() -> None:
    wrong = judged(good(T_04k=answer(400, at="2025-03-04T01:29:59Z"), T_04m=answer(600, at=LATER)))
    assert [item.code for item in wrong.failed] == ["T-05#k"]
    assert one(wrong, "T-05#m").verdict == "pass"


# -- rules ---------------------------------------------------------------------------------------------------


def test_a_rule_judges_what_others_answered() -> None:
    assert one(judged(good()), "R-01").verdict == "pass"
    wrong = one(judged(good(T_01k=answer(500))), "R-01")
    assert (wrong.verdict, wrong.severity, wrong.required) == ("fail", "critical", False)
    assert wrong.rule == "not_accepted"


def test_a_rule_that_lacks_an_answer_is_open_and_says_so() -> None:
    judgement = judged(good(T_01k=None))
    assert one(judgement, "R-01").verdict == "not_judged"
    assert {("missing_answer", "T-01#k"), ("rule_not_evaluated", "R-01")} <= problems(judgement)


def test_an_inspector_may_call_a_rule_broken_but_not_answer_it() -> None:
    judgement = judged(good(R_01=answer(defect=True, **NOTED)))
    assert (one(judgement, "R-01").verdict, judgement.complete) == ("fail", True)
    assert ("missing_note", "R-01") in problems(judged(good(R_01=answer(defect=True))))
    assert ("wrong_type", "R-01") in problems(judged(good(R_01=answer("pass"))))
    noted = judged(good(R_01=answer(**NOTED)))
    assert (one(noted, "R-01").verdict, noted.complete) == ("pass", True)


def test_photos_are_compared_with_the_visit_once_their_times_are_known() -> None:
    answers = good(A_01=answer("pass", photos=["p", "q"]))
    visit = {"start": 1000.0, "end": 2000.0}
    within = {"p": {"taken_at": 1000.0}, "q": {"taken_at": 2000.0}}
    assert one(judged(answers, visit=visit, photos=within), "R-02").verdict == "pass"
    late = judged(answers, visit=visit, photos={**within, "q": {"taken_at": 2001.0}})
    assert (one(late, "R-02").verdict, late.complete) == ("warning", True)
    waiting = judged(answers, visit=visit, photos={"p": {"taken_at": 1000.0}})
    assert [problem.params["photos"] for problem in waiting.problems] == [["q"]]
    assert one(waiting, "R-02").verdict == "not_judged"


# -- severities, limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("important", "severity"), [(True, "critical"), (False, "major"), (None, "critical")]
)
def test_an_item_is_as_grave_as_the_gravest_that_may_hold(important: bool | None, severity: str) -> None:
    facts = {name: value for name, value in {**FACTS, "important": important}.items() if value is not None}
    judgement = judged(good(T_02k=answer(1, photos=["p"])), facts)
    failed = one(judgement, "T-02#k")
    assert (failed.verdict, failed.severity) == ("fail", severity)
    assert ("重要" in failed.reason.zh) is (important is None)
    assert judgement.unknown_facts == (("important",) if important is None else ())


def test_a_limit_of_an_organisation_is_named_where_it_decides() -> None:
    ours = Text("省公司 2026-12 号文", "Province 2026-12")
    added = (Limit(min=400.0, basis=ours, since="2026-03-01"),)
    section = FORM.sections[0]

    def stricter(item: Item) -> Item:
        if item.code == "T-02":
            return msgspec.structs.replace(item, limits=(*item.limits, *added))
        return msgspec.structs.replace(item, items=tuple(map(stricter, item.items)))

    own = msgspec.structs.replace(section, items=tuple(map(stricter, section.items)))
    definition = msgspec.structs.replace(FORM, sections=(own,))
    judgement = evaluate(definition, FACTS, good(T_02k=answer(350, photos=["p"])))
    broken, kept = one(judgement, "T-02#k"), one(judgement, "T-02#m")
    assert broken.verdict == "fail"
    assert "省公司 2026-12 号文，自 2026-03-01 起" in broken.reason.zh
    assert "By Province 2026-12, in force since 2026-03-01" in broken.reason.en
    assert kept.reason.en == "600 MΩ keeps the limits (≥ 300 MΩ; ≥ 400 MΩ (Province 2026-12))."


# -- units ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit", "verdict"),
    [
        (0.3, "GΩ", "pass"),
        (0.2999, "GΩ", "fail"),
        (300000, "kΩ", "pass"),
        (299999, "kΩ", "fail"),
        (300, None, "pass"),
        ("na", "GΩ", "not_judged"),
    ],
)
def test_a_reading_in_another_unit_is_converted(value: Any, unit: str | None, verdict: str) -> None:
    reading = one(judged(good(T_02k=answer(value, unit=unit, photos=["p"]))), "T-02#k")
    assert (reading.verdict, reading.unit) == (verdict, "MΩ")


@pytest.mark.parametrize("unit", ["kV", "ohm", "", 5, ["MΩ"], "MΩ "])
def test_a_unit_of_something_else_is_never_judged_as_a_pass(unit: Any) -> None:
    judgement = judged(good(T_02k=answer(500, unit=unit)))
    assert ("unit_mismatch", "T-02#k") in problems(judgement)
    assert one(judgement, "T-02#k").verdict == "not_judged"


def test_only_numbers_have_units() -> None:
    assert ("unknown_field", "A-01") in problems(judged(good(A_01=answer("pass", unit="m"))))


# -- re-inspections ------------------------------------------------------------------------------------------


def again(answers: dict[str, Any], only: Collection[str]) -> Judgement:
    return judged(answers, only=only, context=good(T_02k=answer(1)))


def test_one_item_of_one_entry_is_seen_again_under_its_label() -> None:
    judgement = again({"T-02#k": answer(500)}, {"T-02#k"})
    assert judgement.complete
    assert [(item.code, item.label, item.verdict) for item in judgement.items] == [
        ("T-02#k", "1#主变", "pass")
    ]
    assert ("missing_answer", "T-02#k") in problems(again({}, {"T-02#k"}))


def test_an_entry_that_nobody_ever_listed_is_told() -> None:
    judgement = again({"T-02#zz": answer(500)}, {"T-02#zz"})
    assert problems(judgement) == {("unlisted_entry", "T")}
    assert judgement.items[0].label == "zz"


def test_a_rule_is_seen_again_with_all_that_it_compares() -> None:
    judgement = again({}, {"R-01"})
    assert names(judgement) == ["T", "T-01#k", "T-01#m", "R-01"]
    wanted = {("missing_answer", name) for name in ("T", "T-01#k", "T-01#m")}
    assert problems(judgement) == wanted
    seen = again(good(T_01k=answer(500), T_01m=answer(530)), {"R-01"})
    assert one(seen, "R-01").verdict == "pass"
    assert seen.complete


def test_a_rule_in_an_entry_brings_along_that_entry_alone() -> None:
    assert names(again({}, {"T-05#k"})) == ["T-02#k", "T-04#k", "T-05#k"]


def test_what_is_seen_again_is_compared_though_its_repeat_would_be_hidden_by_now() -> None:
    gas = {**FACTS, "transformer_type": "gas"}
    seen = {"T-04#k": answer(100, at=LATER)}
    judgement = evaluate(FORM, gas, seen, only={"T-04#k"}, context=good())
    assert [(item.code, item.verdict) for item in judgement.items] == [("T-04#k", "fail")]


def test_an_entry_that_a_re_inspection_finds_new_is_asked_whole() -> None:
    new = [*LISTED, {"entry": "n", "label": "3#主变"}]
    judgement = again({"T": answer(new)}, {"T"})
    assert names(judgement) == ["T", "T-01#n", "T-02#n", "T-04#n"]
    assert problems(judgement) == {("missing_answer", "T-01#n"), ("missing_answer", "T-02#n")}
    assert names(judgement, shown=False) == ["T-03#n", "T-05#n"]


@pytest.mark.parametrize("name", ["T-02", "T-02#", "A-01#k", "ZZ"])
def test_nothing_is_seen_again_that_is_no_item(name: str) -> None:
    with pytest.raises(ValueError, match="has no items"):
        again({}, {name})


def test_two_inspectors_may_both_say_that_there_is_none() -> None:
    first, second = answer("na", note="无"), answer("na", by="wu", note="没有")
    merged = merge(FORM, FACTS, [{"T": first}, {"T": second}])
    assert (merged.answers["T"]["value"], merged.answers["T"]["merged"]) == ("na", [first, second])
    judged = evaluate(FORM, FACTS, good() | merged.answers)
    assert next(item.rule for item in judged.items if item.code == "T") == "not_applicable"
