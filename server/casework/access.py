"""Who may open a case's databases, as a function of the case. (DESIGN: access is by assignment.)"""

from __future__ import annotations

from dataclasses import dataclass

from server.workflow.model import Case
from sync.store import Security


@dataclass(frozen=True)
class Access:
    """`writers` hold tablets that may still have work to send; `readers` only look."""

    writers: tuple[str, ...]
    readers: tuple[str, ...]

    def security(self, kind: str) -> Security:
        return Security(
            members=tuple(sorted({*self.writers, *self.readers})),
            member_roles=(),
            kind=kind,
            writers=self.writers,
        )


def access_to(case: Case) -> Access:
    """The assignees of every task that was not cancelled write; the manager reads.

    An assignee keeps access after the task was accepted: a second tablet may still hold a branch of the form,
    and a failure in it must arrive by the short way. Who is taken off a task loses access at once.
    """
    writers = {name for task in case.tasks.values() if task.status != "cancelled" for name in task.assignees}
    return Access(writers=tuple(sorted(writers)), readers=(case.manager,))
