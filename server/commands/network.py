"""`hezha network import`: a network from a file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, get_args

import click
import msgspec

from geo.coords import Datum
from server.commands.common import open_services
from server.people.model import User
from server.problems import Problem
from server.services import Services
from server.texts import LANGUAGES, text

#: Who may hand in a network.
_ADMITTED = {"scheduler", "admin"}


@click.group()
def network() -> None:
    """The networks that works are planned on."""


@network.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--by", required=True, metavar="USER", help="Who hands it in; a scheduler or an admin.")
@click.option(
    "--format",
    "written_as",
    type=click.Choice(["geojson", "pandapower"]),
    default="geojson",
    show_default=True,
)
@click.option("--id", "network_id", default="", help="What to call it; for pandapower, which names none.")
@click.option(
    "--datum", type=click.Choice(get_args(Datum)), default=None, help="Of its positions; for pandapower."
)
@click.option("--level-kv", type=float, help="For pandapower: the voltage to read. [that of most lines]")
@click.option(
    "--kva-per-customer", type=float, help="For pandapower: the load that a customer is reckoned for."
)
@click.option("--dry-run", is_flag=True, help="Check, and keep nothing.")
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The version and every finding as one JSON object.")
def import_command(
    file: Path,
    by: str,
    written_as: str,
    network_id: str,
    datum: str | None,
    level_kv: float | None,
    kva_per_customer: float | None,
    language: str,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Check the network in FILE and keep it as its newest version.

    The same file again makes no other version. Exits with 1, and keeps nothing, if it has a grave finding.
    """
    from server.scheduling.surveying import Wanted, survey  # noqa: PLC0415  loads what geometry needs

    with open_services() as made:
        user = _who(made, by)
        wanted = Wanted(
            format=written_as,  # type: ignore[arg-type]
            max_features=made.settings.max_network_features,
            network_id=network_id,
            datum=datum or "",
            level_kv=level_kv,
            kva_per_customer=kva_per_customer,
        )
        surveyed = survey(file.read_bytes(), wanted)
        head = None
        if surveyed.usable and not dry_run:
            head = made.networks.add(user.organisation, surveyed, by=user.name)
    rows: list[dict[str, Any]] = [
        {**msgspec.to_builtins(one), "text": text(one.code, language, **one.params)}
        for one in surveyed.findings
    ]
    if as_json:
        told = {"usable": surveyed.usable, "network": msgspec.to_builtins(head), "findings": rows}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        for row in rows:
            weight = "refused" if row.get("grave") else "odd"
            click.echo(f"{row.get('place') or file}: {weight}: {row['text']}")
        counts = ", ".join(f"{number} {kind}" for kind, number in surveyed.counts.items() if number)
        click.echo(
            f"{head.id} {head.version}: {counts}" if head else f"nothing kept: {counts or 'not usable'}"
        )
    sys.exit(0 if surveyed.usable else 1)


def _who(made: Services, name: str) -> User:
    try:
        user = made.people.user(name)
    except Problem:
        raise click.UsageError(f"there is no user {name}") from None
    if user.disabled or not _ADMITTED & set(user.roles):
        raise click.UsageError(f"{name} is no scheduler or admin who may sign in")
    return user
