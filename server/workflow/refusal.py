"""A refusal: the one way in which a rule of the trade says no."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

RefusalKind = Literal["conflict", "forbidden", "invalid", "not_found"]


class Refusal(Exception):
    """A command that is not carried out; the case stays exactly as it was.

    `code` names the rule and is a key of the text catalogue, which is filled in with `params` (JSON values).
    `kind` tells doors how to answer: conflict 409, forbidden 403, invalid 422, not_found 404.
    `facts` names what would have to change for another answer: `gate:<id>`, `notice:<n>`, `task:<id>`,
    `fact:<name>`, `photo:<id>`, `stage:<name>`, `role:<role>`, `person:another`, `field:<name>`.
    """

    def __init__(
        self,
        code: str,
        params: Mapping[str, Any] | None = None,
        *,
        kind: RefusalKind = "conflict",
        facts: tuple[str, ...] = (),
    ) -> None:
        super().__init__(code)
        self.code = code
        self.params: dict[str, Any] = dict(params or {})
        self.kind: RefusalKind = kind
        self.facts = facts

    def __reduce__(self) -> tuple[Any, ...]:
        """For other processes: an exception is made again from its arguments, and these have names."""
        return partial(Refusal, kind=self.kind, facts=self.facts), (self.code, self.params)

    def __str__(self) -> str:
        return f"{self.code} {self.params}" if self.params else self.code
