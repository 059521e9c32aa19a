"""Tells one case: sets the clock, acts for the office, and works on site like a tablet."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from checklists.sample import good_answers
from server.casework.cases import Loaded
from server.demo.town import Premises
from server.evidence.sample import Kind, sample_photo
from server.intake.intake import FOLLOWER, Intake
from server.intake.judging import case_facts
from server.names import new_id
from server.services import Services
from server.workflow import commands as c
from server.workflow.model import Actor, Case, ChecklistRef, Customer, Site, Supply
from server.workflow.switching import steps_of
from sync.follow import Follower
from sync.store import ChangeBatch, UserCtx

#: Long enough to look at, small enough that eight cases are seeded while somebody waits.
PHOTO_SIZE = (640, 480)
#: What a photo of an item shows, by the first letters of its code.
_SCENES: tuple[tuple[str, Kind], ...] = (
    ("SH", "site"),
    ("ME-05", "earth_trench"),
    ("ME-09", "weld"),
    ("ME-13", "earth_tester"),
    ("ME", "earth_trench"),
    ("MG", "weld"),
    ("MC", "cable_trench"),
    ("MZ", "cable_trench"),
    ("CB", "door"),
    ("CT-01", "nameplate"),
    ("CT", "transformer"),
    ("CS", "switchgear"),
    ("CG", "earth_tester"),
)


class DemoClock:
    """A clock that the story sets."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Fault:
    """An answer that fails its item."""

    value: Any
    note: str


@dataclass
class Story:
    """One case on its way. `days_ago` and `hour` say when the next thing happens, in China's time."""

    made: Services
    intake: Intake
    clock: DemoClock
    premises: Premises
    today: datetime
    case_id: str = field(default_factory=new_id)

    def at(self, days_ago: int, hour: int = 9, minute: int = 0) -> Story:
        """Set the clock; never past the real present, whatever the hour of the day is now."""
        local = self.today - timedelta(days=days_ago)
        wanted = local.replace(hour=hour, minute=minute, second=0, microsecond=0).astimezone(UTC)
        self.clock.now = max(min(wanted, self.today.astimezone(UTC)), self._last())
        return self

    def office(self, command: c.Command, by: str | None = None, *, role: str = "manager") -> Loaded:
        """Act as somebody in the office; by default the case's manager."""
        actor = Actor(name=by or self.premises.manager, roles=(role,))  # type: ignore[arg-type]
        return self.made.cases.apply(self.case_id, command, actor)

    def open(self) -> Story:
        place = self.premises
        self.made.cases.open(
            c.OpenCase(
                id=self.case_id,
                no=place.no,
                process="hv",
                organisation=self.made.settings.organisation,
                customer=Customer(name=place.customer, address=place.address),
                site=Site(place.lon, place.lat, "wgs84", place.customer, 150.0),
                supply=Supply(voltage_kv=10.0, capacity_kva=place.capacity_kva, mode="single"),
                manager=place.manager,
                facts=dict(place.facts),
                reason="典型设计,免于审图",
            ),
            Actor(name=place.manager, roles=("manager",)),
        )
        return self

    def move(self, *stages: str) -> Story:
        for stage in stages:
            self.office(c.MoveStage(to=stage))
        return self

    def assign(self, kind: Any, checklist: str, *people: str, due_in: int = 7) -> str:
        task_id = new_id()
        definition = self.made.library.latest(checklist)
        self.office(
            c.AssignTask(
                task_id=task_id,
                kind=kind,
                checklist=ChecklistRef(definition.id, definition.version),
                assignees=people,
                due=(self.clock.now + timedelta(days=due_in)).date(),
            )
        )
        return task_id

    def inspect(
        self, task_id: str, by: str, faults: Mapping[str, Fault] | None = None, *, photos: bool = True
    ) -> Story:
        """Fill in a task's form on site and let intake take it in. `photos=False`: they are on the way."""
        self._write_form(task_id, by, dict(faults or {}), send_photos=photos)
        return self.settle()

    def notice(self) -> int:
        return max(self.case.notices)

    def answer(self, n: int, words: str) -> Story:
        """The customer answers every open item, with a photo for each."""
        notice = self.case.notices[n]
        items = {}
        for item in notice.items:
            if item.state == "passed":
                continue
            sha256, photo = self._send_photo("office", f"notice:{n}", item.code, self.premises.manager)
            items[item.code] = (photo, sha256)
        self.settle()
        self.office(
            c.AnswerNotice(
                n=n,
                items=msgspec.convert(
                    {
                        code: {"text": words, "photos": [{"id": p, "sha256": s, "verified": True}]}
                        for code, (p, s) in items.items()
                    },
                    dict[str, c.AnsweredItem],
                ),
                answered_by=self.premises.customer,
            )
        )
        return self

    def reinspect(self, n: int, by: str, faults: Mapping[str, Fault] | None = None) -> Story:
        task_id = new_id()
        due = (self.clock.now + timedelta(days=3)).date()
        self.office(c.ScheduleReinspection(n=n, task_id=task_id, assignees=(by,), due=due))
        return self.inspect(task_id, by, faults)

    def hazard(self, by: str, description: str) -> Story:
        """A defect seen outside any task."""
        at = self.clock.now.isoformat()
        document = {"_id": f"hazard:{new_id()}", "type": "hazard", "schema": 1, "at": at, "by": by}
        place = self._place()
        self._put({**document, "description": description, "severity": "critical", "location": place}, by)
        return self.settle()

    def confirm(self, evidence: Mapping[str, str], by: str | None = None, *, role: str = "manager") -> Story:
        for gate, words in evidence.items():
            self.office(c.RecordEntry(gate=gate, status="met", evidence=words), by, role=role)
        return self

    def switch(self, by: str, readings: Mapping[str, Mapping[str, float | str]]) -> Story:
        """Do every switching step from now on, a few minutes apart; `readings` by step."""
        at, steps = self.clock.now, []
        for step in steps_of(self.case, self.made.cases.policy(self.case.organisation)):
            for _ in range(step.times):
                steps.append(c.StepDone(step=step.id, at=at, readings=readings.get(step.id, {})))
                at += timedelta(minutes=max(step.minutes, 2))
        self.clock.now = at
        self.office(c.RecordSteps(steps=tuple(steps)), by, role="inspector")
        return self

    def settle(self) -> Story:
        """Let intake take in everything that has arrived. Raises what intake raises: no patience mends it."""
        failed: list[Exception] = []

        def handle(db: str, batch: ChangeBatch) -> None:
            try:
                self.intake.handle(db, batch)
            except Exception as error:
                failed.append(error)
                raise

        follower = Follower(self.made.store, FOLLOWER, self.intake.wants, handle)
        while follower.run_once(0.0) or not follower.idle():
            if failed:
                raise failed[0]
        return self

    @property
    def case(self) -> Case:
        return self.made.cases.load(self.case_id).case

    def _last(self) -> datetime:
        try:
            return self.case.log[-1].at
        except LookupError:
            return datetime.min.replace(tzinfo=UTC)
        except Exception as error:
            if getattr(error, "status", None) == 404:
                return datetime.min.replace(tzinfo=UTC)
            raise

    def _write_form(self, task_id: str, by: str, faults: dict[str, Fault], *, send_photos: bool) -> None:
        case = self.case
        task = case.tasks[task_id]
        definition = self.made.library.get(task.checklist.id, int(task.checklist.version))
        at = self.clock.now.isoformat()

        def photo_for(code: str, count: int) -> list[str]:
            asked_for = task.items is None or code in task.items
            if not (send_photos and asked_for):
                return [new_id() for _ in range(count)]
            return [self._send_photo(task_id, task_id, code, by)[1] for _ in range(count)]

        def signature_for(code: str, role: str, n: int) -> str:
            return self._sign(task_id, by, f"{role} {n + 1}")

        answers = good_answers(
            definition,
            case_facts(case),
            photo_for=photo_for,
            by=by,
            at=at,
            signature_for=signature_for,
            place=(self.premises.lon, self.premises.lat),
        )
        if task.items is not None:
            answers = {code: answers[code] for code in task.items}
        for code, fault in faults.items():
            answers[code] = {**answers[code], "value": fault.value, "note": fault.note}
        for answer in answers.values():
            answer["location"] = self._place()
        self._track(by)
        self._put(
            {
                "_id": f"inspection:{task_id}",
                "type": "inspection",
                "schema": 1,
                "task": task_id,
                "checklist": {"id": definition.id, "version": definition.version},
                "answers": answers,
                "status": "submitted",
                "submitted": {"by": by, "at": at, "device": f"tablet-{by}", "clock_skew_ms": 0},
            },
            by,
        )

    def _send_photo(self, device: str, task: str, code: str, by: str) -> tuple[str, str]:
        """A photo with its original, as a tablet sends it; gives its SHA-256 and id."""
        photo_id = new_id()
        kind = next((kind for start, kind in _SCENES if code.startswith(start)), _SCENES[0][1])
        place = self.premises
        data = sample_photo(
            kind,
            seed=int(hashlib.sha256(photo_id.encode()).hexdigest()[:8], 16),
            taken_at=self.clock.now.replace(microsecond=0),
            lon=place.lon,
            lat=place.lat,
            size=PHOTO_SIZE,
            text_lines=(place.no, code),
        )
        sha256 = hashlib.sha256(data).hexdigest()
        document = {
            "_id": f"photo:{photo_id}",
            "type": "photo",
            "schema": 1,
            "task": task,
            "item": code,
            "taken_at": self.clock.now.replace(microsecond=0).isoformat(),
            "location": self._place(),
            "sha256": sha256,
            "width": PHOTO_SIZE[0],
            "height": PHOTO_SIZE[1],
            "device": device,
            "by": by,
            "_attachments": {
                "original": {"content_type": "image/jpeg", "data": base64.b64encode(data).decode()}
            },
        }
        if device == "office":
            self.made.store.put(self.intake.names.media(self.case_id), document)
        else:
            self.made.store.put(self.intake.names.media(self.case_id), document, user=_inspector(by))
        return sha256, photo_id

    def _sign(self, task_id: str, by: str, signer: str) -> str:
        signature_id = new_id()
        document = {
            "_id": f"signature:{signature_id}",
            "type": "signature",
            "schema": 1,
            "task": task_id,
            "signer": signer,
            "by": by,
            "at": self.clock.now.isoformat(),
            "strokes": [[[12, 40], [30, 22], [55, 47]], [[60, 20], [66, 52]]],
        }
        self._put(document, by)
        return signature_id

    def _track(self, by: str) -> None:
        """A walk from the road to the site, a fix a minute."""
        place = self.premises
        fixes = [
            {
                "lon": round(place.lon + 0.0016 - step * 0.0002, 6),
                "lat": round(place.lat + 0.0008 - step * 0.0001, 6),
                "accuracy_m": 6.0 + step % 3,
                "at": (self.clock.now - timedelta(minutes=9 - step)).isoformat(),
            }
            for step in range(9)
        ]
        document = {"_id": f"track:{new_id()}", "type": "track", "schema": 1, "by": by}
        self._put({**document, "datum": "wgs84", "fixes": fixes}, by)

    def _place(self) -> dict[str, Any]:
        place = {"lon": self.premises.lon, "lat": self.premises.lat, "accuracy_m": 8.0, "datum": "wgs84"}
        return {**place, "at": self.clock.now.isoformat(), "source": "gnss"}

    def _put(self, document: dict[str, Any], by: str) -> None:
        """Write into the case as this inspector: held to the write rules like a tablet."""
        self.made.store.put(self.intake.names.forms(self.case_id), document, user=_inspector(by))


def _inspector(name: str) -> UserCtx:
    return UserCtx(name, ("inspector",))
