"""Multipart bodies, however they are cut into pieces on their way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.multipart import Parts, boundary_of, quoted, write_parts
from sync.store import BadRequest


class Dribble:
    """A stream that gives at most `step` bytes at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        self._data = data
        self._step = step

    def read(self, size: int, /) -> bytes:
        taken = self._data[: min(size, self._step)]
        self._data = self._data[len(taken) :]
        return taken


def read(data: bytes, step: int = 1000) -> list[tuple[dict[str, str], bytes]]:
    found = []
    for part in Parts(Dribble(data, step), "b"):
        chunks = []
        while chunk := part.stream.read(7):
            chunks.append(chunk)
        found.append((dict(part.headers), b"".join(chunks)))
    return found


nasty = st.lists(
    st.sampled_from([b"\r\n", b"--b", b"\r\n--", b"\r", b"\n", b"-", b"b", b"x" * 9, b"\0"]), max_size=12
).map(b"".join)


@settings(deadline=None, max_examples=150)
@given(st.lists(nasty.filter(lambda data: b"\r\n--b" not in b"\r\n" + data), max_size=4), st.integers(1, 40))
def test_what_is_written_is_read_again_in_any_pieces(bodies: list[bytes], step: int) -> None:
    parts = [({"X-N": str(n)}, [body]) for n, body in enumerate(bodies)]
    data = b"".join(write_parts("b", parts))
    assert read(data, step) == [({"x-n": str(n)}, body) for n, body in enumerate(bodies)]


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_body_that_ends_early_is_noticed_wherever_it_ends(data: st.DataObject) -> None:
    whole = b"".join(write_parts("b", [({"A": "1"}, [b"first"]), ({}, [b"second"])]))
    cut = data.draw(st.integers(0, len(whole) - 3))
    with pytest.raises(BadRequest):
        read(whole[:cut], data.draw(st.integers(1, 20)))


def test_preamble_epilogue_and_padding_are_no_parts() -> None:
    assert read(b"hello\r\n--b \t\r\nA: 1\r\n\r\nx\r\n--b--\r\nbye") == [({"a": "1"}, b"x")]


def test_parts_that_are_not_read_are_skipped() -> None:
    data = b"".join(write_parts("b", [({"N": str(n)}, [b"x" * 100_000]) for n in range(3)]))
    assert [part.headers["n"] for part in Parts(Dribble(data, 5000), "b")] == ["0", "1", "2"]


@pytest.mark.parametrize(
    "body", [b"", b"no boundary", b"--b\r\nno colon\r\n\r\n--b--", b"--bx\r\n\r\n\r\n--b--"]
)
def test_what_is_no_multipart_body_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        read(body)


def test_endless_headers_are_refused() -> None:
    with pytest.raises(BadRequest, match="too long"):
        read(b"--b\r\nX: " + b"x" * 100_000)
    with pytest.raises(BadRequest, match="too long"):
        read(b"--b\r\n" + b"X: y\r\n" * 10_000)


def test_a_header_cannot_be_smuggled_in_by_a_value() -> None:
    data = b"".join(write_parts("b", [({"Content-Type": "a\r\nX-Evil: 1"}, [b""])]))
    assert read(data) == [({"content-type": "a  X-Evil: 1"}, b"")]


def test_names_are_quoted_and_boundaries_checked() -> None:
    assert quoted('a"b\\c') == '"a\\"b\\\\c"'
    assert boundary_of('multipart/related; boundary="x y"') == "x y"
    for bad in ("multipart/related", "multipart/related; boundary=" + "x" * 71):
        with pytest.raises(BadRequest):
            boundary_of(bad)
