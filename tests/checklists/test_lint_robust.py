"""Lint and the blank form take any definition that has the right shape, however senseless it is."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from checklists import Definition, lint
from checklists.linting import undecided
from server.reports.blank_form import form_pages
from tests.reports.test_blank_form import FORM

JSON: Any = msgspec.to_builtins(FORM)


def paths(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    steps = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list | tuple)
        else ()
    )
    return [way, *(path for step, inner in steps for path in paths(inner, (*way, step)))]


PATHS = paths(JSON)[1:]
TYPES = ("pass_fail", "number", "choice", "multi_choice", "repeat", "rule", "signature", "location", "text")
SENSELESS = (
    "",
    " ",
    "#",
    "na",
    "fail",
    "x" * 3000,
    "facts.",
    'answers["AA-02"] > 1',
    "true",
    "facts.dual",
    "1",
)


def at(path: tuple[Any, ...]) -> Any:
    value = JSON
    for step in path:
        value = value[step]
    return value


def other(path: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """What may stand at `path` as well, of the type of what stands there."""
    value = at(path)
    words = {"type": TYPES, "severity": ("critical", "minor"), "photo": ("always", "on_fail", "never")}
    if isinstance(value, bool) or value is None:
        return st.sampled_from([not value, None])
    if isinstance(value, int | float):
        return st.sampled_from([-1, 0, 1, 3, 10**9])
    if isinstance(value, str):
        return st.sampled_from(words.get(path[-1], SENSELESS))
    if isinstance(value, list | tuple):
        return st.sampled_from([[], [*value, *value], list(reversed(value))])
    return st.sampled_from([None, {"zh-CN": "", "en": "词"}, value])


CHANGES = st.sampled_from(PATHS).flatmap(lambda path: st.tuples(st.just(path), other(path)))


def changed(value: Any, path: tuple[Any, ...], put: Any) -> Any:
    """`value` with something else at `path`, if that is still there."""
    if not path:
        return put
    if isinstance(value, dict):
        inner = changed(value[path[0]], path[1:], put) if path[0] in value else put
        return {**value, path[0]: inner}
    if isinstance(value, list | tuple):
        return [changed(one, path[1:], put) if index == path[0] else one for index, one in enumerate(value)]
    return value


@given(st.lists(CHANGES, min_size=1, max_size=3))
@settings(deadline=None, max_examples=60)
def test_nothing_that_has_the_shape_of_a_definition_stops_them(changes: list[tuple[Any, Any]]) -> None:
    value = JSON
    for path, put in changes:
        value = changed(value, path, put)
    try:
        definition = msgspec.convert(value, Definition)
    except msgspec.ValidationError:
        return
    for complaint in lint(definition):
        assert complaint.text.zh.strip()
        assert complaint.text.en.strip()
    undecided(definition)
    form_pages(definition)
