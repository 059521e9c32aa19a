"""`hezha cases import`: applications from a list."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from geo.coords import DATUMS, Datum
from server.commands.common import bars, open_services
from server.problems import Problem
from server.texts import LANGUAGES
from server.transfer.importing import Wanted, import_list
from server.transfer.sheets import Limits
from server.workflow.model import Actor

#: What a command may take in at once: a province's year, and the file of it.
_ROWS = 1_000_000
_BYTES = 1024 * 1024 * 1024


@click.group()
def cases() -> None:
    """Cases, from lists."""


@cases.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--by", required=True, metavar="USER", help="Who opens the cases; a manager or an admin.")
@click.option("--dry-run", is_flag=True, help="Look, and change nothing.")
@click.option("--update", is_flag=True, help="Change cases of which a row says otherwise; needs --reason.")
@click.option("--reason", default="", help="Why cases are changed.")
@click.option(
    "--datum", type=click.Choice(DATUMS), help="What positions are in whose row does not say it in 坐标系."
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=os.cpu_count() or 1,
    show_default="one for each core",
    help="How many decide on long lists at once.",
)
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object.")
def import_command(
    file: Path,
    by: str,
    reason: str,
    datum: Datum | None,
    processes: int,
    language: str,
    *,
    dry_run: bool,
    update: bool,
    as_json: bool,
) -> None:
    """Take in applications from FILE: XLSX, CSV or JSON, known by what is in it.

    An application is known by its number: the same list again opens nothing twice, and goes on where it was
    cut off. Exits with 1 if a row was refused or differs from its case, or the list could not be read to its
    end.
    """
    if update and not reason.strip():
        raise click.UsageError("--update takes a --reason: it stands in the log of each case")
    with open_services() as made:
        try:
            user = made.people.user(by)
        except Problem:
            raise click.UsageError(f"there is no user {by}") from None
        if not made.people.may_manage(user.name, user.organisation):
            raise click.UsageError(f"{by} is no manager or admin who may sign in")
        wanted = Wanted(
            user.organisation, user.name, dry_run=dry_run, update=update, reason=reason, datum=datum
        )
        actor = Actor(user.name, user.roles)  # type: ignore[arg-type]
        with bars(quiet=as_json) as report_progress:
            report = import_list(
                made,
                file,
                wanted,
                actor,
                Limits(rows=_ROWS, bytes=_BYTES),
                lambda rows: report_progress("rows", rows, 0),
                processes,
            )
    told = report.told()
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        for finding in told["findings"]:
            place = ":".join(str(finding[part]) for part in ("row", "field") if finding[part] is not None)
            click.echo(f"{place or file}: {finding['code']}: {finding['text'][language]}")
        if told["findings_left_out"]:
            click.echo(f"… and {told['findings_left_out']} more")
        if told["ignored_columns"]:
            click.echo(f"columns that stand for nothing: {', '.join(told['ignored_columns'])}")
        counts = ("rows", "opened", "unchanged", "changed", "updated", "refused")
        click.echo(("dry run: " if dry_run else "") + ", ".join(f"{told[one]} {one}" for one in counts))
    sys.exit(0 if report.complete and not report.refused and not report.changed else 1)
