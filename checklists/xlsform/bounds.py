"""How much of an untrusted workbook is looked at, at most."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CELL_CHARACTERS", "LAST_ROW", "Bounds"]

#: What the file format itself allows: characters in a cell, and rows of a sheet.
CELL_CHARACTERS = 32_767
LAST_ROW = 1_048_576


@dataclass(frozen=True)
class Bounds:
    """The largest workbook that is read. The largest definition that comes with Hezha needs a twentieth.

    `file_bytes` and `unpacked_bytes` count the whole file, before and after decompression. A part that
    unpacks to more than `ratio` times its size is refused once it is larger than `ratio_from_bytes`: sheets
    of empty cells compress well, and small ones do no harm. `elements` counts the XML elements of all parts.
    `rows`, `columns` and `cells` count those of a sheet with something in them, `columns` by their number.
    `nested` groups may stand in each other. `effort` is what translating all expressions may cost: about one
    for each word that is read, and one for each that is written, with calculations put in.
    """

    file_bytes: int = 1024 * 1024
    parts: int = 200
    unpacked_bytes: int = 16 * 1024 * 1024
    ratio: int = 200
    ratio_from_bytes: int = 1024 * 1024
    elements: int = 250_000
    sheets: int = 20
    rows: int = 5_000
    columns: int = 256
    cells: int = 100_000
    nested: int = 20
    effort: int = 100_000
