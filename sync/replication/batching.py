"""How much travels at once. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sync.store import Document

T = TypeVar("T")


@dataclass
class Batch:
    """Documents waiting for one `_bulk_docs`, at most `max_docs` and about `max_bytes` of JSON.

    A document larger than that makes a batch of its own.
    """

    max_docs: int
    max_bytes: int
    docs: list[Document] = field(default_factory=list)
    size: int = 0

    def fits(self, size: int) -> bool:
        """Whether one more document of `size` bytes may join."""
        return not self.docs or (len(self.docs) < self.max_docs and self.size + size <= self.max_bytes)

    def add(self, doc: Document, size: int) -> None:
        self.docs.append(doc)
        self.size += size

    def take(self) -> list[Document]:
        """Everything that waits; the batch is empty then."""
        taken, self.docs, self.size = self.docs, [], 0
        return taken


def halves(items: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    middle = (len(items) + 1) // 2
    return items[:middle], items[middle:]


def shown_ancestors(ancestors: Sequence[str], most: int) -> list[str]:
    """The `most` ancestors of the highest generation: a conflicted document may have more than fit a URL.

    To leave one out costs at most an attachment sent again.
    """
    return sorted(ancestors, key=lambda rev: int(rev.partition("-")[0]), reverse=True)[:most]
