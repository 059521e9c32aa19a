"""A definition with every field there is, and definitions of any kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from hypothesis import strategies as st

from checklists.model import (
    Definition,
    Entries,
    Item,
    ItemType,
    Limit,
    NumberRange,
    Option,
    Point,
    Role,
    Section,
    Severity,
    SeverityRule,
    Stage,
    Text,
    View,
)

__all__ = ["EVERYTHING", "definitions"]

_WORDS = Text("文字", "words")


def _item(code: str, kind: ItemType, **more: Any) -> Item:
    return Item(
        code, Text(f"{code} 题", f"{code} asked"), kind, "major", Text("整改", "mend"), "practice", **more
    )


_OPTIONS = (
    Option("good", Text("良好", "good")),
    Option("so so", Text("一般", "so so"), verdict="warning", severity="minor", note=True),
    Option("none", Text("无", "none"), verdict="fail", severity="critical", alone=True),
)
_LIMITS = (
    Limit(min=0.5, max=4.0, when="facts.dual", severity="critical"),
    Limit(
        max=10.0,
        verdict="warning",
        note=True,
        basis=Text("省公司文件", "provincial rule"),
        since="2026-03-01",
    ),
)
EVERYTHING = Definition(
    "everything",
    12,
    "acceptance",
    Text("一切", "Everything"),
    (
        Section(
            "first",
            _WORDS,
            (
                _item("A-1", "pass_fail", criterion=_WORDS, photo="on_fail", photos_min=2),
                _item("A-2", "pass_fail", na="allowed", when='answers["A-1"] == "fail"', certainty="verify"),
                _item(
                    "A-3",
                    "number",
                    unit="Ω",
                    range=NumberRange(-1.5, 1000.0),
                    limits=_LIMITS,
                    instrument=True,
                    accept='answers["A-3"] > 0.0',
                    accept_verdict="warning",
                ),
                _item(
                    "A-4", "choice", options=_OPTIONS, severities=(SeverityRule("critical", "facts.dual"),)
                ),
                _item("A-5", "multi_choice", options=_OPTIONS, when='"so so" in answers["A-4"] || facts.gen'),
                _item("甲 6", "text", required=False, when='answers["A-4"] == "so so" && "A-1" in answers'),
            ),
        ),
        Section(
            "第二",
            _WORDS,
            (
                _item("B-1", "date"),
                _item("B-2", "photo", photo="always", photos_min=3, views=(View("front", _WORDS, 2),)),
                _item("B-3", "signature", roles=(Role("customer", _WORDS), Role("utility", _WORDS, 2))),
                _item("B-4", "location", points=(Point("n", _WORDS),), limits=(Limit(max=10.0),)),
                _item("B-5", "file"),
                _item("B-6", "file", na="refused", when='days(answers["B-1"], "2026-01-01") > 3.0'),
            ),
        ),
        Section(
            "each",
            _WORDS,
            (
                _item(
                    "C",
                    "repeat",
                    criterion=_WORDS,
                    na="allowed",
                    required=False,
                    entries=Entries(Text("台", "transformer"), min=0, max=8, count='answers["A-3"] + 1.0'),
                    items=(
                        _item("C-1", "number", unit="kVA", range=NumberRange(0.0, 1e5)),
                        _item("C-2", "text", when='answers["C-1"] > answers["A-3"]'),
                    ),
                ),
                _item("D", "repeat", entries=Entries(_WORDS, min=2, max=2), items=(_item("D-1", "text"),)),
                _item(
                    "R-1",
                    "rule",
                    criterion=_WORDS,
                    accept='sum(answers["C"].map(e, e["C-1"])) <= 1.1 * facts.capacity_kva',
                ),
                _item("R-2", "rule", criterion=_WORDS, accept='visit.end > times["A-1"]', required=False),
            ),
        ),
    ),
)

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "=1+1",
        "'",
        "''x",
        " padded ",
        "${A-1}",
        "_x000D_",
        "a\r\nb",
        "\x00",
        "@x",
        "-",
        "x005F_",
        "\u00a0",
        "TRUE",
        "1.0",
    ]
)
_PAIRS = st.builds(Text, _TEXTS, _TEXTS)
_NUMBERS = st.floats(-1e12, 1e12) | st.sampled_from([0.1, -0.0, 1e300, 5e-324])
_SEVERITIES = st.sampled_from(get_args(Severity))
_EXPRESSIONS = st.none() | _TEXTS | st.sampled_from(["facts.dual", "facts.gen && !facts.dual", "true", "1 <"])
_LIMIT = st.builds(
    Limit,
    min=st.none() | _NUMBERS,
    max=st.none() | _NUMBERS,
    verdict=st.sampled_from(["fail", "warning"]),
    severity=st.none() | _SEVERITIES,
    when=_EXPRESSIONS,
    note=st.booleans(),
    basis=st.none() | _PAIRS,
    since=st.none() | _TEXTS,
)
_OPTION = st.builds(
    Option,
    _TEXTS,
    _PAIRS,
    verdict=st.sampled_from(["pass", "warning", "fail"]),
    severity=st.none() | _SEVERITIES,
    alone=st.booleans(),
    note=st.booleans(),
)


def _several(part: st.SearchStrategy[Any], least: int = 0) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(part, min_size=least, max_size=3).map(tuple)


@st.composite
def _items(draw: st.DrawFn, code: str, kinds: Sequence[ItemType]) -> Item:
    kind = draw(st.sampled_from(kinds))
    fields: dict[str, Any] = {
        "criterion": draw(st.none() | _PAIRS),
        "certainty": draw(st.sampled_from(["settled", "verify"])),
        "photo": draw(st.sampled_from(["always", "on_fail", "never"])),
        "photos_min": draw(st.integers(1, 9)),
        "required": draw(st.booleans()),
        "na": draw(st.sampled_from([None, "allowed", "refused"])),
        "when": draw(_EXPRESSIONS),
        "accept": draw(_EXPRESSIONS),
        "accept_verdict": draw(st.sampled_from(["fail", "warning"])),
        "views": draw(_several(st.builds(View, _TEXTS, _PAIRS, st.integers(1, 3)))),
        "severities": draw(_several(st.builds(SeverityRule, _SEVERITIES, _TEXTS))),
    }
    if kind == "number":
        low, high = sorted([draw(_NUMBERS), draw(_NUMBERS)])
        fields |= {
            "unit": draw(st.none() | _TEXTS),
            "range": NumberRange(low, high),
            "instrument": draw(st.booleans()),
        }
        fields["limits"] = draw(_several(_LIMIT))
    if kind in ("choice", "multi_choice"):
        fields["options"] = tuple(
            draw(st.lists(_OPTION, min_size=2, max_size=4, unique_by=lambda one: one.value))
        )
    if kind == "signature":
        fields["roles"] = draw(_several(st.builds(Role, _TEXTS, _PAIRS, st.integers(1, 3)), 1))
    if kind == "location":
        fields["points"] = draw(_several(st.builds(Point, _TEXTS, _PAIRS)))
    if kind == "repeat":
        fields["entries"] = draw(
            st.builds(Entries, _PAIRS, st.integers(0, 3), st.integers(3, 9), st.none() | _TEXTS)
        )
        inner = [one for one in kinds if one not in ("repeat", "rule")]
        fields["items"] = tuple(
            draw(_items(f"{code}.{number}", inner)) for number in range(draw(st.integers(1, 2)))
        )
    return Item(code, draw(_PAIRS), kind, draw(_SEVERITIES), draw(_PAIRS), draw(_TEXTS), **fields)


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    """Definitions of the right shape, whether or not they make sense."""
    codes = iter(
        draw(st.lists(_TEXTS.filter(lambda text: "#" not in text), min_size=6, max_size=6, unique=True))
    )
    kinds = get_args(ItemType)
    sections = []
    for _ in range(draw(st.integers(1, 2))):
        items = tuple(draw(_items(next(codes), kinds)) for _ in range(draw(st.integers(1, 3))))
        sections.append(Section(draw(_TEXTS), draw(_PAIRS), items))
    stage = draw(st.sampled_from(get_args(Stage)))
    return Definition(draw(_TEXTS), draw(st.integers(1, 999)), stage, draw(_PAIRS), tuple(sections))
