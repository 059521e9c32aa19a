# mypy: disable-error-code="untyped-decorator"
"""Server-sent events: what happens to the cases that one may see, as it happens."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import marshmallow as ma
from flask import Response, g, request

from server.api.base import Schema, blueprint, roles
from server.api.casework import scope
from server.live.backlog import Event, Gap
from server.live.hub import TooMany
from server.people.model import Identity
from server.problems import Problem
from server.readmodel.queries import Scope, visible_cases
from server.services import Services, services
from sync.embedded.pausing import Pause, can_pause, pause

blp = blueprint("events", "Live events 实时事件.")

#: One event of the stream, by its fields.
_EVENT = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "id": {"type": "string"},
        "event": {"type": "string"},
        "data": {"type": "string", "description": "JSON."},
        "retry": {"type": "integer", "description": "Milliseconds."},
    },
}
_CONTENT = {"text/event-stream": {"schema": _EVENT}}
#: Events read at a time.
_PAGE = 200
#: What a client is asked to wait before it comes again, in milliseconds.
_RETRY = 3000
_LAST_ID = {
    "in": "header",
    "name": "Last-Event-ID",
    "schema": {"type": "string", "maxLength": 100},
    "description": "The id of the last event that was seen; goes on behind it.",
}


class EventsQuery(Schema):
    last_event_id = ma.fields.String(
        validate=ma.validate.Length(max=100),
        metadata={"description": "As the header, for who cannot send one."},
    )


@dataclass
class _Stream:
    """One client's stream. `seq` is how far it has come."""

    made: Services
    header: str | None
    identity: Identity
    scope: Scope
    seq: int | None
    aside: bool

    def chunks(self) -> Iterator[bytes | Pause]:
        settings, hub = self.made.settings, self.made.live
        end = time.monotonic() + settings.events_stream_seconds
        with hub.bell() as bell:  # taken first, and looked after: nothing falls between
            yield from self._begin()
            beat_at = time.monotonic() + settings.events_heartbeat_seconds
            while not hub.dismissed:
                yield from self._news()
                now = time.monotonic()
                if now >= end:
                    return
                if now >= beat_at:
                    if not self._still_admitted():
                        yield _event("signed_out", {})
                        return
                    yield self._beat()
                    beat_at = now + settings.events_heartbeat_seconds
                yield from pause(bell, max(0.0, min(end, beat_at) - now), aside=self.aside)

    def _begin(self) -> Iterator[bytes]:
        if self.seq is None:
            self.seq = self.made.live.backlog.latest()
        yield f"retry: {_RETRY}\n".encode() + _event("ready", {}, self._id())

    def _news(self) -> Iterator[bytes]:
        """Everything that there is behind the place that was reached."""
        backlog = self.made.live.backlog
        while True:
            assert self.seq is not None  # noqa: S101  _begin has set it
            try:
                found = backlog.after(self.seq, _PAGE)
            except Gap:
                # Nobody knows what was missed: the client reads its lists anew, and goes on from here.
                self.seq = backlog.latest()
                yield _event("reset", {}, self._id())
                continue
            if not found:
                return
            seen = self._visible(found)
            for event in found:
                self.seq = event.seq
                if event in seen:
                    yield _event("case", _shown(event), self._id())

    def _visible(self, found: Sequence[Event]) -> set[Event]:
        """Those of cases that the client may see now, whatever was so when they happened."""
        ours = [event for event in found if event.organisation == self.scope.organisation]
        if self.scope.inspector is None or not ours:
            return set(ours)
        cases = visible_cases(self.made.readmodel, self.scope, {event.case_id for event in ours})
        return {event for event in ours if event.case_id in cases}

    def _still_admitted(self) -> bool:
        """Whether the token still holds, for the same person with the same rights."""
        try:
            return self.made.people.authenticate(self.header) == self.identity
        except Problem:
            return False

    def _beat(self) -> bytes:
        """A sign of life that moves the client's place on, past what it may not see."""
        return f": heartbeat\nid: {self._id()}\n\n".encode()

    def _id(self) -> str:
        return f"{self.made.live.backlog.epoch}-{self.seq}"


def _event(name: str, data: dict[str, Any], id_: str | None = None) -> bytes:
    head = f"id: {id_}\n" if id_ else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _shown(event: Event) -> dict[str, Any]:
    return {
        "case": event.case_id,
        "no": event.no,
        "stage": event.stage,
        "event": event.event,
        "entry": event.entry,
        "at": event.at,
        "actor": event.actor,
    }


def _place(text: str | None, made: Services) -> int | None:
    """The place that an id names; None without one, and -1, before everything, for one of another backlog."""
    if text is None:
        return None
    epoch, _, seq = text.rpartition("-")
    if epoch != made.live.backlog.epoch or not (seq.isascii() and seq.isdecimal()) or len(seq) > 18:
        return -1
    return int(seq)


@blp.route("/events", methods=["GET"])
@roles()
@blp.doc(parameters=[_LAST_ID])
@blp.arguments(EventsQuery, location="query", unknown=ma.RAISE)
@blp.doc(responses={"200": {"description": "The stream.", "content": _CONTENT}})
@blp.alt_response(503, description="As many wait as may.")
def stream_events(query: dict[str, Any]) -> Response:
    """`case` for each event of a case that you may see, `ready` at the beginning, and `reset` where what was
    missed is no longer kept: read your lists anew then. Ends with the token, or with `signed_out`."""
    made = services()
    stream = _Stream(
        made=made,
        header=request.headers.get("Authorization"),
        identity=g.actor,
        scope=scope(),
        seq=_place(request.headers.get("Last-Event-ID") or query.get("last_event_id"), made),
        aside=can_pause(request.environ),
    )
    chunks = stream.chunks()
    try:
        first = next(chunks)
    except TooMany:
        raise Problem(503, "too_many_streams", headers={"Retry-After": "5"}) from None
    response = Response(_after(first, chunks), mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(chunks.close)  # type: ignore[attr-defined]
    return response


def _after(first: bytes | Pause, rest: Iterator[bytes | Pause]) -> Iterator[bytes]:
    """The whole again. The server below takes the pauses out."""
    yield first  # type: ignore[misc]
    yield from rest  # type: ignore[misc]
