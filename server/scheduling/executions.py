"""How outages went, as documents in the registry: one for each outage of a plan, with every word on it."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from server.scheduling.executing import Execution, merged_execution
from server.scheduling.plans import PlanRecord, whose
from server.scheduling.requests import Request
from server.scheduling.works import StaleWork, Works
from sync.conflicts import find_settled
from sync.store import Conflict, DocumentStore

PREFIX = "plan-execution:"
SCHEMA = 1
_TRIES = 12


class Executions:
    """Every execution of the store. None is ever deleted, and none overwritten: the last counts."""

    def __init__(self, store: DocumentStore, registry: str, works: Works) -> None:
        self._store = store
        self._registry = registry
        self._works = works

    def of(self, record: PlanRecord) -> dict[str, Execution]:
        """How the outages of a plan went, by outage, as far as that was recorded."""
        found = (
            msgspec.convert(one["records"][-1], Execution)
            for one in self._store.all_docs(self._registry, prefix=_prefix(record))
        )
        return {one.outage: one for one in found}

    def add(self, record: PlanRecord, execution: Execution) -> Execution:
        """Record how an outage went; what was done is done from then on, and what was not is planned. The
        same again changes nothing. Raises Conflict, StaleWork."""
        kept = self._put(record, execution)
        for one in kept.works:
            self._mark(record, one.work, done=one.done)
        return kept

    def _put(self, record: PlanRecord, execution: Execution) -> Execution:
        doc_id = _prefix(record) + execution.outage
        for _ in range(_TRIES):
            known = find_settled(self._store, self._registry, doc_id, merged_execution)
            records = [] if known is None else known["records"]
            last = msgspec.convert(records[-1], Execution) if records else None
            if last is not None and replace(last, at=execution.at) == execution:
                return last
            document = {
                "_id": doc_id,
                "type": "plan-execution",
                "schema": SCHEMA,
                "plan": record.id,
                "records": [*records, msgspec.to_builtins(execution)],
            }
            try:
                self._store.put(
                    self._registry, document if known is None else {**document, "_rev": known["_rev"]}
                )
            except Conflict:
                continue
            return execution
        raise Conflict

    def _mark(self, record: PlanRecord, work: str, *, done: bool) -> None:
        def mark(known: Request) -> Request:
            if known.plan != record.id or known.state not in ("planned", "done"):
                return known
            return replace(known, state="done" if done else "planned")

        for _ in range(_TRIES):
            _, rev = self._works.get(record.organisation, work)
            try:
                self._works.change(record.organisation, work, mark, if_rev=rev)
            except StaleWork:
                continue
            return
        raise StaleWork(work)


def _prefix(record: PlanRecord) -> str:
    return f"{PREFIX}{whose(record.organisation)}:{record.id}:"
