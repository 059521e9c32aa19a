"""A view shows the rows that CouchDB would: ranges, keys, groups and reductions."""

from __future__ import annotations

import math
from functools import cmp_to_key
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.collation import compare, sort_keys
from sync.reduces import builtin, term_key
from sync.store import BadRequest, NotOffered, StoreError
from sync.views import ABSENT, Index, Row, ViewQuery, bounds, check

KEYS = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "a", "B", "b", "é", "中"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)
ROWS = st.lists(
    st.builds(Row, st.sampled_from(["a", "B", "c", "é"]), KEYS, st.integers(0, 2)),
    max_size=12,
    unique_by=lambda row: (row.id, repr(row.key)),
)
ENDS = st.just(ABSENT) | KEYS
DOC_IDS = st.none() | st.sampled_from(["", "B", "b", "é"])
QUERIES = st.builds(
    ViewQuery,
    startkey=ENDS,
    endkey=ENDS,
    startkey_docid=DOC_IDS,
    endkey_docid=DOC_IDS,
    inclusive_end=st.booleans(),
    limit=st.none() | st.integers(0, 4),
    skip=st.integers(0, 3),
    descending=st.booleans(),
)


def by_standing(one: Row, other: Row) -> int:
    return compare(one.key, other.key) or (one.id > other.id) - (one.id < other.id)


def plainly(rows: list[Row], query: ViewQuery) -> list[Row]:
    """The rows of a range, by looking at each of them."""
    sign = -1 if query.descending else 1

    def place(row: Row, key: Any, doc_id: str | None) -> int:
        """Where a row stands relative to a bound; 0 also for any document under its key, if none is named."""
        found = compare(row.key, key)
        if not found and doc_id is not None:
            found = (row.id > doc_id) - (row.id < doc_id)
        return found * sign

    def inside(row: Row) -> bool:
        if query.startkey is not ABSENT and place(row, query.startkey, query.startkey_docid) < 0:
            return False
        if query.endkey is ABSENT:
            return True
        end = place(row, query.endkey, query.endkey_docid)
        return end < 0 or (end == 0 and query.inclusive_end)

    ordered = sorted(rows, key=cmp_to_key(by_standing), reverse=query.descending)
    return [row for row in ordered if inside(row)]


@settings(deadline=None)
@given(ROWS, QUERIES)
def test_a_range_holds_just_the_rows_between_its_ends(rows: list[Row], query: ViewQuery) -> None:
    found = Index(rows, bounds(query)).select(query)
    whole = plainly(rows, query)
    end = None if query.limit is None else query.skip + query.limit
    assert list(found.rows) == whole[query.skip : end]
    assert found.total == len(rows)


@settings(deadline=None)
@given(ROWS, st.lists(KEYS, max_size=4), st.booleans())
def test_keys_bring_their_rows_one_key_after_the_other(rows: list[Row], keys: list[Any], down: bool) -> None:
    query = ViewQuery(keys=keys, descending=down)
    wanted = []
    for key in reversed(keys) if down else keys:
        wanted += plainly(rows, ViewQuery(startkey=key, endkey=key, descending=down))
    assert list(Index(rows, bounds(query)).select(query).rows) == wanted


@settings(deadline=None)
@given(ROWS, st.integers(0, 3) | st.none(), st.booleans())
def test_every_row_is_in_one_group_with_its_like(rows: list[Row], level: int | None, down: bool) -> None:
    query = ViewQuery(group=True, group_level=level, descending=down)
    groups = list(Index(rows).groups(query))
    whole = plainly(rows, ViewQuery(descending=down))
    assert [row for group in groups for row in group.rows] == whole
    for group in groups:
        for row in group.rows:
            key = None if level == 0 else row.key
            if level is not None and isinstance(row.key, list):
                key = row.key[:level] if level else None
            assert compare(key, group.key) == 0
    assert all(compare(one.key, other.key) for one, other in pairwise(groups))


@settings(deadline=None)
@given(st.lists(KEYS, max_size=6))
def test_keys_for_sorting_are_ordered_as_the_values_are(values: list[Any]) -> None:
    places = sort_keys(values)
    for one, at in zip(values, places, strict=True):
        for other, there in zip(values, places, strict=True):
            assert (at > there) - (at < there) == compare(one, other)


NUMBERS = st.lists(st.integers(-1000, 1000), min_size=1, max_size=8)


def rows_of(values: list[Any]) -> list[Row]:
    return [Row(f"{number:03}", number, value) for number, value in enumerate(values)]


@settings(deadline=None)
@given(NUMBERS)
def test_built_in_reductions_are_exact(values: list[int]) -> None:
    rows = rows_of(values)
    assert builtin("_sum")(rows) == sum(values)
    assert builtin("_count")(rows) == len(values)
    assert builtin("_approx_count_distinct")(rows) == len(values)
    assert builtin("_stats")(rows) == {
        "sum": sum(values),
        "count": len(values),
        "min": min(values),
        "max": max(values),
        "sumsqr": sum(value * value for value in values),
    }


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(-9, 9), max_size=4), min_size=1, max_size=5))
def test_arrays_are_summed_place_by_place(values: list[list[int]]) -> None:
    longest = max(1, *map(len, values))  # as in CouchDB, which begins with the number 0
    wanted = [sum(value[at] for value in values if at < len(value)) for at in range(longest)]
    assert builtin("_sum")(rows_of(values)) == wanted


@pytest.mark.parametrize(
    "values", [["x"], [1, None], [True], [[1], ["x"]], [{"a": "x"}, {"a": 1}], [1, {"a": 1}]]
)
def test_a_sum_of_what_has_none_is_an_error_that_names_it(values: list[Any]) -> None:
    result = builtin("_sum")(rows_of(values))
    assert result["error"] == "builtin_reduce_error"
    assert "caused_by" in result


@pytest.mark.parametrize(
    "values", [["x"], [None], [{"sum": 1}], [[1], [1, 2]], [[1], 2], [1e200], [{**dict.fromkeys(
        ("sum", "count", "min", "max"), 1), "sumsqr": "x"}]]
)  # fmt: skip
def test_statistics_of_what_has_none_are_refused(values: list[Any]) -> None:
    with pytest.raises(StoreError) as refused:
        builtin("_stats")(rows_of(values))
    assert refused.value.error == "invalid_value"


def test_a_sum_beyond_all_numbers_is_refused_and_never_null() -> None:
    with pytest.raises(StoreError, match="beyond the range"):
        builtin("_sum")(rows_of([1e308, 1e308]))
    assert math.isfinite(builtin("_sum")(rows_of([1e308])))


@pytest.mark.parametrize("name", ["_top_3", "_bottom_1", "_first", "_last", "_nonsense"])
def test_other_built_in_functions_are_not_offered(name: str) -> None:
    with pytest.raises(NotOffered, match=name):
        builtin(name)


def test_values_under_one_key_stand_in_the_order_of_erlangs_terms() -> None:
    values: list[Any] = [
        -1,
        0.5,
        9,
        10,
        False,
        None,
        True,
        {},
        {"a": 1},
        [],
        [1],
        [1, 2],
        [2],
        "",
        "a",
        "b",
        "é",
    ]
    shuffled = values[::-1]
    assert sorted(shuffled, key=term_key) == values


@pytest.mark.parametrize(
    ("query", "has_reduce", "reason"),
    [
        (ViewQuery(reduce=True), False, "Reduce is invalid for map-only views."),
        (ViewQuery(group=True), False, "Invalid use of grouping on a map view."),
        (ViewQuery(group=True, reduce=False), True, "Invalid use of grouping on a map view."),
        (
            ViewQuery(group=False, group_level=2),
            True,
            "Can't specify group=false and group_level>0 at the same time",
        ),
        (ViewQuery(keys=[1, 2]), True, "Multi-key fetches for reduce views must use `group=true`"),
        (
            ViewQuery(keys=[1], startkey=1),
            False,
            "`keys` is incompatible with `key`, `start_key` and `end_key`",
        ),
        (ViewQuery(startkey=2, endkey=1), False, "No rows can match your key range"),
        (ViewQuery(startkey=1, endkey=2, descending=True), False, "No rows can match your key range"),
    ],
)
def test_what_makes_no_sense_is_refused_in_couchdbs_words(
    query: ViewQuery, has_reduce: bool, reason: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        check(query, has_reduce=has_reduce)
    assert refused.value.error == "query_parse_error"
    assert refused.value.reason.startswith(reason)
