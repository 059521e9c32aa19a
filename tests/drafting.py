"""Drafts in tests: a definition that lint has nothing against, and the steps that make it a version."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from checklists.model import Definition, NumberRange, Text
from tests.desk import JSON, MINI_FORM, Desk


def sound(version: int = 2, *, title: str = "two", name: str = "mini", most: float = 4.0) -> Definition:
    """A version of MINI_FORM, or of another checklist, whose reading has the range that lint asks for."""
    section = MINI_FORM.sections[0]
    *others, reading = section.items
    limited = replace(reading, range=NumberRange(0.0, 1000.0), limits=(replace(reading.limits[0], max=most),))
    items = (*others, limited)
    said = Text(zh=f"中文 {title}", en=title)
    return replace(MINI_FORM, id=name, version=version, title=said, sections=(replace(section, items=items),))


def body(definition: Definition) -> JSON:
    """The definition as a request brings it."""
    plain: JSON = msgspec.to_builtins(definition)
    return plain


def begin(desk: Desk, definition: Definition, *, by: str = "manager") -> str:
    """Begin a draft; its ETag."""
    answer = desk.ask("POST", "/checklists", json=body(definition), by=by)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["ETag"])


def step(desk: Desk, what: str, rev: str, *, by: str, name: str = "mini", **more: Any) -> str:
    """Review or publish; the draft's new ETag."""
    answer = desk.ask(
        "POST", f"/checklists/drafts/{name}/{what}", json=more, headers={"If-Match": rev}, by=by
    )
    assert answer.status_code == 200, answer.text
    return str(answer.headers["ETag"])


def published(desk: Desk, definition: Definition | None = None) -> Definition:
    """Have the manager write a version, and the administrator review and publish it."""
    definition = definition or sound()
    rev = begin(desk, definition)
    rev = step(desk, "review", rev, by="admin", name=definition.id)
    step(desk, "publish", rev, by="admin", name=definition.id)
    return definition
