"""The corpus of malformed requests, and how one of them is sent.

`tests/vectors/sync_malformed/*.json` holds one request a line: `method`, `path`, `headers`, `body`, the
`status` and `error` it is refused with, and where Apache CouchDB 3.5 answers otherwise, `couchdb` with its
status and why. In path and body `{db}` is the database, `{rev}` the revision of its document `doc`, and
`<<x*1000>>` a thousand x.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import http.client
import json
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import apsw

CORPUS = Path(__file__).resolve().parents[2] / "vectors" / "sync_malformed"
_TIMEOUT = 30.0
_CHUNK = 64 * 1024
_MANY = re.compile(r"<<(.+?)\*(\d+)>>", re.DOTALL)
#: Headers that http.client must not be asked for twice.
_GIVEN = {"content-length", "host"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def cases(name: str) -> list[dict[str, Any]]:
    """The requests of one file of the corpus."""
    found: list[dict[str, Any]] = json.loads((CORPUS / f"{name}.json").read_text("utf-8"))
    return found


def names() -> list[str]:
    return sorted(path.stem for path in CORPUS.glob("*.json"))


def body_of(spec: dict[str, Any] | None) -> bytes | None:
    """The bytes of a case's body: `text`, `hex`, or one of those under `gzip`, which may be damaged."""
    if spec is None:
        return None
    if "hex" in spec:
        return bytes.fromhex(spec["hex"])
    if "text" in spec:
        return spread(spec["text"]).encode("utf-8")
    packed = gzip.compress(body_of(spec["gzip"]) or b"", compresslevel=1)
    match spec.get("damage"):
        case None:
            return packed
        case "cut":
            return packed[:-12]
        case "checksum":
            return packed[:-8] + bytes(byte ^ 0xFF for byte in packed[-8:-4]) + packed[-4:]
        case other:
            raise ValueError(other)


def spread(text: str) -> str:
    return _MANY.sub(lambda found: found[1] * int(found[2]), text)


class Peer:
    """A server that is asked over one connection, which has to stay usable."""

    def __init__(self, url: str) -> None:
        """`url` with the name and password of a server admin."""
        parts = urlsplit(url)
        self._at = (str(parts.hostname), parts.port or 80)
        self._mount = parts.path.rstrip("/")
        account = f"{parts.username}:{parts.password}".encode()
        self._admin = "Basic " + base64.b64encode(account).decode()
        self._connection = http.client.HTTPConnection(*self._at, timeout=_TIMEOUT)
        self.rev = ""

    def close(self) -> None:
        self._connection.close()

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        *,
        cut: int = 0,
    ) -> Answer:
        """One request, and its whole answer. With `cut`, so many bytes more are announced than are sent, and
        then the client says that it will send nothing else."""
        connection = self._connection
        connection.putrequest(method, self._mount + path, skip_accept_encoding=True)
        given = {"Authorization": self._admin, "Accept": "application/json", **(headers or {})}
        for name, value in given.items():
            connection.putheader(name, value.encode("latin-1"))
        if body is not None or method in {"PUT", "POST"}:
            connection.putheader("Content-Length", str(len(body or b"") + cut))
        try:
            connection.endheaders()
            for at in range(0, len(body or b""), _CHUNK):
                connection.send((body or b"")[at : at + _CHUNK])
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused in the middle; the answer may be there all the same
        if cut and connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_WR)
        try:
            response = connection.getresponse()
            answer = Answer(response.status, dict(response.headers.items()), response.read())
        except BaseException:
            connection.close()
            raise
        if cut:
            connection.close()
        return answer

    def send(self, case: dict[str, Any], db: str) -> Answer:
        def filled(text: str) -> str:
            return spread(text.replace("{db}", db).replace("{rev}", self.rev))

        body = case.get("body")
        if body is not None and "text" in body:
            body = {"text": body["text"].replace("{rev}", self.rev)}
        headers = case.get("headers", {"Content-Type": "application/json"} if body is not None else {})
        return self.ask(case["method"], filled(case["path"]), body_of(body), headers, cut=case.get("cut", 0))

    def furnish(self, db: str) -> None:
        """A new database, with something in it that a malformed request might harm."""
        assert self.ask("PUT", f"/{db}").status in {201, 202}
        kept: dict[str, dict[str, Any]] = {
            "doc": {
                "v": 1,
                "_attachments": {"a.txt": {"content_type": "text/plain", "data": "Ynl0ZXM="}},
            },
            "_local/l": {"v": 1},
            "_design/d": {"language": "javascript"},
        }
        for doc_id, doc in kept.items():
            answer = self._put(f"/{db}/{doc_id}", doc)
            if doc_id == "doc":
                self.rev = answer["rev"]
        for rev in ("1-aaaa", "1-bbbb"):
            self._put(f"/{db}/torn?new_edits=false", {"_rev": rev, "v": rev})

    def _put(self, path: str, doc: dict[str, Any]) -> Any:
        answer = self.ask("PUT", path, json.dumps(doc).encode(), {"Content-Type": "application/json"})
        assert answer.status in {201, 202}, answer.body
        return answer.json()


def dump(file: Path) -> str:
    """Everything that the embedded engine's SQLite file holds, as one digest."""
    connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.execute("PRAGMA query_only=ON")
        connection.execute("BEGIN")
        digest = hashlib.sha256()
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        for (table,) in tables.fetchall():
            digest.update(str(table).encode())
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                digest.update(repr(row).encode())
        return digest.hexdigest()
    finally:
        connection.close()
