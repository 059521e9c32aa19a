"""Replication over HTTP, whichever engine runs: served from here, or a word about where it is served."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify
from werkzeug.wrappers import Request

from sync.embedded.engine import EmbeddedStore
from sync.embedded.http import CookieSessions, HttpLimits, create_blueprint
from sync.store import DocumentStore, NotOffered, UserCtx

_ELSEWHERE = (
    "Apache CouchDB keeps these databases. Replicate with it: a proxy in front routes this path there, "
    "or HEZHA_SYNC_URL tells its own address."
)
_METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "COPY", "OPTIONS", "PATCH"]


def replication(
    store: DocumentStore,
    authenticate: Callable[[Request], UserCtx],
    *,
    limits: HttpLimits,
    sessions: CookieSessions | None = None,
) -> Blueprint:
    """The blueprint to be registered at `/sync`; the other parameters are those of `create_blueprint`."""
    if isinstance(store, EmbeddedStore):
        return create_blueprint(store, authenticate, limits=limits, sessions=sessions)
    return _elsewhere()


def _elsewhere() -> Blueprint:
    """Answers 501 whatever is asked. To pass requests on would put Hezha's threads before every long poll."""
    blueprint = Blueprint("sync", __name__)

    def refuse(_path: str = "") -> Response:
        error = NotOffered(_ELSEWHERE)
        response = jsonify(error=error.error, reason=error.reason)
        response.status_code = error.status
        return response

    for rule in ("/", "/<path:_path>"):
        blueprint.add_url_rule(
            rule,
            view_func=refuse,
            endpoint="refuse",
            methods=_METHODS,
            provide_automatic_options=False,
            strict_slashes=False,
            merge_slashes=False,
        )
    return blueprint
