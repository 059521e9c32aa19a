"""The life of a version: two persons see what is published, and every refusal says what would change it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from checklists.loader import DefinitionError
from checklists.model import Definition, Text
from checklists.refusal import ChecklistRefused
from checklists.versions import (
    RESERVED_IDS,
    Draft,
    change,
    draft_from_document,
    draft_to_document,
    merged_draft,
    publish,
    review,
    start,
    withdraw,
)
from tests.desk import MINI_FORM

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def written(title: str, version: int = 2) -> Definition:
    return replace(MINI_FORM, version=version, title=Text(title, title))


@dataclass
class Office:
    """People at one draft, a minute apart; the published version before it is MINI_FORM."""

    draft: Draft | None = None
    latest: Definition | None = MINI_FORM
    minutes: int = 0

    def now(self) -> datetime:
        self.minutes += 1
        return NOON + timedelta(minutes=self.minutes)

    def starts(self, by: str, title: str = "one") -> Draft:
        self.draft = start(written(title), by=by, at=self.now(), latest=self.latest, before=self.draft)
        return self.draft

    def changes(self, by: str, title: str) -> Draft:
        assert self.draft is not None
        self.draft = change(self.draft, written(title), by=by, at=self.now(), latest=self.latest)
        return self.draft

    def reviews(self, by: str, complaints: tuple[object, ...] = ()) -> Draft:
        assert self.draft is not None
        self.draft = review(self.draft, by=by, at=self.now(), complaints=complaints)
        return self.draft

    def publishes(self, by: str, complaints: tuple[object, ...] = ()) -> Draft:
        assert self.draft is not None
        self.draft = publish(self.draft, by=by, at=self.now(), complaints=complaints, latest=self.latest)
        return self.draft


def refused(code: str, do: Callable[[], object]) -> ChecklistRefused:
    with pytest.raises(ChecklistRefused) as caught:
        do()
    assert caught.value.code == code
    assert caught.value.facts, "a refusal says which fact would change it"
    return caught.value


def test_a_draft_that_a_second_person_reviewed_is_published() -> None:
    office = Office()
    office.starts("lin")
    office.reviews("zhao")
    draft = office.publishes("lin")
    assert draft.state == "published"
    assert [(event.event, event.by) for event in draft.history] == [
        ("created", "lin"),
        ("reviewed", "zhao"),
        ("published", "lin"),
    ]
    assert {event.digest for event in draft.history} == {draft.definition.digest}


def test_who_wrote_a_draft_does_not_review_it() -> None:
    office = Office()
    office.starts("lin")
    office.changes("zhao", "two")
    for author in ("lin", "zhao"):
        refusal = refused("own_review", partial(office.reviews, author))
        assert refusal.facts == ("person:another",)
        assert refusal.params["names"] == "lin, zhao"
    office.reviews("wu")


def test_a_change_sends_a_reviewed_draft_back() -> None:
    office = Office()
    office.starts("lin")
    office.reviews("zhao")
    assert office.changes("lin", "two").state == "draft"
    assert refused("draft_not_reviewed", lambda: office.publishes("zhao")).facts == (
        "review",
        "person:another",
    )


def test_two_persons_may_review_each_others_changes() -> None:
    office = Office()
    office.starts("lin")
    office.reviews("zhao")
    office.changes("zhao", "two")
    refused("own_review", lambda: office.reviews("zhao"))
    office.reviews("lin")
    assert office.publishes("zhao").reviewer == "lin"


def test_writing_the_same_definition_again_changes_nothing() -> None:
    office = Office()
    office.starts("lin")
    reviewed = office.reviews("zhao")
    assert office.changes("lin", "one") is reviewed


def test_what_lint_complains_of_is_neither_reviewed_nor_published() -> None:
    office = Office()
    office.starts("lin")
    assert refused("checklist_not_sound", lambda: office.reviews("zhao", ("a fault",))).params["count"] == 1
    office.reviews("zhao")
    refused("checklist_not_sound", lambda: office.publishes("lin", ("a fault",)))


@pytest.mark.parametrize("version", [0, 1, 3, -1])
def test_a_version_has_the_number_after_the_published_one(version: int) -> None:
    refusal = refused(
        "version_not_next",
        lambda: start(written("one", version), by="lin", at=NOON, latest=MINI_FORM),
    )
    assert refusal.facts == ("version:2",)


def test_a_number_that_was_taken_in_the_meantime_is_not_published() -> None:
    office = Office()
    office.starts("lin")
    office.reviews("zhao")
    office.latest = written("somebody was faster")
    assert refused("version_not_next", lambda: office.publishes("lin")).facts == ("version:3",)


def test_the_first_version_is_number_one() -> None:
    draft = start(MINI_FORM, by="lin", at=NOON, latest=None)
    assert draft.definition.version == 1


def test_a_checklist_keeps_its_stage() -> None:
    moved = replace(written("one"), stage="survey")
    assert (
        refused("stage_differs", lambda: start(moved, by="lin", at=NOON, latest=MINI_FORM)).kind == "invalid"
    )


@pytest.mark.parametrize(
    "name", ["", "Mini", "1st", "mini form", "mini@2", "../mini", "m" * 65, *sorted(RESERVED_IDS)]
)
def test_an_id_fits_into_a_path_and_is_none_of_its_own(name: str) -> None:
    strange = replace(MINI_FORM, id=name)
    refused("checklist_id_unusable", lambda: start(strange, by="lin", at=NOON, latest=None))


def test_a_draft_stays_with_its_checklist() -> None:
    office = Office()
    draft = office.starts("lin")
    other = replace(written("one"), id="other")
    refused("draft_of_another", lambda: change(draft, other, by="lin", at=NOON, latest=None))


def test_there_is_one_open_draft_of_a_checklist() -> None:
    office = Office()
    office.starts("lin")
    assert refused("draft_exists", lambda: office.starts("zhao")).facts == ("draft:mini",)


def test_nothing_is_done_to_a_draft_that_has_ended() -> None:
    office = Office()
    gone = withdraw(office.starts("lin"), by="lin", at=NOON)
    deeds: list[Callable[[], object]] = [
        lambda: change(gone, written("two"), by="lin", at=NOON, latest=MINI_FORM),
        lambda: review(gone, by="zhao", at=NOON, complaints=()),
        lambda: publish(gone, by="lin", at=NOON, complaints=(), latest=MINI_FORM),
        lambda: withdraw(gone, by="lin", at=NOON),
    ]
    for deed in deeds:
        refused("draft_ended", deed)


def test_what_was_withdrawn_stays_in_the_history_of_the_next_draft() -> None:
    office = Office()
    office.draft = withdraw(office.starts("lin"), by="lin", at=office.now(), remark="wrong limits")
    again = office.starts("zhao", "two")
    assert [event.event for event in again.history] == ["created", "withdrawn", "created"]
    assert again.history[1].remark == "wrong limits"
    refused("own_review", lambda: office.reviews("zhao"))


def test_a_draft_goes_through_its_document_unchanged() -> None:
    office = Office()
    office.starts("lin")
    draft = office.reviews("zhao")
    document = msgspec.json.decode(msgspec.json.encode(draft_to_document(draft)))
    assert document["_id"] == "checklist-draft:mini"
    assert draft_from_document({**document, "_rev": "1-x"}) == draft
    for spoilt in ({"schema": 2}, {"type": "checklist"}, {"state": "odd"}, {"more": 1}):
        with pytest.raises(DefinitionError):
            draft_from_document({**document, **spoilt})


# -- two places at once


def document(draft: Draft) -> dict[str, Any]:
    return draft_to_document(draft)


def test_two_edits_at_once_are_both_kept_and_reviewed_anew() -> None:
    office = Office()
    base = office.starts("lin")
    one = review(base, by="zhao", at=office.now(), complaints=())
    two = change(base, written("two"), by="wu", at=office.now(), latest=MINI_FORM)
    merged = draft_from_document(merged_draft([document(one), document(two)]))
    assert merged.state == "draft"
    assert merged.definition == two.definition
    assert merged.aside == (one.definition,)
    assert {event.event for event in merged.history} == {"created", "reviewed", "changed", "merged"}
    for author in ("lin", "wu"):
        with pytest.raises(ChecklistRefused, match="own_review"):
            review(merged, by=author, at=office.now(), complaints=())


def test_writing_a_merged_draft_anew_lets_go_of_what_was_set_aside() -> None:
    office = Office()
    base = office.starts("lin")
    two = change(base, written("two"), by="wu", at=office.now(), latest=MINI_FORM)
    three = change(base, written("three"), by="lin", at=office.now(), latest=MINI_FORM)
    merged = draft_from_document(merged_draft([document(two), document(three)]))
    again = change(merged, merged.definition, by="wu", at=office.now(), latest=MINI_FORM)
    assert again.aside == ()


def test_what_was_published_stands_against_an_edit() -> None:
    office = Office()
    base = office.starts("lin")
    reviewed = office.reviews("zhao")
    published = publish(reviewed, by="lin", at=office.now(), complaints=(), latest=MINI_FORM)
    edited = change(base, written("two"), by="wu", at=office.now(), latest=MINI_FORM)
    merged = draft_from_document(merged_draft([document(edited), document(published)]))
    assert (merged.state, merged.definition) == ("published", published.definition)
    assert edited.history[-1] in merged.history


def test_the_order_of_leaves_does_not_matter() -> None:
    office = Office()
    base = office.starts("lin")
    leaves = [document(change(base, written(t), by=t, at=NOON, latest=MINI_FORM)) for t in ("a", "b", "c")]
    results = {msgspec.json.encode(merged_draft(order)) for order in permutations(leaves)}
    assert len(results) == 1
    merged = draft_from_document(merged_draft(leaves))
    assert len(merged.aside) == 2


_PEOPLE = st.sampled_from(["lin", "zhao", "wu"])
_DEEDS = st.lists(
    st.tuples(st.sampled_from(["change", "review", "publish"]), _PEOPLE, st.sampled_from("abc")), max_size=12
)


@settings(max_examples=200, deadline=None)
@given(first=_PEOPLE, deeds=_DEEDS)
def test_whatever_people_do_what_is_published_was_seen_by_two(
    first: str, deeds: list[tuple[str, str, str]]
) -> None:
    """Of every published definition, its last author and its reviewer are two persons."""
    office = Office()
    office.starts(first)
    for deed, by, title in deeds:
        with suppress(ChecklistRefused):
            match deed:
                case "change":
                    office.changes(by, title)
                case "review":
                    office.reviews(by)
                case _:
                    office.publishes(by)
    assert office.draft is not None
    if office.draft.state == "published":
        history = office.draft.history
        edits = [n for n, event in enumerate(history) if event.event in ("created", "changed")]
        after = [e.by for e in history[edits[-1] :] if e.event == "reviewed"]
        assert after
        assert history[edits[-1]].by not in after
