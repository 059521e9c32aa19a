"""Answers the enquiries that are queued, one at a time, beside the plans that are made meanwhile."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from server.scheduling.answering import Asked
from server.scheduling.claims import begin, is_free
from server.scheduling.confined import ORDER, RESULT, Wish, confined
from server.scheduling.enquiries import Answer, Enquiries, Enquiry, UnknownEnquiry, is_stale
from server.scheduling.networks import Networks
from server.scheduling.plans import Plans
from server.scheduling.turns import work_through

ANSWERING = "server.scheduling.answering"


@dataclass(frozen=True)
class AnswerTerms:
    """What an enquiry may take: `seconds` for a search of it, `longest_seconds` for all of it. It is kept for
    `days`; one of which nothing was heard for `abandoned_seconds` is begun anew, `attempts` times at most."""

    memory_bytes: int
    seconds: float
    longest_seconds: float
    beat_seconds: float
    abandoned_seconds: float
    attempts: int
    days: float
    #: How often it is looked for enquiries that nobody told of.
    pause_seconds: float


class Answerer:
    """Run it in a thread; `wake` it when there is an enquiry."""

    def __init__(
        self,
        enquiries: Enquiries,
        plans: Plans,
        networks: Networks,
        terms: AnswerTerms,
        clock: Callable[[], datetime],
        spool_dir: Path,
    ) -> None:
        self._enquiries = enquiries
        self._plans = plans
        self._networks = networks
        self._terms = terms
        self._clock = clock
        self._spool_dir = spool_dir
        self._woken = threading.Event()

    def wake(self) -> None:
        """Some enquiry was changed."""
        self._woken.set()

    def run(self, stop: threading.Event) -> None:
        """Answer until `stop`; what fails is told and tried again later."""
        work_through(
            self.run_once,
            stop=stop,
            woken=self._woken,
            pause_seconds=self._terms.pause_seconds,
            name="answering",
        )

    def run_once(self, stop: threading.Event | None = None) -> bool:
        """Answer the enquiry that waits longest, and drop those that are stale; False if none waits."""
        now = self._clock()
        for enquiry in self._enquiries.all():
            if is_stale(enquiry, now, self._terms.days):
                self._enquiries.forget(enquiry)
            elif is_free(enquiry, now, self._terms.abandoned_seconds):
                taken = self._take(enquiry, now)
                if taken is not None:
                    self._answer(taken, stop or threading.Event())
                    return True
        return False

    def _take(self, enquiry: Enquiry, now: datetime) -> Enquiry | None:
        """The enquiry as ours to answer; None where somebody was faster, or it has died too often."""
        terms = self._terms

        def take(known: Enquiry) -> Enquiry:
            free = is_free(known, now, terms.abandoned_seconds)
            return begin(known, now, terms.attempts) if free else known

        taken = self._enquiries.change(enquiry, take)
        return taken if taken.state == "running" and taken.beat_at == now else None

    def _answer(self, enquiry: Enquiry, stop: threading.Event) -> None:
        record = self._plans.get(enquiry.organisation, enquiry.plan)
        head = self._networks.get(record.organisation, record.network, record.version)
        asked = Asked(
            enquiry=enquiry,
            instance=msgspec.json.decode(self._plans.instance(record)),
            network=msgspec.json.decode(self._networks.body(head)),
            plan=msgspec.json.decode(self._plans.result(record))["plan"],
            seconds=self._terms.seconds,
            longest_seconds=self._terms.longest_seconds,
        )
        with tempfile.TemporaryDirectory(dir=self._spool_dir, prefix="enquiry-") as folder:
            (Path(folder) / ORDER).write_bytes(msgspec.json.encode(asked))
            del asked  # the child has it, and it may be large
            fault = self._watched(enquiry, Path(folder), stop)
            if stop.is_set():
                self._change(enquiry, lambda known: replace(known, state="queued", begun=known.begun - 1))
            elif fault:
                self._change(enquiry, lambda known: replace(known, state="failed", fault=fault))
            else:
                found = msgspec.json.decode((Path(folder) / RESULT).read_bytes(), type=tuple[Answer, ...])
                self._change(enquiry, lambda known: replace(known, state="answered", answers=found))

    def _watched(self, enquiry: Enquiry, folder: Path, stop: threading.Event) -> str:
        def beat(_line: bytes | None) -> Wish:
            now = self._clock()
            told = self._change(enquiry, lambda known: replace(known, beat_at=now))
            return "on" if (told.state, told.begun) == ("running", enquiry.begun) else "leave"

        return confined(
            ANSWERING,
            folder,
            memory_bytes=self._terms.memory_bytes,
            seconds=self._terms.longest_seconds,
            beat_seconds=self._terms.beat_seconds,
            stop=stop,
            beat=beat,
        )

    def _change(self, enquiry: Enquiry, change: Callable[[Enquiry], Enquiry]) -> Enquiry:
        """Write on, as long as the enquiry is still ours."""

        def ours(known: Enquiry) -> Enquiry:
            own = known.state == "running" and known.begun == enquiry.begun
            return change(known) if own else known

        try:
            return self._enquiries.change(enquiry, ours)
        except UnknownEnquiry:
            return replace(enquiry, state="failed")  # dropped meanwhile; nobody waits for it
