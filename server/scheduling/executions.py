"""How outages went, as documents in the registry: one for each outage of a plan, with every word on it."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from server.scheduling.executing import Execution, merged_execution
from server.scheduling.plans import PlanRecord, whose
from server.scheduling.requests import Request
from server.scheduling.works import Works
from sync.changing import change_document
from sync.conflicts import find_settled
from sync.store import Document, DocumentStore

PREFIX = "plan-execution:"
SCHEMA = 1


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

        def write(told: tuple[Execution, ...]) -> Document:
            return {
                "_id": doc_id,
                "type": "plan-execution",
                "schema": SCHEMA,
                "plan": record.id,
                "records": msgspec.to_builtins(told),
            }

        def tell(told: tuple[Execution, ...]) -> tuple[Execution, ...]:
            same = told and replace(told[-1], at=execution.at) == execution
            return told if same else (*told, execution)

        told, _ = change_document(
            self._store,
            self._registry,
            lambda: find_settled(self._store, self._registry, doc_id, merged_execution) or {"records": []},
            read=lambda document: msgspec.convert(document["records"], tuple[Execution, ...]),
            write=write,
            change=tell,
        )
        return told[-1]

    def _mark(self, record: PlanRecord, work: str, *, done: bool) -> None:
        def mark(known: Request) -> Request:
            if known.plan != record.id or known.state not in ("planned", "done"):
                return known
            return replace(known, state="done" if done else "planned")

        self._works.change(record.organisation, work, mark, if_rev=None)


def _prefix(record: PlanRecord) -> str:
    return f"{PREFIX}{whose(record.organisation)}:{record.id}:"
