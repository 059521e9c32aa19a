"""`hezha backup` and `hezha restore`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import apsw
import click

from server.commands.common import bars, settings_or_exit
from server.people.keys import KEY_FILE
from server.settings import Settings
from server.texts import LANGUAGES, text
from sync.embedded.safety import backup as backups
from sync.embedded.safety.mend import mend
from sync.embedded.safety.restore import restore as bring_back
from sync.embedded.safety.shelf import TAR, open_shelf
from sync.embedded.safety.values import SafetyError

F = TypeVar("F", bound=Callable[..., Any])

_PATH = click.Path(path_type=Path)
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
_LANG = click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)
_SNAPSHOT = click.option("--snapshot", help="Which one of the folder's. [the newest]")


class MakeByDefault(click.Group):
    """`hezha backup FOLDER` makes one; the first word may also be one of the subcommands."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            args = ["make", *args]
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # Options of `make` may come before its path, where a group would take them for its own.
        if args and args[0].startswith("-") and args[0] not in ctx.help_option_names:
            args = ["make", *args]
        return super().parse_args(ctx, args)


@click.group(cls=MakeByDefault)
def backup() -> None:
    """Back up the data folder while it serves: `hezha backup FOLDER` or `hezha backup FILE.tar`."""


@backup.command("make")
@click.argument("destination", type=_PATH)
@click.option("--keep", type=click.IntRange(min=1), help="Remove all but the newest so many of the folder.")
@click.option("--hard-links", is_flag=True, help="Link photos in place of copying, on the same file system.")
@click.option("--without-keys", is_flag=True, help="Leave out the key that signs tokens.")
@_JSON
@_LANG
def make(
    destination: Path, keep: int | None, *, hard_links: bool, without_keys: bool, as_json: bool, lang: str
) -> None:
    """Back up into DESTINATION: a folder, which keeps earlier backups and copies only what is new, or a new
    FILE.tar.

    Exits with 1 if there is no backup, or if photos are missing from the data itself.
    """
    settings = settings_or_exit()
    _embedded_only(settings, "backup.couchdb", lang)
    if keep is not None and destination.suffix == TAR:
        raise click.UsageError("--keep is for folders.")
    with refusals(lang), bars(as_json) as progress:
        made = backups.make(
            settings.data_dir,
            destination,
            made_by=f"hezha {version('hezha')}",
            now=datetime.now(UTC),
            extras=() if without_keys else (settings.data_dir / KEY_FILE,),
            hard_links=hard_links,
            progress=progress,
        )
        removed, _ = backups.prune(destination, keep) if keep is not None else ([], 0)
    manifest = made.manifest
    facts = {
        "snapshot": made.name,
        "path": str(destination),
        "databases": manifest.databases,
        "documents": manifest.documents,
        "blobs": manifest.blobs,
        "new_blobs": made.new_blobs,
        "damaged": list(manifest.damaged),
        "removed": removed,
    }
    _tell("backup.made", facts, as_json, lang)
    if manifest.damaged:
        click.echo(text("backup.source_lacks", lang, count=len(manifest.damaged)), err=True)
        sys.exit(1)


@backup.command("verify")
@click.argument("source", type=_PATH)
@_SNAPSHOT
@_JSON
@_LANG
def verify(source: Path, snapshot: str | None, *, as_json: bool, lang: str) -> None:
    """Read a backup whole and compare every digest. Exits with 1 if anything is missing or damaged."""
    with refusals(lang), bars(as_json) as progress:
        found = backups.verify(open_shelf(source), snapshot, progress=progress)
    facts = {
        "snapshot": found.name,
        "path": str(source),
        "made_at": found.manifest.made_at,
        "made_by": found.manifest.made_by,
        "databases": found.manifest.databases,
        "documents": found.manifest.documents,
        "blobs": found.manifest.blobs,
        "missing": list(found.missing),
        "damaged": list(found.damaged),
        "lacked_by_source": list(found.manifest.damaged),
    }
    _tell("backup.sound" if found.sound else "backup.unsound", facts, as_json, lang)
    if not found.sound and not as_json:
        for path in (*found.damaged, *found.missing):
            click.echo(f"  {path}")
    sys.exit(not found.sound)


@backup.command("list")
@click.argument("source", type=_PATH)
@_JSON
@_LANG
def list_snapshots(source: Path, *, as_json: bool, lang: str) -> None:
    """List the backups in a folder or tar, the oldest first."""
    with refusals(lang):
        shelf = open_shelf(source)
        for name in shelf.snapshots():
            manifest = backups.read_manifest(shelf, name)
            facts = {"snapshot": name, "documents": manifest.documents, "blobs": manifest.blobs}
            _tell("backup.listed", facts, as_json, lang)


@click.command()
@click.argument("source", type=_PATH)
@click.option("--to", "target", type=_PATH, help="An empty folder. [HEZHA_DATA]")
@_SNAPSHOT
@click.option("--partial", is_flag=True, help="Go on where the backup lacks photos; they will be missing.")
@click.option("--without-keys", is_flag=True, help="Make a new signing key: everybody signs in again.")
@click.option("--missing", is_flag=True, help="Only bring back photos that the data lack; it may serve.")
@click.option("--deep", is_flag=True, help="With --missing: read all, and replace those with other bytes.")
@_JSON
@_LANG
def restore(
    source: Path,
    target: Path | None,
    snapshot: str | None,
    *,
    partial: bool,
    without_keys: bool,
    missing: bool,
    deep: bool,
    as_json: bool,
    lang: str,
) -> None:
    """Bring a backup back into an empty data folder. Stop the server first.

    Tablets compare everything anew and send again what the backup lacks. Exits with 1 if the backup cannot be
    trusted, the folder is not empty, or anything is missing.
    """
    settings = settings_or_exit()
    if target is None:
        _embedded_only(settings, "restore.couchdb", lang)
        target = settings.data_dir
    if missing:
        _bring_missing(source, target, deep=deep, as_json=as_json, lang=lang)
    with refusals(lang), bars(as_json) as progress:
        done = bring_back(
            open_shelf(source),
            target,
            name=snapshot,
            extras=not without_keys,
            partial=partial,
            progress=progress,
        )
    facts = {
        "snapshot": done.name,
        "path": str(target),
        "made_at": done.manifest.made_at,
        "databases": done.manifest.databases,
        "documents": done.manifest.documents,
        "blobs": done.blobs,
        "missing": list(done.missing),
    }
    _tell("restore.done", facts, as_json, lang)
    if done.missing:
        click.echo(text("restore.lacks", lang, count=len(done.missing)), err=True)
        sys.exit(1)


def _bring_missing(source: Path, target: Path, *, deep: bool, as_json: bool, lang: str) -> NoReturn:
    with refusals(lang), bars(as_json) as progress:
        done = mend(open_shelf(source), target, deep=deep, progress=progress)
    facts = {"path": str(target), "brought": list(done.brought), "missing": list(done.missing)}
    if as_json:
        click.echo(json.dumps(facts))
    else:
        click.echo(text("restore.mended", lang, count=len(done.brought), missing=len(done.missing)))
    sys.exit(bool(done.missing))


def _embedded_only(settings: Settings, code: str, lang: str) -> None:
    """With CouchDB as the engine the documents are not here: a copy of this folder would be no backup."""
    if settings.couchdb_url:
        click.echo(f"hezha: {text(code, lang)}", err=True)
        sys.exit(2)


def _tell(code: str, facts: dict[str, Any], as_json: bool, lang: str) -> None:
    click.echo(json.dumps(facts, ensure_ascii=False) if as_json else text(code, lang, **facts))


@contextmanager
def refusals(lang: str) -> Iterator[None]:
    """A refusal becomes a sentence on stderr and exit code 1."""
    try:
        yield
    except SafetyError as error:
        click.echo(f"hezha: {text(f'safety.{error.code}', lang, **error.params)}", err=True)
        sys.exit(1)
    except apsw.Error as error:
        click.echo(f"hezha: {text('safety.disk', lang, path='hezha.sqlite3', reason=error)}", err=True)
        sys.exit(1)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        click.echo(f"hezha: {text('safety.disk', lang, path=error.filename or '', reason=reason)}", err=True)
        sys.exit(1)
