"""Every code that this room and geometry hand out has words in both languages; no words are orphaned."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import geo
import server.evidence
from server.texts import LANGUAGES

GEO, EVIDENCE = (Path(str(room.__file__)).parent for room in (geo, server.evidence))
ROOMS = {"geo": GEO, "network": GEO / "network", "evidence": EVIDENCE}
TEXTS = Path(server.evidence.__file__).parent.parent / "texts"
PREFIXES = {
    "geo": (
        *("coordinate_", "datum_", "fix_", "fence_", "presence_", "track_"),
        *("attendance_", "task_site_", "visit_without_"),
    ),
    "network": ("network_", "pandapower_"),
    "evidence": ("photo_",),
}


def emitted(room: str) -> set[str]:
    source = "".join(path.read_text("utf-8") for path in sorted(ROOMS[room].rglob("*.py")))
    return {word for word in re.findall(r'"([a-z_]+)"', source) if word.startswith(PREFIXES[room])}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("room", ROOMS)
def test_codes_and_texts_match(room: str, lang: str) -> None:
    texts = yaml.safe_load((TEXTS / lang / f"{room}.yaml").read_text("utf-8"))
    assert set(texts) == emitted(room)


@pytest.mark.parametrize("room", ROOMS)
def test_both_languages_use_the_same_values(room: str) -> None:
    first, second = (yaml.safe_load((TEXTS / lang / f"{room}.yaml").read_text("utf-8")) for lang in LANGUAGES)
    for code, words in first.items():
        assert set(re.findall(r"{(\w+)}", words)) == set(re.findall(r"{(\w+)}", second[code])), code
