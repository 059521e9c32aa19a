"""What importing and exporting XLSForms has to say, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from checklists.xlsform import Finding
from server.texts import both

__all__ = ["XLSX", "told"]

#: The media type of an XLSX file.
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def told(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Each with its place and words: `{sheet, row, column, what, text: {zh-CN, en}}`."""
    return [
        {
            "sheet": finding.sheet,
            "row": finding.row,
            "column": finding.column,
            "what": finding.what,
            "text": both(f"xlsform.{finding.what}", **finding.params),
        }
        for finding in findings
    ]
