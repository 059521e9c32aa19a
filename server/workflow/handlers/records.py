"""What records of what happened outside have in common: an id of the caller's own, sent once or again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from server.workflow.refusal import Refusal

V = TypeVar("V", bound=msgspec.Struct)


def known_already(records: Mapping[str, V], given: V) -> bool:
    """Whether this record is there, whenever and by whomever it was sent. Refuses another of its id."""
    record: Any = given
    known: Any = records.get(record.id)
    if known is None:
        return False
    if replace(record, recorded_at=known.recorded_at, recorded_by=known.recorded_by) != known:
        raise Refusal("record_exists", {"id": record.id}, facts=("field:id",))
    return True
