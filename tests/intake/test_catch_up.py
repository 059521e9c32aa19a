"""Nothing that a tablet was told is stored loses a race against the breaker, or holds up another document."""

from __future__ import annotations

from typing import Any

import structlog.testing

from server.intake.worker import make_intake
from sync.store import Document, Security
from tests.desk import Desk, unsent_document


def hazard(desk: Desk, hazard_id: str, **changes: Any) -> Document:
    document = {
        "_id": f"hazard:{hazard_id}",
        "type": "hazard",
        "schema": 1,
        "at": desk.clock().isoformat(),
        "by": "inspector",
        "description": "The cable trench is under water",
        "severity": "critical",
    }
    return {**document, **changes}


def unmet(desk: Desk, case: str) -> set[str]:
    answer = desk.ask("POST", f"/cases/{case}/energization/authorize", json={})
    assert answer.status_code == 409
    return {gate["id"] for gate in answer.get_json()["params"]["gates"]}


def test_a_hazard_counts_before_the_worker_has_seen_it(desk: Desk) -> None:
    case = desk.open_case()
    desk.assign(case)
    assert "notices-closed" not in unmet(desk, case)
    desk.write("inspector", desk.forms(case), hazard(desk, "h-1"))
    assert "notices-closed" in unmet(desk, case)


def test_a_failed_item_counts_before_the_worker_has_seen_it(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.shoot(case, task)
    desk.submit(case, task, PF_01=desk.answer("fail", note="loose"))
    assert {"notices-closed", "acceptance-passed"} <= unmet(desk, case)


def test_unsent_work_of_somebody_who_lost_the_case_counts_at_once(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.patch(f"/cases/{case}/tasks/{task}", {"assignees": ["colleague"], "reason": "moved away"})
    unsent = {
        "_id": "unsent:u-1",
        "type": "unsent",
        "schema": 1,
        "database": desk.forms(case),
        "doc": hazard(desk, "h-2"),
        "reason": "forbidden",
        "at": desk.clock().isoformat(),
        "by": "inspector",
    }
    desk.write("inspector", desk.made.names.outbox("inspector"), unsent)
    unmet(desk, case)
    assert desk.case(case).quarantine["u-1"].state == "waiting"


def test_catching_up_leaves_the_workers_checkpoint_alone(desk: Desk) -> None:
    case = desk.open_case()
    desk.assign(case)
    desk.write("inspector", desk.forms(case), hazard(desk, "h-1"))
    unmet(desk, case)
    desk.intake()
    unmet(desk, case)
    assert len(desk.case(case).hazards) == 1
    assert len(desk.case(case).notices) == 1


def test_a_document_that_the_case_refuses_is_set_aside_and_holds_up_no_other(desk: Desk) -> None:
    case = desk.open_case()
    desk.assign(case)
    desk.write("inspector", desk.forms(case), hazard(desk, "h-1"))
    desk.intake()
    # Only the server could do this: another report under an id that is taken.
    present = desk.document(desk.forms(case), "hazard:h-1")
    desk.made.store.put(desk.forms(case), {**present, "description": "Another story"})
    desk.write("inspector", desk.forms(case), hazard(desk, "h-2"))
    desk.intake()
    known = desk.case(case)
    assert set(known.hazards) == {"h-1", "h-2"}
    (set_aside,) = known.quarantine.values()
    assert (set_aside.doc_id, set_aside.reason, set_aside.state) == (
        "hazard:h-1",
        "hazard_differs",
        "waiting",
    )


def test_a_description_longer_than_a_case_holds_is_cut_there_and_kept_here(desk: Desk) -> None:
    case = desk.open_case()
    desk.assign(case)
    long = "水" * 5000
    desk.write("inspector", desk.forms(case), hazard(desk, "h-1", description=long))
    desk.intake()
    assert len(desk.case(case).hazards["h-1"].description) == 4000
    assert desk.document(desk.forms(case), "hazard:h-1")["description"] == long


def test_a_parcel_with_an_id_that_is_taken_is_told_of_and_holds_up_nothing(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case, "inspector", "colleague")
    desk.hire("third", "inspector")
    desk.patch(f"/cases/{case}/tasks/{task}", {"assignees": ["third"], "reason": "both moved away"})
    for user in ("inspector", "colleague"):
        parcel = unsent_document("u-1", desk.forms(case), hazard(desk, f"h-{user}", by=user), by=user)
        desk.write(user, desk.made.names.outbox(user), parcel)
    desk.intake()
    assert desk.case(case).quarantine["u-1"].by == "colleague"
    told = {message["code"] for message in desk.inbox("inspector", "message:")}
    assert told == {"unsent_id_taken"}
    # The parcel is where it was, and a decision on the case is not held up by it.
    assert (
        desk.document(desk.made.names.outbox("inspector"), "unsent:u-1")["doc"]["_id"] == "hazard:h-inspector"
    )
    unmet(desk, case)


def test_a_case_that_is_just_being_opened_alarms_nobody(desk: Desk) -> None:
    desk.made.store.create_database(desk.made.names.forms("half"), Security(kind="case"))
    intake = make_intake(desk.made)
    with structlog.testing.capture_logs() as logs:
        intake.teller.mark(["half"])
        intake.teller.flush()
    assert [entry for entry in logs if entry["log_level"] == "error"] == []
