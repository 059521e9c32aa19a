"""Forms that nobody here wrote: pyxform's own test data, read where its repository lies.

`HEZHA_TEST_XLSFORMS` names the folder, such as `pyxform/tests` after a clone of XLSForm/pyxform. Nothing of
it is part of Hezha. docs/xlsform.md shows what was told of three of these forms.
"""

from __future__ import annotations

import io
import os
from collections import Counter
from pathlib import Path

import pytest
from pyxform.xls2xform import convert

from checklists.xlsform import Imported, XlsFormError, read_xlsform, write_xlsform

FOLDER = os.environ.get("HEZHA_TEST_XLSFORMS", "")
#: Three of them, with what is asked in the end and what of the form is told of.
THREE = {
    "UCL_Biomass_Plot_Form.xlsx": (58, {"list_from_elsewhere": 8, "expression": 4, "nested_repeat": 1}),
    "xlsform_spec_test.xlsx": (26, {"note": 12, "read_as_text": 3, "media": 7, "nested_group": 3}),
    "choice_filter_test.xlsx": (3, {"choice_filter": 2, "unknown_column": 2}),
}

pytestmark = pytest.mark.skipif(
    not FOLDER, reason="HEZHA_TEST_XLSFORMS names no folder with the tests of XLSForm/pyxform"
)


def forms() -> list[Path]:
    return sorted(Path(FOLDER).rglob("*.xlsx")) if FOLDER else []


@pytest.mark.parametrize("path", forms(), ids=lambda path: path.name)
def test_a_form_is_refused_with_its_place_or_goes_out_again_as_it_came_in(path: Path) -> None:
    try:
        first = read_xlsform(path.read_bytes(), stage="survey")
    except XlsFormError as error:
        told = error.findings
    else:
        goes_out_again(first)
        told = first.losses
    assert told


def goes_out_again(first: Imported) -> None:
    written = write_xlsform(first.definition)
    again = read_xlsform(written.data)
    assert (again.definition, again.losses) == (first.definition, ())
    assert convert(io.BytesIO(written.data), file_type=".xlsx").xform


@pytest.mark.parametrize("name", THREE)
def test_what_three_forms_lose_is_told(name: str) -> None:
    [path] = Path(FOLDER).rglob(name)
    form = read_xlsform(path.read_bytes(), stage="survey")
    items, wanted = THREE[name]
    told = Counter(loss.what for loss in form.losses)
    assert len(form.definition.items) == items
    assert {what: told[what] for what in wanted} == wanted  # type: ignore[index]
    assert all(loss.sheet is not None for loss in form.losses)
