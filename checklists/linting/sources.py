"""Sources: that each names a standard of the catalogue, a document, or says that there is none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import msgspec

from checklists.linting.complaint import Complaint
from checklists.linting.walk import placed_items
from checklists.model import Definition, Text
from checklists.shape import shaped
from checklists.yamlfile import read_yaml

__all__ = ["Standard", "lint_sources", "sources_of", "standards"]

_FILE = Path(__file__).resolve().parent.parent / "standards.yaml"
_EDITION = r"(?:-[0-9]{4})?"
_CLAUSE = r"(?: [0-9]+(?:\.[0-9]+)*(?:-[0-9]+(?:\.[0-9]+)*)?| 第[0-9一二三四五六七八九十百]+条)?"
#: Characters in the name of one source.
_LONGEST = 200
_DOCUMENT = re.compile(r"《[^《》]+》.*|.*〔[0-9]{4}〕[^;；]*号.*")


class Standard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A standard or kind of source, as `source` names it. With `free`, words of one's own may follow."""

    name: str
    title: Text
    free: bool = False


@cache
def standards() -> Mapping[str, Standard]:
    """The catalogue, by name."""
    raw, marks = read_yaml(_FILE, _FILE.name)
    return MappingProxyType({one.name: one for one in shaped(raw, tuple[Standard, ...], marks)})


@cache
def _known() -> re.Pattern[str]:
    named = (
        re.escape(one.name) + ("(?: .+)?" if one.free else _EDITION + _CLAUSE) for one in standards().values()
    )
    return re.compile("|".join(named))


def sources_of(source: str) -> list[str]:
    """The single sources that `source` names."""
    return [part.strip() for part in re.split("[;；]", source)]


def lint_sources(definition: Definition) -> Iterator[Complaint]:
    """Complaints about sources that nobody could look up."""
    for placed in placed_items(definition):
        for name in sources_of(placed.item.source):
            if not _is_known(name):
                yield placed.complain("source_unknown", "source", name=name[:80])


def _is_known(name: str) -> bool:
    if len(name) > _LONGEST:
        return False
    return bool(_known().fullmatch(name) or _DOCUMENT.fullmatch(name))
