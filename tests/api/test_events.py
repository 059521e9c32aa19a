"""A stream tells what happens to cases that its reader may see, goes on where it was left, and ends."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.desk import Desk, open_desk, refused
from tests.transfer.lists import csv_text, row

Told = tuple[str, dict[str, Any], str]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(
        tmp_path,
        events_kept=30,
        events_streams=3,
        events_heartbeat_seconds=0.05,
        events_stream_seconds=5.0,
        events_poll_seconds=0.02,
    ) as desk:
        yield desk


class Listener:
    """One client's stream, read block by block."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._text = ""
        self.last_id = ""
        self.beats = 0

    def next(self) -> Told | None:
        """The next event, heartbeats passed over; None at the end."""
        while True:
            block, found, rest = self._text.partition("\n\n")
            if not found:
                chunk = next(self._chunks, None)
                if chunk is None:
                    return None
                self._text += chunk.decode()
                continue
            self._text = rest
            fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
            self.last_id = fields.get("id", self.last_id)
            if "event" in fields:
                return fields["event"], json.loads(fields["data"]), self.last_id
            self.beats += 1

    def cases(self, n: int) -> list[str]:
        found = []
        for _ in range(n):
            told = self.next()
            assert told is not None
            assert told[0] == "case", told
            found.append(told[1]["event"])
        return found


@contextmanager
def listening(desk: Desk, *, by: str = "manager", last: str | None = None) -> Iterator[Listener]:
    headers = {**desk.signed_in(by), **({} if last is None else {"Last-Event-ID": last})}
    answer = desk.app.test_client().get("/api/v1/events", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.content_type.startswith("text/event-stream")
    try:
        yield Listener(iter(answer.response))  # type: ignore[arg-type]
    finally:
        answer.close()


def begun(listener: Listener) -> str:
    told = listener.next()
    assert told is not None
    assert told[0] == "ready"
    return told[2]


def test_what_happens_is_told_as_it_happens(desk: Desk) -> None:
    with listening(desk) as listener:
        begun(listener)
        case = desk.open_case()
        told = listener.next()
        assert told is not None
        assert told[0] == "case"
        assert (told[1]["case"], told[1]["no"], told[1]["event"]) == (case, "YK-0001", "case_opened")
        assert set(told[1]) == {"case", "no", "stage", "event", "entry", "at", "actor"}


def test_who_comes_again_misses_nothing_and_hears_nothing_twice(desk: Desk) -> None:
    with listening(desk) as listener:
        last = begun(listener)
    case = desk.open_case()
    heard: list[str] = []
    entries = len(desk.case(case).log)
    for _ in range(entries):
        with listening(desk, last=last) as listener:
            begun(listener)
            heard += listener.cases(1)
            last = listener.last_id
    assert heard == [entry.event for entry in desk.case(case).log]


def test_who_was_away_too_long_is_told_to_read_anew(desk: Desk) -> None:
    with listening(desk) as listener:
        last = begun(listener)
    for _ in range(20):
        desk.open_case()
    for stale in (last, "0123456789abcdef-1", "nonsense", f"{last}9999"):
        with listening(desk, last=stale) as listener:
            begun(listener)
            told = listener.next()
            assert told is not None
            assert told[0] == "reset"
            desk.open_case()
            assert listener.cases(1) == ["case_opened"]


def test_only_cases_that_one_may_see_are_told(desk: Desk) -> None:
    desk.hire("stranger", "manager", organisation="north")
    with listening(desk, by="inspector") as theirs, listening(desk, by="stranger") as north:
        begun(theirs)
        begun(north)
        desk.open_case()
        mine = desk.open_case()
        desk.assign(mine)
        other = desk.open_case(by="stranger")
        told = theirs.next()
        assert told is not None
        assert told[1]["case"] == mine
        told = north.next()
        assert told is not None
        assert told[1]["case"] == other


def test_a_heartbeat_moves_the_place_on_past_what_one_may_not_see(desk: Desk) -> None:
    with listening(desk, by="inspector") as listener:
        first = begun(listener)
        desk.open_case()
        stop = threading.Timer(0.3, desk.made.live.dismiss)
        stop.start()
        assert listener.next() is None
        stop.join()
    assert listener.beats > 0
    assert listener.last_id != first


def test_a_stream_ends_for_who_is_signed_out(desk: Desk) -> None:
    with listening(desk) as listener:
        begun(listener)
        assert desk.ask("POST", "/auth/logout").status_code == 204
        told = listener.next()
        assert told is not None
        assert told[0] == "signed_out"
        assert listener.next() is None


def test_a_stream_lasts_no_longer_than_the_setting(desk: Desk) -> None:
    desk.made = replace(desk.made, settings=replace(desk.made.settings, events_stream_seconds=0.1))
    with listening(desk) as listener:
        begun(listener)
        assert listener.next() is None


def test_as_many_listen_as_may_and_who_leaves_makes_room(desk: Desk) -> None:
    with listening(desk) as one, listening(desk), listening(desk):
        begun(one)
        answer = desk.ask("GET", "/events")
        refused(answer, 503, "too_many_streams")
        assert answer.headers["Retry-After"] == "5"
    assert desk.made.live.waiting() == 0
    with listening(desk) as again:
        begun(again)


def test_imported_cases_are_told_too(desk: Desk) -> None:
    with listening(desk) as listener:
        begun(listener)
        data = {"file": (io.BytesIO(csv_text([row(1)]).encode()), "list.csv")}
        assert desk.ask("POST", "/cases/import", data=data).status_code == 200
        assert listener.cases(1) == ["case_opened"]
