"""The definitions that come with Hezha: every known row, sensible rules, and a good site that passes."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from checklists import Definition, Item, evaluate, fact_definitions, good_answers, lint, load_definitions

LIBRARY = load_definitions()
TABLE = Path(__file__).with_name("rows.tsv").read_text(encoding="utf-8")
ROWS = list(csv.DictReader(TABLE.splitlines(), delimiter="\t"))
TYPES = {
    "PF": {"pass_fail"},
    "N": {"number"},
    "C": {"choice", "multi_choice"},
    "T": {"text"},
    "P": {"photo"},
    "S": {"signature"},
    "G": {"location"},
    "F": {"file"},
}
SEVERITIES = {"C": "critical", "M": "major", "m": "minor"}
PHOTOS = {"Y": "always", "F": "on_fail", "N": "never"}
#: For each definition the prefix of its codes and how many items the trade's table has under it.
PARTS = {
    "survey-hv-10kv": {"SH": 30},
    "intermediate-earthing-cable": {"MG": 5, "ME": 13, "MC": 10, "MZ": 2},
    "acceptance-10kv": {"CD": 14, "CB": 5, "CT": 12, "CS": 14, "CG": 7, "CF": 1},
    "hazard-recheck": {"HZ": 1},
}
SITES: dict[str, dict[str, Any]] = {
    "nothing known": {},
    "large, everything there": {
        "capacity_kva": 2500,
        "transformer_type": "oil",
        **{name: True for name, fact in fact_definitions().items() if fact.type == "bool"},
    },
    "small, nothing special": {
        "capacity_kva": 80.0,
        "transformer_type": "gas",
        **{name: False for name, fact in fact_definitions().items() if fact.type == "bool"},
    },
}


def photos(code: str, wanted: int) -> list[str]:
    return [f"photo:{code}-{number}" for number in range(wanted)]


def filled(definition: Definition, facts: Mapping[str, Any]) -> dict[str, Any]:
    return good_answers(definition, facts, photo_for=photos, by="lin", at="2025-03-04T09:30:00+08:00")


def items() -> dict[str, Item]:
    return {item.code: item for definition in LIBRARY.all() for item in definition.items}


@pytest.mark.parametrize("definition", LIBRARY.all(), ids=lambda definition: definition.id)
def test_every_definition_lints_clean(definition: Definition) -> None:
    assert lint(definition) == []


def test_the_definitions_hold_exactly_the_known_items() -> None:
    counted = {
        definition.id: {
            prefix: sum(item.code.startswith(f"{prefix}-") for item in definition.items)
            for prefix in dict.fromkeys(item.code.split("-")[0] for item in definition.items)
        }
        for definition in LIBRARY.all()
    }
    assert counted == PARTS
    assert {row["code"] for row in ROWS} == items().keys() - {"HZ-01"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["code"])
def test_each_item_agrees_with_its_row(row: dict[str, str]) -> None:
    item = items()[row["code"]]
    assert item.type in TYPES[row["type"]]
    assert item.severity == SEVERITIES[row["severity"]]
    assert item.photo == PHOTOS[row["photo"]]
    assert (item.when is not None) == (row["conditional"] == "yes")
    if row["type"] == "N":
        assert row["unit"] in (item.unit, "-")
        assert item.range is not None
        lows = [item.range.min, *(limit.min for limit in item.limits)]
        highs = [item.range.max, *(limit.max for limit in item.limits)]
        assert not row["min"] or float(row["min"]) in lows
        assert not row["max"] or float(row["max"]) in highs


def test_every_item_speaks_both_languages_and_names_its_source() -> None:
    for item in items().values():
        assert item.text.zh != item.text.en
        assert item.remedy.zh != item.remedy.en
        assert item.source.strip()


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("definition", LIBRARY.all(), ids=lambda definition: definition.id)
def test_a_form_filled_perfectly_is_complete_and_nothing_fails(definition: Definition, site: str) -> None:
    answers = filled(definition, SITES[site])
    judged = evaluate(definition, SITES[site], answers)
    assert judged.complete, judged.problems
    assert {item.verdict for item in judged.items if item.shown} == {"pass"}
    assert answers.keys() == {item.code for item in judged.items if item.shown}
    assert judged.ignored == ()


@pytest.mark.parametrize("definition", LIBRARY.all(), ids=lambda definition: definition.id)
def test_an_empty_form_misses_every_item_it_shows(definition: Definition) -> None:
    judged = evaluate(definition, {}, {})
    assert {problem.item for problem in judged.problems} == definition.by_code.keys()
    assert {item.verdict for item in judged.items} == {"not_judged"}


def test_the_planning_figures_of_the_survey_warn_and_its_defects_fail() -> None:
    survey = LIBRARY.latest("survey-hv-10kv")
    answers = filled(survey, {"gen": False})
    answers["SH-09"]["value"] = 95
    answers["SH-20"]["value"] = -110
    for code in ("SH-14", "SH-23", "SH-24"):
        answers[code] |= {"value": "fail", "note": "见照片", "photos": ["photo:x"]}
    judged = evaluate(survey, {"gen": False}, answers)
    assert judged.complete
    assert [item.code for item in judged.warnings] == ["SH-09", "SH-20"]
    assert [item.code for item in judged.failed] == ["SH-14", "SH-23", "SH-24"]


def test_facts_are_declared_in_both_languages_and_known_by_their_type() -> None:
    facts = fact_definitions()
    for fact in facts.values():
        assert fact.title.zh
        assert fact.title.en
        assert fact.definition.zh
        assert fact.definition.en
    assert facts["capacity_kva"].admits(630)
    assert not facts["capacity_kva"].admits(True)
    assert not facts["capacity_kva"].admits(float("nan"))
    assert not facts["direct_buried"].admits("yes")
    assert facts["transformer_type"].admits("dry")
    assert not facts["transformer_type"].admits("wet")
