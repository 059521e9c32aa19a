"""Ten managers at one case at once, at the real server: nothing is lost, nothing is done twice.

Each round has a case of its own, with the breaker about to be closed, and sends everything at one moment: two
record the energization, an inspector's tablet reports a defect, others hold, release, authorize, correct the
title on the same revision, and take a gate's word back. Whatever the order, it must read as one after the
other afterwards. `HEZHA_TEST_ROUNDS=500` makes it five hundred rounds; the suite has fewer.
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import msgspec
import pytest
import requests

from server.casework.access import access_to
from server.services import assemble
from server.settings import load
from server.workflow.cause import command_of
from server.workflow.decide import decide
from server.workflow.documents import case_to_document
from server.workflow.model import Actor, Case, Cause
from sync.store import NewDatabase
from tests.loop.conftest import running
from tests.loop.house import House
from tests.workflow.builders import COLLEAGUE, DEPUTY, INSPECTOR, MANAGER, POLICY, authorized_desk

pytestmark = pytest.mark.loop

ROUNDS = int(os.environ.get("HEZHA_TEST_ROUNDS", "100"))
MANAGERS = 10
_PATIENCE_SECONDS = 60
#: What a decision may answer: done, refused by a rule or an older revision, or overtaken too often.
_ANSWERS = {200, 201, 409, 412}

JSON = dict[str, Any]


@dataclass
class Round:
    """One case, and what was answered to whom. `said` maps a mark to the status it came back with.

    `forms` is the address of its database, where tablets push.
    """

    case: str
    forms: str
    said: dict[str, int] = field(default_factory=dict)
    hazard: str = field(default_factory=lambda: str(uuid.uuid4()))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(House(tmp_path_factory.mktemp("managers"))) as house:
        yield house


@pytest.fixture(scope="module")
def people(house: House) -> list[str]:
    return [house.hire(f"manager{n}", "manager") for n in range(MANAGERS)]


@pytest.fixture(scope="module")
def inspector(house: House) -> str:
    return house.hire("inspector", "inspector")


def renamed(known: Case, case: str, words: Mapping[str, str]) -> Case:
    """The case that the same commands lead to under another id, given by the people of this house."""
    told = None
    for entry in known.log:
        if entry.cause is None:
            continue
        said = json.dumps(msgspec.to_builtins(entry.cause))
        for old, new in {**words, "01case": case, "YK-2026-0001": f"YK-{case}"}.items():
            said = said.replace(f'"{old}"', f'"{new}"')
        cause = msgspec.json.decode(said, type=Cause)
        actor = Actor(words.get(entry.actor, entry.actor), cause.roles)
        told = decide(told, command_of(cause), now=entry.at, actor=actor, policy=POLICY).case
    assert told is not None
    assert told.energization.status == "authorized"
    return told


@pytest.fixture(scope="module")
def rounds(house: House, people: list[str], inspector: str) -> list[Round]:
    """Every round with its case, which is in the house as any other."""
    settings = load(house.environment)
    words = {
        MANAGER.name: people[0],
        DEPUTY.name: people[1],
        INSPECTOR.name: inspector,
        COLLEAGUE.name: inspector,
        "xiangyang": settings.organisation,
    }
    made = assemble(settings)
    try:
        names = [f"case{n:04d}{uuid.uuid4().hex[:8]}" for n in range(ROUNDS)]
        start = datetime.now(UTC) - timedelta(minutes=10)
        desk = authorized_desk("lv", start=start, step=timedelta(seconds=1))
        desk.switch()
        cases = [renamed(desk.case, name, words) for name in names]
        wanted = []
        for case in cases:
            access = access_to(case)
            forms = NewDatabase(made.names.forms(case.id), access.security("case"), (case_to_document(case),))
            wanted += [NewDatabase(made.names.media(case.id), access.security("media")), forms]
        made.store.create_databases(wanted)
        for case in cases:
            made.cases.settle(case.id)
    finally:
        made.close()
    base = Desk(house, inspector).get("/sync/session").json()["base_url"]
    return [Round(name, f"{base}/{made.names.forms(name)}") for name in names]


class Desk:
    """One of the ten, or the tablet: a connection of their own, and what they send in one round."""

    def __init__(self, house: House, name: str) -> None:
        self.name = name
        self._house = house
        self._http = requests.Session()
        self._http.headers.update({"Authorization": f"Bearer {house.token(name)}", "Accept-Language": "en"})

    def close(self) -> None:
        self._http.close()

    def send(self, method: str, path: str, body: JSON, **headers: str) -> requests.Response:
        url = path if path.startswith("http") else f"{self._house.url}{path}"
        return self._http.request(method, url, json=body, headers=headers, timeout=60)

    def get(self, path: str) -> requests.Response:
        return self._http.get(f"{self._house.url}/api/v1{path}", timeout=60)

    def act(
        self, one: Round, path: str, mark: str, body: JSON, *, method: str = "POST", rev: str = ""
    ) -> None:
        """Give a command that carries `mark`, and book what came back."""
        headers = {"If-Match": rev} if rev else {}
        answer = self.send(method, f"/api/v1/cases/{one.case}{path}", body, **headers)
        if answer.status_code >= 400:
            assert answer.headers["Content-Type"] == "application/problem+json"
        # Authorized anew in between: what was closed before that was not closed on this authorization.
        overtaken = answer.status_code == 422 and answer.json()["code"] == "time_order"
        assert answer.status_code in _ANSWERS or overtaken, answer.text
        one.said[mark] = answer.status_code


def acts(one: Round, rev: str) -> list[Callable[[Desk], None]]:
    """What the ten do in a round. Each carries a mark that is found in the log again."""
    now = datetime.now(UTC).isoformat()

    def record(desk: Desk) -> None:
        mark = f"record by {desk.name}"
        said = {"phase_check": "consistent", "participants": [desk.name, "second"], "note": mark}
        signed = [{"name": "Mr Ke", "party": "customer", "ref": "signature:s-1"}]
        read = {"readings": {"kWh": 0.0}, "readings_by": "customer", "signatures": signed}
        desk.act(one, "/energization/record", mark, {"at": now, **said, **read})

    def hold(desk: Desk) -> None:
        mark = f"hold by {desk.name}"
        desk.act(one, "/energization/hold", mark, {"reason": mark})

    def release(desk: Desk) -> None:
        mark = f"release by {desk.name}"
        desk.act(one, "/energization/release", mark, {"reason": mark})

    def authorize(desk: Desk) -> None:
        mark = f"authorize by {desk.name}"
        desk.act(one, "/energization/authorize", mark, {"note": mark})

    def correct(desk: Desk) -> None:
        mark = f"title by {desk.name}"
        desk.act(one, "", mark, {"title": mark, "reason": mark}, method="PATCH", rev=rev)

    def take_back(desk: Desk) -> None:
        mark = f"fees by {desk.name}"
        desk.act(one, "/gates/fees-settled/entries", mark, {"status": "unmet", "evidence": mark})

    def say_met(desk: Desk) -> None:
        mark = f"met by {desk.name}"
        desk.act(one, "/gates/fees-settled/entries", mark, {"status": "met", "evidence": mark})

    return [record, record, hold, release, authorize, correct, correct, take_back, say_met, record]


def report(desk: Desk, one: Round) -> None:
    """The tablet pushes a defect. A 201 says that it will be heard."""
    document = {
        "type": "hazard",
        "schema": 1,
        "by": desk.name,
        "at": datetime.now(UTC).isoformat(),
        "description": "an open cable pit",
        "severity": "critical",
        "photos": [],
        "location": None,
    }
    answer = desk.send("PUT", f"{one.forms}/hazard:{one.hazard}", document)
    assert answer.status_code == 201, answer.text


def play(one: Round, desks: list[Desk], tablet: Desk, pool: ThreadPoolExecutor, random: Random) -> None:
    """Everything of a round at one moment, in an order that chance makes."""
    rev = desks[0].get(f"/cases/{one.case}").headers["ETag"]
    everything = [partial(act, desk) for act, desk in zip(acts(one, rev), desks, strict=True)]
    everything.append(partial(report, tablet, one))
    random.shuffle(everything)
    together = threading.Barrier(len(everything))

    def at_once(act: Callable[[], None]) -> None:
        together.wait()
        time.sleep(random.random() * 0.01)
        act()

    for done in [pool.submit(at_once, act) for act in everything]:
        done.result()


def settled(desk: Desk, one: Round) -> JSON:
    """The case when the defect has been heard."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        case: JSON = desk.get(f"/cases/{one.case}").json()
        notices = desk.get(f"/cases/{one.case}/notices").json()["items"]
        if any(notice["hazard_id"] == one.hazard for notice in notices):
            return {"case": case, "notices": notices, "log": desk.get(f"/cases/{one.case}/log").json()}
        assert time.monotonic() < deadline, "the defect was acknowledged and never heard"
        time.sleep(0.02)


def check(one: Round, seen: JSON, desk: Desk) -> str:
    """Whatever the order was, it reads as one after the other. Returns how the energization stands."""
    entries = seen["log"]["items"]
    assert seen["log"]["verified"] is True
    said = [json.dumps(entry.get("cause"), ensure_ascii=False) for entry in entries]
    for mark, status in one.said.items():
        times = sum(f'"{mark}"' in words for words in said)
        if status < 300:
            # Saying again what stands already changes nothing, and is no decision of its own.
            assert times == 1 or (times == 0 and mark.startswith(("authorize", "hold", "met", "fees"))), mark
        else:
            assert times == 0, (mark, status)
    assert sum(status == 200 for mark, status in one.said.items() if mark.startswith("title")) <= 1
    assert sum(status == 200 for mark, status in one.said.items() if mark.startswith("record")) <= 1

    [notice] = seen["notices"]
    energization = desk.get(f"/cases/{one.case}/energization").json()
    events = [entry["event"] for entry in entries]
    if energization["status"] == "energized":
        assert notice["operational"], "energized over a notice"
        assert events.index("energized") < events.index("notice_drafted")
        assert "record" in {mark.split()[0] for mark, status in one.said.items() if status == 200}
    else:
        assert not notice["operational"]
        assert energization["status"] in {"none", "on_hold"}
        assert not any(status == 200 for mark, status in one.said.items() if mark.startswith("record"))
    return str(energization["status"])


def test_ten_managers_at_one_case_lose_nothing_and_do_nothing_twice(
    house: House, people: list[str], inspector: str, rounds: list[Round]
) -> None:
    random = Random(1)
    desks = [Desk(house, name) for name in people]
    tablet = Desk(house, inspector)
    try:
        with ThreadPoolExecutor(MANAGERS + 1) as pool:
            for one in rounds:
                play(one, desks, tablet, pool, random)
        ends = Counter(check(one, settled(desks[0], one), desks[0]) for one in rounds)
    finally:
        for desk in (*desks, tablet):
            desk.close()
    # Rounds that all ended alike would show little.
    assert ends["energized"] > ROUNDS / 50
    assert ends["on_hold"] + ends["none"] > ROUNDS / 50
