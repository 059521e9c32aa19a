"""`/sync/` itself: what this server is."""

from __future__ import annotations

import uuid
from importlib.metadata import PackageNotFoundError, version

from sync.embedded.http.call import Call, require_server_admin
from sync.embedded.http.replies import Reply, json_reply
from sync.store import BadRequest

#: The protocol spoken here is CouchDB's of this version; clients look at the number.
COUCHDB_VERSION = "3.5.0"


def _hezha_version() -> str:
    try:
        return version("hezha")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "unreleased"


def welcome(_call: Call) -> Reply:
    return json_reply(
        {
            "couchdb": "Welcome",
            "version": COUCHDB_VERSION,
            "features": ["embedded"],
            "vendor": {"name": f"Hezha {_hezha_version()}"},
        }
    )


def up(_call: Call) -> Reply:
    return json_reply({"status": "ok", "seeds": {}})


def uuids(call: Call) -> Reply:
    count = call.query.integer("count", 1) or 0
    if count > call.limits.max_uuids:
        raise BadRequest(f"count must be at most {call.limits.max_uuids}.")
    return json_reply({"uuids": [uuid.uuid4().hex for _ in range(count)]})


def all_dbs(call: Call) -> Reply:
    require_server_admin(call.user)
    return json_reply(call.store.database_names())
