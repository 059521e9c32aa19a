"""Answers the enquiries that are queued, one at a time, beside the plans that are made meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from server.scheduling.answering import Asked
from server.scheduling.enquiries import Answer, Enquiries, Enquiry, UnknownEnquiry, is_stale
from server.scheduling.jobs import Jobs, JobTerms
from server.scheduling.networks import Networks
from server.scheduling.plans import Plans

ANSWERING = "server.scheduling.answering"


@dataclass(frozen=True, kw_only=True)
class AnswerTerms(JobTerms):
    """What an enquiry may take: `seconds` for a search of it, `longest_seconds` for all of it. It is kept for
    `days`."""

    seconds: float
    longest_seconds: float
    days: float


class Answerer(Jobs[Enquiry]):
    """Wake it when there is an enquiry."""

    module, kind = ANSWERING, "answering"

    def __init__(
        self,
        enquiries: Enquiries,
        plans: Plans,
        networks: Networks,
        terms: AnswerTerms,
        clock: Callable[[], datetime],
        spool_dir: Path,
    ) -> None:
        super().__init__(terms, clock, spool_dir)
        self._enquiries = enquiries
        self._plans = plans
        self._networks = networks
        self._terms = terms

    def _known(self, now: datetime) -> Iterator[Enquiry]:
        """Those that are stale are dropped on the way."""
        for enquiry in self._enquiries.all():
            if is_stale(enquiry, now, self._terms.days):
                self._enquiries.forget(enquiry)
            else:
                yield enquiry

    def _put(self, job: Enquiry, change: Callable[[Enquiry], Enquiry]) -> Enquiry:
        try:
            return self._enquiries.change(job, change)
        except UnknownEnquiry:
            return replace(job, state="failed")  # dropped meanwhile; nobody waits for it

    def _order(self, job: Enquiry) -> bytes:
        record = self._plans.get(job.organisation, job.plan)
        head = self._networks.get(record.organisation, record.network, record.version)
        asked = Asked(
            enquiry=job,
            instance=msgspec.json.decode(self._plans.instance(record)),
            network=msgspec.json.decode(self._networks.body(head)),
            plan=msgspec.json.decode(self._plans.result(record))["plan"],
            seconds=self._terms.seconds,
            longest_seconds=self._terms.longest_seconds,
        )
        return msgspec.json.encode(asked)

    def _seconds(self, _job: Enquiry) -> float:
        return self._terms.longest_seconds

    def _finished(self, _job: Enquiry, result: bytes) -> Callable[[Enquiry], Enquiry]:
        found = msgspec.json.decode(result, type=tuple[Answer, ...])
        return lambda known: replace(known, state="answered", answers=found)
