"""How a worker takes what is queued, and what another left lying. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar

from msgspec.structs import replace

from server.scheduling.enquiries import Enquiry
from server.scheduling.plans import PlanRecord

#: What is queued, run and begun anew alike.
Job = TypeVar("Job", PlanRecord, Enquiry)


def is_free(job: Job, now: datetime, abandoned_seconds: float) -> bool:
    """Whether anybody may take it: it waits, or nothing was heard of it for so long."""
    if job.state == "queued":
        return True
    abandoned = timedelta(seconds=abandoned_seconds)
    return job.state == "running" and (job.beat_at is None or now - job.beat_at > abandoned)


def begin(job: Job, now: datetime, attempts: int) -> Job:
    """The job as it is once somebody takes it; given up where it was begun so often."""
    if job.begun >= attempts:
        return replace(job, state="failed", fault="plan_died")
    return replace(job, state="running", begun=job.begun + 1, beat_at=now)
