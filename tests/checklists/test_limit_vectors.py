"""The vectors of an organisation's limits: what holds on which day, here and on the tablet alike.

Node reads the same file in `web/engine/test/limits.test.mjs`.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from checklists.model import Definition
from checklists.overrides import Override, apply

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "limits" / "in_force.json").read_text("utf-8")
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["name"]))
def test_what_holds_is_what_the_vector_says(vector: dict[str, Any]) -> None:
    definition = msgspec.convert(vector["definition"], Definition)
    limits = msgspec.convert(vector["limits"], list[Override])
    held = apply(definition, limits, vector["organisation"], date.fromisoformat(vector["day"]))
    assert {item.code: list(msgspec.to_builtins(item.limits)) for item in held.items} == vector["expected"]
