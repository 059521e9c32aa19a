"""What the doctor has to say: one thing looked at, and how it was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from server.texts import text

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `check` names it; the text of `doctor.<check>.<outcome>` tells what to mend."""

    level: Level
    check: str
    outcome: str
    params: dict[str, Any] = field(default_factory=dict)

    def words(self, lang: str) -> str:
        return text(f"doctor.{self.check}.{self.outcome}", lang, **self.params)
