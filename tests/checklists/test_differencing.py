"""Two versions side by side: every change is told in both languages, and none that is not there."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from checklists.differencing import Difference, difference
from checklists.differencing.compare import _moved
from checklists.differencing.words import known_fields
from checklists.loader import load_definitions
from checklists.model import (
    Definition,
    Entries,
    Item,
    Limit,
    NumberRange,
    Option,
    Point,
    Role,
    Section,
    SeverityRule,
    Text,
    View,
)
from tests.desk import MINI_FORM


def words(said: str) -> Text:
    return Text(f"中文{said}", said)


def item(code: str = "A-01", **changes: Any) -> Item:
    fields: dict[str, Any] = {
        "code": code,
        "text": words(f"text of {code}"),
        "type": "number",
        "severity": "major",
        "remedy": words("mend it"),
        "source": "judgement",
        "unit": "Ω",
        "limits": (Limit(max=4.0),),
    }
    return Item(**{**fields, **changes})


def form(*items: Item, more: tuple[Item, ...] = (), **changes: Any) -> Definition:
    fields: dict[str, Any] = {
        "id": "form",
        "version": 1,
        "stage": "acceptance",
        "title": words("form"),
        "sections": (
            Section("first", words("first section"), items or (item(),)),
            *((Section("second", words("second section"), more),) if more else ()),
        ),
    }
    return Definition(**{**fields, **changes})


def only(before: Definition, after: Definition) -> Difference:
    """The one difference; its sentences have no gaps and stand in both languages."""
    [found] = difference(before, after)
    for sentence in (found.text.zh, found.text.en):
        assert sentence
        assert "{" not in sentence
    return found


#: A value for every field of an item that differs from the sample's, and what it makes of the checklist.
CHANGES: dict[str, tuple[Any, str | None]] = {
    "text": (words("other"), None),
    "type": ("text", None),
    "severity": ("critical", "graver"),
    "remedy": (words("other"), None),
    "source": ("practice", None),
    "criterion": (words("good"), None),
    "certainty": ("verify", None),
    "photo": ("on_fail", "graver"),
    "photos_min": (2, "graver"),
    "required": (False, "milder"),
    "na": ("refused", "graver"),
    "when": ("facts.dual", "milder"),
    "accept": ('answers["A-01"] < 3.0', "graver"),
    "unit": ("kΩ", None),
    "range": (NumberRange(0.0, 100.0), None),
    "limits": ((Limit(max=3.0),), "graver"),
    "options": ((Option("yes", words("yes")),), None),
    "roles": ((Role("owner", words("owner")),), "graver"),
    "points": ((Point("gate", words("gate")),), "graver"),
    "views": ((View("plate", words("plate")),), "graver"),
    "instrument": (True, "graver"),
    "accept_verdict": ("warning", "milder"),
    "severities": ((SeverityRule("critical", "facts.dual"),), "graver"),
    "entries": (Entries(words("cable"), max=9), None),
}


def test_every_field_of_an_item_has_a_name_and_is_tried_here() -> None:
    fields = set(Item.__struct_fields__) - {"code", "items"}
    assert fields == known_fields() == CHANGES.keys()


@pytest.mark.parametrize("field", CHANGES)
def test_a_change_of_any_field_is_told_with_its_effect(field: str) -> None:
    value, effect = CHANGES[field]
    found = only(form(item()), form(item(**{field: value})))
    assert (found.place, found.field, found.effect) == ("A-01", field, effect)
    back = only(form(item(**{field: value})), form(item()))
    assert back.effect == {"graver": "milder", "milder": "graver", None: None}[effect]


def test_versions_that_say_the_same_do_not_differ() -> None:
    for definition in load_definitions().all():
        assert difference(definition, replace(definition, version=definition.version + 1)) == ()


def test_a_sentence_says_what_was_and_what_is() -> None:
    stricter = Limit(max=3.5, severity="critical", note=True)
    found = only(form(item(limits=(Limit(max=4.0, severity="minor"),))), form(item(limits=(stricter,))))
    assert found.text == Text(
        "A-01：限值由“≤ 4 → 不合格（轻微）”改为“≤ 3.5 → 不合格（严重），须说明”（更严）。",
        "A-01: limit was “≤ 4 → fail (minor)” and is “≤ 3.5 → fail (critical), with a note” (stricter).",
    )


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        (Limit(max=4.0), Limit(max=3.0), "graver"),
        (Limit(max=4.0), Limit(max=5.0), "milder"),
        (Limit(min=4.0), Limit(min=5.0), "graver"),
        (Limit(min=1.0, max=4.0), Limit(min=0.5, max=3.0), None),
        (Limit(max=4.0, verdict="warning"), Limit(max=4.0), "graver"),
        (Limit(max=4.0, severity="minor"), Limit(max=4.0, severity="critical"), "graver"),
        (Limit(max=4.0), Limit(max=4.0, severity="critical"), None),
        (Limit(max=4.0, note=True), Limit(max=4.0), "milder"),
    ],
)
def test_a_changed_limit_is_stricter_or_milder_or_neither(
    before: Limit, after: Limit, effect: str | None
) -> None:
    found = only(form(item(limits=(before,))), form(item(limits=(after,))))
    assert (found.kind, found.effect) == ("field_changed", effect)


def test_a_limit_under_another_condition_is_another_limit() -> None:
    before = form(item(limits=(Limit(max=4.0, when="facts.dual"),)))
    after = form(item(limits=(Limit(max=4.0, when="facts.gen"),)))
    assert {found.kind for found in difference(before, after)} == {"field_dropped", "field_set"}


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        (Option("a", words("a")), Option("a", words("a"), verdict="fail"), "graver"),
        (Option("a", words("a"), "fail", "critical"), Option("a", words("a"), "fail", "minor"), "milder"),
        (Option("a", words("a"), "fail"), Option("a", words("a"), "fail", "minor"), None),
        (Option("a", words("a")), Option("a", words("b")), None),
    ],
)
def test_an_option_may_come_to_mean_something_else(before: Option, after: Option, effect: str | None) -> None:
    others = (Option("z", words("z")),)
    found = only(form(item(options=(before, *others))), form(item(options=(after, *others))))
    assert (found.kind, found.effect) == ("field_changed", effect)


def test_the_order_of_options_is_told_as_an_order() -> None:
    two = (Option("a", words("a")), Option("b", words("b")))
    assert only(form(item(options=two)), form(item(options=two[::-1]))).kind == "field_reordered"


def test_items_come_and_go() -> None:
    before, after = form(item("A-01"), item("A-02")), form(item("A-01"), item("A-03"))
    found = difference(before, after)
    assert [(one.kind, one.place, one.effect) for one in found] == [
        ("item_added", "A-03", "graver"),
        ("item_removed", "A-02", "milder"),
    ]


def test_an_item_that_moves_is_not_an_item_that_goes_and_comes() -> None:
    one, two, three = item("A-01"), item("A-02"), item("A-03")
    reordered = only(form(one, two, three), form(three, one, two))
    assert (reordered.kind, reordered.place) == ("item_reordered", "A-03")
    moved = only(form(one, two, more=(three,)), form(one, more=(two, three)))
    assert (moved.kind, moved.place) == ("item_moved", "A-02")
    assert (moved.before, moved.after) == (words("first section"), words("second section"))


def test_what_moves_and_changes_is_told_twice() -> None:
    before = form(item("A-01"), item("A-02"), more=(item("A-03"),))
    after = form(item("A-01"), more=(item("A-03"), item("A-02", severity="minor")))
    assert [one.kind for one in difference(before, after)] == ["item_moved", "field_changed"]


def test_items_inside_a_repeat_are_compared_like_others() -> None:
    def repeated(*inner: Item) -> Item:
        return item("R", type="repeat", unit=None, limits=(), entries=Entries(words("cable")), items=inner)

    before, after = form(repeated(item("A-01"), item("A-02"))), form(repeated(item("A-01", severity="minor")))
    assert [(one.kind, one.place) for one in difference(before, after)] == [
        ("field_changed", "A-01"),
        ("item_removed", "A-02"),
    ]
    outside = difference(before, form(repeated(item("A-01")), item("A-02")))
    assert [(one.kind, one.place) for one in outside] == [("item_moved", "A-02")]


def test_titles_and_sections_are_told() -> None:
    base = form(item("A-01"), more=(item("A-02"),))
    first, second = base.sections
    assert only(base, replace(base, title=words("other"))).kind == "title"
    assert only(base, replace(base, stage="survey")).kind == "stage"
    assert only(base, replace(base, sections=(second, first))).kind == "section_moved"
    renamed = replace(first, title=words("other"))
    assert only(base, replace(base, sections=(renamed, second))).kind == "section_changed"
    kinds = {one.kind for one in difference(base, replace(base, sections=(first,)))}
    assert kinds == {"section_removed", "item_removed"}


@settings(max_examples=100, deadline=None)
@given(names=st.permutations("abcdefgh"))
def test_as_few_as_possible_are_called_moved(names: list[str]) -> None:
    """What is not called moved stands in the old order, and one move is one move."""
    old = sorted(names)
    moved = _moved(old, names)
    stayed = [name for name in names if name not in moved]
    assert stayed == sorted(stayed)
    if names != old:
        assert 0 < len(moved) < len(old)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_is_changed_is_told(data: st.DataObject) -> None:
    """No difference means the same definition."""
    before = MINI_FORM
    items = list(before.items)
    place = data.draw(st.sampled_from(range(len(items))))
    field = data.draw(st.sampled_from(sorted(CHANGES)))
    items[place] = replace(items[place], **{field: CHANGES[field][0]})
    kept = data.draw(st.permutations(items))[: data.draw(st.integers(1, len(items)))]
    after = replace(before, sections=(replace(before.sections[0], items=tuple(kept)),))
    assert (difference(before, after) == ()) == (after == before)
