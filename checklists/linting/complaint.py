"""A complaint: what is wrong, of what, and where it stands in the definition."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from checklists.model import Text

__all__ = ["Complaint", "NodePath", "complain"]

#: The way to a value in a definition: names of fields and positions in lists, from 0.
NodePath = tuple[str | int, ...]


class Complaint(msgspec.Struct, frozen=True):
    """One thing that is wrong.

    `code` names the kind, `subject` the item, section, definition or fact that has it, `path` the value in
    the definition; `text` says it in both languages, with what mends it.
    """

    code: str
    subject: str
    path: NodePath
    text: Text

    def __str__(self) -> str:
        return f"{self.subject}: {self.text.en}"


@cache
def _catalogue() -> dict[str, Text]:
    raw = yaml.safe_load(Path(__file__).with_name("complaints.yaml").read_text(encoding="utf-8"))
    return msgspec.convert(raw, dict[str, Text])


def complain(code: str, subject: str, path: NodePath, **params: Any) -> Complaint:
    """The complaint `code` of the catalogue, filled in."""
    words = _catalogue()[code]
    return Complaint(code, subject, path, Text(words.zh.format_map(params), words.en.format_map(params)))
