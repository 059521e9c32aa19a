"""The doctor's look at the CouchDB that keeps the documents: what of it would keep tablets out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from server.commands.findings import Finding, Level
from server.couch_storage import couch_needs, open_couch
from server.services import system_clock
from server.settings import Settings, SettingsError
from sync.couch.cluster import Cluster, examine
from sync.couch.store import ANYBODY
from sync.store import StoreError

#: What is not right and yet keeps nobody out.
_WARNINGS = {"version"}


def couch_findings(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Everything about CouchDB. Writes nothing."""
    try:
        store = open_couch(settings, system_clock)
        needs = couch_needs(settings)
    except SettingsError as error:
        yield Finding("fail", "settings", "bad", {"reason": str(error)})
        return
    try:
        found = examine(
            Cluster(store.wire),
            needs,
            as_user=ANYBODY,
            now=now,
            clock_slack=settings.clock_skew_seconds + 1,  # CouchDB tells whole seconds
        )
    except StoreError as error:
        yield Finding("fail", "couchdb", "unreachable", {"reason": error.reason})
        return
    finally:
        store.close()
    for one in found:
        if not one.ok:
            level: Level = "warn" if one.outcome in _WARNINGS else "fail"
            yield Finding(level, "couchdb", one.outcome, dict(one.params))
    if all(one.ok for one in found):
        yield Finding("ok", "couchdb", "ok", dict(found[0].params))
