"""A definition goes out as an XLSForm that pyxform accepts, and comes back as it was."""

from __future__ import annotations

import io
import shutil
from typing import Any

import msgspec
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pyxform.errors import PyXFormError
from pyxform.xls2xform import convert

from checklists import load_definitions
from checklists.model import Definition, Entries, Item, Limit, NumberRange, Option, Section, Text
from checklists.xlsform import XlsFormError, read_xlsform, write_xlsform
from checklists.xlsform.workbook import write_workbook
from tests.checklists.xlsform.everything import EVERYTHING, definitions
from tests.checklists.xlsform.workbooks import imported, question

LIBRARY = load_definitions().all()
_WARNED = "max-pixels"


def xform(data: bytes, *, validate: bool = False) -> str:
    """The XForm that pyxform makes of a form. Raises PyXFormError, and ODKValidateError."""
    made = convert(io.BytesIO(data), validate=validate, file_type=".xlsx")
    assert [warning for warning in made.warnings if _WARNED not in warning] == []
    return str(made.xform)


def edited(data: bytes, sheet: str, row: int, heading: str, value: Any) -> bytes:
    """The file after somebody changed a cell in a spreadsheet program."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    headings = [cell.value for cell in book[sheet][1]]
    book[sheet].cell(row, headings.index(heading) + 1).value = value
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def row_of(data: bytes, name: str, sheet: str = "survey") -> int:
    """The number of a question's row."""
    rows = openpyxl.load_workbook(io.BytesIO(data))[sheet].iter_rows(values_only=True)
    return next(number for number, row in enumerate(rows, 1) if name in row[:2])


@pytest.mark.parametrize("definition", [*LIBRARY, EVERYTHING], ids=lambda one: f"{one.id}@{one.version}")
def test_what_goes_out_comes_back_and_pyxform_accepts_it(definition: Definition) -> None:
    written = write_xlsform(definition)
    again = read_xlsform(written.data)
    assert again.definition == definition
    assert again.losses == ()
    assert xform(written.data).startswith("<?xml")


@pytest.mark.skipif(shutil.which("java") is None, reason="ODK Validate runs on Java")
@pytest.mark.parametrize("name", ["acceptance-hv", "everything"])
def test_odk_validate_accepts_it(name: str) -> None:
    """Every expression in it is XPath that a client can evaluate."""
    [*_, definition] = [one for one in (*LIBRARY, EVERYTHING) if one.id == name]
    assert xform(write_xlsform(definition).data, validate=True)


def test_the_same_definition_gives_the_same_bytes() -> None:
    assert write_xlsform(EVERYTHING).data == write_xlsform(EVERYTHING).data


def test_every_field_of_a_definition_is_tried() -> None:
    """A field that is added to the model is carried, or this fails."""

    def tried(value: Any, seen: dict[str, set[str]]) -> dict[str, set[str]]:
        if isinstance(value, msgspec.Struct):
            fields = msgspec.structs.fields(type(value))
            own = seen.setdefault(type(value).__name__, {one.name for one in fields})
            own -= {one.name for one in fields if one.required or getattr(value, one.name) != one.default}
            for one in fields:
                tried(getattr(value, one.name), seen)
        elif isinstance(value, tuple):
            for one in value:
                tried(one, seen)
        return seen

    left = {name: fields for name, fields in tried(EVERYTHING, {}).items() if fields}
    assert left == {}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(definitions())
def test_any_definition_comes_back_as_it_was(definition: Definition) -> None:
    """Texts of any characters, names that XML does not take, conditions that are none."""
    written = write_xlsform(definition)
    assert read_xlsform(written.data).definition == definition


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(definitions())
def test_pyxform_accepts_any_definition(definition: Definition) -> None:
    try:
        assert xform(write_xlsform(definition).data)
    except PyXFormError as error:
        pytest.fail(str(error))


@given(st.text(st.characters(codec="utf-16", exclude_categories=[]), max_size=20))
@settings(max_examples=30, deadline=None)
def test_no_text_is_a_formula_in_the_file(text: str) -> None:
    dangerous = f"={text}"
    item = replace(EVERYTHING.items[0], text=Text(dangerous, f"+{text}"), when=f"-{text}")
    book = openpyxl.load_workbook(io.BytesIO(write_xlsform(only(item)).data))
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type in ("s", "n")
                if isinstance(cell.value, str):
                    assert not cell.value.startswith(("=", "+", "@", "\t")), cell.coordinate
                    assert not cell.value.startswith("-") or cell.value[1:].replace(".", "").isdigit()


def only(*items: Item) -> Definition:
    return Definition("one", 1, "survey", Text("一", "one"), (Section("s", Text("二", "two"), items),))


def test_conditions_on_facts_ask_for_the_facts_first() -> None:
    item = replace(EVERYTHING.items[0], when="facts.dual && facts.capacity_kva >= 100.0")
    data = write_xlsform(only(item)).data
    book = openpyxl.load_workbook(io.BytesIO(data))
    rows = [row[:2] for row in book["survey"].iter_rows(min_row=2, values_only=True)]
    assert rows[:4] == [
        ("begin_group", "hezha_facts"),
        ("decimal", "fact_capacity_kva"),
        ("select_one hezha_bool", "fact_dual"),
        ("end_group", None),
    ]
    asked = "/data/hezha_facts/fact_dual  = 'true' and  /data/hezha_facts/fact_capacity_kva  &gt;= 100"
    assert f'relevant=" {asked}' in xform(data)


def test_what_only_hezha_reads_is_told_by_sheet_and_row() -> None:
    item = replace(EVERYTHING.items[0], when='visit.start > 0.0 || answers["a"] == "x"')
    [condition, *others] = write_xlsform(only(item)).losses
    assert (condition.what, condition.sheet, condition.row, condition.column) == (
        "condition_only_here",
        "survey",
        3,
        "relevant",
    )
    assert condition.params["reason"] == "a value of anything but `facts` and `answers`"
    assert ("only_here", "hezha::severity") in {(one.what, one.column) for one in others}


def test_who_edits_a_label_a_hint_or_the_possible_readings_in_excel_is_heard() -> None:
    number = Item(
        "ME-12",
        Text("接地电阻", "Earth resistance"),
        "number",
        "major",
        Text("降阻", "Lower it"),
        "GB 50169",
        unit="Ω",
        range=NumberRange(0, 1000),
        limits=(Limit(max=4),),
    )
    data = write_xlsform(only(number)).data
    row = row_of(data, "ME-12")
    data = edited(data, "survey", row, "label::English (en)", "Resistance to earth")
    data = edited(data, "survey", row, "hint::中文 (zh)", "不大于 4 Ω")
    data = edited(data, "survey", row, "constraint", ". >= 0 and . <= 500")
    data = edited(data, "hezha_limits", 2, "max", 3.5)
    [item] = read_xlsform(data).definition.items
    assert item.text.en == "Resistance to earth"
    assert item.criterion == Text("不大于 4 Ω", "不大于 4 Ω")
    assert (item.range, item.limits) == (NumberRange(0, 500), (Limit(max=3.5),))


def test_a_condition_edited_on_one_side_only_is_asked_about() -> None:
    first = replace(EVERYTHING.items[0], code="a", type="text", when=None)
    second = replace(first, code="b", when='answers["a"] == "x"')
    data = write_xlsform(only(first, second)).data
    row = row_of(data, "b")
    with pytest.raises(XlsFormError, match="conditions_disagree"):
        read_xlsform(edited(data, "survey", row, "relevant", "${a} = 'y'"))
    either = edited(data, "survey", row, "relevant", "${a} = 'y'")
    assert read_xlsform(edited(either, "survey", row, "hezha::when", None)).definition.by_code["b"].when == (
        'answers["a"] == "y"'
    )
    kept = read_xlsform(edited(data, "survey", row, "relevant", None))
    assert kept.definition.by_code["b"].when == second.when
    assert ("condition_kept", row) in {(loss.what, loss.row) for loss in kept.losses}


def test_a_row_that_is_added_in_excel_is_an_item() -> None:
    data = write_xlsform(only(replace(EVERYTHING.items[0], code="a", type="text"))).data
    row = row_of(data, "a")
    for heading, value in question("text", "added").items():
        data = edited(data, "survey", row, heading, value)
    assert [item.code for item in read_xlsform(data).definition.items] == ["added"]


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        ({"text": Text("字" * 32_768, "x")}, "too_long"),
        ({"type": "repeat"}, "not_writable"),
        ({"type": "choice", "options": ()}, "not_writable"),
        ({"type": "text", "options": (Option("a", Text("甲", "a")),)}, "not_restored"),
        ({"type": "number", "entries": Entries(Text("台", "unit"))}, "not_restored"),
    ],
)
def test_what_would_not_come_back_is_not_handed_out(broken: dict[str, Any], what: str) -> None:
    plain = Item("a", Text("甲", "a"), "text", "minor", Text("改", "mend"), "practice")
    with pytest.raises(XlsFormError) as refused:
        write_xlsform(only(replace(plain, **broken)))
    assert refused.value.findings[0].what == what


def test_a_foreign_form_goes_out_and_comes_back_as_what_it_became() -> None:
    """Import, export, import: the second import loses nothing."""
    first = imported([question("integer", "a", constraint=". > 0"), question("select_one yn or_other", "b")])
    again = read_xlsform(write_xlsform(first.definition).data)
    assert (again.definition, again.losses) == (first.definition, ())


def test_a_sheet_is_written_as_texts() -> None:
    data = write_workbook([("survey", [["type"], ["=1+1"]])])
    cell = openpyxl.load_workbook(io.BytesIO(data))["survey"]["A2"]
    assert (cell.data_type, cell.value) == ("s", "=1+1")
