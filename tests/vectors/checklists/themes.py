"""What the vectors are about."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hypothesis import strategies as st

from tests.vectors.checklists import forms, repeats
from tests.vectors.checklists.forms import Case, of_types

__all__ = ["THEMES"]

#: By theme: how cases are made, and how many of them are kept.
THEMES: Mapping[str, tuple[Callable[[], st.SearchStrategy[Case]], int]] = {
    "numbers": (lambda: of_types("number"), 60),
    "words": (lambda: of_types("text", "pass_fail", "file"), 50),
    "lengths": (forms.lengths, 10),
    "dates": (lambda: of_types("date"), 25),
    "choices": (lambda: of_types("choice", "multi_choice"), 40),
    "signatures": (lambda: of_types("signature"), 30),
    "places": (lambda: of_types("location"), 40),
    "photos": (lambda: of_types("photo", "pass_fail"), 40),
    "missing": (forms.missing, 30),
    "order": (forms.order, 25),
    "conditions": (forms.conditions, 45),
    "disputes": (forms.disputes, 30),
    "reinspections": (forms.reinspections, 40),
    "repeats": (repeats.repeats, 60),
    "entries_again": (repeats.again, 30),
    "circumstances": (repeats.circumstances, 30),
    "units": (repeats.units, 50),
    "gravity": (repeats.gravity, 40),
    "functions": (repeats.functions, 50),
}
