"""Every item of a notice stands with how it was found and how it was shown since, round by round."""

from __future__ import annotations

from server.workflow.model import PhotoRef
from server.workflow.pairs import pairs_of
from tests.reports.papers import failure, with_notice
from tests.workflow.builders import COLLEAGUE, accepted, item


def test_an_item_without_photos_lacks_both_sides() -> None:
    (pair,) = pairs_of(with_notice(failure("AA-001")).notice(1))
    assert (pair.code, pair.before, pair.after, pair.lacking) == ("AA-001", (), (), ("before", "after"))


def test_answers_and_re_inspections_stand_in_turn() -> None:
    desk = with_notice(failure("AA-001", photos=("b-1", "b-2", "b-1")))
    assert pairs_of(desk.notice(1))[0].lacking == ("after",)
    desk.answer(1, photos=[PhotoRef("c-1", None, True)])
    task = desk.reinspect(1)
    desk.submit(task.id, accepted(failure("AA-001", photos=("r-1",), by=COLLEAGUE.name)), by=COLLEAGUE.name)
    desk.answer(1)
    task = desk.reinspect(1)
    seen = item("AA-001", "pass", photos=("r-2", "r-1", "b-2"), by=COLLEAGUE.name)
    desk.submit(task.id, accepted(seen), by=COLLEAGUE.name)
    (pair,) = pairs_of(desk.notice(1))
    assert pair.before == ("b-1", "b-2")
    assert [(one.round, one.kind, one.verdict, one.photos) for one in pair.after] == [
        (1, "answer", None, ("c-1",)),
        (1, "reinspection", "fail", ("r-1",)),
        (2, "answer", None, ()),
        (2, "reinspection", "pass", ("r-2", "r-1")),
    ]
    assert pair.shown_after == ("c-1", "r-1", "r-2")
    assert pair.lacking == ()


def test_the_photo_of_before_is_no_photo_of_after() -> None:
    """Whoever names it again has shown nothing new."""
    desk = with_notice(failure("AA-001", photos=("b-1",)))
    desk.answer(1, photos=[PhotoRef("b-1", None, True)])
    assert pairs_of(desk.notice(1))[0].lacking == ("after",)
