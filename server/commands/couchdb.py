"""`hezha couchdb`: what CouchDB's own configuration has to say for Hezha, and its write rules."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

from server import logs
from server.commands.common import settings_or_exit
from server.couch_storage import couch_needs, open_couch
from server.services import system_clock
from server.settings import Settings, SettingsError
from server.texts import LANGUAGES, text
from sync.couch.cluster import Cluster
from sync.couch.configuration import Change, Needs, as_ini, changes
from sync.couch.store import CouchStore
from sync.store import StoreError

#: Exit codes; 0 is: everything is as Hezha needs it.
DIFFERS, WRONG_USE, UNREACHABLE = 1, 2, 3
_HIDDEN = "…"


@click.group(name="couchdb")
def couchdb() -> None:
    """Prepare an Apache CouchDB to keep Hezha's documents (HEZHA_COUCHDB_URL)."""


@couchdb.command()
@click.option("--apply", "do_apply", is_flag=True, help="Change it on every node of the cluster.")
@click.option(
    "--print",
    "form",
    type=click.Choice(["ini", "env"]),
    help="Print it instead, for local.d/*.ini of a new CouchDB, or Hezha's own variables. Asks no CouchDB.",
)
@click.option("--cors", "origins", multiple=True, help="A web page's origin that may speak to CouchDB.")
@click.option("--secrets", is_flag=True, help="Print keys and passwords in full.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)
def configure(
    *, do_apply: bool, form: str | None, origins: tuple[str, ...], secrets: bool, lang: str
) -> None:
    """Compare CouchDB's configuration with what Hezha needs, and say or make the changes.

    May be run again at any time; what is right already stays as it is. Exits with 0 if nothing is left to
    change, 1 if something is, 2 for wrong use, 3 if CouchDB cannot be asked.
    """
    logs.configure()
    settings = settings_or_exit()
    if do_apply and form:
        _stop(WRONG_USE, text("couchdb.apply_or_print", lang))
    needs = couch_needs(settings, origins=origins)
    if form == "ini":
        click.echo(as_ini(changes(needs, {}), secrets=secrets), nl=False)
        return
    if form == "env":
        click.echo("\n".join(_variables(settings, secrets=secrets)))
        return
    if not settings.couchdb_url:
        _stop(WRONG_USE, text("couchdb.no_url", lang))
    with _asked(settings, lang) as store:
        cluster = Cluster(store.wire)
        if do_apply:
            _apply(cluster, needs, lang)
        left = _compare(cluster, needs, lang)
        trouble = None if left else store.trouble()
    if trouble is not None:
        _stop(DIFFERS, text("couchdb.token_refused", lang, reason=trouble))
    if left:
        sys.exit(DIFFERS)
    click.echo(text("couchdb.right", lang))


@couchdb.command()
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)
def rules(lang: str) -> None:
    """Write the write rules of this version to every database that has others.

    CouchDB holds tablets to the rules that lie in a database: run this before the new version serves. It may
    be cut off and run again. Exits with 0 once every database has them, 2 for wrong use, 3 if CouchDB cannot
    be asked.
    """
    logs.configure()
    settings = settings_or_exit()
    if not settings.couchdb_url:
        _stop(WRONG_USE, text("couchdb.rules_no_url", lang))
    with _asked(settings, lang) as store:
        changed = store.refresh_design_documents()
    click.echo(text("couchdb.rules_written" if changed else "couchdb.rules_right", lang, count=len(changed)))


def _compare(cluster: Cluster, needs: Needs, lang: str) -> bool:
    """Say what differs; whether anything does."""
    differs = False
    for node in cluster.nodes():
        for change in changes(needs, cluster.configuration(node)):
            differs = True
            click.echo(_words("couchdb.differs", node, change, lang))
    missing = cluster.missing_databases()
    if missing:
        click.echo(text("couchdb.databases_missing", lang, names=", ".join(missing)))
    return differs or bool(missing)


def _apply(cluster: Cluster, needs: Needs, lang: str) -> None:
    """Make every change, and say it."""
    for node in cluster.nodes():
        wanted = changes(needs, cluster.configuration(node))
        cluster.apply(node, wanted)
        for change in wanted:
            click.echo(_words("couchdb.changed", node, change, lang))
    made = cluster.make_databases()
    if made:
        click.echo(text("couchdb.databases_made", lang, names=", ".join(made)))


def _words(code: str, node: str, change: Change, lang: str) -> str:
    def shown(value: str | None) -> str:
        if value is None:
            return text("couchdb.not_set", lang)
        return _HIDDEN if change.secret else value

    return text(
        code,
        lang,
        node=node,
        key=f"[{change.section}] {change.key}",
        old=shown(change.present),
        new=shown(change.value),
    )


def _variables(settings: Settings, *, secrets: bool) -> Iterator[str]:
    """What every process of this Hezha has to be given, as a shell reads it."""
    ring = couch_needs(settings).keys
    values = {
        "HEZHA_COUCHDB_URL": settings.couchdb_url if secrets else _HIDDEN,
        "HEZHA_COUCHDB_USER": settings.couchdb_user,
        "HEZHA_COUCHDB_PASSWORD_FILE": settings.couchdb_password_file,
        "HEZHA_COUCHDB_CA_FILE": settings.couchdb_ca_file,
        "HEZHA_DB_PREFIX": settings.db_prefix,
        "HEZHA_SYNC_URL": settings.public_sync_url,
        "HEZHA_JWT_KEY": ",".join(f"{kid}:{key if secrets else _HIDDEN}" for kid, key in ring.items()),
    }
    return (f"{name}={shlex.quote(value)}" for name, value in values.items() if value)


@contextmanager
def _asked(settings: Settings, lang: str) -> Iterator[CouchStore]:
    try:
        store = open_couch(settings, system_clock)
    except SettingsError as error:
        _stop(WRONG_USE, str(error))
    try:
        yield store
    except StoreError as error:
        _stop(UNREACHABLE, text("couchdb.unreachable", lang, reason=error.reason))
    finally:
        store.close()


def _stop(status: int, sentence: str) -> NoReturn:
    click.echo(f"hezha: {sentence}", err=True)
    sys.exit(status)
