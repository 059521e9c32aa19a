"""`hezha checklist`: look after the definitions."""

from __future__ import annotations

import click

from server.commands.authoring import lint_command, new_command, render_command, schema_command
from server.commands.common import open_services


@click.group()
def checklist() -> None:
    """Check and publish checklist definitions."""


for command in (new_command, lint_command, schema_command, render_command):
    checklist.add_command(command)


@checklist.command("publish")
def publish_command() -> None:
    """Write new versions into the library; one that was published must not have changed."""
    with open_services() as made:
        for definition in made.library.all():
            name = f"{definition.id}@{definition.version}"
            click.echo(f"{name}  {len(definition.items)} items  {definition.digest[:12]}")
