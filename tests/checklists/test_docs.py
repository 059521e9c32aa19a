"""docs/checklists.md holds: files lint as it says, commands print what it shows, its items can pass."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from click.testing import CliRunner

from checklists import Definition, Item, Section, Text, evaluate, good_answers, lint
from checklists.cel import FUNCTIONS
from checklists.linting.conditions import Effort
from checklists.linting.size import SizeLimits
from checklists.model import MAX_ENTRIES, ItemType
from checklists.yamlfile import ReadLimits, parse_yaml
from server.commands.checklist import checklist
from server.reports.blank_form import ENTRY_COLUMNS, MOST_ITEMS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "checklists.md"
TEXT = PAGE.read_text("utf-8")
FENCE = re.compile(r"(?:<!-- (file: (?P<file>\S+)|items) -->\n)?```(?P<kind>\w+)\n(?P<body>.*?)```", re.S)
AT = "2026-03-05T09:30:00+08:00"


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file that it is, and what stands in it."""

    kind: str
    file: str | None
    body: str


def blocks() -> Iterator[Block]:
    for found in FENCE.finditer(TEXT):
        yield Block(found["kind"], found["file"], found["body"])


def items() -> tuple[Item, ...]:
    """The items of every block that is a list of them, as they stand in one form."""
    written = [block.body for block in blocks() if block.kind == "yaml" and block.file is None]
    return tuple(
        item
        for body in written
        for item in msgspec.convert(parse_yaml(body.encode(), "page")[0], tuple[Item, ...])
    )


def form() -> Definition:
    words = Text("示例", "Examples")
    return Definition("examples", 1, "acceptance", words, (Section("examples", words, items()),))


def test_the_walk_goes_as_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are written and commands run in the order of the page, each in the same folder."""
    monkeypatch.chdir(tmp_path)
    ran = 0
    for block in blocks():
        if block.file is not None:
            (tmp_path / block.file).write_text(block.body, "utf-8")
        if block.kind != "console":
            continue
        for command, *said in (part.splitlines() for part in re.split(r"^\$ ", block.body, flags=re.M)[1:]):
            program, group, *arguments = shlex.split(command)
            assert (program, group) == ("hezha", "checklist")
            answer = CliRunner().invoke(checklist, arguments)
            shown = "\n".join(said).strip()
            wanted = ".*".join(re.escape(part) for part in shown.split("…"))
            assert re.fullmatch(wanted, answer.output.strip()), answer.output
            ran += 1
    assert ran >= 6
    assert (tmp_path / "form.pdf").read_bytes().startswith(b"%PDF-")


def test_every_example_is_sound_and_every_type_has_one() -> None:
    assert [str(one) for one in lint(form())] == []
    assert {item.type for item in form().items} == set(get_args(ItemType))


@pytest.mark.parametrize("important", [True, False])
def test_every_example_can_pass(important: bool) -> None:
    facts: dict[str, Any] = {"dual": True, "gen": False, "temporary": False, "important": important}
    facts |= {"transformer_type": "oil", "capacity_kva": 2500.0}
    answers = good_answers(
        form(),
        facts,
        photo_for=lambda name, wanted: [f"photo:{name}-{number}" for number in range(wanted)],
        by="lin",
        at=AT,
    )
    judged = evaluate(form(), facts, answers)
    assert judged.complete, judged.problems
    assert {item.verdict for item in judged.items if item.shown} == {"pass"}
    leak = next(code for code in answers if code.startswith("KX-32#"))
    answers[leak] |= {"value": "fail", "note": "渗油", "photos": ["photo:leak"]}
    failed = evaluate(form(), facts, answers).failed
    assert [(item.code, item.severity) for item in failed] == [(leak, "critical" if important else "minor")]


def test_the_table_of_functions_is_what_is_offered() -> None:
    table = TEXT.split("| function | |")[1].split("\n\n")[0]
    assert set(re.findall(r"\b(\w+)\(", table)) == FUNCTIONS


def test_the_limits_are_those_that_hold() -> None:
    reading, size, effort = ReadLimits(), SizeLimits(), Effort()
    table = TEXT.split("## How large")[1]
    for said in (
        f"{reading.file_bytes:,} bytes, {reading.values:,} values, {reading.depth} levels deep, "
        f"{reading.scalar:,} characters",
        f"{size.items:,} items, {MAX_ENTRIES} entries",
        f"{size.parts} options, limits, roles or views; {size.text:,} characters in a text or expression",
        f"{effort.of_expression:,} situations for one, {effort.of_definition:,} for a form",
    ):
        assert said in table
    assert size.text == size.expression
    assert f"more than {MOST_ITEMS} items are not printed" in TEXT
    assert ENTRY_COLUMNS == 4
    assert "columns for four entries" in TEXT


def test_what_the_page_shows_and_links_to_is_there() -> None:
    linked = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert len(linked) >= 3
    assert [name for name in linked if not (PAGE.parent / name).exists()] == []
