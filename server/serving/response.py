"""gunicorn's response, with the headers and the first piece of the body in one packet."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from gunicorn import util
from gunicorn.http.wsgi import HEADER_VALUE_RE, Response

#: Headers that Hezha sends with most answers: their names need no look, their values do.
_KNOWN = frozenset(
    {"Cache-Control", "Content-Type", "ETag", "Location", "X-Content-Type-Options", "X-Couch-Request-ID"}
)


class OnePacketResponse(Response):  # type: ignore[misc]
    """Each packet costs a switch of threads; and a small answer is one packet to its client as well."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.headers_sent: bool
        self._held_back = False
        self._head = b""

    def process_headers(self, headers: Sequence[tuple[str, str]]) -> None:
        for header in headers:
            name, value = header
            if name in _KNOWN and HEADER_VALUE_RE.fullmatch(value):
                self.headers.append((name, value.strip(" \t")))
            else:
                super().process_headers([header])

    def default_headers(self) -> list[str]:
        if self.upgrade:
            headers: list[str] = super().default_headers()
            return headers
        major, minor = self.req.version
        return [
            f"HTTP/{major}.{minor} {self.status}\r\n",
            f"Server: {self.version}\r\n",
            f"Date: {_date(int(time.time()))}\r\n",
            f"Connection: {'close' if self.should_close() else 'keep-alive'}\r\n",
            *(["Transfer-Encoding: chunked\r\n"] if self.chunked else []),
        ]

    def send_headers(self) -> None:
        if self.headers_sent:
            return
        fields = [f"{name}: {value}\r\n" for name, value in self.headers]
        self._head = "".join([*self.default_headers(), *fields, "\r\n"]).encode("latin-1")
        self.headers_sent = True
        if not self._held_back:
            self._let_go()

    def write(self, arg: bytes) -> None:
        if not isinstance(arg, bytes):  # said before anything is on its way
            raise TypeError(f"{arg!r} is not a byte")
        self._held_back = True
        try:
            super().write(arg)
        finally:
            self._held_back = False
        self._let_go()

    def _emit_body(self, data: bytes) -> None:
        pieces = [self._head, data]
        if self.chunked:
            pieces[1:] = [b"%X\r\n" % len(data), data, b"\r\n"]
        self._head = b""
        self.sock.sendall(b"".join(pieces))

    def _let_go(self) -> None:
        head, self._head = self._head, b""
        if head:
            self.sock.sendall(head)


class _Clock:
    """The date as headers have it; it is the same for a second."""

    def __init__(self) -> None:
        self._latest = (-1, "")

    def __call__(self, second: int) -> str:
        known, text = self._latest
        if known != second:
            text = util.http_date(second)
            self._latest = (second, text)
        return text


_date = _Clock()
