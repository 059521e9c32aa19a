"""One request to `/sync`, as the handlers see it, and who may come in."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request

from sync.embedded.engine import EmbeddedStore
from sync.embedded.http.asked import Query
from sync.embedded.http.limits import HttpLimits
from sync.embedded.updates import is_member
from sync.store import Forbidden, NotFound, Unauthorized, UserCtx

if TYPE_CHECKING:
    from sync.embedded.http.filtering import Sandboxes
    from sync.embedded.http.sessions import CookieSessions


class ParkingLot:
    """Places for requests that wait. `enter` never blocks: there is a place or there is none."""

    def __init__(self, places: int) -> None:
        self._places = threading.BoundedSemaphore(places) if places > 0 else None

    def enter(self) -> bool:
        return self._places is not None and self._places.acquire(blocking=False)

    def leave(self) -> None:
        if self._places is not None:
            self._places.release()


@dataclass(frozen=True)
class Call:
    """A request with what it may use. Generators that outlive the request must not touch `request`."""

    store: EmbeddedStore
    limits: HttpLimits
    parking: ParkingLot
    sandboxes: Sandboxes
    user: UserCtx
    request: Request
    query: Query
    #: None where no cookies are given.
    sessions: CookieSessions | None
    #: The path below which this interface is mounted, without a slash at its end.
    mount: str


def require_server_admin(user: UserCtx) -> None:
    """Raises Unauthorized; CouchDB says 401 here to everybody who is no server admin."""
    if not user.is_admin:
        raise Unauthorized("You are not a server admin.")


def require_member(store: EmbeddedStore, user: UserCtx, db: str) -> None:
    """Let `user` into `db`. Raises Unauthorized for nobody, Forbidden for others, NotFound for admins only.

    Case ids are no secret worth keeping, but whether a case exists is: to who may not read a database, one
    that is not there looks like one that is.
    """
    if user.name is None and not user.is_admin:
        raise Unauthorized("You are not authorized to access this db.")
    try:
        allowed = is_member(user, store.security(db))
    except NotFound:
        if user.is_admin:
            raise
        allowed = False
    if not allowed:
        raise Forbidden("You are not allowed to access this db.")
