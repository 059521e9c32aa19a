"""The cluster behind the databases: its nodes, their configuration, and how it takes our tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

from sync.couch.configuration import Change, Config, Needs, changes
from sync.couch.wire import Wire
from sync.store import DatabaseExists, NotFound, StoreError, Unavailable, UserCtx

#: The oldest CouchDB that everything here has been run against.
OLDEST = (3, 5)
#: Databases that CouchDB does not make by itself; the feed of databases lives in the last.
SYSTEM_DATABASES = ("_users", "_replicator", "_global_changes")


@dataclass(frozen=True)
class Finding:
    """Something that was looked at: `outcome` names it, `params` are for the words."""

    ok: bool
    outcome: str
    params: Mapping[str, Any] = field(default_factory=dict)


class Cluster:
    """Asks and sets what belongs to nodes rather than databases. Everything needs a server admin."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def nodes(self) -> list[str]:
        """The nodes of the cluster, sorted. Raises StoreError as every method here."""
        return sorted(self._wire.json("GET", "_membership")["cluster_nodes"])

    def version(self) -> str:
        return str(self._wire.json("GET", "")["version"])

    def configuration(self, node: str) -> Config:
        return cast("Config", self._wire.json("GET", "_node", node, "_config"))

    def apply(self, node: str, wanted: list[Change]) -> None:
        """Make the changes on one node, each at once and for good."""
        for change in wanted:
            path = ("_node", node, "_config", change.section, change.key)
            if change.value is None:
                self._wire.ask("DELETE", *path)
            else:
                self._wire.ask("PUT", *path, body=change.value)

    def missing_databases(self) -> list[str]:
        """Those of CouchDB's own databases that are not there."""
        return [db for db in SYSTEM_DATABASES if not self._there(db)]

    def make_databases(self) -> list[str]:
        """Make CouchDB's own databases where they are missing; returns which."""
        made = self.missing_databases()
        for db in made:
            try:
                self._wire.ask("PUT", db)
            except DatabaseExists:
                continue
        return made

    def takes_token_of(self, user: UserCtx) -> str | None:
        """None if CouchDB takes our token for the user's, with the roles; else why not, in its words."""
        try:
            told = self._wire.json("GET", "_session", user=user)["userCtx"]
        except Unavailable:
            raise
        except StoreError as error:
            return error.reason
        if told["name"] != user.name:
            return f"it sees {told['name']!r} instead of {user.name!r}"
        if not set(user.roles) <= set(told["roles"]):
            return f"it sees the roles {told['roles']!r} instead of {list(user.roles)!r}"
        return None

    def clock_ahead(self, now: datetime) -> float | None:
        """Seconds by which CouchDB's clock is ahead of `now`, to a second or so; None if it does not tell."""
        told = self._wire.ask("GET", "_up").headers.get("Date")
        try:
            date = parsedate_to_datetime(told) if told else None
        except ValueError:
            return None
        return None if date is None else (date.astimezone(UTC) - now).total_seconds()

    def _there(self, db: str) -> bool:
        try:
            self._wire.ask("HEAD", db)
        except NotFound:
            return False
        return True


def examine(
    cluster: Cluster, needs: Needs, *, as_user: UserCtx, now: datetime, clock_slack: float
) -> list[Finding]:
    """Everything that Hezha wants of the cluster, looked at; one Finding each. Changes nothing.

    `as_user` is anybody: a token of theirs is tried. Beyond `clock_slack` seconds tokens would be refused
    that are still good, or taken that are not. Raises StoreError if CouchDB cannot be asked at all.
    """
    version = cluster.version()
    parts = tuple(int(part) for part in version.split("-")[0].split(".")[:2] if part.isdigit())
    found = [Finding(parts >= OLDEST, "version", {"version": version, "oldest": "3.5"})]
    for node in cluster.nodes():
        wrong = [f"[{c.section}] {c.key}" for c in changes(needs, cluster.configuration(node))]
        found.append(Finding(not wrong, "configuration", {"node": node, "wrong": ", ".join(wrong)}))
    missing = cluster.missing_databases()
    found.append(Finding(not missing, "system_databases", {"missing": ", ".join(missing)}))
    refusal = cluster.takes_token_of(as_user)
    found.append(Finding(refusal is None, "token", {"reason": refusal or ""}))
    ahead = cluster.clock_ahead(now)
    if ahead is not None:
        found.append(
            Finding(abs(ahead) <= clock_slack, "clock", {"seconds": round(ahead), "slack": clock_slack})
        )
    return found
