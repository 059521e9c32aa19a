"""Before and after: the photos of a notice's items, paired with those that show what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec

from server.workflow.rectification import Notice, NoticeItem
from server.workflow.vocabulary import ItemState, Severity, Text, Verdict

__all__ = ["After", "ItemPairs", "pairs_of"]


class After(msgspec.Struct, frozen=True, kw_only=True):
    """Photos of an item that came in one round: with the customer's answer, or from a re-inspection with its
    verdict. Those of before are left out, whoever names them again."""

    round: int
    kind: Literal["answer", "reinspection"]
    at: datetime | None
    by: str
    verdict: Verdict | None = None
    photos: tuple[str, ...] = ()


class ItemPairs(msgspec.Struct, frozen=True, kw_only=True):
    """An item of a notice as it was found and as it was shown since, the earliest round first."""

    code: str
    text: Text
    severity: Severity
    state: ItemState
    before: tuple[str, ...]
    after: tuple[After, ...]

    @property
    def shown_after(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(photo for one in self.after for photo in one.photos))

    @property
    def lacking(self) -> tuple[Literal["before", "after"], ...]:
        """What there is no photo of."""
        sides: tuple[tuple[Literal["before", "after"], tuple[str, ...]], ...] = (
            ("before", self.before),
            ("after", self.shown_after),
        )
        return tuple(side for side, photos in sides if not photos)


def pairs_of(notice: Notice) -> tuple[ItemPairs, ...]:
    """Every item of a notice, in its order."""
    return tuple(
        ItemPairs(
            code=item.code,
            text=item.result.text,
            severity=item.severity,
            state=item.state,
            before=tuple(dict.fromkeys(item.result.photos)),
            after=tuple(
                sorted(_after(notice, item), key=lambda one: (one.round, one.kind == "reinspection"))
            ),
        )
        for item in notice.items
    )


def _in_turn(one: After) -> tuple[int, bool]:
    return one.round, one.kind == "reinspection"


def _after(notice: Notice, item: NoticeItem) -> Iterator[After]:
    known = set(item.result.photos)

    def new(photos: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(photo for photo in photos if photo not in known))

    for answer in notice.answers:
        if item.code in answer.items:
            yield After(
                round=answer.round,
                kind="answer",
                at=answer.given,
                by=answer.answered_by,
                photos=new(answer.items[item.code].photos),
            )
    for seen in item.rounds:
        yield After(
            round=seen.round,
            kind="reinspection",
            at=seen.at,
            by=seen.by or seen.submitted_by,
            verdict=seen.verdict,
            photos=new(seen.photos),
        )
