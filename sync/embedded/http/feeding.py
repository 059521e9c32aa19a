"""How a feed is written and how it waits, whatever it tells of: databases or documents.

A feed is written while it is read. A waiting one holds no connection to the database, and no thread either
where the server can set it aside (`pausing.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, cast

from sync.embedded.http.asked import Query
from sync.embedded.http.call import Call
from sync.embedded.http.limits import HttpLimits
from sync.embedded.http.replies import JSON_TYPE, Reply, encode, gathered, stream_reply
from sync.embedded.pausing import Pause, can_pause, pause
from sync.embedded.wakeup import Waiter
from sync.store import BadRequest, StoreError


class Source(Protocol):
    """What a feed tells of, and how far it has got."""

    @property
    def ended(self) -> bool:
        """Whether nothing more may come: the limit is reached, say."""

    def rows(self) -> Iterator[dict[str, Any] | None]:
        """Everything there is now. None now and then: still looking, and found nothing to tell."""

    def bell(self) -> Waiter:
        """What rings when something may have come."""

    def woken(self) -> bool:
        """Whether something may have come. Raises StoreError to end the feed."""

    def closing(self) -> dict[str, Any]:
        """What the end of the feed says: `last_seq` and its like."""


@dataclass(frozen=True)
class Form:
    """How a kind of feed is written."""

    start: bytes
    row: Callable[[dict[str, Any], bool], bytes]
    beat: bytes
    end: Callable[[dict[str, Any]], bytes]
    content_type: str = JSON_TYPE


def _enveloped(row: dict[str, Any], first: bool) -> bytes:
    return encode(row) if first else b",\r\n" + encode(row)


def _event(row: dict[str, Any], _first: bool) -> bytes:
    return b"data: " + encode(row) + b"\nid: " + encode(row.get("seq")) + b"\n\n"


#: One JSON object, written as its rows are found.
ENVELOPE = Form(b'{"results":[\n', _enveloped, b"\n", lambda said: b"\n],\n" + encode(said)[1:] + b"\n")
#: One JSON object a line. The first byte takes the headers with it, which clients wait for.
LINES = Form(b"\n", lambda row, _: encode(row) + b"\n", b"\n", lambda said: encode(said) + b"\n")
#: What a browser's EventSource reads; it remembers the latest id by itself.
EVENTS = Form(b"\n", _event, b"event: heartbeat\ndata: \n\n", lambda _: b"", "text/event-stream")
FORMS = {"normal": ENVELOPE, "longpoll": ENVELOPE, "continuous": LINES, "live": LINES, "eventsource": EVENTS}


@dataclass(frozen=True)
class Waiting:
    """How a feed waits, in seconds: until `quiet` without a change or `whole` in all, with a sign of life
    every `heartbeat`. Clients take the end of a feed as a sign to ask again from `last_seq`.
    """

    quiet: float
    whole: float
    heartbeat: float


def kind_of(query: Query, kinds: str) -> str:
    """Which of `kinds` is asked for. Raises BadRequest for another."""
    kind = query.text("feed", "normal")
    if kind not in kinds.split(", "):
        raise BadRequest(f"Supported `feed` types: {kinds}")
    return kind


def waiting_of(query: Query, limits: HttpLimits) -> Waiting:
    """From `timeout` and `heartbeat` (milliseconds, or `true`), within the server's bounds."""
    beat = query.text("heartbeat", "false")
    heartbeat = limits.heartbeat
    if beat not in {"true", "false"}:
        heartbeat = max(limits.min_heartbeat, _milliseconds(beat) / 1000)
    timeout = query.integer("timeout")
    if timeout is not None:
        quiet = timeout / 1000
    else:
        quiet = limits.default_feed_timeout if beat == "false" else limits.max_feed_timeout
    return Waiting(min(quiet, limits.max_feed_timeout), limits.max_feed_timeout, heartbeat)


def _milliseconds(text: str) -> int:
    try:
        value = int(text)
    except ValueError as error:
        raise BadRequest(
            "Invalid heartbeat value. Expecting a positive integer value (in milliseconds)."
        ) from error
    if value <= 0:
        raise BadRequest("The heartbeat value should be a positive integer (in milliseconds).")
    return value


def feed_reply(call: Call, source: Source, kind: str, headers: dict[str, str] | None = None) -> Reply:
    """Start a feed of `kind`. Raises StoreError for what goes wrong before its first row."""
    rows = source.rows()
    # The first row is looked for before the status goes out: a bad filter is told by it.
    first = next(rows, None)
    chunks = _Feed(call, source, kind).chunks(first, rows)
    if kind == "normal":  # which never waits
        chunks = gathered(cast("Iterator[bytes]", chunks))
    return stream_reply(chunks, FORMS[kind].content_type, headers)


class _Feed:
    """One client's feed under way."""

    def __init__(self, call: Call, source: Source, kind: str) -> None:
        self._source = source
        self._form = FORMS[kind]
        self._waits = kind != "normal"
        self._longpoll = kind == "longpoll"
        self._waiting = waiting_of(call.query, call.limits)
        self._parking = call.parking
        self._aside = can_pause(call.request.environ)
        self._sent = 0
        self._gone = False
        self._last_written = time.monotonic()

    def chunks(
        self, first: dict[str, Any] | None, rows: Iterator[dict[str, Any] | None]
    ) -> Iterator[bytes | Pause]:
        yield self._form.start
        try:
            if first is not None:
                yield self._written(first)
            yield from self._write(rows)
            if self._waits and not (self._longpoll and self._sent):
                yield from self._wait()
        except StoreError as error:
            # The status is out; what is written now cannot be taken for the end of a feed that went well.
            yield b"\n" + encode({"error": error.error, "reason": error.reason}) + b"\n"
            return
        yield self._form.end(self._source.closing())

    def _written(self, row: dict[str, Any]) -> bytes:
        self._sent += 1
        self._last_written = time.monotonic()
        return self._form.row(row, self._sent == 1)

    def _write(self, rows: Iterator[dict[str, Any] | None]) -> Iterator[bytes]:
        for row in rows:
            if row is not None:
                yield self._written(row)
            else:
                yield from self._beat()

    def _beat(self) -> Iterator[bytes]:
        """A sign of life, if none was given for too long."""
        if time.monotonic() - self._last_written >= self._waiting.heartbeat:
            self._last_written = time.monotonic()
            yield self._form.beat

    def _wait(self) -> Iterator[bytes | Pause]:
        """Write rows whenever something has changed, and signs of life in between, until the time is over.

        A database that is deleted meanwhile, or that its user may no longer read, ends the feed as if its
        time were over: the next request will be told.
        """
        if self._source.ended or not self._parking.enter():
            return
        try:
            end = time.monotonic() + self._waiting.whole
            quiet_end = time.monotonic() + self._waiting.quiet
            with self._source.bell() as bell:  # taken first, and looked after: nothing falls between
                while not self._source.ended:
                    if self._woken():
                        before = self._sent
                        yield from self._write(self._source.rows())
                        if self._sent > before:
                            if self._longpoll:
                                return
                            quiet_end = time.monotonic() + self._waiting.quiet
                        continue
                    left = min(end, quiet_end) - time.monotonic()
                    if left <= 0 or self._gone:
                        return
                    yield from pause(bell, min(left, self._waiting.heartbeat), aside=self._aside)
                    yield from self._beat()
        finally:
            self._parking.leave()

    def _woken(self) -> bool:
        try:
            return self._source.woken()
        except StoreError:
            self._gone = True
            return False
