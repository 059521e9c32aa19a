"""What the commands share: settings or a clear exit, and services for the length of one command."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import NoReturn

import apsw
import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from server.library.publishing import PublishedChecklistChanged
from server.services import Services, assemble, system_clock
from server.settings import Settings, SettingsError, load
from server.storage import open_store
from sync.embedded.engine import EmbeddedStore
from sync.embedded.safety.values import has_store
from sync.store import Damaged, StoreError, Unusable


def settings_or_exit() -> Settings:
    """The settings of the environment; exits with 2 and says which one to mend."""
    try:
        return load()
    except SettingsError as error:
        click.echo(f"hezha: {error}", err=True)
        sys.exit(2)


def is_empty(settings: Settings) -> bool:
    """Whether nothing is kept yet: in the data folder, or on CouchDB under this prefix. Exits with 3 if
    CouchDB cannot be asked.
    """
    if settings.couchdb_url:
        with data_or_exit(settings), closing(open_store(settings, system_clock)) as store:
            return not store.database_names()
    folder = settings.data_dir
    return not folder.exists() or not any(folder.iterdir())


#: Exit code of a command whose data folder cannot be used as it is.
DATA_UNUSABLE = 3


@contextmanager
def data_or_exit(settings: Settings) -> Iterator[None]:
    """What makes the data folder unusable becomes a sentence on stderr and exit code 3."""
    folder = settings.data_dir
    try:
        yield
    except Unusable as error:
        _unusable(str(error))
    except OSError as error:
        if error.errno not in _DISK_SAYS_NO:
            raise
        _unusable(
            f"{error.filename or folder} cannot be written ({os.strerror(error.errno or 0)}). {_ADVICE}"
        )
    except (apsw.ReadOnlyError, apsw.CantOpenError, apsw.FullError) as error:
        _unusable(f"{folder} cannot be written ({error}). {_ADVICE}")
    except (Damaged, apsw.CorruptError, apsw.NotADBError) as error:
        _unusable(
            f"the database in {folder} is damaged ({error}). hezha doctor says what is; then move the folder "
            "aside and run hezha restore BACKUP, or without a backup hezha salvage OUT"
        )
    except (SettingsError, PublishedChecklistChanged) as error:
        _unusable(str(error))
    except StoreError as error:
        if not settings.couchdb_url:
            raise
        _unusable(f"CouchDB cannot be used ({error.reason}). hezha doctor says what to mend")


_DISK_SAYS_NO = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR, errno.EIO}
_ADVICE = "Give the folder to the user that runs hezha, on a disk that is writable and has room"


def _unusable(sentence: str) -> NoReturn:
    click.echo(f"hezha: {sentence}", err=True)
    sys.exit(DATA_UNUSABLE)


def check_data(settings: Settings) -> None:
    """Refuse a data folder that cannot be served, before anybody connects. Exits with 3, and says why.

    An older storage version is brought up to date here, once, and not by every process that follows.
    """
    with data_or_exit(settings):
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.data_dir) as probe:
            probe.write(b"hezha")
            probe.flush()
            os.fsync(probe.fileno())
        if not settings.couchdb_url and has_store(settings.data_dir):
            EmbeddedStore(settings.data_dir).close()


@contextmanager
def open_services(settings: Settings | None = None, *, with_lists: bool = True) -> Iterator[Services]:
    """Everything a command needs, closed when it ends; `with_lists` as `assemble` has it."""
    settings = settings or settings_or_exit()
    with data_or_exit(settings):
        made = assemble(settings, with_lists=with_lists)
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
