"""What lists show of works and plans: written beside the store by who writes there, and read from it anew."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from server.readmodel.database import ReadModel
from server.readmodel.scheduling import PlanRows, WorkRows, put_plans, put_works
from server.scheduling.plans import PREFIX as PLAN
from server.scheduling.plans import PlanRecord, record_of
from server.scheduling.requests import Request
from server.scheduling.works import PREFIX as WORK
from server.scheduling.works import request_of
from sync.store import DocumentStore

__all__ = ["Listing"]

#: How many are written at a time.
_AT_ONCE = 500


class Listing:
    """Shows works and plans in this server's lists. Safe to repeat: of two revisions the later stays."""

    def __init__(self, readmodel: ReadModel, store: DocumentStore, registry: str) -> None:
        self._readmodel, self._store, self._registry = readmodel, store, registry

    def show_work(self, request: Request, rev: str) -> None:
        """Show a work as it was just written."""
        put_works(self._readmodel, [_work_rows(request, rev)])

    def show_plan(self, record: PlanRecord, rev: str) -> None:
        """Show a plan as it was just written."""
        put_plans(self._readmodel, [_plan_rows(record, rev)])

    def show(self, doc_ids: Iterable[str]) -> None:
        """Show those of some documents of the registry that are works or plans, as the store has them."""
        ids = sorted({one for one in doc_ids if one.startswith((WORK, PLAN))})
        self._put(keys=ids)

    def show_all(self) -> None:
        """Show every work and plan."""
        for prefix in (WORK, PLAN):
            self._put(prefix=prefix)

    def _put(self, *, prefix: str = "", keys: list[str] | None = None) -> None:
        works: list[WorkRows] = []
        plans: list[PlanRows] = []
        for document in self._store.all_docs(self._registry, prefix=prefix, keys=keys) if keys != [] else ():
            if document["_id"].startswith(WORK):
                works.append(_work_rows(request_of(document), document["_rev"]))
            else:
                plans.append(_plan_rows(record_of(document), document["_rev"]))
            if len(works) + len(plans) == _AT_ONCE:
                self._write(works, plans)
                works, plans = [], []
        self._write(works, plans)

    def _write(self, works: list[WorkRows], plans: list[PlanRows]) -> None:
        if works:
            put_works(self._readmodel, works)
        if plans:
            put_plans(self._readmodel, plans)


def _work_rows(request: Request, rev: str) -> WorkRows:
    work = request.asked.work
    day = request.day or work.wanted or work.earliest
    row = {
        "organisation": request.organisation,
        "id": request.id,
        "generation": _generation(rev),
        "state": request.state,
        "network": request.asked.network,
        "kind": work.kind,
        "plan": request.plan,
        "month": None if day is None else f"{day:%Y-%m}",
        "requested_at": _moment(request.history[0].at),
        "request": msgspec.json.encode(request),
    }
    return WorkRows(row, request.asked.cases, request.feeders)


def _plan_rows(record: PlanRecord, rev: str) -> PlanRows:
    row = {
        "organisation": record.organisation,
        "id": record.id,
        "generation": _generation(rev),
        "month": record.month,
        "network": record.network,
        "state": record.state,
        "requested_at": _moment(record.requested_at),
        "record": msgspec.json.encode(record),
    }
    return PlanRows(row, record.works)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _generation(rev: str) -> int:
    return int(rev.partition("-")[0])
