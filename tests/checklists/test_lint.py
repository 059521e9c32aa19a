"""Lint tells an author what is wrong: each kind of mistake has its complaint."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

import checklists.linting
from checklists import lint, lint_facts
from checklists.model import (
    Definition,
    Entries,
    FactDefinition,
    Item,
    Limit,
    NumberRange,
    Option,
    Point,
    Role,
    Section,
    SeverityRule,
    Text,
    View,
)
from checklists.yamlfile import read_yaml
from tests.checklists.transformers import FORM

WORDS = Text("词", "word")
PLAIN = Item("AA-01", WORDS, "pass_fail", "major", WORDS, "judgement")
READING = msgspec.structs.replace(PLAIN, type="number", unit="m", range=NumberRange(0, 10))
YES_NO = (Option("yes", WORDS), Option("no", WORDS, verdict="fail"))
VIEWS = (View("wide", WORDS), View("near", WORDS, 2))
WARNS = Option("perhaps", WORDS, verdict="warning")


def complaints(*items: Item) -> list[str]:
    return [
        str(one) for one in lint(Definition("form", 1, "survey", WORDS, (Section("part", WORDS, items),)))
    ]


def changed(item: Item, **changes: Any) -> Item:
    return msgspec.structs.replace(item, **changes)


def test_a_sound_definition_has_no_complaints() -> None:
    good = (
        changed(PLAIN, when="facts.direct_buried", na="allowed"),
        changed(READING, code="AA-02", limits=(Limit(min=1), Limit(min=2, verdict="warning"))),
        changed(READING, code="AA-03", accept='answers["AA-03"] > answers["AA-02"]'),
        changed(PLAIN, code="AA-04", type="choice", options=YES_NO, when='answers["AA-01"] == "pass"'),
        changed(PLAIN, code="AA-05", type="signature", roles=(Role("utility", WORDS),)),
        changed(PLAIN, code="AA-06", type="photo", photo="always", photos_min=3, views=VIEWS),
        changed(READING, code="AA-07", instrument=True),
    )
    assert complaints(*good) == []


REPEAT = Item("RR", WORDS, "repeat", "major", WORDS, "judgement", entries=Entries(WORDS), items=(READING,))
RULE = Item(
    "RU", WORDS, "rule", "major", WORDS, "judgement", criterion=WORDS, accept='size(answers["RR"]) > 1'
)
NESTED = changed(REPEAT, code="R2", items=())


def test_a_sound_repeat_and_a_sound_rule_have_no_complaints() -> None:
    inner = changed(READING, code="AA-02", accept='answers["AA-02"] >= answers["AA-01"]')
    graver = changed(inner, severities=(SeverityRule("critical", "facts.important"),))
    counted = Entries(WORDS, count="facts.capacity_kva / 100")
    sums = changed(RULE, accept='sum(answers["RR"].map(e, e["AA-01"])) > 0 && times["BB-01"] > visit.start')
    assert (
        complaints(
            changed(PLAIN, code="BB-01"), changed(REPEAT, items=(READING, graver), entries=counted), sums
        )
        == []
    )


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ((changed(PLAIN, code="AA#1"),), "does not contain '#'"),
        ((changed(PLAIN, entries=Entries(WORDS)),), "entries belongs to repeats"),
        ((changed(PLAIN, items=(READING,)),), "items belongs to repeats"),
        ((changed(REPEAT, items=(NESTED,)),), "cannot stand in a repeat"),
        ((changed(REPEAT, items=()),), "asks nothing of its entries"),
        ((changed(REPEAT, entries=None),), "says what its entries are"),
        ((changed(REPEAT, entries=Entries(WORDS, 3, 2)),), "from 3 to 2 cannot be"),
        ((changed(REPEAT, entries=Entries(WORDS, 1, 201)),), "at most 200"),
        ((changed(REPEAT, entries=Entries(WORDS, count="facts.important")),), "not a number of entries"),
        ((changed(REPEAT, entries=Entries(WORDS, count="facts.")),), "is not valid"),
        (
            (changed(REPEAT, items=(changed(READING, when='size(answers["RR"]) > 1'),)),),
            "not an earlier item",
        ),
        ((REPEAT, changed(RULE, accept=None)), "a rule is its"),
        ((REPEAT, changed(RULE, criterion=None)), "says in words"),
        ((REPEAT, changed(RULE, photo="on_fail")), "cannot want photos"),
        ((REPEAT, changed(RULE, accept="facts.important")), "looks at no item"),
        ((REPEAT, changed(RULE, accept='answers["AA-01"] > 1')), "each entry of RR has for itself"),
        ((REPEAT, changed(RULE, na="allowed")), "na is no answer"),
        ((changed(PLAIN, severities=(SeverityRule("major", "facts.important"),)),), "no graver"),
        ((changed(PLAIN, severities=(SeverityRule("critical", "facts.imp"),)),), "unknown fact imp"),
        ((changed(READING, limits=(Limit(min=1, basis=WORDS),)),), "limits that organisations set"),
    ],
)
def test_every_mistake_in_repeats_rules_and_severities_is_told(items: tuple[Item, ...], said: str) -> None:
    assert any(said in complaint for complaint in complaints(*items)), complaints(*items)


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (changed(PLAIN, text=Text(" ", "word")), "text has no zh-CN words"),
        (changed(PLAIN, remedy=Text("词", "")), "remedy has no en words"),
        (changed(PLAIN, when="facts.direct_buried ="), "is not valid"),
        (changed(PLAIN, when="facts.buried"), "unknown fact buried"),
        (changed(PLAIN, when="buried"), "Unknown variable"),
        (changed(PLAIN, when="facts.capacity_kva"), "gives double"),
        (changed(PLAIN, when="facts.capacity_kva == 'big' && facts.capacity_kva"), "is not valid"),
        (changed(PLAIN, when='answers["ZZ-01"] == 1'), "unknown item ZZ-01"),
        (changed(PLAIN, when='answers["AA-01"] == "pass"'), "not an earlier item"),
        (changed(PLAIN, when="answers[facts.transformer_type] == 1"), "computes a name"),
        (changed(PLAIN, when="facts.transformer_type.matches('a+')"), "calls matches"),
        (changed(PLAIN, accept="facts.direct_buried"), "its own answer|item's own answer"),
        (changed(PLAIN, unit="m"), "belong to numbers"),
        (changed(PLAIN, limits=(Limit(min=1),)), "limits belong"),
        (changed(READING, unit=None), "needs a unit"),
        (changed(READING, unit="Mohm"), "does not have the unit 'Mohm'"),
        (changed(READING, accept='convert(answers["AA-01"], "m", "kV") > 1'), "m does not convert to kV"),
        (changed(READING, accept='convert(answers["AA-01"], "m", "yd") > 1'), "unknown unit yd"),
        (changed(READING, range=None), "needs the range"),
        (changed(READING, range=NumberRange(5, 5)), "range is upside down"),
        (changed(READING, limits=(Limit(),)), "needs min or max"),
        (changed(READING, limits=(Limit(min=5, max=4),)), "limit is upside down"),
        (changed(READING, limits=(Limit(max=11),)), "outside the range"),
        (changed(READING, limits=(Limit(min=0),)), "nothing can break it"),
        (changed(READING, limits=(Limit(min=2), Limit(min=1, verdict="warning"))), "never decides"),
        (changed(READING, limits=(Limit(max=2), Limit(max=3, verdict="warning"))), "never decides"),
        (changed(READING, limits=(Limit(min=2), Limit(min=1))), "limit 2 lies beyond limit 1"),
        (changed(READING, limits=(Limit(min=2), Limit(min=2))), "limit 2 lies beyond limit 1"),
        (
            changed(READING, limits=(Limit(min=1, when="facts.oil"), Limit(min=1))),
            "limit 1 lies beyond limit 2",
        ),
        (changed(READING, limits=(Limit(min=1, when="facts.nothing"),)), "unknown fact nothing"),
        (changed(PLAIN, text=Text("earth grid", "earth grid")), "no Chinese character"),
        (changed(PLAIN, text=Text("接地网", "接地网")), "hold Chinese characters"),
        (changed(PLAIN, text=Text("甲\u202e乙", "a")), "control character U+202E"),
        (changed(PLAIN, remedy=Text("甲", "a\u0000")), "control character U+0000"),
        (changed(PLAIN, source="GB 99999"), "the source 'GB 99999'"),
        (changed(PLAIN, source="GB 50150-20"), "the source 'GB 50150-20'"),
        (changed(PLAIN, source="GB 50150; what everybody knows"), "the source 'what everybody knows'"),
        (changed(PLAIN, source="《" * 300), "the source '《"),
        (changed(PLAIN, type="choice"), "two options"),
        (changed(PLAIN, options=YES_NO), "options belong"),
        (changed(PLAIN, type="choice", options=(YES_NO[0], YES_NO[0])), "stands twice"),
        (changed(PLAIN, type="choice", options=(YES_NO[1], WARNS)), "no option passes"),
        (changed(PLAIN, type="signature"), "needs them"),
        (changed(PLAIN, type="signature", roles=(Role("utility", WORDS, 0),)), "at least once"),
        (changed(PLAIN, roles=(Role("utility", WORDS),)), "roles belong"),
        (changed(PLAIN, points=(Point("here", WORDS),)), "points belong"),
        (changed(PLAIN, type="text", na="allowed"), "na is no answer"),
        (changed(PLAIN, photos_min=0), "at least 1"),
        (changed(PLAIN, views=VIEWS), "views belong"),
        (changed(PLAIN, photo="always", views=VIEWS), "less than the 3"),
        (changed(PLAIN, photo="always", photos_min=2, views=VIEWS * 2), "stands twice"),
        (changed(PLAIN, photo="always", views=(View("wide", WORDS, 0),)), "at least once"),
        (changed(PLAIN, photo="always", views=(View("wide", Text("", "w")),)), "view wide has no zh-CN"),
        (changed(PLAIN, instrument=True), "an instrument belongs to numbers"),
        (changed(PLAIN, accept_verdict="warning"), "nothing to accept"),
        (changed(PLAIN, photos_min=2), "no photo is ever asked for"),
        (changed(PLAIN, type="photo"), "photos always"),
    ],
)
def test_each_mistake_is_named_with_its_item(item: Item, said: str) -> None:
    found = complaints(item)
    assert any(part in complaint for part in said.split("|") for complaint in found), found
    assert all(complaint.startswith("AA-01") for complaint in found)


@pytest.mark.parametrize(
    "limits",
    [
        (Limit(min=1, severity="critical"), Limit(min=2)),
        (Limit(min=1, note=True), Limit(min=2)),
        (Limit(min=2, verdict="warning"), Limit(min=1)),
        (Limit(min=1), Limit(min=2, when="facts.oil")),
        (Limit(min=1), Limit(max=2)),
    ],
)
def test_a_limit_that_decides_beside_another_is_left_alone(limits: tuple[Limit, ...]) -> None:
    assert complaints(changed(READING, limits=limits)) == []


@pytest.mark.parametrize(
    "source",
    [
        "GB 50169-2006",
        "S3 4.13-4.14",
        "practice; GB/T 50065",
        "《用户手册》第 3 版",
        "省电力〔2026〕12号",
        "judgement",
    ],
)
def test_standards_and_documents_are_known_sources(source: str) -> None:
    assert complaints(changed(PLAIN, source=source)) == []


def test_what_is_written_alike_everywhere_is_no_untranslated_word() -> None:
    options = (Option("a", Text("8.7/15 kV", "8.7/15 kV")), Option("b", Text("TN-C-S", "TN-C-S")))
    assert complaints(changed(PLAIN, type="choice", options=options)) == []


def test_a_code_stands_once_and_a_form_asks_something() -> None:
    assert complaints(PLAIN, PLAIN) == ["AA-01: the code stands twice; give one of them another."]
    assert complaints() == ["form: there is no item; list at least one."]


FACTS = {
    "a": FactDefinition("a", "bool", WORDS, WORDS),
    "n": FactDefinition("n", "number", WORDS, WORDS, unit="m"),
}


def test_the_facts_that_come_with_hezha_are_sound() -> None:
    assert lint_facts() == []


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (FactDefinition("f", "bool", Text("词", ""), WORDS), "title has no en words"),
        (FactDefinition("f", "choice", WORDS, WORDS), "a choice needs them"),
        (FactDefinition("f", "bool", WORDS, WORDS, options=YES_NO), "options belong to choices"),
        (FactDefinition("f", "number", WORDS, WORDS, derived="facts.n > 1"), "is true or false"),
        (FactDefinition("f", "bool", WORDS, WORDS, derived="facts.n"), "gives double"),
        (FactDefinition("f", "bool", WORDS, WORDS, derived="facts.n >"), "is not valid"),
        (FactDefinition("f", "bool", WORDS, WORDS, derived="facts.f"), "uses f, which nobody settles"),
        (FactDefinition("f", "bool", WORDS, WORDS, derived="facts.z"), "uses z, which nobody settles"),
        (FactDefinition("f", "bool", WORDS, WORDS, derived='answers["A"] == true'), "looks at answers"),
    ],
)
def test_a_mistake_in_a_fact_is_named(fact: FactDefinition, said: str) -> None:
    found = [str(one) for one in lint_facts({**FACTS, "f": fact})]
    assert any(said in complaint for complaint in found), found
    assert all(complaint.startswith("f:") for complaint in found)
    assert lint_facts(FACTS) == []


def test_the_form_that_repeats_is_sound() -> None:
    assert lint(FORM) == []


@pytest.mark.parametrize("code", ["", "AA 01", 'AA"01', "AA/01", "A" * 61])
def test_a_code_fits_where_items_are_called_by_it(code: str) -> None:
    """In expressions, in addresses, and in a case with the key of an entry behind it."""
    assert complaints(changed(PLAIN, code=code)) == [
        f"{code}: a code has letters, digits, dots, hyphens and underscores only, at most 60."
    ]
    assert complaints(changed(PLAIN, code="检-01.b_2")) == []


def test_each_complaint_is_worded_once_in_both_languages_with_the_same_values() -> None:
    folder = Path(checklists.linting.__file__).parent
    catalogue, _ = read_yaml(folder / "complaints.yaml", "complaints.yaml")
    code = "\n".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    for name, words in catalogue.items():
        assert f'"{name}"' in code, name
        values = [re.findall(r"\{(\w+)\}", words[language]) for language in ("zh-CN", "en")]
        assert set(values[0]) == set(values[1]), name
        assert words["zh-CN"].endswith("。"), name
        assert words["en"].endswith("."), name
