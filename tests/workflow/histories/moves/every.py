"""What may be thrown at a case. A move draws what it needs from the history and gives its commands.

`anything` makes up a command of any kind. Where that hardly ever leads to something, add a move to the file
of the command's room and to that file's `MOVES`; one that stands there twice is twice as likely.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.workflow.histories.history import History
from tests.workflow.histories.moves import (
    anything,
    cases,
    driving,
    energization,
    fieldwork,
    meetings,
    notices,
    outside,
    switching,
    unsent,
)

MOVES: list[Callable[[History], None]] = [
    *anything.MOVES,
    *cases.MOVES,
    *fieldwork.MOVES,
    *notices.MOVES,
    *unsent.MOVES,
    *energization.MOVES,
    *driving.MOVES,
    *switching.MOVES,
    *meetings.MOVES,
    *outside.MOVES,
]
