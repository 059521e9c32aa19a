"""Somebody in the office, at the HTTP API."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import requests

from tests.loop.house import House

JSON = dict[str, Any]
T = TypeVar("T")
_PATIENCE = 60.0


class Office:
    """A signed-in user. Every call asserts its status and shows the server's problem if it is another."""

    def __init__(self, house: House, name: str) -> None:
        self.house = house
        self.name = name
        self._http = requests.Session()
        self._http.headers.update({"Authorization": f"Bearer {house.token(name)}", "Accept-Language": "en"})

    def close(self) -> None:
        self._http.close()

    def call(self, method: str, path: str, *, status: int = 200, **request: Any) -> JSON:
        """A request below `/api/v1`; its JSON."""
        response = self._http.request(method, f"{self.house.url}/api/v1{path}", timeout=60, **request)
        assert response.status_code == status, f"{method} {path}: {response.status_code} {response.text}"
        body: JSON = response.json() if response.content else {}
        return body

    def get(self, path: str, **request: Any) -> JSON:
        return self.call("GET", path, **request)

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, status: int = 200) -> JSON:
        return self.call("POST", path, json=dict(body or {}), status=status)

    def until(self, look: Callable[[], T], *, what: str) -> T:
        """Look until there is something true to see: the server takes work in beside its answers."""
        deadline = time.monotonic() + _PATIENCE
        while not (seen := look()):
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: not within {_PATIENCE} s; last seen: {seen!r}")
            time.sleep(0.05)
        return seen

    # -- cases

    def open_case(self, no: str, **fields: Any) -> str:
        body = {
            "no": no,
            "process": "hv",
            "customer": {"name": "云岭精密铸造厂", "address": "青溪镇工业路 8 号"},
            "site": {"lon": 121.55, "lat": 29.88, "datum": "wgs84", "name": "厂区配电房"},
            "supply": {"voltage_kv": 10, "capacity_kva": 630},
            **fields,
        }
        return str(self.post("/cases", body, status=201)["id"])

    def case(self, case: str) -> JSON:
        return self.get(f"/cases/{case}")

    def settle_facts(self, case: str, **facts: Any) -> None:
        self.post(f"/cases/{case}/facts", {"facts": facts, "reason": "现场勘查确认"})

    def move(self, case: str, *stages: str) -> None:
        for stage in stages:
            if stage == "reply":
                self.hold_meetings(case)
            if stage == "completion_applied":
                self.check_self(case)
            assert self.post(f"/cases/{case}/transitions", {"to": stage})["stage"] == stage

    def hold_meetings(self, case: str) -> None:
        """Hold the meetings on the scheme that the case calls for and that were not held."""
        now = self.get("/sync/session")["server_time"]
        for row in self.get(f"/cases/{case}/meetings")["called_for"]:
            if row["outcome"] is None and row["kind"] in {"scheme_review", "leaders_review"}:
                here = [{"name": f"{one} 代表", "department": one} for one in row["departments"]]
                body = {"kind": row["kind"], "at": now, "place": "三楼会议室", "invited": here}
                called = self.post(f"/cases/{case}/meetings", body, status=201)
                minutes = {"held_at": now, "attended": here, "text": "同意方案", "outcome": "agreed"}
                self.post(f"/cases/{case}/meetings/{called['id']}/minutes", minutes, status=201)

    def check_self(self, case: str) -> None:
        """The customer checked his own works, and they are finished."""
        now = self.get("/sync/session")["server_time"]
        body = {"dated": now, "by": "客户代表", "finished": True, "evidence": "自检记录"}
        self.post(f"/cases/{case}/self-checks", body, status=201)

    def assign(self, case: str, kind: str, checklist: str, *people: str) -> str:
        body = {"kind": kind, "checklist": {"id": checklist}, "assignees": list(people)}
        return str(self.post(f"/cases/{case}/tasks", body, status=201)["id"])

    def reassign(self, case: str, task: str, *people: str) -> None:
        body = {"assignees": list(people), "reason": "人员调整"}
        self.call("PATCH", f"/cases/{case}/tasks/{task}", json=body)

    def task(self, case: str, task: str) -> JSON:
        return self.get(f"/cases/{case}/tasks/{task}")

    def inspection(self, case: str, task: str) -> JSON:
        return self.get(f"/cases/{case}/inspections/{task}")

    def notices(self, case: str) -> list[JSON]:
        items: list[JSON] = self.get(f"/cases/{case}/notices")["items"]
        return items

    def notice(self, case: str, n: int) -> JSON:
        return self.get(f"/cases/{case}/notices/{n}")

    def quarantine(self, case: str) -> dict[str, JSON]:
        """What was quarantined, by the id of the document that could not be sent."""
        return {row["doc_id"]: row for row in self.get(f"/cases/{case}/quarantine")["items"]}

    def settle(self, case: str, unsent: str, decision: str, reason: str = "已与本人核对") -> None:
        self.post(f"/cases/{case}/quarantine/{unsent}/settle", {"decision": decision, "reason": reason})

    def upload(self, case: str, photo: bytes, purpose: str) -> str:
        """A photo from the office; its id."""
        form = {"files": {"photo": ("evidence.jpg", photo, "image/jpeg")}, "data": {"purpose": purpose}}
        row = self.call("POST", f"/cases/{case}/photos", status=201, **form)
        assert row["status"] == "verified"
        return str(row["id"])

    def answer(self, case: str, n: int, codes: list[str], photo: bytes) -> JSON:
        """The customer's answer to these items, each with an uploaded photo as its evidence."""
        items = {
            code: {"text": "已整改,请复验", "photos": [self.upload(case, photo, f"notice:{n}")]}
            for code in codes
        }
        return self.post(f"/cases/{case}/notices/{n}/answer", {"items": items, "answered_by": "客户代表"})

    def reinspect(self, case: str, n: int, *people: str) -> str:
        """Assign the re-inspection of a notice; the task's id."""
        notice = self.post(f"/cases/{case}/notices/{n}/reinspect", {"assignees": list(people)}, status=201)
        return str(notice["reinspections"][-1])

    # -- the breaker

    def unmet(self, case: str) -> set[str]:
        sheet = self.get(f"/cases/{case}/gates")
        shut = {gate["id"] for gate in sheet["gates"] if gate["status"] == "unmet"}
        assert sheet["ready"] is (not shut)
        assert all(gate["reasons"] for gate in sheet["gates"] if gate["id"] in shut)
        return shut

    def refused(self, case: str) -> set[str]:
        """Try to authorize energization, be refused, and return the gates that the refusal names."""
        problem = self.post(f"/cases/{case}/energization/authorize", {"note": "申请送电"}, status=409)
        assert problem["code"] == "gates_unmet", problem
        named = {fact.removeprefix("gate:") for fact in problem["facts"]}
        assert named == self.unmet(case)
        assert named == {gate["id"] for gate in problem["params"]["gates"]}
        self.record_energization(case, status=409)
        assert self.energization(case)["status"] in {"none", "on_hold"}
        return named

    def energization(self, case: str) -> JSON:
        return self.get(f"/cases/{case}/energization")

    def authorize(self, case: str) -> JSON:
        return self.post(f"/cases/{case}/energization/authorize", {"note": "条件齐备,同意送电"})

    def switch(self, case: str) -> None:
        """Do every switching step, at the server's own time."""
        at = self.get("/sync/session")["server_time"]
        day = self.get(f"/cases/{case}/energization/steps")
        steps = [{"step": step["id"], "at": at} for step in day["steps"] for _ in range(step["times"])]
        self.post(f"/cases/{case}/energization/steps", {"steps": steps}, status=201)

    def record_energization(self, case: str, *, status: int = 200, **fields: Any) -> JSON:
        body = {
            "at": self.get("/sync/session")["server_time"],
            "phase_check": "consistent",
            "participants": ["客户经理", "现场检查员"],
            "readings": {"kWh": 0.0},
            "readings_by": "客户代表",
            "signatures": [{"name": "客户代表", "party": "客户", "ref": "送电单 7"}],
            **fields,
        }
        return self.post(f"/cases/{case}/energization/record", body, status=status)

    def enter(self, case: str, gate: str, status: str = "met") -> None:
        body = {"status": status, "evidence": f"{gate} 书面材料"}
        self.post(f"/cases/{case}/gates/{gate}/entries", body, status=201)
