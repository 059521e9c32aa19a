"""`hezha checklist`: look after the definitions."""

from __future__ import annotations

import sys

import click

from checklists.loader import load_definitions
from server.commands.authoring import lint_command, new_command, render_command, schema_command
from server.commands.common import open_services
from server.commands.office_checklists import diff_command, drafts_command, limits_command
from server.commands.xlsform import export_command, import_command
from server.library.publishing import passed_over


@click.group()
def checklist() -> None:
    """Write, check, exchange and publish checklist definitions."""


_AUTHORING = (new_command, lint_command, schema_command, render_command)
_OFFICE = (diff_command, drafts_command, limits_command)
_EXCHANGE = (import_command, export_command)
for command in (*_AUTHORING, *_OFFICE, *_EXCHANGE):
    checklist.add_command(command)


@checklist.command("publish")
def publish_command() -> None:
    """Write new versions into the library; one that was published must not have changed.

    Exits with 1 if the office has given the number of one that comes with Hezha to a version of its own.
    """
    with open_services() as made:
        for definition in made.library.all():
            name = f"{definition.id}@{definition.version}"
            click.echo(f"{name}  {len(definition.items)} items  {definition.digest[:12]}")
        taken = passed_over(made.store, made.names.library, load_definitions().all())
    for definition in taken:
        name = f"{definition.id}@{definition.version}"
        click.echo(
            f"hezha: the {name} that comes with Hezha was not published, because the office has published "
            f"another {name}. `hezha checklist diff {name} shipped:{name}` tells them apart; what you want "
            "of ours goes into a draft of the next version",
            err=True,
        )
    sys.exit(bool(taken))
