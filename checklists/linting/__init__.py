"""What is wrong with a definition, told to its author.

A definition that loads has the right shape. Lint asks whether it makes sense: whether every expression can be
evaluated, every text is there in both languages, and every limit can be kept and broken. Each theme has its
module; each complaint its words in `complaints.yaml`.
"""

from __future__ import annotations

from collections.abc import Mapping

from checklists.linting.complaint import Complaint, NodePath
from checklists.linting.conditions import lint_conditions, undecided
from checklists.linting.expressions import FUNCTIONS, lint_expressions
from checklists.linting.facts import lint_declared
from checklists.linting.items import lint_items
from checklists.linting.limits import lint_limits
from checklists.linting.repeats import lint_repeats
from checklists.linting.size import lint_size
from checklists.linting.sources import lint_sources
from checklists.linting.texts import lint_texts
from checklists.loader import fact_definitions
from checklists.model import Definition, FactDefinition

__all__ = ["FUNCTIONS", "Complaint", "NodePath", "lint", "lint_facts", "undecided"]

_THEMES = (
    *(lint_texts, lint_items, lint_repeats, lint_limits, lint_sources),
    *(lint_expressions, lint_conditions),
)


def lint(definition: Definition) -> list[Complaint]:
    """Every complaint about a definition, none if it is sound; of one that is far too large, only that it is.
    Raises CelMissing."""
    oversized = list(lint_size(definition))
    if oversized:
        return oversized
    return [complaint for theme in _THEMES for complaint in theme(definition)]


def lint_facts(declared: Mapping[str, FactDefinition] | None = None) -> list[Complaint]:
    """Every complaint about the facts (by default those of `facts.yaml`). Raises CelMissing."""
    return list(lint_declared(fact_definitions() if declared is None else declared))
