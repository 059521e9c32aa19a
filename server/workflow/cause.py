"""What a log keeps of the command behind an entry: enough to carry it out once more on another branch.

Fields that stand at their defaults are left out, and so are the words of items that passed: a form of fifty
items would otherwise weigh more in the log than everything that came of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import msgspec
from msgspec import structs

from server.workflow import commands as c
from server.workflow.lean import lean
from server.workflow.model import Actor, Cause, ItemResult
from server.workflow.vocabulary import Text

_TAG = "command"
_KINDS: Mapping[str, type[c.CommandBase]] = {kind.__name__: kind for kind in get_args(c.Command)}
_NO_WORDS = Text("", "")


class UnknownCommand(ValueError):
    """A cause that this version cannot read, so that its command cannot be repeated."""


def recorded(command: c.Command, actor: Actor) -> Cause:
    """The cause of the entries that `command` leads to when `actor` gives it."""
    return Cause(lean(sparing(command)), actor.roles, actor.device)


def command_of(cause: Cause) -> c.Command:
    """The command as it was recorded. Raises UnknownCommand."""
    kind = _KINDS.get(kind_of(cause))
    if kind is None:
        raise UnknownCommand(kind_of(cause))
    try:
        return msgspec.convert(cause.command, kind, str_keys=True)  # type: ignore[return-value]
    except msgspec.ValidationError as error:
        raise UnknownCommand(str(error)) from error


def kind_of(cause: Cause) -> str:
    """The name of the command's type."""
    return str(cause.command.get(_TAG, ""))


def sparing(command: c.Command) -> c.Command:
    """The command without the words of items that nobody has to mend."""
    if not isinstance(command, c.RecordSubmission) or not isinstance(command.outcome, c.Accepted):
        return command
    return structs.replace(command, outcome=sparing_outcome(command.outcome))


def sparing_outcome(outcome: c.Outcome) -> c.Outcome:
    """The outcome without the words of items that nobody has to mend. Done again, it changes nothing."""
    if not isinstance(outcome, c.Accepted):
        return outcome
    return structs.replace(outcome, items=tuple(map(_wordless, outcome.items)))


def _wordless(item: ItemResult) -> ItemResult:
    if item.verdict in {"fail", "warning"}:
        return item
    return structs.replace(item, text=_NO_WORDS, remedy=None, reason=None, source="", unit=None)
