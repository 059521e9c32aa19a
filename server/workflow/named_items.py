"""The items of a notice that a command names one by one, and the command without some of them."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from server.workflow import commands as c


def named_items(command: c.Command) -> tuple[str, ...]:
    """The codes of the items that `command` speaks of, each by itself; none where it speaks of the notice."""
    match command:
        case c.AnswerNotice():
            return tuple(command.items)
        case c.DisputeNotice() | c.ProposeWithdrawal():
            return command.items
        case c.StateDates():
            return tuple(command.dates)
        case c.ExtendDeadlines():
            return tuple(command.due)
    return ()


def without_items(command: c.Command, gone: Collection[str]) -> c.Command:
    """The command without the items in `gone`, of which it names some and others beside them."""
    match command:
        case c.AnswerNotice():
            return replace(command, items={k: v for k, v in command.items.items() if k not in gone})
        case c.DisputeNotice() | c.ProposeWithdrawal():
            return replace(command, items=tuple(code for code in command.items if code not in gone))
        case c.StateDates():
            return replace(command, dates={k: v for k, v in command.dates.items() if k not in gone})
        case c.ExtendDeadlines():
            return replace(command, due={k: v for k, v in command.due.items() if k not in gone})
    return command
