"""Texts: there in both languages, and each in its own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checklists.linting.complaint import Complaint, NodePath, complain
from checklists.linting.walk import Placed, placed_items
from checklists.model import Definition, Text

__all__ = ["UNSEEN", "lint_text", "lint_texts"]

#: Chinese characters; and what can only be a word of a language with small letters.
_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"[a-z]{4}")
#: Control characters but tab and line end, and those that change the direction of writing.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def lint_texts(definition: Definition) -> Iterator[Complaint]:
    """Complaints about every text of a definition."""
    yield from lint_text(definition.id, ("title",), "title", definition.title)
    for number, section in enumerate(definition.sections):
        yield from lint_text(section.id, ("sections", number, "title"), "title", section.title)
    for placed in placed_items(definition):
        for field, what, text in _texts_of(placed):
            yield from lint_text(placed.item.code, (*placed.path, *field), what, text)


def _texts_of(placed: Placed) -> Iterator[tuple[NodePath, str, Text]]:
    item = placed.item
    yield ("text",), "text", item.text
    yield ("remedy",), "remedy", item.remedy
    if item.criterion is not None:
        yield ("criterion",), "criterion", item.criterion
    for number, option in enumerate(item.options):
        yield ("options", number, "text"), f"option {option.value}", option.text
    for number, role in enumerate(item.roles):
        yield ("roles", number, "text"), f"role {role.role}", role.text
    for number, point in enumerate(item.points):
        yield ("points", number, "text"), f"point {point.point}", point.text
    for number, view in enumerate(item.views):
        yield ("views", number, "text"), f"view {view.view}", view.text


def lint_text(subject: str, path: NodePath, what: str, text: Text) -> Iterator[Complaint]:
    """Complaints about one text, which is called `what`."""
    for language, words in (("zh-CN", text.zh), ("en", text.en)):
        if not words.strip():
            yield complain("words_missing", subject, (*path, language), what=what, language=language)
        if unseen := UNSEEN.search(words):
            mark = f"U+{ord(unseen[0]):04X}"
            yield complain(
                "words_unseen", subject, (*path, language), what=what, language=language, mark=mark
            )
    # A name such as `TN-C-S` or `8.7/15 kV` is the same in both languages; a word is not.
    if text.zh.strip() and _WORD.search(text.zh) and not _CJK.search(text.zh):
        yield complain("words_not_chinese", subject, (*path, "zh-CN"), what=what)
    if _CJK.search(text.en):
        yield complain("words_not_english", subject, (*path, "en"), what=what)
