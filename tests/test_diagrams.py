"""The drawn state diagrams are those of the tables, whole, and the same each time."""

from __future__ import annotations

from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import pytest

from server.diagrams import draw, file_name
from server.texts import both
from server.workflow.processes import process
from server.workflow.vocabulary import ProcessName

DOCS = Path(__file__).parents[1] / "docs"
NAMES = get_args(ProcessName)


@pytest.mark.parametrize("name", NAMES)
def test_the_drawing_in_the_docs_is_up_to_date(name: ProcessName) -> None:
    assert (DOCS / file_name(name)).read_text("utf-8") == draw(name), "run: make diagrams"


@pytest.mark.parametrize("name", NAMES)
def test_the_drawing_shows_every_stage_and_every_way(name: ProcessName) -> None:
    drawing = ElementTree.fromstring(draw(name))
    words = "\n".join(text.text or "" for text in drawing.iter("{http://www.w3.org/2000/svg}text"))
    table = process(name)
    for stage, row in table.stages.items():
        assert f"{row.state}" in words
        assert both(f"stage.{stage}")["zh-CN"] in words
    ways = sum(len(set(row.moves) - {"cancelled"}) for row in table.stages.values())
    arrows = [one for one in drawing.iter("{http://www.w3.org/2000/svg}path") if one.get("marker-end")]
    assert len(arrows) == ways + 1, "and the record of energization"
