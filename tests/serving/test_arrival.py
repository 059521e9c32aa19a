"""When a thread may take a request: once it would not have to wait for its client."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.serving.arrival import BODY, HEAD, wanted


def test_headers_are_waited_for_to_their_end() -> None:
    whole = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
    for cut in range(len(whole)):
        assert wanted(whole[:cut]) == cut + 1
    assert wanted(whole) == len(whole)


def test_a_small_body_is_waited_for_whole_and_of_a_large_one_the_beginning() -> None:
    for name in (b"Content-Length", b"content-length", b"CONTENT-LENGTH"):
        head = b"PUT /x HTTP/1.1\r\n" + name + b": 70\r\nHost: a\r\n\r\n"
        assert wanted(head) == wanted(head + b"x" * 70) == len(head) + 70
    head = b"PUT /x HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n"
    assert wanted(head) == len(head) + BODY


def test_who_waits_for_our_word_or_says_no_length_may_begin() -> None:
    for line in (
        b"Expect: 100-continue\r\nContent-Length: 70",
        b"Transfer-Encoding: chunked",
        b"Content-Length: x",
    ):
        head = b"PUT /x HTTP/1.1\r\n" + line + b"\r\n\r\n"
        assert wanted(head) == len(head)


def test_a_length_in_the_body_is_none() -> None:
    head = b"PUT /x HTTP/1.1\r\nHost: a\r\n\r\n"
    assert wanted(head + b"\r\nContent-Length: 70\r\n") == len(head)


def test_headers_without_end_are_for_the_server_to_refuse() -> None:
    assert wanted(b"x" * HEAD) == HEAD


@given(st.binary(max_size=200))
def test_whatever_comes_is_answered_with_a_bounded_number(head: bytes) -> None:
    assert 0 < wanted(head) <= len(head) + BODY + 1
