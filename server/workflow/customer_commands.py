"""Commands on the customer's link, and those that only customers have a reason to give. See `commands`."""

from __future__ import annotations

from server.workflow.case_commands import CommandBase
from server.workflow.vocabulary import Id, Moment, Reason, Words


class IssueLink(CommandBase, frozen=True, kw_only=True):
    """Give somebody outside a link to the case. `link_id` is new; the same again changes nothing.

    `until`: when it ends; as long as the setting says if nothing is said.
    """

    link_id: Id
    to: Words = ""
    until: Moment | None = None


class RevokeLink(CommandBase, frozen=True, kw_only=True):
    """End a link before its time. It cannot be given back; another can be given."""

    link_id: Id
    reason: Reason


class WishAppointment(CommandBase, frozen=True, kw_only=True):
    """Ask for a time: for a task that is not done, or for the energization. Binds nobody.

    `wish_id` is new; the same wish again changes nothing. Roles: customer, and the office for one who called.
    """

    wish_id: Id
    about: Id
    at: Moment
    note: Words = ""
