"""Works: what is agreed is agreed as it stood, by a person for each function, wherever it was written."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

import server.scheduling
from server.outages.instance import Work
from server.scheduling.merging import merged_request
from server.scheduling.requests import (
    Part,
    Particulars,
    Request,
    WorkRefused,
    agree,
    amend,
    request,
    split,
    withdraw,
)
from server.texts import LANGUAGES, catalogue

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
NEEDED = ("maintenance", "marketing")
ASKED = Particulars(
    type="planned",
    network="town",
    work=Work(id="x", kind="maintenance", minutes=60, skill="line", section="S 1"),
    content="change insulators",
    live_possible=False,
    live_reason="no bucket truck",
)


def asked_for(**changes: Any) -> Request:
    return request("w-1", "demo", replace(ASKED, **changes), by="anna", at=NOW, needed=NEEDED)


def later(hours: int) -> datetime:
    return NOW + timedelta(hours=hours)


def agreed(known: Request, function: Any, by: str, role: str, hours: int = 1) -> Request:
    return agree(known, function, by=by, roles=(role,), at=later(hours), needed=NEEDED)


def test_the_work_bears_what_its_request_says() -> None:
    known = asked_for(cases=("c-1",), type="short")
    assert (known.asked.work.id, known.asked.work.case, known.asked.work.notice) == ("w-1", "c-1", "short")


def test_a_work_is_approved_once_every_function_has_agreed() -> None:
    first = agreed(asked_for(), "maintenance", "ben", "scheduler")
    assert first.state == "requested"
    assert agreed(first, "marketing", "cleo", "manager").state == "approved"


def test_nobody_agrees_to_his_own_or_for_two_or_for_others() -> None:
    known = agreed(asked_for(), "maintenance", "ben", "scheduler")
    for function, by, role, code in (
        ("marketing", "anna", "manager", "work_another_person"),
        ("marketing", "ben", "manager", "work_another_person"),
        ("marketing", "dora", "scheduler", "work_function_of_others"),
        ("maintenance", "dora", "scheduler", "work_agreed_already"),
    ):
        with pytest.raises(WorkRefused) as refusal:
            agreed(known, function, by, role)
        assert refusal.value.code == code
    assert agreed(known, "maintenance", "ben", "scheduler", hours=5) == known, (
        "the same again changes nothing"
    )


def test_what_was_agreed_to_was_not_what_is_asked_now() -> None:
    known = agreed(agreed(asked_for(), "maintenance", "ben", "scheduler"), "marketing", "cleo", "manager")
    longer = replace(ASKED, work=replace(ASKED.work, minutes=240))
    changed = amend(known, longer, by="anna", at=later(2), needed=NEEDED)
    assert (changed.state, changed.agreements) == ("requested", ())
    assert amend(known, ASKED, by="anna", at=later(2), needed=NEEDED) == known


def test_a_work_that_was_given_up_stays_so() -> None:
    known = withdraw(asked_for(), by="anna", at=later(1), reason="moved to next year")
    with pytest.raises(WorkRefused):
        amend(known, replace(ASKED, content="else"), by="anna", at=later(2), needed=NEEDED)
    with pytest.raises(WorkRefused):
        agreed(known, "maintenance", "ben", "scheduler")


def merged(leaves: Sequence[Request]) -> Request:
    documents = [{"type": "work", "request": msgspec.to_builtins(one)} for one in leaves]
    return msgspec.convert(merged_request(documents)["request"], Request)


def test_of_what_was_written_in_two_places_the_more_cautious_stands_in_whatever_order() -> None:
    plain = asked_for()
    both = agreed(agreed(plain, "maintenance", "ben", "scheduler"), "marketing", "cleo", "manager", 2)
    longer = replace(ASKED, work=replace(ASKED.work, minutes=240))
    changed = amend(plain, longer, by="anna", at=later(3), needed=NEEDED)
    gone = withdraw(plain, by="anna", at=later(1), reason="no")
    for leaves in permutations((both, changed)):
        assert (merged(leaves).state, merged(leaves).agreements) == ("requested", ())
        assert merged(leaves).asked.work.minutes == 240
    for three in permutations((both, changed, gone)):
        assert merged(three).state == "withdrawn"
        assert len(merged(three).history) == 5


def test_who_agreed_for_two_functions_in_two_places_agreed_for_neither() -> None:
    plain = asked_for()
    one, other = agreed(plain, "maintenance", "ben", "admin"), agreed(plain, "marketing", "ben", "admin", 2)
    for leaves in permutations((one, other)):
        assert (merged(leaves).state, merged(leaves).agreements) == ("requested", ())


def codes() -> set[str]:
    found = set()
    for source in Path(server.scheduling.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = getattr(node.func, "id", "")
                if name in ("Finding", "_grave", "NetworkError"):
                    found.add(str(node.args[0].value))
                if name in ("WorkRefused", "PlanRefused"):
                    found.add("problem." + str(node.args[0].value))
    return found


@pytest.mark.parametrize("lang", LANGUAGES)
def test_everything_that_is_said_has_words(lang: str) -> None:
    assert {"work_case_missing", "network_not_json", "problem.work_not_open"} <= codes()
    assert sorted(codes() - set(catalogue(lang))) == []


def halves(known: Request, *minutes: int, in_order: bool = True, named_by: tuple[str, ...] = ()) -> Any:
    parts = [Part(minutes=one) for one in minutes]
    return split(known, parts, in_order=in_order, named_by=named_by, by="dora", at=later(2), needed=NEEDED)


def test_a_work_in_parts_is_given_up_for_them_and_they_are_agreed_to_anew() -> None:
    half = agreed(asked_for(cases=("c-1",)), "maintenance", "ben", "scheduler")
    whole = agreed(half, "marketing", "cleo", "manager")
    gone, (first, second) = halves(whole, 40, 30)
    assert (gone.state, gone.history[-1].remark) == ("withdrawn", "w-1-1, w-1-2")
    assert [(one.id, one.state, one.asked.work.minutes) for one in (first, second)] == [
        ("w-1-1", "requested", 40),
        ("w-1-2", "requested", 30),
    ]
    assert (first.asked.work.after, second.asked.work.after) == ((), ("w-1-1",))
    assert second.asked.work.section == whole.asked.work.section
    assert second.asked.cases == ("c-1",)
    assert halves(gone, 40, 30)[0] is gone, "the same again changes nothing"
    assert halves(whole, 40, 30, in_order=False)[1][1].asked.work.after == ()


def test_a_work_is_not_split_into_less_nor_from_those_that_name_it() -> None:
    known = asked_for()
    for minutes, named_by, code in (
        ((20, 39), (), "work_split_short"),
        ((30, 30), ("w-2",), "work_named_by_others"),
    ):
        with pytest.raises(WorkRefused) as refusal:
            halves(known, *minutes, named_by=named_by)
        assert refusal.value.code == code
    with pytest.raises(WorkRefused):
        halves(withdraw(known, by="anna", at=later(1), reason="no"), 30, 30)
