"""What is known of a case's facts. Unknown is a value of its own: it is never taken for no."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
import yaml

from server.workflow.model import Case


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: Literal[1]
    facts: dict[str, str]


#: Facts that the supply itself states; nobody settles them beside it.
SUPPLY_FACTS = frozenset({"capacity_kva", "voltage_kv"})


@cache
def workflow_facts() -> Mapping[str, str]:
    """The yes-or-no facts that gates and stages ask for, by name, with what each means."""
    text = (resources.files(__package__) / "facts.yaml").read_text("utf-8")
    return msgspec.convert(yaml.safe_load(text), _File).facts


def known(case: Case, name: str) -> bool | None:
    """A yes-or-no fact, or None while nobody has settled it."""
    fact = case.facts.get(name)
    return fact.value if fact is not None and isinstance(fact.value, bool) else None
