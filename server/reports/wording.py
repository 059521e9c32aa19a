"""How a paper speaks: in which languages, in whose time, and with people's own names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

from checklists.linting.texts import UNSEEN
from server.texts import LANGUAGES, text

__all__ = ["UNBROKEN", "Printed", "Wording", "Words", "breakable", "languages"]

#: The languages that a paper is printed in.
Printed = Literal["both", "zh-CN", "en"]

#: A text in each printed language; those that are the same in all of them stand once.
Words = tuple[str, ...]

#: Characters without a space after which a line may be broken anywhere.
UNBROKEN = 24
#: From this character on lines are broken between any two: radicals, ideographs, kana, full-width forms.
_IDEOGRAPHS = 0x2E7F


class Bilingual(Protocol):
    """A text in the two languages: a checklist's, or the workflow's."""

    @property
    def zh(self) -> str: ...

    @property
    def en(self) -> str: ...


@dataclass(frozen=True)
class Wording:
    """`name_of` gives the name that an account is shown under, `house` what an organisation is called in a
    language. Times are of `timezone`, to the minute."""

    printed: Printed = "both"
    timezone: str = "Asia/Shanghai"
    name_of: Callable[[str], str] = str
    house: Callable[[str, str], str] = lambda organisation, _language: organisation

    @property
    def languages(self) -> Sequence[str]:
        return languages(self.printed)

    def say(self, code: str, /, **params: Any) -> Words:
        """A text of the papers' own catalogue."""
        return self.catalogued(f"paper.{code}", **params)

    def catalogued(self, code: str, /, **params: Any) -> Words:
        """A text of any catalogue. A parameter of Words, or of a text in two languages, gives each language
        its own."""
        told = []
        for number, language in enumerate(self.languages):
            own = {name: self._in(value, number, language) for name, value in params.items()}
            told.append(breakable(text(code, language, **own)))
        return tuple(dict.fromkeys(told))

    def text(self, words: Bilingual) -> Words:
        return tuple(dict.fromkeys(breakable(_of(words, language)) for language in self.languages))

    def own(self, words: str) -> Words:
        """What somebody wrote, as it is."""
        return (breakable(words),) if words.strip() else ()

    def person(self, name: str) -> Words:
        return self.own(self.name_of(name) if name else "")

    def organisation(self, organisation: str) -> str:
        """What an organisation is called, in every printed language."""
        return "  ".join(dict.fromkeys(self.house(organisation, language) for language in self.languages))

    def persons(self, names: Sequence[str]) -> Words:
        return self.own("、".join(self.name_of(name) for name in dict.fromkeys(names) if name))

    def moment(self, at: datetime | None) -> Words:
        return () if at is None else (at.astimezone(ZoneInfo(self.timezone)).strftime("%Y-%m-%d %H:%M"),)

    def day(self, day: date | datetime | None) -> Words:
        if isinstance(day, datetime):
            day = day.astimezone(ZoneInfo(self.timezone)).date()
        return () if day is None else (day.isoformat(),)

    @staticmethod
    def _in(value: Any, number: int, language: str) -> Any:
        if isinstance(value, tuple):
            return value[min(number, len(value) - 1)] if value else ""
        return _of(value, language) if hasattr(value, "zh") and hasattr(value, "en") else value


def languages(printed: Printed) -> Sequence[str]:
    return LANGUAGES if printed == "both" else (printed,)


def _of(words: Bilingual, language: str) -> str:
    return words.zh if language == "zh-CN" else words.en


def breakable(words: str) -> str:
    """The words with places to break in whatever has no space for long, so that nothing runs off the page,
    and without marks that would turn what stands beside them around."""
    out, run = [], 0
    for letter in UNSEEN.sub("", words):
        run = 0 if letter.isspace() or ord(letter) > _IDEOGRAPHS else run + 1
        out.append(letter)
        if run and run % UNBROKEN == 0:
            out.append("\u200b")
    return "".join(out)
