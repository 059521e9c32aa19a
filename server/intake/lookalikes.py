"""Compares each verified photo with every other one, and keeps which look alike.

It flags and refuses nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import structlog

from server.readmodel.looks import looks_at, looks_to_compare, put_lookalikes, words_after
from server.services import Services
from sync.store import NotFound

if TYPE_CHECKING:
    from server.evidence.alike import AlikeLimits, LookIndex

log = structlog.get_logger()

#: How many photos are compared at a time: the one that has just come, and of those that a rebuild left.
BATCH = 4


class Lookalikes:
    """The index of one process, read from the read model when first needed and caught up each time."""

    def __init__(self, made: Services) -> None:
        self._readmodel = made.readmodel
        self._cases = made.cases
        self._index: LookIndex | None = None
        self._one_at_a_time = threading.Lock()

    def compare(self, at_most: int = BATCH) -> int:
        """Compare photos that were not compared yet, the latest first; returns how many.

        Whoever comes later sees the other's look, so two processes at once miss no pair.
        """
        with self._one_at_a_time:
            waiting = looks_to_compare(self._readmodel, at_most)
            if not waiting:
                return 0
            index = self._caught_up()
            for one in waiting:
                alike = self._alike(index, one)
                put_lookalikes(self._readmodel, one["seq"], alike)
                if alike:
                    log.debug(
                        "photo_looks_like_others", case=one["case_id"], photo=one["photo"], others=len(alike)
                    )
            return len(waiting)

    def _caught_up(self) -> LookIndex:
        if self._index is None:
            from server.evidence.alike import LookIndex  # noqa: PLC0415  brings numpy, for photos alone

            self._index = LookIndex()
        for numbers, words in words_after(self._readmodel, self._index.last_key):
            self._index.extend(numbers, words)
        return self._index

    def _alike(self, index: LookIndex, one: Mapping[str, Any]) -> dict[int, int]:
        from server.evidence.alike import are_alike  # noqa: PLC0415

        limits = self._limits(one["case_id"])
        near = looks_at(self._readmodel, index.near(one["look"], limits))
        others = [other for other in near if not _same_view(one, other)]
        alike = are_alike(one["look"], [other["look"] for other in others], limits)
        return {
            other["seq"]: percent for other, percent in zip(others, alike, strict=True) if percent is not None
        }

    def _limits(self, case_id: str) -> AlikeLimits:
        from server.evidence.alike import AlikeLimits  # noqa: PLC0415

        try:
            organisation = self._cases.load(case_id).case.organisation
        except NotFound:
            return AlikeLimits()
        percent = self._cases.policy(organisation).photo_alike_percent
        return AlikeLimits(percent=percent, plain_percent=max(percent, AlikeLimits().plain_percent))


def _same_view(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two photos are of one item of one task, of which several may well be taken in a row."""
    return all(one[field] == other[field] for field in ("case_id", "task", "item"))
