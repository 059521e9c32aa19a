"""What a form says becomes the same in a definition's words; what it cannot is told by sheet and row."""

from __future__ import annotations

import string
from typing import Any, get_args

import msgspec
import pytest

from checklists.linting import lint
from checklists.model import Limit, NumberRange, Text
from checklists.xlsform import Finding, XlsFormError, read_xlsform
from checklists.xlsform.columns import CELLS_TOLD
from checklists.xlsform.finding import Loss, What
from checklists.xlsform.vocabulary import (
    CHOICE_ALIASES,
    METADATA,
    QUESTION_TYPES,
    SURVEY_ALIASES,
    UNCARRIED,
)
from server.texts import LANGUAGES, catalogue
from tests.checklists.xlsform.workbooks import TITLED, YES_NO, imported, question, workbook

ZH, EN = "label::中文 (zh)", "label::English (en)"


def told(losses: tuple[Finding, ...]) -> list[tuple[str, str | None, int | None, str | None]]:
    return [(one.what, one.sheet, one.row, one.column) for one in losses]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("text", "text"),
        ("integer", "number"),
        ("decimal", "number"),
        ("range", "number"),
        ("date", "date"),
        ("datetime", "text"),
        ("time", "text"),
        ("barcode", "text"),
        ("select_one yn", "choice"),
        ("select one from yn", "choice"),
        ("select_multiple yn", "multi_choice"),
        ("select all that apply from yn", "multi_choice"),
        ("select_one_from_file places.csv", "text"),
        ("rank yn", "text"),
        ("geopoint", "location"),
        ("image", "photo"),
        ("photo", "photo"),
        ("signature", "signature"),
        ("file", "file"),
        ("acknowledge", "pass_fail"),
        ("trigger", "pass_fail"),
    ],
)
def test_each_type_of_question_becomes_an_item(kind: str, expected: str) -> None:
    form = imported([question(kind)])
    [item] = form.definition.items
    assert (item.code, item.type, item.text) == ("q", expected, Text("题", "Question"))
    assert lint(form.definition) == []


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("note", "note"),
        ("calculate", "calculation"),
        ("start", "metadata"),
        ("deviceid", "metadata"),
        ("audit", "metadata"),
        ("audio", "type"),
        ("video", "type"),
        ("geotrace", "type"),
        ("geoshape", "type"),
        ("csv-external", "list_from_elsewhere"),
        ("a type of tomorrow", "type"),
    ],
)
def test_a_row_that_asks_nothing_answerable_is_told(kind: str, what: str) -> None:
    form = imported([question("text", "a"), question(kind, "b", hint="h", relevant="${a} = 'x'")])
    assert [item.code for item in form.definition.items] == ["a"]
    assert [row for row in told(form.losses) if row[2] == 3] == [(what, "survey", 3, "type")]


def test_no_row_goes_in_silence() -> None:
    """Whatever a row is, it is an item or it is told of."""
    kinds = sorted([*QUESTION_TYPES, *METADATA, "select_one yn", "select_multiple yn", "rank yn"])
    form = imported([question(kind, f"q{row}") for row, kind in enumerate(kinds, 2)])
    told_of = {loss.row for loss in form.losses if loss.column == "type"}
    become = form.definition.by_code
    assert [kind for row, kind in enumerate(kinds, 2) if f"q{row}" not in become and row not in told_of] == []
    assert len(become) > 40
    assert len(told_of) > 40


CELLS: dict[str, Any] = {
    "constraint": ". != 'zz'",
    "required": "yes",
    "relevant": "${first} = 'x'",
    "repeat_count": "3",
    "disabled": "yes",
    "readonly": "yes",
}


@pytest.mark.parametrize("kind", ["text", "select_one yn", "image", "begin group"])
def test_no_cell_of_the_survey_goes_in_silence(kind: str) -> None:
    """A cell changes what its row becomes, or is told of in its row."""
    columns = sorted({*SURVEY_ALIASES} - {"type", "command", "name", "tag", "value", "label"})
    if kind == "begin group":  # its end would be left without a beginning
        columns.remove("disabled")
    end = [{"type": "end group"}] if kind == "begin group" else []
    inner = [question("text", "inner")] if end else []

    def form(*, filled: bool) -> Any:
        rows = [question("text", "first")]
        for column in columns:
            cell = {column: CELLS.get(SURVEY_ALIASES[column], "something")} if filled else {}
            rows += [question(kind, f"q-{len(rows)}", **cell), *inner, *end]
        return imported(rows)

    without, with_cells = form(filled=False), form(filled=True)
    step = 1 + len(inner) + len(end)
    for index, column in enumerate(columns):
        row = 3 + index * step
        more = [loss for loss in with_cells.losses if loss.row == row and loss not in without.losses]
        name = f"q-{1 + index * step}"
        before, after = (
            [item for item in one.definition.items if item.code == name]
            or [part for part in one.definition.sections if part.id == name]
            for one in (without, with_cells)
        )
        assert more or before != after, column


def test_no_cell_of_the_choices_goes_in_silence() -> None:
    for column in [
        *sorted({*CHOICE_ALIASES} - {"list_name", "list name", "name", "value", "label"}),
        "region",
    ]:
        choices = [{**YES_NO[0], column: "something"}, YES_NO[1]]
        without, with_it = (imported([question("select_one yn")], one) for one in (YES_NO, choices))
        assert with_it.definition != without.definition or len(with_it.losses) > len(without.losses), column


@pytest.mark.parametrize("column", ["public_key", "instance_name", "style", "submission_url", "anything"])
def test_no_setting_goes_in_silence(column: str) -> None:
    form = imported([question("text")], settings=[{**TITLED[0], column: "x"}])
    assert ("unknown_column", "settings", 2, column) in told(form.losses)


def test_a_sheet_that_is_not_read_is_told() -> None:
    form = imported([question("text")], entities=[{"dataset": "x"}], empty=[])
    assert ("sheet", "entities", None, None) in told(form.losses)
    assert "empty" not in {loss.sheet for loss in form.losses}


def test_groups_become_sections_and_questions_between_them_sections_of_their_own() -> None:
    form = imported(
        [
            question("text", "first"),
            question("begin_group", "room", **{ZH: "配电房", EN: "Room"}),
            question("text", "a"),
            question("begin group", "inner", relevant="${a} != ''"),
            question("text", "b", relevant="${first} = 'x' or ${first} = 'y'"),
            {"type": "end group"},
            {"type": "end_group"},
            question("text", "last"),
            question("begin group", "empty"),
            {"type": "end group"},
        ]
    )
    found = [
        (part.id, part.title.en, [item.code for item in part.items]) for part in form.definition.sections
    ]
    assert found == [
        ("form", "Switch room", ["first"]),
        ("room", "Room", ["a", "b"]),
        ("form-2", "Switch room", ["last"]),
    ]
    assert form.definition.by_code["b"].when == (
        '("a" in answers) && (answers["first"] == "x" || answers["first"] == "y")'
    )
    assert ("nested_group", "survey", 5, "type") in told(form.losses)
    assert ("empty_group", "survey", 10, "type") in told(form.losses)


def test_a_repeat_becomes_one_item_for_each_of_many() -> None:
    form = imported(
        [
            question("integer", "units"),
            question(
                "begin repeat", "tx", repeat_count="${units}", relevant="${units} > 0", **{EN: "Transformer"}
            ),
            question("decimal", "kva"),
            question("text", "why", relevant="${kva} > 100 and ${units} > 1"),
            {"type": "end repeat"},
            question("calculate", "total", calculation="sum(${kva})"),
            question("text", "plan", relevant="${total} > 500"),
        ]
    )
    repeat = form.definition.by_code["tx"]
    assert repeat.type == "repeat"
    assert repeat.entries is not None
    assert (repeat.entries.noun.en, repeat.entries.count, repeat.when) == (
        "Transformer",
        'answers["units"]',
        'answers["units"] > 0',
    )
    assert [item.code for item in repeat.items] == ["kva", "why"]
    assert repeat.items[1].when == 'answers["kva"] > 100 && answers["units"] > 1'
    assert form.definition.by_code["plan"].when == 'sum(answers["tx"].map(e, e["kva"])) > 500'
    assert lint(form.definition) == []


def test_a_plain_repeat_count_is_the_number_of_entries() -> None:
    rows = [question("begin repeat", "tx", repeat_count=2), question("text", "a"), {"type": "end repeat"}]
    entries = imported(rows).definition.by_code["tx"].entries
    assert entries is not None
    assert (entries.min, entries.max, entries.count) == (2, 2, None)


def test_a_repeat_within_a_repeat_is_asked_once_and_told() -> None:
    rows = [
        question("begin repeat", "outer"),
        question("begin repeat", "inner"),
        question("text", "a"),
        {"type": "end repeat"},
        {"type": "end repeat"},
    ]
    form = imported(rows)
    assert [item.code for item in form.definition.by_code["outer"].items] == ["a"]
    assert ("nested_repeat", "survey", 3, "type") in told(form.losses)


@pytest.mark.parametrize(
    ("constraint", "limits", "accept"),
    [
        (". >= 0.6 and . <= 4", (Limit(min=0.6, max=4.0),), None),
        (". <= 4", (Limit(max=4.0),), None),
        (". > 0", (), 'answers["q"] > 0'),
        (". >= 4 and . <= 1", (), 'answers["q"] >= 4 && answers["q"] <= 1'),
        ("true()", (), None),
    ],
)
def test_a_constraint_judges_a_reading_and_does_not_hide_a_bad_one(
    constraint: str, limits: tuple[Limit, ...], accept: str | None
) -> None:
    """A reading that breaks it can be entered, and fails."""
    [item] = imported(
        [question("decimal", constraint=constraint, constraint_message="Mend it")]
    ).definition.items
    assert (item.limits, item.accept) == (limits, accept)
    assert item.range == NumberRange(-1e9, 1e9)
    assert item.remedy == Text("Mend it", "Mend it")


def test_the_readings_that_can_exist_are_wider_than_the_limits() -> None:
    [item] = imported([question("decimal", constraint=". <= 5000000000")]).definition.items
    assert item.range == NumberRange(-5e10, 5e10)
    [item] = imported([question("range", parameters="start=0 end=5 step=0.5")]).definition.items
    assert item.range == NumberRange(0, 5)
    [item] = imported([question("percentage")]).definition.items
    assert item.range == NumberRange(0, 100)


def test_both_languages_are_found_under_their_many_names() -> None:
    for zh, en in (
        ("label::Chinese (zh-CN)", "label::en"),
        ("label::中文", "label:English"),
        ("label::zh", "label"),
        ("LABEL::简体中文", "Label::English (en)"),
    ):
        form = imported([{"type": "text", "name": "q", zh: "接地", en: "Earthing"}])
        assert form.definition.items[0].text == Text("接地", "Earthing"), (zh, en)
        assert "language" not in {loss.what for loss in form.losses}


def test_a_language_that_is_missing_is_filled_in_and_told() -> None:
    form = imported([{"type": "text", "name": "q", "label::Français (fr)": "Terre", "label": "Earth"}])
    assert form.definition.items[0].text == Text("Earth", "Earth")
    assert ("language", "survey", 2, "label::Français (fr)") in told(form.losses)
    assert ("mirrored", "survey", 2, "label") in told(form.losses)
    alone = imported([{"type": "text", "name": "q", "label::Français (fr)": "Terre"}])
    assert alone.definition.items[0].text == Text("Terre", "Terre"), "no word is better than one to translate"


def test_or_other_is_a_choice_that_wants_a_note() -> None:
    [item] = imported([question("select_one yn or_other")]).definition.items
    assert [(option.value, option.note) for option in item.options] == [
        ("yes", False),
        ("no", False),
        ("other", True),
    ]


def test_what_hezha_alone_says_is_read_from_columns_of_its_own() -> None:
    form = imported(
        [
            question(
                "decimal",
                "R-1",
                **{
                    "hezha::code": "ME-12",
                    "hezha::severity": "critical",
                    "hezha::certainty": "settled",
                    "hezha::source": "GB 50169",
                    "hezha::unit": "Ω",
                    "hezha::range_min": 0,
                    "hezha::range_max": 1000,
                    "hezha::remedy_zh": "降阻",
                    "hezha::remedy_en": "Lower it",
                    "hezha::instrument": "yes",
                    "hezha::photo": "on_fail",
                },
            ),
            question(
                "calculate",
                "both",
                **{"hezha::type": "rule"},
                calculation="${R-1} < 4",
                **{"hint::zh": "小于 4", "hint::en": "less than 4"},
            ),
        ],
        hezha_limits=[{"item": "ME-12", "max": 4, "verdict": "warning", "when": "facts.dual"}],
        hezha_severities=[{"item": "both", "severity": "critical", "when": "facts.dual"}],
    )
    reading, rule = form.definition.items
    assert (reading.code, reading.severity, reading.unit, reading.instrument) == (
        "ME-12",
        "critical",
        "Ω",
        True,
    )
    assert reading.limits == (Limit(max=4.0, verdict="warning", when="facts.dual"),)
    assert (rule.type, rule.accept) == ("rule", 'answers["ME-12"] < 4')
    assert lint(form.definition) == []


def test_two_expressions_that_disagree_are_refused() -> None:
    cells = {"relevant": "${a} = 'x'", "hezha::when": 'answers["a"] == "y"'}
    with pytest.raises(XlsFormError) as refused:
        imported([question("text", "a"), question("text", "b", **cells)])
    assert told(refused.value.findings) == [("conditions_disagree", "survey", 3, "relevant")]


def test_names_that_stand_twice_are_told_apart_and_nothing_is_read_into_them() -> None:
    rows = [question("text", "a"), question("text", "a"), question("text", "b", relevant="${a} = 'x'")]
    form = imported(rows)
    assert [item.code for item in form.definition.items] == ["a", "a_2", "b"]
    assert form.definition.by_code["b"].when is None
    assert {("duplicate_name", 3), ("expression", 4)} <= {(loss.what, loss.row) for loss in form.losses}


def test_a_code_never_holds_the_mark_of_entries() -> None:
    assert imported([question("text", "a#b")]).definition.items[0].code == "a-b"


def test_who_asks_goes_before_what_the_form_says() -> None:
    data = workbook(
        survey=[question("text")], settings=[{"form_title": "X", "form_id": "Room 1", "version": "7"}]
    )
    own = read_xlsform(data, stage="survey").definition
    assert (own.id, own.version, own.title.en) == ("room-1", 7, "X")
    given = read_xlsform(data, checklist_id="yard", version=3, stage="acceptance").definition
    assert (given.id, given.version, given.stage) == ("yard", 3, "acceptance")


def test_every_finding_has_words_with_its_values_in_both_languages() -> None:
    for what in get_args(What):
        for one in get_args(what) or (what,):
            for language in LANGUAGES:
                assert f"xlsform.{one}" in catalogue(language), one


EVERYTHING = [
    question("begin group", "g", relevant="${a} = 'x'", appearance="field-list"),
    question(
        "text", "a", default="x", guidance_hint="g", image="x.png", required_message="r", required="${b} = 1"
    ),
    question("integer", "b", constraint="regex(., 'x')", parameters="rows=1"),
    question("select_one yn or_other", "c", choice_filter="x=1"),
    question("select_one one", "only"),
    question("select_one_from_file x.csv", "d"),
    question("file", "e"),
    question("begin group", "h"),
    question("datetime", "f"),
    {"type": "end group"},
    {"type": "end group"},
    question("begin repeat", "r"),
    question("begin repeat", "s"),
    question("text", "t", relevant="${a} = 'x'"),
    {"type": "end repeat"},
    {"type": "end repeat"},
    question("begin group", "nothing"),
    {"type": "end group"},
    question("note", "n"),
    question("audio", "o"),
    question("start", "p"),
    question("calculate", "u", calculation="1"),
    question("text", "a"),
    question("text", "w", disabled="yes"),
    {"type": "text", "name": "x"},
    {"type": "text", "name": "y", "label::fr": "${a}", "label": "${a}"},
    question("text", "z", **{"hezha::when": 'answers["b"] > 1'}),
    question("decimal", "zz", trigger="${a}", relevant="${z} = 'x'"),
]


def test_every_loss_there_is_can_be_met_and_its_words_filled() -> None:
    """Two forms meet them all, but for comments and pictures; no gap of a sentence is left open."""
    plenty = [question("text", f"q{number}", default="x") for number in range(CELLS_TOLD + 2)]
    nameless = imported(plenty, settings=())
    form = imported(
        EVERYTHING,
        [
            *YES_NO,
            YES_NO[0],
            {"list_name": "one", "name": "x", "extra": 1},
            {"list_name": "unasked", "name": "x"},
        ],
        [{"form_id": "Form 1", "version": "=NOW()", "style": "pages"}, {"form_id": "again"}],
        other=[{"a": 1}],
    )
    met = {loss.what for loss in (*form.losses, *nameless.losses)}
    assert set(get_args(Loss)) - met == {"comments", "pictures"}
    for loss in (*form.losses, *nameless.losses):
        for language in LANGUAGES:
            gaps = {
                name
                for _, name, _, _ in string.Formatter().parse(catalogue(language)[f"xlsform.{loss.what}"])
                if name
            }
            assert gaps <= set(loss.params), (loss.what, language)
    assert set(UNCARRIED.values()) <= set(get_args(Loss))
    assert msgspec.json.encode(form.definition)
