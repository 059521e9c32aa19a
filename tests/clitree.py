"""The tree of commands, as click finds it."""

from __future__ import annotations

import click


def below(command: click.Command) -> list[click.Command]:
    """The commands of a group, in the order of their names; none of anything else."""
    if not isinstance(command, click.Group):
        return []
    context = click.Context(command)
    found = (command.get_command(context, name) for name in command.list_commands(context))
    return [one for one in found if one is not None]
