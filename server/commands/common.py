"""What the commands share: settings or a clear exit, and services for the length of one command."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from server.services import Services, assemble
from server.settings import Settings, SettingsError, load


def settings_or_exit() -> Settings:
    """The settings of the environment; exits with 2 and says which one to mend."""
    try:
        return load()
    except SettingsError as error:
        click.echo(f"hezha: {error}", err=True)
        sys.exit(2)


def is_empty(settings: Settings) -> bool:
    """Whether the data folder holds nothing yet."""
    folder = settings.data_dir
    return not folder.exists() or not any(folder.iterdir())


@contextmanager
def open_services(settings: Settings | None = None) -> Iterator[Services]:
    """Everything a command needs, closed when it ends."""
    made = assemble(settings or settings_or_exit())
    try:
        yield made
    finally:
        made.close()


@contextmanager
def bars(quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Progress on stderr, where somebody watches."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    hidden = quiet or not console.is_terminal
    with Progress(*columns, console=console, disable=hidden, transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done, total=total)

        yield report
