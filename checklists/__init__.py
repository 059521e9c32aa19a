"""Checklists: definitions as data, the judgement of answers, and the merging of several inspectors' answers.

Nothing here reads a clock, stores or asks anybody; files are read when definitions are loaded.
"""

from checklists.answers import Problem
from checklists.evaluate import ItemJudgement, Judgement, evaluate, usable_facts
from checklists.linting import lint, lint_facts
from checklists.loader import (
    DefinitionError,
    Library,
    UnknownChecklist,
    definition_from_document,
    definition_to_document,
    fact_definitions,
    load_definitions,
)
from checklists.merge import Merged, merge
from checklists.model import Definition, FactDefinition, Item, Section, Text
from checklists.sample import good_answers

__all__ = [
    "Definition",
    "DefinitionError",
    "FactDefinition",
    "Item",
    "ItemJudgement",
    "Judgement",
    "Library",
    "Merged",
    "Problem",
    "Section",
    "Text",
    "UnknownChecklist",
    "definition_from_document",
    "definition_to_document",
    "evaluate",
    "fact_definitions",
    "good_answers",
    "lint",
    "lint_facts",
    "load_definitions",
    "merge",
    "usable_facts",
]
