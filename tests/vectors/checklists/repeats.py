"""Forms with entries, with rules over other answers, with other units, and with severities that depend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from checklists import Text
from checklists.model import Entries, Item, Limit, NumberRange, SeverityRule
from tests.vectors.checklists.answers import AT, answers_to, merged_answers, plain
from tests.vectors.checklists.forms import Case, case_of, definition_of, facts_of, items_of
from tests.vectors.checklists.pools import NUMBERS, TEXTS, edges

__all__ = ["circumstances", "functions", "gravity", "repeats", "units"]

#: 2025-03-04T09:00:00+08:00, in seconds since 1970.
_START = 1741050000.0
_KEYS = ("k", "m", "10", "9", "A_-z")
_TIMES = edges(AT, "2025-03-04T09:40:00+08:00", "2025-03-04T01:20:00.5Z", "2025-03-04T01:20:00.25Z")
_labels = edges("1#主变", "2#主变", "𠮷", "\uffff", " 1#主变", "") | TEXTS


@st.composite
def _lists(draw: st.DrawFn) -> Any:
    """The entries of a repeat: mostly sound, now and then doubled, nameless or no list."""
    keys = draw(st.lists(edges(*_KEYS), max_size=3, unique=True))
    sound = [{"entry": key, "label": f"{key}#主变"} for key in keys]
    odd: list[Any] = [
        {"entry": draw(edges(*_KEYS, "", "a#b", "k" * 37, 10, None)), "label": draw(_labels)} for _ in keys
    ]
    return draw(
        edges(sound, sound, sound, odd, "na", [*sound, "k"], [*sound, *sound], {"k": 1}, [{"entry": "k"}])
    )


_accepts_inside = edges(
    None,
    'answers["R-02"] >= 0.7 * answers["R-01"]',
    'answers["A-01"] == "pass" || answers["R-01"] > 4',
    'times["R-02"] >= times["R-01"]',
    'photos["R-01"].all(p, p.taken_at >= visit.start)',
    'answers["R"].size() > 1',
)
_accepts_outside = edges(
    'sum(answers["R"].map(t, t["R-01"])) == facts.capacity_kva',
    'answers["R"].all(t, t["R-01"] > 0)',
    'answers["R"].exists(t, has(t.label) && t.label == "k#主变")',
    'answers["R"].filter(t, "R-03" in t && t["R-03"] == "pass").size() == size(answers["R"])',
    'greatest(answers["R"].map(t, t["R-01"])) - least(answers["R"].map(t, t["R-01"])) <= 0.3',
    'times["A-01"] <= visit.end && times["A-01"] >= visit.start',
    'photos["A-01"].all(p, p.taken_at >= visit.start && p.taken_at <= visit.end)',
    'photos["A-01"].size() > 1',
    'answers["R-01"] > 4',
    "visit.end - visit.start < 3600",
    'answers["A-01"] == "pass" && facts.dual',
)


def _counted(draw: st.DrawFn) -> Entries:
    count = edges(
        None, None, "facts.capacity_kva / 50", 'answers["A-02"]', "facts.dual ? 2 : 1", '"two"', "1.5"
    )
    return Entries(Text("变压器", "transformers"), draw(edges(0, 1, 2)), draw(edges(2, 3, 200)), draw(count))


@st.composite
def _items(draw: st.DrawFn) -> list[Item]:
    inside: list[Item] = [
        draw(items_of("number", "R-01", range=None, when=draw(edges(None, None, "facts.dual")))),
        draw(items_of("number", "R-02", accept=draw(_accepts_inside))),
        draw(
            items_of(
                "pass_fail",
                "R-03",
                when=draw(edges(None, 'answers["R-01"] > 4', 'answers["A-01"] == "pass"')),
            )
        ),
        draw(items_of("rule", "R-04", accept=draw(_accepts_inside.filter(bool)))),
    ]
    repeat = Item(
        code="R",
        text=Text("变压器", "Transformers"),
        type="repeat",
        severity="major",
        remedy=Text("整改", "mend"),
        source="test",
        na=draw(edges(None, "allowed", "refused")),
        when=draw(edges(None, None, "facts.dual", 'answers["A-01"] == "pass"')),
        entries=_counted(draw),
        items=tuple(inside[: draw(st.integers(1, 4))]),
    )
    before = [draw(items_of("pass_fail", "A-01")), draw(items_of("number", "A-02", range=None))]
    rules = [
        draw(
            items_of(
                "rule",
                f"Z-0{number}",
                accept=draw(_accepts_outside),
                when=draw(edges(None, '"A-01" in answers')),
            )
        )
        for number in range(1, draw(edges(2, 3)))
    ]
    return [*before, repeat, *rules]


def _good(draw: st.DrawFn, item: Item) -> dict[str, Any]:
    values = {"number": NUMBERS, "pass_fail": edges("pass", "fail", "na")}.get(item.type, edges(None))
    photos = draw(st.lists(edges("p1", "p2", "p3"), max_size=2, unique=True))
    return plain(
        draw(values),
        at=draw(_TIMES),
        photos=photos,
        **draw(edges({}, {}, {}, {"note": "说明"}, {"note": "说明", "defect": True})),
    )


@st.composite
def _answers(draw: st.DrawFn, items: Sequence[Item]) -> dict[str, Any]:
    """Answers by name, among them to entries that nobody listed and to names that mean nothing."""
    answers: dict[str, Any] = {}
    for item in items:
        if item.type == "repeat":
            value = draw(_lists())
            answer = plain(value, at=draw(_TIMES))
            if draw(edges(False, False, True)):
                answer = draw(merged_answers(item, value))
            if draw(edges(True, True, True, False)):
                answers[item.code] = answer
            listed = (
                [one["entry"] for one in value if isinstance(one, dict)] if isinstance(value, list) else []
            )
            for key in [*listed, *draw(st.lists(edges(*_KEYS, "", "a b"), max_size=1))]:
                answers |= {
                    f"{one.code}#{key}": _good(draw, one)
                    for one in item.items
                    if draw(edges(True, True, True, False))
                }
        elif draw(edges(True, True, False)):
            answers[item.code] = _good(draw, item)
    for name in draw(st.lists(edges("R-01", "R#k", "A-01#k", "R-01#", "XX#k", "R-01#k#m"), max_size=1)):
        answers[name] = plain("pass")
    return answers


@st.composite
def _around(draw: st.DrawFn) -> dict[str, Any]:
    """When the form was filled in and its photos were taken, as far as that is known."""
    visit = edges({"start": _START, "end": _START + 7200}, {"start": _START}, {}, None)
    known = st.fixed_dictionaries({}, optional={"taken_at": edges(_START, _START - 0.5, _START + 7200.25)})
    return {"visit": draw(visit), "photos": draw(st.dictionaries(edges("p1", "p2", "p3"), known, max_size=3))}


@st.composite
def repeats(draw: st.DrawFn) -> Case:
    """Entries listed, not listed, too few, too many and hidden; rules within one and over all."""
    items = draw(_items())
    aside: dict[str, Any] = {}
    if draw(edges(False, False, True)):
        other = draw(_answers(items))
        aside = {name: [answer] for name, answer in other.items()}
    return case_of(
        definition_of(items), draw(facts_of()), draw(_answers(items)), superseded=aside, **draw(_around())
    )


@st.composite
def again(draw: st.DrawFn) -> Case:
    """Entries, rules and whole repeats inspected again."""
    items = draw(_items())
    inside = [f"{one.code}#{key}" for item in items for one in item.items for key in _KEYS[:3]]
    names = [*(item.code for item in items), *inside]
    only = draw(st.lists(edges(*names), min_size=1, max_size=4, unique=True))
    context = draw(_answers(items))
    return case_of(
        definition_of(items),
        draw(facts_of()),
        draw(_answers(items)),
        only=only,
        context=context,
        **draw(_around()),
    )


@st.composite
def circumstances(draw: st.DrawFn) -> Case:
    """Rules about time and photos, with disputed answers given at different times."""
    items = [
        draw(items_of("pass_fail", "A-01")),
        draw(items_of("number", "R-01")),
        draw(items_of("number", "R-02")),
    ]
    accepts = edges(
        'times["R-02"] >= times["R-01"]',
        'times["A-01"] <= visit.end && times["A-01"] >= visit.start',
        'photos["A-01"].all(p, p.taken_at >= visit.start && p.taken_at <= visit.end)',
        'photos["A-01"].exists(p, p.taken_at > visit.start) || photos["R-01"].size() == 1',
        "has(visit.end) && visit.end > visit.start",
    )
    rules = [draw(items_of("rule", f"Z-0{number}", accept=draw(accepts))) for number in (1, 2)]
    answers = {item.code: _good(draw, item) for item in items if draw(edges(True, True, True, False))}
    for item in items:
        if item.code in answers and draw(st.booleans()):
            answers[item.code] = draw(merged_answers(item, answers[item.code]["value"]))
    aside = {item.code: [_good(draw, item)] for item in items if draw(edges(False, True))}
    if draw(edges(False, False, True)):
        answers["Z-01"] = draw(answers_to(rules[0]))
    return case_of(
        definition_of([*items, *rules]), draw(facts_of()), answers, superseded=aside, **draw(_around())
    )


_UNITS = ("m", "mm", "cm", "km", "Ω", "mΩ", "MΩ", "°C", "K", "kV", "%", "‰", "步", "", None)


@st.composite
def units(draw: st.DrawFn) -> Case:
    """Readings in another unit: one that converts, one that does not, one that nobody knows."""
    known = st.tuples(edges("m", "mm"), edges("m", "mm", "cm", "km", "μm")) | edges(
        ("°C", "K"), ("K", "°C"), ("kV", "V")
    )
    wild = st.tuples(edges(*_UNITS), edges(*_UNITS, 4, ["m"], {}, True))
    unit, given = draw(known | wild | wild)
    bounds = edges((), (Limit(min=0.6),), (Limit(min=0.1, max=4.0),), (Limit(max=1e21),))
    limits, possible = draw(bounds), draw(edges(None, NumberRange(0, 100)))
    item = draw(items_of("number", "U-01", unit=unit, limits=limits, range=possible, instrument=False))
    other = draw(items_of("text", "U-02"))
    answer = plain(draw(NUMBERS | edges(600, 59.999999, 273.15, 0.1, "na", "4")), unit=given)
    answers = {"U-01": answer, "U-02": plain("短", **draw(edges({}, {"unit": "m"})))}
    if draw(edges(False, False, True)):
        answers["U-01"] = draw(merged_answers(item, answer["value"]))
    return case_of(definition_of([item, other]), {}, answers)


@st.composite
def gravity(draw: st.DrawFn) -> Case:
    """Severities that depend on facts and answers, and limits that an organisation has set."""
    rules = st.builds(
        SeverityRule,
        edges("critical", "major", "minor"),
        edges("facts.dual", "facts.capacity_kva > 100", 'answers["G-01"] > 1', "facts.oil && facts.gen", "1"),
    )
    basis = edges(None, Text("省公司 2026-12 号文", "provincial notice 2026-12"))

    def limits() -> tuple[Limit, ...]:
        whose = draw(basis)
        since = draw(edges("2026-12-01", None)) if whose else None
        return (Limit(min=0.6), Limit(min=draw(edges(0.8, 4.0)), max=1e21, basis=whose, since=since))

    def severities() -> tuple[SeverityRule, ...]:
        return tuple(draw(st.lists(rules, max_size=3)))

    items = [
        draw(items_of("number", "G-01", limits=limits(), severities=severities(), range=None)),
        draw(items_of("pass_fail", "G-02", severities=severities())),
        draw(items_of("number", "G-03", limits=limits(), severities=severities())),
    ]
    answers = {item.code: plain(draw(edges(0.5, 0.7, 1, 5, "na", "fail", "pass"))) for item in items}
    return case_of(definition_of(items), draw(facts_of()), answers)


_numbers_in_rules: st.SearchStrategy[str] = edges(
    "answers['F-01']", "answers['F-02']", "0.1 + 0.2", "-2.5", "1e21", "2"
)
_dates_in_rules = edges("answers['F-03']", "'2024-02-29'", "'2025-02-30'", "'0001-01-01'", "'2025-3-4'")
_sized_in_rules = edges("answers['F-04']", "[1, 2]", "answers['F-05']")
_units_in_rules = edges("'mm'", "'m'", "'°C'", "'K'", "'步'", "answers['F-04']")


@st.composite
def _terms(draw: st.DrawFn) -> str:
    """An expression that gives a number, or fails."""

    def number() -> str:
        return draw(_numbers_in_rules)

    many = edges("[1, 2.5]", "[]", f"[{number()}, {number()}]", "['a']", "answers['F-05'].map(x, size(x))")
    terms = [
        f"round({number()}, {draw(edges(0, 1, 2, 15, 16, -1, 0.5))})",
        f"abs({number()})",
        f"sum({draw(many)})",
        f"least({draw(many)})",
        f"greatest({draw(many)})",
        f"convert({number()}, {draw(_units_in_rules)}, {draw(_units_in_rules)})",
        f"days({draw(_dates_in_rules)}, {draw(_dates_in_rules)})",
        f"size({draw(_sized_in_rules)})",
        f"{number()} / {number()}",
    ]
    return draw(st.sampled_from(terms))


@st.composite
def functions(draw: st.DrawFn) -> Case:
    """Everything that an expression may call, and some things that it may not."""
    refused = edges(
        "matches('a', 'a+')",
        "timestamp('2025-03-04T00:00:00Z') > 0",
        "facts[answers['F-04']]",
        "int('4')",
        "1 +",
    )
    texts = edges(
        "answers['F-04'].startsWith('接') && answers['F-04'].endsWith('网')",
        "answers['F-04'].contains('𠮷')",
        "answers['F-05'].exists_one(x, x == 'a')",
    )
    compared = st.builds("{} {} {}".format, _terms(), edges("<", "<=", "==", "!=", ">"), _terms())
    accept = draw(compared | compared | compared | texts | refused)
    items = [
        draw(items_of("number", "F-01", range=None)),
        draw(items_of("number", "F-02", range=None)),
        draw(items_of("date", "F-03")),
        draw(items_of("text", "F-04")),
        draw(items_of("multi_choice", "F-05")),
        draw(items_of("rule", "F-06", accept=accept)),
    ]
    answers = {
        "F-01": plain(draw(NUMBERS)),
        "F-02": plain(draw(NUMBERS)),
        "F-03": plain(draw(edges("2025-03-04", "2024-12-31", "9999-12-31"))),
        "F-04": plain(draw(edges("接地网", "𠮷野", "mm", "K"))),
        "F-05": plain(draw(edges(["a"], ["a", "检"], []))),
    }
    return case_of(definition_of(items), draw(facts_of()), answers)
