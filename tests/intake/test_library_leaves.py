"""Drafts, versions and limits that two servers wrote at once: nothing is lost, and the safer one stands."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from checklists.loader import definition_to_document
from checklists.model import Text
from checklists.overrides import Override
from checklists.standing import confirm_end, standing_to_document
from checklists.versions import change, draft_to_document
from tests.desk import MINI_FORM, Desk
from tests.drafting import begin, published, sound
from tests.forks import LOSES, WINS, one_leaf, written_elsewhere


@pytest.mark.parametrize("digest", [WINS, LOSES])
def test_two_edits_of_a_draft_are_both_kept(desk: Desk, digest: str) -> None:
    rev = begin(desk, sound()).strip('"')
    registry, name = desk.made.names.registry, "checklist-draft:mini"
    first = rev.split("-")[1]
    known = desk.made.drafts.get("mini")
    desk.clock.forward(minutes=1)
    desk.made.drafts.change("mini", sound(title="here"), by="manager", if_rev=rev)
    other = change(known.draft, sound(title="there"), by="deputy", at=desk.clock(), latest=MINI_FORM)
    written_elsewhere(desk.made.store, registry, draft_to_document(other), digest, first)

    desk.intake()
    assert one_leaf(desk.made.store, registry, name)["state"] == "draft"
    draft = desk.get("/checklists/drafts/mini")
    titles = {one["title"]["en"] for one in (draft["definition"], *draft["aside"])}
    assert titles == {"here", "there"}
    assert sorted(draft["authors"]) == ["deputy", "manager"]


@pytest.mark.parametrize("digest", [WINS, LOSES])
def test_of_a_number_that_was_given_twice_the_first_stands(desk: Desk, digest: str) -> None:
    """Against the lease; every process sees the same one when it is settled."""
    published(desk)
    library, name = desk.made.names.library, "checklist:mini@2"
    here = desk.document(library, name)
    assert desk.made.library.get("mini", 2) == sound()
    later = [{**event, "at": "2027-01-01T00:00:00Z"} for event in here["history"]]
    other = {**definition_to_document(sound(title="there")), "history": later}
    written_elsewhere(desk.made.store, library, other, digest)
    desk.intake()
    assert one_leaf(desk.made.store, library, name)["digest"] == sound().digest
    assert desk.made.library.latest("mini") == sound()


@pytest.mark.parametrize("digest", [WINS, LOSES])
def test_a_limit_that_only_one_server_ended_holds(desk: Desk, digest: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("checklists.overrides.lint", lambda definition: [])
    limits, library = desk.made.limits, desk.made.names.library
    basis = Text("省公司", "the province")
    override = Override(
        id="l-1", organisation="demo", item="NR-01", since=date(2026, 11, 1), max=2.0, basis=basis, source="x"
    )
    today = date(2026, 11, 2)
    limits.add(override, by="admin")
    waiting = limits.propose_end("l-1", until=today, reason="x", by="admin", today=today, if_rev=None)
    before = desk.made.store.leaves(library, "checklist-limit:l-1")[0]["_revisions"]["ids"]
    kept = limits.reject_end("l-1", reason="in force", by="manager", if_rev=None)
    assert kept.standing.limit.until is None
    ended = confirm_end(waiting.standing, by="deputy", at=desk.clock(), today=today)
    written_elsewhere(desk.made.store, library, standing_to_document(ended), digest, *before)
    desk.intake()
    settled = one_leaf(desk.made.store, library, "checklist-limit:l-1")
    assert "until" not in settled["limit"]
    assert [one.standing.limit.until for one in limits.all()] == [None]
