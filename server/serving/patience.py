"""How long a client is waited for. A thread that reads from one that is slow, or gone, serves nobody else.

What a client sends is read in pieces. One whose headers, or next piece of the body, do not arrive in time has
its connection shut down, which ends the read in its thread. What it does not take, the kernel gives up on.
"""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable, Iterator

from gunicorn.http.body import Body, LengthReader

#: Bytes that have to arrive within the limit: less than what the weakest link carries in that time.
PIECE = 16 * 1024
#: The most that is taken from the kernel at once.
_AT_ONCE = 256 * 1024
#: Seconds of silence after which the kernel asks whether the other side is still there, and how often.
_PROBE_AFTER, _PROBE_EVERY, _PROBES = 60, 15, 4


def bound_socket(sock: socket.socket, seconds: float) -> None:
    """Let the kernel end a connection whose other side is gone, or takes nothing for `seconds`."""
    if sock.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _PROBE_AFTER)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _PROBE_EVERY)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))


class Patience:
    """Who is being read from, and since when. Threads note it; `overdue` is asked by the one that watches."""

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._since: dict[socket.socket, float] = {}

    def begin(self, sock: socket.socket) -> None:
        """Something is expected from `sock`, counted from now."""
        self._since[sock] = self._monotonic()

    def end(self, sock: socket.socket) -> None:
        """It has come, or is expected no more."""
        self._since.pop(sock, None)

    def cut_off(self) -> int:
        """Shut down every connection that has been read from for too long; how many those were."""
        now = self._monotonic()
        overdue = [sock for sock, since in list(self._since.items()) if now - since > self._seconds]
        for sock in overdue:
            self.end(sock)
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # gone by itself meanwhile
        return len(overdue)


def is_read(body: Body) -> bool:
    """Whether a body is known to have been read to its end, with nothing of it left in a buffer."""
    reader = body.reader
    return isinstance(reader, LengthReader) and not (reader.length or body.failed or body.buf.tell())


class PatientInput(io.RawIOBase):
    """`wsgi.input`, read piece by piece, so that each piece has the whole time."""

    def __init__(self, body: Body, sock: socket.socket, patience: Patience) -> None:
        super().__init__()
        self._body = body
        self._sock = sock
        self._patience = patience
        #: Bytes that have been read so far.
        self.taken = 0

    def readable(self) -> bool:
        return True

    def _piece(self, read: Callable[[int], bytes], size: int) -> bytes:
        self._patience.begin(self._sock)
        try:
            return read(size)
        finally:
            self._patience.end(self._sock)

    def read(self, size: int | None = -1) -> bytes:
        """All of `size` bytes, or what there is until the end."""
        data = self._read(size)
        self.taken += len(data)
        return data

    def _read(self, size: int | None) -> bytes:
        reader = self._body.reader
        if not isinstance(reader, LengthReader) or self._body.buf.tell():
            return self._read_pieces(-1 if size is None else size)
        wanted = reader.length if size is None or size < 0 else min(size, reader.length)
        data: bytes = reader.unreader.take_buffered()
        if len(data) > wanted:
            reader.unreader.unread(data[wanted:])
            data = data[:wanted]
        elif len(data) < wanted:
            data = b"".join([data, *self._received(wanted - len(data))])
        reader.length -= len(data)
        return data

    def _received(self, left: int) -> list[bytes]:
        """What the socket has: to take it through gunicorn's buffers would copy it once for every piece."""
        pieces: list[bytes] = []
        since = 0
        self._patience.begin(self._sock)
        try:
            while left and (piece := self._sock.recv(min(left, _AT_ONCE))):
                pieces.append(piece)
                left -= len(piece)
                since += len(piece)
                if since >= PIECE:
                    self._patience.begin(self._sock)
                    since = 0
        except OSError:
            self._body.failed = True  # nobody knows where a next request would begin
            raise
        finally:
            self._patience.end(self._sock)
        return pieces

    def _read_pieces(self, left: int) -> bytes:
        pieces: list[bytes] = []
        while left != 0:
            piece = self._piece(self._body.read, PIECE if left < 0 else min(PIECE, left))
            if not piece:
                break
            pieces.append(piece)
            left = left if left < 0 else left - len(piece)
        return b"".join(pieces)

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readline(self, size: int | None = -1) -> bytes:
        return self._piece(self._body.readline, -1 if size is None else size)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")
