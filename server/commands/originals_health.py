"""The doctor's look at the object storage of originals: can it be reached, written and read."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

from server.commands.findings import Finding
from server.evidence.originals.bucket import OriginalsUnreachable
from server.object_storage import open_bucket
from server.ownrules import rules_in_force
from server.settings import Settings, SettingsError
from server.workflow.policy import PolicyError, load_policy


def originals_findings(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Everything about the object storage; nothing where neither settings nor dated settings speak of it.

    A few bytes are written into the bucket, always the same under the same key: without that, nobody knows
    whether it can be written.
    """
    try:
        bucket = open_bucket(settings)
        days = rules_in_force(settings, load_policy()).at(now, settings.organisation).originals_days
    except (SettingsError, PolicyError) as error:
        yield Finding("fail", "settings", "bad", {"reason": str(error)})
        return
    if bucket is None:
        if days:
            yield Finding("warn", "originals", "nowhere", {"days": days})
        return
    named = {"bucket": settings.originals_bucket}
    file = settings.originals_key_file
    if file and Path(file).stat().st_mode & stat.S_IRWXO:
        yield Finding("warn", "originals", "key_readable", {"path": file})
    with closing(bucket):
        try:
            bucket.reach()
        except OriginalsUnreachable as error:
            yield Finding("fail", "originals", "unreachable", {**named, "reason": error.reason})
            return
        try:
            bucket.probe()
        except OriginalsUnreachable as error:
            yield Finding("fail", "originals", "unwritable", {**named, "reason": error.reason})
            return
    yield Finding("ok", "originals", "ok" if days else "unused", {**named, "days": days})
