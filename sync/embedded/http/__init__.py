"""CouchDB's HTTP interface over the embedded engine, for replication: what a PouchDB or CouchDB talks to.

`application.py` takes a request, `target.py` reads its path, `dispatch.py` finds the handler and lets members
in, `asked.py` reads parameters and bodies within bounds, `replies.py` and `multipart.py` write. The handlers
are in `serverwide.py`, `sessions.py`, `databases.py`, `documents.py`, `bulk.py`, `attachments.py`, `feeds.py`
and `views.py`.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint
from flask.sansio.blueprints import BlueprintSetupState
from werkzeug.wrappers import Request

from sync.embedded.engine import EmbeddedStore
from sync.embedded.http.application import Application, in_front
from sync.embedded.http.limits import HttpLimits
from sync.embedded.http.sessions import CookieSessions
from sync.embedded.views import ViewLimits
from sync.store import UserCtx

__all__ = ["CookieSessions", "HttpLimits", "ViewLimits", "create_blueprint"]


def create_blueprint(
    store: EmbeddedStore,
    authenticate: Callable[[Request], UserCtx],
    *,
    limits: HttpLimits,
    sessions: CookieSessions | None = None,
) -> Blueprint:
    """The blueprint for `store`, to be registered under a url_prefix such as `/sync`.

    `authenticate` says who asks: NOBODY without credentials; it raises Unauthorized, with CouchDB's reason,
    for bad ones. `sessions` gives and knows cookies; without it there are none. The WSGI server has to offer
    RAW_URI or REQUEST_URI, as gunicorn and werkzeug do.

    What lies below the prefix is answered before Flask routes it: middleware that shall see such requests too
    has to be put around `wsgi_app` after the registration.
    """
    blueprint = Blueprint("sync", __name__)

    def register(state: BlueprintSetupState) -> None:
        prefix = (state.url_prefix or "").rstrip("/")
        inner = Application(store, authenticate, limits, prefix, sessions)
        state.app.wsgi_app = in_front(inner, prefix, state.app.wsgi_app)  # type: ignore[attr-defined]

    blueprint.record(register)
    return blueprint
