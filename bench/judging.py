"""Checklists: a large submission judged, many definitions loaded, memory over many judgements.

    python bench/judging.py [--rounds N] [--judgements N] [--definitions N]

The submission answers 225 items, one for each row of the trade's table, five groups of them for two entries
each. The yardstick judges the same answers by the same conditions and limits in plain Python, as one would
write them by hand into a program: no reasons in words, no check of what a tablet sent, no expression that an
office could change. It must come to the same verdicts, or the benchmark stops. Times are medians on whatever
this machine is; compare ratios, and only within one run.
"""

from __future__ import annotations

import argparse
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from kit.plain_rules import Answers, Facts, Plain

import checklists
from checklists import Definition, Item, Section, Text, evaluate, good_answers, load_definitions
from checklists.coverage import coverage_rows
from checklists.loader import derived_facts, fact_definitions
from checklists.model import Entries, split_code
from checklists.yamlfile import read_yaml

AT = "2026-03-05T09:30:00+08:00"
#: The groups that are repeated, by the start of their codes, and for how many entries.
REPEATED = {
    "CT": Text("变压器", "transformer"),
    "CC": Text("电缆", "cable"),
    "CS": Text("高压柜", "panel"),
    "CG": Text("接地点", "earthing point"),
    "CM": Text("计量点", "metering point"),
}
ENTRIES = 2
#: How often memory is looked at, after this many judgements that warm up.
SAMPLES = 10
WARM_UP = 500


def large_form() -> Definition:
    """One form of every row of the table, five groups of it as repeats."""
    newest = {one.id: one for one in load_definitions().all()}
    known = {item.code: item for one in newest.values() for item in one.items}
    groups: dict[str, list[Item]] = {}
    for row in coverage_rows():
        groups.setdefault(row.code.partition("-")[0], []).append(known[row.code])
    words = Text("全部项目", "All items")
    sections = []
    for prefix, group in groups.items():
        asked = tuple(group)
        if prefix in REPEATED:
            first, noun = group[0], REPEATED[prefix]
            repeat = Item(prefix, noun, "repeat", first.severity, first.remedy, first.source)
            asked = (msgspec.structs.replace(repeat, entries=Entries(noun), items=asked),)
        sections.append(Section(prefix.lower(), words, asked))
    return Definition("all-items", 1, "acceptance", words, tuple(sections))


def facts_of_a_site(*, large: bool) -> Facts:
    """With everything there can be, or with nothing special."""
    settled = (fact for name, fact in fact_definitions().items() if name not in derived_facts())
    return {
        **{fact.name: large for fact in settled if fact.type == "bool"},
        "capacity_kva": 2500.0 if large else 80.0,
        "transformer_type": "oil" if large else "gas",
        "cable_rating": "8.7/15" if large else "none",
        "lightning_class": "class_2" if large else "class_3",
    }


def filled(definition: Definition, facts: Facts) -> Answers:
    def photos(code: str, wanted: int) -> list[str]:
        return [f"photo:{code}-{number}" for number in range(wanted)]

    return good_answers(definition, facts, photo_for=photos, by="inspector", at=AT, entries=ENTRIES)


def faults(definition: Definition, answers: Answers) -> list[Answers]:
    """The form with one answer changed at a time, where its type lets one say something bad."""
    made = []
    for name, answer in answers.items():
        item = definition.by_code[split_code(name)[0]]
        bad: dict[str, Any] = {"pass_fail": "fail", "file": "missing"}
        for option in item.options:
            if option.verdict != "pass" and not isinstance(answer["value"], list):
                bad[item.type] = option.value
        if item.type == "number" and item.range is not None:
            bad["number"] = item.range.min
        if item.type in bad:
            changed = {**answer, "value": bad[item.type], "note": "见照片", "photos": ["photo:x"]}
            made.append({**answers, name: changed})
    return made


def require_agreement(definition: Definition, plain: Plain) -> None:
    """Stop unless both come to the same verdicts, on good forms and on those with any single fault."""
    tried = []
    for facts in (facts_of_a_site(large=True), facts_of_a_site(large=False)):
        answers = filled(definition, facts)
        tried += [(facts, changed) for changed in (answers, *faults(definition, answers))]
    for facts, changed in tried:
        judged = evaluate(definition, facts, changed).items
        ours = {one.code: one.verdict for one in judged if one.type != "repeat"}
        theirs = plain.judge(facts, changed)
        if ours != theirs:
            differing = [code for code in ours if ours[code] != theirs.get(code)]
            raise SystemExit(f"the yardstick judges otherwise: {differing}")
    print(f"the yardstick agrees on every verdict of {len(tried)} forms")


@dataclass(frozen=True)
class Taken:
    """Medians in milliseconds: by the clock, and of processor time, which neighbours lengthen less."""

    clock: float
    processor: float

    def __str__(self) -> str:
        return f"{self.clock:8.2f} ms, {self.processor:.2f} ms of processor time"


def median_ms(work: Callable[[], object], rounds: int) -> Taken:
    clock, processor = [], []
    for _ in range(rounds):
        started, began = time.perf_counter(), time.process_time()
        work()
        processor.append((time.process_time() - began) * 1000)
        clock.append((time.perf_counter() - started) * 1000)
    return Taken(statistics.median(clock), statistics.median(processor))


def measure_judging(
    definition: Definition, facts: Facts, answers: Answers, plain: Plain, rounds: int
) -> None:
    judged = evaluate(definition, facts, answers)
    if judged.problems or judged.failed:
        raise SystemExit(f"the benchmark's own form is not good: {judged.problems}, {judged.failed}")
    ours = median_ms(lambda: evaluate(definition, facts, answers), rounds)
    theirs = median_ms(lambda: plain.judge(facts, answers), rounds)
    asked = sum(item.type != "repeat" for item in definition.items)
    lines = sum(item.type != "repeat" for item in judged.items)
    print(f"{asked} items, {len(REPEATED)} groups with {ENTRIES} entries each: {lines} lines judged")
    ratio = ours.processor / theirs.processor
    print(f"  evaluate      {ours}")
    print(f"  plain Python  {theirs}; evaluate takes {ratio:.0f} x as much")


def write_distinct(folder: Path, wanted: int) -> tuple[int, int]:
    """Definitions with sections of their own, no two alike. Returns how many items and bytes they have."""
    source = Path(checklists.__file__).with_name("definitions")
    (folder / "sections").mkdir()
    forms = sorted(source.glob("*.yaml"))
    items = size = 0
    for number in range(wanted):
        form = forms[number % len(forms)]
        head, listed = form.read_text("utf-8").split("sections:")
        head = re.sub(r"^id: (.*)$", rf"id: \1-{number}", head, flags=re.M)
        for section in read_yaml(form, form.name)[0]["sections"]:
            own = f"{section}-{number}"
            body = (source / "sections" / f"{section}.yaml").read_text("utf-8")
            body = body.replace(f"id: {section}", f"id: {own}", 1)
            body = body.replace("title: {zh-CN: ", f"title: {{zh-CN: {number} ", 1)
            (folder / "sections" / f"{own}.yaml").write_text(body, "utf-8")
            listed = re.sub(rf"(?<![\w-]){section}(?![\w-])", own, listed)
            items += body.count("code: ")
            size += len(body.encode())
        (folder / f"{form.stem}-{number}.yaml").write_text(f"{head}sections:{listed}", "utf-8")
        size += len(head.encode()) + len(listed.encode())
    return items, size


def measure_loading(wanted: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        items, size = write_distinct(folder, wanted)
        distinct = len({one.digest for one in load_definitions(folder).all()})
        if distinct != wanted:
            raise SystemExit(f"{distinct} distinct definitions, {wanted} were wanted")
        taken = median_ms(lambda: load_definitions(folder), rounds)
    print(f"{wanted} distinct definitions, no section shared: {items} items, {size / 1e6:.1f} MB of YAML")
    print(f"  load          {taken}")


def private_bytes() -> int:
    """Memory of this process that it shares with no other: what neighbours share comes and goes with them."""
    lines = Path("/proc/self/smaps_rollup").read_text("ascii").splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))


def measure_memory(judgements: int) -> None:
    """Two forms in turn, with other words and another case each time, so that no result is found again."""
    library, facts = load_definitions(), facts_of_a_site(large=True)
    named = [library.latest(name) for name in ("survey-lv", "intermediate-civil")]
    forms = [(definition, filled(definition, facts)) for definition in named]

    def once(number: int) -> None:
        definition, answers = forms[number % len(forms)]
        code, answer = next(iter(answers.items()))
        note = {**answer, "note": f"第 {number} 次"}
        evaluate(definition, {**facts, "capacity_kva": 100.0 + number}, {**answers, code: note})

    for number in range(WARM_UP):
        once(number)
    start = private_bytes()
    print(f"memory over {judgements} judgements, after {WARM_UP}: {start / 1e6:.1f} MB")
    for step in range(SAMPLES):
        for number in range(judgements * step // SAMPLES, judgements * (step + 1) // SAMPLES):
            once(number)
        grown = private_bytes() - start
        print(f"  after {judgements * (step + 1) // SAMPLES:>7} {grown / 1e6:+7.1f} MB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=101)
    parser.add_argument("--judgements", type=int, default=100_000)
    parser.add_argument("--definitions", type=int, default=200)
    options = parser.parse_args()
    definition, facts = large_form(), facts_of_a_site(large=True)
    plain = Plain(definition)
    require_agreement(definition, plain)
    measure_judging(definition, facts, filled(definition, facts), plain, options.rounds)
    measure_loading(options.definitions, 3)
    measure_memory(options.judgements)


if __name__ == "__main__":
    main()
