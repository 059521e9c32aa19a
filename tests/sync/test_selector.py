"""A selector matches the documents that CouchDB says it matches, and nonsense is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.selector import parse, project
from sync.store import BadRequest

VECTORS = Path(__file__).parents[1] / "vectors"
SELECTORS: dict[str, list[Any]] = json.loads((VECTORS / "selectors.json").read_text())
DOCS = [{"_id": f"v{n:02}", "_rev": "1-a", "v": value} for n, value in enumerate(SELECTORS["values"])]


class PlainRegexes:
    """Patterns of tests harm nobody."""

    def check(self, pattern: str) -> None:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(str(error)) from error

    def search(self, pattern: str, text: str) -> bool:
        return re.search(pattern, text) is not None


REGEXES = PlainRegexes()


def matching(selector: Any) -> list[str]:
    test = parse(selector, REGEXES)
    return [doc["_id"] for doc in DOCS if test(doc)]


def test_every_recorded_selector_finds_what_it_found_in_couchdb() -> None:
    recorded = json.loads((VECTORS / "couchdb_answers" / "selectors.json").read_text())
    # The first step of the scene writes the documents; then come the selectors, one step each.
    found = [answer["body"]["results"] for answer in recorded[1 : 1 + len(SELECTORS["selectors"])]]
    assert len(found) > 100
    for selector, rows in zip(SELECTORS["selectors"], found, strict=True):
        assert matching(selector) == [row["id"] for row in rows], selector


@pytest.mark.parametrize("selector", SELECTORS["refused"], ids=json.dumps)
def test_what_nobody_understands_is_refused(selector: Any) -> None:
    with pytest.raises(BadRequest):
        parse(selector, REGEXES)


@pytest.mark.parametrize(
    "selector",
    [
        {"a..b": 1}, {".a": 1}, {"a": {"$mod": [0, 1]}}, {"a": {"$mod": [True, 1]}}, {"a": {"$regex": "("}},
        {"a": {"$text": "x"}}, {"a": {"$size": True}}, {"a": {"$beginsWith": 1}},
    ],
)  # fmt: skip
def test_what_couchdb_fails_at_is_refused_too(selector: Any) -> None:
    with pytest.raises(BadRequest):
        parse(selector, REGEXES)


def test_a_selector_nested_beyond_reason_is_refused_and_not_a_crash() -> None:
    selector: Any = {"a": 1}
    for _ in range(5000):
        selector = {"$not": selector}
    with pytest.raises(BadRequest, match="nested"):
        parse(selector, REGEXES)


def test_a_document_is_cut_down_to_fields() -> None:
    doc = {"_id": "a", "x": {"y": 1, "z": 2}, "l": [{"m": 5}]}
    assert project(doc, ["_id", "x.y", "none", "x.none", "_id.x"]) == {"_id": "a", "x": {"y": 1}}
    assert project(doc, []) == doc


_CONDITIONS = st.one_of(
    st.builds(
        lambda op, arg: {op: arg},
        st.sampled_from(["$lt", "$lte", "$eq", "$ne", "$gte", "$gt"]),
        st.sampled_from(SELECTORS["values"]),
    ),
    st.builds(lambda arg: {"$in": arg}, st.lists(st.sampled_from(SELECTORS["values"]), max_size=3)),
    st.builds(lambda name: {"$type": name}, st.sampled_from(["null", "string", "object", "array"])),
)
_TREES = st.recursive(
    st.builds(lambda condition: {"v": condition}, _CONDITIONS),
    lambda inner: (
        st.builds(
            lambda op, parts: {op: parts},
            st.sampled_from(["$and", "$or", "$nor"]),
            st.lists(inner, min_size=1),
        )
        | st.builds(lambda part: {"$not": part}, inner)
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=60)
@given(_TREES)
def test_of_a_field_that_is_there_a_negation_finds_the_others(selector: Any) -> None:
    """Where the field is missing neither matches, which is CouchDB's way of pushing negations down."""
    found, others = set(matching(selector)), set(matching({"$not": selector}))
    assert found | others == {doc["_id"] for doc in DOCS}
    assert not found & others
    missing = {"_id": "x"}
    assert not parse({"v": {"$gt": 1}}, REGEXES)(missing)
    assert not parse({"$not": {"v": {"$gt": 1}}}, REGEXES)(missing)
