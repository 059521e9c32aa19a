"""`hezha demo`: a town to look around in."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from server.commands.common import is_empty, settings_or_exit
from server.demo.seed import as_demo, is_demo, seed_whole
from server.demo.town import ACCOUNTS, PASSWORD
from server.settings import Settings


@click.command()
def demo() -> None:
    """Seed eight made-up cases into an empty data folder, and print the accounts."""
    settings = settings_or_exit()
    if not is_empty(settings):
        another = "HEZHA_DB_PREFIX to another prefix" if settings.couchdb_url else "HEZHA_DATA to another one"
        click.echo(
            f"hezha: {_place(settings)} holds data already; the demo wants an empty place (set {another}).",
            err=True,
        )
        sys.exit(1)
    _seed(as_demo(settings))
    print_accounts(settings)


def seed_if_empty(settings: Settings) -> Settings:
    """Seed a folder that holds nothing; print the accounts of a folder that the demo seeded.

    The settings to serve it with.
    """
    if is_empty(settings):
        _seed(as_demo(settings))
    if is_demo(settings):
        print_accounts(settings)
        return as_demo(settings)
    click.echo(f"{_place(settings)} holds data of its own; it is served as it is, without the demo.")
    return settings


def _place(settings: Settings) -> str:
    """Where the documents are, in a few words and without a password."""
    if settings.couchdb_url:
        return f"CouchDB (prefix {settings.db_prefix!r})"
    return str(settings.data_dir)


def _seed(settings: Settings) -> None:
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Seeding the demo: eight cases with photos, forms and notices")

        def report(line: str) -> None:
            progress.advance(task)
            progress.console.print(f"  {line}")

        seed_whole(settings, report)


def print_accounts(settings: Settings) -> None:
    """The addresses and accounts of the demo, for whoever has just started it."""
    click.echo(f"\nHezha 合闸  {settings.public_url}")
    click.echo(f"  API page      {settings.public_url}/api/docs")
    click.echo(f"  replication   {settings.public_url}/sync/")
    click.echo(f"\nAccounts, password {PASSWORD}:")
    for name, shown, roles in ACCOUNTS:
        click.echo(f"  {name:<12} {', '.join(roles):<10} {shown}")
    click.echo("")
