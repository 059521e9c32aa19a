"""Projecting many cases: read as they lie on disk, in batches, by one process or by several."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from checklists.loader import fact_definitions
from server.casework.auditing import cases_of
from server.casework.projection import TRACK, project_photos, project_tracks, rows_of
from server.names import CASE_DOCUMENT, Names
from server.ownrules import rules_in_force
from server.readmodel.database import ReadModel
from server.services import READ_MODEL, Services, system_clock
from server.settings import Settings
from server.storage import open_store
from server.workflow.documents import glanced
from server.workflow.inforce import InForce
from server.workflow.policy import load_policy
from server.workflow.rebase import in_conflict
from sync.store import DocumentStore

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

__all__ = ["Projected", "Projector", "rebuild"]

log = structlog.get_logger()

#: How many cases are read, and written, at a time.
AT_ONCE = 250
#: Of so few databases the cases are projected before another process has begun.
_FEW = 4 * AT_ONCE


@dataclass(frozen=True)
class Projected:
    """What became of a batch: how many cases and photos are shown, and the cases that somebody has to settle
    before they can be, by id."""

    cases: int
    photos: int
    left: tuple[str, ...] = ()


class Projector:
    """Shows cases in the lists as they stand in the store. `writing` is held while the lists are written."""

    def __init__(
        self,
        store: DocumentStore,
        names: Names,
        readmodel: ReadModel,
        rules: InForce,
        writing: AbstractContextManager[object] | None = None,
    ) -> None:
        self._store, self._names, self._readmodel, self._rules = store, names, readmodel, rules
        self._writing = nullcontext() if writing is None else writing

    def project(self, case_ids: Sequence[str]) -> Projected:
        """Project these cases with their photos."""
        rows, left, shown = [], [], []
        by_database = {self._names.forms(case_id): case_id for case_id in case_ids}
        for stored in self._store.stored(list(by_database), CASE_DOCUMENT):
            case_id = by_database.pop(stored.db)
            case = glanced(stored.body)
            if stored.conflicting or in_conflict(case):
                left.append(case_id)
            else:
                rows.append(rows_of(case, stored.rev, self._rules))
                shown.append(case_id)
        for case_id in by_database.values():
            # Opening it was cut off before its document was written; nobody was told of it.
            log.warning("case_without_document", case=case_id)
        media = {self._names.media(case_id): case_id for case_id in shown}
        with_photos = self._store.having(list(media), "photo-receipt:")
        forms = {self._names.forms(case_id): case_id for case_id in shown}
        with_tracks = self._store.having(list(forms), TRACK)
        with self._writing:
            self._readmodel.put_cases(rows)
            photos = sum(
                project_photos(self._readmodel, self._store, self._names, media[name]) for name in with_photos
            )
            for name in with_tracks:
                project_tracks(self._readmodel, self._store, self._names, forms[name])
        return Projected(len(rows), photos, tuple(left))


def batches(store: DocumentStore, names: Names, case_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """The cases in batches of a size that is read at once, in the order in which that is quick."""
    by_database = {names.forms(case_id): case_id for case_id in case_ids}
    case_ids = [by_database[name] for name in store.reading_order([*by_database], CASE_DOCUMENT)]
    return (case_ids[at : at + AT_ONCE] for at in range(0, len(case_ids), AT_ONCE))


def rebuild(made: Services, *, processes: int = 1) -> tuple[int, int]:
    """Forget the lists and project every case and judged photo anew; how many of each.

    With several `processes`, each opens the store for itself and does its share.
    """
    databases = set(made.store.database_names())
    if processes == 1 or len(databases) <= _FEW:
        made.readmodel.clear()
        return made.cases.project_all()
    # Only for who rebuilds: every web process reads this page.
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    cases = photos = 0
    with _pool(made, processes) as pool, ThreadPoolExecutor(1) as beside:
        # Emptying the lists of a county takes seconds, as beginning a process does and finding the order.
        emptied = beside.submit(made.readmodel.clear)
        for _ in range(processes):
            pool.submit(_begun)
        to_do = [*batches(made.store, made.names, cases_of(databases, made.names))]
        emptied.result()
        # What was opened meanwhile may have been shown before that, and forgotten.
        opened = set(made.store.database_names()) - databases
        to_do += batches(made.store, made.names, cases_of(opened, made.names))
        found_by_batch = pool.map(_project, to_do)
        made.cases.show_beside()
        for found in found_by_batch:
            photos += found.photos + sum(map(made.cases.project_settled, found.left))
            cases += found.cases + len(found.left)
    made.readmodel.finish(made.cases.rules.digest)
    return cases, photos


def _pool(made: Services, processes: int) -> ProcessPoolExecutor:
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415
    from multiprocessing import get_context  # noqa: PLC0415

    # Begun anew and not forked: connections and threads do not survive that.
    context = get_context("spawn")
    return ProcessPoolExecutor(
        processes, mp_context=context, initializer=_begin, initargs=(made.settings, context.Lock())
    )


_ours: list[Projector] = []


def _begin(settings: Settings, one_writes: AbstractContextManager[object]) -> None:
    """Open everything for the life of this process."""
    rules = rules_in_force(settings, load_policy(fact_names=fact_definitions().keys()))
    store = open_store(settings, system_clock)
    readmodel = ReadModel(settings.data_dir / READ_MODEL, filling=True)
    _ours.append(Projector(store, Names(settings), readmodel, rules, one_writes))
    # Cases are trees: what is left of one goes without being looked for, and looking takes a twentieth.
    gc.freeze()
    gc.disable()


def _begun() -> None:
    """Nothing: what is asked first has a process begin."""


def _project(case_ids: Sequence[str]) -> Projected:
    return _ours[0].project(case_ids)
