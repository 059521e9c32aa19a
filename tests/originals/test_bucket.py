"""Whatever a storage answers is the original or a refusal: never other bytes, never a wait without end."""

from __future__ import annotations

import hashlib
import io
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.evidence.originals.bucket import Bucket, Held, OriginalLost, OriginalsUnreachable
from server.evidence.originals.document import Moved, key_of, moved
from server.evidence.originals.door import read_moved
from tests.originals.conftest import options
from tests.originals.hostile import Answer, Asked, Hostile, hostile, refusal

DATA = bytes(range(256)) * 4096  # four blocks of a megabyte
SHA256 = hashlib.sha256(DATA).hexdigest()
WHERE = Moved(SHA256, len(DATA), "image/jpeg", key_of(SHA256), "2026-11-22")


@pytest.fixture(scope="module")
def server() -> Iterator[Hostile]:
    with hostile() as made:
        yield made


@pytest.fixture
def odd(server: Hostile) -> Iterator[tuple[Hostile, Bucket]]:
    """The server, and a bucket of it that was not asked yet."""
    server.asked.clear()
    bucket = Bucket(options(server.url))
    yield server, bucket
    bucket.close()


def put(bucket: Bucket, data: bytes = DATA) -> str:
    sha256 = hashlib.sha256(data).hexdigest()
    bucket.put(key_of(sha256), io.BytesIO(data), len(data), sha256, "image/jpeg")
    return sha256


def read(bucket: Bucket, start: int = 0, stop: int | None = None) -> bytes:
    stream = read_moved(bucket, WHERE, start, stop)
    try:
        return stream.read()
    finally:
        stream.close()


def test_what_was_put_is_there_with_its_digest(bucket: Bucket) -> None:
    assert bucket.head(key_of(SHA256)) is None
    put(bucket)
    assert bucket.head(key_of(SHA256)) == Held(len(DATA))
    assert bucket.head(key_of(SHA256), checksum=True) == Held(len(DATA), SHA256)
    assert read(bucket) == DATA
    bucket.reach()
    bucket.probe()


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_any_part_read_in_any_pieces_is_that_part(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(DATA) - 1))
    stop = data.draw(st.integers(start + 1, len(DATA)))
    size = data.draw(st.sampled_from([1000, 65_536, 262_144, 1_000_000]))

    class Memory:
        attempts = 1

        def open(self, _key: str, start: int = 0, stop: int | None = None) -> object:
            from server.evidence.originals.bucket import Reply

            return Reply(io.BytesIO(DATA[start:stop]), len(DATA))

    stream = read_moved(Memory(), WHERE, start, stop)  # type: ignore[arg-type]
    found = b""
    while block := stream.read(size):
        assert len(block) <= size
        found += block
    assert found == DATA[start:stop]


def test_only_the_part_that_was_asked_for_is_fetched(odd: tuple[Hostile, Bucket]) -> None:
    server, bucket = odd
    server.mind = lambda _: Answer(206, DATA[10:20], {"Content-Range": f"bytes 10-19/{len(DATA)}"})
    assert read(bucket, 10, 20) == DATA[10:20]
    assert [one.range for one in server.asked] == ["bytes=10-19"]


def test_a_storage_that_does_not_know_the_bucket_or_the_object(bucket: Bucket) -> None:
    with pytest.raises(OriginalLost) as lost:
        read(bucket)
    assert lost.value.what == "missing"
    nowhere = Bucket(options(bucket.options.endpoint, "no-such-bucket"))
    for ask in (nowhere.reach, nowhere.probe, lambda: put(nowhere), lambda: read(nowhere)):
        nowhere._silent_until = 0.0
        with pytest.raises(OriginalsUnreachable):
            ask()
    nowhere.close()


def test_a_refused_connection_is_tried_so_often_and_then_left_alone_for_a_while() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        now = [0.0]
        bucket = Bucket(options(url, attempts=1), monotonic=lambda: now[0])
        with pytest.raises(OriginalsUnreachable) as gone:
            bucket.reach()
        assert gone.value.retry_after == bucket.options.pause
    with hostile() as server:
        # Nothing is asked before the pause is over, so another address behind it would not be noticed.
        server.mind = lambda _: Answer()
        bucket.options = options(server.url)
        bucket.close()
        now[0] = 20.0
        with pytest.raises(OriginalsUnreachable) as gone:
            bucket.reach()
        assert gone.value.retry_after == bucket.options.pause - 20.0
        assert server.asked == []
        now[0] = bucket.options.pause
        bucket.reach()
        assert len(server.asked) == 1
    bucket.close()


@pytest.mark.parametrize(
    "answer",
    [
        refusal(403, "AccessDenied"),
        refusal(403, "InvalidAccessKeyId"),
        refusal(403, "SignatureDoesNotMatch"),
        refusal(404, "NoSuchBucket"),
        refusal(500, "InternalError"),
        refusal(503, "SlowDown"),
        Answer(500, b"<html>proxy</html>"),
        Answer(302, b"", {"Location": "http://127.0.0.1:9/"}),
        Answer(200, b"", {}, pause=3.0, length=len(DATA)),
    ],
    ids=lambda answer: f"{answer.status} {answer.body[30:70]!r}",
)
def test_every_refusal_says_nothing_about_the_original(odd: tuple[Hostile, Bucket], answer: Answer) -> None:
    server, bucket = odd
    server.mind = lambda _: answer
    with pytest.raises(OriginalsUnreachable) as refused:
        read(bucket)
    assert refused.value.status == 503
    assert "very-secret" not in refused.value.reason
    assert 1 <= len(server.asked) <= 2 * bucket.attempts


@pytest.mark.parametrize("length", [0, 1, len(DATA) - 1, len(DATA) + 1])
def test_another_length_is_told_before_a_byte_is_given_out(odd: tuple[Hostile, Bucket], length: int) -> None:
    server, bucket = odd
    server.mind = lambda _: Answer(200, (DATA + b"x")[:length])
    with pytest.raises(OriginalLost) as lost:
        read_moved(bucket, WHERE)
    assert lost.value.what == "length"


def test_other_bytes_are_never_given_out_whole(odd: tuple[Hostile, Bucket]) -> None:
    server, bucket = odd
    server.mind = lambda _: Answer(200, DATA[:-1] + b"x")
    stream = read_moved(bucket, WHERE)
    given = bytearray()
    with pytest.raises(OriginalLost) as lost:  # noqa: PT012  the refusal comes while it is read
        while block := stream.read(1 << 16):
            given += block
    assert lost.value.what == "digest"
    assert len(given) < len(DATA)
    stream.close()


def test_an_answer_that_breaks_off_goes_on_where_it_was(odd: tuple[Hostile, Bucket]) -> None:
    server, bucket = odd

    def mind(asked: Asked) -> Answer:
        if asked.range is None:
            return Answer(200, DATA[:300_000], length=len(DATA))
        start = int(asked.range.removeprefix("bytes=").partition("-")[0])
        return Answer(206, DATA[start:], {"Content-Range": f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"})

    server.mind = mind
    assert read(bucket) == DATA
    assert len(server.asked) == 2


def test_one_that_always_breaks_off_is_left_after_so_many_tries(odd: tuple[Hostile, Bucket]) -> None:
    server, bucket = odd

    def mind(asked: Asked) -> Answer:
        start = int((asked.range or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        headers = {"Content-Range": f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"} if asked.range else {}
        part = DATA[start : start + 100_000]
        return Answer(206 if asked.range else 200, part, headers, length=len(DATA) - start)

    server.mind = mind
    with pytest.raises(OriginalsUnreachable):
        read(bucket)
    assert len(server.asked) == bucket.attempts


def test_a_part_is_not_taken_for_another(odd: tuple[Hostile, Bucket]) -> None:
    server, bucket = odd
    server.mind = lambda _: Answer(200, DATA)
    with pytest.raises(OriginalsUnreachable):
        read(bucket, 10, 20)
    for answer in (
        Answer(206, DATA[10:20], {"Content-Range": "bytes 10-19/20"}),
        refusal(416, "InvalidRange"),
    ):
        server.mind = lambda _, answer=answer: answer  # type: ignore[misc]
        with pytest.raises(OriginalLost) as lost:
            read(bucket, 10, 20)
        assert lost.value.what == "length"


@pytest.mark.parametrize(
    ("told", "known"),
    [
        ({}, None),
        ({"x-amz-checksum-sha256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="}, True),
        ({"x-amz-checksum-sha256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=-3"}, None),
        (
            {
                "x-amz-checksum-sha256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
                "x-amz-checksum-type": "COMPOSITE",
            },
            None,
        ),
    ],
)
def test_a_checksum_counts_only_if_it_is_of_the_whole_object(
    odd: tuple[Hostile, Bucket], told: dict[str, str], known: bool | None
) -> None:
    server, bucket = odd
    server.mind = lambda _: Answer(200, b"", told, length=4)
    held = bucket.head("k", checksum=True)
    assert held is not None
    assert (held.sha256 == hashlib.sha256(b"test").hexdigest()) if known else held.sha256 is None


@pytest.mark.parametrize(
    "change",
    [
        {"key": "originals/00/other"},
        {"key": "../" + key_of(SHA256)},
        {"bytes": 0},
        {"bytes": "4"},
        {"sha256": "0" * 64},
        {"sha256": None},
        {"content_type": None},
    ],
)
def test_a_record_that_cannot_be_meant_leads_nowhere(change: dict[str, object]) -> None:
    sound = {
        "sha256": SHA256,
        "bytes": len(DATA),
        "content_type": "image/jpeg",
        "key": key_of(SHA256),
        "moved_on": "2026-11-22",
    }
    assert moved({"sha256": SHA256, "original_moved": sound}) == WHERE
    assert moved({"sha256": SHA256, "original_moved": {**sound, **change}}) is None
    assert moved({"sha256": "1" * 64, "original_moved": sound}) is None
