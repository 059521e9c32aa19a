"""`hezha checklist`: look after the definitions."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from checklists.coverage import count_by_template, coverage_rows, departures
from checklists.linting import lint, lint_facts
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
@click.option("--all", "everything", is_flag=True, help="The facts and the trade's table of items as well.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def lint_command(folder: Path | None, *, everything: bool, as_json: bool) -> None:
    """Check syntax, names, translations and limits. Exits with 1 if anything is wrong.

    With --all also whether the definitions hold every item of the trade's table; it counts them by template.
    """
    try:
        library = load_definitions(folder)
    except DefinitionError as error:
        click.echo(f"hezha: {error}", err=True)
        sys.exit(1)
    found = {f"{one.id}@{one.version}": [str(fault) for fault in lint(one)] for one in library.all()}
    if everything:
        found["facts.yaml"] = [str(fault) for fault in lint_facts()]
        found["coverage.tsv"] = departures(library)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for name, faults in found.items():
            click.echo(f"{name}: {'sound' if not faults else f'{len(faults)} faults'}")
            for fault in faults:
                click.echo(f"  {fault}")
        if everything:
            counted = count_by_template(library)
            parts = ", ".join(f"{template} {count}" for template, count in counted.items())
            click.echo(f"items by template: {parts}; {sum(counted.values())} of {len(coverage_rows())}")
    sys.exit(any(found.values()))


@checklist.command("publish")
def publish_command() -> None:
    """Write new versions into the library; one that was published must not have changed."""
    with open_services() as made:
        for definition in made.library.all():
            name = f"{definition.id}@{definition.version}"
            click.echo(f"{name}  {len(definition.items)} items  {definition.digest[:12]}")
