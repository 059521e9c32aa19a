"""The log and the document: nothing changed in silence, nothing lost on the way to the store."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.workflow import commands as c
from server.workflow.cause import UnknownCommand, command_of
from server.workflow.decide import decide
from server.workflow.documents import CaseFormatError, case_from_document, case_to_document
from server.workflow.log import append, canonical, verify_log
from server.workflow.model import Actor, Case, Cause
from tests.workflow.builders import POLICY, START, Desk, accepted, energized_desk, item, open_command


def worked_case() -> Case:
    """A case with something of everything in it."""
    desk = energized_desk()
    desk.hazard()
    desk.submit("t-acc", accepted(item("A"), superseded={"A": ({"value": 4.0},)}), revs=("99-z",))
    desk.do(c.ProposeWithdrawal(n=1, reason="wrong site"))
    return desk.case


CASE = worked_case()
WORDS = st.text(st.characters(codec="utf-8"))


def as_javascript(value: Any) -> Any:
    """JSON after a visit to JavaScript, where 4.0 is 4."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: as_javascript(inner) for key, inner in value.items()}
    return [as_javascript(inner) for inner in value] if isinstance(value, list) else value


def test_a_case_comes_back_from_its_document_as_it_was() -> None:
    document = json.loads(json.dumps(case_to_document(CASE)))
    assert (document["_id"], document["type"], document["schema"]) == ("case", "case", 1)
    assert case_from_document({**document, "_rev": "7-a"}) == CASE


def test_the_log_still_verifies_after_javascript_wrote_the_numbers() -> None:
    desk = Desk()
    desk.do(c.AmendCase(reason="x", supply=open_command().supply.__class__(10.0, 800.0)))
    case = case_from_document(as_javascript(case_to_document(desk.case)))
    assert verify_log(case)
    assert case == desk.case


@pytest.mark.parametrize(
    "damage",
    [
        {"_id": "case2"},
        {"type": "inspection"},
        {"schema": 2},
        {"mood": "good"},
        {"stage": None},
        {"_conflicts": ["1-a"]},
    ],
)
def test_a_document_that_is_no_case_of_ours_is_refused_loudly(damage: dict[str, Any]) -> None:
    with pytest.raises(CaseFormatError):
        case_from_document({**case_to_document(CASE), **damage})


def test_an_unknown_field_deep_inside_is_refused_too() -> None:
    document = json.loads(json.dumps(case_to_document(CASE)))
    document["notices"]["1"]["items"][0]["mood"] = "good"
    with pytest.raises(CaseFormatError, match="mood"):
        case_from_document(document)


def test_the_log_of_a_worked_case_verifies_and_an_empty_one_does_not() -> None:
    assert verify_log(CASE)
    assert not verify_log(msgspec.structs.replace(CASE, log=()))


def test_a_log_from_before_causes_were_kept_still_verifies() -> None:
    """The hash is that of the version which wrote no causes."""
    data = {"no": "YK-1", "kva": 630.0}
    entry = append((), "01case", at=START, actor="wang", event="case_opened", data=data)
    assert entry.hash == "0327b4cbf9f565749cd6571c86c145a5e120b3a49aa27373b7cdcda45e0354eb"
    assert "cause" not in msgspec.to_builtins(entry)
    assert verify_log(msgspec.structs.replace(CASE, log=(entry,)))


def test_every_decision_is_in_the_log_with_its_command_and_roles() -> None:
    """The first entry of each carries it; carried out again from there, the case is the same."""
    again = None
    for entry in CASE.log:
        if entry.cause is not None:
            actor = Actor(entry.actor, entry.cause.roles)
            command = command_of(entry.cause)
            again = decide(again, command, now=entry.at, actor=actor, policy=POLICY).case
    assert again == CASE


def test_the_words_of_what_passed_are_not_in_the_log() -> None:
    desk = Desk()
    desk.assign()
    desk.submit("t-acc", accepted(item("A", "pass"), item("B", "fail")))
    causes = [entry.cause for entry in desk.case.log if entry.event == "submission_accepted"]
    assert causes[0] is not None
    passed, failed = causes[0].command["outcome"]["items"]
    assert passed["text"] == {"zh-CN": "", "en": ""}
    assert (failed["text"]["en"], failed["remedy"]["en"]) == ("item B", "mend it")


def test_a_cause_of_a_later_version_is_told_from_one_of_ours() -> None:
    for strange in ({}, {"command": "Levitate"}, {"command": "Hold", "mood": "good"}):
        with pytest.raises(UnknownCommand):
            command_of(Cause(strange))


def plainly(value: Any) -> bytes:
    """Canonical JSON as its definition says it, by Python's own writer."""
    plain = as_javascript(msgspec.to_builtins(value, str_keys=True))
    return json.dumps(
        plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
LIKE_NUMBERS = st.sampled_from(['":1.5', "[0.5", ",1e9", ",null", "\\", '"', "\x7f", "\x00", "\u2028", "e"])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS | LIKE_NUMBERS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(WORDS | LIKE_NUMBERS | st.integers(0, 99), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(VALUES)
def test_canonical_json_is_what_its_definition_says_for_every_value(value: Any) -> None:
    """However it is written: an old hash must come out the same for ever."""
    try:
        wanted = plainly(value)
    except TypeError:  # keys that are texts and numbers at once, told apart
        wanted = None
    if wanted is not None:
        assert canonical(value) == wanted


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_has_no_canonical_json(number: float) -> None:
    for value in (number, [number], {"a": number}, {"a": [1, {"b": number}]}, {"a": (number,)}):
        with pytest.raises(ValueError, match="JSON compliant"):
            canonical(value)


def test_the_log_of_another_case_does_not_verify() -> None:
    assert not verify_log(msgspec.structs.replace(CASE, id="02case"))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_entry_changed_removed_or_moved_is_noticed(data: st.DataObject) -> None:
    log = list(CASE.log)
    at = data.draw(st.integers(0, len(log) - 2))
    damage = data.draw(st.sampled_from(["drop", "swap", "actor", "event", "data", "cause", "hash", "seq"]))
    entry = log[at]
    match damage:
        case "drop":
            del log[at]
        case "swap":
            log[at], log[at + 1] = log[at + 1], log[at]
        case "data":
            log[at] = msgspec.structs.replace(entry, data={**entry.data, "forged": True})
        case "hash":
            log[at] = msgspec.structs.replace(entry, hash="0" * 64)
        case "seq":
            log[at] = msgspec.structs.replace(entry, seq=entry.seq + 1)
        case "cause":
            log[at] = msgspec.structs.replace(entry, cause=Cause({"command": "Hold", "reason": "forged"}))
        case field:
            log[at] = msgspec.structs.replace(entry, **{field: "forged"})
    assert not verify_log(msgspec.structs.replace(CASE, log=tuple(log)))


@settings(max_examples=80, deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | WORDS,
        lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner),
        max_leaves=12,
    )
)
def test_canonical_json_survives_a_visit_to_javascript(value: Any) -> None:
    assert canonical(as_javascript(json.loads(json.dumps(value)))) == canonical(value)


def test_what_json_cannot_say_is_no_canonical_json() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"value": float("nan")})
