"""Shared vectors: the tablets' evaluator and this one come to the same judgement, word for word."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from checklists.answers import canonical
from tests.vectors.checklists.generate import UNKEPT, differences, sample
from tests.vectors.checklists.themes import THEMES
from tests.vectors.checklists.vectors import ROOT, files, judged, read

#: What was promised, and the new forms of each theme that are judged in both languages on top.
LEAST = 400
FRESH = 15
SEED = 7


@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_every_vector_is_judged_as_it_says(path: Path) -> None:
    for vector in read(path):
        assert canonical(judged(vector)) == canonical(vector["expected"]), vector["name"]


def test_every_theme_has_its_file_and_together_they_are_many() -> None:
    names = Counter(vector["name"] for path in files() for vector in read(path))
    assert {path.stem for path in files()} >= THEMES.keys()
    assert names.total() >= LEAST
    assert max(names.values()) == 1


def test_node_agrees_with_every_vector() -> None:
    done = subprocess.run(
        ["node", "--test", "--test-reporter=tap", "web/engine/test/"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=300,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    counted = re.search(r"(\d+) vectors agree", done.stdout)
    assert counted is not None
    assert int(counted[1]) == sum(len(read(path)) for path in files())


def test_new_forms_are_judged_alike_in_python_and_node() -> None:
    made = [*(made for made, _ in THEMES.values()), *UNKEPT.values()]
    cases = [case for one in made for case in sample(one(), FRESH, SEED)]
    assert list(differences(cases)) == []
