"""Patterns of clients run as in CouchDB where JavaScript has the same, and never longer than they may."""

from __future__ import annotations

import time

import pytest

from jsengine import Limits
from sync.embedded.regexes import RegexFault, SandboxedRegexes, translated


@pytest.fixture(scope="module")
def regexes() -> SandboxedRegexes:
    return SandboxedRegexes(limits=Limits(seconds=0.2, memory_bytes=8 * 1024 * 1024))


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("b", "abc", True),
        ("^b", "abc", False),
        ("(?i)^B$", "b", True),
        ("(?im)^B$", "a\nb", True),
        ("(?s)a.b", "a\nb", True),
        ("a.b", "a\nb", False),
        ("b$", "ab\n", True),
        (r"b\z", "ab\n", False),
        (r"b\Z", "ab\n", True),
        (r"\Aab", "ab", True),
        (r"\Ab", "ab", False),
        (r"^\d{4}\-\d{2}$", "2026-03", True),
        (r"^a\_b\ c\:\"\'\#$", "a_b c:\"'#", True),
        (r"^[\w\-]+$", "a-b", True),
        (r"^[\.$]+$", ".$", True),
        (r"(?P<year>\d+)-\k<year>", "12-12", True),
        ("中.文", "中国文", True),
        ("^.$", "é", True),
        ("", "", True),
    ],
)
def test_a_pattern_means_what_it_means_in_couchdb(
    regexes: SandboxedRegexes, pattern: str, text: str, found: bool
) -> None:
    regexes.check(pattern)
    assert regexes.search(pattern, text) is found


@pytest.mark.parametrize(
    "pattern", ["(", "a++", "(?>a)", "[[:alpha:]]", "(?x)a", r"\Qa.b\E", "(?R)", "a{2,1}", "*", r"\h"]
)
def test_what_javascript_would_read_otherwise_is_refused(regexes: SandboxedRegexes, pattern: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  whatever the engine says of it
        regexes.check(pattern)


def test_a_pattern_that_does_not_end_is_stopped_and_harms_nobody_else(regexes: SandboxedRegexes) -> None:
    evil = "^(a+)+$"
    regexes.check(evil)
    began = time.process_time()
    with pytest.raises(RegexFault):
        regexes.search(evil, "a" * 60 + "b")
    assert time.process_time() - began < 30  # it would take years
    assert regexes.search("b", "abc")


def test_translation_leaves_alone_what_is_the_same() -> None:
    assert translated(r"^a[b-d]+\.(x|y)?") == (r"^a[b-d]+\.(x|y)?", "u")
