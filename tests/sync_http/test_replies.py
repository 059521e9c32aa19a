"""How answers go out."""

from __future__ import annotations

import time
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from sync.embedded.http.replies import gathered


@given(st.lists(st.binary(max_size=20)), st.integers(1, 50))
def test_gathered_bytes_are_the_same_in_pieces_that_are_large_enough(chunks: list[bytes], size: int) -> None:
    pieces = list(gathered(iter(chunks), size=size, seconds=3600))
    assert b"".join(pieces) == b"".join(chunks)
    assert all(size <= len(piece) < size + 20 for piece in pieces[:-1])


def test_what_comes_late_goes_out_at_once() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"first"
        time.sleep(0.02)
        yield b"late"
        yield b"last"

    assert list(gathered(chunks(), seconds=0.01)) == [b"firstlate", b"last"]
