"""Lists, searches, case pages, bulletins and the rebuild, by the number of cases, through the real server.

    python bench/api.py [--most N] [--seconds S] [--plot docs/api-growth.svg] [--keep FOLDER]

One installation grows from a thousand to a hundred thousand cases with their histories (kit/histories.py), in
bulk by two processes. At each size the lists are rebuilt, and `hezha serve` answers 20 requests a second, one
kind after the other: each is sent when its time has come, whether or not those before were answered, and its
time counts from then. At a thousand cases the worker runs as well, and hazards are sent as tablets send them:
how long until the list shows the notice is how far lists lag behind under the same load. At the other sizes
the web server stands alone: the worker would take in every database for the first time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kit.crowd import Link, Times
from kit.curves import plot, sizes
from kit.histories import PLACES, History, Identity, identities
from kit.memory import Peak
from kit.systems import ADMIN, free_port, running
from kit.wire import Target, once

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from checklists.loader import fact_definitions
from server.casework.access import access_to
from server.casework.numbers import claim_numbers
from server.names import Names
from server.services import system_clock
from server.settings import Settings
from server.storage import open_store
from server.workflow.policy import load_policy
from sync.store import NewDatabase

ROOT = Path(__file__).resolve().parents[1]
LEAST = 1_000
#: Requests a second, and how many connections wait for answers at most.
RATE, CONNECTIONS = 20, 32
#: Different ways of cases; each of them is the way of many.
HISTORIES = 400
#: Cases in one transaction.
AT_ONCE = 100
MANAGER, PASSWORD, HOUSE = "bench-manager", "bench-password-1", "demo"
#: How many hazards are sent, and how long the first is waited for.
HAZARDS, CAUGHT_UP = 20, 300.0

# -- cases in bulk


class _Maker:
    """Makes cases in one of the processes."""

    def __init__(self, folder: Path, writing: Any) -> None:
        settings = Settings(data_dir=folder, organisation=HOUSE)
        self._store, self._names, self._writing = open_store(settings, system_clock), Names(settings), writing
        policy = load_policy(fact_names=fact_definitions().keys()).at(NOW.date(), HOUSE)
        self._histories = [History(seed, NOW, policy) for seed in range(HISTORIES)]

    def make(self, first: int, count: int) -> int:
        """Make as many cases, with all that opening them does but the lists, which are rebuilt."""
        forms, media, cases = [], [], []
        for who in identities(count, after=first):
            history = self._histories[random.Random(who.number).randrange(HISTORIES)]
            access = access_to(history.case)
            forms.append(
                NewDatabase(self._names.forms(who.id), access.security("case"), (history.document(who),))
            )
            media.append(NewDatabase(self._names.media(who.id), access.security("media")))
            cases.append(_Claimant(HOUSE, who.no, who.id))
        with self._writing:
            taken = claim_numbers(self._store, self._names.registry, cases, NOW)  # type: ignore[arg-type]
            assert not taken
            self._store.create_databases([*media, *forms])
        return count


@dataclass(frozen=True)
class _Claimant:
    """What a claim of a number asks of a case."""

    organisation: str
    no: str
    id: str


NOW = datetime.now(UTC).replace(microsecond=0)
_ours: list[_Maker] = []


def _begin(folder: Path, writing: Any, now: datetime) -> None:
    globals()["NOW"] = now
    _ours.append(_Maker(folder, writing))


def _make(first: int, count: int) -> int:
    return _ours[0].make(first, count)


class Growing:
    """An installation whose cases grow in number."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.size, self.seconds = folder, 0, 0.0
        context = get_context("spawn")
        self._pool = ProcessPoolExecutor(
            2, mp_context=context, initializer=_begin, initargs=(folder / "data", context.Lock(), NOW)
        )

    def grow(self, size: int) -> None:
        """Grow to a size; adds what it took to `seconds`, the start of the processes left out."""
        if not self.size:
            hezha(
                self.folder, "user", "add", MANAGER, "--role", "manager", "--password-stdin", given=PASSWORD
            )
            list(self._pool.map(_make, (0, AT_ONCE), (AT_ONCE, AT_ONCE)))
            self.size = 2 * AT_ONCE
        begun = time.perf_counter()
        starts = range(self.size, size, AT_ONCE)
        made = self._pool.map(_make, starts, (min(AT_ONCE, size - start) for start in starts))
        self.size += sum(made)
        self.seconds += time.perf_counter() - begun

    def close(self) -> None:
        self._pool.shutdown()


# -- the server


def environment(folder: Path) -> dict[str, str]:
    return {
        "HEZHA_DATA": str(folder / "data"),
        "HEZHA_ORGANISATION": HOUSE,
        "HEZHA_SYNC_ADMIN": ADMIN,
        "HEZHA_LOG_LEVEL": "warning",
        "PYTHONPATH": str(ROOT),
    }


def hezha(folder: Path, *arguments: str, given: str = "") -> str:
    """Run a command of Hezha; what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "server.cli", *arguments],
        env={**os.environ, **environment(folder)},
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"hezha {' '.join(arguments)}: {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[tuple[int, int]]:
    """A server on the folder: its port and process id."""
    port = free_port()
    command = [sys.executable, "-m", "server.cli", "serve", "--port", str(port), *options]
    with running(command, port, folder, environment(folder)) as pid:
        yield port, pid


def signed_in(port: int) -> dict[str, str]:
    body = json.dumps({"username": MANAGER, "password": PASSWORD}).encode()
    answer = json.loads(once(Target("127.0.0.1", port, "", {}), "POST", "/api/v1/auth/login", body))
    return {"Authorization": f"Bearer {answer['access_token']}"}


# -- requests


Paths = Callable[[random.Random, Sequence[Identity]], str]


def _one_of(*given: str) -> Paths:
    return lambda some, _known: "/api/v1" + some.choice(given)


def _searched(some: random.Random, known: Sequence[Identity]) -> str:
    """A part of somebody's name, number or address, of one to eight characters."""
    who = some.choice(known)
    text = some.choice((who.customer.name, who.no, who.customer.address, who.customer.account_no))
    start = some.randrange(len(text))
    return f"/api/v1/cases?q={quote(text[start : start + some.randrange(1, 9)])}"


def _boxed(some: random.Random, known: Sequence[Identity]) -> str:
    """What a map shows of the county: a tenth of its breadth and height."""
    west, south = 121.5 + some.random() * 0.7, 29.1 + some.random() * 0.5
    return f"/api/v1/cases?bbox={west:.4f},{south:.4f},{west + 0.08:.4f},{south + 0.06:.4f}&limit=200"


def _deep(some: random.Random, known: Sequence[Identity]) -> str:
    sort = some.choice(("no", "-updated", "customer"))
    return f"/api/v1/cases?sort={sort}&offset={some.randrange(len(known))}"


def _two(some: random.Random, known: Sequence[Identity]) -> str:
    """Two filters at once, and an order that is neither's."""
    first = some.choice((f"manager={some.choice(known).manager}", f"q={quote(some.choice(PLACES))}"))
    second = some.choice(("stage=acceptance", "clock=overdue", "overdue=true", "clock=at_risk"))
    return f"/api/v1/cases?{first}&{second}&sort={some.choice(('due', 'customer', '-capacity'))}"


KINDS: dict[str, Paths] = {
    "list": _one_of(*(f"/cases?sort={sort}" for sort in ("-updated", "no", "customer", "clock", "-due"))),
    "deep page": _deep,
    "filter": _one_of(
        "/cases?stage=acceptance",
        "/cases?stage=archived",
        "/cases?energization=none",
        "/cases?overdue=true",
        *(f"/cases?manager=manager{number:02}" for number in range(8)),
    ),
    "clock filter": _one_of(
        *(f"/cases?clock={state}" for state in ("overdue", "at_risk", "paused")),
        *(f"/cases?clock=overdue&clock_kind={kind}" for kind in ("internal", "promise", "legal")),
        "/cases?clock=at_risk&sort=clock",
    ),
    "two filters": _two,
    "search": _searched,
    "map": _boxed,
    "anomalies": _one_of(
        "/anomalies",
        "/anomalies?watch=3",
        "/anomalies?monitor=over_limit",
        "/anomalies?code=due_soon",
        "/anomalies?manager=manager03",
        "/anomalies?standing=unexplained",
    ),
    "case page": lambda some, known: f"/api/v1/cases/{some.choice(known).id}",
}


async def at_rate(port: int, headers: dict[str, str], paths: Sequence[str]) -> Times:
    """Send each path when its time has come; times count from that moment."""
    times = Times()
    free: asyncio.Queue[Link] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(Link("127.0.0.1", port, headers))

    async def send(path: str, due: float) -> None:
        link = await free.get()
        late = time.perf_counter() - due
        counted = len(times.seconds)
        await times.measure(link, "GET", path)
        if len(times.seconds) > counted:
            times.seconds[-1] += late
        free.put_nowait(link)

    begun = time.perf_counter()
    sent = []
    for number, path in enumerate(paths):
        due = begun + number / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        sent.append(asyncio.create_task(send(path, due)))
    await asyncio.gather(*sent)
    while not free.empty():
        free.get_nowait().drop()
    return times


def measure(port: int, known: Sequence[Identity], seconds: float) -> dict[str, Times]:
    headers = signed_in(port)
    found = {}
    for kind, path in KINDS.items():
        some = random.Random(kind)
        paths = [path(some, known) for _ in range(round(RATE * seconds))]
        asyncio.run(at_rate(port, headers, paths[:RATE]))  # what a process reads first, it reads once
        found[kind] = asyncio.run(at_rate(port, headers, paths))
        print(f"  {kind:14}{found[kind].line()}", flush=True)
        if found[kind].failures:
            raise SystemExit("a request failed, so its time means nothing")
    return found


def timed_report(port: int, path: str) -> float:
    """Seconds until a report is there."""
    target = Target("127.0.0.1", port, "/api/v1", signed_in(port))
    begun = time.perf_counter()
    once(target, "GET", path)
    return time.perf_counter() - begun


# -- lag


async def _lag(port: int, headers: dict[str, str], known: Sequence[Identity], admin: Target) -> Times:
    """Hazards that arrive by replication, until the list shows the notice of each."""
    times = Times()
    stop = asyncio.Event()

    async def load() -> None:
        some = random.Random(2)
        while not stop.is_set():
            kind = some.choice([*KINDS])
            await at_rate(port, headers, [KINDS[kind](some, known) for _ in range(RATE)])

    async with Link("127.0.0.1", port, headers) as link:
        others = iter(known)
        begun, quick = time.perf_counter(), 0
        while quick < 3:  # the worker still takes in all that was made in bulk
            quick = quick + 1 if await _shown(link, admin, next(others), CAUGHT_UP) < 1 else 0
        print(f"  the worker had taken everything in after {time.perf_counter() - begun:.0f} s", flush=True)
        loading = asyncio.create_task(load())
        for who in islice(others, HAZARDS):
            times.seconds.append(await _shown(link, admin, who, CAUGHT_UP))
        stop.set()
        await loading
    return times


async def _shown(link: Link, admin: Target, who: Identity, most: float) -> float:
    """Seconds from the answer to a hazard's PUT until the list shows one more open notice."""

    async def open_notices() -> int:
        _, page = await link.ask("GET", f"/api/v1/cases?q={who.no}")
        return int(page["items"][0]["open_notices"])

    before = await open_notices()
    hazard = {
        "type": "hazard",
        "schema": 1,
        "description": "电缆沟盖板缺失",
        "severity": "major",
        "by": "inspector",
        "at": datetime.now(UTC).isoformat(),
    }
    path = f"/case-{who.id}/hazard:bench-{who.number}"
    await asyncio.to_thread(once, admin, "PUT", path, json.dumps(hazard).encode(), 201)
    begun = time.perf_counter()
    while await open_notices() == before:
        if time.perf_counter() - begun > most:
            raise SystemExit("the worker does not take in what it is sent")
        await asyncio.sleep(0.01)
    return time.perf_counter() - begun


def lag(folder: Path, known: Sequence[Identity]) -> Times:
    with serving(folder) as (port, _):
        admin = Target.of(f"http://{ADMIN}@127.0.0.1:{port}/sync")
        return asyncio.run(_lag(port, signed_in(port), known, admin))


# -- all of it


def at_size(growing: Growing, seconds: float) -> tuple[dict[str, Times], dict[str, float]]:
    """Rebuild, serve, ask; the times of requests, and other figures by name."""
    said = hezha(growing.folder, "rebuild").split()
    figures = {"rebuild, cases/s": growing.size / float(said[-2])}
    known = list(identities(growing.size))
    with serving(growing.folder, "--no-worker") as (port, pid), Peak({"server": pid}) as peak:
        found = measure(port, known, seconds)
        month, week = (NOW.strftime("%Y-%m"), "{}-W{:02}".format(*NOW.isocalendar()[:2]))
        for name, path in {
            "monthly bulletin, s": f"/reports/bulletins/monthly/{month}",
            "the same as XLSX, s": f"/reports/bulletins/monthly/{month}?format=xlsx",
            "weekly bulletin, s": f"/reports/bulletins/weekly/{week}",
            "ledger, s": f"/reports/ledger/{month}",
        }.items():
            figures[name] = timed_report(port, path)
    figures["server's memory, MB"] = peak.bytes["server"] / 1e6
    return found, figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--most", type=int, default=100_000, help="cases at the end [100,000]")
    parser.add_argument("--seconds", type=float, default=15, help="how long each kind is asked for [15]")
    parser.add_argument("--plot", type=Path, help="write the curves there, as SVG")
    parser.add_argument("--keep", type=Path, help="an empty folder for the installation, kept at the end")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-api-") as temporary:
        growing = Growing(asked.keep or Path(temporary))
        curves: dict[str, list[tuple[int, float]]] = {kind: [] for kind in KINDS}
        try:
            for size in sizes(LEAST, asked.most):
                growing.grow(size)
                print(f"{growing.size:,} cases, load {os.getloadavg()[0]:.1f}", flush=True)
                found, figures = at_size(growing, asked.seconds)
                for kind, times in found.items():
                    curves[kind].append((growing.size, 1000 * times.percentile(0.95)))
                print("  " + ", ".join(f"{name} {value:,.2f}" for name, value in figures.items()), flush=True)
                if size == LEAST:
                    known = list(identities(growing.size))
                    print(f"  lag           {lag(growing.folder, known).line()}", flush=True)
        finally:
            growing.close()
        print(f"{growing.size:,} cases made in {growing.seconds:.0f} s")
    if asked.plot:
        title = "Times of requests (95 of 100 are faster) by the number of cases"
        asked.plot.write_text(plot(curves, title, unit="ms", of="cases"), encoding="utf-8")


if __name__ == "__main__":
    main()
