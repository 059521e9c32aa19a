"""Replicas behind CouchDB's HTTP: Apache CouchDB, Hezha's own `/sync`, whatever speaks it.

One request is one try. What a later try may mend (a lost connection, 429, 502 to 504) is raised as Transient;
whoever replicates decides how patient to be.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import requests
import urllib3
from requests.auth import AuthBase, HTTPBasicAuth

from sync.couch.answers import PASSING
from sync.multipart import Parts, boundary_of
from sync.replication.related import Related, parse_json, read_opened
from sync.replication.replica import Missing, Opened, Replica, Transient
from sync.store import (
    BadRequest,
    BulkResult,
    Change,
    ChangeBatch,
    Conflict,
    DatabaseExists,
    DatabaseInfo,
    DigestMismatch,
    Document,
    Forbidden,
    NotFound,
    StoreError,
    TooLarge,
    Unauthorized,
)

_CHUNK = 64 * 1024
_REFUSALS: dict[int, type[StoreError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    415: BadRequest,
}


@dataclass(frozen=True)
class Wire:
    """How HTTP is used. `connect_seconds` and `silence_seconds` bound the waiting for a connection and for
    the next bytes of an answer; `answer_bytes` one `_bulk_get`, which is asked in smaller parts beyond it."""

    connect_seconds: float = 10.0
    silence_seconds: float = 120.0
    answer_bytes: int = 64 * 1024 * 1024


class BearerAuth(AuthBase):
    """A token that may change while we are at work."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token()}"
        return request


class HttpSite:
    """A CouchDB at `url`, which may hold `name:password@`; or `token` gives a bearer token for each request.

    Asks the server who it is. Raises Transient if it does not answer, Unauthorized, BadRequest (the URL).
    """

    def __init__(self, url: str, *, token: Callable[[], str] | None = None, wire: Wire | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise BadRequest("Give an URL as http://name:password@host:5984")
        host = parts.netloc.rpartition("@")[2]
        self.label = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
        self._auth: AuthBase | None = None
        if token is not None:
            self._auth = BearerAuth(token)
        elif parts.username is not None:
            self._auth = HTTPBasicAuth(unquote(parts.username), unquote(parts.password or ""))
        self._wire = wire or Wire()
        self._sessions = threading.local()
        welcome = self.json("GET", "/")
        if not isinstance(welcome, dict) or "couchdb" not in welcome:
            raise BadRequest(f"{self.label} is not a CouchDB.")
        self._identity = str(welcome.get("uuid") or self.label)

    @property
    def identity(self) -> str:
        return self._identity

    @property
    def answer_bytes(self) -> int:
        return self._wire.answer_bytes

    def names(self) -> list[str]:
        return [name for name in self.json("GET", "/_all_dbs") if not name.startswith("_")]

    def create(self, db: str, *, q: int | None = None, n: int | None = None) -> None:
        given = {name: str(value) for name, value in (("q", q), ("n", n)) if value is not None}
        try:
            self.json("PUT", _path(db), params=given)
        except DatabaseExists:
            return

    def security(self, db: str) -> dict[str, Any]:
        found: dict[str, Any] = self.json("GET", _path(db, "_security"))
        return found

    def put_security(self, db: str, security: Mapping[str, Any]) -> None:
        self.json("PUT", _path(db, "_security"), body=security)

    def revs_limit(self, db: str) -> int:
        return int(self.json("GET", _path(db, "_revs_limit")))

    def put_revs_limit(self, db: str, limit: int) -> None:
        self.json("PUT", _path(db, "_revs_limit"), body=limit)

    def replica(self, db: str) -> Replica:
        return HttpReplica(self, db)

    def close(self) -> None:
        """Sessions of other threads end with their threads."""
        session = getattr(self._sessions, "mine", None)
        if session is not None:
            session.close()

    def json(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: object = None
    ) -> Any:
        """Ask, and return the JSON that is answered. Raises as `asked` does."""
        with self.asked(method, path, params=params, body=body) as answer:
            return parse_json(answer.content)

    @contextmanager
    def asked(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[requests.Response]:
        """An answer whose body is still to be read, and whose connection is given back in the end.

        `body` is sent as JSON; `data` as it is. Raises Transient, or a StoreError by the status.
        """
        given = {"Accept": "application/json", **(headers or {})}
        if body is not None:
            data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
            given["Content-Type"] = "application/json"
        with _lost(self.label):
            answer = self._session().request(
                method,
                self.label + path,
                params=params,
                data=data,
                headers=given,
                stream=True,
                allow_redirects=False,
                timeout=(self._wire.connect_seconds, self._wire.silence_seconds),
            )
            with answer:
                if not answer.ok or answer.is_redirect:
                    raise _refusal(answer)
                yield answer

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._sessions, "mine", None)
        if session is None:
            session = self._sessions.mine = requests.Session()
            session.auth = self._auth
        return session


class HttpReplica:
    """One database of an HttpSite."""

    def __init__(self, site: HttpSite, db: str) -> None:
        self._site = site
        self._db = db
        self._local_revs: dict[str, str] = {}

    @property
    def identity(self) -> str:
        return f"{self._site.identity}/{self._db}"

    def info(self) -> DatabaseInfo:
        found = self._site.json("GET", _path(self._db))
        return DatabaseInfo(
            self._db, int(found["doc_count"]), int(found["doc_del_count"]), str(found["update_seq"])
        )

    def get_local(self, log_id: str) -> Document | None:
        try:
            found: Document = self._site.json("GET", _path(self._db, f"_local/{log_id}"))
        except NotFound as error:
            if error.reason in {"missing", "deleted"}:
                return None
            raise
        self._local_revs[log_id] = found["_rev"]
        return found

    def put_local(self, log_id: str, doc: Document) -> None:
        plain = {name: value for name, value in doc.items() if name not in {"_id", "_rev"}}
        try:
            self._put_local(log_id, plain)
        except Conflict:
            self._local_revs.pop(log_id, None)
            self.get_local(log_id)
            self._put_local(log_id, plain)

    def _put_local(self, log_id: str, doc: Document) -> None:
        rev = self._local_revs.get(log_id)
        body = doc if rev is None else doc | {"_rev": rev}
        written = self._site.json("PUT", _path(self._db, f"_local/{log_id}"), body=body)
        self._local_revs[log_id] = written["rev"]

    def changes(self, since: str, limit: int) -> ChangeBatch:
        asked = {"style": "all_docs", "since": since, "limit": str(limit)}
        found = self._site.json("GET", _path(self._db, "_changes"), params=asked)
        rows = tuple(
            Change(
                seq=str(row["seq"]),
                id=row["id"],
                revs=tuple(change["rev"] for change in row["changes"]),
                deleted=bool(row.get("deleted")),
            )
            for row in found["results"]
        )
        return ChangeBatch(rows, str(found["last_seq"]), int(found.get("pending", 0)))

    def revs_diff(self, wanted: Mapping[str, Sequence[str]]) -> dict[str, Missing]:
        found = self._site.json("POST", _path(self._db, "_revs_diff"), body=wanted)
        return {
            doc_id: Missing(tuple(row["missing"]), tuple(row.get("possible_ancestors", ())))
            for doc_id, row in found.items()
        }

    def bulk_get(self, wanted: Sequence[tuple[str, str]]) -> list[list[Document]]:
        asked = {"revs": "true", "latest": "true", "att_encoding_info": "true"}
        body = {"docs": [{"id": doc_id, "rev": rev} for doc_id, rev in wanted]}
        with self._site.asked("POST", _path(self._db, "_bulk_get"), params=asked, body=body) as answer:
            found = _read(answer, self._site.answer_bytes if len(wanted) > 1 else None)
        if found is None:
            return self.bulk_get(wanted[: len(wanted) // 2])
        rows = parse_json(found)["results"]
        if [row["id"] for row in rows] != [doc_id for doc_id, _ in wanted]:
            raise StoreError("_bulk_get answered something else than was asked.")
        return [_leaves(row["docs"]) for row in rows]

    @contextmanager
    def open_rev(self, doc_id: str, rev: str, atts_since: Sequence[str]) -> Iterator[Iterator[Opened]]:
        asked = {"open_revs": json.dumps([rev]), "revs": "true", "latest": "true"}
        if atts_since:
            asked["atts_since"] = json.dumps(list(atts_since))
        accept = {"Accept": "multipart/mixed"}
        path = _path(self._db, doc_id)
        with self._site.asked("GET", path, params=asked, headers=accept) as answer:
            kind = answer.headers.get("Content-Type", "")
            if not kind.startswith("multipart/mixed"):
                raise Transient(f"The answer is {kind or 'cut off'} and not multipart/mixed.")
            yield read_opened(Parts(_Unbroken(answer), boundary_of(kind)))

    def bulk_docs(self, docs: Sequence[Document]) -> list[BulkResult]:
        body = {"new_edits": False, "docs": docs}
        rows = self._site.json("POST", _path(self._db, "_bulk_docs"), body=body)
        return [
            BulkResult(row.get("id", ""), row.get("rev"), row["error"], row.get("reason"))
            for row in rows
            if "error" in row
        ]

    def put(self, opened: Opened) -> None:
        path, asked = _path(self._db, opened.doc["_id"]), {"new_edits": "false"}
        if not any(spec.get("follows") for spec in opened.doc.get("_attachments", {}).values()):
            # As multipart/related CouchDB would wait for parts that never come.
            self._site.json("PUT", path, params=asked, body=opened.doc)
            return
        related = Related(opened)
        kind = {"Content-Type": f'multipart/related; boundary="{related.boundary}"'}
        with self._site.asked("PUT", path, params=asked, data=related, headers=kind):
            pass


class _Unbroken:
    """The body of a multipart answer. It ends with a boundary, so its reader never comes to its end."""

    def __init__(self, answer: requests.Response) -> None:
        self._raw = answer.raw

    def read(self, size: int, /) -> bytes:
        chunk: bytes = self._raw.read(size, decode_content=True)
        if not chunk:
            raise Transient("The answer ended early.")
        return chunk


@contextmanager
def _lost(label: str) -> Iterator[None]:
    """Lost connections are Transient; a certificate that is not believed is not."""
    try:
        yield
    except (requests.exceptions.SSLError, urllib3.exceptions.SSLError) as error:
        raise StoreError(f"{label}: {error}") from error
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
        raise Transient(f"{label}: {error}") from error
    except urllib3.exceptions.HTTPError as error:
        raise Transient(f"{label}: {error}") from error


def _refusal(answer: requests.Response) -> StoreError:
    """The error that an answer is."""
    try:
        told = json.loads(answer.content)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        told = {}
    error = str(told.get("error") or "unknown_error")
    reason = str(told.get("reason") or f"{answer.request.method} {answer.url} answered {answer.status_code}")
    if answer.status_code in PASSING:
        return Transient(reason, retry_after=_seconds(answer.headers.get("Retry-After", "")))
    if answer.status_code == 412:
        kind: type[StoreError] = DatabaseExists if error == "file_exists" else DigestMismatch
    elif answer.status_code in _REFUSALS:
        kind = _REFUSALS[answer.status_code]
    else:
        return StoreError(reason, error=error, status=answer.status_code)
    refusal = kind(reason)
    refusal.error, refusal.status = error, answer.status_code
    return refusal


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdecimal() else None


def _read(answer: requests.Response, most: int | None) -> bytes | None:
    """The body, or None if it has more than `most` bytes."""
    body = bytearray()
    while chunk := answer.raw.read(_CHUNK, decode_content=True):
        body += chunk
        if most is not None and len(body) > most:
            answer.raw.close()  # rather than read to the end what nobody wants
            return None
    return bytes(body)


def _leaves(docs: list[dict[str, Any]]) -> list[Document]:
    found = []
    for row in docs:
        if "ok" in row:
            found.append(row["ok"])
        elif row.get("error", {}).get("error") != "not_found":
            raise Transient(f"_bulk_get: {row.get('error')}")
    return found


def _path(db: str, doc_id: str = "") -> str:
    """A URL's path; the slash after `_design` and `_local` is one, every other is part of a name."""
    path = "/" + quote(db, safe="")
    if not doc_id:
        return path
    head, slash, tail = doc_id.partition("/")
    if slash and head in {"_design", "_local"}:
        return f"{path}/{head}/{quote(tail, safe='')}"
    return f"{path}/{quote(doc_id, safe='')}"
