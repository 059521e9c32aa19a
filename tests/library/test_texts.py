"""Every refusal of drafts and limits has words in both languages, and none is left over."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import checklists
from server.texts import LANGUAGES, catalogue

#: The functions that refuse, and which argument is the code.
EMITTERS = {"ChecklistRefused": 0, "_refused": 0}
#: `standing._refused` takes the limit first.
SECOND = "standing.py"
#: What the API says of its own.
OF_THE_API = {"limit_exists"}


def emitted() -> Iterator[str]:
    """Every code written in the sources."""
    for source in sorted(Path(checklists.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
            if not isinstance(node, ast.Call) or name not in EMITTERS:
                continue
            position = 1 if name == "_refused" and source.name == SECOND else EMITTERS[name]
            code = node.args[position]
            if isinstance(code, ast.Constant):
                yield str(code.value)


CODES = sorted({*emitted(), *OF_THE_API})


def test_the_search_finds_what_it_is_for() -> None:
    assert {"own_review", "limit_not_stricter", "limit_end_own", "limit_end_proposed"} <= set(CODES)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_refusal_has_its_words_and_no_words_are_left_over(lang: str) -> None:
    ours = {code.removeprefix("library.") for code in catalogue(lang) if code.startswith("library.")}
    assert sorted(ours) == CODES
