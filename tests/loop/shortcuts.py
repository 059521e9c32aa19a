"""The way that every case goes, for tests that begin at its end."""

from __future__ import annotations

from tests.loop.house import House
from tests.loop.inspector import Inspector
from tests.loop.office import Office

#: A plain 10 kV case: nothing of it is under dispatch, doubled, hidden or relayed.
PLAIN_FACTS = {
    "mid_check_required": False,
    "design_review_required": False,
    "dual": False,
    "gen": False,
    "dispatched": False,
    "terminal": False,
    "relay": False,
    "important": False,
    "transformer_type": "dry",
}
ENTRIES = (
    "energization-plan-approved",
    "grid-works-accepted",
    "fees-settled",
    "contract-signed",
    "metering-fitted",
    "outage-approved",
    "tests-complete",
    "duty-staff",
    "tools-and-rules",
    "customer-agrees-time",
)


def survey(office: Office, who: Inspector, no: str) -> tuple[str, str]:
    """A case with a survey to be made, which the tablet has pulled; case and task."""
    case = office.open_case(no, facts={"dedicated": False, "gen": False, "temporary": False})
    task = office.assign(case, "survey", "survey-hv-10kv", who.name)
    who.read_inbox()
    who.fetch(case)
    return case, task


def inspected(office: Office, who: Inspector, case: str, kind: str, checklist: str) -> str:
    """A task of this kind, done without a failure, and accepted; its id."""
    task = office.assign(case, kind, checklist, who.name)
    who.read_inbox()
    who.fetch(case)
    who.hand_in(who.fill_in(case, task))
    return task


def ready_case(house: House, office: Office, who: Inspector, no: str) -> str:
    """A case at the ready stage with every gate met; its inspections were made by `who`."""
    case = office.open_case(no, facts=PLAIN_FACTS, reason="现场勘查确认")
    office.move(case, "survey")
    inspected(office, who, case, "survey", "survey-hv-10kv")
    office.move(case, "scheme", "review", "reply", "construction", "completion_applied", "acceptance")
    inspected(office, who, case, "acceptance", "acceptance-10kv")
    for gate in (*ENTRIES, "site-clear"):
        office.enter(case, gate)
    second = Office(house, who.name)
    second.enter(case, "site-clear")
    second.close()
    office.move(case, "ready")
    assert office.unmet(case) == set()
    return case
