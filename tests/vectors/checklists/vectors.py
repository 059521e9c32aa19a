"""Vectors: forms with the judgement that both evaluators, here and in web/engine, must come to.

A file is a list of `{name, definition, facts, answers, …, expected}`, and what else `evaluate` takes.
`definition` is a definition as its document holds it, or the `id@version` of one in
checklists/definitions/published; then `expected.items` leave out what they only repeat of the definition.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from checklists import Definition, evaluate, load_definitions
from tests.vectors.checklists.forms import Case

__all__ = [
    "FOLDER",
    "LIBRARY",
    "PUBLISHED",
    "REPEATED",
    "ROOT",
    "files",
    "judged",
    "judged_by_node",
    "read",
    "write",
]

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[2]
LIBRARY = load_definitions()
PUBLISHED = ROOT / "checklists/definitions/published"
#: What a judged item repeats of its definition.
REPEATED = ("text", "remedy", "type", "unit", "source", "certainty")
_OPTIONS = ("only", "context", "superseded", "visit", "photos")


def definition_of(case: Case) -> Definition:
    named = case["definition"]
    if not isinstance(named, str):
        return msgspec.convert(named, Definition)
    checklist, _, version = named.partition("@")
    return LIBRARY.get(checklist, int(version))


def judged(case: Case) -> dict[str, Any]:
    """The judgement of this side, as JSON."""
    options = {name: case[name] for name in _OPTIONS if name in case}
    judgement = evaluate(definition_of(case), case["facts"], case["answers"], **options)
    return _brief(case, json.loads(json.dumps(msgspec.to_builtins(judgement))))


def judged_by_node(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """The judgements of web/engine, all from one process."""
    whole = [{**case, "definition": msgspec.to_builtins(definition_of(case))} for case in cases]
    done = subprocess.run(
        ["node", "web/engine/batch.mjs"],
        cwd=ROOT,
        input=json.dumps(whole).encode(),
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return [_brief(case, found) for case, found in zip(cases, json.loads(done.stdout), strict=True)]


def _brief(case: Case, judgement: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(case["definition"], str):
        return judgement
    items = (
        {name: part for name, part in item.items() if name not in REPEATED} for item in judgement["items"]
    )
    return {**judgement, "items": list(items)}


def files() -> list[Path]:
    return sorted(FOLDER.glob("*.json"))


def read(path: Path) -> list[dict[str, Any]]:
    found = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(found, list)
    return found


def write(theme: str, vectors: Iterable[Mapping[str, Any]]) -> None:
    """One vector a line. Halves of surrogate pairs stand escaped, because UTF-8 has none."""
    lines = ",\n".join(json.dumps(vector, ensure_ascii=False) for vector in vectors)
    escaped = re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", lines)
    (FOLDER / f"{theme}.json").write_text(f"[\n{escaped}\n]\n", encoding="utf-8")
