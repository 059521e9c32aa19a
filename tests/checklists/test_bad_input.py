"""Bad input is refused with its place and what would mend it, and costs little however large it is."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from checklists import Definition, DefinitionError, evaluate, lint, load_definitions
from checklists.model import Entries, Item, NumberRange, Option, Role, Section, Text
from server.commands.checklist import checklist

WORDS = Text("词", "word")
PLAIN = Item("AA-01", WORDS, "pass_fail", "major", WORDS, "judgement")
FORM = """\
id: form
version: 1
stage: survey
title: {zh-CN: 表, en: form}
sections: [part]
"""
HEAD = """\
id: part
title: {zh-CN: 部分, en: part}
items:
"""
ITEM = """\
  - code: AA-01
    text: {zh-CN: 接地电阻, en: Earth resistance}
    type: number
    unit: Ω
    range: {min: 0, max: 100}
    limits:
      - {max: 4}
    severity: major
    remedy: {zh-CN: 整改, en: mend it}
    source: GB 50169
"""
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
DEEP = 100_000

BROKEN: dict[str, tuple[bytes, str, str]] = {
    "aliases that multiply": (BOMB.encode(), "part.yaml:2:8", "write the value out"),
    "nested without end": (b"items: " + b"[" * DEEP, "part.yaml:1:", "nested deeper than 20 levels"),
    "mappings without end": (b"{a: " * DEEP, "part.yaml:1:", "nested deeper than 20 levels"),
    "nested by indent": (
        "\n".join(" " * depth + "a:" for depth in range(200)).encode(),
        "part.yaml:21:",
        "nested deeper",
    ),
    "a giant text": (b"id: part\ntitle: " + b"x" * 30_000, "part.yaml:2:", "shorten it"),
    "10 MB": (b"# " + b"x" * 10_000_000, "part.yaml", "split it into several files"),
    "10 MB of items": (b"items: [" + b"{a: 1}," * 1_500_000, "part.yaml", "split it"),
    "too many values": (b"a: [" + b"1," * 60_000 + b"1]", "part.yaml:1:", "more than 50000 values"),
    "a tag": (b"id: !!python/object/apply:os.system [ls]", "part.yaml:1:5", "leave it out"),
    "a second document": (b"id: part\n---\nid: other\n", "part.yaml:2:1", "a file holds one"),
    "no UTF-8": (b"id: part\ntitle: \xff\xfe", "part.yaml:2:1", "save the file in that encoding"),
    "a control character": (b"id: part\ntitle: a\x00b", "part.yaml:2:1", "U+0000"),
    "a key twice": (b"id: part\nid: part\n", "part.yaml:2:1", "take one of them out"),
    "a number without end": (b"id: " + b"9" * 10_000, "part.yaml:1:5", "in quotes"),
    "a number beyond doubles": (b"id: 1e999", "part.yaml:1:5", "too large"),
    "nothing": (b"", "part.yaml", "the file is empty"),
    "a key that is a list": (b"[a, b]: c", "part.yaml:1:1", "a key is a word"),
    "a tab": (b"id: part\n\ttitle: x", "part.yaml:2:1", "tab character"),
    "never closed": (b'id: "part', "part.yaml:1:", "found unexpected end of stream"),
    "a list where fields are": (b"- a\n", "part.yaml:1:1", "expected `object`, got `array`"),
}


def written(folder: Path, section: bytes) -> Path:
    (folder / "sections").mkdir()
    (folder / "form.yaml").write_text(FORM, "utf-8")
    (folder / "sections" / "part.yaml").write_bytes(section)
    return folder


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_read_is_refused_at_its_place_and_in_little_memory(
    tmp_path: Path, name: str
) -> None:
    section, place, remedy = BROKEN[name]
    folder = written(tmp_path, section)
    tracemalloc.start()
    try:
        with pytest.raises(DefinitionError) as refused:
            load_definitions(folder)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert str(refused.value).startswith(f"sections/{place}"), refused.value
    assert remedy in str(refused.value)
    assert len(str(refused.value)) < 500
    assert peak < 40_000_000


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            ("severity: major", "severity: grave"),
            "11:5: items[0].severity: 'grave' is none of critical, major",
        ),
        (("    unit: Ω", "    units: Ω"), "7:5: items[0]: there is no field `units`; did you mean `unit`?"),
        (("    source: GB 50169\n", ""), "4:5: items[0]: the field `source` is missing; add it"),
        (("code: AA-01", "code: 7"), "4:5: items[0].code: a text is wanted here, not 7; put it in quotes"),
        (
            ("- {max: 4}", "- {max: four}"),
            "10:10: items[0].limits[0].max: expected `float | null`, got `str`",
        ),
        (("{min: 0, max: 100}", "[0, 100]"), "8:5: items[0].range: expected `object"),
        (("en: mend it", "fr: mend it"), "12:25: items[0].remedy: there is no field `fr`"),
    ],
)
def test_a_wrong_shape_is_told_at_its_line_with_what_would_be_right(
    tmp_path: Path, changed: tuple[str, str], said: str
) -> None:
    assert changed[0] in ITEM
    folder = written(tmp_path, (HEAD + ITEM.replace(*changed)).encode())
    with pytest.raises(DefinitionError) as refused:
        load_definitions(folder)
    assert f"sections/part.yaml:{said}" in str(refused.value)


def second(**changes: str) -> str:
    """Another item after the first, with some lines changed, or others added before its source."""
    lines = ITEM.replace("AA-01", "AA-02")
    for name, words in changes.items():
        field = name.replace("_", "-") if name == "zh_CN" else name
        old = next((line for line in lines.splitlines() if line.strip().startswith(f"{field}:")), None)
        new = f"    {field}: {words}"
        lines = (
            lines.replace(old, new) if old is not None else lines.replace("    source", f"{new}\n    source")
        )
    return lines


@pytest.mark.parametrize(
    ("section", "line", "said"),
    [
        (ITEM + ITEM, 14, "AA-01: the code stands twice"),
        (ITEM + second(range="{min: 9, max: 1}"), 18, "AA-02: the range is upside down"),
        (ITEM.replace("{max: 4}", "{min: 5, max: 4}"), 10, "AA-01: a limit is upside down"),
        (ITEM.replace("{max: 4}", "{max: 400}"), 10, "AA-01: the limit 400 lies outside the range"),
        (
            ITEM.replace("      - {max: 4}", "      - {max: 4}\n      - {max: 5}"),
            11,
            "AA-01: limit 2 lies beyond",
        ),
        (ITEM.replace("unit: Ω", "unit: Ohm"), 7, "AA-01: units.yaml does not have the unit 'Ohm'"),
        (
            ITEM + second(accept='\'convert(answers["AA-02"], "Ω", "kV") < 1\''),
            23,
            "Ω does not convert to kV",
        ),
        (ITEM.replace("GB 50169", "GB 99999"), 13, "standards.yaml does not have the source 'GB 99999'"),
        (ITEM + second(when="facts.earthed"), 23, "AA-02: when `facts.earthed` uses the unknown fact"),
        (ITEM + second(when="facts.dual && !facts.dual"), 23, "can never hold"),
        (ITEM + second(when="facts.dual ||"), 23, "is not valid"),
        (ITEM + second(when="facts.capacity_kva"), 23, "gives double, not true or false"),
        (
            ITEM.replace("    source", "    when: 'answers[\"AA-02\"] > 1'\n    source")
            + second(when="'answers[\"AA-01\"] > 1'"),
            13,
            "the conditions go round in a circle, AA-01 → AA-02 → AA-01",
        ),
        (ITEM.replace("zh-CN: 整改", 'zh-CN: " "'), 12, "AA-01: remedy has no zh-CN words"),
        (ITEM.replace("zh-CN: 接地电阻", "zh-CN: Earth resistance"), 5, "have no Chinese character"),
    ],
)
def test_a_fault_is_told_at_its_line(tmp_path: Path, section: str, line: int, said: str) -> None:
    folder = written(tmp_path, (HEAD + section).encode())
    ran = CliRunner().invoke(checklist, ["lint", "--folder", str(folder)])
    assert ran.exit_code == 1
    told = [row for row in ran.output.splitlines() if said in row]
    assert told, ran.output
    assert told[0].startswith(f"  {folder}/sections/part.yaml:{line}:")


ANSWERED: dict[str, Item] = {
    "pass_fail": PLAIN,
    "file": msgspec.structs.replace(PLAIN, type="file"),
    "number": msgspec.structs.replace(PLAIN, type="number", unit="m", range=NumberRange(0, 10)),
    "choice": msgspec.structs.replace(PLAIN, type="choice", options=(Option("a", WORDS), Option("b", WORDS))),
    "multi_choice": msgspec.structs.replace(
        PLAIN, type="multi_choice", options=(Option("a", WORDS), Option("b", WORDS))
    ),
    "text": msgspec.structs.replace(PLAIN, type="text"),
    "date": msgspec.structs.replace(PLAIN, type="date"),
    "photo": msgspec.structs.replace(PLAIN, type="photo", photo="always"),
    "signature": msgspec.structs.replace(PLAIN, type="signature", roles=(Role("utility", WORDS),)),
    "location": msgspec.structs.replace(PLAIN, type="location"),
    "repeat": msgspec.structs.replace(
        PLAIN, type="repeat", entries=Entries(WORDS), items=(msgspec.structs.replace(PLAIN, code="AA-02"),)
    ),
}
ODD: tuple[Any, ...] = (
    *(True, 1e400, -1, 10**400, "", " ", [], {}, [[]], [None], {"a": {}}, "2025-02-30", "\u0000"),
    *(["a"] * 10_000, "x" * 10_000_000, [{"entry": str(n), "label": str(n)} for n in range(10_000)]),
    [{"entry": "a", "label": "甲"}, {"entry": "a", "label": "乙"}],
)


@pytest.mark.parametrize("kind", ANSWERED)
def test_an_answer_of_the_wrong_type_never_passes_and_names_its_item(kind: str) -> None:
    definition = Definition("form", 1, "survey", WORDS, (Section("part", WORDS, (ANSWERED[kind],)),))
    good = {"by": "lin", "at": "2026-03-05T09:30:00+08:00"}
    for value in ODD:
        judged = evaluate(definition, {}, {"AA-01": {**good, "value": value}})
        problems = [problem for problem in judged.problems if (problem.item or "").startswith("AA-01")]
        if kind == "text" and value in ("2025-02-30", "\u0000"):
            continue
        assert problems, (kind, str(value)[:40])
        assert all(item.verdict != "pass" for item in judged.items if item.code == "AA-01"), str(value)[:40]
        assert len(msgspec.json.encode(problems)) < 2000


def test_ten_thousand_repeats_are_too_many_to_judge() -> None:
    definition = Definition("form", 1, "survey", WORDS, (Section("part", WORDS, (ANSWERED["repeat"],)),))
    value = [{"entry": str(number), "label": f"第 {number}"} for number in range(10_000)]
    good = {"by": "lin", "at": "2026-03-05T09:30:00+08:00"}
    answers = {"AA-01": {**good, "value": value}}
    answers |= {f"AA-02#{number}": {**good, "value": "pass"} for number in range(10_000)}
    judged = evaluate(definition, {}, answers)
    assert not judged.complete
    told = next(problem for problem in judged.problems if problem.item == "AA-01")
    assert (told.code, told.params["limit"]) == ("too_long", 200)


def test_lint_says_only_that_a_form_is_too_large() -> None:
    items = tuple(
        msgspec.structs.replace(PLAIN, code=f"AA-{number}", when='answers["AA-0"] == "pass" && facts.dual')
        for number in range(10_000)
    )
    found = lint(Definition("form", 1, "survey", WORDS, (Section("part", WORDS, items),)))
    assert [one.code for one in found] == ["too_many_items"]
    long = msgspec.structs.replace(
        PLAIN, when="facts.dual && " * 100_000 + "facts.gen", remedy=Text("词" * 10_000_000, "x")
    )
    found = lint(Definition("form", 1, "survey", WORDS, (Section("part", WORDS, (long,)),)))
    assert [(one.code, one.path[-1]) for one in found] == [("too_long", "zh-CN"), ("too_long", "when")]


def test_a_large_form_of_hard_conditions_is_linted_to_the_end() -> None:
    names = "ct dc dual duct gen joint hazard pt pv rcd relay sf6 tn vcb".split()  # noqa: SIM905
    hard = " || ".join(f"facts.{name}" for name in names)
    items = tuple(msgspec.structs.replace(PLAIN, code=f"AA-{number}", when=hard) for number in range(300))
    assert lint(Definition("form", 1, "survey", WORDS, (Section("part", WORDS, items),))) == []
