"""Commands on proposals: schemes and changes that take an approval. See `commands` and `approvals`."""

from __future__ import annotations

from typing import Literal

from server.workflow.approvals.values import ProposedChange, Scheme, StandIn
from server.workflow.case_commands import CommandBase
from server.workflow.vocabulary import Id, Name, Reason, Words


class ProposeScheme(CommandBase, frozen=True, kw_only=True):
    """Propose the scheme that is to be replied. A rule passes it at once, or it goes to whom a rule says.

    `approval_id` is new; the same proposal again changes nothing. One scheme waits at a time.
    """

    approval_id: Id
    scheme: Scheme
    note: Words = ""


class ProposeChange(CommandBase, frozen=True, kw_only=True):
    """Propose a change of facts, of parts of the case, of the process or the contract.

    It is carried out when a rule passes it, or a person approves it: by then what it replaces must stand as
    it did.
    """

    approval_id: Id
    change: ProposedChange
    reason: Reason


class NameApprover(CommandBase, frozen=True, kw_only=True):
    """Name the one who is to decide. Who proposed it neither names nor is named. `person` holds a role of the
    route: the server looked."""

    approval_id: Id
    person: Name
    reason: Words = ""


class DecideApproval(CommandBase, frozen=True, kw_only=True):
    """Approve or reject. Never one's own proposal.

    `stand_in` is by what right somebody decides in another's place, as the server found it in the record of
    absences and in its calendar (`substitutes.stand_in_for`).
    """

    approval_id: Id
    outcome: Literal["approved", "rejected"]
    reason: Reason
    stand_in: StandIn | None = None


class WithdrawProposal(CommandBase, frozen=True, kw_only=True):
    """Take a proposal back that waits. Only who made it, or an administrator."""

    approval_id: Id
    reason: Reason
