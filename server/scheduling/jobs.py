"""What plans and enquiries have in common as jobs: taken by one worker, done in a process of its own that may
die without harm, and written on for as long as they are that worker's."""

from __future__ import annotations

import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Generic

from msgspec.structs import replace

from server.scheduling.claims import Job, begin, is_free
from server.scheduling.confined import ORDER, RESULT, Wish, confined
from server.scheduling.turns import work_through


@dataclass(frozen=True, kw_only=True)
class JobTerms:
    """What a job may take. One of which nothing was heard for `abandoned_seconds` is begun anew, `attempts`
    times at most."""

    memory_bytes: int
    beat_seconds: float
    abandoned_seconds: float
    attempts: int
    #: How often it is looked for jobs that nobody told of.
    pause_seconds: float


class Jobs(ABC, Generic[Job]):
    """Does what is queued, one at a time. Run it in a thread; `wake` it when there is something.

    `module` does it in the child; `kind` is what it is called in the log and in the spool's folder.
    """

    module: str
    kind: str

    def __init__(self, terms: JobTerms, clock: Callable[[], datetime], spool_dir: Path) -> None:
        self._job_terms = terms
        self._clock = clock
        self._spool_dir = spool_dir
        self._woken = threading.Event()

    @abstractmethod
    def _known(self, now: datetime) -> Iterable[Job]:
        """Every job, whatever its state; the one that waits longest first."""

    @abstractmethod
    def _put(self, job: Job, change: Callable[[Job], Job]) -> Job:
        """Change a job as it lies in the registry; as it is then."""

    @abstractmethod
    def _order(self, job: Job) -> bytes:
        """What the child is to do."""

    @abstractmethod
    def _seconds(self, job: Job) -> float:
        """How long the child may be at it."""

    @abstractmethod
    def _finished(self, job: Job, result: bytes) -> Callable[[Job], Job]:
        """What becomes of the job with what the child found."""

    def _heard(self, known: Job, _line: bytes | None) -> Job:
        """The job with the progress that the child told last, if it told any."""
        return known

    def _to_end(self, _known: Job) -> bool:
        """Whether somebody wants the child to end with what it has."""
        return False

    def wake(self) -> None:
        """Some job was changed."""
        self._woken.set()

    def run(self, stop: threading.Event) -> None:
        """Do them until `stop`; what fails is told and tried again later."""
        work_through(
            self.run_once,
            stop=stop,
            woken=self._woken,
            pause_seconds=self._job_terms.pause_seconds,
            name=self.kind,
        )

    def run_once(self, stop: threading.Event | None = None) -> bool:
        """Do the job that waits longest; False if none does."""
        now = self._clock()
        for job in self._known(now):
            if self._free(job, now):
                taken = self._take(job, now)
                if taken is not None:
                    self._do(taken, stop or threading.Event())
                    return True
        return False

    def _free(self, job: Job, now: datetime) -> bool:
        return is_free(job, now, self._job_terms.abandoned_seconds)

    def _take(self, job: Job, now: datetime) -> Job | None:
        """The job as ours; None where somebody was faster, or it has died too often."""

        def take(known: Job) -> Job:
            return begin(known, now, self._job_terms.attempts) if self._free(known, now) else known

        taken = self._put(job, take)
        return taken if taken.state == "running" and taken.beat_at == now else None

    def _do(self, job: Job, stop: threading.Event) -> None:
        with tempfile.TemporaryDirectory(dir=self._spool_dir, prefix=f"{self.kind}-") as folder:
            (Path(folder) / ORDER).write_bytes(self._order(job))
            fault = self._watched(job, Path(folder), stop)
            if stop.is_set():
                self._write_on(job, lambda known: replace(known, state="queued", begun=known.begun - 1))
            elif fault:
                self._write_on(job, lambda known: replace(known, state="failed", fault=fault))
            else:
                self._write_on(job, self._finished(job, (Path(folder) / RESULT).read_bytes()))

    def _watched(self, job: Job, folder: Path, stop: threading.Event) -> str:
        """Let the child work; why nothing came of it, or nothing."""

        def beat(line: bytes | None) -> Wish:
            now = self._clock()
            told = self._write_on(job, lambda known: self._heard(replace(known, beat_at=now), line))
            if not _still(told, job):
                return "leave"
            return "end" if self._to_end(told) else "on"

        return confined(
            self.module,
            folder,
            memory_bytes=self._job_terms.memory_bytes,
            seconds=self._seconds(job),
            beat_seconds=self._job_terms.beat_seconds,
            stop=stop,
            beat=beat,
        )

    def _write_on(self, job: Job, change: Callable[[Job], Job]) -> Job:
        """Change it, as long as it is still ours."""
        return self._put(job, lambda known: change(known) if _still(known, job) else known)


def _still(known: Job, job: Job) -> bool:
    """Whether nobody took the job since we did, or decided otherwise."""
    return known.state == "running" and known.begun == job.begun
