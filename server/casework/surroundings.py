"""What lists show of what surrounds a case: duties, and instruments that are still to be fitted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from server.workflow.duties import duties, wanted_instruments
from server.workflow.inforce import InForce
from server.workflow.model import Case


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
    """A row for each kind of instrument that is planned and not fitted."""
    plan = wanted_instruments(case)
    if plan is None:
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
