"""The worker's rounds: originals of cases that are long over move by themselves, so much at a time."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import structlog

from server.casework.moving import Item, Mover, NoStorage
from server.casework.usage import organisations_of
from server.readmodel.originals import cases_with_originals
from sync.store import NotFound, StoreError, never

if TYPE_CHECKING:
    from server.services import Services

__all__ = ["Rounds", "keep_moving"]

log = structlog.get_logger()


class Rounds:
    """Rounds over the cases. Each goes on behind the last case of the one before, so that photos that must
    stay hold up no others for ever. `ours` says which cases this worker looks after."""

    def __init__(self, made: Services, ours: Callable[[str], bool] = lambda _case: True) -> None:
        self._made = made
        self._mover = Mover(made)
        self._ours = ours
        self._behind = ""

    def run_once(self, stopping: Callable[[], bool] = never) -> Iterator[Item]:
        """Move originals until there are no more, or a round's bytes are used up. Raises StoreError."""
        left = self._made.settings.originals_round_bytes
        cases = sorted(self.due())
        ahead = [one for one in cases if one > self._behind]
        for case_id in [*ahead, *cases[: len(cases) - len(ahead)]]:
            if left <= 0 or stopping():
                return
            self._behind = case_id
            try:
                case = self._made.cases.load(case_id).case
            except NotFound:
                continue
            if self._mover.waits_for(case) is None:
                for item in self._mover.move(case, most=left, stopping=stopping):
                    left -= item.bytes
                    yield item

    def due(self) -> Iterator[str]:
        """This worker's cases whose originals have waited long enough, as the lists have it."""
        for organisation in organisations_of(self._made.readmodel):
            days = self._made.cases.policy(organisation).originals_days
            if days:
                before = (self._made.clock() - timedelta(days=days)).astimezone(UTC)
                found = cases_with_originals(self._made.readmodel, organisation, before)
                yield from (case_id for case_id in found if self._ours(case_id))


def keep_moving(made: Services, stop: threading.Event, ours: Callable[[str], bool] = lambda _: True) -> None:
    """Go round as often as the settings say, until `stop`; nothing where they name no object storage."""
    try:
        rounds = Rounds(made, ours)
    except NoStorage:
        return
    while not stop.is_set():
        try:
            told: Counter[str] = Counter()
            for item in rounds.run_once(stop.is_set):
                told[item.outcome] += 1
                if item.reason:
                    log.warning("original_stays", case=item.case, photo=item.photo, reason=item.reason)
            if told:
                log.info("originals_moved", **told)
        except StoreError as error:
            log.warning("originals_round_failed", error=error.error, reason=error.reason)
        except Exception:  # nothing waits for it, and without it originals only stay where they are
            log.exception("originals_round_crashed")
        stop.wait(made.settings.originals_round_seconds)
