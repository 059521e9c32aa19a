"""Every problem is told in both languages, with all its values filled in."""

from typing import Any, get_args

import pytest

from checklists import evaluate, load_definitions
from checklists.values import ProblemCode
from server.texts import LANGUAGES, catalogue, text
from tests.checklists.transformers import FORM, answer

LIBRARY = load_definitions()
GOOD = {"by": "lin", "at": "2025-03-04T09:30:00+08:00"}
#: Answers that bring about problems whose texts have values to fill in.
ANSWERS: dict[str, dict[str, Any]] = {
    "intermediate-hv": {
        "ME-13#k": {**GOOD, "value": 3, "instrument": {"number": "7", "calibrated": "2025-03-05"}},
        "MZ-01": {**GOOD, "photos": ["photo:1"], "views": {"wide": ["photo:1"]}},
    },
    "acceptance-hv": {
        "CG-04#k": {**GOOD, "value": 0.1, "instrument": {"number": "7"}},
        "CT-04#k": {**GOOD, "value": 3, "instrument": {"number": "7", "calibrated": "last year"}},
    },
    "intermediate-earthing-cable": {
        "MG-01": "rubbish",
        "MG-02": {**GOOD, "value": "grade_9"},
        "MG-03": {**GOOD, "value": "na"},
        "MG-04": {**GOOD, "value": "fail", "strange": 1},
        "MG-05": {**GOOD, "value": "provided", "note": "x" * 5000},
        "ME-03": {**GOOD, "value": float("nan")},
        "ME-04": {**GOOD, "value": 6, "photos": ["photo:1"]},
        "ME-05": {**GOOD, "value": 1e9},
        "ME-06": {**GOOD, "value": "3"},
        "ME-13": {**GOOD, "value": 3, "at": "noon"},
        "MZ-01": {**GOOD, "photos": ["photo:1"]},
        "MZ-02": {**GOOD, "value": [{"role": "utility", "signature": "s"}] * 2},
        "ZZ-01": {},
    },
    "survey-hv-10kv": {
        "SH-02": {**GOOD, "value": {}},
        "SH-08": {**GOOD, "value": "杆号 12", "location": {}},
        "SH-27": {**GOOD, "value": ["none", "other_lawful"]},
    },
}


#: The same of a form with entries.
REPEATED: list[dict[str, Any]] = [
    {"T": answer([]), "T-01#k": answer(1, unit="V")},
    {"T": answer([{"entry": str(n), "label": "1#"} for n in range(4)])},
]


@pytest.mark.parametrize("code", get_args(ProblemCode))
def test_a_problem_has_words_in_each_language(code: str) -> None:
    for language in LANGUAGES:
        assert catalogue(language)[f"intake.{code}"].strip()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_gap_is_left_in_what_people_read(language: str) -> None:
    forms = [(LIBRARY.latest(name), answers) for name, answers in ANSWERS.items()]
    told = {
        problem.code: text(f"intake.{problem.code}", language, **problem.params)
        for definition, answers in (*forms, *((FORM, answers) for answers in REPEATED))
        for problem in evaluate(definition, {}, answers).problems
    }
    assert set(get_args(ProblemCode)) - told.keys() == set()
    assert [words for words in told.values() if "{" in words or "}" in words] == []
