"""The expressions of a form in the places where they stand, as the definition says them.

A form that Hezha wrote has an expression twice, in XPath for others and in CEL for itself. Where the two no
longer say the same somebody has changed one of them; which one counts is asked, not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from checklists.xlsform.columns import Line, tidy
from checklists.xlsform.from_xpath import condition_to_cel, number_to_cel
from checklists.xlsform.scope import Question, Scope
from checklists.xlsform.syntax import Untranslatable
from checklists.xlsform.to_xpath import condition_to_xpath, number_to_xpath

__all__ = ["NOT_CALCULATED", "Conditions", "Place", "joined"]

#: What a rule calculates for other programs where XPath cannot say it.
NOT_CALCULATED = "''"
_PLAIN_COUNT = re.compile(r"[0-9]{1,4}")
_ATOM = re.compile(r"!?[\w.]+|\([^()]*\)")


@dataclass(frozen=True)
class Place:
    """Where an expression stands: the row, the item's code, and the code of the repeat around it."""

    line: Line
    code: str
    within: str | None


def joined(conditions: Sequence[str]) -> str | None:
    """Conditions that must all hold, as one; None if there is none."""
    if len(conditions) < 2:
        return conditions[0] if conditions else None
    return " && ".join(one if _ATOM.fullmatch(one) else f"({one})" for one in conditions)


class Conditions:
    """Translates a form's expressions; what cannot be said is told as a loss."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def shown(self, place: Place, groups: Sequence[Line]) -> str | None:
        """When an item is shown: what the groups around it ask and what it asks itself."""
        outer = [self._translated(line, "relevant", place) for line in groups]
        own = self._agreed(place, "relevant", "when", lambda cel: self._to_xpath(cel, place))
        return joined([one for one in (*outer, own) if one is not None])

    def rule(self, place: Place, accept: str | None) -> str | None:
        """What a rule judges by."""
        if place.line.word("calculation") == NOT_CALCULATED:
            return accept
        return self._agreed(place, "calculation", "accept", lambda cel: self._to_xpath(cel, place))

    def constraint(self, place: Place, xpath: str) -> str | None:
        """What an answer is held to."""
        own = self._scope.items.get(place.code)
        return self._told(place.line, "constraint", xpath, lambda: self._to_cel(xpath, place, own))

    def count(self, place: Place) -> tuple[str | None, int | None]:
        """How many entries a repeat has: an expression, or a plain number."""
        line = place.line
        word = line.word("repeat_count") or ""
        if _PLAIN_COUNT.fullmatch(word) and line.word(line.table.own("entries_count")) is None:
            return None, int(word)
        said = self._agreed(
            place, "repeat_count", "entries_count", lambda cel: number_to_xpath(cel, self._scope), number=True
        )
        return said, None

    def _to_xpath(self, cel: str, place: Place) -> str:
        return condition_to_xpath(cel, self._scope, place.within)

    def _to_cel(self, xpath: str, place: Place, own: Question | None = None) -> str:
        return condition_to_cel(xpath, self._scope, own, place.within)

    def _translated(self, line: Line, key: str, place: Place, *, number: bool = False) -> str | None:
        xpath = line.word(key)
        if xpath is None:
            return None
        if number:
            return self._told(line, key, xpath, lambda: number_to_cel(xpath, self._scope, place.within))
        return self._told(line, key, xpath, lambda: self._to_cel(xpath, place))

    def _told(self, line: Line, key: str, xpath: str, translate: Callable[[], str]) -> str | None:
        try:
            said = translate()
        except Untranslatable as error:
            told = {"expression": xpath, "reason": error.reason}
            line.table.findings.lose("expression", line.table.name, line.number, key, **told)
            return None
        if key != "constraint":
            line.table.gather("strict_reading", line.number, key)
        return said

    def _agreed(
        self, place: Place, key: str, ours: str, to_xpath: Callable[[str], str], *, number: bool = False
    ) -> str | None:
        """The CEL of our own column if the XPath beside it says the same, or else the XPath in CEL."""
        line = place.line
        cel, xpath = line.words(line.table.own(ours)), line.word(key)
        if cel is None:
            return self._translated(line, key, place, number=number)
        try:
            same: str | None = to_xpath(cel)
        except Untranslatable:
            same = None
        if xpath is not None and (same is None or xpath != tidy(same)):
            told = {"xpath": xpath, "cel": cel, "other": line.table.own(ours)}
            line.table.findings.fault("conditions_disagree", line.table.name, line.number, key, **told)
        elif xpath is None and same is not None:
            line.table.findings.lose("condition_kept", line.table.name, line.number, key, cel=cel)
        return cel
