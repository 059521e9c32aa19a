"""The first files of a new checklist: a form and a section of commented examples, which lint finds sound."""

from __future__ import annotations

import json
import re
from pathlib import Path
from string import Template

from checklists.model import Stage, Text

__all__ = ["UnusableName", "starter_files"]

_FOLDER = Path(__file__).with_name("starter")
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LONGEST_NAME = 60


class UnusableName(ValueError):
    """A checklist cannot be called that."""


def starter_files(checklist_id: str, stage: Stage, title: Text) -> dict[str, str]:
    """What stands in each file, by its path below the folder of definitions. Raises UnusableName."""
    if not _NAME.fullmatch(checklist_id) or len(checklist_id) > _LONGEST_NAME:
        raise UnusableName(
            f"{checklist_id[:_LONGEST_NAME]!r} is no name for a checklist; use small letters, digits and "
            f"single hyphens, at most {_LONGEST_NAME} characters, such as kiosk-inspection"
        )
    section = f"{checklist_id}-site"
    letters = [part[0] for part in checklist_id.split("-") if part[0].isalpha()]
    values = {
        "id": json.dumps(checklist_id),
        "stage": stage,
        # A JSON text is a YAML text too, whatever it holds.
        "title_zh": json.dumps(title.zh, ensure_ascii=False),
        "title_en": json.dumps(title.en, ensure_ascii=False),
        "section": section,
        "prefix": "".join([*letters, "x", "x"][:2]).upper(),
    }
    paths = {"form.yaml": f"{checklist_id}.yaml", "section.yaml": f"sections/{section}.yaml"}
    return {
        path: Template((_FOLDER / name).read_text(encoding="utf-8")).substitute(values)
        for name, path in paths.items()
    }
