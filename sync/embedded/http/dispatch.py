"""Which handler answers which path and method, and what CouchDB has that is not offered here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from sync.embedded.http import (
    attachments,
    bulk,
    databases,
    documents,
    feeds,
    listing,
    serverwide,
    sessions,
    updates,
    upkeep,
    views,
)
from sync.embedded.http.call import Call, require_member
from sync.embedded.http.replies import Reply
from sync.embedded.http.target import document_and_rest
from sync.store import BadRequest, NotFound, NotOffered, StoreError

T = TypeVar("T")
_Server = Callable[[Call], Reply]
_Database = Callable[[Call, str], Reply]
_Document = Callable[[Call, str, str], Reply]

SERVER: Mapping[str, Mapping[str, _Server]] = {
    "": {"GET": serverwide.welcome},
    "_up": {"GET": serverwide.up},
    "_uuids": {"GET": serverwide.uuids},
    "_session": {
        "GET": sessions.show,
        "POST": sessions.log_in,
        "DELETE": sessions.log_out,
    },
    "_all_dbs": {"GET": serverwide.all_dbs},
    "_db_updates": {"GET": updates.db_updates},
}

#: For administrators, who need not be able to read the database: it may not be there yet.
DATABASE_ADMIN: Mapping[str, _Database] = {"PUT": databases.create, "DELETE": databases.delete}

DATABASE: Mapping[str, Mapping[str, _Database]] = {
    "": {"GET": databases.info, "HEAD": databases.exists, "POST": documents.create},
    "_all_docs": {"GET": listing.reading("_all_docs"), "POST": listing.posting("_all_docs")},
    "_bulk_docs": {"POST": bulk.bulk_docs},
    "_bulk_get": {"POST": bulk.bulk_get},
    "_changes": {"GET": feeds.changes, "POST": feeds.post_changes},
    "_compact": {"POST": upkeep.compact},
    "_design_docs": {"GET": listing.reading("_design_docs"), "POST": listing.posting("_design_docs")},
    "_ensure_full_commit": {"POST": databases.ensure_full_commit},
    "_local_docs": {"GET": listing.reading("_local_docs"), "POST": listing.posting("_local_docs")},
    "_missing_revs": {"POST": databases.missing_revs},
    "_purge": {"POST": upkeep.purge},
    "_purged_infos": {"GET": upkeep.purged_infos},
    "_purged_infos_limit": {"GET": upkeep.purged_infos_limit, "PUT": upkeep.put_purged_infos_limit},
    "_revs_diff": {"POST": databases.revs_diff},
    "_revs_limit": {"GET": databases.revs_limit, "PUT": databases.put_revs_limit},
    "_security": {"GET": databases.security, "PUT": databases.put_security},
}

#: One segment below the former.
DATABASE_BELOW: Mapping[tuple[str, ...], Mapping[str, _Database]] = {
    ("_all_docs", "queries"): {"POST": listing.querying("_all_docs")},
    ("_design_docs", "queries"): {"POST": listing.querying("_design_docs")},
    ("_local_docs", "queries"): {"POST": listing.querying("_local_docs")},
}

DOCUMENT: Mapping[str, _Document] = {
    "GET": documents.read,
    "PUT": documents.write,
    "DELETE": documents.delete,
}

#: Of a design document's view, and one segment below.
VIEW: Mapping[str, Callable[[Call, str, str, str], Reply]] = {"GET": views.read, "POST": views.post}
VIEW_QUERIES: Mapping[str, Callable[[Call, str, str, str], Reply]] = {"POST": views.queries}

ATTACHMENT: Mapping[str, Callable[[Call, str, str, str], Reply]] = {
    "GET": attachments.read,
    "PUT": attachments.write,
    "DELETE": attachments.delete,
}

SERVER_NOT_OFFERED = {
    "_active_tasks": "The list of running tasks",
    "_cluster_setup": "Clustering",
    "_dbs_info": "Information about several databases at once",
    "_global_changes": "The global changes database",
    "_membership": "Clustering",
    "_node": "Configuration over HTTP",
    "_replicate": "Replication run by the server",
    "_replicator": "Replication run by the server",
    "_reshard": "Clustering",
    "_scheduler": "Replication run by the server",
    "_search_analyze": "Full-text search",
    "_users": "The users database",
    "_utils": "Fauxton",
}

DATABASE_NOT_OFFERED = {
    "_auto_purge": "Purging",
    "_explain": "Mango queries",
    "_find": "Mango queries",
    "_index": "Mango queries",
    "_partition": "Partitions",
    "_queries": "Several queries at once",
    "_shards": "Clustering",
    "_sync_shards": "Clustering",
    "_view_cleanup": "Views",
}


class MethodNotAllowed(StoreError):
    """`allowed` goes into the header `Allow`."""

    status = 405
    error = "method_not_allowed"

    def __init__(self, allowed: str) -> None:
        super().__init__(f"Only {allowed} allowed")
        self.allowed = allowed


def answer(call: Call, parts: tuple[str, ...]) -> Reply:
    """Answer a request for the path `parts`. Raises StoreError."""
    method = call.request.method
    if not parts:
        return _one(SERVER[""], method)(call)
    head, rest = parts[0], parts[1:]
    if head.startswith("_"):
        return _serverwide(call, head, rest)
    if not rest and method in DATABASE_ADMIN:
        return DATABASE_ADMIN[method](call, head)
    require_member(call.store, call.user, head)
    if not rest:
        return _one(DATABASE[""], method, also=DATABASE_ADMIN)(call, head)
    return _inside(call, head, rest)


def _serverwide(call: Call, head: str, rest: tuple[str, ...]) -> Reply:
    if head in SERVER_NOT_OFFERED:
        raise _not_offered(SERVER_NOT_OFFERED[head])
    if head in SERVER and not rest:
        return _one(SERVER[head], call.request.method)(call)
    raise NotFound("missing")


def _inside(call: Call, db: str, rest: tuple[str, ...]) -> Reply:
    method = call.request.method
    name = rest[0]
    if name in DATABASE:
        if len(rest) == 1:
            return _one(DATABASE[name], method)(call, db)
        if rest not in DATABASE_BELOW:
            raise _not_offered(f"{name}/{rest[1]}")
        return _one(DATABASE_BELOW[rest], method)(call, db)
    if name in DATABASE_NOT_OFFERED:
        raise _not_offered(DATABASE_NOT_OFFERED[name])
    doc_id, below = document_and_rest(rest)
    if method == "COPY":
        raise _not_offered("Copying documents")
    if doc_id.startswith("_") and not doc_id.startswith(("_design/", "_local/")):
        raise BadRequest("Only reserved document ids may start with underscore.", error="illegal_docid")
    if not below:
        return _one(DOCUMENT, method)(call, db, doc_id)
    if doc_id.startswith("_design/") and below[0].startswith("_"):
        if below[0] == "_view":
            return _view(call, db, doc_id, below[1:])
        raise _not_offered(f"The function {below[0]} of design documents")
    return _one(ATTACHMENT, method)(call, db, doc_id, "/".join(below))


def _view(call: Call, db: str, design: str, below: tuple[str, ...]) -> Reply:
    if not below or below[1:] not in {(), ("queries",)}:
        raise MethodNotAllowed(",".join(sorted({*VIEW, "HEAD"})))  # as CouchDB says it
    table = VIEW_QUERIES if below[1:] else VIEW
    return _one(table, call.request.method)(call, db, design, below[0])


def _one(table: Mapping[str, T], method: str, also: Mapping[str, object] | None = None) -> T:
    """The handler of `method`; HEAD is answered like GET, without its body. Raises MethodNotAllowed."""
    found = table.get(method)
    if found is None and method == "HEAD":
        found = table.get("GET")
    if found is None:
        allowed = sorted({*table, *(also or {}), *({"HEAD"} if "GET" in table else set())})
        raise MethodNotAllowed(",".join(allowed))
    return found


def _not_offered(what: str) -> NotOffered:
    return NotOffered(f"{what}: not offered by Hezha's embedded engine. Apache CouchDB has it.")
