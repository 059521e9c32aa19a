"""Power cuts: the whole server is killed while tablets push, again and again."""

from __future__ import annotations

import base64
import hashlib
import os
import random
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from server.intake.supervisor import GRACE_SECONDS
from tests.loop.camera import shoot
from tests.loop.conftest import running
from tests.loop.couch import COUCHDB_URL
from tests.loop.house import House
from tests.loop.inspector import Inspector, clean
from tests.loop.office import JSON, Office
from tests.loop.paper import Form
from tests.tablet.driver import TabletDied, TabletError

pytestmark = pytest.mark.loop

KILLS = 4
#: Photos and tracks on the tablet; at this batch size they leave it in many requests.
PHOTOS, TRACKS = 60, 60
BATCH = 3
#: The most that is uploaded to a CouchDB: nobody kills it, and it takes more than can be judged in a test.
MOST_SENT = 100
#: How long the server lives while it is pushed to, in seconds.
SHORTEST, LONGEST = 0.02, 0.5


@pytest.fixture
def own_house(tmp_path: Path) -> Iterator[House]:
    """A house of this test alone."""
    with running(House(tmp_path / "house")) as house:
        yield house


class Worker:
    """Something that goes on beside the test until it is stopped."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._error: BaseException | None = None
        # A test that fails must not keep the whole run from ending.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                if not self.once():
                    self._stop.wait(0.02)
        except (AssertionError, TabletDied) as error:
            self._error = error

    def once(self) -> bool:
        """One step; False if the server was not there."""
        raise NotImplementedError

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        if self._error is not None:
            raise self._error


class Backlog(Worker):
    """Pushes a tablet's databases on and on, through every break; `rounds` came to their end."""

    def __init__(self, who: Inspector, case: str) -> None:
        self._who = who
        self._names = who.databases(case)
        self.rounds = 0
        super().__init__()

    def once(self) -> bool:
        try:
            for name in (self._names["forms"], self._names["media"]):
                clean(self._who.tablet.push(name, self._who.url(name), batch_size=BATCH))
        except TabletError:
            return False
        self.rounds += 1
        return True


class Sender(Worker):
    """Uploads photos one request each and remembers every 201; and how often it got no answer."""

    def __init__(self, who: Inspector, form: Form) -> None:
        self._url = who.url(who.databases(form.case)["media"])
        self._headers = {"Authorization": f"Bearer {who.house.token(who.name)}"}
        self._template = who.photo_document(form, "SH-28", "", b"")
        self.acknowledged: dict[str, tuple[str, bytes]] = {}
        self.broken = 0
        super().__init__()

    def once(self) -> bool:
        if COUCHDB_URL and len(self.acknowledged) >= MOST_SENT:
            return False
        data = shoot(datetime.now(UTC), 121.55, 29.88)
        photo = f"photo:{uuid.uuid4()}"
        inline = {"content_type": "image/jpeg", "data": base64.b64encode(data).decode()}
        document = {
            **self._template,
            "_id": photo,
            "sha256": hashlib.sha256(data).hexdigest(),
            "_attachments": {"original": inline},
        }
        try:
            response = requests.put(f"{self._url}/{photo}", json=document, headers=self._headers, timeout=30)
        except requests.RequestException:
            self.broken += 1
            return False
        assert response.status_code == 201, response.text
        self.acknowledged[photo] = (response.json()["rev"], data)
        return True

    def present(self) -> None:
        """Everything that was acknowledged is on the server, at its revision, byte for byte."""
        for photo, (rev, data) in list(self.acknowledged.items()):
            document = requests.get(f"{self._url}/{photo}", headers=self._headers, timeout=30)
            assert document.status_code == 200, (photo, document.text)
            assert document.json()["_rev"] == rev
            kept = requests.get(f"{self._url}/{photo}/original", headers=self._headers, timeout=30)
            assert kept.content == data

    def everything(self) -> dict[str, JSON]:
        """Every photo document on the server, with its bytes."""
        rows = requests.get(
            f"{self._url}/_all_docs",
            params={
                "include_docs": "true",
                "attachments": "true",
                "startkey": '"photo:"',
                "endkey": '"photo;"',
            },
            headers=self._headers,
            timeout=60,
        )
        assert rows.status_code == 200, rows.text
        return {row["id"]: row["doc"] for row in rows.json()["rows"]}


def test_a_killed_server_has_everything_that_it_acknowledged_and_nothing_half(
    own_house: House, tmp_path: Path
) -> None:
    """`kill -9` at random moments of a push; the tablet syncs on by itself, and its form is accepted."""
    office = Office(own_house, own_house.hire("chen", "manager"))
    with Inspector(own_house, own_house.hire("wang", "inspector"), tmp_path) as wang:
        wang.sign_in()
        case = office.open_case("GY-kill")
        task = office.assign(case, "survey", "survey-hv-10kv", wang.name)
        wang.read_inbox()
        wang.fetch(case)
        wang.tablet.go_offline()
        form = wang.fill_in(case, task)
        while len(form.photos) < PHOTOS:
            wang.save_photo(form, "SH-28", str(uuid.uuid4()))
        while len(form.tracks) < TRACKS:
            wang.walk(form)
        wang.tablet.go_online()

        in_the_middle = 0
        with ExitStack() as both:
            sender, backlog = Sender(wang, form), Backlog(wang, case)
            both.callback(sender.stop)
            both.callback(backlog.stop)
            for _ in range(KILLS):
                time.sleep(random.uniform(SHORTEST, LONGEST))
                in_the_middle += backlog.rounds == 0
                own_house.kill()
                own_house.start()
        assert in_the_middle
        if not COUCHDB_URL:  # else the tablet talks to CouchDB, and only intake was killed
            assert sender.broken >= KILLS
        sender.present()

        accepted = wang.hand_in(form)
        assert [doc["status"] for doc in wang.receipts(form)].count("accepted") == 1
        assert accepted["judged"] == [form.rev]
        there = sender.everything()
        assert {f"photo:{photo}" for photo in form.photos} | set(sender.acknowledged) <= set(there)
        for photo in form.photos:
            assert bytes_of(there[f"photo:{photo}"]) == wang.photo_bytes(photo)
        for photo, document in there.items():
            assert hashlib.sha256(bytes_of(document)).hexdigest() == document["sha256"], photo
        names = wang.databases(case)
        rows = {row["id"] for row in wang.tablet.all_docs(names["forms"])}
        assert {f"track:{one}" for one in form.tracks} <= rows
        assert len(office.get(f"/cases/{case}/tracks")["items"]) == TRACKS

        def judged() -> list[JSON]:
            rows: list[JSON] = office.get(f"/cases/{case}/photos")["items"]
            return rows if len(rows) == len(there) else []

        verdicts = {row["status"] for row in office.until(judged, what="a verdict on every photo")}
        assert verdicts == {"verified"}
        assert office.get(f"/cases/{case}/log")["verified"] is True
    office.close()


def test_a_server_asked_to_stop_lets_waiting_tablets_go_and_they_come_back(
    own_house: House, tmp_path: Path
) -> None:
    """A restart takes seconds, though every tablet holds a long poll; after it the poll goes on by itself."""
    office = Office(own_house, own_house.hire("chen", "manager"))
    with Inspector(own_house, own_house.hire("wang", "inspector"), tmp_path) as wang:
        wang.sign_in()
        wang.listen()
        first = office.open_case("GY-first")
        office.assign(first, "survey", "survey-hv-10kv", wang.name)
        wang.hear(first, active=True)
        began = time.monotonic()
        own_house.stop()
        assert time.monotonic() - began < GRACE_SECONDS / 2
        own_house.start()
        second = office.open_case("GY-second")
        office.assign(second, "survey", "survey-hv-10kv", wang.name)
        wang.hear(second, active=True)
    office.close()


def test_a_worker_that_dies_is_replaced(own_house: House, tmp_path: Path) -> None:
    """Nobody has to notice: what tablets sent meanwhile is taken in by the next one."""
    office = Office(own_house, own_house.hire("chen", "manager"))
    with Inspector(own_house, own_house.hire("wang", "inspector"), tmp_path) as wang:
        wang.sign_in()
        first = office.until(own_house.worker, what="a worker at work")
        case = office.open_case("GY-worker")
        task = office.assign(case, "survey", "survey-hv-10kv", wang.name)
        wang.read_inbox()
        wang.fetch(case)
        form = wang.fill_in(case, task)
        assert first is not None
        os.kill(first, signal.SIGKILL)
        assert wang.hand_in(form)["judged"] == [form.rev]
        assert office.until(own_house.worker, what="another worker") != first
        assert own_house.log_lines("worker.ended") == 1
        own_house.forgive("worker.ended")
    office.close()


def bytes_of(document: JSON) -> bytes:
    return base64.b64decode(document["_attachments"]["original"]["data"])
