"""The `filter` of a feed: the four that CouchDB has built in, and functions of design documents."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jsengine import Limits
from sync.embedded.filters import Functions
from sync.embedded.http.asked import string_list
from sync.embedded.http.call import Call
from sync.embedded.http.limits import HttpLimits
from sync.embedded.http.target import raw_path
from sync.embedded.regexes import SandboxedRegexes
from sync.embedded.rendering import PLAIN, Show
from sync.embedded.views import Views
from sync.selector import parse
from sync.store import BadRequest, Document

#: Headers that a filter function has no business to see: they are keys to other doors.
_SECRET = frozenset({"authorization", "cookie", "proxy-authorization"})


@dataclass(frozen=True)
class Sandboxes:
    """Where clients' code runs."""

    functions: Functions
    regexes: SandboxedRegexes
    views: Views

    @classmethod
    def within(cls, limits: HttpLimits) -> Sandboxes:
        memory = limits.filter_memory_bytes
        functions = Functions(limits=Limits(seconds=limits.filter_seconds, memory_bytes=memory))
        return cls(
            functions,
            SandboxedRegexes(limits=Limits(seconds=limits.regex_seconds, memory_bytes=memory)),
            Views(functions, limits.views),
        )


@dataclass(frozen=True)
class Narrowed:
    """What a filter leaves of a feed.

    `passes` judges documents, rendered with `show`, and is run page by page; it raises StoreError. `fields`
    are all that is shown of a document.
    """

    doc_ids: list[str] | None = None
    design_only: bool = False
    passes: Callable[[Sequence[Document]], list[bool]] | None = None
    show: Show = PLAIN
    fields: tuple[str, ...] = ()


def read_filter(call: Call, db: str, body: dict[str, Any]) -> Narrowed:
    """Raises BadRequest, NotFound (design document or function), FilterFault (it does not compile)."""
    name = call.query.text("filter")
    if name == "_doc_ids":
        return Narrowed(doc_ids=_doc_ids(call, body))
    if name == "_design":
        return Narrowed(design_only=True)
    show = Show(conflicts=call.query.flag("conflicts"))
    if name == "_selector":
        return _selector(call, body, show)
    if name == "_view":
        view = call.query.text("view")
        if not view:
            raise BadRequest("`view` filter parameter is not provided.")
        ddoc, function = _two_names(view, "`view` must be of the form `designname/viewname`")
        return _function(call, db, show, ddoc, "views", function, "map")
    if name.startswith("_"):
        raise BadRequest("unknown builtin filter name")
    if not name.strip("/"):
        return Narrowed()
    ddoc, function = _two_names(name, "`filter` must be of the form `designname/filtername`")
    return _function(call, db, show, ddoc, "filters", function)


def _doc_ids(call: Call, body: dict[str, Any]) -> list[str]:
    ids = body.get("doc_ids") if call.request.method == "POST" else call.query.json("doc_ids")
    try:
        return string_list(ids, "doc_ids")
    except BadRequest as error:
        raise BadRequest("`doc_ids` filter parameter is not a list of doc ids.") from error


def _selector(call: Call, body: dict[str, Any], show: Show) -> Narrowed:
    if call.request.method != "POST":
        raise BadRequest("Selector must be specified in POST payload")
    test = parse(body.get("selector"), call.sandboxes.regexes)
    fields = body.get("fields")
    if fields is not None and not isinstance(fields, list):
        raise BadRequest("Selector error: fields must be JSON array")
    names = tuple(string_list(fields or [], "fields"))
    return Narrowed(passes=lambda docs: [test(doc) for doc in docs], show=show, fields=names)


def _two_names(text: str, refusal: str) -> tuple[str, str]:
    parts = [part for part in text.split("/") if part]
    if len(parts) != 2:
        raise BadRequest(refusal)
    return parts[0], parts[1]


def _function(call: Call, db: str, show: Show, ddoc: str, *path: str) -> Narrowed:
    document = call.store.get(db, f"_design/{ddoc}")
    functions = call.sandboxes.functions
    loaded = functions.prepare(document, path)
    if path[0] == "views":
        return Narrowed(passes=lambda docs: functions.emits(loaded, _shown(docs)), show=show)
    req = _request(call, db)
    return Narrowed(passes=lambda docs: functions.filter(loaded, _shown(docs), req), show=show)


def _shown(docs: Sequence[Document]) -> list[Document]:
    """As CouchDB hands them to its functions: with the revision itself for a history."""
    split = ((doc, *doc["_rev"].split("-", 1)) for doc in docs)
    return [{**doc, "_revisions": {"start": int(start), "ids": [name]}} for doc, start, name in split]


def _request(call: Call, db: str) -> dict[str, Any]:
    """The request as a filter function sees it, in CouchDB's shape."""
    request = call.request
    path = raw_path(request.environ)
    query = request.query_string.decode("utf-8", "replace")
    info = call.store.info_json(db)
    return {
        "info": info,
        "uuid": uuid.uuid4().hex,
        "id": None,
        "method": request.method,
        "requested_path": [db, "_changes"],
        "path": [db, "_changes"],
        "raw_path": f"{path}?{query}" if query else path,
        "query": request.args.to_dict(),
        "headers": {name: value for name, value in request.headers.items() if name.lower() not in _SECRET},
        "body": "undefined",
        "peer": request.remote_addr or "",
        "form": {},
        "cookie": {},
        "userCtx": {"db": db, "name": call.user.name, "roles": list(call.user.roles)},
        "secObj": call.store.security(db),
    }
