"""What people read, in zh-CN and English, from one catalogue a room and language.

`text("gate.notices-closed", "zh-CN")` renders an entry of `<language>/*.yaml`; `{name}` in it is filled from
the keyword arguments. Rooms below hand out codes and values; words are chosen here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml

LANGUAGES = ("zh-CN", "en")
DEFAULT_LANGUAGE = "zh-CN"


@cache
def catalogue(lang: str) -> Mapping[str, str]:
    """Every text of a language by its code. Raises ValueError if two files claim one code."""
    merged: dict[str, str] = {}
    folder = resources.files(__package__) / lang
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".yaml"):
            continue
        for code, words in (yaml.safe_load(file.read_text("utf-8")) or {}).items():
            if code in merged:
                raise ValueError(f"{lang}/{file.name}: {code} stands in another catalogue too")
            merged[code] = words
    return merged


class _Gaps(dict[str, Any]):
    """A value nobody gave is shown as its name: a half-told text beats none."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def text(code: str, lang: str, /, **params: Any) -> str:
    """The text of `code`; in the other language, or the code itself, where one is missing.

    `code` and `lang` may be names of parameters too, so both come by position.
    """
    for language in (lang, *LANGUAGES):
        words = catalogue(language).get(code) if language in LANGUAGES else None
        if words is not None:
            return words.format_map(_Gaps(params))
    return code


def both(code: str, /, **params: Any) -> dict[str, str]:
    """A text in every language: `{"zh-CN": …, "en": …}`."""
    return {lang: text(code, lang, **params) for lang in LANGUAGES}
