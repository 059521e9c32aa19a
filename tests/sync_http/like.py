"""The same requests asked of CouchDB and of Hezha, and their answers made comparable.

A scene is a list of steps against a database of its own. Path and bodies write `@` for its name, and
`{rev:ID}` for the latest revision that an answer gave for a document. What two servers cannot have in common
(revision hashes they chose, sequences, dates) is replaced by what they can.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from typing import Any
from urllib.parse import urlsplit

#: Headers that are part of the answer; others depend on the server's transport.
HEADERS = (
    "Accept-Ranges",
    "Allow",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Range",
    "Content-Type",
    "ETag",
    "Location",
)
#: Members of `GET /db` and `GET /` that say how a server is built.
_OWN = frozenset({"cluster", "disk_format_version", "instance_start_time", "sizes", "uuid", "vendor", "ref"})
_HASH = re.compile(r"\b([0-9]+)-([0-9a-f]{32})\b")
#: Versions of what is no document: CouchDB and Hezha make them each in its own way.
_ETAG = re.compile(r'"(?:[0-9A-Z]{20,26}|[0-9a-f]{32}|[0-9]+-[0-9a-f]{8}|0-[0-9]+)"')
_SEQ = re.compile(r"[0-9]+-[0-9A-Za-z_-]+")


@dataclass(frozen=True)
class Step:
    """One request. `body` is JSON unless it is bytes; `differs` says why Hezha answers otherwise."""

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    differs: str = ""
    #: Members of the answer that depend on what else happens on the server.
    hide: tuple[str, ...] = ()


@dataclass(frozen=True)
class Raw:
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


#: Asks a server: method, path, body, headers.
Ask = Callable[[str, str, bytes | None, Mapping[str, str]], Raw]


def play(steps: list[Step], db: str, ask: Ask) -> list[dict[str, Any]]:
    """Play a scene on a new database, which is deleted in the end; the answers, normalized."""
    revs: dict[str, str] = {}
    ask("DELETE", f"/{db}", None, {})
    made = ask("PUT", f"/{db}?q=1", None, {})
    assert made.status == 201, made
    try:
        return [_step(step, db, ask, revs) for step in steps]
    finally:
        ask("DELETE", f"/{db}", None, {})


def _step(step: Step, db: str, ask: Ask, revs: dict[str, str]) -> dict[str, Any]:
    def fill(text: str) -> str:
        return re.sub(r"\{rev:([^}]*)\}", lambda match: revs[match[1]], text.replace("@", db))

    headers = {"Accept": "application/json"} | {name: fill(value) for name, value in step.headers.items()}
    data = step.body
    if data is not None and not isinstance(data, bytes):
        data = fill(json.dumps(data)).encode()
        headers.setdefault("Content-Type", "application/json")
    raw = ask(step.method, fill(step.path), data, headers)
    _remember(raw.body, revs)
    answer = normalized(raw, db)
    if isinstance(answer["body"], dict):
        for row in (answer["body"], *answer["body"].get("lines", ())):
            for name in step.hide:
                row.pop(name, None)
    return answer


def _remember(body: bytes, revs: dict[str, str]) -> None:
    try:
        said = json.loads(body)
    except ValueError:
        return
    for row in said if isinstance(said, list) else [said]:
        if isinstance(row, dict) and isinstance(row.get("rev"), str) and isinstance(row.get("id"), str):
            revs[row["id"]] = row["rev"]


def normalized(raw: Raw, db: str) -> dict[str, Any]:
    """An answer without what differs between two servers for no reason."""
    found = {name.lower(): value for name, value in raw.headers.items()}
    headers = {name: _text(found[name.lower()], db) for name in HEADERS if name.lower() in found}
    if _ETAG.fullmatch(headers.get("ETag", "")):
        headers["ETag"] = "#"
    kind = headers.get("Content-Type", "")
    if kind.startswith("multipart/"):
        headers["Content-Type"] = kind.split(";")[0]
        whole = b"Content-Type: " + found["content-type"].encode() + b"\r\n\r\n" + raw.body
        body: Any = _parts(BytesParser().parsebytes(whole), db)
    elif kind == "text/event-stream":
        events = [
            line.removeprefix("data: ") for line in raw.body.decode().split("\n") if line[:5] == "data:"
        ]
        body = [_value(json.loads(event), db) for event in events if event]
    else:
        body = _body(raw.body, db)
    return {"status": raw.status, "headers": headers, "body": body}


def _parts(message: Message, db: str) -> list[Any]:
    """The parts of a multipart message, and of those within."""
    parts = []
    for part in message.get_payload():
        assert isinstance(part, Message)
        headers = {name.lower(): _text(value, db) for name, value in part.items()}
        if part.is_multipart():
            headers["content-type"] = part.get_content_type()
            parts.append({"headers": headers, "body": _parts(part, db)})
        else:
            data = part.get_payload(decode=True)
            assert isinstance(data, bytes)
            parts.append({"headers": headers, "body": _body(data, db)})
    if all(isinstance(part["body"], dict) and "_id" in part["body"] for part in parts):
        parts.sort(key=lambda part: json.dumps(part["body"], sort_keys=True))
    return parts


def _body(data: bytes, db: str) -> Any:
    """JSON, or JSON a line (a continuous feed), or text."""
    try:
        return _value(json.loads(data), db)
    except ValueError:
        pass
    lines = [line for line in data.split(b"\n") if line.strip()]
    try:
        return {"lines": [_value(json.loads(line), db) for line in lines]}
    except ValueError:
        pass
    try:
        return {"text": _text(data.decode(), db)}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _value(value: Any, db: str) -> Any:
    if isinstance(value, dict):
        return {
            _text(name, db): _seq(member) if name in _SEQ_NAMES else _value(member, db)
            for name, member in value.items()
            if name not in _OWN
        }
    if isinstance(value, list):
        return _in_order([_value(member, db) for member in value])
    if isinstance(value, str):
        return "#" if re.fullmatch(r"[0-9a-f]{32}", value) else _text(value, db)
    return value


def _in_order(values: list[Any]) -> list[Any]:
    """Leaves and missing revisions come in no order."""
    if all(isinstance(value, str) and _SEQ.fullmatch(value) for value in values) or all(
        isinstance(value, dict) and value.keys() <= {"ok", "missing"} for value in values
    ):
        return sorted(values, key=lambda value: json.dumps(value, sort_keys=True))
    return values


_SEQ_NAMES = frozenset({"seq", "last_seq", "update_seq", "purge_seq", "_local_seq"})


def _seq(value: Any) -> Any:
    return value.split("-")[0] if isinstance(value, str) and _SEQ.fullmatch(value) else value


def _text(text: str, db: str) -> str:
    text = re.sub(r"https?://[^/]+(/sync)?/", "/", text)
    return _HASH.sub(lambda match: f"{match[1]}-#", text).replace(db, "@")


def couchdb(url: str) -> Ask:
    """A server that speaks HTTP at `url`, which names an administrator."""
    parts = urlsplit(url)
    login = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()

    def ask(method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Raw:
        assert parts.hostname is not None
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        try:
            sent = {"Authorization": f"Basic {login}"} | dict(headers)
            connection.request(method, parts.path.rstrip("/") + path, body, sent)
            response = connection.getresponse()
            return Raw(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    return ask
