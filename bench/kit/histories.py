"""Cases with a history, for lists and reports: decided command by command, and then many of each.

The desk of the workflow's tests gives the commands, as it knows all that a case is asked for on its way. The
same seed gives the same histories. Names are put together from common characters; nobody's are meant.
"""

from __future__ import annotations

import hashlib
import random
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from server.workflow import commands as c
from server.workflow.decide import decide
from server.workflow.documents import case_to_document
from server.workflow.log import canonical
from server.workflow.model import Case, Customer, Decision, ItemResult, ProcessName, Site, Supply
from server.workflow.policy import Policy
from tests.workflow.builders import MANAGER, PLAIN_FACTS, Desk, accepted, item, open_command

#: Days from the application of the oldest case to that of the youngest.
SPAN_DAYS = 300
#: Of a county's cases, those at high voltage.
HIGH_VOLTAGE = 0.3
MANAGERS = 25
PLACES = ("石浦", "丹城", "西周", "鹤浦", "墙头", "泗洲头", "定塘", "新桥", "涂茨", "贤庠", "大徐", "茅洋")
_ROADS = ("渔港路", "新华路", "工业大道", "滨海大道", "建设路", "丹峰路", "天安路", "象山港路")
_GIVEN = "宏达兴盛泰瑞恒通明润嘉海丰汇峰佳"
_TRADES = ("纺织", "水产", "机械", "模具", "塑料", "电子", "食品", "建材", "汽配", "物流")
_CAPACITIES = (100.0, 160.0, 250.0, 315.0, 400.0, 630.0, 800.0, 1250.0, 2500.0)
#: The stages on the way to the completion inspection, with the longest that each takes in days.
_WAYS: dict[ProcessName, dict[str, float]] = {
    "hv": {
        "survey": 3,
        "scheme": 2,
        "review": 3,
        "reply": 3,
        "construction": 20,
        "completion_applied": 70,
        "acceptance": 2,
    },
    "lv": {"survey": 2, "construction": 2, "acceptance": 5},
}
#: One stage in so many takes several times as long.
_SLOW, _SLOWER = 12, 6


class TimeIsUp(Exception):
    """The story would go on after its end."""


class _Life(Desk):
    """A desk whose time goes by at random, and ends."""

    some: random.Random
    until: datetime
    opening: c.OpenCase

    @classmethod
    def begun(cls, seed: int, until: datetime, policy: Policy) -> _Life:
        some = random.Random(seed)
        now = until - timedelta(days=some.uniform(0, SPAN_DAYS), seconds=1)
        process: ProcessName = "hv" if some.random() < HIGH_VOLTAGE else "lv"
        supply = Supply(0.4, 80.0) if process == "lv" else Supply(10.0, some.choice(_CAPACITIES))
        facts = {**PLAIN_FACTS, "resident": False}
        opening = open_command(process, facts=facts, supply=supply, organisation="demo")
        case = decide(None, opening, now=now, actor=MANAGER, policy=policy).case
        life = cls.at_work_on(case, now, policy)
        assert isinstance(life, _Life)
        life.some, life.until, life.opening = some, until, opening
        return life

    def do(self, command: c.Command, actor: Any = MANAGER, *, at: datetime | None = None) -> Decision:
        if (at or self.now) > self.until - timedelta(minutes=2):
            raise TimeIsUp
        return super().do(command, actor, at=at)

    def pass_days(self, most: float) -> None:
        slow = _SLOWER if self.some.randrange(_SLOW) == 0 else 1
        self.now += timedelta(days=self.some.uniform(0.1, most * slow))

    def run(self) -> None:
        for stage, most in _WAYS[self.case.process].items():
            self.pass_days(most)
            if stage == "acceptance" and self.some.random() < 0.15:
                self.wait()
            self.to_stage(stage)
            if stage == "survey":
                self.visit("survey", 8, fails=0)
        self.visit("acceptance", 16, fails=self.some.choice((0, 0, 1, 3)))
        self.rectify()
        self.to_stage("ready")
        self.pass_days(3)
        # What is seen on the day holds for that day alone, and closing takes a morning.
        self.now = (self.now + timedelta(days=1)).replace(hour=1)
        self.enter()
        self.do(c.Authorize())
        self.record()
        self.pass_days(3)
        self.file_papers()
        if self.case.process != "lv":
            self.to_stage("on_load_check")
            self.on_load()
        self.to_stage("archived")

    def wait(self) -> None:
        self.do(c.PauseClock(pause_id="pause-1", reason="customer_delay", evidence="letter"))
        self.now += timedelta(days=self.some.uniform(1, 20))
        self.do(c.ResumeClock(pause_id="pause-1", dated=self.now, evidence="letter"))

    def visit(self, kind: Any, items: int, *, fails: int) -> None:
        self.pass_days(0.5)
        self.assign(f"t-{kind}", kind)
        self.pass_days(1.5)
        failed = set(self.some.sample(range(items), fails))
        self.submit(f"t-{kind}", accepted(*(_seen(n, good=n not in failed) for n in range(items))))

    def rectify(self) -> None:
        """Rounds of the notice until all is mended."""
        while notice := next((one for one in self.case.notices.values() if one.open), None):
            if notice.state == "draft":
                self.pass_days(0.4)
                notice = self.issue(notice.n)
            self.pass_days(12)
            self.answer(notice.n)
            self.pass_days(1)
            task = self.reinspect(notice.n)
            self.pass_days(1.5)
            left = [one.code for one in notice.items if one.state == "open"]
            good = notice.round > 1 or self.some.random() < 0.8
            seen = [item(code, "pass" if good or n else "fail") for n, code in enumerate(left)]
            self.submit(task.id, accepted(*seen), by="lin.inspector")


def _seen(n: int, *, good: bool) -> ItemResult:
    return item(f"CT-{n:02}", "pass" if good else "fail")


@dataclass(frozen=True)
class Identity:
    """Whose case it is."""

    number: int
    id: str
    no: str
    customer: Customer
    site: Site
    manager: str


def identity(number: int) -> Identity:
    """The customer of a number, always the same."""
    some = random.Random(number)
    place = some.choice(PLACES)
    name = place + "".join(some.sample(_GIVEN, 2)) + some.choice(_TRADES)
    return Identity(
        number,
        str(uuid.UUID(int=some.getrandbits(128), version=4)),
        f"YK-2026-{number:06}",
        Customer(
            f"{name}有限公司",
            account_no=f"33{some.randrange(10**8):08}",
            address=f"{place}镇{some.choice(_ROADS)}{some.randrange(1, 999)}号",
        ),
        Site(121.5 + some.random() * 0.8, 29.1 + some.random() * 0.6, county="象山", station=place),
        f"manager{number % MANAGERS:02}",
    )


def identities(count: int, after: int = 0) -> Iterator[Identity]:
    """So many customers, from the one of the number `after` + 1 on."""
    return map(identity, range(after + 1, after + count + 1))


class History:
    """A case as it came about, and the same with other people: opened by a decision of its own, and every
    later entry of its log sealed anew behind that."""

    def __init__(self, seed: int, until: datetime, policy: Policy) -> None:
        life = _Life.begun(seed, until.astimezone(UTC), policy)
        with suppress(TimeIsUp):
            life.run()
        self.case: Case = life.case
        self._opening, self._policy = life.opening, policy

    @cached_property
    def _document(self) -> dict[str, Any]:
        return case_to_document(self.case)

    @cached_property
    def _sealed(self) -> list[bytes]:
        """What the hash of each entry covers."""
        plain = (dict(entry) for entry in self._document["log"])
        return [canonical({key: value for key, value in one.items() if key != "hash"}) for one in plain]

    def document(self, who: Identity) -> dict[str, Any]:
        """The document of the same history with other people."""
        opening = replace(
            self._opening, id=who.id, no=who.no, customer=who.customer, site=who.site, manager=who.manager
        )
        at = self.case.log[0].at
        opened = case_to_document(decide(None, opening, now=at, actor=MANAGER, policy=self._policy).case)
        log = opened["log"]
        known = self._document["log"]
        if [entry["event"] for entry in log] != [entry["event"] for entry in known[: len(log)]]:
            raise ValueError("another customer's case opens otherwise")
        for entry, sealed in zip(known[len(log) :], self._sealed[len(log) :], strict=True):
            prev = log[-1]["hash"]
            covered = sealed.replace(entry["prev"].encode(), prev.encode())
            log.append({**entry, "prev": prev, "hash": hashlib.sha256(covered).hexdigest()})
        theirs = {name: opened[name] for name in ("id", "no", "customer", "site", "manager")}
        return {**self._document, **theirs, "log": log}
