"""What no decision accounts for is found, and where."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.audit import Head, head, traces
from server.workflow.documents import CaseFormatError, case_from_document, case_to_document
from server.workflow.lean import lean
from server.workflow.log import canonical, reseal
from server.workflow.model import Actor, Case, LogEntry
from tests.workflow.builders import MANAGER, START, Desk, accepted, energized_desk, item


def worked_desk() -> Desk:
    """A case with something of everything in it."""
    desk = energized_desk()
    desk.hazard()
    desk.submit("t-acc", accepted(item("A"), superseded={"A": ({"value": 4.0},)}), revs=("99-z",))
    desk.do(c.ProposeWithdrawal(n=1, reason="wrong site"))
    return desk


CASE = worked_desk().case
DOCUMENT: dict[str, Any] = json.loads(json.dumps(case_to_document(CASE)))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every plain value in a document."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        if isinstance(inner, dict | list):
            yield from leaves(inner, (*path, key))
        else:
            yield (*path, key)


PATHS = [path for path in leaves(DOCUMENT) if path[0] not in {"_id", "type", "schema"}]


def changed(path: tuple[Any, ...], value: Any) -> Case:
    document = copy.deepcopy(DOCUMENT)
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return case_from_document(document)


def codes(case: Case, known: tuple[Head, ...] = ()) -> list[tuple[str, str]]:
    return [(one.code, one.part) for one in traces(case, known)]


def test_a_case_that_only_decisions_changed_leaves_no_trace() -> None:
    assert traces(CASE) == ()
    assert traces(case_from_document(DOCUMENT), (head(CASE),)) == ()


@given(st.sampled_from(PATHS), st.sampled_from([None, True, 3, "other", "2026-03-02T01:00:00Z"]))
def test_any_value_changed_in_the_document_is_found(path: tuple[Any, ...], value: Any) -> None:
    try:
        case = changed(path, value)
    except CaseFormatError:
        return  # Nobody would read such a document.
    assert bool(traces(case)) == (canonical(case_to_document(case)) != canonical(DOCUMENT))


def test_a_one_in_the_place_of_a_yes_is_found() -> None:
    """Python calls them equal, the rules do not."""
    desk = worked_desk()
    desk.do(c.SetFacts(facts={"dual": True}, reason="seen"))
    document = json.loads(json.dumps(case_to_document(desk.case)))
    document["facts"]["dual"]["value"] = 1
    assert codes(case_from_document(document)) == [("part_changed", "facts/dual")]


def test_a_part_that_was_taken_out_or_put_in_is_found_by_its_name() -> None:
    notices = dict(CASE.notices)
    del notices[1]
    assert codes(replace(CASE, notices=notices)) == [("part_changed", "notices/1")]
    facts = {**CASE.facts, "newcomer": CASE.facts["dual"]}
    assert codes(replace(CASE, facts=facts)) == [("part_unrecorded", "facts/newcomer")]


def test_a_change_is_found_between_its_two_entries_even_if_a_decision_built_on_it() -> None:
    desk = Desk()
    desk.do(c.SetFacts(facts={"dual": True}, reason="two feeders"))
    seen = desk.case.log[-1]
    forged = replace(desk.case.facts["dual"], value=False)
    desk.case = replace(desk.case, facts={**desk.case.facts, "dual": forged})
    assert codes(desk.case) == [("part_changed", "facts/dual")]
    desk.do(c.MoveStage(to="survey"))
    desk.do(c.SetFacts(facts={"dual": True}, reason="two feeders"))
    (trace,) = traces(desk.case)
    assert (trace.code, trace.part) == ("part_changed", "facts/dual")
    assert (trace.after_seq, trace.before_seq) == (seen.seq, desk.case.log[-1].seq)
    assert (trace.at, trace.actor) == (seen.at, MANAGER.name)


def test_a_broken_log_is_found_at_the_entry_that_broke() -> None:
    entries = list(CASE.log)
    entries[4] = replace(entries[4], actor="somebody")
    (trace,) = traces(replace(CASE, log=tuple(entries)))
    assert (trace.code, trace.before_seq, trace.reason) == ("log_broken", 5, "hash")
    del entries[4]
    assert ("log_broken", "") in codes(replace(CASE, log=tuple(entries)))
    assert codes(replace(CASE, log=()))[0] == ("log_empty", "")


def test_a_case_put_back_whole_is_found_by_a_head_that_was_kept() -> None:
    desk = Desk()
    desk.do(c.MoveStage(to="survey"))
    before = desk.case
    desk.do(c.Hold(reason="stop"))
    kept = (head(before), head(desk.case))
    assert traces(before) == ()
    (trace,) = traces(before, kept)
    assert (trace.code, trace.before_seq, trace.reason) == ("head_missing", len(desk.case.log), "shorter")


def test_a_log_written_anew_with_its_hashes_is_found_by_a_head_that_was_kept() -> None:
    last = reseal(replace(CASE.log[-1], actor="somebody"))
    case = replace(CASE, log=(*CASE.log[:-1], last))
    assert traces(case) == ()
    (trace,) = traces(case, (head(CASE),))
    assert (trace.code, trace.reason) == ("head_missing", "rewritten")


def as_before_parts_were_recorded(case: Case) -> Case:
    log: tuple[LogEntry, ...] = ()
    for entry in case.log:
        prev = log[-1].hash if log else entry.prev
        log = (*log, reseal(replace(entry, changes=None, prev=prev)))
    return replace(case, log=log)


def test_an_older_case_says_that_nothing_is_recorded_and_gets_all_of_it_at_its_next_decision() -> None:
    desk = worked_desk()
    desk.case = as_before_parts_were_recorded(desk.case)
    assert codes(desk.case) == [("unsealed", "")]
    desk.hazard("h-2")
    assert traces(desk.case) == ()
    amended = replace(desk.case, title="another")
    assert codes(amended) == [("part_unrecorded", "title")]
    desk.case = replace(desk.case, stage="archived")
    assert codes(desk.case) == [("part_changed", "stage")]


def test_small_parts_are_recorded_in_words_and_large_ones_by_their_digest() -> None:
    desk = Desk()
    decision = desk.do(c.MoveStage(to="survey"))
    changes = decision.events[-1].changes
    assert changes is not None
    assert (changes["stage"].before, changes["stage"].after) == ({"is": "accepted"}, {"is": "survey"})
    desk.assign()
    decision = desk.submit("t-acc", accepted(*(item(f"A{n}") for n in range(9))))
    changes = decision.events[-1].changes
    assert changes is not None
    assert (changes["notices/1"].before, set(changes["notices/1"].after)) == ({}, {"sha256"})
    assert all(entry.changes is None for entry in decision.events[:-1])


def test_the_log_names_the_device_that_a_decision_was_sent_from() -> None:
    desk = Desk()
    decision = desk.do(c.MoveStage(to="survey"), Actor(MANAGER.name, MANAGER.roles, "tablet-7"))
    assert decision.events[0].cause is not None
    assert decision.events[0].cause.device == "tablet-7"


class Older(msgspec.Struct):
    name: str
    inner: tuple[str, ...] = ()


class Newer(Older):
    mood: str = "good"
    more: dict[str, int] = msgspec.field(default_factory=dict)


@pytest.mark.parametrize("names", [(), ("b",)])
def test_a_field_that_a_later_version_adds_changes_no_record(names: tuple[str, ...]) -> None:
    assert lean(Older("a", names)) == lean(Newer("a", names))
    assert lean(Newer("a", mood="bad")) != lean(Older("a"))


def test_a_head_tells_how_far_the_log_had_come() -> None:
    assert head(CASE) == Head(CASE.id, len(CASE.log), CASE.log[-1].hash)
    assert head(replace(CASE, log=())).seq == 0
    assert CASE.log[0].at >= START
