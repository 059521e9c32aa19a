"""`hezha migrate`: all databases from one place to another by replication, and whether they are the same."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import apsw
import click
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from server import logs
from server.commands.common import settings_or_exit
from server.intake.intake import FOLLOWER
from server.names import Names
from server.texts import LANGUAGES, text
from sync.follow import checkpoint_id
from sync.migration.compare import Difference
from sync.migration.move import ForeignData, Options, Report, Step, migrate
from sync.replication.http import HttpSite
from sync.replication.local import LocalSite, is_data_folder
from sync.replication.replica import Site
from sync.store import StoreError

#: Exit codes; 0 is: everything is there.
DIFFERS, WRONG_USE, FOREIGN, BROKE_OFF = 1, 2, 3, 4
#: Lines of a list that people read; `--json` has all.
_SHOWN = 20


@click.command(name="migrate")
@click.option(
    "--to",
    "to_place",
    required=True,
    envvar="HEZHA_MIGRATE_TO",
    help="URL of a CouchDB, with name:password@ of a server admin, or a data folder. [HEZHA_MIGRATE_TO]",
)
@click.option(
    "--from",
    "from_place",
    envvar="HEZHA_MIGRATE_FROM",
    help="The same, of where the data are. [HEZHA_MIGRATE_FROM, the data folder HEZHA_DATA]",
)
@click.option("-q", "shards", type=click.IntRange(1), help="Shards of each new database, on a cluster.")
@click.option("-n", "copies", type=click.IntRange(1), help="Copies of each shard, on a cluster.")
@click.option(
    "--jobs", type=click.IntRange(1, 32), default=4, show_default=True, help="Databases worked on at once."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object at the end, with every difference.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)
def migrate_command(
    to_place: str,
    from_place: str | None,
    shards: int | None,
    copies: int | None,
    jobs: int,
    *,
    as_json: bool,
    lang: str,
) -> None:
    """Move all of Hezha's databases by replication, and verify that everything is there.

    May be broken off at any time: run again, it goes on. Nothing is deleted. Exits with 0 if both sides are
    equal, 1 if something differs, 2 for wrong use, 3 if the target holds data of its own, 4 if it broke off.
    """
    logs.configure()
    settings = settings_or_exit()
    names = Names(settings)
    told = _Teller(lang, as_json=as_json)
    options = Options(q=shards, n=copies, jobs=jobs, followers=(checkpoint_id(FOLLOWER),))
    with told.ending(), told.opened(from_place or str(settings.data_dir), must_exist=True) as source:
        if not from_place:
            told.say("migrate.from", place=source.label)
        with told.opened(to_place) as target:
            if source.identity == target.identity:
                told.stop(WRONG_USE, "migrate.same_place", place=target.label)
            with told.progress() as on_step:
                report = migrate(source, target, names.owns, options=options, on_step=on_step)
            told.report(report, source, target)


class _Teller:
    """Says what happens: words for people, or one object for a script. Ends the process when it must."""

    def __init__(self, lang: str, *, as_json: bool) -> None:
        self._lang = lang
        self._as_json = as_json

    def words(self, code: str, **params: Any) -> str:
        return text(code, self._lang, **params)

    def say(self, code: str, **params: Any) -> None:
        if not self._as_json:
            click.echo(self.words(code, **params))

    def stop(self, status: int, code: str, *, detail: Any = None, **params: Any) -> NoReturn:
        """Say why, and exit with `status`."""
        if self._as_json:
            click.echo(json.dumps({"ok": False, "stopped": code, "params": params, "detail": detail}))
        else:
            click.echo(f"hezha: {self.words(code, **params)}", err=True)
        sys.exit(status)

    @contextmanager
    def opened(self, place: str, *, must_exist: bool = False) -> Iterator[Site]:
        site = self._open(place, must_exist=must_exist)
        try:
            yield site
        finally:
            site.close()

    def _open(self, place: str, *, must_exist: bool) -> Site:
        is_url = "://" in place
        try:
            if is_url:
                return HttpSite(place)
            if must_exist and not is_data_folder(Path(place)):
                self.stop(WRONG_USE, "migrate.nothing_there", place=place)
            return LocalSite.open(Path(place))
        except (StoreError, RuntimeError, OSError, apsw.Error) as error:
            reason = error.reason if isinstance(error, StoreError) else str(error)
            shown = place.rpartition("@")[2] if is_url else place
            self.stop(WRONG_USE, "migrate.cannot_open", place=shown, reason=reason)

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Turn what ends a migration into words and an exit code."""
        try:
            yield
        except ForeignData as refusal:
            rows = [
                {"database": one.database, "revisions": [list(pair) for pair in one.revisions]}
                for one in refusal.found
            ]
            shown = ", ".join(one.database for one in refusal.found[:_SHOWN])
            self.stop(FOREIGN, "migrate.foreign", detail=rows, count=len(rows), databases=shown)
        except StoreError as error:
            self.stop(BROKE_OFF, "migrate.broke_off", reason=f"{error.error}: {error.reason}")
        except KeyboardInterrupt:
            self.stop(BROKE_OFF, "migrate.interrupted")

    @contextmanager
    def progress(self) -> Iterator[Any]:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[held]}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), disable=self._as_json) as shown:
            tasks: dict[str, Any] = {}

            def on_step(step: Step) -> None:
                if not step.total:
                    return
                if step.stage not in tasks or step.done < shown.tasks[tasks[step.stage]].completed:
                    tasks[step.stage] = shown.add_task(self.words(f"migrate.stage.{step.stage}"), held="")
                held = ""
                if step.documents:
                    held = self.words(
                        "migrate.held", documents=step.documents, size=decimal(step.attachment_bytes)
                    )
                shown.update(tasks[step.stage], total=step.total, completed=step.done, held=held)

            yield on_step

    def report(self, report: Report, source: Site, target: Site) -> None:
        """The outcome, and what to do next; exits with 1 if something differs."""
        if self._as_json:
            click.echo(json.dumps(_as_json(report, source, target), ensure_ascii=False))
            sys.exit(DIFFERS if report.differences else 0)
        if report.left_out:
            self.say("migrate.left_out", databases=_few(report.left_out), count=len(report.left_out))
        for db, failure in report.failures[:_SHOWN]:
            self.say("migrate.failure", database=db, **asdict(failure))
        if report.differences:
            for difference in report.differences[:_SHOWN]:
                click.echo(f"  {self._difference(difference)}")
            self.stop(DIFFERS, "migrate.differs", count=len(report.differences))
        self.say("migrate.equal", **_totals(report))
        if report.again:
            self.say("migrate.again", count=len(report.again))
        self.say("migrate.moving" if report.written_meanwhile else "migrate.quiet")
        kind = "folder" if isinstance(target, LocalSite) else "couchdb"
        self.say(f"migrate.switch.{kind}", source=source.label, target=target.label)

    def _difference(self, found: Difference) -> str:
        place = " ".join(part for part in (found.database, found.doc_id, found.rev) if part)
        what = self.words(f"migrate.difference.{found.what}")
        return f"{place}: {what}: {json.dumps(found.source)} / {json.dumps(found.target)}"


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")


def _totals(report: Report) -> dict[str, Any]:
    compared = report.comparisons
    return {
        "databases": len(compared),
        "documents": sum(one.documents for one in compared),
        "deleted": sum(one.deleted for one in compared),
        "revisions": sum(one.revisions for one in compared),
        "attachments": sum(one.attachments for one in compared),
        "attachment_bytes": sum(one.attachment_bytes for one in compared),
    }


def _as_json(report: Report, source: Site, target: Site) -> dict[str, Any]:
    return {
        "ok": not report.differences,
        "from": source.label,
        "to": target.label,
        **_totals(report),
        "written_meanwhile": report.written_meanwhile,
        "differences": [asdict(difference) for difference in report.differences],
        "failures": [{"database": db, **asdict(failure)} for db, failure in report.failures],
        "followers_from_the_beginning": [list(pair) for pair in report.again],
        "left_out": list(report.left_out),
    }
