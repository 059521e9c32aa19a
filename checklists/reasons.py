"""The sentences that say why: catalogue `reasons.yaml`, filled in for both languages at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import msgspec
import yaml

from checklists.model import Text

__all__ = ["because", "joined", "number"]


@cache
def _catalogue() -> dict[str, Text]:
    raw = yaml.safe_load(Path(__file__).with_name("reasons.yaml").read_text(encoding="utf-8"))
    return msgspec.convert(raw, dict[str, Text])


def because(code: str, **params: str | int | Text) -> Text:
    """The reason `code` with its values; a Text among them gives each language its own words."""
    words = _catalogue()[code]
    if not params:
        return words
    zh = en = params
    if any(isinstance(value, Text) for value in params.values()):
        zh = {name: value.zh if isinstance(value, Text) else value for name, value in params.items()}
        en = {name: value.en if isinstance(value, Text) else value for name, value in params.items()}
    return Text(words.zh.format_map(zh), words.en.format_map(en))


def joined(texts: Sequence[Text], zh: str = "", en: str = " ") -> Text:
    """Several texts as one, put together with each language's separator."""
    return Text(zh.join(text.zh for text in texts), en.join(text.en for text in texts))


def number(value: float, unit: str | None = None) -> str:
    """A number as people write it: 4, not 4.0; every digit that was given; with its unit."""
    digits = str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return f"{digits} {unit}" if unit else digits
