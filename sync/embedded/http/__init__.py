"""CouchDB's HTTP interface over the embedded engine, for replication: what a PouchDB or CouchDB talks to.

`target.py` reads the path, `dispatch.py` finds the handler and lets members in, `asked.py` reads parameters
and bodies within bounds, `replies.py` and `multipart.py` write. The handlers are in `serverwide.py`,
`databases.py`, `documents.py`, `bulk.py`, `attachments.py` and `feeds.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from flask import Blueprint, Request, Response, request
from flask.sansio.blueprints import BlueprintSetupState
from werkzeug.exceptions import HTTPException
from werkzeug.routing import PathConverter

from sync.embedded.engine import EmbeddedStore
from sync.embedded.filters import Functions
from sync.embedded.http.asked import Interrupted, Query
from sync.embedded.http.call import Call, ParkingLot
from sync.embedded.http.dispatch import MethodNotAllowed, answer
from sync.embedded.http.filtering import Sandboxes
from sync.embedded.http.limits import HttpLimits
from sync.embedded.http.replies import error_reply, mount
from sync.embedded.http.target import raw_path, segments
from sync.embedded.regexes import SandboxedRegexes
from sync.store import StoreError, UserCtx

__all__ = ["HttpLimits", "create_blueprint"]

_log = structlog.get_logger(__name__)


def create_blueprint(
    store: EmbeddedStore, authenticate: Callable[[Request], UserCtx], *, limits: HttpLimits
) -> Blueprint:
    """The blueprint for `store`, to be registered under a url_prefix such as `/sync`.

    `authenticate` says who asks: NOBODY without credentials; it raises Unauthorized, with CouchDB's reason,
    for bad ones. The WSGI server has to offer RAW_URI or REQUEST_URI, as gunicorn and werkzeug do.
    """
    blueprint = Blueprint("sync", __name__)
    parking = ParkingLot(limits.max_parked_polls)
    sandboxes = Sandboxes(Functions(), SandboxedRegexes())

    def handle(_path: str = "") -> Response:
        try:
            parts = segments(raw_path(request.environ), mount())
            user = authenticate(request)
            call = Call(store, limits, parking, sandboxes, user, request, Query(request.args))
            return answer(call, parts)
        except MethodNotAllowed as error:
            return error_reply(error, {"Allow": error.allowed})
        except Interrupted as error:
            _log.info("sync.body_interrupted", method=request.method, path=request.path)
            return error_reply(error)
        except StoreError as error:
            if error.status >= 500 and error.status != 501:
                _log.error("sync.failed", path=request.path, error=error.error, reason=error.reason)
            return error_reply(error)
        except HTTPException as error:
            reason = error.description or error.name
            return error_reply(StoreError(reason, status=error.code, error="bad_request"))
        except Exception:  # noqa: BLE001  the last resort: the log gets the details, the client none of them
            _log.exception("sync.crashed", method=request.method, path=request.path)
            return error_reply(StoreError("The server met an error and has logged it."))

    blueprint.record(_any_path)
    # One rule for everything: werkzeug would match decoded paths, where `a%2Fb` and `a/b` are the same.
    for rule in ("/", "/<everything:_path>"):
        blueprint.add_url_rule(
            rule,
            view_func=handle,
            endpoint="handle",
            provide_automatic_options=False,
            strict_slashes=False,
            merge_slashes=False,
        )
    blueprint.record(_any_method)
    return blueprint


class _Everything(PathConverter):
    """What werkzeug's own `path` matches, empty segments, and ends of lines: an id may hold them."""

    regex = "(?s:.+?)"
    part_isolating = False


def _any_path(state: BlueprintSetupState) -> None:
    state.app.url_map.converters.setdefault("everything", _Everything)


def _any_method(state: BlueprintSetupState) -> None:
    """Let every method in: those that nobody has heard of, too, are answered in CouchDB's form."""
    for rule in state.app.url_map.iter_rules(f"{state.name_prefix}.{state.name}.handle".lstrip(".")):
        rule.methods = None
