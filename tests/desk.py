"""A whole Hezha in one process for tests: a real store in a folder, a clock that stands, people, tablets.

Photos are judged in this process (`InProcess`) unless a test asks for the real workers; intake runs when
it is told to. Nothing sleeps.
"""

from __future__ import annotations

import atexit
import base64
import hashlib
import io
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
from flask import Flask
from flask.testing import FlaskClient
from msgspec.structs import replace as replace_struct
from PIL import Image
from werkzeug.test import TestResponse

import server.services
from checklists.loader import Library, fact_definitions, load_definitions
from checklists.model import Definition, Item, Limit, Role, Section, Text
from server.app import create_app
from server.evidence.model import PhotoClaim, PhotoVerdict
from server.evidence.renditions import render_all
from server.evidence.sample import make_exif
from server.evidence.verify import verify_file, verify_photo
from server.evidence.workers import PhotoWorkers
from server.intake.intake import Intake
from server.intake.worker import make_follower, make_intake
from server.services import Services, assemble
from server.settings import Argon2Profile, Settings
from server.workflow.model import Case
from server.workflow.policy import Policies, load_policy
from sync.store import Document, UserCtx
from tests.checklists.transformers import FORM as TRANSFORMERS

ROLES = ("inspector", "manager", "scheduler", "admin", "auditor")
START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
SITE = {"lon": 121.87, "lat": 29.48, "datum": "wgs84"}
ON_SITE = {**SITE, "accuracy_m": 8.0}
FAR_AWAY = {"lon": 121.95, "lat": 29.48, "datum": "wgs84", "accuracy_m": 8.0}
MINI = {"id": "mini", "version": 1}

JSON = dict[str, Any]


def _words(words: str) -> Text:
    return Text(zh=f"中文 {words}", en=words)


def _item(code: str, kind: Any, severity: Any, **more: Any) -> Item:
    return Item(
        code=code,
        text=_words(code),
        type=kind,
        severity=severity,
        remedy=_words(f"mend {code}"),
        source="judgement",
        **more,
    )


#: A form that a test can fill in by hand: one item with a photo, one without, one number.
MINI_FORM = Definition(
    id="mini",
    version=1,
    stage="acceptance",
    title=_words("mini"),
    sections=(
        Section(
            id="mini",
            title=_words("mini"),
            items=(
                _item("PH-01", "pass_fail", "critical", photo="always"),
                _item("PF-01", "pass_fail", "major"),
                _item("NR-01", "number", "minor", unit="Ω", limits=(Limit(max=4.0),)),
            ),
        ),
    ),
)


#: The same for a survey.
MINI_SURVEY = replace_struct(MINI_FORM, id="mini-survey", stage="survey")


#: The same, signed by the customer.
MINI_SIGNED = replace_struct(
    MINI_FORM,
    id="mini-signed",
    sections=(
        *MINI_FORM.sections,
        Section(
            id="signed",
            title=_words("signed"),
            items=(_item("SG-01", "signature", "major", roles=(Role("customer", _words("customer")),)),),
        ),
    ),
)


@cache
def library() -> Library:
    return Library((*load_definitions().all(), MINI_FORM, MINI_SURVEY, MINI_SIGNED, TRANSFORMERS))


@cache
def policies() -> Policies:
    return load_policy(fact_names=fact_definitions().keys())


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


class InProcess:
    """The evidence room without its worker processes: the same functions, called here."""

    longest_seconds = 0.0

    def verify(self, source: BinaryIO | Path, claim: PhotoClaim, **more: Any) -> PhotoVerdict:
        if isinstance(source, Path):
            return verify_file(source, claim, **more)
        return verify_photo(source, claim, **more)

    def render_all(self, path: Path, outs: Any, **more: Any) -> Any:
        return render_all(path, outs, **more)

    def close(self) -> None:
        pass


class Desk:
    """One server process with its people. The password of everybody is the name and `-password`."""

    def __init__(self, made: Services, clock: Clock) -> None:
        self.made = made
        self.clock = clock
        #: By name and moment: a token does not outlive a clock that is moved.
        self._tokens: dict[tuple[str, datetime], dict[str, str]] = {}
        self._case_numbers = 0

    @cached_property
    def app(self) -> Flask:
        return create_app(services=self.made)

    @cached_property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    # -- people

    def hire(self, name: str, *roles: str, organisation: str | None = None) -> str:
        self.made.people.add_user(name, f"{name}-password", roles=roles, organisation=organisation)
        return name

    def signed_in(self, name: str) -> dict[str, str]:
        """The headers of somebody signed in."""
        known = self._tokens.get((name, self.clock.now))
        if known is None:
            body = {"username": name, "password": f"{name}-password"}
            answer = self.client.post("/api/v1/auth/login", json=body)
            assert answer.status_code == 200, answer.text
            known = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}
            self._tokens[name, self.clock.now] = known
        return known

    # -- the office

    def ask(
        self, method: str, path: str, *, by: str = "manager", headers: Mapping[str, str] = {}, **request: Any
    ) -> TestResponse:
        """One request to `/api/v1` + path; `by` is who asks."""
        return self.client.open(
            "/api/v1" + path,
            method=method,
            headers={**self.signed_in(by), **headers},
            buffered=True,
            **request,
        )

    def get(self, path: str, **request: Any) -> JSON:
        return self._good(self.ask("GET", path, **request))

    def post(self, path: str, body: Any = None, **request: Any) -> JSON:
        return self._good(self.ask("POST", path, json={} if body is None else body, **request))

    def patch(self, path: str, body: Any, **request: Any) -> JSON:
        return self._good(self.ask("PATCH", path, json=body, **request))

    @staticmethod
    def _good(answer: TestResponse) -> JSON:
        assert answer.status_code in (200, 201), answer.text
        body: JSON = answer.get_json()
        return body

    def application(self, **changes: Any) -> JSON:
        """The body that opens a case; its number is new each time."""
        self._case_numbers += 1
        return {
            "no": f"YK-{self._case_numbers:04}",
            "process": "hv",
            "customer": {"name": "Red Maple Textiles", "address": "2 Canal Road"},
            "site": dict(SITE),
            "supply": {"voltage_kv": 10.0, "capacity_kva": 630.0},
            **changes,
        }

    def open_case(self, *, by: str = "manager", **changes: Any) -> str:
        return str(self.post("/cases", self.application(**changes), by=by)["id"])

    def assign(self, case: str, *people: str, by: str = "manager", **changes: Any) -> str:
        body = {
            "kind": "acceptance",
            "checklist": MINI,
            "assignees": list(people or ("inspector",)),
            **changes,
        }
        return str(self.post(f"/cases/{case}/tasks", body, by=by)["id"])

    def task(self, case: str, task: str) -> JSON:
        return self.get(f"/cases/{case}/tasks/{task}")

    def case(self, case: str) -> Case:
        return self.made.cases.load(case).case

    # -- a tablet

    def write(self, user: str, database: str, document: Document) -> str:
        """Write as a tablet's user would, held to the write rules."""
        return self.made.store.put(database, document, user=UserCtx(user))

    def graft(self, user: str, database: str, document: Document, *history: str) -> str:
        """Push one revision as replication does; `history` are its hashes, newest first. Returns it."""
        revisions = {"start": len(history), "ids": list(history)}
        document = {**document, "_rev": f"{len(history)}-{history[0]}", "_revisions": revisions}
        rows = self.made.store.bulk_docs(database, [document], new_edits=False, user=UserCtx(user))
        assert all(row.ok for row in rows), rows
        return str(document["_rev"])

    def answer(self, value: Any, *, by: str = "inspector", **more: Any) -> JSON:
        """An answer of this moment; a position in it was taken now, unless it says when."""
        at = self.clock().isoformat()
        if "accuracy_m" in (more.get("location") or {}):
            more["location"] = {"at": at, **more["location"]}
        return {"value": value, "by": by, "at": at, **more}

    def form(self, task: str, *, by: str = "inspector", photo: str = "p-1", **changes: Any) -> Document:
        """A submitted form of MINI_FORM in which everything passes; `changes` are answers or fields."""
        answers = {
            "PH-01": self.answer("pass", by=by, photos=[photo], location=ON_SITE),
            "PF-01": self.answer("pass", by=by),
            "NR-01": self.answer(2.5, by=by),
        }
        document: Document = {
            "_id": f"inspection:{task}",
            "type": "inspection",
            "schema": 1,
            "task": task,
            "checklist": dict(MINI),
            "answers": answers,
            "status": "submitted",
            "submitted": {"by": by, "at": self.clock().isoformat(), "device": "t-1", "clock_skew_ms": 0},
        }
        for name, value in changes.items():
            code = name.replace("_", "-")
            if code in answers:
                answers[code] = value
            else:
                document[name] = value
        return document

    def submit(self, case: str, task: str, *, by: str = "inspector", **changes: Any) -> str:
        return self.write(by, self.forms(case), self.form(task, by=by, **changes))

    def shoot(
        self, case: str, task: str, *, photo: str = "p-1", by: str = "inspector", item: str = "PH-01"
    ) -> Document:
        """Take a photo on site and push it."""
        document = photo_document(photo, task, item, by=by, at=self.clock())
        self.write(by, self.media(case), document)
        return document

    # -- the server's own

    def forms(self, case: str) -> str:
        return self.made.names.forms(case)

    def media(self, case: str) -> str:
        return self.made.names.media(case)

    def document(self, database: str, doc_id: str) -> Document:
        return self.made.store.get(database, doc_id)

    def receipts(self, case: str, task: str) -> list[Document]:
        return list(self.made.store.all_docs(self.forms(case), prefix=f"receipt:{task}:"))

    def inbox(self, user: str, prefix: str = "") -> list[Document]:
        return list(self.made.store.all_docs(self.made.names.inbox(user), prefix=prefix))

    def intake(self) -> None:
        """Take in everything that lies there. Fails if something cannot be."""
        run_intake(self.made, make_intake(self.made))


def run_intake(made: Services, intake: Intake) -> None:
    follower = make_follower(made, intake, intake.wants)
    while follower.run_once():
        pass
    assert follower.idle(), "a change could not be taken in"


def picture(seed: int = 1, *, size: tuple[int, int] = (64, 48), at: datetime = START) -> bytes:
    """A small JPEG with the EXIF of a tablet's camera."""
    exif = make_exif(at, lon=SITE["lon"], lat=SITE["lat"], model=f"Field Tablet {seed}")  # type: ignore[arg-type]
    out = io.BytesIO()
    Image.new("RGB", size, (seed * 37 % 256, seed * 91 % 256, 120)).save(out, "JPEG", exif=exif.tobytes())
    return out.getvalue()


def photo_document(
    photo: str,
    task: str,
    item: str,
    *,
    by: str = "inspector",
    at: datetime = START,
    data: bytes | None = None,
) -> Document:
    """A `photo:` document with its attachment; `data` may differ from what the document claims."""
    true = picture(at=at)
    return {
        "_id": f"photo:{photo}",
        "type": "photo",
        "schema": 1,
        "task": task,
        "item": item,
        "by": by,
        "taken_at": at.isoformat(),
        "location": dict(ON_SITE),
        "sha256": hashlib.sha256(true).hexdigest(),
        "width": 64,
        "height": 48,
        "device": "t-1",
        "_attachments": {
            "original": {
                "content_type": "image/jpeg",
                "data": base64.b64encode(true if data is None else data).decode(),
            }
        },
    }


def unsent_document(unsent: str, database: str, document: Any, *, by: str = "inspector") -> Document:
    """What a tablet leaves in its outbox when a push was refused."""
    return {
        "_id": f"unsent:{unsent}",
        "type": "unsent",
        "schema": 1,
        "database": database,
        "doc": document,
        "reason": "not_a_writer",
        "by": by,
        "at": START.isoformat(),
    }


def desk_settings(folder: Path, **changes: Any) -> Settings:
    settings = Settings(
        data_dir=folder,
        argon2=Argon2Profile(memory_kib=8, time_cost=1),
        inbox_interval_seconds=0.0,
        events_stream_seconds=0.05,
    )
    return replace(settings, **changes)


@contextmanager
def open_desk(
    folder: Path, *, clock: Clock | None = None, real_workers: bool = False, **settings: Any
) -> Iterator[Desk]:
    """A desk on a data folder, empty or left by another; a person for each role is there under its name."""
    if not any(folder.iterdir()):
        shutil.copytree(first_day(), folder, dirs_exist_ok=True)
    with _opened(folder, clock or Clock(), **settings) as desk:
        if not real_workers:
            desk.made = replace(desk.made, photo_workers=cast(PhotoWorkers, InProcess()))
        yield desk


@cache
def first_day() -> Path:
    """A data folder as it is once everybody is hired, made once for all the tests of a process."""
    folder = Path(tempfile.mkdtemp(prefix="first-day-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with _opened(folder, Clock()) as desk:
        for role in ROLES:
            desk.hire(role, role)
    return folder


@contextmanager
def _opened(folder: Path, clock: Clock, **settings: Any) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server.services, "load_definitions", library)
        patch.setattr(server.services, "load_policy", lambda **_: policies())
        made = assemble(desk_settings(folder, **settings), clock)
    try:
        yield Desk(made, clock)
    finally:
        made.close()


def refused(answer: TestResponse, status: int, code: str) -> JSON:
    """The problem that a request was answered with; its words have no gaps."""
    assert answer.content_type == "application/problem+json", answer.text
    problem: JSON = answer.get_json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code), problem
    assert problem["type"] == f"urn:hezha:problem:{code}"
    assert problem["title"]
    assert problem["detail"]
    assert "{" not in problem["detail"], "a text with a gap"
    return problem


def fresh(prefix: str = "") -> str:
    return prefix + str(uuid.uuid4())
