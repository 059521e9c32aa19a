"""One of several workers, each on a server of its own: its share of the databases, and its own read model.

Taking in is shared, each case with one worker; the lists of a server are filled on that server, from every
case, by a follower that only reads.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from server.casework.projection import named_tracks
from server.names import CASE_DOCUMENT, new_id
from server.services import Services, lease_terms
from sync.follow import Follower
from sync.lease import Leases
from sync.slots import Slots, slot_of
from sync.store import Change, ChangeBatch, NotFound

if TYPE_CHECKING:
    from server.intake.intake import Intake

_READMODEL_ID = "readmodel.id"


class Sharing:
    """The share of this process. `follower` must be set before `run`; it looks again when the share grows."""

    def __init__(self, made: Services, intake: Intake, stop: threading.Event) -> None:
        settings = made.settings
        self._made = made
        self._intake = intake
        self._stop = stop
        self._count = settings.worker_slots
        self.follower: Follower | None = None
        leases = Leases(made.store, made.names.registry, lease_terms(settings), made.clock)
        self._slots = Slots(
            made.store,
            made.names.registry,
            leases,
            worker=new_id(),
            count=self._count,
            seconds=settings.lease_seconds,
            clock=made.clock,
            on_gain=self._on_gain,
        )

    def wants(self, database: str) -> bool:
        """Whether this worker takes a database in, at this moment."""
        return self._intake.wants(database) and self._slots.holds(self._key(database))

    def holds(self, key: str) -> bool:
        """Whether what goes by this key is this worker's, at this moment."""
        return self._slots.holds(key)

    def threads(self) -> list[threading.Thread]:
        """What runs beside the follower until `stop`: renewing the share, and filling the read model."""
        readmodel = Follower(
            self._made.store,
            f"readmodel-{_folder_id(self._made.settings.data_dir)}",
            self._is_shown,
            self._show,
            include_docs=False,
        )
        return [
            threading.Thread(target=self._slots.run, args=(self._stop,), name="slots"),
            threading.Thread(target=readmodel.run, args=(self._stop,), name="readmodel"),
        ]

    def _key(self, database: str) -> str:
        """A case's two databases go together: whoever takes its photos in takes its forms in."""
        parsed = self._made.names.parse(database)
        return database if parsed is None else parsed[1]

    def _on_gain(self, gained: frozenset[int]) -> None:
        if self.follower is not None:
            self.follower.look_again()
        threading.Thread(target=self._tell, args=(gained,), name="telling", daemon=True).start()

    def _tell(self, gained: frozenset[int]) -> None:
        """What the worker before still had to tell when it died is told now."""
        for case_id in self._intake.cases.ids():
            if self._stop.is_set():
                return
            if slot_of(case_id, self._count) in gained:
                self._intake.teller.mark([case_id])

    def _is_shown(self, database: str) -> bool:
        parsed = self._made.names.parse(database)
        shown = parsed is not None and parsed[0] in {"case", "media"}
        return shown or database == self._made.names.registry

    def _show(self, database: str, batch: ChangeBatch) -> None:
        ids = [change.id for change in batch.results]
        if database == self._made.names.registry:
            self._made.listing.show(ids)
            return
        parsed = self._made.names.parse(database)
        if parsed is None:
            return
        kind, case_id = parsed
        if kind == "media" and any(map(_shows, batch.results)):
            self._made.cases.project_photos(case_id)
        if kind == "case" and (tracks := named_tracks(ids)):
            self._made.cases.project_tracks(case_id, tracks)
        if CASE_DOCUMENT in ids:
            try:
                self._made.cases.project(case_id)
            except NotFound:
                return  # it is being opened, and its document will be a change of its own


def _shows(change: Change) -> bool:
    """Whether lists may show something else of photos: one was judged, or its original was moved. As tablets
    write it, a photo has one revision, and no list shows it before its receipt is there."""
    if change.id.startswith("photo:"):
        return not all(rev.startswith("1-") for rev in change.revs)
    return change.id.startswith("photo-receipt:")


def _folder_id(folder: Path) -> str:
    """A name for this server's read model, kept with it: checkpoints of another would skip what it lacks."""
    path = folder / _READMODEL_ID
    if not path.exists():
        path.write_text(new_id(), "ascii")
    return path.read_text("ascii").strip()
