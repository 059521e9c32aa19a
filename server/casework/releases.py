"""Days of published plans that works will not need: heard from cases, and who could use them is asked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec

from server.casework.outages import GATE, Publishing
from server.outages.instance import Work
from server.outages.works import needs_of
from server.scheduling import releasing
from server.scheduling.amending import Terms, standing_of
from server.scheduling.approving import PlanRefused
from server.scheduling.enquiries import Enquiries, Enquiry, TakenEnquiry
from server.scheduling.months import standing_days
from server.scheduling.networks import Networks
from server.scheduling.plans import PlanRecord, ReasonCode, Release, UnknownPlan, number_of
from server.scheduling.works import Works
from server.workflow.model import Case
from server.workflow.policy import Policy

#: Who says what follows from a case.
_HOUSE = "hezha"
_ACCEPTANCE = "acceptance-passed"


def doubts(case: Case) -> Iterator[tuple[ReasonCode, str]]:
    """What of a case speaks against its energization on the day planned, and the cause by which it is told
    apart: an acceptance that failed, or a condition that was confirmed and is not any more."""
    for status in case.gates:
        if status.status != "unmet" or status.id == GATE:
            continue
        if status.id == _ACCEPTANCE:
            for reason in status.reasons:
                if reason.code == "notice_open":
                    yield "acceptance_failed", f"notice:{reason.params['n']}"
        words = case.entries.get(status.id, ())
        if words and words[-1].status == "unmet" and any(word.status == "met" for word in words):
            yield "gate_shut", f"gate:{status.code}:{words[-1].at.isoformat()}"


class Releases:
    """Frees days, and asks who could use them; holds nothing of its own."""

    def __init__(
        self,
        publishing: Publishing,
        works: Works,
        networks: Networks,
        enquiries: Enquiries,
        policy: Callable[[str], Policy],
        clock: Callable[[], datetime],
        limit: int,
    ) -> None:
        self._publishing = publishing
        self._works = works
        self._networks = networks
        self._enquiries = enquiries
        self._policy = policy
        self._clock = clock
        self._limit = limit

    def look(self, case: Case) -> list[Release]:
        """Free the days of a case whose energization has fallen into doubt. Safe to repeat."""
        found = list(doubts(case))
        record = self._plan_of(case) if found else None
        if record is None:
            return []
        days = standing_days(self._publishing.plan(record))
        today = self._policy(record.organisation).day(self._clock())
        freed = []
        for work in sorted(one for one, day in days.items() if day >= today):
            known, _ = self._works.get(record.organisation, work)
            if case.id not in known.asked.cases or known.state != "planned":
                continue
            for code, cause in found:
                freed += self.release(record, work, code, by=_HOUSE, case=case.id, cause=cause)
        return freed

    def release(
        self,
        record: PlanRecord,
        work: str,
        code: ReasonCode,
        *,
        by: str,
        remark: str = "",
        case: str = "",
        cause: str = "",
    ) -> list[Release]:
        """Free the day of a work of a published plan and ask who could use it; the release, if it is new.
        Raises PlanRefused."""
        plan, now = self._publishing.plan(record), self._clock()
        days = standing_days(plan)
        if work not in days:
            raise PlanRefused("plan_work_not_placed", work=work)
        named = f"{work}\n{cause or now.isoformat()}\n{by}"
        said = Release(
            work=work,
            date=days[work],
            code=code,
            by=by,
            at=now,
            enquiry=f"slot-{hashlib.sha256(named.encode()).hexdigest()[:40]}",
            remark=remark,
            case=case,
            cause=cause,
        )
        today = self._policy(record.organisation).day(now)
        changed = self._publishing.plans.change(
            record.organisation, record.id, lambda known: releasing.release(known, said, today=today)
        )
        if said not in changed.releases:
            return []
        self.propose(changed, said)
        return [said]

    def propose(self, record: PlanRecord, freed: Release) -> None:
        """Ask a worker which works could use a day that is free, and at what cost. The same again changes
        nothing."""
        plan = self._publishing.plan(record)
        policy = self._policy(record.organisation)
        head = self._networks.get(record.organisation, record.network, record.version)
        topology = self._networks.index(head).topology
        days = standing_days(plan)
        waiting = [
            known.asked.work
            for known, _ in self._works.all(record.organisation)
            if known.state == "approved" and known.asked.network == record.network and known.id not in days
        ]
        outage = releasing.outage_on(plan, freed.work)
        chosen = releasing.candidates(
            waiting,
            freed.date,
            freed=() if outage is None else outage["dead"],
            standing=standing_of(plan),
            needs={work.id: needs_of(work, topology) for work in waiting},
            terms=lead_terms(policy, self._clock()),
            limit=self._limit,
        )
        enquiry = Enquiry(
            id=freed.enquiry,
            organisation=record.organisation,
            plan=record.id,
            kind="slot",
            state="queued" if chosen else "answered",
            asked_by=freed.by,
            asked_at=freed.at,
            work=freed.work,
            date=freed.date,
            drop=tuple(sorted({freed.work, *(one.id for one in chosen)} & {*record.works})),
            add=tuple(_plain(one) for one in chosen),
        )
        try:
            self._enquiries.add(enquiry)
        except TakenEnquiry:
            return  # asked before, of works that have changed since

    def _plan_of(self, case: Case) -> PlanRecord | None:
        """The published plan by which a case's gate is open."""
        words = case.entries.get(GATE, ())
        if not words or words[-1].status != "met":
            return None
        for number in words[-1].documents:
            try:
                record = self._publishing.plans.get(case.organisation, number.rpartition("/")[2])
            except UnknownPlan:
                continue
            latest = self._latest(record)
            if number == number_of(record) and latest.state == "published":
                return latest
        return None

    def _latest(self, record: PlanRecord) -> PlanRecord:
        """The version that is in a plan's place."""
        while record.state == "amended" and record.amended_by:
            record = self._publishing.plans.get(record.organisation, record.amended_by)
        return record


def lead_terms(policy: Policy, now: datetime) -> Terms:
    """The lead times of notices as they are today; nothing is taken to be frozen."""
    today = policy.day(now)
    days = -(-policy.outage_short_notice_hours // 24)
    return Terms(today=today, frozen=today, lead_days={"planned": policy.outage_notice_days, "short": days})


def _plain(work: Work) -> dict[str, object]:
    """A work as an instance has it."""
    found: dict[str, object] = msgspec.json.decode(msgspec.json.encode(work))
    return found
