"""A refusal: how the life of versions and of an organisation's limits says no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

__all__ = ["ChecklistRefused", "RefusalKind"]

RefusalKind = Literal["conflict", "forbidden", "invalid"]


class ChecklistRefused(Exception):
    """What was asked is not done, and nothing changed.

    `code` is a key of the text catalogue, which is filled in with `params` (JSON values). `facts` name what
    would have to change for another answer: `person:another`, `review`, `definition`, `version:<n>`,
    `draft:<id>`, `limit:<id>`, `field:<name>`. `kind` tells doors how to answer: `conflict` for what cannot
    be now, `forbidden` for what this person may not, `invalid` for what can never be.
    """

    def __init__(
        self,
        code: str,
        params: Mapping[str, Any] | None = None,
        *,
        facts: tuple[str, ...],
        kind: RefusalKind = "conflict",
    ) -> None:
        super().__init__(code)
        self.code = code
        self.params: dict[str, Any] = dict(params or {})
        self.facts = facts
        self.kind: RefusalKind = kind
