"""The survey sheet as a tree: groups and repeats with the questions in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from checklists.model import ItemType
from checklists.xlsform.choices import Choice
from checklists.xlsform.columns import Line, Table
from checklists.xlsform.plain import is_constant
from checklists.xlsform.vocabulary import METADATA, QUESTION_TYPES, Answer
from checklists.xlsform.workbook import refused

__all__ = ["Branch", "Leaf", "leaves", "read_tree"]

_BEGIN = re.compile(r"begin[ _](?P<kind>group|repeat|loop|lgroup|looped group)(?: (?:over )?\S+)?", re.I)
_END = re.compile(r"end[ _](?P<kind>group|repeat|loop|lgroup|looped group)", re.I)
_SELECT = re.compile(
    r"(?P<how>(?:add )?select[ _]one(?:[ _]external|[ _]from[ _]file| prompt using| using| from)?"
    r"|q select1|select1|(?:add )?select[ _]multiple(?:[ _]from[ _]file| prompt using| using| from)?|q select"
    r"|select all that apply(?: from)?|rank)"
    r" (?P<list>\S+)(?P<other>[ _](?:or[ _]other|or specify other))?",
    re.I,
)


@dataclass
class Leaf:
    """A question, or a row that becomes none. `type` is None for what does not become an item."""

    line: Line
    type_word: str
    answer: Answer | Literal["one", "many", "fact", "metadata"]
    list_name: str | None = None
    or_other: bool = False
    code: str = ""
    type: ItemType | None = None
    choices: tuple[Choice, ...] = ()


@dataclass
class Branch:
    """A group or a repeat."""

    line: Line
    kind: Literal["group", "repeat"]
    children: list[Branch | Leaf] = field(default_factory=list)
    code: str = ""


def read_tree(survey: Table, nested: int) -> list[Branch | Leaf]:
    """What stands in the form outside every group, in order. Begins and ends that do not match are faults.
    Raises XlsFormError for groups more than `nested` deep in each other."""
    form: list[Branch | Leaf] = []
    open_branches: list[Branch] = []
    findings = survey.findings
    for line in survey.lines:
        word = " ".join((line.word("type") or "").split())
        if _disabled(line):
            findings.lose("disabled_row", survey.name, line.number, "disabled")
            line.forgo()
        elif not word:
            if line.word("name") is not None or line.raw("label") is not None:
                findings.fault("missing_value", survey.name, line.number, "type")
        elif begun := _BEGIN.fullmatch(word):
            branch = Branch(line, "group" if begun["kind"].lower() in ("group", "loop") else "repeat")
            if begun["kind"].lower() == "loop":
                findings.lose("type", survey.name, line.number, "type", value=word)
            (open_branches[-1].children if open_branches else form).append(branch)
            open_branches.append(branch)
            if len(open_branches) > nested:
                raise refused("nested_too_deep", survey.name, line.number, "type", limit=nested)
        elif _END.fullmatch(word):
            if not open_branches:
                findings.fault("unmatched_end", survey.name, line.number, "type", value=word)
            else:
                open_branches.pop()
            line.forgo()
        else:
            (open_branches[-1].children if open_branches else form).append(_leaf(line, word))
    for branch in open_branches:
        findings.fault("unmatched_begin", survey.name, branch.line.number, "type")
    return form


def _disabled(line: Line) -> bool:
    return is_constant(line.word("disabled") or "no") is True


def _leaf(line: Line, word: str) -> Leaf:
    selected = _SELECT.fullmatch(word)
    if line.word(line.table.own("fact")) is not None:
        return Leaf(line, word, "fact", selected["list"] if selected else None)
    if selected:
        how = selected["how"].lower().replace("_", " ")
        many = "multiple" in how or "all that" in how or how == "q select"
        answer: Answer | Literal["one", "many"] = "many" if many else "one"
        if how == "rank":
            answer = "read_as_text"
        elif "file" in how or "external" in how or "${" in selected["list"]:
            answer = "elsewhere"
        return Leaf(line, word, answer, selected["list"], selected["other"] is not None)
    plain = word.lower().replace("_", " ")
    if plain in METADATA or plain.replace(" ", "-") in METADATA:
        return Leaf(line, word, "metadata")
    return Leaf(line, word, QUESTION_TYPES.get(plain, "unknown"))


def leaves(
    children: Iterable[Branch | Leaf], repeat: Branch | None = None
) -> Iterator[tuple[Leaf, Branch | None]]:
    """Every leaf, with the outermost repeat that it stands in."""
    for child in children:
        if isinstance(child, Leaf):
            yield child, repeat
        else:
            yield from leaves(child.children, repeat or (child if child.kind == "repeat" else None))
