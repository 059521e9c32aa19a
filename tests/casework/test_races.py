"""Two people at once: both decisions land, a number has one owner, a key one result."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from server.casework.cases import StaleCase
from server.casework.idempotency import KeyReused, reserve_id
from server.casework.numbers import NumberTaken, claim_number
from server.names import new_id
from server.workflow import commands
from server.workflow.model import Actor
from server.workflow.refusal import Refusal
from sync.store import Conflict, Document
from tests.desk import START, Desk

MANAGER = Actor("manager", ("manager",))
TOGETHER = 6


def at_once(act: Callable[[int], Any]) -> list[Any]:
    """What each of several threads came to, started together; an exception is a result too."""
    gate = threading.Barrier(TOGETHER)

    def run(number: int) -> Any:
        gate.wait()
        try:
            return act(number)
        except Exception as error:  # noqa: BLE001  whatever it is, the test looks at it
            return error

    with ThreadPoolExecutor(TOGETHER) as pool:
        return list(pool.map(run, range(TOGETHER)))


def test_decisions_made_at_once_all_land(desk: Desk) -> None:
    case = desk.open_case()

    def note(number: int) -> Any:
        command = commands.AmendCase(reason=f"by {number}", title=f"title {number}")
        return desk.made.cases.apply(case, command, MANAGER)

    results = at_once(note)
    assert not [one for one in results if isinstance(one, Exception)]
    log = desk.case(case).log
    amended = [entry for entry in log if entry.event == "case_amended"]
    assert {entry.data["reason"] for entry in amended} == {f"by {number}" for number in range(TOGETHER)}
    assert desk.get(f"/cases/{case}/log")["verified"] is True
    assert desk.get("/cases")["items"][0]["updated_at"] == log[-1].at.isoformat()


def test_only_one_of_those_who_read_the_same_revision_decides(desk: Desk) -> None:
    case = desk.open_case()
    rev = desk.made.cases.load(case).rev
    before = len(desk.case(case).log)

    def note(number: int) -> Any:
        command = commands.AmendCase(reason=f"by {number}", title=f"title {number}")
        return desk.made.cases.apply(case, command, MANAGER, if_rev=rev)

    results = at_once(note)
    assert sum(isinstance(one, StaleCase) for one in results) == TOGETHER - 1
    assert len(desk.case(case).log) == before + 1


def test_access_is_that_of_the_last_decision(desk: Desk) -> None:
    """Assigned and taken away by several people at once: no older decision's access is left behind."""
    case = desk.open_case()
    task = desk.assign(case)

    def reassign(number: int) -> Any:
        people = ("colleague",) if number % 2 else ("inspector",)
        command = commands.Reassign(task_id=task, assignees=people, reason=f"{number}")
        return desk.made.cases.apply(case, command, MANAGER)

    assert not [one for one in at_once(reassign) if isinstance(one, Exception)]
    [holder] = desk.case(case).tasks[task].assignees
    for database in (desk.forms(case), desk.media(case)):
        assert desk.made.store.security(database)["hezha"]["writers"] == [holder]
    for user in ("inspector", "colleague"):
        told = desk.inbox(user, "assignment:")
        assert [one["active"] for one in told] in ([[user == holder]] if told else [[]])


def test_a_refusal_writes_nothing(desk: Desk) -> None:
    case = desk.open_case()
    before = desk.made.cases.load(case)
    with pytest.raises(Refusal):
        desk.made.cases.apply(case, commands.Authorize(), MANAGER)
    assert desk.made.cases.load(case) == before


def test_a_case_that_is_always_overtaken_gives_up_in_the_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = desk.open_case()

    def overtaken(*_: object, **__: object) -> str:
        raise Conflict

    monkeypatch.setattr(desk.made.cases, "_write", overtaken)
    answer = desk.ask("PATCH", f"/cases/{case}", json={"reason": "x", "title": "y"})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "conflict")


def test_a_number_has_one_owner_however_many_ask(desk: Desk) -> None:
    store, registry = desk.made.store, desk.made.names.registry
    results = at_once(lambda number: claim_number(store, registry, "demo", "YK-9", f"case-{number}", START))
    assert sorted(type(one).__name__ for one in results) == ["NoneType"] + ["NumberTaken"] * (TOGETHER - 1)
    owner = results.index(None)
    claim_number(store, registry, "demo", "YK-9", f"case-{owner}", START)
    claim_number(store, registry, "north", "YK-9", "other", START)
    with pytest.raises(NumberTaken):
        claim_number(store, registry, "demo", "YK-9", "other", START)


def test_a_number_and_an_organisation_cannot_run_together(desk: Desk) -> None:
    store, registry = desk.made.store, desk.made.names.registry
    claim_number(store, registry, "a", "b\nc", "one", START)
    claim_number(store, registry, "a\nb", "c", "two", START)


def test_a_key_has_one_result_however_many_ask(desk: Desk) -> None:
    def reserve(owner: str = "manager", key: str = "k", body: str = "b") -> str:
        return reserve_id(
            desk.made.store,
            desk.made.names.registry,
            owner=owner,
            key=key,
            request_digest=body,
            new_id=new_id,
            now=START,
        )

    assert len(set(at_once(lambda _: reserve()))) == 1
    assert reserve() == reserve()
    assert len({reserve(), reserve(owner="deputy"), reserve(key="l")}) == 3
    with pytest.raises(KeyReused):
        reserve(body="other")


def test_repeated_at_once_a_creation_makes_one_case(desk: Desk) -> None:
    body, headers = desk.application(), {**desk.signed_in("manager"), "Idempotency-Key": "once"}

    def create(_: int) -> Any:
        answer = desk.app.test_client().post("/api/v1/cases", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.get_json()["id"]

    results = at_once(create)
    assert len(set(results)) == 1, results
    assert desk.get("/cases")["total"] == 1


def test_a_decision_on_disk_is_never_answered_with_a_conflict_over_an_inbox(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else is always faster there: the decision stands, and the next look at the case tells all."""
    case = desk.open_case()
    task = desk.assign(case)
    put = desk.made.store.put

    def overtaken(database: str, document: Document, *rest: Any, **options: Any) -> str:
        if database.startswith("inbox-") and "_rev" in document:
            faster = desk.made.store.get(database, document["_id"])
            put(database, {**faster, "seen": faster.get("seen", 0) + 1})
        return put(database, document, *rest, **options)

    monkeypatch.setattr(desk.made.store, "put", overtaken)
    made = desk.made.cases.apply(
        case, commands.Reassign(task_id=task, assignees=("colleague",), reason="on leave"), MANAGER
    )
    assert [entry.event for entry in made.events] == ["task_reassigned"]
    assert desk.case(case).tasks[task].assignees == ("colleague",)
    assert [told["active"] for told in desk.inbox("inspector", "assignment:")] == [True]
    monkeypatch.undo()
    desk.made.cases.settle(case)
    assert [told["active"] for told in desk.inbox("inspector", "assignment:")] == [False]
