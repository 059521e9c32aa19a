"""docs/xlsform.md names every column, function and bound there is."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import server
from checklists.xlsform import Bounds
from checklists.xlsform.bounds import CELL_CHARACTERS
from checklists.xlsform.from_xpath import FUNCTIONS
from checklists.xlsform.settings import SETTINGS_COLUMNS
from checklists.xlsform.syntax import MAX_CHARACTERS, MAX_DEPTH, MAX_TOKENS
from checklists.xlsform.vocabulary import CHOICE_COLUMNS, ITEM_COLUMNS, PART_SHEETS

PAGE = (Path(server.__file__).parents[1] / "docs" / "xlsform.md").read_text("utf-8")
BOUNDS = Bounds()


@pytest.mark.parametrize(
    "name",
    [
        *ITEM_COLUMNS,
        *CHOICE_COLUMNS,
        *SETTINGS_COLUMNS,
        *PART_SHEETS,
        *dict.fromkeys(sum(PART_SHEETS.values(), ())),
    ],
)
def test_every_column_of_ours_is_described(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_every_function_is_described(function: str) -> None:
    assert f"`{function}(" in PAGE


def test_every_bound_is_the_one_that_holds() -> None:
    mebibytes = {name: value // 1024**2 for name, value in dataclasses.asdict(BOUNDS).items()}
    for said in (
        f"| file | {mebibytes['file_bytes']} MiB",
        f"| parts in it | {BOUNDS.parts} |",
        f"| unpacked | {mebibytes['unpacked_bytes']} MiB, and no part",
        f"beyond {mebibytes['ratio_from_bytes']} MiB to more than {BOUNDS.ratio} times",
        f"| XML elements in all parts | {BOUNDS.elements:,} |",
        f"| sheets | {BOUNDS.sheets} |",
        f"| groups in each other | {BOUNDS.nested} |",
        f"| all expressions together | {BOUNDS.effort:,} parts",
        f"| rows of a sheet with something in them | {BOUNDS.rows:,} |",
        f"| columns | {BOUNDS.columns} |",
        f"| cells with something in them | {BOUNDS.cells:,} a sheet |",
        f"| characters in a cell | {CELL_CHARACTERS:,} |",
        f"| an expression | {MAX_CHARACTERS:,} characters, {MAX_TOKENS} words, {MAX_DEPTH} deep",
    ):
        assert said in PAGE, said
