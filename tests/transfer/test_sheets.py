"""A list is read for what it is, a row at a time, and what cannot be read is told with its place."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.texts import LANGUAGES
from server.transfer.columns import field_of, table
from server.transfer.exporting import headings
from server.transfer.findings import ListRefused
from server.transfer.sheets import Limits, Row, read_list
from tests.transfer.lists import HEADINGS, csv_text, row, workbook

LIMITS = Limits(rows=100, bytes=10_000_000)


def written(folder: Path, data: bytes | str) -> Path:
    path = folder / "list"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def read(path: Path, limits: Limits = LIMITS) -> list[Row]:
    return list(read_list(path, limits))


def refused(path: Path, limits: Limits = LIMITS) -> Any:
    with pytest.raises(ListRefused) as caught:
        read(path, limits)
    told = caught.value.finding.told()
    assert all("{" not in words for words in told["text"].values())
    assert all(words != caught.value.finding.code for words in told["text"].values())
    return told


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_list_is_read_in_any_encoding_that_people_send(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    text = csv_text([row(1), row(2)], delimiter=delimiter)
    (first, second) = read(written(tmp_path, text.encode(encoding)))
    assert (first.number, second.number) == (2, 3)
    assert first.cells["客户名称"] == "客户 1"
    assert first.cells["供电电压(kV)"] == "10"


def test_a_list_with_nothing_in_it_is_told_as_empty(tmp_path: Path) -> None:
    for nothing in (b"", b" \n", b",,\n,\n", workbook(tmp_path / "none.xlsx", [], []).read_bytes()):
        assert refused(written(tmp_path, nothing))["code"] == "empty"


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path: Path) -> None:
    data = csv_text([row(1)]).encode() + "YK-2,客".encode() + b"\xff\xff,1,2,3,4\n"
    told = refused(written(tmp_path, data))
    assert (told["code"], told["row"]) == ("wrong_encoding", 3)
    assert refused(written(tmp_path, b"no,name\n1,a\x00b\n"))["row"] == 2


def test_a_quotation_mark_that_is_not_closed_is_told(tmp_path: Path) -> None:
    text = csv_text([row(1)]) + 'YK-0002,"open,1,2,3,4,5\n'
    assert refused(written(tmp_path, text))["code"] == "broken_csv"


def test_cells_beyond_the_headings_are_told_and_blank_ones_are_not(tmp_path: Path) -> None:
    (good, bad) = read(written(tmp_path, "no,name\n1,a,,\n2,a,b\n"))
    assert good.findings == ()
    assert [finding.code for finding in bad.findings] == ["cells_beyond"]


@pytest.mark.parametrize("cell", ["=1+1", "=HYPERLINK(A1)", '=cmd|"/c calc"!A1'])
def test_a_formula_is_told_and_never_a_value(tmp_path: Path, cell: str) -> None:
    text = csv_text([row(1, 客户名称=cell)])
    (one,) = read(written(tmp_path, text))
    assert "客户名称" not in one.cells
    assert [finding.code for finding in one.findings] == ["formula"]


def test_a_text_that_only_looks_like_a_formula_is_read(tmp_path: Path) -> None:
    (one,) = read(written(tmp_path, 'no,name\n"=""007""",-\n'))
    assert one.cells == {"no": "007", "name": "-"}


def test_a_workbook_is_read_as_people_see_it(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.bin", [row(1, 用电地址=date(2026, 3, 1)), [], row(2, 申请编号=20260001.0)])
    (first, second) = read(path)
    assert first.cells["用电地址"] == "2026-03-01"
    assert (second.number, second.cells["申请编号"]) == (4, "20260001")


def test_formulas_and_errors_in_a_workbook_are_told_by_their_cell(tmp_path: Path) -> None:
    def change(sheet: Any) -> None:
        sheet["B2"] = "=A2&A2"
        sheet["C2"] = "#REF!"

    (one,) = read(workbook(tmp_path / "a", [row(1)], change=change))
    told = [finding.told() for finding in one.findings]
    assert [(one["code"], one["column"]) for one in told] == [
        ("formula", "客户名称"),
        ("error_value", "经度"),
    ]
    assert "B2" in told[0]["text"]["en"]


def test_merged_cells_are_refused_by_their_range(tmp_path: Path) -> None:
    told = refused(
        workbook(tmp_path / "a", [row(1), row(2)], change=lambda sheet: sheet.merge_cells("B2:B3"))
    )
    assert told["code"] == "merged_cells"
    assert "B2:B3" in told["text"]["zh-CN"]


def test_absurd_dimensions_are_no_work_and_no_memory(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a", [row(1)])
    with zipfile.ZipFile(path) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    start = sheet.index('<dimension ref="') + len('<dimension ref="')
    claimed = sheet[:start] + "A1:XFD1048576" + sheet[sheet.index('"', start) :]
    assert len(read(repacked(tmp_path, parts, claimed))) == 1
    far = sheet.replace('<c r="H2"', '<c r="XFD2"')
    assert refused(repacked(tmp_path, parts, far))["code"] == "too_many_columns"
    deep = sheet.replace('<row r="2"', '<row r="99999999999"')
    assert refused(repacked(tmp_path, parts, deep))["code"] == "damaged"


def repacked(folder: Path, parts: dict[str, bytes], sheet: str) -> Path:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in parts.items():
            target.writestr(name, sheet if name == "xl/worksheets/sheet1.xml" else data)
    return written(folder, out.getvalue())


def test_an_archive_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("a.txt", "a")
    assert refused(written(tmp_path, out.getvalue()))["code"] == "not_xlsx"
    assert refused(written(tmp_path, out.getvalue()[:40]))["code"] == "damaged"
    assert refused(written(tmp_path, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"))["code"] == "old_excel"
    assert refused(written(tmp_path, b" \r\n"))["code"] == "empty"


@pytest.mark.parametrize("kind", ["array", "lines"])
def test_json_is_read_as_an_array_or_line_by_line(tmp_path: Path, kind: str) -> None:
    rows = [{"no": f"YK-{n}", "customer": {"name": "客" * 50_000, "phone": None}, "n": 1.0} for n in range(5)]
    text = json.dumps(rows) if kind == "array" else "\n".join(json.dumps(one) for one in rows)
    found = read(written(tmp_path, "\ufeff" + text))
    assert [one.cells["no"] for one in found] == [one["no"] for one in rows]
    assert found[0].cells == {"no": "YK-0", "customer.name": "客" * 50_000, "n": "1"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('[{"no": 1},', "broken_json"),
        ('[{"no": 1}', "broken_json"),
        ('[{"no": 1}] x', "broken_json"),
        ('[{"no": NaN}]', "broken_json"),
        ("[1]", "not_an_object"),
        ("[" * 100_000, "broken_json"),
        ('{"no": 1} {"no": ', "broken_json"),
    ],
)
def test_broken_json_is_told(tmp_path: Path, text: str, code: str) -> None:
    assert refused(written(tmp_path, text))["code"] == code


def test_what_is_no_single_value_is_told(tmp_path: Path) -> None:
    (one,) = read(written(tmp_path, '[{"no": [1], "a": {"b": {"c": 1}}, "t": true}]'))
    assert {finding.column for finding in one.findings} == {"no", "a.b"}
    assert one.cells == {"t": "True"}


def test_a_list_is_bounded_by_rows_bytes_and_columns(tmp_path: Path) -> None:
    path = written(tmp_path, csv_text([row(n) for n in range(5)]))
    told = refused(path, Limits(rows=3, bytes=10_000))
    assert (told["code"], told["row"]) == ("too_many_rows", 5)
    assert refused(path, Limits(rows=3, bytes=10))["code"] == "too_many_bytes"
    assert refused(path, Limits(rows=9, bytes=10_000, columns=3))["code"] == "too_many_columns"


def test_a_heading_may_not_be_there_twice(tmp_path: Path) -> None:
    assert refused(written(tmp_path, "no,no\n1,2\n"))["code"] == "repeated_column"


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_reader(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = written(tmp_path_factory.mktemp("any"), data)
    found: list[Row] = []
    with contextlib.suppress(ListRefused):
        found.extend(read_list(path, LIMITS))
    assert {type(words) for one in found for words in one.cells.values()} <= {str}


def test_every_heading_that_we_write_is_one_that_we_read() -> None:
    assert [field_of(heading) for heading in HEADINGS] == [
        *("no", "customer.name", "site.lon", "site.lat", "supply.voltage_kv", "supply.capacity_kva"),
        *("customer.address", "site.datum"),
    ]
    for lang in LANGUAGES:
        known = {field_of(heading) for heading in headings("cases", lang)} - {None}
        assert known >= {
            "no",
            "customer.name",
            "customer.address",
            "process",
            "manager",
            "site.lon",
            "site.lat",
        }
    assert set(table().headings) > {"supply.voltage_kv"}
