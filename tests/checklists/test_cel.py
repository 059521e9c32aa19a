"""CEL in the sandbox: doubles everywhere, the unknown counts as holding, and cost is bounded."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from checklists import cel
from checklists.cel import FUNCTIONS, CelMissing, Decision, Filled, Outcome
from checklists.model import Rules
from jsengine import Limits, Sandbox


def ruled(*items: dict[str, Any], **repeats: list[str]) -> Rules:
    return Rules(items, repeats)


def alternatives(**answers: Sequence[Any]) -> dict[str, list[dict[str, Any]]]:
    return {
        code.replace("_", "-"): [{"value": value} for value in values] for code, values in answers.items()
    }


def decide(expression: str, facts: dict[str, Any], **answers: Sequence[Any]) -> Outcome:
    filled = Filled(facts=facts, answers=alternatives(**answers))
    outcome = cel.decide(ruled({"code": "A", "accept": expression}), filled)["A"].accept
    assert outcome is not None
    return outcome


def gives(expression: str, facts: dict[str, Any], **answers: Sequence[Any]) -> bool | None:
    outcome = decide(expression, facts, **answers)
    return None if outcome.error is not None else outcome.yes and not outcome.no


@pytest.mark.parametrize("four", [4, 4.0])
@pytest.mark.parametrize(
    "expression",
    [
        "facts.n == 4",
        "facts.n == 4.0",
        "facts.n / 8 == 0.5",
        "facts.n * 2 >= 8",
        "2 * facts.n + 1 == 9.0",
        "-facts.n < -3",
        "facts.n in [1, 4]",
        "[1.0, 4.0].exists(x, x * 2 == facts.n * 2)",
        "[5, 4][1] == facts.n",
        "size([1, 2, 3, 4]) == facts.n",
        "facts.n == size('接地装置')",
        "size([1, 2]) * 2 == facts.n",
        "facts.n / size([1, 2]) == 2",
    ],
)
def test_four_and_four_point_zero_behave_alike(expression: str, four: float) -> None:
    assert gives(expression, {"n": four}) is True


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("facts.absent", None),
        ("facts.yes || facts.absent", True),
        ("facts.absent || facts.yes", True),
        ("facts.no && facts.absent", False),
        ("facts.absent && facts.no", False),
        ("facts.yes && facts.absent", None),
        ("has(facts.absent)", False),
        ("!has(facts.absent) || facts.absent", True),
        ("facts.n", None),
        ("facts.n > 'x'", None),
        ("facts.n +", None),
        ("facts.constructor == facts.constructor", None),
        ("answers['A-1'] > 1", None),
        ("'A-1' in answers", False),
    ],
)
def test_what_is_not_known_is_an_error_unless_it_cannot_matter(expression: str, result: bool | None) -> None:
    assert gives(expression, {"yes": True, "no": False, "n": 1}) is result


def test_an_open_expression_counts_as_holding() -> None:
    assert Decision(when=decide("facts.absent", {})).shown
    assert not Decision(when=decide("facts.no", {"no": False})).shown
    assert Decision(limits=(decide("facts.absent", {}),)).limit_applies(0)


def test_an_outcome_names_what_was_asked_for_in_vain() -> None:
    outcome = decide('facts.a && facts["b"] && (answers["C-1"] > 1 || "D-1" in answers)', {"a": True})
    assert outcome.facts == ("b",)
    assert outcome.answers == ("C-1", "D-1")


def test_a_disputed_answer_is_tried_with_each_value() -> None:
    both = decide('answers["A-1"] >= 2', {}, A_1=[1, 3])
    assert (both.yes, both.no, both.error) == (True, True, None)
    mixed = decide('answers["A-1"] >= answers["B-1"]', {}, A_1=[2, 3], B_1=[1, 2])
    assert (mixed.yes, mixed.no) == (True, False)


def test_too_many_disputes_are_an_error_and_not_an_endless_search() -> None:
    many = list(range(40))
    outcome = decide('answers["A-1"] + answers["B-1"] > 0', {}, A_1=many, B_1=many)
    assert outcome.error == "too many disputed answers"
    assert outcome.no, "what was tried still counts"


def test_a_hidden_item_is_out_of_sight_of_the_rules_after_it() -> None:
    rules = ruled(
        {"code": "A-1", "when": "facts.a"},
        {"code": "B-1", "when": 'answers["A-1"] == 1'},
        {"code": "C-1", "accept": 'answers["B-1"] == 1'},
    )
    answers = alternatives(A_1=[2], B_1=[1])
    shown = cel.decide(rules, Filled({"a": True}, answers))
    assert [shown[code].shown for code in ("A-1", "B-1", "C-1")] == [True, False, True]
    assert shown["C-1"].accept is not None
    assert shown["C-1"].accept.error is not None
    hidden = cel.decide(rules, Filled({"a": False}, answers))
    assert [hidden[code].shown for code in ("A-1", "B-1", "C-1")] == [False, True, True]
    forced = cel.decide(rules, Filled({"a": False}, answers, forced=["A-1"]))
    assert [forced[code].shown for code in ("A-1", "B-1", "C-1")] == [True, False, True]


def test_a_derived_fact_follows_from_the_others() -> None:
    rules = ruled({"code": "A", "when": "facts.any"})
    derived = {"any": "facts.a || facts.b"}

    def when(**facts: bool) -> Outcome:
        outcome = cel.decide(rules, Filled(facts), derived)["A"].when
        assert outcome is not None
        return outcome

    assert when(a=False, b=True).yes
    assert when(b=True).yes, "one of them is enough"
    assert not when(a=False, b=False).may_hold
    assert when(a=False).may_hold
    assert when(a=False).facts == ("b",), "what is missing is what somebody can settle"


def test_a_form_that_runs_away_is_stopped_and_counts_as_open(monkeypatch: pytest.MonkeyPatch) -> None:
    spinning = Sandbox(
        "function decide() { while (true) {} }", limits=Limits(seconds=0.1, memory_bytes=16 * 1024 * 1024)
    )
    monkeypatch.setattr(cel, "_sandbox", lambda: spinning)
    rules = ruled(
        {"code": "R", "count": "facts.n"},
        {"code": "A", "repeat": "R", "when": "facts.a", "accept": "facts.a", "limits": [None, "facts.a"]},
        R=["A"],
    )
    decided = cel.decide(rules, Filled({"a": False}, entries={"R": [("k", "one")]}))
    decision = decided["A#k"]
    assert decision.shown
    assert decision.accept is not None
    assert decision.accept.error is not None
    assert (decision.limit_applies(0), decision.limit_applies(1)) == (True, True)
    assert decided["R"].count is not None
    assert decided["R"].count.error is not None


def test_chinese_text_crosses_whole() -> None:
    assert gives("facts.name == '接地网' && size(facts.name) == 3", {"name": "接地网"}) is True
    assert gives("answers['A-1'].startsWith('𠮷') && size(answers['A-1']) == 2", {}, A_1=["𠮷电"]) is True


REPEAT = ruled(
    {"code": "T", "accept": "sum(answers['T'].map(e, e['T-1'])) <= facts.most"},
    {"code": "T-1", "repeat": "T", "accept": "answers['T-1'] >= answers['A']"},
    {"code": "T-2", "repeat": "T", "when": "answers['T-1'] > 10"},
    {"code": "B", "accept": "answers['T'].all(e, 'T-2' in e) && 'T-2' in answers"},
    T=["T-1", "T-2"],
)


def repeated(most: float = 100, **given: Sequence[Any]) -> dict[str, Decision]:
    """Two entries, k and m, whose T-1 and T-2 are given as T_1k and so on."""
    answers = {f"{code[0]}-{code[2]}#{code[3]}": values for code, values in given.items()}
    listed: dict[str, Sequence[Any]] = {"T": [True], "A": [5], **answers}
    alternatives = {name: [{"value": value} for value in values] for name, values in listed.items()}
    return cel.decide(REPEAT, Filled({"most": most}, alternatives, {"T": [("k", "1#"), ("m", "2#")]}))


def test_the_items_of_a_repeat_are_decided_in_each_entry() -> None:
    decided = repeated(T_1k=[4], T_1m=[50])
    assert [decided[name].accept for name in ("T-1#k", "T-1#m")] == [Outcome(no=True), Outcome(yes=True)]
    assert [decided[name].shown for name in ("T-2#k", "T-2#m")] == [False, True]
    assert "T-1" not in decided


def test_outside_an_entry_a_repeat_is_the_list_of_its_entries() -> None:
    assert repeated(60, T_1k=[4], T_1m=[50])["T"].accept == Outcome(yes=True)
    assert repeated(50, T_1k=[4], T_1m=[50])["T"].accept == Outcome(no=True)
    unanswered = repeated(50, T_1k=[4])["T"].accept
    assert unanswered is not None
    assert unanswered.error is not None, "what nobody answered is not there"
    disputed = repeated(50, T_1k=[4, 60], T_1m=[0])["T"].accept
    assert disputed is not None
    assert (disputed.yes, disputed.no) == (True, True)


def test_what_an_entry_hides_no_rule_sees_and_what_is_in_one_nobody_sees_outside() -> None:
    both = repeated(T_1k=[40], T_1m=[50], T_2k=["x"], T_2m=["x"])["B"].accept
    assert both is not None
    assert not both.yes, "T-2 stands in entries and not beside them"
    hidden = cel.decide(
        ruled(
            {"code": "T", "when": "facts.none"},
            {"code": "T-1", "repeat": "T", "accept": "answers['T-1'] > 1"},
            {"code": "B", "accept": "'T' in answers"},
            T=["T-1"],
        ),
        Filled({"none": False}, alternatives(T=[True]) | {"T-1#k": [{"value": 2}]}, {"T": [("k", "1#")]}),
    )
    assert hidden["B"].accept == Outcome(no=True)
    assert hidden["T-1#k"].accept is not None
    assert hidden["T-1#k"].accept.error is not None


def test_times_and_photos_are_seen_with_the_answer_that_they_belong_to() -> None:
    at = {"A": "2025-03-04T09:30:00.25+08:00", "B": "2025-03-04T01:30:01Z"}
    answers = {
        code: [{"value": 1, "at": moment, "photos": [f"p-{code}", "q"]}] for code, moment in at.items()
    }
    photos = {"p-A": {"taken_at": 100.0}, "p-B": {"taken_at": 300.0}, "q": {"taken_at": 150.0}}
    visit = {"start": 50.0, "end": 200.0}
    within = "photos['{}'].all(p, p.taken_at >= visit.start && p.taken_at <= visit.end)"
    rules = ruled(
        {"code": "A", "accept": "times['B'] - times['A'] == 0.75"},
        {"code": "B", "accept": within.format("B")},
        {"code": "C", "accept": within.format("A")},
    )
    decided = cel.decide(rules, Filled({}, answers, photos=photos, visit=visit))
    assert [decided[code].accept for code in "ABC"] == [Outcome(True), Outcome(no=True), Outcome(True)]
    waiting = cel.decide(rules, Filled({}, answers, photos={"p-A": {"taken_at": 100.0}}, visit=visit))[
        "C"
    ].accept
    assert waiting is not None
    assert waiting.error is not None
    assert waiting.photos == ("A",)


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("sum([0.5, 1, 2]) == 3.5 && sum([]) == 0", True),
        ("least([3, 1, 2]) == 1 && greatest([3, 1, 2]) == 3", True),
        ("least([])", None),
        ("sum(['1'])", None),
        ("abs(-2.5) == 2.5 && abs(size([1, 2]) - 3) == 1", True),
        ("round(2.345, 2) == 2.35 && round(-2.5, 0) == -3 && round(1.005, 2) == 1.01", True),
        ("round(0.0000001, 3) == 0 && round(1e21, 2) == 1e21", True),
        ("round(1, 0.5) == 1", None),
        ("convert(600, 'mm', 'm') == 0.6 && convert(0.3, 'GΩ', 'MΩ') == 300", True),
        ("convert(25, '°C', 'K') == 298.15 && convert(298.15, 'K', '°C') == 25", True),
        ("convert(1, 'kVA', 'kW') == 1", None),
        ("convert(1, 'ell', 'm') == 1", None),
        ("days('2024-02-28', '2024-03-01') == 2 && days('2025-01-01', '2024-12-31') == -1", True),
        ("days('2025-02-30', '2025-03-01') > 0", None),
    ],
)
def test_rules_count_measure_and_reckon_in_days(expression: str, result: bool | None) -> None:
    assert gives(expression, {}) is result


@pytest.mark.parametrize(
    "expression",
    [
        "matches('a', 'a')",
        "bytes('a') == b'a'",
        "cel.bind(x, 1.0, x == 1.0)",
        "string(1) == '1'",
        "dyn(1) == 1",
    ],
)
def test_nothing_may_be_called_that_is_not_offered(expression: str) -> None:
    assert decide(expression, {}).error is not None


def test_what_is_offered_is_what_lint_says() -> None:
    calls = {
        **dict.fromkeys(("all", "exists", "exists_one", "filter", "map"), "size([1].{}(x, x == 1.0)) == 1"),
        **dict.fromkeys(("contains", "endsWith", "startsWith"), "'a'.{}('a')"),
        **dict.fromkeys(("sum", "least", "greatest", "size"), "{}([1]) == 1"),
        **{"abs": "{}(1.0) == 1", "has": "{}(facts.a)", "round": "{}(1.0, 0) == 1"},
        **{"convert": "{}(1.0, 'm', 'm') == 1", "days": "{}('2025-01-01', '2025-01-01') == 0"},
    }
    assert calls.keys() == FUNCTIONS
    for name, call in calls.items():
        expression = call.format(name)
        if name in ("all", "exists", "exists_one"):
            expression = f"[1].{name}(x, x == 1.0)"
        assert gives(expression, {"a": True}) is True, name


@pytest.mark.parametrize("expression", ["facts[facts.name]", "size(answers) > 0", "facts.all(f, f == 'a')"])
def test_no_name_is_computed(expression: str) -> None:
    assert decide(expression, {"name": "a", "a": True}).error == "it computes a name"


def test_an_expression_that_costs_too_much_is_an_error_and_the_rest_of_the_form_goes_on() -> None:
    loop = "facts.l.all({0}, "
    nested = "".join(loop.format(name) for name in "uvwxyz") + "true" + ")" * 6
    grown = "[facts.t]" + ".map(x, x + x)" * 12 + " == []"
    compared = "facts.l.all(x, facts.l == facts.l && facts.l == facts.l)"
    facts = {"l": list(range(200)), "t": "长" * 4000}
    assert decide(nested, facts).error == "it costs too much"
    assert decide(f"facts.l.exists(x, {nested}) || true", facts).error == "it costs too much"
    assert decide(grown, facts).error == "it makes something too long"
    assert decide(compared, facts).error == "it costs too much"
    rules = ruled({"code": "A", "accept": nested}, {"code": "B", "accept": "facts.l.all(x, x >= 0)"})
    assert cel.decide(rules, Filled(facts))["B"].accept == Outcome(yes=True)


def test_an_engine_at_its_end_leaves_the_form_open_and_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    @cache
    def worn() -> Sandbox:
        made.append(1)
        return Sandbox("function decide() { throw null; }")

    monkeypatch.setattr(cel, "_sandbox", worn)
    for number in (1, 2):
        decision = cel.decide(ruled({"code": "A", "when": "facts.a"}), Filled({"a": False}))["A"]
        assert decision.shown
        assert len(made) == number


def test_more_expressions_than_are_kept_are_all_decided() -> None:
    long = " || ".join(f"facts.n == {{0}}.{digit}" for digit in range(1, 9))
    for form in range(30):
        items = [{"code": f"A-{n}", "accept": long.format(form * 100 + n)} for n in range(100)]
        decided = cel.decide(ruled(*items), Filled({"n": form * 100 + 50.5}))
        assert [name for name, one in decided.items() if one.accept == Outcome(yes=True)] == ["A-50"]
        assert all(one.accept is not None and one.accept.error is None for one in decided.values())


def test_many_forms_in_turn_are_each_decided_by_their_own_rules() -> None:
    for _ in range(2):
        for number in range(100):
            rules = ruled({"code": "A", "accept": f"facts.n == {number}"})
            assert cel.decide(rules, Filled({"n": number}))["A"].accept == Outcome(yes=True)


@pytest.mark.parametrize("code", ["toString", "__proto__"])
def test_an_item_may_be_called_as_javascript_calls_something(code: str) -> None:
    rules = ruled({"code": code, "when": "facts.a"}, {"code": "B", "accept": f'answers["{code}"] == 1'})
    answers = {code: [{"value": 1}]}
    assert cel.decide(rules, Filled({"a": True}, answers))["B"].accept == Outcome(yes=True)
    hidden = cel.decide(rules, Filled({"a": False}, answers))
    assert not hidden[code].shown
    assert hidden["B"].accept is not None
    assert hidden["B"].accept.error is not None


def test_a_missing_bundle_says_what_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cel, "_BUNDLE", tmp_path / "cel.js")
    with pytest.raises(CelMissing, match="make setup"):
        cel._sandbox.__wrapped__()
