"""A case on the desk that is ready for its breaker to be closed."""

from __future__ import annotations

from typing import Any

from server.workflow.gates import gate_table
from tests.desk import Desk


def ready(desk: Desk) -> str:
    """A low-voltage case with every gate met, at the ready stage."""
    desk.hire("colleague", "inspector")
    case = desk.open_case(process="lv", supply={"voltage_kv": 0.4, "capacity_kva": 80.0})
    needed = {name for gate in gate_table().values() for name in gate.needs}
    facts = dict.fromkeys(needed | {"mid_check_required", "design_review_required"}, False)
    desk.post(f"/cases/{case}/facts", {"facts": facts})
    desk.post(f"/cases/{case}/transitions", {"to": "survey"})
    survey = desk.assign(case, id="t-s", kind="survey", checklist={"id": "mini-survey"})
    desk.shoot(case, survey, photo="p-s")
    desk.intake()
    desk.submit(case, survey, photo="p-s", checklist={"id": "mini-survey", "version": 1})
    desk.intake()
    desk.post(f"/cases/{case}/transitions", {"to": "acceptance"})
    task = desk.assign(case, id="t-a")
    desk.shoot(case, task)
    desk.intake()
    desk.submit(case, task)
    desk.intake()
    for gate in gate_table().values():
        if gate.entry and "lv" in gate.processes:
            path = f"/cases/{case}/gates/{gate.id}/entries"
            for who in ("manager", "inspector") if gate.entry.persons else ("manager",):
                desk.post(path, {"status": "met", "evidence": "sheet"}, by=who)
    desk.post(f"/cases/{case}/transitions", {"to": "ready"})
    return case


def record(desk: Desk, **changes: Any) -> dict[str, Any]:
    """The body that records the breaker closed now."""
    return {
        "at": desk.clock().isoformat(),
        "phase_check": "consistent",
        "participants": ["manager", "inspector"],
        "readings": {"kWh": 0.0},
        "readings_by": "Red Maple Textiles",
        "signatures": [{"name": "Red Maple Textiles", "party": "customer", "ref": "sheet-7"}],
        **changes,
    }


def switch(desk: Desk, case: str) -> None:
    """Do every switching step, all at this moment of the clock that stands."""
    day = desk.get(f"/cases/{case}/energization/steps")
    at = desk.clock().isoformat()
    steps = [{"step": step["id"], "at": at} for step in day["steps"] for _ in range(step["times"])]
    desk.post(f"/cases/{case}/energization/steps", {"steps": steps}, by="inspector")
