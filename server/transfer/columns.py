"""Which heading of a list is which field of an application, and what people write for its values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
import yaml

_BRACKETS = re.compile(r"[(（\[【].*?[)）\]】]")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: Literal[1]
    headings: dict[str, tuple[str, ...]]
    processes: dict[str, str]
    datums: dict[str, str]


@cache
def table() -> _File:
    text = (resources.files(__package__) / "columns.yaml").read_text("utf-8")
    return msgspec.convert(yaml.safe_load(text), _File)


@cache
def _by_heading() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, headings in table().headings.items():
        for heading in (name, name.replace("_", " "), name.rpartition(".")[2], *headings):
            known = found.setdefault(_plain(heading), name)
            if known != name and heading in headings:
                raise ValueError(f"columns.yaml: {heading!r} stands for {known} and for {name}")
    return found


@cache
def field_of(heading: str) -> str | None:
    """The field that a heading stands for, or None."""
    if heading in table().headings:
        return heading
    return _by_heading().get(_plain(heading))


def _plain(heading: str) -> str:
    return "".join(_BRACKETS.sub("", heading).split()).casefold()


def process_of(words: str) -> str:
    """A process by its own name or by what people call it."""
    return table().processes.get(words.removesuffix("业务").strip(), words.strip().casefold())


def datum_of(words: str) -> str:
    plain = words.strip().casefold()
    return table().datums.get(plain, plain.replace(" ", ""))
