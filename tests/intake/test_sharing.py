"""Workers on servers of their own, real processes on a real CouchDB: each has a share, no change is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from server.casework.cases import Cases
from server.names import new_id
from server.readmodel.database import ReadModel
from server.readmodel.queries import CaseFilter, Scope, list_cases
from server.services import Services, assemble
from server.settings import Argon2Profile, Settings
from server.workflow import commands
from server.workflow.model import Actor, Customer, Site, Supply
from tests.loop.couch import COUCHDB_URL, Corner

pytestmark = pytest.mark.skipif(not COUCHDB_URL, reason="HEZHA_TEST_COUCHDB_URL names no CouchDB to share")

MANAGER = Actor("manager", ("manager",))
SLOTS = 4
#: How long the processes get for what takes them a second or two, on a machine that is busy.
PATIENCE = 120.0


@pytest.fixture
def corner() -> Iterator[Corner]:
    made = Corner(COUCHDB_URL)
    yield made
    made.clear()


@pytest.fixture
def made(corner: Corner, tmp_path: Path) -> Iterator[Services]:
    """The web server's side, in this process."""
    known = corner.settings()
    settings = replace(
        Settings(data_dir=tmp_path / "web", argon2=Argon2Profile(memory_kib=8, time_cost=1)),
        couchdb_url=known["COUCHDB_URL"],
        db_prefix=known["DB_PREFIX"],
        jwt_key=known["JWT_KEY"],
        lease_seconds=3.0,
    )
    services = assemble(settings)
    services.people.add_user("manager", "manager-password", roles=["manager"])
    yield services
    services.close()


class Worker:
    """One worker process with a folder of its own."""

    def __init__(self, corner: Corner, folder: Path) -> None:
        outside = {name: value for name, value in os.environ.items() if not name.startswith("HEZHA_")}
        self.folder = folder
        folder.mkdir()
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "server.intake.process"],
                env={
                    **outside,
                    "HEZHA_DATA": str(folder),
                    "HEZHA_LEASE_SECONDS": "3",
                    "HEZHA_CLOCK_SKEW_SECONDS": "0.5",
                    "HEZHA_WORKER_SLOTS": str(SLOTS),
                    **{f"HEZHA_{name}": value for name, value in corner.settings().items()},
                },
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )

    def said(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")

    def die(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.end()

    def end(self) -> None:
        """Ask it to end, as its supervisor does."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(PATIENCE)


@pytest.fixture
def worker(corner: Corner, tmp_path: Path, made: Services) -> Iterator[Callable[[], Worker]]:
    hired: list[Worker] = []

    def hire() -> Worker:
        hired.append(Worker(corner, tmp_path / f"worker-{len(hired)}"))
        return hired[-1]

    yield hire
    for one in hired:
        one.end()


def until(holds: Callable[[], bool], workers: list[Worker]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "\n".join(one.said()[-3000:] for one in workers)
        time.sleep(0.1)


def owners(made: Services) -> dict[str, str]:
    """Who has which slot at this moment."""
    leases = made.store.all_docs(made.names.registry, prefix="lease:slot-")
    now = time.time()
    return {lease["_id"]: lease["owner"] for lease in leases if lease["owner"] and lease["expires"] > now}


def open_case(cases: Cases, number: int) -> str:
    case_id = new_id()
    command = commands.OpenCase(
        id=case_id,
        no=f"YK-{number}",
        process="hv",
        organisation="demo",
        customer=Customer("Red Maple Textiles"),
        site=Site(121.87, 29.48),
        supply=Supply(10.0, 630.0),
        manager="manager",
    )
    cases.open(command, MANAGER)
    return case_id


def see(made: Services, case_id: str, hazard: str) -> None:
    document = {"_id": f"hazard:{hazard}", "type": "hazard", "schema": 1, "by": "inspector"}
    made.store.put(
        made.names.forms(case_id), {**document, "description": "a pit", "at": "2026-11-02T08:00:00Z"}
    )


def test_two_workers_share_and_the_one_left_takes_over(made: Services, worker: Callable[[], Worker]) -> None:
    ids = [open_case(made.cases, number) for number in range(6)]

    def heard(hazard: str) -> bool:
        return all(hazard in made.cases.load(case_id).case.hazards for case_id in ids)

    workers = [worker(), worker()]
    until(lambda: len(owners(made)) == SLOTS and len(set(owners(made).values())) == 2, workers)
    for case_id in ids:
        see(made, case_id, "h-1")
    until(lambda: heard("h-1"), workers)

    workers[0].die()
    for case_id in ids:
        see(made, case_id, "h-2")
    until(lambda: heard("h-2"), workers)
    until(lambda: len(set(owners(made).values())) == 1, workers)
    for case_id in ids:
        events = [entry.event for entry in made.cases.load(case_id).case.log]
        assert events.count("hazard_reported") == 2, "what is done twice is done once"
        assert "conflict_rebased" not in events

    late = open_case(made.cases, 7)
    see(made, late, "h-3")
    until(lambda: "h-3" in made.cases.load(late).case.hazards, workers)

    def listed() -> bool:
        with closing(ReadModel(workers[1].folder / "readmodel.sqlite3")) as readmodel:
            page = list_cases(readmodel, Scope("demo"), CaseFilter(), sort="no", offset=0, limit=50)
        return page.total == len(ids) + 1 and all(row["open_notices"] for row in page.rows)

    until(listed, workers)
    workers[1].end()
    assert owners(made) == {}, "who ends in order leaves nothing to wait for"
