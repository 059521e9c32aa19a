"""Names that XForms takes: item codes, options and sections as XML names, none of them twice."""

from __future__ import annotations

import re

__all__ = ["Names"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_CHOICE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_OTHER = re.compile(r"[^A-Za-z0-9_.-]+")
#: What a form may not call its questions: its own root and the metadata that every form has.
_RESERVED = ("meta", "data")
_LONGEST = 60


class Names:
    """Gives each thing a name of its own, the one it has already where that will do.

    Two names that differ only in case are taken for one, as programs that store answers in tables do.
    """

    def __init__(self, *, choices: bool = False) -> None:
        self._taken = set() if choices else set(_RESERVED)
        self._shape, self._first = (_CHOICE, "o") if choices else (_NAME, "q")

    def give(self, wanted: str) -> str:
        """A name for what is called `wanted`."""
        name = wanted
        if not self._shape.fullmatch(name) or len(name) > _LONGEST:
            name = f"{self._first}_{_OTHER.sub('_', wanted).strip('_.-')[:_LONGEST]}".rstrip("_")
        base, number = name, 1
        while name.lower() in self._taken:
            number += 1
            name = f"{base}_{number}"
        self._taken.add(name.lower())
        return name
