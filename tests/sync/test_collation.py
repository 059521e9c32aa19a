"""Values are ordered as CouchDB orders them."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sync.collation import _ascii_key, _key, compare, compare_strings

#: Strings in the order in which a CouchDB 3.5.0 view returned them: every character up to U+024F, Greek,
#: Cyrillic, kana, Han, their punctuation and full-width forms, and mixtures.
RECORDED: list[str] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "couchdb_collation.json").read_text()
)
#: Neighbours that stand otherwise than with ICU: its tables are younger than ours.
KNOWN = {("₨", "٠"), ("〹", "凥")}


def test_strings_stand_in_the_order_that_couchdb_gave_them() -> None:
    assert {(a, b) for a, b in pairwise(RECORDED) if compare_strings(a, b) > 0} == KNOWN
    ascii_only = [text for text in RECORDED if text.isascii()]
    assert len(ascii_only) > 200
    assert all(compare_strings(a, b) <= 0 for a, b in pairwise(ascii_only))


def test_the_quick_way_for_ascii_is_the_same_as_the_long_way() -> None:
    def sign(a: Any, b: Any) -> int:
        return int(a > b) - int(a < b)

    ascii_only = [text for text in RECORDED if text.isascii()]
    for a, b in zip(ascii_only, [*ascii_only[7:], *ascii_only[:7]], strict=True):
        assert sign(_ascii_key(a), _ascii_key(b)) == sign(_key(a), _key(b)), (a, b)


def test_types_come_in_couchdbs_order() -> None:
    values: list[Any] = [
        None, False, True, -1, 0, 0.5, 1, 10**30, "", "a", "A", "b", [], [0], [0, 1], [1], ["a"], [[]],
        {}, {"a": 1}, {"a": 1, "b": 0}, {"a": 2}, {"b": 0},
    ]  # fmt: skip
    assert all(compare(a, b) == -1 for a, b in pairwise(values))
    assert compare(1, 1.0) == 0
    assert compare({"a": 1, "b": 2}, {"b": 2, "a": 1}) == -1  # the order of members counts


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(VALUES, VALUES, VALUES)
def test_it_is_an_order(a: Any, b: Any, c: Any) -> None:
    assert compare(a, a) == 0
    assert compare(a, b) == -compare(b, a)
    if compare(a, b) <= 0 and compare(b, c) <= 0:
        assert compare(a, c) <= 0
