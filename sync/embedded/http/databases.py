"""Whole databases: making and deleting them, their settings, which revisions they lack."""

from __future__ import annotations

from sync.embedded.http.asked import any_json_body, json_object
from sync.embedded.http.call import Call, require_server_admin
from sync.embedded.http.replies import Reply, empty_reply, json_reply, location
from sync.store import BadRequest


def info(call: Call, db: str) -> Reply:
    return json_reply(call.store.info_json(db))


def exists(call: Call, db: str) -> Reply:
    call.store.info(db)
    return empty_reply(200)


def create(call: Call, db: str) -> Reply:
    require_server_admin(call.user)
    call.store.create_database(db)
    return json_reply({"ok": True}, 201, location(call, db))


def delete(call: Call, db: str) -> Reply:
    require_server_admin(call.user)
    if "rev" in call.query:
        raise BadRequest(
            "You tried to DELETE a database with a ?=rev parameter. "
            "Did you mean to DELETE a document instead?"
        )
    call.store.delete_database(db)
    return json_reply({"ok": True})


def security(call: Call, db: str) -> Reply:
    return json_reply(call.store.security(db))


def put_security(call: Call, db: str) -> Reply:
    call.store.put_security(db, any_json_body(call.request, call.limits.max_document_bytes), user=call.user)
    return json_reply({"ok": True})


def revs_limit(call: Call, db: str) -> Reply:
    return json_reply(call.store.revs_limit(db))


def put_revs_limit(call: Call, db: str) -> Reply:
    limit = any_json_body(call.request, call.limits.max_document_bytes)
    call.store.set_revs_limit(db, limit, user=call.user)
    return json_reply({"ok": True})


def ensure_full_commit(call: Call, db: str) -> Reply:
    """Nothing to do: whatever was acknowledged is on disk."""
    call.store.info(db)
    return json_reply({"ok": True, "instance_start_time": "0"}, 201)


def revs_diff(call: Call, db: str) -> Reply:
    wanted = json_object(call.request, call.limits.max_request_bytes)
    return json_reply(call.store.revs_diff(db, wanted))


def missing_revs(call: Call, db: str) -> Reply:
    """The older form of `_revs_diff`."""
    wanted = json_object(call.request, call.limits.max_request_bytes)
    found = call.store.revs_diff(db, wanted)
    return json_reply({"missing_revs": {doc_id: entry["missing"] for doc_id, entry in found.items()}})
