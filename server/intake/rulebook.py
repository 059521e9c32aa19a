"""By what a form is judged: its task's version of the checklist, and the limits that the case's organisation
had in force on the day of the visit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from checklists.loader import UnknownChecklist
from checklists.model import Definition
from server.intake.judging import submitter
from server.library.shelf import Rules
from server.services import Services
from server.workflow.model import Case, Task
from server.workflow.policy import Policy
from sync.store import Document


class Rulebook:
    """Finds the rules of forms."""

    def __init__(self, made: Services) -> None:
        self._library = made.library
        self._cases = made.cases
        self._clock = made.clock
        self._house = made.settings.organisation

    def definition(self, task: Task) -> Definition | None:
        """The task's version of its checklist; None if there is no such version."""
        try:
            return self._library.get(task.checklist.id, int(task.checklist.version))
        except (UnknownChecklist, ValueError):
            return None

    def rules(self, case: Case, task: Task, leaves: Sequence[Document]) -> Rules | None:
        """What these branches are judged by; None without the version that the task names.

        What was judged before keeps the limits it was judged with, whatever was entered since. Raises
        DefinitionError while a limit cannot be read.
        """
        definition = self.definition(task)
        if definition is None:
            return None
        revs = tuple(sorted(leaf["_rev"] for leaf in leaves))
        before = next((one for one in task.submissions if one.revs == revs), None)
        if before is None:
            organisation = case.organisation or self._house
            return self._library.rules(definition, organisation, self._day(case, leaves))
        if before.limits is None:
            return Rules(definition)
        return self._library.pinned(definition, before.limits.day, before.limits.ids, before.limits.digest)

    def policy(self, case: Case, task: Task, leaves: Sequence[Document]) -> Policy:
        """The dated settings of the day of the visit. A signature from before its task existed, or from after
        now, names no day to go by: today's, then."""
        now, signed = self._clock(), submitter(leaves)
        told = signed is not None and task.created_at <= signed.at <= now
        return self._cases.rules.at(signed.at if told and signed else now, case.organisation)

    def _day(self, case: Case, leaves: Sequence[Document]) -> date:
        """The day of the visit where the customer lives, by the first signature; today if there is none."""
        policy = self._cases.policy(case.organisation)
        signed = submitter(leaves)
        try:
            return policy.day(self._clock() if signed is None else signed.at)
        except OverflowError:
            # A clock at the end of time; the form is returned for it.
            return policy.day(self._clock())
