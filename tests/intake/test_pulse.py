"""A worker's pulse tells whether it moves, and whatever does not move is ended with its stacks in the log."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from server.intake.pulse import Seen, Watched, last_pulse, state

STALL = 60.0


class Time:
    """Both clocks of a pulse."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Watchdog:
    """Notes when it would bark."""

    def __init__(self) -> None:
        self.set_to: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.set_to.append(seconds)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def dog() -> Watchdog:
    return Watchdog()


@pytest.fixture
def pulse(time: Time, dog: Watchdog) -> Watched:
    return Watched(STALL, watch=dog, clock=time, monotonic=time)


def test_the_watchdog_is_awake_from_the_first_moment(pulse: Watched, dog: Watchdog) -> None:
    """A start may stand still as well."""
    assert dog.set_to == [STALL]


def test_a_beat_is_noted_for_others_to_see(pulse: Watched, time: Time, tmp_path: Path) -> None:
    path = tmp_path / "worker.pulse"
    assert last_pulse(path) is None
    pulse.publish(path)
    time.now += 30
    pulse.beat()
    seen = last_pulse(path)
    assert seen == Seen(time.now, time.now + STALL, os.getpid())
    assert not seen.silent(time.now + STALL)
    assert seen.silent(time.now + STALL + 0.1)
    assert seen.age(time.now + 7) == 7
    assert seen.age(time.now - 7) == 0


def test_many_beats_in_one_second_cost_one_note(pulse: Watched, time: Time, dog: Watchdog) -> None:
    for _ in range(1000):
        time.now += 0.01
        pulse.beat()
    assert 10 <= len(dog.set_to) <= 12


def test_what_may_take_longer_is_no_standstill(
    pulse: Watched, time: Time, dog: Watchdog, tmp_path: Path
) -> None:
    path = tmp_path / "worker.pulse"
    pulse.publish(path)
    pulse.expect(280.0)
    assert dog.set_to[-1] == STALL + 280.0
    seen = last_pulse(path)
    assert seen is not None
    assert not seen.silent(time.now + 300)
    time.now += 0.01
    pulse.beat()
    assert dog.set_to[-1] == STALL, "the allowance ends with the next beat"


def test_a_worker_that_only_waits_for_its_turn_notes_nothing(
    pulse: Watched, time: Time, dog: Watchdog, tmp_path: Path
) -> None:
    """The file is its who has the work; but whoever waits must not be ended for it."""
    time.now += 5
    pulse.beat()
    assert len(dog.set_to) == 2
    assert list(tmp_path.iterdir()) == []


def test_one_that_ended_in_order_is_missed_by_nobody(pulse: Watched, tmp_path: Path) -> None:
    path = tmp_path / "worker.pulse"
    pulse.publish(path)
    pulse.close()
    assert state(last_pulse(path), 0.0) == {"state": "absent"}


def test_the_state_is_told_in_words() -> None:
    seen = Seen(1000.0, 1060.0, 1)
    assert state(seen, 1012.34) == {"state": "working", "age_seconds": 12.3}
    assert state(seen, 1061.0) == {"state": "silent", "age_seconds": 61.0}


def test_a_damaged_note_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "worker.pulse"
    for damaged in (b"", b"12 13", b"a b c", b"\xff\xfe 1 1"):
        path.write_bytes(damaged)
        assert last_pulse(path) is None


@pytest.mark.parametrize(
    "standstill",
    [
        "threading.Event().wait()",
        # Python's own lock is held meanwhile: no thread of Python could see to it.
        "re.match('(a+)+$', 'a' * 64 + 'b')",
    ],
)
def test_a_standstill_ends_the_process_and_shows_every_stack(standstill: str) -> None:
    program = (
        "import re, threading\n"
        "from server.intake.pulse import Watched\n"
        "pulse = Watched(0.2)\n"
        "pulse.beat()\n"
        "def stands_still():\n"
        f"    {standstill}\n"
        "stands_still()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "Timeout" in done.stderr
    assert "in stands_still" in done.stderr
