"""Lists as people send them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl

HEADINGS = ("申请编号", "客户名称", "经度", "纬度", "供电电压(kV)", "申请容量(kVA)", "用电地址", "坐标系")


def row(n: int, **changes: Any) -> list[Any]:
    values = dict(
        zip(
            HEADINGS,
            (f"YK-{n:04}", f"客户 {n}", 121.87, 29.48, 10, 630, "运河路 2 号", "WGS-84"),
            strict=True,
        )
    )
    return list((values | changes).values())


def csv_text(rows: Sequence[Sequence[Any]], headings: Sequence[str] = HEADINGS, delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([headings, *rows])
    return out.getvalue()


def workbook(
    path: Path,
    rows: Sequence[Sequence[Any]],
    headings: Sequence[str] = HEADINGS,
    change: Callable[[Any], None] = lambda _sheet: None,
) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for line in (headings, *rows):
        sheet.append(list(line))
    change(sheet)
    book.save(path)
    return path
