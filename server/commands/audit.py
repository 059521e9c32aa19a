"""`hezha audit`: is every case as its decisions left it, and is its log whole."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any

import click
import msgspec

from server.casework.auditing import Audited, Auditor, case_ids
from server.commands.common import bars, data_or_exit, settings_or_exit
from server.evidence.originals.door import Originals
from server.names import Names
from server.object_storage import open_bucket
from server.services import system_clock
from server.storage import open_store
from server.texts import LANGUAGES, text
from server.workflow.audit import Head, Trace
from sync.store import DocumentStore

_OUT = click.Path(dir_okay=False, writable=True, path_type=Path)
_LANG = click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)


@click.group()
def audit() -> None:
    """Look for changes that no decision accounts for. Nothing is changed; Hezha may serve meanwhile."""


@audit.command("verify")
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@click.option("--against", type=click.File(encoding="utf-8"), help="Heads that `hezha audit heads` wrote.")
@click.option("--deep", is_flag=True, help="Read and hash every photo that a case relies on.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a case, on a line each.")
@_LANG
def verify_command(
    cases: tuple[str, ...], against: IO[str] | None, *, deep: bool, as_json: bool, lang: str
) -> None:
    """Compare every case, or those named by id, with its own log, and say what differs and since when.

    Exits with 0 if nothing speaks against a case, with 1 if something does, with 2 for heads that cannot be
    read.
    """
    known = _known(against)
    found = 0
    with _stored() as (store, names, originals), bars(as_json) as progress:
        auditor = Auditor(store, names, deep=deep, originals=originals)
        wanted = sorted(cases) or sorted({*case_ids(store, names), *known})
        silent = 0
        for done, case_id in enumerate(wanted, start=1):
            audited = auditor.audit(case_id, known.get(case_id, ()))
            found += not audited.sound
            silent += audited.sound and bool(audited.traces)
            _tell(audited, as_json=as_json, lang=lang)
            progress("audit", done, len(wanted))
    if not as_json:
        if silent:
            click.echo(text("audit.silent", lang, count=silent))
        code = "audit.found" if found else "audit.sound"
        click.echo(text(code, lang, count=len(wanted), found=found), err=bool(found))
    sys.exit(bool(found))


@audit.command("heads")
@click.option(
    "--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="[standard output]"
)
@_LANG
def heads_command(out: Path | None, *, lang: str) -> None:
    """Write how far each case's log has come, a JSON object a line. Keep it where Hezha's users cannot write.

    A case that is later put back to an earlier state, or a log that is written anew with its hashes, is found
    by `hezha audit verify --against` it, and by nothing else.
    """
    with _stored() as (store, names, _):
        lines = [
            msgspec.json.encode(head).decode() for head in Auditor(store, names).heads(case_ids(store, names))
        ]
    if out is None:
        click.echo("\n".join(lines))
    else:
        out.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        click.echo(text("audit.heads", lang, count=len(lines), path=out))


@contextmanager
def _stored() -> Iterator[tuple[DocumentStore, Names, Originals]]:
    settings = settings_or_exit()
    with data_or_exit(settings):
        if not settings.couchdb_url and not settings.data_dir.exists():
            raise click.ClickException(
                f"{settings.data_dir} does not exist. Set HEZHA_DATA to the data folder."
            )
        bucket = open_bucket(settings)
        store = open_store(settings, system_clock)
    with closing(store), closing(bucket) if bucket else nullcontext():
        yield store, Names(settings), Originals(store, bucket)


def _known(against: IO[str] | None) -> Mapping[str, Sequence[Head]]:
    known: dict[str, list[Head]] = defaultdict(list)
    for number, line in enumerate(against or (), start=1):
        if not line.strip():
            continue
        try:
            head = msgspec.json.decode(line, type=Head)
        except msgspec.DecodeError as error:
            raise click.UsageError(f"--against, line {number}: {error}") from error
        known[head.case].append(head)
    return known


def _tell(audited: Audited, *, as_json: bool, lang: str) -> None:
    if as_json:
        plain: dict[str, Any] = msgspec.to_builtins(audited)
        words = [trace_text(trace, lang) for trace in audited.traces]
        said = [{**trace, "text": word} for trace, word in zip(plain["traces"], words, strict=True)]
        click.echo(json.dumps({**plain, "sound": audited.sound, "traces": said}, ensure_ascii=False))
        return
    for trace in audited.traces:
        if trace.code != "unsealed":
            click.echo(f"✗ {audited.case}: {trace_text(trace, lang)}")


def trace_text(trace: Trace, lang: str) -> str:
    """A trace in words."""
    between = "now" if trace.before_seq is None else "entry"
    since = text(
        f"audit.since.{between}" if trace.after_seq else f"audit.since.start_{between}",
        lang,
        after=trace.after_seq,
        before=trace.before_seq,
        at="" if trace.at is None else trace.at.isoformat(timespec="seconds"),
        actor=trace.actor,
    )
    return text(
        f"audit.trace.{trace.code}",
        lang,
        part=trace.part,
        reason=trace.reason,
        since=since,
        before=trace.before_seq,
    )
