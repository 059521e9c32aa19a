"""A workbook from anywhere: what could fill memory, call home or run is refused with its place."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import openpyxl
import pytest
from openpyxl.comments import Comment

from checklists.xlsform import Bounds, read_xlsform
from checklists.xlsform.bounds import CELL_CHARACTERS
from checklists.xlsform.finding import FAULTS_TOLD
from tests.checklists.xlsform.workbooks import imported, question, refusals, repacked, workbook

GOOD = workbook(survey=[question("text")])
RELS = "xl/_rels/workbook.xml.rels"
_RELATION = (
    '<Relationship Id="rId99" Type="http://x/{kind}" Target="{target}" TargetMode="{mode}"/></Relationships>'
)


def related(kind: str, target: str, mode: str = "External") -> bytes:
    """The good file with one more relationship."""
    more = _RELATION.format(kind=kind, target=target, mode=mode).encode()
    return repacked(GOOD, lambda part, raw: raw.replace(b"</Relationships>", more) if part == RELS else raw)


def entitled(doctype: str, encoding: str = "utf-8") -> bytes:
    """The good file with a document type declared in its sheet."""

    def change(part: str, raw: bytes) -> bytes:
        if part != "xl/worksheets/sheet1.xml":
            return raw
        words = raw.decode().partition("?>")[2] if raw.startswith(b"<?xml") else raw.decode()
        return f'<?xml version="1.0" encoding="{encoding}"?>{doctype}{words}'.encode(encoding)

    return repacked(GOOD, change)


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'


def test_the_good_file_is_read() -> None:
    assert refusals(GOOD) == []


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"type,name,label\ntext,a,A\n", "not_xlsx"),
        (b"", "not_xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "old_excel"),
        (GOOD[: len(GOOD) // 2], "damaged"),
        (b"PK\x03\x04" + bytes(40), "damaged"),
        (repacked(GOOD, lambda part, raw: raw, **{"xl/vbaProject.bin": b"x"}), "macros"),
        (repacked(GOOD, lambda part, raw: raw, **{"xl/macrosheets/sheet1.xml": b"<a/>"}), "macros"),
        (
            repacked(
                GOOD,
                lambda part, raw: (
                    raw.replace(b"spreadsheetml.sheet.main", b"sheet.macroEnabled.main")
                    if part.startswith("[")
                    else raw
                ),
            ),
            "macros",
        ),
        (
            repacked(GOOD, lambda part, raw: raw, **{"xl/externalLinks/externalLink1.xml": b"<a/>"}),
            "external_link",
        ),
        (repacked(GOOD, lambda part, raw: raw, **{"xl/connections.xml": b"<a/>"}), "external_link"),
        (related("externalLinkPath", "http://example.org/a.xlsx"), "external_link"),
        (related("image", "file:///etc/passwd"), "external_link"),
        (related("oleObject", "a.bin", "Internal"), "embedded_object"),
        (repacked(GOOD, lambda part, raw: raw, **{"xl/embeddings/oleObject1.bin": b"x"}), "embedded_object"),
        (repacked(GOOD, lambda part, raw: raw, **{"xl/activeX/activeX1.xml": b"<a/>"}), "embedded_object"),
        (entitled(LAUGHS), "entities"),
        (entitled(LAUGHS, "utf-16"), "entities"),
        (entitled('<!DOCTYPE x SYSTEM "http://example.org/x.dtd">'), "entities"),
        (repacked(GOOD, lambda part, raw: b"<a><b></a>" if part.endswith("sheet1.xml") else raw), "damaged"),
        (repacked(GOOD, lambda part, raw: None if part.endswith("sheet1.xml") else raw), "no_survey"),
        (repacked(GOOD, lambda part, raw: None if part == "xl/workbook.xml" else raw), "not_xlsx"),
    ],
)
def test_what_is_no_plain_workbook_is_refused(data: bytes, what: str) -> None:
    assert [found[0] for found in refusals(data)] == [what]


def test_a_default_for_parts_that_are_not_there_does_no_harm() -> None:
    """SheetJS writes one into every file."""
    default = (
        b'<Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/>'
    )

    def change(part: str, raw: bytes) -> bytes:
        return raw.replace(b"<Override", default + b"<Override", 1) if part.startswith("[") else raw

    assert refusals(repacked(GOOD, change)) == []
    assert refusals(repacked(GOOD, change, **{"xl/sheet.bin": b"x"})) == [("macros", None, None, None)]


def test_a_link_that_is_only_shown_does_no_harm() -> None:
    assert refusals(related("hyperlink", "https://example.org/")) == []


def test_a_file_is_measured_before_it_is_opened() -> None:
    assert refusals(GOOD, bounds=Bounds(file_bytes=len(GOOD) - 1)) == [("too_large", None, None, None)]
    assert refusals(GOOD, bounds=Bounds(parts=3)) == [("too_many_parts", None, None, None)]
    assert refusals(GOOD, bounds=Bounds(unpacked_bytes=100)) == [("unpacks_too_large", None, None, None)]
    assert refusals(GOOD, bounds=Bounds(elements=100)) == [("too_many_elements", None, None, None)]


def test_a_bomb_is_refused_by_what_comes_out_of_it() -> None:
    """Ten megabytes of blanks pack into ten kilobytes, and the archive may say they are ten bytes."""
    bomb = repacked(GOOD, lambda part, raw: raw, **{"xl/bomb.xml": b"<a>" + b" " * 10_000_000 + b"</a>"})
    assert len(bomb) < 50_000
    assert [found[0] for found in refusals(bomb)] == ["packed_too_tightly"]
    spread = repacked(
        GOOD,
        lambda part, raw: raw,
        **{f"xl/part{n}.xml": b"<a>" + b" " * 900_000 + b"</a>" for n in range(60)},
    )
    assert [found[0] for found in refusals(spread)] == ["unpacks_too_large"]


def test_a_part_that_stands_twice_is_refused() -> None:
    buffer = io.BytesIO(GOOD)
    with zipfile.ZipFile(buffer, "a") as package, pytest.warns(UserWarning, match="Duplicate name"):
        package.writestr("xl/workbook.xml", b"<other/>")
    assert refusals(buffer.getvalue()) == [("damaged", None, None, None)]


@pytest.mark.parametrize(
    ("bounds", "found"),
    [
        ({"sheets": 1}, ("too_many_sheets", None, None, None)),
        ({"rows": 3}, ("too_many_rows", "survey", 5, None)),
        ({"columns": 3}, ("too_many_columns", "survey", 1, "D")),
        ({"cells": 11}, ("too_many_cells", "survey", 3, None)),
    ],
)
def test_a_form_beyond_all_measure_is_refused(
    bounds: dict[str, int], found: tuple[str, str | None, int | None, str | None]
) -> None:
    rows = [question("text", f"q{number}") for number in range(5)]
    data = workbook(survey=rows, more=[{"a": 1}])
    assert refusals(data, bounds=Bounds(**bounds)) == [found]


def test_rows_and_columns_far_out_cost_little_and_are_found() -> None:
    book = openpyxl.load_workbook(io.BytesIO(GOOD))
    book["survey"].cell(1_048_576, 1, "far")
    book["survey"].cell(1, 16_384, "wide")
    buffer = io.BytesIO()
    book.save(buffer)
    assert refusals(buffer.getvalue()) == [("too_many_columns", "survey", 1, "XFD")]


def test_groups_nest_so_deep_and_no_deeper() -> None:
    def nested(depth: int) -> bytes:
        begins = [question("begin group", f"g{number}") for number in range(depth)]
        return workbook(survey=[*begins, question("text"), *[{"type": "end group"}] * depth])

    assert refusals(nested(20)) == []
    assert refusals(nested(1000)) == [("nested_too_deep", "survey", 22, "type")]


def test_expressions_that_multiply_cost_no_more_than_the_effort_there_is() -> None:
    """Calculations that refer to calculations, asked for in every row."""
    rows = [question("decimal", "n"), question("calculate", "c0", calculation="+".join(["${n}"] * 190))]
    rows += [question("calculate", f"c{n}", calculation="+".join([f"${{c{n - 1}}}"] * 9)) for n in (1, 2, 3)]
    rows += [question("text", f"q{n}", relevant="${c1} > 1" if n % 2 else "${c3} > 1") for n in range(60)]
    form = imported(rows, settings=[{"form_title": "x"}])
    reasons = {loss.params["reason"] for loss in form.losses if loss.what == "expression"}
    assert reasons == {"more than 2000 parts", "more than 100000 parts in all expressions together"}


def test_a_formula_is_never_evaluated() -> None:
    formulas = [
        question("text", "a"),
        question("text", "b", **{"label::中文 (zh)": '=HYPERLINK("http://example.org","x")'}),
        question("text", "c", relevant="=1+1"),
    ]
    data = workbook(survey=formulas, settings=[{"form_title": "=cmd|' /C calc'!A0"}])
    assert refusals(data) == [
        ("formula", "settings", 2, "form_title"),
        ("formula", "survey", 3, "label::中文 (zh)"),
        ("formula", "survey", 4, "relevant"),
    ]


def test_a_formula_that_is_only_true_or_false_is_that() -> None:
    form = imported([question("text", "a", required="=TRUE()"), question("text", "b", required="=FALSE()")])
    assert [item.required for item in form.definition.items] == [True, False]


def test_a_version_that_a_formula_computes_is_told() -> None:
    form = imported([question("text")], settings=[{"form_title": "x", "version": "=NOW()"}])
    assert form.definition.version == 1
    assert ("formula_ignored", 2, "version") in [(one.what, one.row, one.column) for one in form.losses]


def test_a_cell_with_an_error_is_refused() -> None:
    def change(part: str, raw: bytes) -> bytes:
        return raw.replace(b't="inlineStr"><is><t>q</t></is>', b't="e"><v>#REF!</v>')

    broken = repacked(GOOD, change)
    assert broken != GOOD
    assert refusals(broken) == [("error_value", "survey", 2, "name"), ("missing_value", "survey", 2, "name")]


@pytest.mark.parametrize(
    ("sheets", "found"),
    [
        ({"one": [{"a": 1}], "two": [{"a": 1}]}, ("no_survey", None, None, None)),
        ({"survey": [{"name": "a", "label": "A"}]}, ("missing_column", "survey", 1, "type")),
        ({"survey": [question("text"), {"name": "b"}]}, ("missing_value", "survey", 3, "type")),
        ({"survey": [{"type": "text", "label": "A", "name": None}]}, ("missing_value", "survey", 2, "name")),
        ({"survey": [question("text"), {"type": "end group"}]}, ("unmatched_end", "survey", 3, "type")),
        (
            {"survey": [question("begin group"), question("text", "b")]},
            ("unmatched_begin", "survey", 2, "type"),
        ),
        ({"survey": [question("select_one colours")]}, ("unknown_list", "survey", 2, "type")),
        (
            {"survey": [question("text", **{"hezha::severity": "bad"})]},
            ("invalid_value", "survey", 2, "hezha::severity"),
        ),
        (
            {"survey": [question("text", **{"hezha::type": "repeat"})]},
            ("invalid_value", "survey", 2, "hezha::type"),
        ),
        (
            {"survey": [question("text", **{"hezha::photos_min": "two"})]},
            ("invalid_value", "survey", 2, "hezha::photos_min"),
        ),
        (
            {"survey": [question("decimal", **{"hezha::range_min": "nan"})]},
            ("invalid_value", "survey", 2, "hezha::range_min"),
        ),
        (
            {"survey": [question("decimal", **{"hezha::range_min": 1})]},
            ("missing_value", "survey", 2, "hezha::range_max"),
        ),
        (
            {"survey": [question("text")], "hezha_limits": [{"item": "b", "min": 1}]},
            ("unknown_item", "hezha_limits", 2, "item"),
        ),
        (
            {"survey": [question("text")], "hezha_parts": [{"item": "q", "kind": "part"}]},
            ("invalid_value", "hezha_parts", 2, "kind"),
        ),
        (
            {"survey": [question("text")], "choices": [{"list_name": "a", "name": None}]},
            ("missing_value", "choices", 2, "name"),
        ),
        ({"survey": [question("note")]}, ("no_items", "survey", None, None)),
    ],
)
def test_a_fault_of_the_form_is_told_with_its_place(sheets: dict[str, Any], found: tuple[Any, ...]) -> None:
    assert found in refusals(workbook(**sheets))


def test_all_faults_are_told_at_once() -> None:
    form = workbook(survey=[question("select_one a"), question("select_one b", "r"), {"type": "end repeat"}])
    assert [found[0] for found in refusals(form)] == ["unmatched_end", "unknown_list", "unknown_list"]


def test_a_thousand_faults_are_counted_and_not_listed() -> None:
    found = refusals(workbook(survey=[question("select_one a", f"q{number}") for number in range(1000)]))
    assert len(found) == FAULTS_TOLD + 1
    assert found[-1][0] == "more_faults"


def test_a_heading_may_stand_once() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["type", "name", "label", "label"])
    sheet.append(["text", "a", "one", "two"])
    buffer = io.BytesIO()
    book.save(buffer)
    assert refusals(buffer.getvalue()) == [("repeated_column", "Sheet", 1, "D")]


def test_a_form_without_a_stage_is_refused_until_one_is_named() -> None:
    assert refusals(GOOD, stage=None) == [("no_stage", None, None, None)]
    assert read_xlsform(GOOD, stage="acceptance").definition.stage == "acceptance"


def test_comments_and_pictures_are_passed_over_and_told() -> None:
    book = openpyxl.load_workbook(io.BytesIO(GOOD))
    book["survey"]["A1"].comment = Comment("who reads this", "author")
    buffer = io.BytesIO()
    book.save(buffer)
    pictured = repacked(buffer.getvalue(), lambda part, raw: raw, **{"xl/media/image1.png": b"\x89PNG"})
    told = {loss.what for loss in read_xlsform(pictured, stage="survey").losses}
    assert {"comments", "pictures"} <= told


def test_an_encrypted_part_is_refused() -> None:
    with zipfile.ZipFile(io.BytesIO(GOOD)) as package:
        part = package.infolist()[-1]
    local, central = bytearray(GOOD), GOOD.rindex(b"PK\x01\x02")
    local[part.header_offset + 6] |= 1
    local[central + 8] |= 1
    assert refusals(bytes(local)) == [("encrypted", None, None, None)]


def test_a_text_longer_than_a_cell_holds_is_refused() -> None:
    def change(part: str, raw: bytes) -> bytes:
        return raw.replace(b"<t>Question</t>", b"<t>" + b"q" * (CELL_CHARACTERS + 1) + b"</t>")

    assert ("too_long", "survey", 2, "label::English (en)") in refusals(repacked(GOOD, change))
