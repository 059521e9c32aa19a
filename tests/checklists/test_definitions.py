"""The definitions that come with Hezha: every known row, sensible rules, and a good site that passes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from checklists import Definition, Item, evaluate, fact_definitions, good_answers, lint, load_definitions
from checklists.coverage import coverage_rows

LIBRARY = load_definitions()
AT = "2025-03-04T09:30:00+08:00"
#: The rows of the trade's table, and what stands beside them: what repeats, and the readings that rules
#: compare.
ROWS = {row.code for row in coverage_rows()} | {"HZ-01"}
REPEATS = {"CC", "CG", "CL", "CS", "CT", "MC", "ME", "MF", "SE"}
COMPARED = {"CC-09", "CT-13", "SE-01"}
#: For each definition the prefix of its codes and how many items the trade's table has under it.
PARTS = {
    "survey-hv-10kv": {"SH": 30},
    "survey-hv": {"SH": 30},
    "survey-lv": {"SL": 19},
    "intermediate-earthing-cable": {"MG": 5, "ME": 13, "MC": 10, "MZ": 2},
    "intermediate-hv": {"MG": 5, "ME": 13, "ML": 4, "MC": 10, "MT": 4, "MF": 4, "MP": 2, "MB": 1, "MZ": 2},
    "intermediate-earthing": {"MG": 5, "ME": 13, "ML": 4, "MZ": 2},
    "intermediate-cable": {"MG": 5, "MC": 10, "MT": 4, "MZ": 2},
    "intermediate-civil": {"MG": 5, "MF": 4, "MP": 2, "MB": 1, "MZ": 2},
    "acceptance-10kv": {"CD": 14, "CB": 5, "CT": 12, "CS": 14, "CG": 7, "CF": 1},
    "acceptance-hv": {
        **{"CD": 14, "CB": 5, "CT": 12, "CS": 14, "CC": 8, "CG": 7, "CR": 7},
        **{"CM": 12, "CL": 7, "CQ": 5, "CF": 12, "CX": 14},
    },
    "acceptance-lv": {"LV": 14, "CX": 14},
    "customer-inspection-hv": {"CB": 5, "CF": 11, "CX": 14},
    "hazard-recheck": {"HZ": 1},
}
#: What was published, and what it was published as.
PUBLISHED = {
    "acceptance-10kv@1": "c318b682b1116a4183c7219bdb7f0e04aa4b67a3b31b26fa5af3a3f58ff6da2a",
    "acceptance-hv@1": "f0f75e3eb78093b65e2132a43d2dbe64908912c6961a36a9574c0fc1385ff03c",
    "acceptance-lv@1": "d0cdea85e3785fc68c6097824a0545d835b7055d2b5409d227c5e8004d960c4b",
    "hazard-recheck@1": "3ccef275d9861c5a5994d331c431308d54b6b9b2e452da5d7a1dcbd43cc1d5e6",
    "intermediate-cable@1": "eef9f6f7c87364a68288f8d611ef9544a74fa0371175b379f538d0a235c6e2ee",
    "intermediate-civil@1": "06dd8200682c3a7329041f8577c4f05c7eb6ca7a1d232a7073750b238b063fcc",
    "intermediate-earthing@1": "61d7f93095351766c4d57f76a2711f32314ed49f0c682aeb5c417bda341a066b",
    "intermediate-earthing-cable@1": "10ce88c68a6fe9a9399ebb1578d4cfcebf5a4d2b6b9516d9a9402c47631b7ccb",
    "intermediate-hv@1": "1f533468c4915e0518a2e575a50a3afd938cb6b96354aebc04b137a6077b9a03",
    "survey-hv@1": "01e5a65910b9888712265003c25ec71e941ee656595ac35050a878e799ed1343",
    "survey-hv-10kv@1": "50b9736a06d59d2446bd3ffffd6a0ce408decccf39d5d5894199b9c3bcd3b940",
    "survey-lv@1": "321920a930f0943a8253ca1083f2d1a6dd6135175069fe020d33a91aa4b913f1",
}
SITES: dict[str, dict[str, Any]] = {
    "nothing known but its size": {"capacity_kva": 630.0},
    "large, everything there": {
        "capacity_kva": 2500,
        "transformer_type": "oil",
        "cable_rating": "8.7/15",
        "lightning_class": "class_2",
        **{name: True for name, fact in fact_definitions().items() if fact.type == "bool"},
    },
    "small, nothing special": {
        "capacity_kva": 80.0,
        "transformer_type": "gas",
        "cable_rating": "none",
        "lightning_class": "class_3",
        **{name: False for name, fact in fact_definitions().items() if fact.type == "bool"},
    },
}


def photos(code: str, wanted: int) -> list[str]:
    return [f"photo:{code}-{number}" for number in range(wanted)]


def filled(definition: Definition, facts: Mapping[str, Any]) -> dict[str, Any]:
    return good_answers(definition, facts, photo_for=photos, by="lin", at=AT)


def items() -> list[Item]:
    return [item for definition in LIBRARY.all() for item in definition.items]


@pytest.mark.parametrize("definition", LIBRARY.all(), ids=lambda definition: definition.id)
def test_every_definition_lints_clean(definition: Definition) -> None:
    assert lint(definition) == []


def test_the_definitions_hold_exactly_the_known_items() -> None:
    counted = {
        definition.id: {
            prefix: sum(code.startswith(f"{prefix}-") for code in asked)
            for prefix in dict.fromkeys(code.split("-")[0] for code in asked)
        }
        for definition in LIBRARY.all()
        for asked in [[item.code for item in definition.items if item.code in ROWS]]
    }
    assert counted == PARTS


def test_what_was_published_is_what_it_was() -> None:
    found = {f"{one.id}@{one.version}": one.digest for one in LIBRARY.all()}
    assert {name: found[name] for name in PUBLISHED} == PUBLISHED


def test_an_item_stands_once_in_the_sections() -> None:
    written = [
        definition
        for definition in LIBRARY.all()
        if f"{definition.id}@{definition.version}" not in PUBLISHED.keys() - {"hazard-recheck@1"}
    ]
    sections = {section.id: section for definition in written for section in definition.sections}
    items = [one for section in sections.values() for item in section.items for one in (item, *item.items)]
    codes = [item.code for item in items]
    assert len(codes) == len(set(codes))
    beside = {item.code: item.type for item in items if item.code not in ROWS}
    assert {code for code, kind in beside.items() if kind == "repeat"} == REPEATS
    assert {code for code, kind in beside.items() if kind not in ("repeat", "rule")} == COMPARED
    assert set(codes) - beside.keys() | {"HZ-01"} == ROWS


def test_every_item_speaks_both_languages_and_names_its_source() -> None:
    for item in items():
        assert item.text.zh != item.text.en
        assert item.remedy.zh != item.remedy.en
        assert item.source.strip()


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("definition", LIBRARY.all(), ids=lambda definition: definition.id)
def test_a_form_filled_perfectly_is_complete_and_nothing_fails(definition: Definition, site: str) -> None:
    answers = filled(definition, SITES[site])
    moment = datetime.fromisoformat(AT).timestamp()
    taken = {photo: {"taken_at": moment} for answer in answers.values() for photo in answer["photos"]}
    visit = {"start": moment, "end": moment}
    judged = evaluate(definition, SITES[site], answers, visit=visit, photos=taken)
    assert judged.complete, judged.problems
    assert {item.verdict for item in judged.items if item.shown} == {"pass"}
    assert answers.keys() == {item.code for item in judged.items if item.shown and item.type != "rule"}
    assert judged.ignored == ()


@pytest.mark.parametrize("definition", LIBRARY.all(), ids=lambda definition: definition.id)
def test_an_empty_form_misses_every_item_it_shows(definition: Definition) -> None:
    judged = evaluate(definition, {}, {})
    asked = {code for code, item in definition.by_code.items() if item.required and item.type != "rule"}
    assert {problem.item for problem in judged.problems} == asked - definition.repeat_of.keys()
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
