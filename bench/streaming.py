"""Memory of the real server while one large attachment goes in and out, in every form that a client may use.

    python bench/streaming.py [--mib 1024]

The bytes are made up as they are sent and checked as they come; neither side holds them. The figure is the
highest PSS of the server's processes during each line, and how much that is above the idle server.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import http.client
import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from kit.memory import Peak, family, pss_bytes
from kit.systems import ADMIN, hezha

CHUNK = 1 << 20
LIMIT_MIB = 250
#: One mebibyte that compresses badly; each chunk of an attachment begins with its number.
NOISE = hashlib.shake_256(b"noise").digest(CHUNK - 8)


def content(mib: int, salt: int) -> Iterator[bytes]:
    for number in range(mib):
        yield (salt * 1_000_000 + number).to_bytes(8, "big") + NOISE


def digest(mib: int, salt: int) -> str:
    md5 = hashlib.md5(usedforsecurity=False)
    for chunk in content(mib, salt):
        md5.update(chunk)
    return md5.hexdigest()


class Client:
    """Sends and receives in chunks."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._host, self._port, self._path = parts.hostname, parts.port, parts.path
        self._login = "Basic " + base64.b64encode(ADMIN.encode()).decode()

    def ask(
        self, method: str, path: str, body: Iterator[bytes] | bytes | None = None, **headers: str
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=600)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, self._path + path, body, {"Authorization": self._login} | named)
        return connection, connection.getresponse()

    def write(self, method: str, path: str, body: Iterator[bytes] | bytes | None, **headers: str) -> None:
        connection, response = self.ask(method, path, body, **headers)
        said = response.read()
        connection.close()
        if response.status >= 300:
            raise SystemExit(f"{method} {path}: {response.status} {said!r:.300}")

    def read(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Iterator[bytes]:
        connection, response = self.ask(method, path, body, **headers)
        if response.status >= 300:
            raise SystemExit(f"{method} {path}: {response.status} {response.read()!r:.300}")
        while chunk := response.read(CHUNK):
            yield chunk
        connection.close()


def frame(mib: int) -> tuple[bytes, bytes]:
    """What stands before and after the attachment of a document in multipart/related."""
    attachment = {"follows": True, "content_type": "application/x-noise", "length": mib * CHUNK}
    document = json.dumps({"_attachments": {"a": attachment}}).encode()
    head = b"--b\r\nContent-Type: application/json\r\n\r\n" + document + b"\r\n--b\r\n\r\n"
    return head, b"\r\n--b--"


def related(mib: int, salt: int) -> Iterator[bytes]:
    head, tail = frame(mib)
    yield head
    yield from content(mib, salt)
    yield tail


def plain(chunks: Iterator[bytes]) -> str:
    md5 = hashlib.md5(usedforsecurity=False)
    for chunk in chunks:
        md5.update(chunk)
    return md5.hexdigest()


def of_parts(chunks: Iterator[bytes], mib: int) -> str:
    """The digest of the one attachment in a multipart answer, found by its length."""
    md5, head, left = hashlib.md5(usedforsecurity=False), b"", mib * CHUNK
    length = f"Content-Length: {left}".encode()
    for chunk in chunks:
        data = chunk
        if head is not None:
            head += chunk
            at = head.find(b"\r\n\r\n", head.find(length)) if length in head else -1
            if at < 0:
                continue
            data, head = head[at + 4 :], None  # type: ignore[assignment]
        md5.update(data[:left])
        left -= min(left, len(data))
    return md5.hexdigest()


def of_json(chunks: Iterator[bytes]) -> str:
    """The digest of the one attachment inside JSON, in base64."""
    md5, rest, inside = hashlib.md5(usedforsecurity=False), b"", False
    for chunk in chunks:
        rest += chunk
        if not inside:
            at = rest.find(b'"data":"')
            if at < 0:
                continue
            rest, inside = rest[at + 8 :], True
        found = re.match(rb"[A-Za-z0-9+/=]*", rest)
        assert found is not None
        ended = found.end() < len(rest)
        whole = found.end() if ended else found.end() // 4 * 4
        md5.update(base64.b64decode(rest[:whole]))
        rest = rest[whole:]
        if ended:
            break
    for _ in chunks:
        pass
    return md5.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=1024)
    mib: int = parser.parse_args().mib
    with tempfile.TemporaryDirectory(prefix="hezha-bench-") as folder, hezha(Path(folder)) as system:
        assert system.pid is not None
        client = Client(system.url)
        client.write("PUT", "/streaming", None)
        time.sleep(2)
        idle = pss_bytes(family(system.pid))
        print(f"idle server: {idle >> 20} MiB; one attachment of {mib} MiB")
        noise = {"Content_Type": "application/x-noise"}
        first, second = digest(mib, 1), digest(mib, 2)

        def put() -> None:
            length = str(mib * CHUNK)
            client.write("PUT", "/streaming/one/a", content(mib, 1), Content_Length=length, **noise)

        def put_related() -> None:
            length = str(mib * CHUNK + sum(map(len, frame(mib))))
            kind = 'multipart/related; boundary="b"'
            client.write("PUT", "/streaming/two", related(mib, 2), Content_Length=length, Content_Type=kind)

        def get(path: str, judge: Callable[[Iterator[bytes]], str], wanted: str, **headers: str) -> None:
            if judge(client.read("GET", path, **headers)) != wanted:
                raise SystemExit(f"GET {path}: other bytes than were sent")

        def bulk_get() -> None:
            body = json.dumps({"docs": [{"id": "one"}]}).encode()
            headers = {"Content_Type": "application/json", "Accept": "application/json"}
            found = of_json(client.read("POST", "/streaming/_bulk_get?attachments=true", body, **headers))
            if found != first:
                raise SystemExit("_bulk_get: other bytes than were sent")

        parts = {"Accept": "multipart/related"}
        mixed = {"Accept": "multipart/mixed"}
        as_json = {"Accept": "application/json"}
        inline = "/streaming/_changes?include_docs=true&attachments=true&limit=1"
        lines: dict[str, Callable[[], None]] = {
            "PUT /doc/attachment": put,
            "PUT /doc, multipart/related": put_related,
            "GET /doc/attachment": lambda: get("/streaming/one/a", plain, first),
            "GET /doc, multipart/related": lambda: get(
                "/streaming/two?attachments=true", lambda c: of_parts(c, mib), second, **parts
            ),
            "GET /doc?open_revs, multipart/mixed": lambda: get(
                "/streaming/one?open_revs=all", lambda c: of_parts(c, mib), first, **mixed
            ),
            "GET /doc?attachments=true, JSON": lambda: get(
                "/streaming/two?attachments=true", of_json, second, **as_json
            ),
            "POST /_bulk_get?attachments=true, JSON": bulk_get,
            "GET /_changes?attachments=true, JSON": lambda: get(inline, of_json, first, **as_json),
        }
        worst = 0
        for name, work in lines.items():
            began = time.monotonic()
            with Peak({"hezha": system.pid}, interval=0.02) as peak:
                work()
            worst = max(worst, peak.bytes["hezha"])
            above = (peak.bytes["hezha"] - idle) >> 20
            rate = mib / (time.monotonic() - began)
            print(f"{name:40} peak {peak.bytes['hezha'] >> 20:4} MiB  idle {above:+4} MiB  {rate:6.1f} MiB/s")
        print(f"worst {worst >> 20} MiB of {LIMIT_MIB}")
        if worst > LIMIT_MIB << 20:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
