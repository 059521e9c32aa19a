"""Lists of works and of month plans through the API, beside reading every work from the store.

    python bench/works.py [--works N] [--plans M] [--asked K]

Generated works of one organisation, two years of them on fifty feeders, go into the store in bulk; the lists
are filled from it as a rebuild does. Then each kind of list is asked for in turn, by the clock, in this
process: what the network between would add is in bench/api.py.
"""

from __future__ import annotations

import argparse
import logging
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

from flask.testing import FlaskClient

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from server.app import create_app
from server.outages.instance import Kind, Work
from server.scheduling import plans as stored_plans
from server.scheduling import works as stored_works
from server.scheduling.plans import Effort, PlanRecord
from server.scheduling.requests import Agreement, Event, Particulars, Request
from server.services import Services, assemble
from server.settings import Settings
from sync.store import Document

HOUSE, NAME, PASSWORD = "bench", "bench-scheduler", "bench-password-1"
FIRST = date(2026, 1, 1)
DAYS, FEEDERS, CASES, WORKS_A_PLAN, AT_ONCE = 730, 50, 4_000, 120, 1_000
STATES = ("requested", "approved", "planned", "done", "done", "done", "withdrawn")


def works(number: int) -> Iterator[Request]:
    """Works over two years: most are done, and one in five is for a case."""
    chance = random.Random(1)
    for n in range(number):
        wanted = FIRST + timedelta(days=chance.randrange(DAYS))
        asked = datetime(wanted.year, wanted.month, wanted.day, 8, tzinfo=UTC) - timedelta(days=30)
        state: Any = chance.choice(STATES)
        work = Work(
            id=f"w-{n:06}",
            section=f"s-{chance.randrange(4_000)}",
            kind=chance.choice(get_args(Kind)),
            minutes=chance.choice((60, 120, 240)),
            skill="line",
            wanted=wanted,
            name=f"第 {n} 项工作",
        )
        yield Request(
            id=work.id,
            organisation=HOUSE,
            asked=Particulars(
                type="planned",
                network=f"net-{n % 4}",
                work=work,
                cases=(f"c-{chance.randrange(CASES)}",) if n % 5 == 0 else (),
                content="更换分支线路避雷器,接引新装用户电缆" * 3,
                safety="验电、挂接地线、设围栏" * 3,
            ),
            state=state,
            requested_by="anna",
            agreements=tuple(Agreement(function="dispatch", by=f"p-{one}", at=asked) for one in range(3)),
            history=tuple(Event(event="agreed", by=f"p-{one}", at=asked) for one in range(4)),
            feeders=(f"f-{chance.randrange(FEEDERS)}",),
            plan=f"p-{n // WORKS_A_PLAN}" if state in ("planned", "done") else "",
            day=wanted if state in ("planned", "done") else None,
        )


def plans(number: int, among: Sequence[str]) -> Iterator[PlanRecord]:
    """Plans with the works in their order."""
    for n in range(number):
        start = n * WORKS_A_PLAN % max(1, len(among) - WORKS_A_PLAN)
        day = FIRST + timedelta(days=n * DAYS // number)
        yield PlanRecord(
            id=f"p-{n}",
            organisation=HOUSE,
            month=f"{day:%Y-%m}",
            network=f"net-{n % 4}",
            version="v",
            works=tuple(among[start : start + WORKS_A_PLAN]),
            digest=str(n),
            asked="0" * 64,
            effort=Effort(seconds=60.0, workers=2),
            state=("made", "published", "amended", "withdrawn")[n % 4],
            requested_by="ben",
            requested_at=datetime(day.year, day.month, day.day, tzinfo=UTC),
        )


def keep(made: Services, documents: Iterable[Document]) -> None:
    batch: list[Document] = []
    for one in documents:
        batch.append(one)
        if len(batch) == AT_ONCE:
            made.store.bulk_docs(made.names.registry, batch)
            batch = []
    made.store.bulk_docs(made.names.registry, batch)


def kinds(chance: random.Random, made: int) -> dict[str, Callable[[], str]]:
    """What is asked for, each time with other values."""

    def month() -> str:
        return f"{FIRST.year + chance.randrange(2)}-{chance.randint(1, 12):02}"

    return {
        "works, first page": lambda: "/works?limit=100",
        "works of a month": lambda: f"/works?limit=100&month={month()}",
        "approved works of a month": lambda: f"/works?limit=100&state=approved&month={month()}",
        "works of a feeder, by kind": lambda: (
            f"/works?limit=100&feeder=f-{chance.randrange(FEEDERS)}&kind={chance.choice(get_args(Kind))}"
        ),
        "works of a case": lambda: f"/works?limit=100&case=c-{chance.randrange(CASES)}",
        "done works, last asked for first": lambda: "/works?limit=100&state=done&sort=-requested",
        "plans, newest first": lambda: "/plans?limit=100&sort=-requested",
        "plans of a month": lambda: f"/plans?month={month()}",
        "plans with a work": lambda: f"/plans?work=w-{chance.randrange(made):06}",
        "plans on a feeder": lambda: f"/plans?limit=100&feeder=f-{chance.randrange(FEEDERS)}",
    }


def deep(client: FlaskClient, headers: dict[str, str]) -> Iterator[float]:
    """Seconds for each page of all works of a state, one after the other."""
    after: str | None = ""
    while after is not None:
        begun = time.perf_counter()
        path = "/api/v1/works?limit=100&state=done" + (f"&after={after}" if after else "")
        after = client.get(path, headers=headers).get_json()["next"]
        yield time.perf_counter() - begun


def told(name: str, seconds: Sequence[float]) -> None:
    ordered = sorted(seconds)
    slow = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    print(f"| {name} | {statistics.median(ordered) * 1000:.1f} | {slow * 1000:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--works", type=int, default=20_000)
    parser.add_argument("--plans", type=int, default=400)
    parser.add_argument("--asked", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = assemble(Settings(data_dir=Path(folder), organisation=HOUSE, log_level="warning"))
        logging.disable(logging.INFO)
        made.people.add_user(NAME, PASSWORD, roles=("scheduler",), organisation=HOUSE)
        every = list(works(given.works))
        keep(made, map(stored_works.document_of, every))
        keep(made, map(stored_plans.document_of, plans(given.plans, [one.id for one in every])))
        begun = time.perf_counter()
        made.listing.show_all()
        print(f"{given.works} works and {given.plans} plans shown in {time.perf_counter() - begun:.1f} s")
        begun = time.perf_counter()
        made.works.all(HOUSE)
        print(f"every work read from the store in {(time.perf_counter() - begun) * 1000:.0f} ms\n")
        client = create_app(services=made).test_client()
        signed = client.post("/api/v1/auth/login", json={"username": NAME, "password": PASSWORD})
        headers = {"Authorization": f"Bearer {signed.get_json()['access_token']}"}
        print("| list | half within, ms | 95 % |\n|---|---|---|")
        for name, path in kinds(random.Random(2), given.works).items():
            seconds = []
            for _ in range(given.asked):
                asked = f"/api/v1{path()}"
                begun = time.perf_counter()
                answer = client.get(asked, headers=headers)
                seconds.append(time.perf_counter() - begun)
                if answer.status_code != 200:
                    raise SystemExit(answer.text)
            told(name, seconds)
        told("page after page of all done works", list(deep(client, headers)))
        made.close()


if __name__ == "__main__":
    main()
