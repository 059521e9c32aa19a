"""What the names in an expression stand for: the questions of a form beside the items of a definition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from checklists.model import FactDefinition, Item
from checklists.xlsform.bounds import Bounds
from checklists.xlsform.syntax import Untranslatable

__all__ = ["ITEM_KINDS", "Effort", "Kind", "Question", "Scope", "fact_kind"]

#: What a value is to an expression. `entries` is a repeat, `other` what neither language computes with.
Kind = Literal["bool", "number", "text", "choice", "choices", "date", "entries", "other"]

ITEM_KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "pass_fail": "choice",
        "file": "choice",
        "number": "number",
        "choice": "choice",
        "multi_choice": "choices",
        "text": "text",
        "date": "date",
        "repeat": "entries",
    }
)


def fact_kind(fact: FactDefinition) -> Kind:
    """A fact's kind."""
    return {"bool": "bool", "number": "number", "choice": "choice"}[fact.type]  # type: ignore[return-value]


@dataclass(frozen=True)
class Question:
    """A question of the form by `name`, and by `code` the item or fact that it is.

    `options` are the values by the choices' names. `repeat` is the code of the repeat it is asked in. What is
    calculated has its `calculation` (XPath) and is no item.
    """

    name: str
    code: str
    kind: Kind
    repeat: str | None = None
    fact: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    calculation: str | None = None

    @staticmethod
    def of(item: Item, name: str, repeat: str | None, options: Mapping[str, str]) -> Question:
        """The question that an item is asked by."""
        return Question(name, item.code, ITEM_KINDS.get(item.type, "other"), repeat, options=options)


class Effort:
    """What translating the expressions of one form may still cost. Ordinary forms do not notice."""

    def __init__(self, parts: int) -> None:
        self._left = self._parts = parts

    def spend(self, parts: int = 1) -> None:
        """Raises Untranslatable once all is spent."""
        self._left -= parts
        if self._left < 0:
            raise Untranslatable(f"more than {self._parts} parts in all expressions together")


class Scope:
    """The questions by name, the items and the facts among them by code, and the effort left for all."""

    def __init__(self, questions: Iterable[Question], effort: Effort | None = None) -> None:
        self.effort = effort or Effort(Bounds().effort)
        self.by_name = {question.name: question for question in questions}
        answered = [one for one in self.by_name.values() if one.calculation is None]
        self.items = {one.code: one for one in answered if not one.fact}
        self.facts = {one.code: one for one in answered if one.fact}
