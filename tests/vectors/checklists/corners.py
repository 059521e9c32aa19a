"""Forms for what no chance should be left to: each value at an edge, each rule that one value decides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checklists import Text
from checklists.answers import combine
from checklists.model import Entries, Item, Limit, NumberRange, Option, Role, Severity, SeverityRule, View
from tests.vectors.checklists.answers import plain
from tests.vectors.checklists.forms import Case, case_of, definition_of
from tests.vectors.checklists.pools import EDGE_DATES, EDGE_NUMBERS, EDGE_TEXTS, EDGE_TIMES

__all__ = ["corners"]

_WORDS = Text("词", "word")


def corners() -> Iterator[Case]:
    yield from _values()
    yield from _fields()
    yield from _facts()
    yield from _merged()
    yield from _units()
    yield from _entries()
    yield from _again()
    yield from _bounds()
    yield from _verdicts()


def _item(kind: Any, code: str = "A-01", **more: Any) -> Item:
    fixed = {"text": _WORDS, "remedy": _WORDS, "source": "test", "severity": "major", **more}
    return Item(code=code, type=kind, **fixed)


def _one(item: Item, answer: Any, **more: Any) -> Case:
    return case_of(definition_of([item]), {}, {item.code: answer}, **more)


def _values() -> Iterator[Case]:
    limited = _item(
        "number", unit="m", range=NumberRange(-1, 1e22), limits=(Limit(min=0.6, max=100, note=True),)
    )
    rule = _item("number", accept='1 / answers["A-01"] > 0')
    for number in EDGE_NUMBERS:
        yield _one(limited, plain(number))
        yield _one(rule, plain(number))
        yield _one(_item("choice", options=(Option("4", _WORDS),)), plain(number))
    for text in EDGE_TEXTS:
        yield _one(_item("text", accept='size(answers["A-01"]) > 1'), plain(text))
    for date in EDGE_DATES:
        yield _one(_item("date", accept='answers["A-01"] < "2025-03-04"'), plain(date))


def _fields() -> Iterator[Case]:
    """Each field beside the value, odd."""
    passes = _item("pass_fail", photo="always", views=(View("plate", _WORDS, 2),))
    for at in EDGE_TIMES:
        yield _one(passes, plain("pass", at=at, photos=["p1"]))
    for text in EDGE_TEXTS:
        yield _one(passes, plain("fail", note=text, by=text, photos=[text]))
    defects: tuple[Any, ...] = (True, False, None, "no", 0, 1, [], {})
    for defect in defects:
        yield _one(passes, plain("pass", defect=defect, note="缺陷"))
    shown: tuple[dict[str, Any], ...] = (
        *({"plate": ["p1", "p1"]}, {"plate": ["p1", "p2", "p1"]}, {"plate": ["p3"]}, {"10": [], "b": []}),
    )
    for views in shown:
        yield _one(passes, plain("pass", photos=["p1", "p2", "p1"], views=views))
    traced = _item("number", instrument=True)
    named = {"number": "JD-07"}
    for instrument in (
        *({**named, "calibrated": day} for day in ("2025-03-04", "2025-03-05", "2025-02-30", "")),
        *({**named, str(number): "x"} for number in range(2)),
        *(
            named,
            {"calibrated": "2024-11-02"},
            {},
            "JD-07",
            " ",
            4,
            {"k" * 201: "x", "a": 4},
            {"b": 4, "k" * 201: "x"},
        ),
        {str(number): "x" for number in range(11)},
    ):
        yield _one(traced, plain(4, instrument=instrument))
        yield _one(_item("number"), plain(4, instrument=instrument))
    signed = _item("signature", roles=(Role("utility", _WORDS, 2),))
    one = {"role": "utility", "signature": "s1"}
    for beside in ({"person": None}, {"person": ""}, {"person": "lin"}, {}, {"stamp": 1}, {"role": None}):
        yield _one(signed, plain([one, {**one, "signature": "s2", **beside}]))
        yield _one(signed, plain([{**one, "person": "lin"}, {**one, "signature": "s2", **beside}]))
    yield _one(_item("rule", accept="facts.dual"), plain(None, defect=True, note="缺陷"))
    yield _one(_item("rule", accept="facts.dual"), plain(None, defect=True, photos=["p1"]))
    yield _one(_item("rule", accept="facts.dual"), plain("pass"))


def _facts() -> Iterator[Case]:
    """Facts of every kind, and what is none."""
    shown = _item(
        "pass_fail", when='facts.dual || facts.capacity_kva >= 100 || facts.transformer_type == "oil"'
    )
    weighed = _item("pass_fail", severities=(SeverityRule("critical", "facts.capacity_kva > 0"),))
    derived = _item("pass_fail", when="facts.oil")
    odd: tuple[Any, ...] = (
        *(None, True, False, "true", 0, 1, -1, -0.0, 99.9, 10**400),
        *("630", [], {}, "oil", "gas", "constructor"),
    )
    for value in odd:
        facts = {"dual": value, "capacity_kva": value, "transformer_type": value, "oil": value}
        for item in (shown, weighed, derived):
            yield case_of(definition_of([item]), facts, {item.code: plain("fail", note="说明")})


def _merged() -> Iterator[Case]:
    """Answers of two inspectors made one, as the server makes them."""
    timed = _item("rule", "R-01", accept='times["A-01"] <= visit.end')
    early, late = "2025-03-04T09:30:00.1+08:00", "2025-03-04T01:30:00.100001Z"
    same = "2025-03-04T01:30:00.1000009Z"
    halves: list[tuple[Item, Any, dict[str, Any], dict[str, Any]]] = [
        (_item("number"), 4, {"at": early}, {"at": "2025-03-04T00:30:00-01:30"}),
        *((_item("number"), 4, {"at": at, "by": "b"}, {"at": early, "by": "a"}) for at in (late, same)),
        (_item("number"), 4.0, {"note": "长" * 2000}, {"note": "𠮷" * 2000, "by": "吴"}),
        (_item("number"), 4, {"photos": [f"p{n}" for n in range(100)]}, {"photos": ["q1"], "by": "吴"}),
        (_item("number"), 4, {"instrument": {}}, {"instrument": "ZC-8", "by": "吴"}),
        (_item("pass_fail"), "pass", {"note": ""}, {"note": "𠮷", "by": "\uffff"}),
    ]
    spot = {"lon": 9.5, "lat": 30, "datum": "wgs84"}
    for metres, others in ((1e-5, 0.5), (1e16, 12), (2**53, 5), (9, 10)):
        near, far = ({**spot, "accuracy_m": accuracy} for accuracy in (metres, others))
        halves.append((_item("number"), 4, {"location": near, "note": None}, {"location": far}))
    signature = {"role": "a", "signature": "s1"}
    signed = _item("signature", roles=(Role("a", _WORDS, 2),))
    listed = _item("repeat", entries=Entries(_WORDS, min=2))
    first, second = {"entry": "k", "label": "1#"}, {"entry": "k", "label": "甲"}
    lists: list[tuple[Item, dict[str, Any], dict[str, Any]]] = [
        (signed, plain([signature]), plain([{**signature, "signature": "s2"}, signature])),
        (signed, plain([signature]), plain([{**signature, "signature": "s3"}], by="吴")),
        (listed, plain([first], at=late), plain([second, {"entry": "10", "label": "10#"}], at=early)),
        (listed, plain([first], by="b"), plain([second], by="a")),
        (listed, plain("na"), plain("na", by="吴")),
        (listed, plain("na"), plain([first])),
        (listed, plain(None, defect=True, at=late), plain([first], at=early)),
    ]
    pairs = [
        *((item, plain(value, **one), plain(value, **other)) for item, value, one, other in halves),
        *lists,
    ]
    for item, one, other in pairs:
        whole = combine(item, [one, other])
        visits: tuple[dict[str, float], ...] = ({}, {"end": 1741051800.05}, {"end": 1741051801.0})
        for visit in visits:
            form = definition_of([item, timed])
            yield case_of(form, {}, {item.code: whole}, visit=visit)
        yield _one(item, {**whole, "value": other["value"], "by": "zz"})
        for forged in ([one], [one, whole], [1, 2], [one, None], [*reversed(whole["merged"])]):
            yield _one(item, {**whole, "merged": forged})


def _units() -> Iterator[Case]:
    limits = (Limit(min=0.6),)
    for unit, given, value in (
        *(("m", "mm", value) for value in (600, 599.9999999, 601, -600, 10**400, "600", None, True)),
        *(
            ("m", "m", 0.6),
            ("步", "步", 1),
            ("步", "m", 1),
            ("m", "步", 1),
            ("", "", 1),
            (None, "", 1),
            (None, "m", 1),
        ),
        *(
            ("°C", "K", 273.15),
            ("K", "°C", -273.15),
            ("K", "°C", 0.6),
            ("μm", "km", 1e300),
            ("km", "μm", 5e-324),
        ),
        *(("m", 4, "4"), ("m", None, 1), ("m", [], 1), ("m", True, 1), ("m", "kV", "4"), ("m", "mm", "na")),
        *(("MΩ", "GΩ", 0.1), ("GΩ", "MΩ", 0.7), ("%", "‰", 7), ("m", "toString", 1)),
    ):
        yield _one(_item("number", unit=unit, limits=limits, na="allowed"), plain(value, unit=given))


def _transformers(**more: Any) -> list[Item]:
    inside = (
        _item("number", "T-01", unit="kVA"),
        _item("pass_fail", "T-02", when='answers["T-01"] > 4'),
        _item("rule", "T-03", accept='answers["T-01"] > answers["A-01"]'),
    )
    return [
        _item("number", required=False),
        _item("repeat", "T", items=inside, **{"entries": Entries(_WORDS), **more}),
        _item("rule", "R-01", accept='sum(answers["T"].map(t, t["T-01"])) == answers["A-01"]'),
    ]


def _listed(*keys: str) -> list[dict[str, str]]:
    return [{"entry": key, "label": f"{key}#"} for key in keys]


def _entries() -> Iterator[Case]:
    """Lists of entries, their number, their names, and answers of entries that nobody listed."""
    named = [
        {"entry": "k", "label": " 甲\x85"},
        {"entry": "m", "label": "\x1c甲"},
        {"entry": "n", "label": "甲\ufeff"},
    ]
    lists: list[Any] = [
        _listed(),
        _listed("k"),
        _listed("k", "k"),
        _listed("10", "9", "k"),
        named,
        "na",
        "none",
        None,
    ]
    lists += [
        [{"entry": key, "label": "甲"}] for key in ("", "a#b", "k" * 36, "k" * 37, "k\n", "检", 4, None)
    ]
    lists.append([{"entry": key, "label": label} for key, label in zip("abcd", "甲乙甲乙", strict=True)])
    lists += [
        [{"entry": "k", "label": label}] for label in ("", "\x85", "\ufeff", None, 4, "x" * 201, "𠮷" * 200)
    ]
    for value in lists:
        answers = {"T": plain(value), "T-01#k": plain(5), "T-01#10": plain(4), "A-01": plain(9)}
        yield case_of(definition_of(_transformers()), {}, answers)
    for count in (
        "answers['A-01']",
        "answers['A-01'] / 2",
        "facts.capacity_kva",
        "'2'",
        "size(answers['T'])",
    ):
        form = definition_of(_transformers(entries=Entries(_WORDS, 1, 3, count)))
        for keys in (("k",), ("k", "m"), ("a", "b", "c"), ("a", "b", "c", "d")):
            aside = {"A-01": [plain(4), plain(1), plain(3)]}
            yield case_of(form, {}, {"T": plain(_listed(*keys)), "A-01": plain(2)}, superseded=aside)
    hidden = definition_of(_transformers(when="facts.dual"))
    for dual in (True, False):
        answers = {"T": plain(_listed("k")), "T-01#k": plain(5), "T-01#x": plain(5), "T-02#k": plain("fail")}
        aside = {"T": [plain(_listed("m"))], "T-01#m": [plain(7)], "T-01#k": [plain(3)]}
        yield case_of(hidden, {"dual": dual}, answers, superseded=aside)


def _again() -> Iterator[Case]:
    """Re-inspections of an item in an entry, of a rule, of a whole repeat."""
    form = definition_of(_transformers())
    context = {"T": plain(_listed("k", "m")), "T-01#k": plain(5), "T-01#m": plain(4), "A-01": plain(9)}
    now = {"T": plain([{"entry": "m", "label": "新"}, {"entry": "n", "label": "n#"}]), "T-01#m": plain(6)}
    for only in (
        *(
            ["T"],
            ["R-01"],
            ["A-01"],
            ["T-01#m"],
            ["T-01#x"],
            ["T-03#k"],
            ["T-03#x"],
            ["T", "T-03#m"],
            ["T-02#k"],
        ),
        *(["R-01", "T"], ["T", "T-01#k"]),
    ):
        for answers in ({}, now, {**now, "T-01#x": plain(1), "T": plain("na")}, {"T-01#m": plain(None)}):
            yield case_of(form, {}, answers, only=only, context=context)
        yield case_of(form, {}, now, only=only, superseded={"T-01#m": [plain(2)]})


def _bounds() -> Iterator[Case]:
    """As much as may be, and one more; the order of what JavaScript sorts in another way."""
    options = tuple(Option(value, _WORDS) for value in "ab")
    for chosen in (["a", "b"], ["a", "b", "a"]):
        yield _one(_item("multi_choice", options=options), plain(chosen))
    signed = _item("signature", roles=(Role("a", _WORDS),))
    for many in (50, 51):
        yield _one(signed, plain([{"role": "a", "signature": f"s{number}"} for number in range(many)]))
    empty = _item("repeat", entries=Entries(_WORDS))
    for many in (200, 201):
        yield _one(empty, plain([{"entry": f"e{number}", "label": f"{number}"} for number in range(many)]))
    for instrument in ({str(number): "x" for number in range(10)}, {"k" * 200: "x"}, {"𠮷" * 200: "x"}):
        yield _one(_item("number"), plain(4, instrument=instrument))
    for by in ("\ud83d" * 200, "\udc77" * 201, "\ud83d" * 201):
        yield _one(_item("pass_fail"), plain("pass", by=by))
    for field, values in (
        ("lon", (180, -180, 180.1)),
        ("lat", (90, -90, -90.1)),
        ("accuracy_m", (0, -0.1, 10**400)),
    ):
        for value in (*values, "120", None, True):
            spot = {"lon": 120.1, "lat": 30.2, "accuracy_m": 5, "datum": "wgs84", field: value}
            yield _one(_item("location"), plain(spot, location=spot))
    names = ["𠮷b", "𠮶a", "\ud842", "\ud842x", "\ud842\uffff", "\uffff", "\udfb7", "𠮷", "a𠮷", "a\uffff"]
    yield case_of(definition_of([_item("pass_fail")]), {}, {name: plain("pass") for name in names})
    answers = {"T": plain(_listed("k")), "T-01#z": plain(5), "T-02#a": plain("pass"), "T-01#m": plain(4)}
    yield case_of(definition_of(_transformers()), {}, answers)
    seen = _item("rule", "R-01", accept='photos["A-01"].all(p, p.taken_at > 0)')
    taken: tuple[dict[str, dict[str, float]], ...] = (
        {},
        {"p1": {}},
        {"p1": {"taken_at": 1.5}},
        {"p2": {"taken_at": -1.0}},
    )
    for photos in taken:
        shown = {"A-01": plain("pass", photos=["p2", "p1"])}
        yield case_of(definition_of([_item("pass_fail"), seen]), {}, shown, photos=photos)


def _verdicts() -> Iterator[Case]:
    """Each finding against each other one; rules that say both yes and nothing."""
    grades: tuple[Severity, ...] = ("minor", "major", "critical")
    for first in grades:
        for second in grades:
            graded = (Limit(min=4, severity=first), Limit(min=5, severity=second))
            yield _one(_item("number", limits=graded, severity="minor"), plain(3))
    basis, since = Text("省公司文", "notice"), "2026-12-01"
    for low, high in ((0.6, None), (None, 4.0), (0.6, 4.0)):
        limits = (Limit(min=low, max=high, basis=basis, since=since), Limit(max=9))
        for value in (0.5, 1, 5.25, -5.25, -0.5):
            yield _one(_item("number", unit="m", limits=limits), plain(value))
    yield _one(_item("photo", photos_min=2), plain(None, photos=["p1", "p2"]))
    yield _one(_item("photo", photos_min=2), plain(None, photos=["p1", "p1"]))
    yield _one(_item("rule"), plain(None))
    yield case_of(definition_of([_item("rule")]), {}, {})
    warned = (Limit(min=4, verdict="warning", severity="minor"),)
    yield _one(_item("number", limits=warned, severity="critical", accept="facts.dual"), plain(3))
    compared = _item("number", na="allowed", accept='answers["A-01"] > 1')
    for said in ("na", None, "4", 4, 0):
        yield _one(compared, plain(said, note="说明"))
    for at in ("yesterday", "2025-03-04T01:30:00Z"):
        timed = _item("rule", "R-01", accept='answers["A-01"] == "pass" || times["A-01"] > 0')
        yield case_of(definition_of([_item("pass_fail"), timed]), {}, {"A-01": plain("pass", at=at)})
    items = [_item("text"), _item("rule", "R-01", accept='convert(6, "m", answers["A-01"]) > 0')]
    for units in (["mm"], ["步"], ["mm", "步"], ["步", "mm", "kV"]):
        aside = {"A-01": [plain(unit, by="吴") for unit in units[1:]]}
        yield case_of(definition_of(items), {}, {"A-01": plain(units[0])}, superseded=aside)
    named = [
        _item("rule", "R-01", accept='"R-02" in answers || "A-01" in answers'),
        _item("rule", "R-02"),
        _item("text"),
    ]
    yield case_of(definition_of(named), {}, {}, only=["R-01"])
    for capacity in (-0.0, 0, 0.5):
        inverse = _item("rule", accept="1 / facts.capacity_kva > 0")
        yield case_of(definition_of([inverse]), {"capacity_kva": capacity}, {})
