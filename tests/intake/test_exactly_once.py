"""Intake may be cut off at any write and is then told everything again: the outcome is the same, once.

Each story is prepared on a data folder. It is taken in once undisturbed; then, on a copy, once for every
write that intake makes, cut off just before it and just after it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from server.casework.cases import Cases
from server.intake.intake import FOLLOWER
from server.intake.worker import make_intake
from server.services import Services
from sync.follow import Follower
from sync.store import DocumentStore
from tests.desk import Clock, Desk, open_desk, photo_document, run_intake, unsent_document

#: Writes at which the process may die. Checkpoints are not among them: they are the follower's own.
WRITES = ("put", "bulk_docs", "put_attachment", "create_database", "set_security")


class Died(BaseException):
    """The process ends here."""


class Mortal:
    """A store in whose `at`-th write the process dies, before or after the write is on disk."""

    def __init__(self, store: DocumentStore, at: int, *, after: bool) -> None:
        self._store = store
        self._left = at
        self._after = after
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name not in WRITES:
            return method

        def write(*args: Any, **kwargs: Any) -> Any:
            self.writes += 1
            self._left -= 1
            if self._left == 0 and not self._after:
                raise Died
            result = method(*args, **kwargs)
            if self._left == 0:
                raise Died
            return result

        return write


def on(made: Services, store: Mortal) -> Services:
    """The same services, writing through `store`."""
    mortal = cast("DocumentStore", store)
    cases = Cases(mortal, made.names, made.readmodel, made.cases.rules, made.clock)
    return replace(made, store=mortal, cases=cases)


def everything(desk: Desk) -> dict[str, dict[str, Any]]:
    """Every document of the case and of every inbox, without what counts writes."""
    store, names = desk.made.store, desk.made.names
    found = {}
    for database in store.database_names():
        if names.parse(database) is None or names.parse(database)[0] == "outbox":  # type: ignore[index]
            continue
        for document in store.all_docs(database):
            document.pop("_rev")
            document.pop("update_seq", None)
            if document["_id"].startswith("inspection:"):
                leaves = store.leaves(database, document["_id"])
                document["leaves"] = sorted(leaf["status"] for leaf in leaves)
            if "_attachments" in document:
                document["_attachments"] = sorted(document["_attachments"])
            found[f"{database}/{document['_id']}"] = document
        if names.parse(database)[0] == "case":  # type: ignore[index]
            found[f"{database}/_security"] = store.security(database)
    return found


def good_form(desk: Desk) -> None:
    """A form with a failure, its photo, a hazard."""
    case = desk.open_case()
    task = desk.assign(case, id="t-1")
    desk.submit(case, task, PF_01=desk.answer("fail", note="rust"))
    desk.shoot(case, task)
    hazard = {"_id": "hazard:h-1", "type": "hazard", "schema": 1, "description": "a pit", "by": "inspector"}
    desk.write("inspector", desk.forms(case), {**hazard, "at": desk.clock().isoformat()})


def returned_branches(desk: Desk) -> None:
    """Two branches that are both incomplete, so that they are merged and opened again."""
    case = desk.open_case()
    task = desk.assign(case, "inspector", "colleague", id="t-1")
    desk.graft("inspector", desk.forms(case), desk.form(task), "aa")
    other = desk.form(task, by="colleague", PF_01=desk.answer("fail", by="colleague"))
    desk.graft("colleague", desk.forms(case), other, "bb")


def stranger(desk: Desk) -> None:
    """A form signed by somebody who is assigned to another task."""
    case = desk.open_case()
    task = desk.assign(case, id="t-1")
    desk.assign(case, "colleague", id="t-2")
    desk.submit(case, task, by="colleague")


def accepted_parcels(desk: Desk) -> None:
    """A photo and a form from an outbox, accepted by the manager and not taken in yet."""
    case = desk.open_case()
    task = desk.assign(case, id="t-1")
    desk.patch(f"/cases/{case}/tasks/{task}", {"assignees": ["colleague"], "reason": "on leave"})
    photo = photo_document("p-1", task, "PH-01")
    parcel = unsent_document("u-1", desk.media(case), {k: v for k, v in photo.items() if k != "_attachments"})
    outbox = desk.made.names.outbox("inspector")
    desk.write("inspector", outbox, {**parcel, "_attachments": photo["_attachments"]})
    desk.write("inspector", outbox, unsent_document("u-2", desk.forms(case), desk.form(task)))
    desk.intake()
    for unsent in ("u-1", "u-2"):
        desk.post(f"/cases/{case}/quarantine/{unsent}/settle", {"decision": "accept", "reason": "seen"})


STORIES: tuple[Callable[[Desk], None], ...] = (good_form, returned_branches, stranger, accepted_parcels)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Callable[[Desk], None]], Path]:
    """Data folders in which a story was told and nothing taken in."""
    folders: dict[str, Path] = {}

    def tell(story: Callable[[Desk], None]) -> Path:
        if story.__name__ not in folders:
            folder = tmp_path_factory.mktemp(story.__name__)
            with open_desk(folder) as desk:
                desk.hire("colleague", "inspector")
                story(desk)
            folders[story.__name__] = folder
        return folders[story.__name__]

    return tell


def taken_in(folder: Path, at: int, *, after: bool) -> tuple[dict[str, dict[str, Any]], int]:
    """What stands after intake died in its `at`-th write and was started again; and how many it made."""
    with open_desk(folder, clock=Clock()) as desk:
        mortal = Mortal(desk.made.store, at, after=after)
        intake = make_intake(on(desk.made, mortal))
        follower = Follower(desk.made.store, FOLLOWER, intake.wants, intake.handle)
        try:
            while follower.run_once():
                pass
        except Died:
            pass
        run_intake(desk.made, make_intake(desk.made))
        return everything(desk), mortal.writes


@pytest.mark.parametrize("story", STORIES, ids=lambda story: str(story.__name__))
def test_the_outcome_is_the_same_wherever_intake_was_cut_off(
    story: Callable[[Desk], None], told: Callable[[Callable[[Desk], None]], Path], tmp_path: Path
) -> None:
    folder = told(story)
    undisturbed, writes = taken_in(copy(folder, tmp_path / "calm"), 0, after=False)
    assert writes > 3
    for after in (False, True):
        for at in range(1, writes + 1):
            spare = copy(folder, tmp_path / f"{at}-{after}")
            outcome, _ = taken_in(spare, at, after=after)
            assert outcome == undisturbed, f"cut off {'after' if after else 'before'} write {at}"
            shutil.rmtree(spare)


def copy(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target)
    return target
