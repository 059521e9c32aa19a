"""A process may end between any two steps: the original can be read all the while, and the next goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from server.casework.moving import Mover, Step
from server.evidence.originals.document import attached, moved
from server.settings import variable
from tests.desk import Desk
from tests.originals.conftest import Ended, Shelf

MOVING = ("read", "stored", "verified", "written")
BACK = ("read", "attached", "compared", "written")
#: Settings that a process of its own has to be told.
TOLD = (
    "data_dir",
    "couchdb_url",
    "db_prefix",
    "jwt_key",
    "originals_endpoint",
    "originals_bucket",
    "originals_prefix",
    "originals_access_key",
    "originals_secret_key",
)


class Killed(BaseException):
    """Nothing catches it."""


def killing(fatal: str, left: list[int]) -> Callable[[Step], None]:
    """What ends the work after the given step, once it has come so often."""

    def step(done: Step) -> None:
        if done == fatal:
            left[0] -= 1
            if left[0] == 0:
                raise Killed

    return step


def one_by_one(desk: Desk) -> None:
    object.__setattr__(desk.made.settings, "originals_concurrency", 1)


@pytest.mark.parametrize("photo", [1, 2])
@pytest.mark.parametrize("fatal", MOVING)
def test_moving_that_was_cut_off_loses_nothing_and_is_ended_by_the_next(
    ended: Ended, shelf: Shelf, fatal: str, photo: int
) -> None:
    one_by_one(ended.desk)
    with pytest.raises(Killed):
        ended.move(step=killing(fatal, [photo]))
    for name, data in ended.data.items():
        assert ended.read(name) == data
        document = ended.document(name)
        assert attached(document) != (moved(document) is not None)
        assert attached(document) or shelf.read(data) == data
    ended.move()
    assert all(moved(ended.document(name)) for name in ended.data)
    assert {name: ended.read(name) for name in ended.data} == ended.data


@pytest.mark.parametrize("fatal", BACK)
def test_bringing_back_that_was_cut_off_loses_nothing_and_is_ended_by_the_next(
    ended: Ended, fatal: str
) -> None:
    one_by_one(ended.desk)
    ended.move()
    case = ended.desk.case(ended.id)
    with pytest.raises(Killed):
        list(Mover(ended.desk.made, step=killing(fatal, [1])).back(case))
    assert {name: ended.read(name) for name in ended.data} == ended.data
    list(Mover(ended.desk.made).back(case))
    for name, data in ended.data.items():
        document = ended.document(name)
        assert (attached(document), moved(document)) == (True, None)
        assert ended.read(name) == data


def test_one_that_was_half_brought_back_moves_again(ended: Ended) -> None:
    one_by_one(ended.desk)
    ended.move()
    case = ended.desk.case(ended.id)
    with pytest.raises(Killed):
        list(Mover(ended.desk.made, step=killing("attached", [1])).back(case))
    both = ended.document()
    assert attached(both)
    assert moved(both) is not None
    assert [one.outcome for one in ended.move()] == ["moved"]
    assert not attached(ended.document())
    assert ended.read() == ended.data["p-0"]


@pytest.mark.parametrize(("way", "fatal"), [("move", "stored"), ("move", "written"), ("back", "attached")])
def test_a_process_that_is_really_killed(ended: Ended, way: str, fatal: str) -> None:
    if way == "back":
        ended.move()
    settings = ended.desk.made.settings
    outside = {name: value for name, value in os.environ.items() if not name.startswith("HEZHA_")}
    told = {variable(name): str(getattr(settings, name)) for name in TOLD}
    ran = subprocess.run(
        [sys.executable, "-m", "tests.originals.victim", fatal, way, ended.id],
        env={**outside, **told},
        capture_output=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == -signal.SIGKILL, ran.stderr.decode()
    assert {name: ended.read(name) for name in ended.data} == ended.data
    case = ended.desk.case(ended.id)
    found = ended.move() if way == "move" else list(Mover(ended.desk.made).back(case))
    assert {one.outcome for one in found} <= {"moved", "back"}
    assert {name: ended.read(name) for name in ended.data} == ended.data
