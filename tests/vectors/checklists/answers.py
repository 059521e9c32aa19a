"""Answers to an item: good ones, ones at the edge, and ones that no tablet should send."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from checklists.model import Item
from tests.vectors.checklists.pools import DATES, JSON, NAMES, NUMBERS, POSITIONS, TEXTS, TIMES, edges

__all__ = ["AT", "answers_to", "long_answers", "merged_answers", "plain", "values_of"]

AT = "2025-03-04T09:30:00+08:00"
_PHOTOS = ["photo:1", "photo:2", "photo:𠮷", "photo:\uffff"]
_photo_ids = st.lists(edges(*_PHOTOS), max_size=4)
_instruments = st.fixed_dictionaries(
    {},
    optional={
        "number": edges("JD-07") | TEXTS,
        "calibrated": edges("2025-03-04", "2025-03-05", "2024-11-02") | DATES,
        "maker": TEXTS,
    },
)


def plain(value: Any, **more: Any) -> dict[str, Any]:
    return {"value": value, "by": "lin", "at": AT, **more}


def values_of(item: Item) -> st.SearchStrategy[Any]:
    """Values of an item's type, most of them good."""
    match item.type:
        case "pass_fail":
            return edges("pass", "fail", "na", "Pass", True)
        case "file":
            return edges("provided", "missing", "na", "pass")
        case "number":
            return NUMBERS | edges("na", "5", True, [4])
        case "choice":
            return _options(item) | edges("zz", ["a"], 1.0, {"a": 1})
        case "multi_choice":
            return st.lists(_options(item), max_size=4) | edges([], "a", ["zz"], [["a"]])
        case "text":
            return TEXTS | edges(4)
        case "date":
            return DATES | edges("na", 20250228)
        case "signature":
            return st.lists(_signatures(item), max_size=4) | edges("signature:1", [[]], [None])
        case "location":
            return _places(item)
        case _:
            return edges(None, "pass")


def _options(item: Item) -> st.SearchStrategy[str]:
    return edges(*(option.value for option in item.options))


def _signatures(item: Item) -> st.SearchStrategy[Any]:
    entry = {
        "role": edges(
            *(role.role for role in item.roles), *(role.role for role in item.roles), "mayor", None
        ),
        "signature": edges("signature:1", "signature:2", "signature:3") | TEXTS,
    }
    return st.fixed_dictionaries(
        entry, optional={"person": edges("lin", "wu") | TEXTS, "stamp": edges(1)}
    ) | st.builds(
        lambda one: {"role": item.roles[0].role, "signature": f"signature:{one}"}, st.integers(1, 5)
    )


def _places(item: Item) -> st.SearchStrategy[Any]:
    if not item.points:
        return POSITIONS
    named = edges(*(point.point for point in item.points))
    several = st.dictionaries(named, POSITIONS, max_size=3)
    return several | st.dictionaries(named | NAMES, POSITIONS, max_size=3) | JSON


def answers_to(item: Item) -> st.SearchStrategy[Any]:
    """One answer to an item: whole, then with any field missing, odd or too many; seldom no answer at all."""
    sound: dict[str, st.SearchStrategy[Any]] = {
        "value": values_of(item),
        "by": edges("lin", "吴"),
        "at": edges(AT, "2025-03-04T01:30:00Z"),
    }
    photos = edges(["photo:1"], ["photo:1", "photo:2"], ["photo:2", "photo:1", "photo:2"])
    beside = {"note": edges("季节系数 1.4", "见照片"), "photos": photos, "instrument": _instruments}
    if item.views:
        beside["views"] = _views(item)
    odd: dict[str, st.SearchStrategy[Any]] = {
        "value": values_of(item) | JSON,
        "by": TEXTS | JSON,
        "at": TIMES | JSON,
        "note": TEXTS | JSON,
        "photos": _photo_ids | JSON,
        "views": _views(item) | JSON,
        "instrument": _instruments | st.dictionaries(NAMES | TEXTS, TEXTS, max_size=11) | JSON,
        "location": POSITIONS,
        "defect": edges(True, False, "yes", 0),
        "merged": edges([], [{}, {}], "x"),
        "verdict": edges("pass"),
        "10": edges(1),
        "b": edges(1),
    }
    return st.one_of(
        st.fixed_dictionaries(sound, optional=beside),
        st.fixed_dictionaries(sound, optional=beside),
        st.fixed_dictionaries(sound, optional={**beside, "defect": edges(True, False)}),
        _with_some_odd(sound, odd),
        JSON,
    )


def long_answers() -> st.SearchStrategy[dict[str, Any]]:
    """Answers of text as long as they may be, and longer; a character outside the BMP is one."""
    texts = edges(
        "长" * 4000, "𠮷" * 4000, "x" * 3999 + "𠮷", "𠮷" * 4001, "e\u0301" * 2000, "e\u0301" * 2001
    )
    notes = edges("长" * 2000, "𠮷" * 2000, "𠮷" * 2001, "x" * 2001)
    photos = edges(["photo:1"] * 100, ["photo:1"] * 101)
    optional = {"note": notes, "photos": photos, "defect": edges(True)}
    known = {"value": edges("短") | texts, "by": edges("lin", "𠮷" * 200), "at": edges(AT)}
    return st.fixed_dictionaries(known, optional=optional)


@st.composite
def _with_some_odd(
    draw: st.DrawFn, sound: dict[str, st.SearchStrategy[Any]], odd: dict[str, st.SearchStrategy[Any]]
) -> dict[str, Any]:
    answer = {name: draw(values) for name, values in sound.items()}
    for name in draw(st.lists(edges(*odd), min_size=1, max_size=3, unique=True)):
        answer[name] = draw(odd[name])
    return answer


def _views(item: Item) -> st.SearchStrategy[Any]:
    known = [view.view for view in item.views] or ["none"]
    return st.dictionaries(edges(*known), _photo_ids, max_size=3) | st.dictionaries(
        NAMES, _photo_ids, max_size=2
    )


@st.composite
def merged_answers(draw: st.DrawFn, item: Item, value: Any) -> dict[str, Any]:
    """What several inspectors' equal answers become, now and then forged."""
    from checklists.answers import combine, read_answer

    people: Sequence[str] = draw(
        st.lists(edges("lin", "吴", "𠮷", "\uffff"), min_size=2, max_size=3, unique=True)
    )
    times = edges(
        AT, "2025-03-04T01:29:59.9999999Z", "2025-03-04T01:29:59.9999998Z", "2025-03-04T12:00:00+10:30"
    )
    parts = []
    for person in people:
        part = plain(value, by=person, at=draw(times))
        for name, values in (("note", edges("东侧", "西侧", "𠮷", "\uffff")), ("photos", _photo_ids)):
            if draw(st.booleans()):
                part[name] = draw(values)
        if item.views and part.get("photos"):
            part["views"] = {item.views[0].view: part["photos"]}
        if draw(st.booleans()):
            part["instrument"] = draw(edges("ZC-8", {"number": "JD-07", "calibrated": "2024-11-02"}, {}))
        parts.append(part)
    if any(read_answer(item, part).faults for part in parts):
        return parts[0]
    whole = combine(item, parts)
    forgery = draw(edges(None, None, "value", "note", "merged"))
    if forgery == "merged":
        whole["merged"] = list(reversed(whole["merged"]))
    elif forgery is not None:
        whole[forgery] = draw(edges("pass", "其他", 4.0))
    return whole
