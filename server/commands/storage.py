"""`hezha storage` says what is kept and what it takes; `hezha renditions` keeps the cache of pictures."""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import click
import msgspec
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from server.casework.usage import Usage, organisations_of, shared_bytes, usage_of
from server.commands.common import bars, open_services
from server.intake.renditions import Rebuilt, cache_size, rebuild, sweep

#: The column of originals in object storage, where there are some: most installations have no such storage.
_MOVED = ("moved",)


@click.group()
def storage() -> None:
    """Look at what is stored."""


@storage.command("usage")
@click.option("--organisation", help="Of this one alone.")
@click.option("--largest", type=click.IntRange(min=0), default=10, show_default=True, help="Cases to name.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def usage_command(organisation: str | None, largest: int, *, as_json: bool) -> None:
    """Say what cases take, by organisation and the largest of them, and what is kept beside them.

    Bytes are counted as stored, old revisions included; originals that lie in object storage stand apart, as
    moved. On CouchDB every database is asked for.
    """
    with open_services() as made:
        wanted = [organisation] if organisation else organisations_of(made.readmodel)
        found = [usage_of(made.store, made.names, made.readmodel, one, largest) for one in wanted]
        shared = shared_bytes(made.store, made.names)
        files, cached = cache_size(made.settings.data_dir)
    beside = {"shared_bytes": shared, "rendition_files": files, "rendition_bytes": cached}
    if as_json:
        click.echo(json.dumps({"organisations": msgspec.to_builtins(found), **beside}, ensure_ascii=False))
        return
    console = Console()
    console.print(_organisations(found))
    if any(one.largest for one in found):
        console.print(_largest(found))
    console.print(f"registry, library, inboxes and outboxes: {decimal(shared)}")
    console.print(f"renditions, which can be made again: {files} files, {decimal(cached)}")


@click.group()
def renditions() -> None:
    """Renditions of photos: a cache beside the data, made from originals, which nothing here touches."""


@renditions.command("rebuild")
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@click.option("--anew", is_flag=True, help="Also those that are there.")
def rebuild_command(cases: tuple[str, ...], *, anew: bool) -> None:
    """Make the renditions that people look at first, of every case or of those named by id.

    Exits with 1 if there are photos of which none can be made, and names them.
    """
    found = Rebuilt()
    with open_services() as made, bars(quiet=False) as progress:
        known = made.cases.ids()
        if missing := sorted(set(cases) - set(known)):
            click.echo(f"hezha: there is no case {missing[0]}", err=True)
            sys.exit(2)
        wanted = [one for one in known if one in cases or not cases]
        for done, case_id in enumerate(wanted, start=1):
            found += rebuild(made, case_id, anew=anew)
            progress("renditions", done, len(wanted))
    click.echo(f"{found.made} renditions made, {found.kept} were there.")
    for photo in found.failed:
        click.echo(f"photo {photo} cannot be shown: its bytes cannot be had, or are no picture", err=True)
    sys.exit(bool(found.failed))


@renditions.command("sweep")
@click.option(
    "--idle",
    type=click.FloatRange(min=1),
    help="Seconds for which a file stays that was made or asked for. [HEZHA_RENDITION_IDLE_SECONDS]",
)
def sweep_command(idle: float | None) -> None:
    """Remove renditions that no photo asks for any more, and those of cases that ended long ago (the dated
    setting rendition_days). The worker does so too, every HEZHA_RENDITION_SWEEP_SECONDS."""
    with open_services() as made:
        seconds = made.settings.rendition_idle_seconds if idle is None else idle
        swept = sweep(made, made.clock(), min_age=timedelta(seconds=seconds))
    click.echo(
        f"{swept.stray} renditions without a photo and {swept.retired} of cases long ended removed, "
        f"{decimal(swept.bytes)}."
    )


def _organisations(found: list[Usage]) -> Table:
    away = any(one.moved_bytes for one in found)
    table = _table("organisation", "cases", "documents", "forms", "photos", *_MOVED[:away])
    for one in found:
        sizes = (one.forms_bytes, one.media_bytes, one.moved_bytes)[: 2 + away]
        table.add_row(one.organisation, str(one.cases), str(one.documents), *map(decimal, sizes))
    return table


def _largest(found: list[Usage]) -> Table:
    largest = [case for usage in found for case in usage.largest]
    away = any(one.moved_bytes for one in largest)
    table = _table("case", "no", "stage", "forms", "photos", *_MOVED[:away])
    for one in largest:
        sizes = (one.forms_bytes, one.media_bytes, one.moved_bytes)[: 2 + away]
        table.add_row(one.id, one.no, one.stage, *map(decimal, sizes))
    return table


def _table(*heads: str) -> Table:
    table = Table(box=None)
    for number, head in enumerate(heads):
        right = number and head not in ("no", "stage")
        # An id that is cut short cannot be copied.
        table.add_column(head, justify="right" if right else "left", no_wrap=head == "case")
    return table
