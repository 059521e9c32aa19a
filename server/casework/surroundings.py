"""What lists show of what surrounds a case: duties, and instruments that are still to be fitted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from server.workflow.duties import duties
from server.workflow.inforce import InForce
from server.workflow.model import Case
from server.workflow.processes import process

_FITTED = "metering-fitted"


def surrounding_rows(case: Case, now: datetime, rules: InForce) -> dict[str, list[dict[str, Any]]]:
    """Rows of the tables `duties` and `metering_needs`."""
    return {
        "duties": [
            {
                "n": n,
                "kind": duty.kind,
                "since": duty.since.isoformat(),
                "due": duty.due.isoformat(),
                "who": duty.who,
                "params": msgspec.to_builtins(duty.params),
                "refs": list(duty.refs),
            }
            for n, duty in enumerate(duties(case, now, rules), start=1)
        ],
        "metering_needs": _needs(case),
    }


def _needs(case: Case) -> list[dict[str, Any]]:
    """What is planned and not fitted; nothing of a case that was energized or has ended."""
    plan = case.metering
    if plan is None or case.energization.record is not None or process(case.process).stages[case.stage].final:
        return []
    if any(gate.id == _FITTED and gate.status == "met" for gate in case.gates):
        return []
    return [
        {
            "n": n,
            "month": plan.connect_on.isoformat()[:7],
            "quantity": line.quantity,
            "instrument": msgspec.to_builtins(line.instrument),
        }
        for n, line in enumerate(plan.lines, start=1)
    ]
