"""How an organisation's limit ends: one proposes, another confirms, and what held has held."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any

import msgspec
import pytest

from checklists.loader import DefinitionError
from checklists.model import Text
from checklists.overrides import Override
from checklists.refusal import ChecklistRefused
from checklists.standing import (
    Standing,
    add,
    confirm_end,
    merged_standing,
    propose_end,
    reject_end,
    standing_from_document,
    standing_to_document,
)

NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
LIMIT = Override(
    id="l-1",
    organisation="north",
    item="NR-01",
    since=date(2026, 12, 1),
    basis=Text("省公司 2026-12 号文", "circular 2026-12"),
    source="circular 2026-12, 3.2",
    max=4.0,
)
TODAY = date(2026, 12, 10)


def proposed(until: date = TODAY) -> Standing:
    standing = add(LIMIT, by="lin", at=NOON)
    return propose_end(standing, until=until, reason="withdrawn", by="lin", at=NOON, today=TODAY)


def end_refused(code: str, do: Callable[[], object]) -> ChecklistRefused:
    with pytest.raises(ChecklistRefused) as caught:
        do()
    assert caught.value.code == code
    assert caught.value.facts
    return caught.value


def test_a_limit_ends_when_a_second_person_confirms() -> None:
    waiting = proposed()
    assert waiting.limit.until is None, "a proposal changes nothing"
    assert end_refused(
        "limit_end_own", lambda: confirm_end(waiting, by="lin", at=NOON, today=TODAY)
    ).facts == ("person:another",)
    ended = confirm_end(waiting, by="zhao", at=NOON, today=TODAY)
    assert (ended.limit.until, ended.ending) == (TODAY, None)
    assert [(event.event, event.by) for event in ended.history] == [
        ("added", "lin"),
        ("end_proposed", "lin"),
        ("ended", "zhao"),
    ]


def test_what_held_on_a_day_has_held() -> None:
    """No limit ends before today, neither by a proposal nor by one that waited too long."""
    yesterday = date(2026, 12, 9)
    assert end_refused("limit_end_passed", lambda: proposed(yesterday)).facts == ("field:until",)
    waiting = proposed()
    tomorrow = date(2026, 12, 11)
    end_refused("limit_end_passed", lambda: confirm_end(waiting, by="zhao", at=NOON, today=tomorrow))


def test_a_proposal_that_is_turned_down_leaves_the_limit_and_a_trace() -> None:
    kept = reject_end(proposed(), reason="still in force", by="zhao", at=NOON)
    assert (kept.limit, kept.ending) == (LIMIT, None)
    assert kept.history[-1].remark == "still in force"
    for late in (
        lambda: confirm_end(kept, by="zhao", at=NOON, today=TODAY),
        lambda: reject_end(kept, reason="x", by="zhao", at=NOON),
    ):
        end_refused("limit_end_not_proposed", late)


def test_one_proposal_at_a_time_and_none_that_prolongs() -> None:
    waiting = proposed()
    again: dict[str, Any] = {"until": TODAY, "reason": "x", "by": "wu", "at": NOON, "today": TODAY}
    end_refused("limit_end_proposed", lambda: propose_end(waiting, **again))
    ended = confirm_end(waiting, by="zhao", at=NOON, today=TODAY)
    end_refused("limit_ends_before", lambda: propose_end(ended, **again))


def test_a_limit_goes_through_its_document_unchanged() -> None:
    waiting = proposed()
    document = msgspec.json.decode(msgspec.json.encode(standing_to_document(waiting)))
    assert document["_id"] == "checklist-limit:l-1"
    assert standing_from_document({**document, "_rev": "1-x"}) == waiting
    ended = standing_to_document(confirm_end(waiting, by="zhao", at=NOON, today=TODAY))
    assert ended["digest"] == document["digest"]


def test_a_limit_that_says_something_else_than_it_did_is_not_read() -> None:
    document = standing_to_document(proposed())
    spoilt: list[dict[str, Any]] = [
        {"limit": {**document["limit"], "max": 9.0}},
        {"schema": 2},
        {"type": "x"},
        {"more": 1},
    ]
    for change in spoilt:
        with pytest.raises(DefinitionError):
            standing_from_document({**document, **change})


def test_written_in_two_places_a_limit_holds_for_longer() -> None:
    waiting = proposed()
    ended = confirm_end(waiting, by="zhao", at=NOON, today=TODAY)
    kept = reject_end(waiting, reason="no", by="wu", at=NOON)
    for order in permutations([standing_to_document(ended), standing_to_document(kept)]):
        merged = standing_from_document(merged_standing(order))
        assert (merged.limit.until, merged.ending) == (None, None)
        assert {event.event for event in merged.history} == {"added", "end_proposed", "end_rejected", "ended"}
