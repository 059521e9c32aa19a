"""Many tablets on one server: parked long polls, active tablets, slow and vanished clients, and the office.

`python bench/tablets.py [--polls 500] [--active 200] [--seconds 20]` starts `hezha serve` with its default
settings and its worker, hires the inspectors and opens their cases over the API. Then, one load added to the
other, it prints how long short requests of the office take, how soon a parked poll learns of a write, and the
memory.

Every active tablet stores a track of 20 fixes, asks for the changes of its case and writes its checkpoint,
once in `--pace` seconds. Slow clients send a byte of their headers a second; vanished ones stop in the middle
of a body.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kit.crowd import Link, Times
from kit.memory import Peak
from kit.systems import System, hezha
from kit.wire import Target, once

PASSWORD = "bench-tablet-password"
#: Inspectors who share a case, as on a large site.
CREW = 5
CASE = {
    "process": "hv",
    "customer": {"name": "测量用户", "address": "青溪镇工业路"},
    "site": {"lon": 121.55, "lat": 29.88, "datum": "wgs84", "name": "厂区配电房"},
    "supply": {"voltage_kv": 10, "capacity_kva": 630},
}


@dataclass
class House:
    """A running server, its people's tokens by name, and the forms database of each inspector's case."""

    system: System
    office: str = ""
    tokens: dict[str, str] = field(default_factory=dict)
    forms: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return self.system.admin.port

    def link(self, token: str) -> Link:
        return Link("127.0.0.1", self.port, {"Authorization": f"Bearer {token}"})

    def admin_link(self) -> Link:
        return Link("127.0.0.1", self.port, self.system.admin.headers)

    def sign_in(self, name: str) -> str:
        body = json.dumps({"username": name, "password": PASSWORD}).encode()
        server = Target("127.0.0.1", self.port, "/api/v1", {})
        return str(json.loads(once(server, "POST", "/auth/login", body))["access_token"])

    def post(self, token: str, path: str, body: Any) -> Any:
        target = Target("127.0.0.1", self.port, "/api/v1", {"Authorization": f"Bearer {token}"})
        return json.loads(once(target, "POST", path, json.dumps(body).encode(), 200, 201))

    def furnish(self, inspectors: int) -> None:
        """Hire people and open a case for each crew."""
        admin = self.sign_in("root")
        self.post(admin, "/users", {"name": "manager", "password": PASSWORD, "roles": ["manager"]})
        self.office = self.sign_in("manager")
        names = [f"inspector{number:03d}" for number in range(inspectors)]
        for name in names:
            self.post(admin, "/users", {"name": name, "password": PASSWORD, "roles": ["inspector"]})
            self.tokens[name] = self.sign_in(name)
        for number in range(0, inspectors, CREW):
            crew = names[number : number + CREW]
            case = self.post(self.office, "/cases", {"no": f"BENCH-{number:04d}", **CASE})["id"]
            task = {"kind": "survey", "checklist": {"id": "survey-hv-10kv"}, "assignees": crew}
            self.post(self.office, f"/cases/{case}/tasks", task)
            self.forms.update(dict.fromkeys(crew, f"case-{case}"))


def track(name: str) -> dict[str, Any]:
    lon, lat = 121.55 + random.random() / 100, 29.88 + random.random() / 100
    made = uuid.uuid4().hex
    fixes = [
        {"lon": lon + step / 1e5, "lat": lat, "accuracy_m": 6.5, "at": f"2026-11-22T01:{step:02d}:00Z"}
        for step in range(20)
    ]
    return {
        "_id": f"track:{made}",
        "type": "track",
        "schema": 1,
        "by": name,
        "datum": "WGS-84",
        "fixes": fixes,
    }


@dataclass
class Load:
    """What goes on at once, and what it measured."""

    house: House
    active: Times = field(default_factory=Times)
    short: Times = field(default_factory=Times)
    polls: Times = field(default_factory=Times)
    woken: list[float] = field(default_factory=list)

    async def park(self, name: str) -> None:
        """A tablet's one long poll: its inbox."""
        async with self.house.link(self.house.tokens[name]) as link:
            since = "now"
            while True:
                path = f"/sync/inbox-{name}/_changes?feed=longpoll&since={since}&heartbeat=25000"
                answered = await self.polls.measure(link, "GET", path)
                if answered is None:
                    await asyncio.sleep(1)
                else:
                    since = answered["last_seq"]

    async def work(self, name: str, pace: float) -> None:
        """A tablet in coverage."""
        forms, since = self.house.forms[name], "0"
        await asyncio.sleep(random.random() * pace)
        async with self.house.link(self.house.tokens[name]) as link:
            while True:
                began = time.perf_counter()
                made = track(name)
                await self.active.measure(link, "PUT", f"/sync/{forms}/{made['_id']}", made)
                path = f"/sync/{forms}/_changes?style=all_docs&limit=25&since={since}"
                changes = await self.active.measure(link, "GET", path)
                since = changes["last_seq"] if changes else since
                checkpoint = {"last_seq": since, "at": time.time()}
                await self.active.measure(link, "PUT", f"/sync/{forms}/_local/{uuid.uuid4().hex}", checkpoint)
                await asyncio.sleep(max(0.0, pace - (time.perf_counter() - began)))

    async def ask(self) -> None:
        """The office: ten short requests a second."""
        paths = itertools.cycle(["/api/v1/me", "/api/v1/cases?limit=20", "/healthz", "/api/v1/sync/session"])
        async with self.house.link(self.house.office) as link:
            while True:
                await self.short.measure(link, "GET", next(paths))
                await asyncio.sleep(0.1)

    async def wake(self, name: str) -> None:
        """Write into an inbox, twice a second, and see when a poll of it returns."""
        async with self.house.link(self.house.tokens[name]) as link, self.house.admin_link() as admin:
            since = "now"
            while True:
                path = f"/sync/inbox-{name}/_changes?feed=longpoll&since={since}&heartbeat=25000"
                poll = asyncio.create_task(self.polls.measure(link, "GET", path))
                await asyncio.sleep(0.5)
                message = {"type": "message", "schema": 1, "code": "bench"}
                status, _ = await admin.ask("PUT", f"/sync/inbox-{name}/message:{uuid.uuid4().hex}", message)
                told = time.perf_counter()
                answered = await poll
                if status == 201 and answered:
                    self.woken.append(max(0.0, time.perf_counter() - told))
                    since = answered["last_seq"]

    async def dawdle(self) -> None:
        """A client that sends its headers a byte a second, for ever."""
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.house.port)
                for byte in itertools.cycle(b"GET /healthz HTTP/1.1 X-Slow-"):
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(1)

    async def vanish(self, name: str) -> None:
        """A client that announces a body, sends half of it, and says nothing more."""
        token, forms = self.house.tokens[name], self.house.forms[name]
        head = f"PUT /sync/{forms}/track:{uuid.uuid4().hex} HTTP/1.1\r\nHost: x\r\n"
        head += f"Authorization: Bearer {token}\r\nContent-Length: 2000\r\n\r\n"
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", self.house.port)
            writer.write(head.encode() + b"{" * 1000)
            await writer.drain()
        await asyncio.sleep(3600)


@asynccontextmanager
async def together(*loads: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """These go on while the `with` lasts."""
    tasks = [asyncio.create_task(load) for load in loads]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                print("  a load ended:", repr(outcome))


async def stage(title: str, house: House, seconds: float, *loads: str, given: argparse.Namespace) -> None:
    """Measure for `seconds` with these loads at once, after they have had two to begin."""
    load = Load(house)
    names = list(house.tokens)
    makers = {
        "polls": lambda: [load.park(names[number % len(names)]) for number in range(given.polls)],
        "active": lambda: [load.work(name, given.pace) for name in names[: given.active]],
        "wake": lambda: [load.wake(names[-1])],
        "slow": lambda: [load.dawdle() for _ in range(given.slow)],
        "vanished": lambda: [load.vanish(names[0]) for _ in range(given.slow)],
    }
    going = [coroutine for name in loads for coroutine in makers[name]()]
    with Peak({"hezha": house.system.pid or 0}) as peak:
        async with together(*going, load.ask()):
            await asyncio.sleep(2)
            load.short, load.active = Times(), Times()
            await asyncio.sleep(seconds)
            failures = list(load.polls.failures)  # those of the end are no failures
    print(title)
    print(f"  the office  {load.short.line()}")
    if "active" in loads:
        print(f"  tablets     {load.active.line()}, {len(load.active.seconds) / seconds:.0f}/s")
    if load.woken:
        ranked = sorted(load.woken)
        p95 = ranked[int(0.95 * len(ranked))]
        median = ranked[len(ranked) // 2]
        print(f"  a poll told {len(ranked):6d} times, p50 {1000 * median:.1f} ms, p95 {1000 * p95:.1f} ms")
    if failures:
        print(f"  polls FAILED {len(failures)}, first: {failures[0]}")
    print(f"  memory {peak.bytes['hezha'] / 1e6:.0f} MB", flush=True)


async def measure(house: House, given: argparse.Namespace) -> None:
    def say(title: str, *loads: str) -> Coroutine[Any, Any, None]:
        return stage(title, house, given.seconds, *loads, given=given)

    await say("nobody else")
    await say(f"{given.polls} parked polls", "polls", "wake")
    await say(f"{given.polls} parked polls, {given.active} active tablets", "polls", "active", "wake")
    await say(
        f"and {given.slow} slow clients, {given.slow} vanished", "polls", "active", "wake", "slow", "vanished"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--polls", type=int, default=500)
    parser.add_argument("--active", type=int, default=200)
    parser.add_argument("--pace", type=float, default=3.0, help="seconds of one round of an active tablet")
    parser.add_argument("--slow", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each line")
    given = parser.parse_args()
    os.environ.setdefault("HEZHA_ARGON2", "1024,1,1")  # people sign in here by the hundred
    with tempfile.TemporaryDirectory(prefix="hezha-bench-") as folder:
        with hezha(Path(folder)) as system:
            environment = {**os.environ, "HEZHA_DATA": str(Path(folder) / "data")}
            command = [sys.executable, "-m", "server.cli", "user", "add", "root", "--role", "admin"]
            subprocess.run(
                [*command, "--password-stdin"], input=PASSWORD.encode(), env=environment, check=True
            )
            house = House(system)
            house.furnish(given.active + CREW)
            asyncio.run(measure(house, given))
            began = time.perf_counter()
        print(f"the server ended {time.perf_counter() - began:.1f} s after it was asked to")


if __name__ == "__main__":
    main()
