"""Work that could not be sent, and what is left of conflicts."""

from __future__ import annotations

from typing import Any

from server.workflow import commands as c
from tests.workflow.builders import INTAKE
from tests.workflow.histories.history import FIELD, History


def quarantine(h: History) -> None:
    h.give(
        c.QuarantineUnsent(
            unsent_id="u-1",
            database="outbox",
            doc_id="inspection:t-1",
            doc_rev="1-q",
            by=h.pick(FIELD),
            reason="lost",
        ),
        INTAKE,
    )


def settle_quarantine(h: History) -> None:
    decision: Any = h.pick(["accept", "reject"])
    h.give(c.SettleQuarantine(unsent_id="u-1", decision=decision, reason="x"))


def take_quarantined(h: History) -> None:
    h.give(c.TakeQuarantined(unsent_id="u-1"), INTAKE)


def reopen_quarantine(h: History) -> None:
    h.give(c.ReopenQuarantine(unsent_id="u-1"), INTAKE)


def settle_conflict(h: History) -> None:
    h.give(c.SettleConflict(), INTAKE)


MOVES = [quarantine, quarantine, settle_quarantine, settle_quarantine, take_quarantined]
MOVES += [reopen_quarantine, settle_conflict]
