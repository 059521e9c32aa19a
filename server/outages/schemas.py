"""The published JSON Schemas, made from the types: `python -m server.outages.schemas docs/schemas`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from server.outages.instance import INSTANCE_SCHEMA, Instance
from server.outages.plan import PLAN_SCHEMA, Plan

_TYPES: dict[str, type[msgspec.Struct]] = {INSTANCE_SCHEMA: Instance, PLAN_SCHEMA: Plan}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema by its name, which is what a document of it says in its field `schema`."""
    return {name: {"$schema": _DIALECT, "title": name, **_made(kind)} for name, kind in _TYPES.items()}


def _made(kind: type[msgspec.Struct]) -> dict[str, Any]:
    made: dict[str, Any] = msgspec.json.schema(kind)
    for component in made["$defs"].values():
        component["description"] = " ".join(component.get("description", "").split())
    # As JSON has it: the defaults are tuples.
    return dict(msgspec.json.decode(msgspec.json.encode(made)))


def write(folder: Path) -> None:
    """Write each schema into `folder` as `<name>.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        written = json.dumps(schema, ensure_ascii=False, indent=2)
        (folder / f"{name}.json").write_text(written + "\n", "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
