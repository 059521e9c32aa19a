"""Every row of the trade's table stands in a definition, as the table says; a slip in either is told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from checklists import load_definitions
from checklists.coverage import Row, count_by_template, coverage_rows, departures
from checklists.loader import Library

LIBRARY = load_definitions()
ROWS = coverage_rows()
COUNTS = {
    "SL": 19,
    "SH": 30,
    "M1": 22,
    "M2": 23,
    "CD": 14,
    "CP1": 31,
    "CP2": 15,
    "CE": 31,
    "CU": 12,
    "CX": 14,
    "CLV": 14,
}


def row(code: str) -> Row:
    return next(row for row in ROWS if row.code == code)


def test_the_table_has_each_template_whole_and_every_code_once() -> None:
    assert count_by_template(LIBRARY) == COUNTS
    assert sum(COUNTS.values()) == len(ROWS) == len({row.code for row in ROWS}) == 225


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.code)
def test_each_item_agrees_with_its_row(row: Row) -> None:
    told = departures(LIBRARY, [row])
    assert [complaint for complaint in told if complaint.startswith(f"{row.code}:")] == []


def test_the_definitions_of_the_table_ask_nothing_else() -> None:
    assert departures(LIBRARY) == []


@pytest.mark.parametrize(
    ("code", "changes", "said"),
    [
        ("ME-05", {"min": "0.7"}, "no limit is at least 0.7"),
        ("CG-04", {"max": "0.3"}, "no limit is at most 0.3"),
        ("SL-17", {"min": "5"}, "3 are enough, the table asks for 5"),
        ("MZ-02", {"min": "5"}, "4 are enough, the table asks for 5"),
        ("CC-05", {"unit": "MΩ"}, "unit is 'MΩ/km'"),
        ("CC-07", {"photo": "never"}, "photo is 'always'"),
        ("CX-03", {"severity": "minor"}, "severity is 'critical'"),
        ("CX-03", {"condition": "dual"}, "does not ask for dual"),
        ("CX-03", {"condition": ""}, "the table says always"),
        ("CX-08", {"certainty": "settled"}, "certainty is 'verify'"),
        ("SL-16", {"type": "text"}, "type is 'choice'"),
        ("LV-04", {"section": "acceptance-sources"}, "section is 'acceptance-lv'"),
        ("LV-04", {"definition": "survey-lv"}, "survey-lv does not have it"),
        ("LV-04", {"definition": "survey-xx"}, "survey-xx does not have it"),
    ],
)
def test_a_departure_is_told(code: str, changes: dict[str, Any], said: str) -> None:
    told = departures(LIBRARY, [msgspec.structs.replace(row(code), **changes)])
    assert any(complaint.startswith(f"{code}: ") and said in complaint for complaint in told), told


def test_an_item_that_the_table_does_not_know_and_one_that_is_gone_are_told() -> None:
    assert "LV-04: stands in acceptance-lv and not in the table" in departures(
        LIBRARY, [row for row in ROWS if row.code != "LV-04"]
    )
    without = Library(one for one in LIBRARY.all() if one.id != "acceptance-lv")
    assert "CLV" not in count_by_template(without)
    assert "LV-04: acceptance-lv does not have it" in departures(without)
