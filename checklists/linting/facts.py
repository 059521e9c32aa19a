"""Case facts: that conditions can rely on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from checklists.linting.complaint import Complaint, NodePath, complain
from checklists.linting.expressions import CEL_TYPES, inspected
from checklists.linting.texts import lint_text
from checklists.model import FactDefinition

__all__ = ["lint_declared"]


def lint_declared(facts: Mapping[str, FactDefinition]) -> Iterator[Complaint]:
    """Complaints about facts; a path starts with the fact's position. Raises CelMissing."""
    places = {name: number for number, name in enumerate(facts)}
    for name, fact in facts.items():
        path: NodePath = (places[name],)
        yield from lint_text(name, (*path, "title"), "title", fact.title)
        yield from lint_text(name, (*path, "definition"), "definition", fact.definition)
        if (fact.type == "choice") != bool(fact.options):
            yield complain("fact_options", name, (*path, "options"))
        if fact.derived is not None and fact.type != "bool":
            yield complain("derived_not_bool", name, (*path, "derived"))
    settled = {name: CEL_TYPES[fact.type] for name, fact in facts.items() if fact.derived is None}
    derived = [(fact.name, fact.derived) for fact in facts.values() if fact.derived is not None]
    inspections = inspected([expression for _, expression in derived], settled)
    for (name, expression), seen in zip(derived, inspections, strict=True):
        path = (places[name], "derived")
        others = [other for other in seen.facts if other not in settled]
        for other in others:
            yield complain("derived_unsettled", name, path, expression=expression, name=other)
        if seen.error is not None and not others:
            yield complain("derived_invalid", name, path, expression=expression, error=seen.error)
        elif seen.error is None and seen.type != "bool":
            yield complain("derived_type", name, path, expression=expression, type=seen.type)
        if seen.answers:
            yield complain("derived_answers", name, path, expression=expression)
