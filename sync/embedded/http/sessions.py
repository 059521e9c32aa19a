"""`_session`: who one is, and sessions that a cookie carries, as CouchDB has them.

A browser sends a cookie whoever wrote the page that asks. So it is `SameSite=Strict`, and a POST by cookie
has to call its body JSON, which no form of a foreign page can do; PUT and DELETE such a page cannot send.
"""

from __future__ import annotations

import time
from typing import Any, Protocol

from werkzeug.http import dump_cookie
from werkzeug.wrappers import Request

from sync.embedded.http.asked import BadContentType, json_object, require_json
from sync.embedded.http.call import Call
from sync.embedded.http.replies import Reply, json_reply
from sync.store import BadRequest, NotOffered, Unauthorized, UserCtx

COOKIE = "AuthSession"
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"


class CookieSessions(Protocol):
    """Whoever knows names and passwords. The text of a cookie is known to it alone."""

    @property
    def seconds(self) -> int:
        """How long a cookie holds."""

    def open(self, name: str, password: str, request: Request) -> tuple[UserCtx, str]:
        """Whose password this is, and the cookie. Raises Unauthorized, Forbidden (too many failures)."""

    def user(self, cookie: str) -> tuple[UserCtx, str | None] | None:
        """Whom a cookie stands for, and a new one if it is time for that. None if it does not hold."""

    def close(self, cookie: str) -> None:
        """End the session of a cookie, if it holds."""


def by_cookie(
    sessions: CookieSessions | None, request: Request, parts: tuple[str, ...]
) -> tuple[UserCtx, str | None] | None:
    """Whom the request's cookie stands for, and a new cookie if it is time for that; None: it has no such.

    As in CouchDB, one that does not hold is like none: it may be that of another server on this host.
    An `Authorization` header goes before it. Raises BadContentType for a POST that may be a form's.
    """
    if sessions is None or "HTTP_COOKIE" not in request.environ or "Authorization" in request.headers:
        return None
    cookie = request.cookies.get(COOKIE)
    if not cookie:
        return None
    found = sessions.user(cookie)
    if found is not None and request.method == "POST" and parts != ("_session",):
        require_json(request)
    return found


def show(call: Call) -> Reply:
    header = call.request.headers.get("Authorization", "")
    handlers = ["jwt", "default"] if call.sessions is None else ["cookie", "jwt", "default"]
    info: dict[str, Any] = {"authentication_handlers": handlers}
    if call.user.name is not None:
        basic = "default" if header.lower().startswith("basic ") else "jwt"
        info["authenticated"] = basic if header else "cookie"
    elif call.query.flag("basic"):
        raise Unauthorized("Please login.")
    return json_reply({"ok": True, "userCtx": _context(call.user), "info": info})


def log_in(call: Call) -> Reply:
    """`POST /_session` with `name` (or `username`) and `password`, as JSON or as a form."""
    sessions = _offered(call)
    name, password = _credentials(call)
    user, cookie = sessions.open(name, password, call.request)
    headers = set_cookie(call.request, call.mount, cookie, sessions)
    return json_reply({"ok": True, **_context(user)}, headers=headers)


def log_out(call: Call) -> Reply:
    sessions = _offered(call)
    cookie = call.request.cookies.get(COOKIE)
    if cookie:
        sessions.close(cookie)
    return json_reply({"ok": True}, headers=set_cookie(call.request, call.mount, "", sessions))


def set_cookie(request: Request, mount: str, cookie: str, sessions: CookieSessions) -> dict[str, str]:
    """The header that gives the client `cookie`, or takes its own away if that is empty."""
    seconds = sessions.seconds if cookie else 0
    text = dump_cookie(
        COOKIE,
        cookie,
        max_age=seconds,
        expires=time.time() + seconds if cookie else 0,  # nano reads this alone
        path=mount or "/",
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )
    return {"Set-Cookie": text}


def _offered(call: Call) -> CookieSessions:
    if call.sessions is None:
        raise NotOffered("Cookie sessions are not offered here: send a bearer token.")
    return call.sessions


def _credentials(call: Call) -> tuple[str, str]:
    """Name and password from the body. Raises BadRequest, BadContentType, TooLarge."""
    kind = call.request.mimetype
    if kind == _JSON:
        said: dict[str, Any] = json_object(call.request, call.limits.max_document_bytes)
    elif kind == _FORM:
        call.request.max_content_length = call.limits.max_document_bytes
        said = call.request.form.to_dict()
    else:
        raise BadContentType(f"Content-Type must be '{_FORM}' or '{_JSON}'")
    names = {said[key] for key in ("name", "username") if isinstance(said.get(key), str)}
    if not names:
        raise BadRequest("request body must contain a username")
    if len(names) > 1:
        raise BadRequest("request body contains different usernames")
    password = said.get("password", "")
    return names.pop(), password if isinstance(password, str) else ""


def _context(user: UserCtx) -> dict[str, Any]:
    return {"name": user.name, "roles": list(user.roles)}
