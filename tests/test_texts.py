"""Every code that the server can send has words in both languages, with the same gaps to fill."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

import checklists
import geo
import server
from checklists.values import ProblemCode
from server.intake.receipts import reason_text, told
from server.problems import _CODES_BY_STATUS, known_codes
from server.texts import LANGUAGES, both, catalogue, text
from server.workflow.model import CodedReason

SERVER = Path(server.__file__).parent
#: Calls that carry a code, and which argument it is.
EMITTERS = {"Problem": 1, "CodedReason": 1, "Reason": 0, "Refused": 0, "ClaimError": 0, "Flag": 0}
EMITTERS |= {
    "CoordinateError": 0,
    "FenceError": 0,
    "TrackError": 0,
    "NetworkError": 0,
    "Finding": 0,
    "Check": 0,
}


@cache
def calls(source: Path) -> list[ast.Call]:
    """Every call in a source file."""
    tree = ast.parse(source.read_text("utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def written(root: Path, name: str, position: int) -> Iterator[str]:
    """The literal codes that calls of `name` below `root` carry, as that argument."""
    for source in sorted(root.rglob("*.py")):
        for node in calls(source):
            if len(node.args) <= position:
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called == name:
                yield from literals(node.args[position])


def literals(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may come to, as far as they are written out."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from literals(node.body)
        yield from literals(node.orelse)


def problems() -> set[str]:
    """Codes of problems that a request may be answered with, those with a text of their own left out."""
    own_words = set()
    for source in sorted(SERVER.rglob("*.py")):
        for node in calls(source):
            if any(word.arg == "text_code" for word in node.keywords):
                own_words.add((source.name, node.lineno))
    codes = set(_CODES_BY_STATUS.values()) | {"internal_error", "broken_json"}
    for source in sorted(SERVER.rglob("*.py")):
        for node in calls(source):
            if (
                getattr(node.func, "id", "") == "Problem"
                and len(node.args) > 1
                and isinstance(node.args[1], ast.Constant)
                and (source.name, node.lineno) not in own_words
            ):
                codes.add(str(node.args[1].value))
    return codes


def reasons() -> set[str]:
    """Codes of reasons and flags that receipts carry."""
    found: set[str] = set(get_args(ProblemCode))
    for root in (SERVER / "intake", SERVER / "evidence", Path(geo.__file__).parent):
        for name, position in EMITTERS.items():
            if name != "Problem":
                found |= set(written(root, name, position))
    return found


def gaps(words: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(words) if name}


def test_the_search_finds_what_it_is_for() -> None:
    assert {"case_no_taken", "photo_refused", "not_found", "bbox_invalid"} <= problems()
    assert {"photo_heic", "clock_ahead", "datum_missing", "missing_note", "given_back"} <= reasons()
    assert Path(checklists.__file__).exists()


def test_every_problem_has_words() -> None:
    people = {code.removeprefix("people.") for code in catalogue("en") if code.startswith("people.")}
    assert sorted(problems() - known_codes() - people) == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_reason_has_words(lang: str) -> None:
    assert sorted(code for code in reasons() if reason_text(code) not in catalogue(lang)) == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_message_of_an_outbox_has_words(lang: str) -> None:
    sent = set(written(SERVER / "intake", "answer", 2))
    assert {"unsent_quarantined", "unsent_no_case"} <= sent
    for code in sent | {"unsent_accepted", "unsent_rejected"}:
        assert f"intake.{code}" in catalogue(lang)


def test_both_catalogues_have_the_same_codes() -> None:
    chinese, english = (set(catalogue(lang)) for lang in LANGUAGES)
    assert sorted(chinese ^ english) == []


def test_every_entry_is_a_text() -> None:
    for lang in LANGUAGES:
        odd = [
            code for code, words in catalogue(lang).items() if not isinstance(words, str) or not words.strip()
        ]
        assert odd == []


def test_both_languages_leave_the_same_gaps() -> None:
    """A value may have a name for each language (`role_en`, `role_zh`)."""
    for code in catalogue("en"):
        english = {gap.removesuffix("_en") for gap in gaps(catalogue("en")[code])}
        chinese = {gap.removesuffix("_zh") for gap in gaps(catalogue("zh-CN")[code])}
        assert english == chinese, code


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_catalogue_is_in_its_language(lang: str) -> None:
    for code, words in catalogue(lang).items():
        chinese = any("\u4e00" <= char <= "\u9fff" for char in words)
        if lang == "en":
            assert not chinese, code


def test_an_unknown_code_or_language_is_told_as_well_as_can_be() -> None:
    assert text("no.such-code", "en") == "no.such-code"
    assert text("status.404", "tlh") == text("status.404", "zh-CN")
    assert "{no}" in text("problem.case_no_taken", "en"), "a value nobody gave is shown as its name"
    assert set(both("status.404")) == set(LANGUAGES)


@pytest.mark.parametrize("param", ["lang", "code", "params", "status", "item", "text"])
def test_a_parameter_may_have_any_name(param: str) -> None:
    [row] = told([CodedReason("PF-01", "photo_heic", {param: "x"})])
    assert row["params"] == {param: "x"}
    assert row["text"]["en"]
