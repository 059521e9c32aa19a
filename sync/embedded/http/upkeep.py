"""Purging and compaction over HTTP."""

from __future__ import annotations

from sync.embedded.engine import is_db_admin
from sync.embedded.http.asked import any_json_body, json_object, require_json
from sync.embedded.http.call import Call, require_server_admin
from sync.embedded.http.replies import Reply, json_reply
from sync.store import Unauthorized


def compact(call: Call, db: str) -> Reply:
    """Begin to compact; the answer does not wait for the end, which `compact_running` in `GET /db` tells."""
    if not is_db_admin(call.user, call.store.security(db)):
        raise Unauthorized("You are not a server or db admin.")
    require_json(call.request)
    call.store.request_compaction(db, user=call.user)
    return json_reply({"ok": True}, 202)


def purge(call: Call, db: str) -> Reply:
    require_server_admin(call.user)
    purged = call.store.purge(db, json_object(call.request, call.limits.max_request_bytes))
    return json_reply({"purge_seq": None, "purged": purged}, 201)


def purged_infos(call: Call, db: str) -> Reply:
    return json_reply({"purged_infos": call.store.purged_infos(db)})


def purged_infos_limit(call: Call, db: str) -> Reply:
    require_server_admin(call.user)
    return json_reply(call.store.purged_infos_limit(db))


def put_purged_infos_limit(call: Call, db: str) -> Reply:
    require_server_admin(call.user)
    limit = any_json_body(call.request, call.limits.max_document_bytes)
    call.store.set_purged_infos_limit(db, limit, user=call.user)
    return json_reply({"ok": True})
