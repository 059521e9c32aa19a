"""What is read from a connection, and written to it, to the byte."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.http.body import Body, LengthReader
from gunicorn.http.errors import InvalidResponseHeader
from gunicorn.http.unreader import SocketUnreader

from server.serving.patience import Patience, PatientInput, is_read
from server.serving.response import OnePacketResponse

BYTES = bytes(range(256)) * 1500
JSON = ("Content-Type", "application/json")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    with near, far:
        near.settimeout(10)
        yield near, far


def body_of(length: int, near: socket.socket, *, held: bytes = b"") -> tuple[Body, PatientInput]:
    """A body of `length` bytes, of which `held` came with the headers."""
    unreader = SocketUnreader(near)
    unreader.unread(held)
    body = Body(LengthReader(unreader, length))
    return body, PatientInput(body, near, Patience(30.0))


@pytest.mark.parametrize("size", [1000, 64 * 1024, len(BYTES), 10 * len(BYTES), -1])
def test_a_body_arrives_whole_and_what_follows_is_the_next_request(
    pair: tuple[socket.socket, socket.socket], size: int
) -> None:
    near, far = pair
    far.sendall(BYTES[5000:65_000])
    body, stream = body_of(65_000, near, held=BYTES[:5000])
    pieces: list[bytes] = []
    assert not is_read(body)
    while piece := stream.read(size):
        pieces.append(piece)
    assert b"".join(pieces) == BYTES[:65_000]
    assert is_read(body)
    assert stream.taken == 65_000
    assert [len(piece) for piece in pieces[:-1]] == [size] * (len(pieces) - 1)


def test_a_request_that_came_along_stays_for_its_turn(pair: tuple[socket.socket, socket.socket]) -> None:
    body, stream = body_of(10, pair[0], held=b"0123456789GET / HTTP/1.1")
    assert stream.read(1000) == b"0123456789"
    assert is_read(body)
    assert body.reader.unreader.buf.getvalue() == b"GET / HTTP/1.1"


def test_a_body_that_breaks_off_is_not_taken_for_read(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    far.sendall(b"half")
    far.close()
    body, stream = body_of(8, near)
    assert (stream.read(8), stream.read(8)) == (b"half", b"")
    assert not is_read(body)


class Socket:
    """Notes what is sent, packet by packet."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self.sent.append(data)


def response(method: str = "GET") -> tuple[OnePacketResponse, Socket]:
    sock = Socket()
    request = SimpleNamespace(method=method, version=(1, 1), should_close=lambda: False)
    return OnePacketResponse(request, sock, Config()), sock


def test_a_small_answer_is_one_packet() -> None:
    answer, sock = response()
    answer.start_response("200 OK", [JSON, ("Content-Length", "2"), ("X-Other", " padded ")])
    answer.write(b"{}")
    answer.close()
    (packet,) = sock.sent
    head, _, body = packet.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert (lines[0], body) == ("HTTP/1.1 200 OK", b"{}")
    assert [line for line in lines if line.startswith("Date: ") and line.endswith(" GMT")]
    assert {"Connection: keep-alive", "Content-Type: application/json", "X-Other: padded"} <= set(lines)


def test_an_answer_of_unknown_length_is_chunked_from_its_first_packet_on() -> None:
    answer, sock = response()
    answer.start_response("200 OK", [JSON])
    answer.write(b"")
    answer.write(b"one")
    answer.write(b"two")
    answer.close()
    assert b"".join(sock.sent).partition(b"\r\n\r\n")[2] == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
    assert sock.sent[0].endswith(b"\r\n\r\n"), "an empty piece takes the headers with it"


def test_an_answer_without_a_body_has_its_headers() -> None:
    for method in ("HEAD", "GET"):
        answer, sock = response(method)
        answer.start_response("200 OK", [JSON, ("Content-Length", "0")])
        if method == "HEAD":
            answer.write(b"dropped")
        answer.close()
        assert len(sock.sent) == 1
        assert sock.sent[0].endswith(b"\r\n\r\n")


def test_a_value_begins_no_header_of_its_own() -> None:
    answer, sock = response()
    with pytest.raises(InvalidResponseHeader):
        answer.start_response("200 OK", [("ETag", '"1"\r\nSet-Cookie: a=b')])
    with pytest.raises(TypeError):
        answer.write("text")  # type: ignore[arg-type]
    assert sock.sent == []
