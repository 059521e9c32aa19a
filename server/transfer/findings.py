"""What is wrong with a list: told by row and field, in both languages."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.texts import both, catalogue


@dataclass(frozen=True)
class Finding:
    """One thing. `row` counts from 1, headings included; `field` is ours, `column` the list's own heading.

    `code` is of the catalogue's `import.…`, or of another room under its own name.
    """

    code: str
    row: int | None = None
    field: str | None = None
    column: str | None = None
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """Plain values, with the words."""
        return {
            "row": self.row,
            "field": self.field,
            "column": self.column,
            "code": self.code.rpartition(".")[2],
            "text": both(_known(self.code), **self.params),
        }


class ListRefused(Exception):
    """A list that cannot be read at all, or not further: nothing behind the place was looked at."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.code)
        self.finding = finding


def _known(code: str) -> str:
    ours = f"import.{code}"
    return ours if ours in catalogue("en") else code
