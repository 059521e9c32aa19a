"""Many cases opened at once are opened as each would be alone."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from server.casework.access import access_to
from server.casework.creating import Opened, create_many
from server.casework.numbers import NumberTaken, claim_number, holders_of
from server.readmodel.queries import CaseFilter, Scope, list_cases
from server.workflow.commands import OpenCase
from server.workflow.log import verify_log
from server.workflow.model import Actor, Customer, Site, Supply
from server.workflow.refusal import Refusal
from tests.desk import Desk

MANAGER = Actor("manager", ("manager",))


def application(n: int, **changes: Any) -> OpenCase:
    fields: dict[str, Any] = {
        "id": f"case-{n:04}",
        "no": f"YK-{n:04}",
        "process": "hv",
        "organisation": "demo",
        "customer": Customer(f"客户 {n}"),
        "site": Site(121.87, 29.48),
        "supply": Supply(10.0, 630.0),
        "manager": "manager",
        **changes,
    }
    return OpenCase(**fields)


def opened(desk: Desk, *commands: OpenCase, at_once: int = 3) -> list[Opened]:
    return list(create_many(desk.made, commands, MANAGER, at_once=at_once))


def listed(desk: Desk) -> list[dict[str, Any]]:
    rows = list_cases(desk.made.readmodel, Scope("demo"), CaseFilter(), sort="no", offset=0, limit=100).rows
    return rows


def test_many_are_opened_as_one_would_be(desk: Desk) -> None:
    alone = desk.made.cases.open(application(0), MANAGER)
    told = opened(desk, *(application(n) for n in range(1, 8)))
    assert [one.command.no for one in told] == [f"YK-{n:04}" for n in range(1, 8)]
    for one in told:
        assert one.known is not None
        case = desk.made.cases.load(one.command.id)
        assert (case.case, case.rev) == (one.known.case, one.known.rev)
        assert verify_log(case.case)
        assert [entry.event for entry in case.case.log] == [entry.event for entry in alone.case.log]
        wanted = access_to(case.case)
        assert desk.made.store.security(desk.forms(case.case.id)) == wanted.security("case").to_json()
        assert desk.made.store.security(desk.media(case.case.id)) == wanted.security("media").to_json()
    rows = listed(desk)
    assert [row["no"] for row in rows] == [f"YK-{n:04}" for n in range(8)]
    same = set(rows[0]) - {"id", "key", "no", "customer", "words"}
    assert all({name: row[name] for name in same} == {name: rows[0][name] for name in same} for row in rows)
    desk.intake()
    assert listed(desk) == rows


def test_what_is_refused_leaves_no_trace_and_holds_up_no_other(desk: Desk) -> None:
    desk.made.cases.open(application(9, id="elsewhere"), MANAGER)
    misfit = application(2, process="lv")
    told = opened(desk, application(1), misfit, application(9), application(3), at_once=10)
    assert [type(one.failure) for one in told] == [type(None), Refusal, NumberTaken, type(None)]
    databases = desk.made.store.database_names()
    assert not {desk.forms(id_) for id_ in ("case-0002", "case-0009")} & set(databases)
    assert [row["no"] for row in listed(desk)] == ["YK-0001", "YK-0003", "YK-0009"]
    (again,) = opened(desk, application(2))
    assert again.known is not None


def test_who_may_not_open_a_case_may_not_open_many(desk: Desk) -> None:
    (told,) = create_many(desk.made, [application(1)], Actor("inspector", ("inspector",)))
    assert isinstance(told.failure, Refusal)
    assert told.failure.code == "role_missing"


def test_one_number_in_a_batch_goes_to_the_first(desk: Desk) -> None:
    told = opened(desk, application(1), application(2, no="YK-0001"), at_once=10)
    assert told[0].known is not None
    assert isinstance(told[1].failure, NumberTaken)
    assert holders_of(desk.made.store, desk.made.names.registry, "demo", ["YK-0001", "YK-0002"]) == {
        "YK-0001": "case-0001"
    }


def test_the_same_commands_again_find_the_cases(desk: Desk) -> None:
    commands = [application(n) for n in range(5)]
    first = opened(desk, *commands)
    again = opened(desk, *commands, commands[0], at_once=10)
    assert [one.known.rev if one.known else None for one in again[:5]] == [
        one.known.rev if one.known else None for one in first
    ]
    assert again[5].known is not None
    assert len(listed(desk)) == 5


@pytest.mark.parametrize("done", ["number", "media", "both"])
def test_what_was_cut_off_is_finished(desk: Desk, done: str) -> None:
    made = desk.made
    claim_number(made.store, made.names.registry, "demo", "YK-0001", "case-0001", made.clock())
    if done != "number":
        made.store.create_database(desk.media("case-0001"))
    if done == "both":
        made.store.create_database(desk.forms("case-0001"))
    told = opened(desk, application(1), application(2))
    assert all(one.known is not None for one in told)
    case = made.cases.load("case-0001").case
    assert made.store.security(desk.media("case-0001")) == access_to(case).security("media").to_json()
    assert made.store.security(desk.forms("case-0001")) == access_to(case).security("case").to_json()
    assert len(listed(desk)) == 2


def test_an_endless_list_is_taken_as_it_comes(desk: Desk) -> None:
    told = create_many(desk.made, (application(n) for n in itertools.count()), MANAGER, at_once=4)
    assert [one.known is not None for one in itertools.islice(told, 6)] == [True] * 6
    assert len(listed(desk)) == 8


def test_where_revisions_are_not_exact_each_is_opened_by_itself(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(desk.made.store), "exact_revisions", False)
    monkeypatch.setattr(type(desk.made.store), "create_databases", None)
    told = opened(desk, application(1), application(2, process="lv"), application(3), at_once=10)
    assert [type(one.failure) for one in told] == [type(None), Refusal, type(None)]
    assert [row["no"] for row in listed(desk)] == ["YK-0001", "YK-0003"]


def test_several_processes_open_the_same_as_one(desk: Desk) -> None:
    commands = [application(n, process="lv" if n % 7 == 3 else "hv") for n in range(40)]
    told = list(create_many(desk.made, iter(commands), MANAGER, at_once=4, processes=2))
    assert [one.command for one in told] == commands
    refusals = [one.failure for one in told if one.known is None]
    assert {type(one) for one in refusals} == {Refusal}
    assert len(refusals) == 6
    assert [row["no"] for row in listed(desk)] == [one.command.no for one in told if one.known is not None]
    alone = desk.made.cases.open(application(99), MANAGER).case
    case = desk.made.cases.load("case-0039").case
    assert verify_log(case)
    assert [entry.event for entry in case.log] == [entry.event for entry in alone.log]
    first, last = refusals[0], refusals[-1]
    assert isinstance(first, Refusal)
    assert isinstance(last, Refusal)
    assert (first.code, first.params, first.kind, first.facts) == (
        last.code,
        last.params,
        last.kind,
        last.facts,
    )
