"""CEL in the sandbox: doubles everywhere, the unknown counts as holding, and cost is bounded."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from checklists import cel
from checklists.cel import CelMissing, Decision, Outcome
from jsengine import Limits, Sandbox


def decide(expression: str, facts: dict[str, Any], **answers: Sequence[Any]) -> Outcome:
    rules: list[dict[str, Any]] = [{"code": "A", "when": None, "accept": expression, "limits": []}]
    given = {code.replace("_", "-"): values for code, values in answers.items()}
    outcome = cel.decide(rules, facts, given)["A"].accept
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
    outcome = decide('facts.a && facts["b"] && answers["C-1"] > 1 && "D-1" in answers', {"a": True})
    assert outcome.facts == ("b",)
    assert outcome.answers == ("C-1", "D-1")


def test_a_disputed_answer_is_tried_with_each_value() -> None:
    both = decide('answers["A-1"] >= 2', {}, A_1=[1, 3])
    assert (both.yes, both.no, both.error) == (True, True, None)
    mixed = decide('answers["A-1"] >= answers["B-1"]', {}, A_1=[2, 3], B_1=[1, 2])
    assert (mixed.yes, mixed.no) == (True, False)


def test_too_many_disputes_are_an_error_and_not_an_endless_search() -> None:
    many = list(range(40))
    outcome = decide('answers["A-1"] + answers["B-1"] >= 0', {}, A_1=many, B_1=many)
    assert outcome.error == "too many disputed answers"


def test_a_hidden_item_is_out_of_sight_of_the_rules_after_it() -> None:
    rules: list[dict[str, Any]] = [
        {"code": "A-1", "when": "facts.a", "accept": None, "limits": []},
        {"code": "B-1", "when": 'answers["A-1"] == 1', "accept": None, "limits": []},
        {"code": "C-1", "when": None, "accept": 'answers["B-1"] == 1', "limits": []},
    ]
    answers = {"A-1": [2], "B-1": [1]}
    shown = cel.decide(rules, {"a": True}, answers)
    assert [shown[code].shown for code in ("A-1", "B-1", "C-1")] == [True, False, True]
    assert shown["C-1"].accept is not None
    assert shown["C-1"].accept.error is not None
    hidden = cel.decide(rules, {"a": False}, answers)
    assert [hidden[code].shown for code in ("A-1", "B-1", "C-1")] == [False, True, True]
    forced = cel.decide(rules, {"a": False}, answers, forced=["A-1"])
    assert [forced[code].shown for code in ("A-1", "B-1", "C-1")] == [True, False, True]


def test_a_derived_fact_follows_from_the_others() -> None:
    rules: list[dict[str, Any]] = [{"code": "A", "when": "facts.any", "accept": None, "limits": []}]
    derived = {"any": "facts.a || facts.b"}

    def when(**facts: bool) -> Outcome:
        outcome = cel.decide(rules, facts, {}, derived=derived)["A"].when
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
    rules: list[dict[str, Any]] = [
        {"code": "A", "when": "facts.a", "accept": "facts.a", "limits": [None, "facts.a"]}
    ]
    decision = cel.decide(rules, {"a": False}, {})["A"]
    assert decision.shown
    assert decision.accept is not None
    assert decision.accept.error is not None
    assert (decision.limit_applies(0), decision.limit_applies(1)) == (True, True)


def test_chinese_text_crosses_whole() -> None:
    assert gives("facts.name == '接地网' && size(facts.name) == 3", {"name": "接地网"}) is True
    assert gives("bytes('电') == b'\\xe7\\x94\\xb5'", {}) is True
    assert gives("string(b'\\xe7\\x94\\xb5') == '电'", {}) is True


def test_a_missing_bundle_says_what_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cel, "_BUNDLE", tmp_path / "cel.js")
    with pytest.raises(CelMissing, match="make setup"):
        cel._sandbox.__wrapped__()
