"""Forms to judge: small definitions made for a theme, and the ones that come with Hezha."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from checklists import Definition, Section, Text
from checklists.model import Item, ItemType, Limit, NumberRange, Option, Point, Role, Severity, View
from tests.vectors.checklists.answers import answers_to, long_answers, merged_answers, plain, values_of
from tests.vectors.checklists.pools import JSON, NUMBERS, TEXTS, edges

__all__ = [
    "Case",
    "case_of",
    "conditions",
    "definition_of",
    "disputes",
    "facts_of",
    "items_of",
    "lengths",
    "missing",
    "of_types",
    "order",
    "reinspections",
]

#: What `judge` and `evaluate` take, as JSON: definition, facts, answers, and the options that are used.
Case = dict[str, Any]

_SEVERITIES: tuple[Severity, ...] = ("critical", "major", "minor")
_words = edges(Text("接地", "earthing"), Text("“{value}” 与 $&", "{value} and $&"), Text("𠮷野", "𠮷"))
_whens = edges(
    None,
    "facts.dual",
    "facts.dual || facts.gen",
    "facts.dual_or_gen",
    "facts.capacity_kva >= 100",
    'facts.transformer_type == "oil"',
    "facts.oil && !facts.outdoor",
    "has(facts.capacity_kva) && facts.capacity_kva < 0.5",
)


def facts_of() -> st.SearchStrategy[dict[str, Any]]:
    """Facts of a case: known, unknown, derived, of the wrong type, and undeclared."""
    known = {
        "dual": st.booleans(),
        "gen": st.booleans(),
        "outdoor": st.booleans(),
        "capacity_kva": edges(99.9, 100, 100.0, 630),
        "transformer_type": edges("oil", "dry"),
    }
    odd = {
        **{name: values | JSON for name, values in known.items()},
        "capacity_kva": NUMBERS | JSON,
        "oil": st.booleans(),
        "dual_or_gen": st.booleans(),
        "colour": TEXTS,
        "toString": st.booleans(),
    }
    return st.fixed_dictionaries({}, optional=known) | st.fixed_dictionaries({}, optional=odd)


def definition_of(items: Sequence[Item]) -> Definition:
    return Definition(
        "vector", 1, "survey", Text("向量", "vector"), (Section("all", Text("全部", "all"), tuple(items)),)
    )


def case_of(
    definition: Definition, facts: Mapping[str, Any], answers: Mapping[str, Any], **more: Any
) -> Case:
    return {
        "definition": msgspec.to_builtins(definition),
        "facts": dict(facts),
        "answers": dict(answers),
        **{name: value for name, value in more.items() if value},
    }


@st.composite
def items_of(draw: st.DrawFn, /, kind: ItemType, code: str, **fixed: Any) -> Item:
    """An item of a type, with whatever such an item can carry."""
    fields: dict[str, Any] = {
        "severity": draw(edges(*_SEVERITIES)),
        "required": draw(edges(True, True, False)),
        "na": draw(edges(None, "allowed", "refused")),
        "photo": draw(edges("never", "never", "always", "on_fail")),
        "photos_min": draw(edges(1, 1, 2)),
        "criterion": draw(edges(None) | _words),
        "certainty": draw(edges("settled", "verify")),
        "instrument": draw(edges(False, False, True)) if kind == "number" else False,
    }
    if kind == "number":
        fields["unit"] = draw(edges("m", "Ω", None))
        fields["range"] = draw(edges(None, NumberRange(0, 100), NumberRange(-50, 1e21)))
    if kind in ("number", "location"):
        fields["limits"] = tuple(draw(st.lists(_limits(), max_size=3)))
    if kind in ("choice", "multi_choice"):
        fields["options"] = draw(_option_sets())
    if kind == "signature":
        fields["roles"] = draw(
            edges(
                (Role("utility", Text("供电", "utility"), 2), Role("客户", Text("客户", "customer"))),
                (Role("a", Text("甲", "a")),),
            )
        )
    if kind == "location":
        points = tuple(Point(name, Text(name, f"at {name}")) for name in ("premises", "10", "b", "9"))
        fields["points"] = draw(edges((), points[:1], points))
    if kind == "photo" or fields["photo"] != "never":
        views = tuple(
            View(name, Text(name, f"view {name}"), least) for name, least in (("plate", 1), ("10", 2))
        )
        fields["views"] = draw(edges((), views))
    return Item(
        code=code,
        text=draw(_words),
        type=kind,
        remedy=Text("整改", "mend"),
        source="test",
        **{**fields, **fixed},
    )


@st.composite
def _limits(draw: st.DrawFn) -> Limit:
    bounds = edges(0.6, 0.8, 4.0, 1e21, 0.1 + 0.2, 100.0)
    low, high = draw(st.booleans()), draw(st.booleans())
    return Limit(
        min=draw(bounds) if low or not high else None,
        max=draw(bounds) if high else None,
        verdict=draw(edges("fail", "warning")),
        severity=draw(edges(None, *_SEVERITIES)),
        when=draw(_whens),
        note=draw(st.booleans()),
    )


@st.composite
def _option_sets(draw: st.DrawFn) -> tuple[Option, ...]:
    return tuple(
        Option(
            value,
            draw(_words),
            draw(edges("pass", "warning", "fail")),
            draw(edges(None, *_SEVERITIES)),
            alone=draw(edges(False, False, True)),
            note=draw(st.booleans()),
        )
        for value in ("a", "b", "检")
    )


def of_types(*kinds: ItemType) -> st.SearchStrategy[Case]:
    """One to three items of these types with an answer each, or none."""

    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        items = [
            draw(items_of(draw(edges(*kinds)), f"TT-0{number}"))
            for number in range(1, draw(edges(2, 2, 3, 4)))
        ]
        answers = {
            item.code: draw(answers_to(item)) for item in items if draw(edges(True, True, True, False))
        }
        return case_of(definition_of(items), draw(facts_of()), answers)

    return cases()


@st.composite
def lengths(draw: st.DrawFn) -> Case:
    """Texts, notes and lists of photos at their limits."""
    item = draw(items_of("text", "TT-01"))
    return case_of(definition_of([item]), {}, {item.code: draw(long_answers())})


@st.composite
def order(draw: st.DrawFn) -> Case:
    """Codes and keys that the two languages would sort, list or look up in different ways."""
    codes = draw(st.permutations(["B-2", "10", "9", "A-1", "\ue000", "𠮷", "toString"]))[:4]
    items = [draw(items_of("pass_fail", code, when=draw(edges(None, "facts.dual")))) for code in codes]
    asked = draw(st.permutations([*codes, "zz", "1", "__proto__", "\uffff", "𠮷野"]))[
        : draw(st.integers(1, 9))
    ]
    odd = {"10": 1, "b": 2, "𠮷": 3, "\uffff": 4, "9": 5, "__proto__": 6}
    answers = {
        code: plain("pass") | {key: odd[key] for key in draw(st.permutations(sorted(odd)))[:2]}
        for code in asked
    }
    return case_of(definition_of(items), draw(facts_of()), answers)


_accepts = edges(
    'answers["TT-01"] >= 2 * answers["TT-02"]',
    'answers["TT-02"] <= 4 || answers["TT-01"] == 4',
    'facts.dual && answers["TT-01"] > 0',
    'answers["TT-03"] == "pass"',
    '"TT-03" in answers && answers["TT-03"] != "fail"',
    'answers["TT-04"].size() > 1 && "a" in answers["TT-04"]',
    'answers["TT-05"].contains("𠮷") || size(answers["TT-05"]) == 3',
    'answers["TT-05"] < "\\uffff"',
    'answers["TT-01"] + answers["TT-02"] == 0.3',
    'answers["TT-01"] / answers["TT-02"] > 1',
    'answers["TT-02"] + answers["TT-05"] == 4',
    "answers.size() > 1 ? true : facts.gen",
)


def _chained(draw: st.DrawFn) -> list[Item]:
    """Five items whose conditions and rules look at each other."""
    when = edges(None, None, "facts.dual", 'answers["TT-01"] > 1', 'answers["TT-03"] == "pass"', "facts.gen")
    kinds: tuple[ItemType, ...] = ("number", "number", "pass_fail", "multi_choice", "text")
    return [
        draw(
            items_of(
                kind,
                f"TT-0{number}",
                when=draw(when),
                accept=draw(edges(None, None) | _accepts),
                accept_verdict=draw(edges("fail", "fail", "warning")),
            )
        )
        for number, kind in enumerate(kinds, start=1)
    ]


def _answered(draw: st.DrawFn, items: Sequence[Item], share: int = 4) -> dict[str, Any]:
    present = edges(False, *[True] * share)
    return {item.code: plain(draw(values_of(item))) for item in items if draw(present)}


@st.composite
def conditions(draw: st.DrawFn) -> Case:
    """Items hidden by facts and by other answers; rules that compare; facts unknown, unusable and derived."""
    items = _chained(draw)
    return case_of(definition_of(items), draw(facts_of()), _answered(draw, items))


@st.composite
def disputes(draw: st.DrawFn) -> Case:
    """Answers that were merged, and answers that were set aside."""
    items = _chained(draw)
    answers = _answered(draw, items)
    for item in items:
        if item.code in answers and draw(st.booleans()):
            answers[item.code] = draw(merged_answers(item, answers[item.code]["value"]))
    aside = {item.code: draw(st.lists(answers_to(item), max_size=3)) for item in items if draw(st.booleans())}
    return case_of(definition_of(items), draw(facts_of()), answers, superseded=aside)


@st.composite
def reinspections(draw: st.DrawFn) -> Case:
    """Some items again, with the first inspection's answers beside them."""
    items = _chained(draw)
    only = draw(st.lists(edges(*(item.code for item in items)), min_size=1, max_size=3, unique=True))
    aside = {item.code: [draw(answers_to(item))] for item in items if draw(edges(False, False, True))}
    context = _answered(draw, items)
    return case_of(
        definition_of(items),
        draw(facts_of()),
        _answered(draw, items, 2),
        only=only,
        context=context,
        superseded=aside,
    )


@st.composite
def missing(draw: st.DrawFn) -> Case:
    """Nothing, null, and things that are empty where an answer should be."""
    kinds: tuple[ItemType, ...] = (
        "pass_fail",
        "number",
        "multi_choice",
        "text",
        "photo",
        "signature",
        "location",
    )
    items = [draw(items_of(draw(edges(*kinds)), f"TT-0{number}")) for number in range(1, 4)]
    empty = edges(None, {}, [], "", {"value": None}, plain(None), plain([]), plain({}), plain(""), plain(" "))
    answers = {item.code: draw(empty) for item in items if draw(st.booleans())}
    return case_of(definition_of(items), draw(edges({}, {"dual": None})), answers)
