"""The line to CouchDB: who asks, how long to wait, and when to try again.

IBM's client library makes the requests; two things of it are kept away. It would compress request bodies, and
CouchDB would store attachments so encoded, with a wrong length; and its own retries would repeat a 500, or a
write whose fate is unknown, without telling. `Tries` tells.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import requests
import structlog
from ibm_cloud_sdk_core import ApiException
from ibm_cloud_sdk_core.authenticators import BasicAuthenticator, NoAuthAuthenticator
from ibmcloudant.cloudant_v1 import CloudantV1
from requests.adapters import HTTPAdapter

from sync.couch.answers import PASSING, error_of, pause_after
from sync.store import StoreError, Unavailable, UserCtx

_log = structlog.get_logger(__name__)


#: A connection that could not be made, or was lost at any moment.
_LOST = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


@dataclass(frozen=True)
class Patience:
    """Bounds of a request. Times in seconds.

    A request is tried `attempts` times in all: again after a lost connection, a 429, 502, 503 or 504, never
    after another refusal. Before the n-th repetition it waits `first_pause * 2**(n-1)`, at most
    `longest_pause`, less a random part. `read` bounds the wait between two pieces of an answer; a wait for
    changes adds its own length to it. `poll` is the longest single wait for changes, and so how long
    `dismiss` may take.
    """

    connect: float = 5.0
    read: float = 60.0
    attempts: int = 6
    first_pause: float = 0.1
    longest_pause: float = 5.0
    poll: float = 5.0


@dataclass
class Tries:
    """What became of the tries of one request. `unsure`: an earlier one may have done the work already."""

    failed: int = 0
    unsure: bool = False


@dataclass(frozen=True)
class Reply:
    """`body` is the parsed JSON, or the response itself if it was asked for as a stream."""

    status: int
    headers: Any
    body: Any = field(repr=False)


@dataclass(frozen=True)
class Account:
    """A server admin, as CouchDB's Basic authentication wants it."""

    name: str
    password: str = field(repr=False)


def split_url(url: str) -> tuple[str, Account | None]:
    """A URL without its `name:password@`, and those. Raises ValueError for what is no http(s) URL."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("give http://… or https://…, with a host and without ? or #")
    account = None
    if parts.username is not None:
        account = Account(unquote(parts.username), unquote(parts.password or ""))
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
    return bare, account


class Wire:
    """Sends requests as the server admin, or for a user with a token of theirs. Safe for many threads."""

    def __init__(
        self,
        url: str,
        account: Account,
        *,
        token_for: Callable[[UserCtx], str],
        patience: Patience,
        connections: int,
        ca_file: str = "",
    ) -> None:
        """`connections` are kept open at most; more threads than that open and close their own.

        `ca_file` holds the certificates that vouch for CouchDB's, if those that Python knows do not.
        """
        self.url = url
        self.patience = patience
        self._token_for = token_for
        self._session = requests.Session()
        # Neither a proxy nor a netrc of the environment may come between; nor one user's cookie to another.
        self._session.trust_env = False
        self._session.verify = ca_file or True
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = HTTPAdapter(pool_connections=2, pool_maxsize=connections)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        self._admin = self._client(BasicAuthenticator(account.name, account.password))
        self._plain = self._client(NoAuthAuthenticator())
        self._stopping = threading.Event()

    def _client(self, authenticator: Any) -> CloudantV1:
        client = CloudantV1(authenticator=authenticator)
        client.set_service_url(self.url)
        client.set_http_client(self._session)
        client.set_http_config({})  # else its own timeout would win over each request's
        client.set_enable_gzip_compression(False)
        return client

    def close(self) -> None:
        self._stopping.set()
        self._session.close()

    def ask(
        self,
        method: str,
        *path: str,
        params: dict[str, Any] | None = None,
        body: Any = None,
        data: Any = None,
        headers: dict[str, str] | None = None,
        user: UserCtx | None = None,
        stream: bool = False,
        wait: float = 0.0,
        tries: Tries | None = None,
        again: Callable[[], bool] | None = None,
    ) -> Reply:
        """Send one request, again if that can help, and return its answer.

        `path` are the segments, not yet quoted (but for `_design/` and `_local/` in a document's id). `body`
        is sent as JSON, `data` as it is; a stream in `data` goes out a second time only if `again` winds it
        back and returns true. `user` None is the server admin. `wait` seconds the server may take to find
        something. Raises the StoreError that the answer means, Unavailable at last.
        """
        tries = Tries() if tries is None else tries
        client, given = self._as(user)
        sent = dict(headers or {}, **given)
        if body is not None:
            data = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
            sent.setdefault("Content-Type", "application/json")
        sent.setdefault("Accept", "application/json")
        while True:
            request = client.prepare_request(method, _path(path), headers=sent, params=params, data=data)
            retry_after = None
            try:
                answer = client.send(
                    request,
                    stream=stream,
                    timeout=(self.patience.connect, self.patience.read + wait),
                    allow_redirects=False,
                )
                return Reply(answer.get_status_code(), answer.get_headers(), answer.get_result())
            except ApiException as error:
                failure = error_of(error.status_code, _json(error.http_response))
                if error.status_code not in PASSING and error.status_code >= 300:
                    raise failure from None
                # Below 300 the answer broke off in the middle of its JSON.
                tries.unsure = tries.unsure or error.status_code != 429
                retry_after = error.http_response.headers.get("Retry-After")
            except (
                requests.ConnectionError,
                requests.Timeout,
                requests.exceptions.ChunkedEncodingError,
            ) as e:
                failure = Unavailable(f"CouchDB at {self.url} does not answer: {type(e).__name__}")
                tries.unsure = tries.unsure or not isinstance(e, requests.ConnectTimeout)
            tries.failed += 1
            if tries.failed >= self.patience.attempts or (again is not None and not again()):
                raise failure
            self._pause(tries.failed, retry_after, failure)

    def json(self, method: str, *path: str, **more: Any) -> Any:
        """The body of `ask`'s answer."""
        return self.ask(method, *path, **more).body

    def _as(self, user: UserCtx | None) -> tuple[CloudantV1, dict[str, str]]:
        if user is None or user.is_admin:
            return self._admin, {}
        if user.name is None:
            return self._plain, {}
        return self._plain, {"Authorization": f"Bearer {self._token_for(user)}"}

    def _pause(self, failed: int, retry_after: str | None, failure: StoreError) -> None:
        pause = pause_after(
            failed,
            first=self.patience.first_pause,
            longest=self.patience.longest_pause,
            spread=random.random(),  # noqa: S311  to spread load, not to keep a secret
            retry_after=retry_after,
        )
        _log.warning("couch.retry", reason=failure.reason, tries=failed, retry_in=round(pause, 3))
        if self._stopping.wait(pause):
            raise failure


def _path(segments: tuple[str, ...]) -> str:
    return "/" + "/".join(_segment(segment) for segment in segments)


def _segment(text: str) -> str:
    """A path segment; the one slash of `_design/x` and `_local/x` stays, as CouchDB wants it."""
    for special in ("_design/", "_local/"):
        if text.startswith(special):
            return special + quote(text.removeprefix(special), safe="")
    return quote(text, safe="")


def _json(response: requests.Response) -> object:
    try:
        return response.json()
    except ValueError:
        return None


def monotonic_deadline(seconds: float) -> Callable[[], float]:
    """A function that tells how many seconds are left of `seconds` from now; never less than 0."""
    end = time.monotonic() + seconds
    return lambda: max(0.0, end - time.monotonic())
