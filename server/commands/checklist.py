"""`hezha checklist`: look after the definitions."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from checklists.lint import lint
from checklists.loader import DefinitionError, load_definitions
from server.commands.common import open_services


@click.group()
def checklist() -> None:
    """Check and publish checklist definitions."""


@checklist.command("lint")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Definitions to check. [those that come with Hezha]",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def lint_command(folder: Path | None, *, as_json: bool) -> None:
    """Check syntax, names, translations and limits. Exits with 1 if anything is wrong."""
    try:
        library = load_definitions(folder)
    except DefinitionError as error:
        click.echo(f"hezha: {error}", err=True)
        sys.exit(1)
    found = {f"{one.id}@{one.version}": lint(one) for one in library.all()}
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for name, faults in found.items():
            click.echo(f"{name}: {'sound' if not faults else f'{len(faults)} faults'}")
            for fault in faults:
                click.echo(f"  {fault}")
    sys.exit(any(found.values()))


@checklist.command("publish")
def publish_command() -> None:
    """Write new versions into the library; one that was published must not have changed."""
    with open_services() as made:
        for definition in made.library.all():
            name = f"{definition.id}@{definition.version}"
            click.echo(f"{name}  {len(definition.items)} items  {definition.digest[:12]}")
