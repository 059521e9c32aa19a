"""A form says of each item which photos it wants, which it has, and what none of them shows."""

from __future__ import annotations

from typing import Any

import pytest

from checklists import evaluate
from checklists.model import Definition, Item, Section, Text, View
from checklists.shots import ItemShots, shots_of
from tests.checklists.transformers import FACTS, FORM, answer, good

WORDS = Text("部位", "part")
VIEWS = (View("wide", WORDS), View("close_up", WORDS, min=2))


def item(code: str, **more: Any) -> Item:
    fields: dict[str, Any] = {"type": "pass_fail", "severity": "minor", "remedy": WORDS, "source": "practice"}
    return Item(code=code, text=WORDS, **(fields | more))


SHOTS = Definition(
    id="shots",
    version=1,
    stage="acceptance",
    title=WORDS,
    sections=(
        Section(
            id="shots",
            title=WORDS,
            items=(
                item("SH-01", type="photo", photo="always", photos_min=3, views=VIEWS),
                item("SH-02", photo="always", photos_min=2),
                item("SH-03", photo="on_fail"),
                item("SH-04"),
            ),
        ),
    ),
)
PHOTOS = ["a", "b", "c"]


def found(verified: set[str], **answers: Any) -> dict[str, ItemShots]:
    given = {code.replace("_", "-"): value for code, value in answers.items()}
    judged = evaluate(SHOTS, {}, given)
    return {one.code: one for one in shots_of(SHOTS, judged.items, given, verified)}


def test_only_verified_photos_count() -> None:
    views = {"wide": ["a"], "close_up": ["b", "c"]}
    full = found({"a", "b", "c"}, SH_01=answer(None, photos=PHOTOS, views=views))["SH-01"]
    assert (full.wanted, full.verified, full.complete) == (3, ("a", "b", "c"), True)
    assert [(view.view, view.photos, view.complete) for view in full.views] == [
        ("wide", ("a",), True),
        ("close_up", ("b", "c"), True),
    ]
    pending = found({"a", "c"}, SH_01=answer(None, photos=PHOTOS, views=views))["SH-01"]
    assert (pending.photos, pending.verified, pending.complete) == (("a", "b", "c"), ("a", "c"), False)
    assert [view.complete for view in pending.views] == [True, False]


def test_enough_photos_of_the_wrong_thing_are_not_complete() -> None:
    views = {"wide": ["a", "b", "c"]}
    one = found({"a", "b", "c"}, SH_01=answer(None, photos=PHOTOS, views=views))["SH-01"]
    assert len(one.verified) == one.wanted
    assert not one.complete


@pytest.mark.parametrize(
    "views", [None, [], "wide", {"wide": "a"}, {"wide": {"a": 1}}, {"wide": [7, None, ["a"]]}]
)
def test_views_that_cannot_be_read_show_nothing(views: Any) -> None:
    given = {"SH-01": answer(None, photos=PHOTOS, views=views)}
    judged = evaluate(SHOTS, {}, {"SH-01": answer(None, photos=PHOTOS)})
    (one, _) = shots_of(SHOTS, judged.items, given, set(PHOTOS))
    assert not any(view.photos for view in one.views)


def test_a_photo_that_a_view_names_and_the_answer_does_not_shows_nothing() -> None:
    judged = evaluate(SHOTS, {}, {"SH-01": answer(None, photos=["a"])})
    given = {"SH-01": answer(None, photos=["a"], views={"wide": ["z"]})}
    assert shots_of(SHOTS, judged.items, given, {"a", "z"})[0].views[0].photos == ()


def test_what_is_wanted_hangs_on_the_verdict() -> None:
    passed = found(set(), SH_03=answer("pass"))
    assert "SH-03" not in passed
    failed = found(set(), SH_03=answer("fail", note="rust"))["SH-03"]
    assert (failed.wanted, failed.complete) == (1, False)
    unasked = found({"a"}, SH_04=answer("pass", photos=["a"]))["SH-04"]
    assert (unasked.wanted, unasked.verified, unasked.complete) == (0, ("a",), True)


def test_an_item_that_was_not_answered_still_wants_its_photos() -> None:
    assert {code: one.wanted for code, one in found(set()).items()} == {"SH-01": 3, "SH-02": 2}


def test_not_applicable_wants_none() -> None:
    assert "SH-02" not in found(set(), SH_02=answer("na", note="none there"))


def test_completeness_agrees_with_the_judgement_when_all_is_verified() -> None:
    """The same rule decides what the form is given back for."""
    for count in range(4):
        given = {
            "SH-01": answer(
                None, photos=PHOTOS[:count], views={"wide": PHOTOS[:1], "close_up": PHOTOS[1:count]}
            ),
            "SH-02": answer("pass", photos=PHOTOS[:count]),
        }
        judged = evaluate(SHOTS, {}, given)
        short = {one.item for one in judged.problems if one.code in ("missing_photo", "missing_view")}
        wanting = {one.code for one in shots_of(SHOTS, judged.items, given, set(PHOTOS)) if not one.complete}
        assert wanting == short, count


def test_entries_of_a_repeat_have_photos_of_their_own() -> None:
    given = good(T_02k=answer(299, photos=["p"]))
    judged = evaluate(FORM, FACTS, given)
    one = next(one for one in shots_of(FORM, judged.items, given, {"p"}) if one.photos)
    assert (one.code, one.label, one.verified) == ("T-02#k", "1#主变", ("p",))
