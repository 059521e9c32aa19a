"""The WSGI application behind one path, and how it is put in front of the rest.

Flask's routing, contexts and response would cost more than most answers here take to find, and a tablet sends
thousands of small requests; so what lies below our path never reaches them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import structlog
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request

from sync.embedded.engine import EmbeddedStore
from sync.embedded.http.asked import Interrupted, Query
from sync.embedded.http.call import Call, ParkingLot
from sync.embedded.http.dispatch import MethodNotAllowed, answer
from sync.embedded.http.filtering import Sandboxes
from sync.embedded.http.limits import HttpLimits
from sync.embedded.http.replies import Reply, error_reply
from sync.embedded.http.sessions import CookieSessions, by_cookie, set_cookie
from sync.embedded.http.target import raw_path, segments
from sync.store import StoreError, UserCtx

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_log = structlog.get_logger(__name__)


class Application:
    """Answers whatever lies below `prefix`. `authenticate` says who asks, or raises Unauthorized."""

    def __init__(
        self,
        store: EmbeddedStore,
        authenticate: Callable[[Request], UserCtx],
        limits: HttpLimits,
        prefix: str,
        sessions: CookieSessions | None,
    ) -> None:
        self._store = store
        self._authenticate = authenticate
        self._limits = limits
        self._prefix = prefix
        self._sessions = sessions
        self._parking = ParkingLot(limits.max_parked_polls)
        self._sandboxes = Sandboxes.within(limits)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._reply(Request(environ))(environ, start_response)

    def _reply(self, request: Request) -> Reply:
        try:
            return self._answer(request)
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

    def _answer(self, request: Request) -> Reply:
        mount = request.root_path + self._prefix
        parts = segments(raw_path(request.environ), mount)
        found = by_cookie(self._sessions, request, parts)
        user, fresh = (self._authenticate(request), None) if found is None else found
        reply = answer(
            Call(
                store=self._store,
                limits=self._limits,
                parking=self._parking,
                sandboxes=self._sandboxes,
                user=user,
                request=request,
                query=Query.of(request),
                sessions=self._sessions,
                mount=mount,
            ),
            parts,
        )
        if fresh is not None and self._sessions is not None and "Set-Cookie" not in reply.headers:
            reply.headers |= set_cookie(request, mount, fresh, self._sessions)
        return reply.write_out(self._store.open_blob)


def in_front(inner: Application, prefix: str, rest: WSGIApplication) -> WSGIApplication:
    """`rest`, with everything below `prefix` answered by `inner`."""
    below = prefix + "/"

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        chosen = inner if path == prefix or path.startswith(below) else rest
        return chosen(environ, start_response)

    return application
