"""The documents that a tablet writes, as values."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.loop.camera import HEIGHT, WIDTH

JSON = dict[str, Any]
_FIXES = 10


@dataclass
class Form:
    """A filled-in form on the tablet, with what belongs to it. Ids without their type."""

    case: str
    task: str
    rev: str
    photos: list[str] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    tracks: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"inspection:{self.task}"


def document(kind: str, doc_id: str | None = None, /, **fields: Any) -> JSON:
    """A document of this type, with an id of its own if none is given."""
    return {"_id": f"{kind}:{doc_id or uuid.uuid4()}", "type": kind, "schema": 1, **fields}


def draft(task: str, checklist: Mapping[str, Any], answers: JSON) -> JSON:
    return document("inspection", task, task=task, checklist=dict(checklist), answers=answers, status="draft")


def photo(
    form: Form, code: str, photo_id: str, data: bytes, *, by: str, device: str, at: datetime, place: JSON
) -> JSON:
    return document(
        "photo",
        photo_id,
        task=form.task,
        item=code,
        by=by,
        device=device,
        taken_at=at.isoformat(),
        location=place,
        sha256=hashlib.sha256(data).hexdigest(),
        width=WIDTH,
        height=HEIGHT,
    )


def track(task: str, *, by: str, at: datetime, place: JSON) -> JSON:
    """From the gate to the switch room, one fix every ten seconds, the last one at `at`."""
    fixes = [
        {
            "lon": place["lon"] + 0.0001 * (step - _FIXES // 2),
            "lat": place["lat"],
            "accuracy_m": place["accuracy_m"],
            "at": (at - timedelta(seconds=10 * (_FIXES - step))).isoformat(),
        }
        for step in range(_FIXES)
    ]
    return document("track", by=by, task=task, datum="wgs84", fixes=fixes)
