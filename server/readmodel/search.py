"""Searching within names, numbers and addresses, for any part of them and of any length, Chinese or not.

Every place in a text is entered with the three characters that begin there, as one word of SQLite's own index
(FTS5). Then three characters are a word, one or two are the beginning of words, and more of them are words in
a row; so a part is found exactly, and never by reading the texts. Words are written as the numbers of their
characters, behind that of the organisation: what is counted is counted within one organisation.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

__all__ = ["CREATE", "DROP", "EMPTY", "ENTER", "FIND", "LEAVE", "folded", "grams", "pattern", "plain"]

#: Stands between texts, and is never searched for.
_END = "\x1f"
_LENGTH = 3
_HEX = 5
_ORGANISATION = 4
CREATE = (
    "CREATE VIRTUAL TABLE case_search USING fts5(grams, content='', tokenize='ascii', "
    f"prefix='{_ORGANISATION + _HEX} {_ORGANISATION + 2 * _HEX}')"
)
DROP = "DROP TABLE IF EXISTS case_search"
EMPTY = "INSERT INTO case_search(case_search) VALUES ('delete-all')"
#: A row is entered with its grams, and leaves with the same.
ENTER = "INSERT INTO case_search(rowid, grams) VALUES (?, ?)"
LEAVE = "INSERT INTO case_search(case_search, rowid, grams) VALUES ('delete', ?, ?)"
FIND = "SELECT rowid FROM case_search WHERE case_search MATCH :pattern"


def folded(texts: Iterable[str]) -> str:
    """Texts as they are searched: wide and narrow, large and small letters are the same."""
    return "".join(f"{plain(text)}{_END}" for text in texts)


def plain(text: str) -> str:
    """One text as it is searched."""
    return unicodedata.normalize("NFKC", text).casefold().replace(_END, "")


def grams(words: str, organisation: int) -> str:
    """The words of the index for folded texts of the organisation with this number."""
    codes = [f"{ord(character):0{_HEX}x}" for character in words]
    end = f"{ord(_END):0{_HEX}x}"
    padded = [*codes, *[end] * (_LENGTH - 1)]
    first = f"{organisation:0{_ORGANISATION}x}"
    return " ".join(
        first + "".join(padded[at : at + _LENGTH]) for at, code in enumerate(codes) if code != end
    )


def pattern(part: str, organisation: int) -> str | None:
    """What to look for, to find a part of a text; None if nothing is left of it once it is folded."""
    wanted = plain(part)
    if not wanted:
        return None
    codes = [f"{ord(character):0{_HEX}x}" for character in wanted]
    first = f"{organisation:0{_ORGANISATION}x}"
    if len(codes) < _LENGTH:
        return f'"{first}{"".join(codes)}" *'
    found = (first + "".join(codes[at : at + _LENGTH]) for at in range(len(codes) - _LENGTH + 1))
    return '"' + " ".join(found) + '"'
