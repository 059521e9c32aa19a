"""Judging a form: limits to the digit, conditions, and everything that keeps it from being complete."""

import math
from collections.abc import Mapping
from typing import Any

import pytest

from checklists import Definition, ItemJudgement, Judgement, evaluate, good_answers, load_definitions
from checklists.evaluate import decide_rules, usable_facts
from checklists.model import Item, Limit

LIBRARY = load_definitions()
MIDCHECK = LIBRARY.latest("intermediate-earthing-cable")
ACCEPTANCE = LIBRARY.latest("acceptance-10kv")
SURVEY = LIBRARY.latest("survey-hv-10kv")
HAZARD = LIBRARY.latest("hazard-recheck")
AT = "2025-03-04T09:30:00+08:00"
GRAVITY = ("not_judged", "pass", "warning", "fail")
BURIED = {"capacity_kva": 630, "direct_buried": True, "copper": False, "joint": False}


def answer(value: Any = None, **more: Any) -> dict[str, Any]:
    return {"value": value, "by": "lin", "at": AT, "photos": ["photo:1"], **more}


def judge_one(
    definition: Definition, code: str, facts: Mapping[str, Any], given: Any, **more: Any
) -> tuple[ItemJudgement, set[str]]:
    """One item judged alone, and the codes of its problems."""
    judged = evaluate(definition, facts, {code: given}, **more)
    item = next(item for item in judged.items if item.code == code)
    return item, {problem.code for problem in judged.problems if problem.item == code}


def good(definition: Definition, facts: Mapping[str, Any]) -> dict[str, Any]:
    def photos(code: str, wanted: int) -> list[str]:
        return [f"photo:{code}-{number}" for number in range(wanted)]

    return good_answers(definition, facts, photo_for=photos, by="lin", at=AT)


def bounds() -> list[tuple[Definition, Item, Limit, str]]:
    """Every unconditional numeric limit of every definition, with the side it bounds."""
    return [
        (definition, item, limit, side)
        for definition in LIBRARY.all()
        for item in definition.items
        if item.type == "number"
        for limit in item.limits
        if limit.when is None
        for side in ("min", "max")
        if getattr(limit, side) is not None
    ]


@pytest.mark.parametrize(
    ("definition", "item", "limit", "side"),
    bounds(),
    ids=[f"{item.code}-{limit.verdict}-{side}" for _, item, limit, side in bounds()],
)
def test_a_limit_holds_at_its_value_and_breaks_at_the_next_number(
    definition: Definition, item: Item, limit: Limit, side: str
) -> None:
    capacity = 100 if item.code == "CG-01" else 80
    # Facts under which no other limit applies than those that always do.
    facts = {
        "capacity_kva": capacity,
        "under_roadway_or_farmland": False,
        "town": False,
        "lightning_class": "class_3",
        "farming": True,
    }
    name = f"{item.code}#k" if item.code in definition.repeat_of else item.code
    bound = float(getattr(limit, side))
    outward = -math.inf if side == "min" else math.inf
    at, within, beyond = (
        judge_one(definition, name, facts, answer(reading))[0]
        for reading in (bound, math.nextafter(bound, -outward), math.nextafter(bound, outward))
    )
    assert (beyond.verdict, beyond.rule) == (limit.verdict, "below" if side == "min" else "above")
    assert GRAVITY.index(at.verdict) < GRAVITY.index(beyond.verdict)
    assert at.verdict == within.verdict


@pytest.mark.parametrize(
    ("depth", "verdict", "severity"),
    [
        (0.59, "fail", "critical"),
        (0.6, "warning", "major"),
        (0.79, "warning", "major"),
        (0.8, "pass", "critical"),
        (1, "pass", "critical"),
    ],
)
def test_the_depth_of_an_electrode_fails_below_600_mm_and_warns_below_800(
    depth: float, verdict: str, severity: str
) -> None:
    item, problems = judge_one(MIDCHECK, "ME-05", {}, answer(depth))
    assert (item.verdict, item.severity, problems) == (verdict, severity, set())
    assert item.certainty == "verify"


@pytest.mark.parametrize(
    ("facts", "shown", "missing"),
    [
        ({"dual": False, "gen": True}, True, ()),
        ({"gen": True}, True, ()),
        ({"dual": False, "gen": False}, False, ()),
        ({"dual": False}, True, ("gen",)),
        ({}, True, ("dual", "gen")),
        ({"dual": False, "gen": False, "dual_or_gen": True}, False, ()),
    ],
)
def test_a_condition_may_follow_from_other_facts(
    facts: dict[str, Any], shown: bool, missing: tuple[str, ...]
) -> None:
    decision = decide_rules(LIBRARY.latest("acceptance-hv"), usable_facts(facts), {})["CX-03"]
    assert decision.when is not None
    assert decision.shown is shown
    assert (decision.when.facts if decision.when.error else ()) == missing


@pytest.mark.parametrize(
    ("facts", "reading", "verdict"),
    [
        ({"capacity_kva": 100}, 4, "pass"),
        ({"capacity_kva": 100.0}, 4.0, "pass"),
        ({"capacity_kva": 100}, 4.01, "fail"),
        ({"capacity_kva": 99.9}, 4.01, "pass"),
        ({"capacity_kva": 99}, 10, "pass"),
        ({"capacity_kva": 99}, 10.01, "fail"),
        ({}, 4, "pass"),
        ({}, 4.01, "fail"),
        ({"capacity_kva": "100"}, 4.01, "fail"),
    ],
)
def test_earth_resistance_is_judged_by_capacity_and_strictly_while_that_is_unknown(
    facts: dict[str, Any], reading: float, verdict: str
) -> None:
    item, _ = judge_one(MIDCHECK, "ME-13", facts, answer(reading))
    assert item.verdict == verdict


def test_a_reason_names_the_limit_that_decided_in_both_languages() -> None:
    item, _ = judge_one(MIDCHECK, "ME-13", {"capacity_kva": 630}, answer(5.25))
    assert item.reason.en == "5.25 Ω is above the limit of 4 Ω."
    assert item.reason.zh == "实测 5.25 Ω，高于上限 4 Ω。"


def test_a_reason_says_which_fact_was_missing() -> None:
    judged = evaluate(MIDCHECK, {}, {"ME-13": answer(5.25)})
    item = next(item for item in judged.items if item.code == "ME-13")
    assert "total capacity" in item.reason.en
    assert "受电总容量" in item.reason.zh
    assert "capacity_kva" in judged.unknown_facts


@pytest.mark.parametrize(
    ("facts", "depth", "verdict"),
    [
        ({"direct_buried": True, "under_roadway_or_farmland": False}, 0.7, "pass"),
        ({"direct_buried": True, "under_roadway_or_farmland": False}, 0.69, "fail"),
        ({"direct_buried": True, "under_roadway_or_farmland": True}, 0.99, "fail"),
        ({"direct_buried": True, "under_roadway_or_farmland": True}, 1, "pass"),
        ({"direct_buried": True}, 0.9, "fail"),
    ],
)
def test_a_buried_cable_lies_deeper_under_farmland_and_roadway(
    facts: dict[str, Any], depth: float, verdict: str
) -> None:
    assert judge_one(MIDCHECK, "MC-01", facts, answer(depth))[0].verdict == verdict


def test_a_hidden_item_is_neither_required_nor_judged() -> None:
    item, problems = judge_one(MIDCHECK, "MC-01", {"direct_buried": False}, answer(0.1))
    assert (item.shown, item.required, item.verdict, problems) == (False, False, "not_judged", set())
    assert evaluate(MIDCHECK, {"direct_buried": False}, {"MC-01": answer(0.1)}).ignored == ("MC-01",)


def test_an_unknown_fact_shows_the_item() -> None:
    judged = evaluate(MIDCHECK, {}, {})
    item = next(item for item in judged.items if item.code == "MC-01")
    assert (item.shown, item.required) == (True, True)


@pytest.mark.parametrize("value", ["pass", "fail", "na"])
def test_what_an_inspector_decides_by_hand_needs_a_note_unless_it_is_good(value: str) -> None:
    _, bare = judge_one(MIDCHECK, "MG-01", {}, answer(value))
    _, noted = judge_one(MIDCHECK, "MG-01", {}, answer(value, note="图号不符"))
    assert bare == (set() if value == "pass" else {"missing_note"})
    assert noted == set()


def test_a_critical_item_cannot_be_called_not_applicable() -> None:
    item, problems = judge_one(MIDCHECK, "MG-03", {}, answer("na", note="无隐蔽工程"))
    assert (item.verdict, problems) == ("not_judged", {"na_not_allowed"})


def test_a_reading_is_not_applicable_only_where_the_definition_says_so() -> None:
    item, problems = judge_one(MIDCHECK, "ME-07", {}, answer("na", note="未用圆钢"))
    assert (item.verdict, problems) == ("not_judged", set())
    item, problems = judge_one(MIDCHECK, "ME-06", {}, answer("na", note="未测"))
    assert (item.verdict, problems) == ("not_judged", {"na_not_allowed"})


@pytest.mark.parametrize(
    ("code", "given", "problem"),
    [
        ("MG-01", answer("pass", photos=[]), {"missing_photo"}),
        ("MZ-01", answer(photos=[f"photo:{n}" for n in range(5)]), {"missing_photo"}),
        ("MZ-01", answer(photos=["photo:1"] * 6), {"missing_photo"}),
        ("MZ-01", answer(photos=[f"photo:{n}" for n in range(6)]), set()),
    ],
)
def test_photos_are_asked_for_and_counted_once(code: str, given: Any, problem: set[str]) -> None:
    assert judge_one(MIDCHECK, code, {}, given)[1] == problem


def test_a_photo_on_failure_is_asked_for_when_the_item_fails() -> None:
    bad = answer("fail", note="照明损坏", photos=[])
    assert judge_one(ACCEPTANCE, "CB-04", {}, bad)[1] == {"missing_photo"}
    assert judge_one(ACCEPTANCE, "CB-04", {}, answer("pass", photos=[]))[1] == set()


def test_a_missing_paper_fails() -> None:
    item, problems = judge_one(ACCEPTANCE, "CD-07", {}, answer("missing", note="整组试验未做"))
    assert (item.verdict, item.severity, problems) == ("fail", "critical", set())


@pytest.mark.parametrize("code", ["CT-01", "CS-07", "CF-12"])
def test_an_inspector_can_call_any_item_defective(code: str) -> None:
    values = {"CT-01": "SCB13-630", "CS-07": 45.0, "CF-12": None}
    item, problems = judge_one(ACCEPTANCE, code, {}, answer(values[code], defect=True))
    assert (item.verdict, item.rule) == ("fail", "defect")
    assert problems == {"missing_note"}


def test_options_carry_their_verdict() -> None:
    def verdict(value: str) -> str:
        return judge_one(SURVEY, "SH-22", {"gen": True}, answer(value))[0].verdict

    assert [verdict(value) for value in ("interlocked", "one_interlock", "no_interlock")] == [
        "pass",
        "warning",
        "fail",
    ]


def test_signatures_are_counted_by_role_and_never_twice() -> None:
    def problems(*entries: tuple[str, str]) -> list[tuple[str, Any]]:
        value = [{"role": role, "signature": signature} for role, signature in entries]
        judged = evaluate(MIDCHECK, {}, {"MZ-02": answer(value)})
        return [(p.code, p.params.get("role")) for p in judged.problems if p.item == "MZ-02"]

    whole = (("utility", "s1"), ("utility", "s2"), ("customer", "s3"), ("contractor", "s4"))
    assert problems(*whole) == []
    assert problems(*whole[1:]) == [("missing_signature", "utility")]
    assert problems(("utility", "s1"), *whole[:1], *whole[2:]) == [
        ("repeated_signature", None),
        ("missing_signature", "utility"),
    ]
    assert problems(*whole[:3]) == [("missing_signature", "contractor")]


def test_the_same_person_does_not_sign_for_two() -> None:
    value = [
        {"role": role, "signature": f"s{n}", "person": "lin" if role == "utility" else role}
        for n, role in enumerate(("utility", "utility", "customer", "contractor"))
    ]
    assert judge_one(MIDCHECK, "MZ-02", {}, answer(value))[1] == {"repeated_signature"}


def test_every_point_of_a_location_is_asked_for_and_a_vague_one_warns() -> None:
    point = {"lon": 120.1, "lat": 30.2, "accuracy_m": 30, "datum": "wgs84"}
    three = dict.fromkeys(("premises", "switch_room", "tie_in"), point)
    assert judge_one(SURVEY, "SH-02", {}, answer(three))[0].verdict == "pass"
    vague = {**three, "tie_in": {**point, "accuracy_m": 30.1}}
    assert judge_one(SURVEY, "SH-02", {}, answer(vague))[0].verdict == "warning"
    item, problems = judge_one(SURVEY, "SH-02", {}, answer({"premises": point}))
    assert (item.verdict, problems) == ("not_judged", {"missing_point"})


def test_rods_stand_twice_their_length_apart() -> None:
    answers = good(MIDCHECK, BURIED)
    answers["ME-03"]["value"] = 3

    def verdict(spacing: float) -> tuple[str, str]:
        answers["ME-04"]["value"] = spacing
        judged = evaluate(MIDCHECK, BURIED, answers)
        assert judged.complete
        return next((i.verdict, i.rule) for i in judged.items if i.code == "ME-04")

    assert verdict(6) == ("pass", "within")
    assert verdict(5.99) == ("fail", "not_accepted")
    assert verdict(4.99) == ("fail", "below")


def test_a_rule_without_its_data_is_a_problem_and_no_pass() -> None:
    item, problems = judge_one(MIDCHECK, "ME-04", {}, answer(9))
    assert (item.verdict, problems) == ("not_judged", {"rule_not_evaluated"})
    judged = evaluate(MIDCHECK, {}, {"ME-04": answer(9)}, only={"ME-04"})
    assert judged.problems[0].params["answers"] == ["ME-03"]


def test_a_repeated_inspection_judges_its_items_and_no_others() -> None:
    answers = {"MG-01": answer("pass"), "MG-02": answer("none")}
    judged = evaluate(MIDCHECK, {}, answers, only={"MG-01"})
    assert [item.code for item in judged.items] == ["MG-01"]
    assert judged.complete
    assert judged.failed == ()
    assert judged.ignored == ("MG-02",)


def test_a_repeated_inspection_shows_its_items_whatever_their_condition_says() -> None:
    item, problems = judge_one(MIDCHECK, "MC-01", {"direct_buried": False}, answer(0.1), only={"MC-01"})
    assert (item.shown, item.required, item.verdict, problems) == (True, True, "fail", set())


def test_a_repeated_inspection_compares_with_the_first() -> None:
    first = {"ME-03": answer(3), "ME-04": answer(5)}
    for spacing, verdict in ((5.5, "fail"), (6, "pass")):
        given = answer(spacing)
        item, problems = judge_one(MIDCHECK, "ME-04", {}, given, only={"ME-04"}, context=first)
        assert (item.verdict, problems) == (verdict, set())


def test_a_reading_beside_the_repeated_items_cannot_make_them_look_better() -> None:
    first = {"ME-03": answer(3), "ME-04": answer(5)}
    given = {"ME-04": answer(5.5), "ME-03": answer(2.5)}
    judged = evaluate(MIDCHECK, {}, given, only={"ME-04"}, context=first)
    assert [item.code for item in judged.failed] == ["ME-04"]


def test_an_unknown_item_cannot_be_inspected_again() -> None:
    with pytest.raises(ValueError, match="XX-01"):
        evaluate(MIDCHECK, {}, {}, only={"XX-01"})


def test_an_answer_to_an_unknown_item_is_a_problem() -> None:
    judged = evaluate(HAZARD, {}, {"HZ-01": answer("pass"), "XX-01": answer("fail")})
    assert [(problem.code, problem.item) for problem in judged.problems] == [("unknown_item", "XX-01")]


def test_photos_and_signatures_are_listed_once_in_the_order_of_the_form() -> None:
    judged: Judgement = evaluate(
        MIDCHECK,
        {},
        {
            "MZ-02": answer([{"role": "utility", "signature": "signature:1"}], photos=[]),
            "MG-02": answer("grade_3", photos=["photo:b", "photo:a"]),
            "MG-01": answer("pass", photos=["photo:c", "photo:a"]),
        },
    )
    assert judged.photo_ids == ("photo:c", "photo:a", "photo:b")
    assert judged.signature_ids == ("signature:1",)


CALIBRATED = {"number": "JD-07", "calibrated": "2024-11-02"}


@pytest.mark.parametrize(
    ("instrument", "problems"),
    [
        (CALIBRATED, set()),
        ({**CALIBRATED, "maker": "x"}, set()),
        ({**CALIBRATED, "calibrated": AT[:10]}, set()),
        (None, {"missing_instrument"}),
        ("JD-07", {"missing_instrument"}),
        ({"number": "JD-07"}, {"missing_instrument"}),
        ({**CALIBRATED, "calibrated": "2025-03-05"}, {"calibrated_later"}),
        ({**CALIBRATED, "calibrated": "last year"}, {"invalid_date", "missing_instrument"}),
        ({**CALIBRATED, "number": " "}, {"wrong_type"}),
    ],
)
def test_an_electrical_reading_names_a_calibrated_instrument(instrument: Any, problems: set[str]) -> None:
    given = answer(0.1, instrument=instrument)
    item, found = judge_one(LIBRARY.latest("acceptance-hv"), "CG-04#k", {}, given)
    assert found == problems
    assert item.rule == ("malformed" if problems & {"invalid_date", "wrong_type"} else "within")


def test_a_bad_reading_fails_whatever_its_instrument() -> None:
    item, _ = judge_one(LIBRARY.latest("acceptance-hv"), "CG-04#k", {}, answer(0.3, instrument=5))
    assert item.verdict == "fail"


@pytest.mark.parametrize(
    ("changes", "verdict", "problems"),
    [
        ({}, "pass", set()),
        ({"views": {}}, "not_judged", {"missing_view"}),
        ({"views": None}, "not_judged", {"missing_view"}),
        ({"photos": ["a", "b"]}, "not_judged", {"missing_photo", "missing_view", "wrong_type"}),
        ({"views": {"door_plate": ["a"], "roof": ["b"]}}, "not_judged", {"missing_view", "unknown_option"}),
        ({"views": ["a", "b", "c"]}, "not_judged", {"missing_view", "wrong_type"}),
        ({"views": {"door_plate": "a"}}, "not_judged", {"missing_view", "wrong_type"}),
    ],
)
def test_photos_show_each_view_that_is_asked_for(
    changes: dict[str, Any], verdict: str, problems: set[str]
) -> None:
    views = {"door_plate": ["a"], "connection_point": ["b"], "meter_place": ["c"]}
    given = {**answer(photos=["a", "b", "c"], views=views), **changes}
    item, found = judge_one(LIBRARY.latest("survey-lv"), "SL-17", {}, given)
    assert (item.verdict, found) == (verdict, problems)


def test_a_refusal_and_a_poor_position_need_a_reason() -> None:
    survey = LIBRARY.latest("survey-lv")
    here = {"lon": 120.1, "lat": 30.2, "accuracy_m": 80, "datum": "wgs84"}
    for code, value, verdict in (("SL-19", "refuse", "fail"), ("SL-02", here, "warning")):
        item, problems = judge_one(survey, code, {}, answer(value))
        assert (item.verdict, problems) == (verdict, {"missing_note"})
        item, problems = judge_one(survey, code, {}, answer(value, note="说明"))
        assert (item.verdict, problems) == (verdict, set())
    assert judge_one(survey, "SL-19", {}, answer("supply"))[1] == set()
    assert judge_one(survey, "SL-02", {}, answer({**here, "accuracy_m": 50}))[1] == set()


def test_a_rule_may_warn() -> None:
    survey = LIBRARY.latest("survey-lv")
    judged = evaluate(survey, {}, {"SL-04": answer(13), "SL-05": answer("single")})
    item = next(item for item in judged.items if item.code == "SL-05")
    assert (item.verdict, item.rule) == ("warning", "not_accepted")
