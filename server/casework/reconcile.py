"""The one shell of `workflow.rebase`: a case with several live leaves becomes one, held and then released."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from server.names import CASE_DOCUMENT, Names
from server.workflow.branches import Leaf
from server.workflow.commands import SettleConflict
from server.workflow.decide import decide
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.model import Actor, Case
from server.workflow.policy import Policy
from server.workflow.rebase import in_conflict, moment_of, rebase
from sync.conflicts import bury
from sync.store import Conflict, DocumentStore, NotFound

log = structlog.get_logger()

#: How often reconciling looks again after somebody else wrote the case in between.
_ATTEMPTS = 12


class Reconciler:
    """`policy(organisation, moment)` is what held for an organisation then; `actor` is Hezha itself."""

    def __init__(
        self,
        store: DocumentStore,
        names: Names,
        policy: Callable[[str, datetime], Policy],
        actor: Actor,
    ) -> None:
        self._store = store
        self._names = names
        self._policy = policy
        self._actor = actor

    def reconcile(self, case_id: str, still_owned: Callable[[], None]) -> None:
        """Write the rebased case, then delete the losing leaves, then end the hold.

        The moment of every entry is that of the last one before it, not the clock's, so two servers that do
        this at once write one revision. Cut off anywhere, it is finished by whoever reads the case next.
        `still_owned` is called before each write of the case. Raises NotFound, CaseFormatError for a leaf
        that cannot be read (then nothing is decided on the case at all), Conflict if it never rests.
        """
        for _ in range(_ATTEMPTS):
            leaves = self._leaves(case_id)
            try:
                if len(leaves) > 1:
                    self._rebase(case_id, leaves, still_owned)
                elif in_conflict(leaves[0].case):
                    self._release(case_id, leaves[0], still_owned)
                else:
                    return
            except Conflict:
                continue
        raise Conflict

    def _leaves(self, case_id: str) -> list[Leaf]:
        found = self._store.leaves(self._names.forms(case_id), CASE_DOCUMENT)
        if not found:
            raise NotFound("missing")
        for document in found:
            document.pop("_revisions", None)
        return [Leaf(document["_rev"], case_from_document(document)) for document in found]

    def _rebase(self, case_id: str, leaves: list[Leaf], still_owned: Callable[[], None]) -> None:
        winner, *losers = leaves
        now = moment_of(leaves)
        policy = self._policy(winner.case.organisation, now)
        decision = rebase(winner, losers, now=now, actor=self._actor, policy=policy)
        if decision.events:
            still_owned()
            self._write(decision.case, winner.rev)
            log.error(
                "case_in_conflict",
                case=case_id,
                leaves=[leaf.rev for leaf in leaves],
                events=[entry.event for entry in decision.events],
            )
        # Not in one request with the winner: that one may lose its race, and these must not go before it.
        bury(self._store, self._names.forms(case_id), CASE_DOCUMENT, [leaf.rev for leaf in losers])

    def _release(self, case_id: str, leaf: Leaf, still_owned: Callable[[], None]) -> None:
        now = moment_of([leaf])
        policy = self._policy(leaf.case.organisation, now)
        decision = decide(leaf.case, SettleConflict(), now=now, actor=self._actor, policy=policy)
        still_owned()
        self._write(decision.case, leaf.rev)
        log.info("case_conflict_settled", case=case_id)

    def _write(self, case: Case, rev: str) -> None:
        self._store.put(self._names.forms(case.id), {**case_to_document(case), "_rev": rev})
