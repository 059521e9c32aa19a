"""`hezha doctor`: is this installation fit to hold what people entrust to it, and if not, what to mend."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from checklists.yamlfile import fast_parser
from server.commands.common import bars
from server.commands.couch_health import couch_findings
from server.commands.findings import Finding, Level
from server.commands.originals_health import originals_findings
from server.commands.store_health import store_findings
from server.intake.pulse import last_pulse, pulse_file
from server.ownrules import rules_in_force
from server.settings import Settings, SettingsError, load
from server.texts import LANGUAGES
from server.workflow.policy import PolicyError, load_policy
from server.workflow.workdays import UnknownYear
from sync.embedded.safety.values import DATABASE_FILE, Progress, silent

#: Nothing of Hezha was written before this: a clock that says so is wrong.
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
#: A clock may be this far behind the newest write before it is called wrong, in seconds.
_CLOCK_SLACK_SECONDS = 600
#: So far ahead the longest deadlines of cases that begin today run out: 52 working days.
_CALENDAR_AHEAD_DAYS = 80


@click.command()
@click.option("--deep", is_flag=True, help="Read every body and attachment, and compare every index.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True)
def doctor(*, deep: bool, as_json: bool, lang: str) -> None:
    """Check settings, folder, permissions, clock, disk, and every document's rows and files, or CouchDB.

    It changes nothing and may run while Hezha serves. Exits with 1 if a check fails; a warning is none.
    """
    with bars(as_json) as progress:
        findings = list(examine(os.environ, datetime.now(UTC), deep=deep, progress=progress))
    for finding in findings:
        if as_json:
            said = {**asdict(finding), "text": finding.words(lang)}
            click.echo(json.dumps(said, ensure_ascii=False, default=str))
        else:
            mark = {"ok": "✓", "warn": "!", "fail": "✗"}[finding.level]
            click.echo(f"{mark} {finding.words(lang)}")
    sys.exit(any(finding.level == "fail" for finding in findings))


def examine(
    environ: Any, now: datetime, *, deep: bool = False, progress: Progress = silent
) -> Iterator[Finding]:
    """Every finding about the installation that `environ` describes. Writes nothing that stays, but for a
    few bytes of its own in the bucket of originals."""
    try:
        settings = load(environ)
    except SettingsError as error:
        yield Finding("fail", "settings", "bad", {"reason": str(error)})
        return
    yield Finding("ok", "settings", "ok")
    yield from _folder(settings)
    yield from _disk(settings)
    yield from _clock(settings, now)
    yield from _calendar(settings, now)
    if settings.couchdb_url:
        yield from couch_findings(settings, now)
    else:
        yield from store_findings(settings, deep=deep, progress=progress)
    yield from originals_findings(settings, now)
    yield from _secrets(settings)
    yield from _worker(settings, now)
    yield from _built_parts()


def _folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    if not folder.exists():
        yield Finding("warn", "folder", "missing", {"path": folder})
        return
    if not folder.is_dir():
        yield Finding("fail", "folder", "not_a_folder", {"path": folder})
        return
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"hezha")
            os.fsync(probe.fileno())
    except OSError as error:
        yield Finding("fail", "folder", "not_writable", {"path": folder, "reason": error.strerror})
        return
    if folder.stat().st_mode & stat.S_IRWXO:
        yield Finding("warn", "folder", "open_to_others", {"path": folder})
    yield Finding("ok", "folder", "ok", {"path": folder})


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    while not folder.exists():
        folder = folder.resolve().parent
    free = shutil.disk_usage(folder).free
    params = {"free_gb": round(free / 1e9, 1), "wanted_gb": round(settings.min_free_disk_bytes / 1e9, 1)}
    enough = free >= settings.min_free_disk_bytes
    yield Finding("ok" if enough else "fail", "disk", "ok" if enough else "low", params)


def _clock(settings: Settings, now: datetime) -> Iterator[Finding]:
    if now < _EPOCH:
        yield Finding("fail", "clock", "before_epoch", {"now": now.isoformat(timespec="seconds")})
        return
    written = [path.stat().st_mtime for path in settings.data_dir.glob(f"{DATABASE_FILE}*")]
    if written and max(written) - now.timestamp() > _CLOCK_SLACK_SECONDS:
        newest = datetime.fromtimestamp(max(written), UTC)
        yield Finding(
            "fail",
            "clock",
            "went_back",
            {
                "now": now.isoformat(timespec="seconds"),
                "newest": newest.isoformat(timespec="seconds"),
            },
        )
        return
    yield Finding("ok", "clock", "ok", {"now": now.isoformat(timespec="seconds")})


def _calendar(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Limits run in working days: those of the coming months must have been announced, and entered."""
    if now < _EPOCH:
        return
    try:
        rules = rules_in_force(settings, load_policy())
        today = rules.at(now, settings.organisation).day(now)
    except (SettingsError, PolicyError) as error:
        yield Finding("fail", "settings", "bad", {"reason": str(error)})
        return
    calendar, ahead = rules.calendar(settings.organisation), today + timedelta(days=_CALENDAR_AHEAD_DAYS)
    try:
        calendar.works(today)
        calendar.works(ahead)
    except UnknownYear as unknown:
        level: Level = "fail" if unknown.year == today.year else "warn"
        yield Finding(level, "calendar", "unknown", {"year": unknown.year})
        return
    yield Finding("ok", "calendar", "ok", {"year": ahead.year})


def _secrets(settings: Settings) -> Iterator[Finding]:
    for path in settings.data_dir.glob("*.key"):
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield Finding("fail", "secrets", "readable", {"path": path})
            return
    if settings.sync_admin:
        yield Finding("warn", "secrets", "sync_admin")
    yield Finding("ok", "secrets", "ok")


def _worker(settings: Settings, now: datetime) -> Iterator[Finding]:
    seen = last_pulse(pulse_file(settings))
    if seen is None:
        yield Finding("ok", "worker", "absent")
        return
    params = {"age": round(seen.age(now.timestamp()))}
    silent = seen.silent(now.timestamp())
    yield Finding("fail" if silent else "ok", "worker", "silent" if silent else "ok", params)


def _built_parts() -> Iterator[Finding]:
    build = Path(__file__).resolve().parents[2] / "build"
    parts: dict[str, Callable[[], bool]] = {
        "cel.js": (build / "cel.js").is_file,
        "apidocs": (build / "apidocs" / "index.html").is_file,
    }
    missing = [name for name, there in parts.items() if not there()]
    if missing:
        yield Finding("fail", "build", "missing", {"parts": ", ".join(missing)})
    else:
        yield Finding("ok", "build", "ok")
    if not fast_parser():
        yield Finding("warn", "yaml", "slow")
