"""Writes the vectors: `python -m tests.vectors.checklists.generate`. What they expect is what Python judges.

With `--fuzz N --seed S` it writes nothing: it judges N new forms of each theme in both languages and prints
where they differ.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from checklists.answers import canonical
from tests.vectors.checklists.corners import corners
from tests.vectors.checklists.forms import Case
from tests.vectors.checklists.published import published_forms, spoiled_forms
from tests.vectors.checklists.themes import THEMES
from tests.vectors.checklists.vectors import judged, judged_by_node, write

__all__ = ["UNKEPT", "differences", "sample"]

_SEED = 20250304
#: What is judged in both languages and not kept: the checklists change, and are too long for a vector.
UNKEPT = {"spoiled": spoiled_forms}


def sample(cases: st.SearchStrategy[Case], wanted: int, number: int) -> list[Case]:
    """Different cases; the same ones for the same seed and release of hypothesis."""
    found: dict[str, Case] = {}

    @seed(number)
    @settings(
        max_examples=wanted * 3,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def collect(case: Case) -> None:
        if len(found) < wanted:
            found.setdefault(canonical(case), json.loads(json.dumps(case)))

    collect()
    return list(found.values())


def differences(cases: list[Case]) -> Iterator[tuple[Case, dict[str, object], dict[str, object]]]:
    """The cases that Python and Node judge differently, with what each says."""
    for case, there in zip(cases, judged_by_node(cases), strict=True):
        here = judged(case)
        if canonical(here) != canonical(there):
            yield case, here, there


def _fuzz(themes: Iterable[str], wanted: int, number: int) -> int:
    different = 0
    for theme in themes:
        made = UNKEPT[theme] if theme in UNKEPT else THEMES[theme][0]
        for case, here, there in differences(sample(made(), wanted, number)):
            different += 1
            sys.stdout.write(f"{theme} {json.dumps({'case': case, 'here': here, 'there': there})}\n")
    return different


def _write() -> None:
    themes = {theme: sample(cases(), wanted, _SEED) for theme, (cases, wanted) in THEMES.items()}
    themes |= {"corners": list(corners()), "published": list(published_forms())}
    for theme, cases in themes.items():
        write(
            theme,
            [
                {"name": f"{theme} {number}", **case, "expected": judged(case)}
                for number, case in enumerate(cases, start=1)
            ],
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fuzz", type=int, metavar="N")
    parser.add_argument("--theme", choices=[*THEMES, *UNKEPT])
    parser.add_argument("--seed", type=int, default=_SEED)
    chosen = parser.parse_args()
    if chosen.fuzz is None:
        _write()
    else:
        sys.exit(
            1
            if _fuzz([chosen.theme] if chosen.theme else [*THEMES, *UNKEPT], chosen.fuzz, chosen.seed)
            else 0
        )


if __name__ == "__main__":
    main()
