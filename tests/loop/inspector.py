"""An inspector with a tablet, which knows what it has pulled and holds what it has not pushed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import requests

from checklists.loader import definition_from_document
from checklists.model import Definition
from checklists.sample import good_answers
from server.intake.judging import case_facts
from server.workflow.documents import case_from_document
from server.workflow.model import Case
from tests.loop import paper
from tests.loop.camera import shoot
from tests.loop.house import PASSWORD, House
from tests.loop.paper import Form
from tests.tablet.driver import JSON, Tablet

INBOX = "inbox"
OUTBOX = "outbox"
LIBRARY = "library"
#: Which answers fail, by item code; any other failing answer is a plain `fail`.
FAILING: Mapping[str, Any] = {"ME-05": 0.4, "ME-03": 1.0}


class Inspector:
    """Use it in a `with`. `clock_ahead` is how far the tablet's clock is off; the tablet does not know."""

    # Databases of cases by what the inbox once told: a lost case is in no inbox any more.
    _databases: dict[str, dict[str, str]]

    def __init__(self, house: House, name: str, folder: Path) -> None:
        self.house = house
        self.name = name
        self.device = f"tablet-{uuid.uuid4().hex[:12]}"
        self.clock_ahead = timedelta()
        self.tablet = Tablet(folder / self.device)
        self._album = folder / f"{self.device}-album"
        self._album.mkdir(parents=True)
        self._base_url = ""
        self._token = ""
        self._session: JSON = {}
        self._databases = {}
        #: The name of the key that this tablet signs with, if it has one.
        self.key = ""

    def __enter__(self) -> Inspector:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.tablet.close()

    def now(self) -> datetime:
        """The time by the tablet's clock."""
        return datetime.now(UTC) + self.clock_ahead

    # -- in coverage

    def sign_in(self) -> None:
        """Sign in on this device and learn where to sync."""
        device = {"id": self.device, "name": "外业平板"}
        body = {"username": self.name, "password": PASSWORD, "device": device}
        response = requests.post(f"{self.house.url}/api/v1/auth/login", json=body, timeout=30)
        assert response.status_code == 200, response.text
        self._token = response.json()["access_token"]
        self.tablet.sign_in(self._token)
        session = self.ask_session()
        assert session.status_code == 200, session.text
        self._session = session.json()

    def ask_session(self) -> requests.Response:
        """Ask Hezha, with the tablet's token, where to sync."""
        return requests.get(
            f"{self.house.url}/api/v1/sync/session",
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=30,
        )

    def enrol_key(self) -> str:
        """Make a key on the tablet and enrol it: forms are signed with it from now on. Its name."""
        made = self.tablet.make_key()
        assert made["extractable"] is False
        answer = requests.put(
            f"{self.house.url}/api/v1/devices/{self.device}/keys/{made['kid']}",
            json=self.tablet.enrolment(self.device, self.name),
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=30,
        )
        assert answer.status_code == 201, answer.text
        self.key = str(made["kid"])
        return self.key

    def enrol_anew(self) -> str:
        """Take another device id, as a tablet does whose old one was revoked; returns the old one."""
        old, self.device = self.device, f"tablet-{uuid.uuid4().hex[:12]}"
        return old

    def url(self, database: str) -> str:
        return f"{self._session['base_url']}/{database}"

    @property
    def inbox(self) -> str:
        """The name of the inbox's database."""
        return str(self._session["inbox"])

    def listen(self) -> None:
        """Hold the one long poll, on the inbox."""
        self.tablet.live_start(INBOX, INBOX, self.url(self._session["inbox"]), pull_only=True)

    def stop_listening(self) -> None:
        self.tablet.live_stop(INBOX)

    def read_inbox(self) -> None:
        self.tablet.pull(INBOX, self.url(self._session["inbox"]))

    def messages(self) -> list[JSON]:
        """What the inbox holds of messages, pulled now."""
        self.read_inbox()
        rows = self.tablet.all_docs(INBOX, include_docs=True, startkey="message:", endkey="message;")
        return [row["doc"] for row in rows]

    def hear(self, case: str, **wanted: Any) -> JSON:
        """Wait until the inbox tells of a case (by the long poll), with these fields; the assignment."""

        def told() -> JSON | None:
            found = self.tablet.get(INBOX, f"assignment:{case}")
            return found if all(found.get(key) == value for key, value in wanted.items()) else None

        assignment: JSON = self.tablet.wait_for(told)
        return assignment

    def hear_of_task(self, case: str, task: str) -> JSON:
        """Wait until the inbox tells of a task; the assignment."""
        assignment: JSON = self.tablet.wait_for(
            lambda: next(
                (
                    found
                    for found in [self.tablet.get(INBOX, f"assignment:{case}")]
                    if any(row["id"] == task for row in found.get("tasks", ()))
                ),
                None,
            )
        )
        return assignment

    def fetch(self, case: str) -> None:
        """Pull everything the work on a case needs: library, forms, photos' receipts."""
        self.tablet.pull(LIBRARY, self.url(self._session["library"]))
        self.fetch_forms(case)
        self.fetch_media(case)

    def fetch_forms(self, case: str) -> None:
        forms = self.databases(case)["forms"]
        self.tablet.pull(forms, self.url(forms))

    def fetch_media(self, case: str) -> None:
        media = self.databases(case)["media"]
        self.tablet.pull(media, self.url(media))

    def push_forms(self, case: str) -> JSON:
        forms = self.databases(case)["forms"]
        return self.tablet.push(forms, self.url(forms))

    def push_media(self, case: str) -> JSON:
        media = self.databases(case)["media"]
        return self.tablet.push(media, self.url(media))

    def receipts(self, form: Form) -> list[JSON]:
        """The receipts of a form that the tablet has, by number."""
        forms = self.databases(form.case)["forms"]
        start = f"receipt:{form.task}:"
        rows = self.tablet.all_docs(forms, include_docs=True, startkey=start, endkey=start + "￰")
        return sorted((row["doc"] for row in rows), key=lambda doc: (doc["n"], doc["_id"]))

    def await_receipt(self, form: Form, status: str, *, after: int = -1) -> JSON:
        """Pull until a receipt of this status with a number above `after` is there; the newest such."""

        def answered() -> JSON | None:
            self.fetch_forms(form.case)
            found = [doc for doc in self.receipts(form) if doc["status"] == status and doc["n"] > after]
            return found[-1] if found else None

        receipt: JSON = self.tablet.wait_for(answered)
        return receipt

    def await_return(self, form: Form, *, after: int = -1) -> JSON:
        """Wait until a form is returned and open for edits on the tablet; the receipt."""
        receipt = self.await_receipt(form, "returned", after=after)
        forms = self.databases(form.case)["forms"]

        def opened() -> bool:
            self.fetch_forms(form.case)
            return bool(self.tablet.get(forms, form.id)["status"] == "returned")

        self.tablet.wait_for(opened)
        return receipt

    def await_verdict(self, case: str, photo: str) -> str:
        """Pull until a photo's receipt is there: `verified` or `refused`."""
        media = self.databases(case)["media"]

        def judged() -> str:
            self.fetch_media(case)
            return str(self.tablet.get(media, f"photo-receipt:{photo}")["status"])

        verdict: str = self.tablet.wait_for(judged)
        return verdict

    def form_document(self, form: Form) -> JSON:
        """A form as it stands on the tablet."""
        return self.tablet.get(self.databases(form.case)["forms"], form.id)

    def push_outbox(self) -> JSON:
        return self.tablet.push(OUTBOX, self.url(self._session["outbox"]))

    def hand_in(self, form: Form) -> JSON:
        """Send a form, then its photos, and wait until it is accepted; the receipt."""
        clean(self.push_forms(form.case))
        if form.photos:
            clean(self.push_media(form.case))
        return self.await_receipt(form, "accepted")

    def send(self, method: str, path: str, body: Any) -> requests.Response:
        """A request to `/sync` by hand, with a token of its own."""
        headers = {"Authorization": f"Bearer {self.house.token(self.name)}"}
        return requests.request(method, self.url(path), json=body, headers=headers, timeout=30)

    # -- on the tablet

    def databases(self, case: str) -> dict[str, str]:
        """Names of a case's databases, as the inbox told them. The tablet builds none."""
        if case not in self._databases:
            self._databases[case] = self.tablet.get(INBOX, f"assignment:{case}")["databases"]
        return self._databases[case]

    def case(self, case: str) -> Case:
        return case_from_document(self.tablet.get(self.databases(case)["forms"], "case"))

    def task(self, case: str, task: str) -> JSON:
        rows: Sequence[JSON] = self.tablet.get(INBOX, f"assignment:{case}")["tasks"]
        return next(row for row in rows if row["id"] == task)

    def definition(self, reference: Mapping[str, Any]) -> Definition:
        """A checklist out of the tablet's own copy of the library."""
        document = self.tablet.get(LIBRARY, f"checklist:{reference['id']}@{reference['version']}")
        return definition_from_document(document)

    def fill_in(
        self,
        case: str,
        task: str,
        *,
        fail: Sequence[str] = (),
        values: Mapping[str, Any] | None = None,
    ) -> Form:
        """Fill in and sign a task's form, photos and all; `fail` fail, others pass or have these `values`."""
        given = self.task(case, task)
        answers, form = self.answers(case, task, given["checklist"], given["items"], fail)
        for code, value in (values or {}).items():
            answers[code]["value"] = value
        self.walk(form)
        self.draft(form, given["checklist"], answers)
        self.sign(form)
        return form

    def answers(
        self,
        case: str,
        task: str,
        reference: Mapping[str, Any],
        items: Sequence[str] | None = None,
        fail: Sequence[str] = (),
    ) -> tuple[JSON, Form]:
        """Good answers but for `fail`, with photos and signatures saved on the tablet."""
        known = self.case(case)
        definition = self.definition(reference)
        answers = good_answers(
            definition,
            case_facts(known),
            photo_for=lambda _code, n: [str(uuid.uuid4()) for _ in range(n)],
            signature_for=lambda _code, _role, _n: str(uuid.uuid4()),
            by=self.name,
            at=self.now().isoformat(),
            place=(known.site.lon, known.site.lat),
        )
        answers = {code: answer for code, answer in answers.items() if items is None or code in items}
        form = Form(case, task, "")
        signed: list[tuple[str, str]] = []
        for code, answer in answers.items():
            answer["location"] = self.position(case)
            if code in fail:
                answer["value"] = FAILING.get(code, "fail")
                answer["note"] = "现场不符合要求"
                answer["photos"] = answer["photos"] or [str(uuid.uuid4())]
            for photo in answer["photos"]:
                self.save_photo(form, code, photo)
            if definition.by_code[code].type == "signature":
                signed += [(entry["signature"], entry["role"]) for entry in answer["value"]]
        # People sign what stands there, so they sign last.
        shown = {"task": task, "checklist": dict(reference), "answers": answers}
        bound = {"form_digest": self.tablet.form_digest(shown)} if self.key and signed else {}
        for signature, role in signed:
            self._save_signature(form, signature, role, **bound)
        return answers, form

    def position(self, case: str) -> JSON:
        site = self.case(case).site
        here = {"lon": site.lon, "lat": site.lat, "accuracy_m": 6, "datum": "wgs84"}
        return {**here, "at": self.now().isoformat(), "source": "gnss"}

    def draft(self, form: Form, reference: Mapping[str, Any], answers: JSON) -> None:
        document = paper.draft(form.task, reference, answers)
        form.rev = self.tablet.put(self.databases(form.case)["forms"], document)

    def retake(self, form: Form, code: str, answers: JSON) -> str:
        """Take another photo for an item and name it instead of those before; the photo's id."""
        photo = str(uuid.uuid4())
        self.save_photo(form, code, photo)
        answers[code]["photos"] = [photo]
        return photo

    def sign(self, form: Form, **changes: Any) -> None:
        """Submit the form as it stands on the tablet, with these fields changed, and signed by the tablet if
        it has a key.
        """
        names = self.databases(form.case)
        database = names["forms"]
        document = self.tablet.get(database, form.id)
        document.pop("returned", None)
        submitted = {"by": self.name, "at": self.now().isoformat(), "device": self.device}
        document = {**document, "status": "submitted", "submitted": submitted, **changes}
        if self.key:
            document = self.tablet.sign_form(document, database, names["media"])
        form.rev = self.tablet.put(database, document)

    def photo_document(self, form: Form, code: str, photo: str, data: bytes) -> JSON:
        place = self.position(form.case)
        return paper.photo(
            form, code, photo, data, by=self.name, device=self.device, at=self.now(), place=place
        )

    def save_photo(self, form: Form, code: str, photo: str, data: bytes | None = None, **claims: Any) -> JSON:
        """Take a photo, or keep `data` as one; `claims` replace what its document says."""
        if data is None:
            place = self.position(form.case)
            data = shoot(self.now(), place["lon"], place["lat"])
        file = self._album / f"{photo}.jpg"
        file.write_bytes(data)
        document = {**self.photo_document(form, code, photo, data), **claims}
        self.tablet.put(self.databases(form.case)["media"], document, {"original": (file, "image/jpeg")})
        form.photos.append(photo)
        return document

    def photo_bytes(self, photo: str) -> bytes:
        """The file as the camera wrote it."""
        return (self._album / f"{photo}.jpg").read_bytes()

    def see_hazard(self, case: str, description: str, *, severity: str = "critical") -> str:
        """Write down a defect seen outside any task; the hazard's id."""
        hazard = str(uuid.uuid4())
        document = paper.document(
            "hazard",
            hazard,
            by=self.name,
            at=self.now().isoformat(),
            description=description,
            severity=severity,
            location=self.position(case),
        )
        self.tablet.put(self.databases(case)["forms"], document)
        return hazard

    def set_aside(self, form: Form, reason: str) -> dict[str, str]:
        """Write what cannot be sent any more into the outbox; `unsent:` ids by the documents they hold."""
        names = self.databases(form.case)
        lost = [(names["forms"], form.id)]
        lost += [(names["forms"], f"signature:{one}") for one in form.signatures]
        lost += [(names["forms"], f"track:{one}") for one in form.tracks]
        lost += [(names["media"], f"photo:{one}") for one in form.photos]
        return {doc_id: self._set_aside(database, doc_id, reason) for database, doc_id in lost}

    def _set_aside(self, database: str, doc_id: str, reason: str) -> str:
        document = self.tablet.get(database, doc_id, revs=True)
        carried = document.pop("_attachments", {})
        unsent = str(uuid.uuid4())
        photo = self._album / f"{doc_id.removeprefix('photo:')}.jpg"
        wrapped = paper.document(
            "unsent",
            unsent,
            by=self.name,
            at=self.now().isoformat(),
            database=database,
            doc=document,
            reason=reason,
        )
        self.tablet.put(OUTBOX, wrapped, dict.fromkeys(carried, (photo, "image/jpeg")))
        return unsent

    def _save_signature(self, form: Form, signature: str, role: str, **more: Any) -> None:
        document = paper.document(
            "signature",
            signature,
            by=self.name,
            at=self.now().isoformat(),
            task=form.task,
            signer=role,
            **more,
        )
        self.tablet.put(self.databases(form.case)["forms"], document)
        form.signatures.append(signature)

    def walk(self, form: Form) -> None:
        """Keep a track of the way to the switch room."""
        document = paper.track(form.task, by=self.name, at=self.now(), place=self.position(form.case))
        self.tablet.put(self.databases(form.case)["forms"], document)
        form.tracks.append(document["_id"].removeprefix("track:"))


def clean(summary: JSON) -> JSON:
    """A replication in which nothing was refused."""
    assert summary["ok"], summary
    assert not summary["denied"], summary
    assert not summary["doc_write_failures"], summary
    return summary
