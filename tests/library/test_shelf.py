"""Published checklists as the store has them: found at once, read once, and never two under one number."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

import server.services
from checklists.loader import DefinitionError, Library, UnknownChecklist, definition_to_document
from checklists.model import Definition, Text
from server.library.publishing import PublishedChecklistChanged, passed_over
from server.library.shelf import Shelf
from server.services import assemble
from sync.store import DocumentStore
from tests.desk import MINI_FORM, Desk, desk_settings
from tests.drafting import published, sound


class Counting:
    """A store that counts what it is asked."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store
        self.asked: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        self.asked[name] += 1
        return getattr(self._store, name)


@pytest.fixture
def counting(desk: Desk) -> Counting:
    return Counting(desk.made.store)


@pytest.fixture
def shelf(desk: Desk, counting: Counting) -> Shelf:
    """A shelf as another process has it, which began with MINI_FORM alone."""
    return Shelf(cast(DocumentStore, counting), desk.made.names.library, [MINI_FORM])


def renamed(definition: Definition, title: str) -> Definition:
    return replace(definition, title=Text(f"中文 {title}", title))


def test_nothing_is_read_again_when_nothing_is_new(shelf: Shelf, counting: Counting) -> None:
    assert shelf.latest("mini") == MINI_FORM
    counting.asked.clear()
    for _ in range(3):
        shelf.latest("mini")
        shelf.all()
        shelf.limits()
    assert counting.asked == {"changes": 9}, "the feed says that there is nothing"
    counting.asked.clear()
    assert shelf.get("mini", 1) == MINI_FORM
    assert counting.asked == {}, "a published version never changes"


def test_a_version_that_another_process_published_is_found_at_once(
    desk: Desk, shelf: Shelf, counting: Counting
) -> None:
    shelf.all()
    published(desk)
    assert shelf.get("mini", 2) == sound(), "without a look at the feed"
    assert shelf.latest("mini") == sound()
    assert [one.id for one in shelf.newest()] == sorted({one.id for one in shelf.all()})


def test_what_is_not_there_is_not_remembered_as_missing(desk: Desk, shelf: Shelf) -> None:
    for _ in range(2):
        with pytest.raises(UnknownChecklist):
            shelf.get("mini", 2)
    published(desk)
    assert shelf.get("mini", 2) == sound()


def test_a_version_that_cannot_be_read_is_not_called_missing(desk: Desk, shelf: Shelf) -> None:
    """A form that names it waits; it must not come back to its tablet for a version that is there."""
    document = definition_to_document(sound())
    spoilt = {**document, "definition": {**document["definition"], "later": 1}}
    desk.made.store.put(desk.made.names.library, spoilt)
    assert shelf.latest("mini") == MINI_FORM
    with pytest.raises(DefinitionError):
        shelf.get("mini", 2)


# -- what comes with Hezha beside what the office wrote


def opened_with(monkeypatch: pytest.MonkeyPatch, folder: Path, *shipped: Definition) -> Any:
    monkeypatch.setattr(server.services, "load_definitions", lambda: Library(shipped))
    return assemble(desk_settings(folder))


def test_a_shipped_version_with_a_number_of_the_offices_is_passed_over(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server starts, the office's version stays what tasks are judged by, and publishing says so."""
    published(desk)
    theirs = renamed(MINI_FORM, "ours")
    ours = replace(theirs, version=2)
    again = opened_with(monkeypatch, tmp_path, MINI_FORM, ours)
    try:
        assert again.library.get("mini", 2) == sound()
        assert again.library.latest("mini") == sound()
        assert passed_over(again.store, again.names.library, [MINI_FORM, ours]) == [ours]
    finally:
        again.close()


def test_the_offices_numbers_go_on_above_the_shipped_ones(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = opened_with(monkeypatch, tmp_path, MINI_FORM, renamed(replace(MINI_FORM, version=2), "second"))
    again.close()
    assert published(desk, sound(3)).version == 3


def test_a_shipped_version_that_changed_is_refused_and_says_what_to_do(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PublishedChecklistChanged, match=r"mini@1 .* Give the changed definition the next"):
        opened_with(monkeypatch, tmp_path, renamed(MINI_FORM, "changed"))
