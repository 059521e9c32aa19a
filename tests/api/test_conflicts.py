"""What people see of a case that was decided on in two places at once: over HTTP, and in their inboxes."""

from __future__ import annotations

from typing import Any

import pytest

from server.workflow import commands
from server.workflow.model import Actor, ChecklistRef
from server.workflow.vocabulary import Text
from sync.lease import Leases, Terms
from tests.desk import Clock, Desk, refused
from tests.forks import LOSES, WINS, as_read, decided_elsewhere
from tests.ready import ready, record, switch

INTAKE = Actor("hezha", ("system",))
MANAGER = Actor("manager", ("manager",))


def hazard(desk: Desk) -> commands.ReportHazard:
    return commands.ReportHazard(
        hazard_id="h-1",
        description="water in the trench",
        at=desk.clock(),
        by="inspector",
        checklist=ChecklistRef("hazard-recheck", 1),
        text=Text("隐患", "hazard"),
    )


def elsewhere(desk: Desk, case: str, known: Any, digest: str, *given: Any) -> str:
    return decided_elsewhere(
        desk.made.store,
        desk.forms(case),
        known,
        *given,
        digest=digest,
        now=desk.clock(),
        policy=desk.made.cases.policy("demo"),
    )


def leaves(desk: Desk, case: str) -> list[str]:
    return [leaf["_rev"] for leaf in desk.made.store.leaves(desk.forms(case), "case")]


@pytest.mark.parametrize("digest", [WINS, LOSES])
def test_a_notice_from_elsewhere_withdraws_the_breaker_order(desk: Desk, digest: str) -> None:
    """The authorization was acknowledged here, the notice there; whichever leaf the store prefers."""
    case = ready(desk)
    before = as_read(desk.made.store, desk.forms(case))
    assert desk.post(f"/cases/{case}/energization/authorize")["status"] == "authorized"
    elsewhere(desk, case, before, digest, (hazard(desk), INTAKE))
    assert len(leaves(desk, case)) == 2

    state = desk.get(f"/cases/{case}/energization")
    assert (state["status"], state["authorized_by"]) == ("none", None)
    [notice] = desk.get(f"/cases/{case}/notices")["items"]
    assert (notice["hazard_id"], notice["state"]) == ("h-1", "draft")
    gates = {gate["id"] for gate in desk.get(f"/cases/{case}/gates")["gates"] if gate["status"] == "unmet"}
    assert gates == {"notices-closed"}
    refused(desk.ask("POST", f"/cases/{case}/energization/authorize", json={}), 409, "gates_unmet")
    assert len(leaves(desk, case)) == 1

    log = desk.get(f"/cases/{case}/log")
    assert log["verified"] is True
    events = [entry["event"] for entry in log["items"]]
    assert events.index("energization_held") < events.index("conflict_rebased")
    assert events[-2:] == ["conflict_rebased", "conflict_settled"]
    assert desk.get("/cases")["items"][0]["open_notices"] == 1, "the lists have heard of it"
    for user in ("manager", "inspector"):
        [message] = desk.inbox(user, "message:")
        assert (message["code"], message["case"]) == ("case_conflict", case)
        assert "{" not in message["text"]["en"] + message["text"]["zh-CN"]
        assert desk.get(f"/cases/{case}")["no"] in message["text"]["zh-CN"]


@pytest.mark.parametrize("digest", [WINS, LOSES])
def test_a_closed_breaker_and_a_defect_from_elsewhere(desk: Desk, digest: str) -> None:
    case = ready(desk)
    desk.post(f"/cases/{case}/energization/authorize")
    before = as_read(desk.made.store, desk.forms(case))
    switch(desk, case)
    desk.post(f"/cases/{case}/energization/record", record(desk))
    elsewhere(desk, case, before, digest, (hazard(desk), INTAKE))
    state = desk.get(f"/cases/{case}/energization")
    assert (state["status"], state["authorized_by"], state["stage"]) == ("energized", "manager", "energized")
    [notice] = desk.get(f"/cases/{case}/notices")["items"]
    assert (notice["operational"], notice["state"]) == (True, "draft")
    [message] = desk.inbox("manager", "message:")
    assert message["code"] == "case_conflict_energized"


def test_a_decision_on_a_case_in_conflict_is_taken_on_all_of_it(desk: Desk) -> None:
    """Nobody looked before: the conflict is settled within the request that decides."""
    case = ready(desk)
    before = as_read(desk.made.store, desk.forms(case))
    desk.post(f"/cases/{case}/energization/authorize")
    elsewhere(desk, case, before, LOSES, (hazard(desk), INTAKE))
    done = desk.ask(
        "POST",
        f"/cases/{case}/energization/record",
        json=record(desk),
    )
    refused(done, 409, "not_authorized")
    assert desk.case(case).energization.record is None


def test_who_decided_on_the_revision_before_the_conflict_is_told_to_look_again(desk: Desk) -> None:
    case = ready(desk)
    before = as_read(desk.made.store, desk.forms(case))
    rev = desk.ask("GET", f"/cases/{case}").headers["ETag"]
    desk.post(f"/cases/{case}/energization/authorize")
    elsewhere(desk, case, before, WINS, (hazard(desk), INTAKE))
    late = desk.ask("PATCH", f"/cases/{case}", json={"reason": "x", "title": "y"}, headers={"If-Match": rev})
    refused(late, 412, "precondition_failed")


def test_the_worker_settles_a_conflict_that_nobody_looks_at(desk: Desk) -> None:
    case = ready(desk)
    before = as_read(desk.made.store, desk.forms(case))
    desk.post(f"/cases/{case}/energization/authorize")
    desk.intake()
    elsewhere(desk, case, before, LOSES, (hazard(desk), INTAKE))
    desk.intake()
    assert len(leaves(desk, case)) == 1
    assert desk.inbox("manager", "message:")


def test_three_leaves_become_one(desk: Desk) -> None:
    case = ready(desk)
    before = as_read(desk.made.store, desk.forms(case))
    desk.post(f"/cases/{case}/energization/authorize")
    elsewhere(desk, case, before, WINS, (hazard(desk), INTAKE))
    stop = (commands.Hold(reason="smoke"), MANAGER)
    elsewhere(desk, case, before, LOSES, (commands.AmendCase(title="x", reason="y"), MANAGER), stop)
    known = desk.case(case)
    assert known.title == "x"
    assert known.hazards.keys() == {"h-1"}
    hold = desk.get(f"/cases/{case}/energization")["hold"]
    assert (hold["cause"], hold["reason"]) == ("person", "smoke"), "what a person stopped, a person releases"
    assert len(leaves(desk, case)) == 1


@pytest.mark.parametrize("dies_at", ["bury", "release"])
def test_settling_that_was_cut_off_is_finished_by_the_next_reader(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    case = ready(desk)
    before = as_read(desk.made.store, desk.forms(case))
    desk.post(f"/cases/{case}/energization/authorize")
    elsewhere(desk, case, before, LOSES, (hazard(desk), INTAKE))

    def die(*_: object, **__: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        if dies_at == "bury":
            patch.setattr("server.casework.reconcile.bury", die)
        else:
            patch.setattr("server.casework.reconcile.Reconciler._release", die)
        with pytest.raises(RuntimeError, match="power cut"):
            desk.case(case)
        winner = as_read(desk.made.store, desk.forms(case))
        assert winner["energization"]["status"] == "on_hold", "safe from the first write on"
        assert winner["hazards"].keys() == {"h-1"}
    assert desk.get(f"/cases/{case}/energization")["status"] == "none"
    events = [entry.event for entry in desk.case(case).log]
    assert events.count("conflict_rebased") == events.count("conflict_settled") == 1
    assert events.count("hazard_reported") == 1


def test_a_case_that_another_server_is_deciding_on_answers_503(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = desk.open_case()
    terms = Terms(seconds=600.0, skew=0.0, wait=0.0)
    leases = Leases(desk.made.store, desk.made.names.registry, terms, Clock())
    monkeypatch.setattr(desk.made.cases, "_leases", leases)
    body = {"reason": "x", "title": "y"}
    other = leases.take(f"case-{case}", "another server")
    assert other is not None
    answer = desk.ask("PATCH", f"/cases/{case}", json=body)
    refused(answer, 503, "case_busy")
    assert int(answer.headers["Retry-After"]) >= 1
    assert desk.get(f"/cases/{case}")["title"] == "", "reading waits for nobody"
    leases.give_back(other)
    assert desk.patch(f"/cases/{case}", body)["title"] == "y"


def test_an_owner_that_lost_its_lease_in_the_middle_writes_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = desk.open_case()
    clock = Clock()
    terms = Terms(seconds=10.0, skew=0.0, wait=0.0)
    leases = Leases(desk.made.store, desk.made.names.registry, terms, clock)
    monkeypatch.setattr(desk.made.cases, "_leases", leases)
    policy = desk.made.cases.policy

    def slowly(organisation: str) -> Any:
        clock.forward(seconds=terms.seconds)
        return policy(organisation)

    monkeypatch.setattr(desk.made.cases, "policy", slowly)
    refused(desk.ask("PATCH", f"/cases/{case}", json={"reason": "x", "title": "y"}), 503, "case_busy")
    assert desk.case(case).title == ""
