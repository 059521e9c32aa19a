"""Whatever happens to the worker, another takes its place, and all end when they are asked to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.intake.supervisor import Restarts

PATIENCE = 30.0
QUICK = "Restarts(first_pause=0.02, longest_pause=0.1)"

#: A child that says it is there, and then does what the test wants.
CHILD = """
import os, signal, sys, time
with open({path!r}, "a") as file:
    print(os.getpid(), file=file, flush=True)
{then}
"""
WAITS = "sys.stdin.read()"


class Supervised:
    """A supervisor over a child of our own making, in a process of its own."""

    def __init__(self, folder: Path, then: str, *, grace: float = 20.0, restarts: str = QUICK) -> None:
        self._started = folder / "started"
        child = CHILD.format(path=str(self._started), then=then)
        program = (
            "import sys\n"
            "from server import logs\n"
            "from server.intake.supervisor import Restarts, Supervisor\n"
            "logs.configure()\n"
            f"command = [{sys.executable!r}, '-c', {child!r}]\n"
            f"sys.exit(Supervisor(command, grace={grace}, restarts={restarts}).run())\n"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", program], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )

    def children(self, at_least: int) -> list[int]:
        """The process ids of the children so far, once there were so many."""

        def started() -> list[int]:
            if not self._started.exists():
                return []
            return [int(line) for line in self._started.read_text().splitlines()]

        until(lambda: len(started()) >= at_least, f"{at_least} starts")
        return started()

    def end(self) -> int:
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Callable[..., Supervised]]:
    made: list[Supervised] = []

    def make(then: str, **more: object) -> Supervised:
        made.append(Supervised(tmp_path, then, **more))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.kill()


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize(
    ("end", "how"),
    [
        ("sys.exit(1)", "exit 1"),
        ("sys.exit(0)", "exit 0"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
    ],
)
def test_a_worker_that_ends_unasked_is_started_again_and_its_end_is_told(
    supervised: Callable[..., Supervised], end: str, how: str
) -> None:
    one = supervised(end)
    one.children(3)
    one.process.terminate()
    assert one.end() == 0
    assert one.process.stderr is not None
    told = [line for line in one.process.stderr if "worker.ended" in line]
    assert len(told) >= 2
    assert all(how in line for line in told)


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_the_worker_may_finish_what_it_is_at(
    supervised: Callable[..., Supervised], asked: signal.Signals, tmp_path: Path
) -> None:
    finished = tmp_path / "finished"
    one = supervised(f"{WAITS}; time.sleep(0.2); open({str(finished)!r}, 'w').close()")
    [child] = one.children(1)
    one.process.send_signal(asked)
    assert one.end() == 0
    assert finished.exists()
    assert gone(child)


def test_a_worker_that_does_not_end_is_killed_after_the_grace(supervised: Callable[..., Supervised]) -> None:
    one = supervised("time.sleep(3600)", grace=0.2)
    [child] = one.children(1)
    one.process.terminate()
    assert one.end() == 0
    assert gone(child)


def test_no_worker_outlives_its_supervisor(supervised: Callable[..., Supervised]) -> None:
    """Two would follow the same databases, one of them with nobody to restart it."""
    one = supervised(WAITS)
    [child] = one.children(1)
    one.process.kill()
    until(lambda: gone(child), "the orphan to end")


def test_a_stop_is_heard_during_the_pause_before_a_restart(supervised: Callable[..., Supervised]) -> None:
    one = supervised("sys.exit(1)", restarts="Restarts(first_pause=3600, longest_pause=3600)")
    [child] = one.children(1)
    until(lambda: gone(child), "the child to end")
    one.process.terminate()
    assert one.end() == 0


def test_settings_that_cannot_be_used_are_not_tried_again(tmp_path: Path) -> None:
    env = {**os.environ, "HEZHA_DATA": str(tmp_path), "HEZHA_PORT": "many"}
    done = subprocess.run(
        [sys.executable, "-m", "server.intake.supervisor"],
        env=env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2
    assert "HEZHA_PORT" in done.stderr


def test_a_supervisor_whose_server_is_gone_stops(tmp_path: Path) -> None:
    env = {**os.environ, "HEZHA_DATA": str(tmp_path)}
    command = [sys.executable, "-m", "server.intake.supervisor", "--parent", str(os.getppid())]
    assert subprocess.run(command, env=env, timeout=PATIENCE, check=False).returncode == 0


def test_pauses_grow_and_are_bounded() -> None:
    restarts = Restarts(first_pause=1.0, longest_pause=60.0)
    assert [restarts.pause(n) for n in (1, 2, 3, 6, 7, 8, 10_000)] == [1, 2, 4, 32, 60, 60, 60]


def test_one_that_waits_has_loaded_nothing_that_only_the_log_needs() -> None:
    """Its parent and its child need the memory; so does whatever else runs on a small server."""
    program = "import sys, server.intake.supervisor; sys.exit('structlog' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
