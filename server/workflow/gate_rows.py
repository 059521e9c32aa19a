"""The rows of the gate table, as `gates.yaml` says them. What they mean is said in `gates`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
import yaml

from server.workflow.facts import workflow_facts
from server.workflow.vocabulary import ProcessName, Role, TaskKind


class EntryRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may confirm a gate, and for how long that holds.

    `persons`: the setting with the number of different persons it takes, `among`: the role that one of them
    must have. `ages`: the setting with the days after the evidence's own through which a word holds.
    """

    roles: tuple[Role, ...]
    not_applicable: bool = False
    persons: str | None = None
    among: Role | None = None
    ages: str | None = None


class Gate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One row of the table: `computed` or `entry`, never both.

    `rests_on`: inspections whose inspectors do not confirm it. `waivable`: an organisation's setting may
    allow two persons to waive it.
    """

    id: str
    code: str
    processes: tuple[ProcessName, ...]
    source: str
    computed: str | None = None
    entry: EntryRule | None = None
    needs: tuple[str, ...] = ()
    rests_on: tuple[TaskKind, ...] = ()
    waivable: bool = False


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: Literal[1]
    gates: tuple[Gate, ...]


@cache
def gate_rows() -> Mapping[str, Gate]:
    """Every gate by its id, in the order of the gate sheet. Raises ValueError for a table that cannot be."""
    text = (resources.files(__package__) / "gates.yaml").read_text("utf-8")
    gates = msgspec.convert(yaml.safe_load(text), _File).gates
    for gate in gates:
        if (gate.computed is None) == (gate.entry is None):
            raise ValueError(f"{gate.id}: a gate is either computed or confirmed by an entry")
        if gate.waivable and gate.entry is None:
            raise ValueError(f"{gate.id}: what is computed from the case is never waived")
        if unknown := set(gate.needs) - set(workflow_facts()):
            raise ValueError(f"{gate.id}: unknown facts {sorted(unknown)}")
    return {gate.id: gate for gate in gates}


def find_gate(name: str) -> Gate | None:
    """The gate of this id or E-code."""
    table = gate_rows()
    return table.get(name) or next((gate for gate in table.values() if name and gate.code == name), None)


def waivable_gates() -> frozenset[str]:
    """The gates that a setting may allow to waive; the others never are."""
    return frozenset(gate.id for gate in gate_rows().values() if gate.waivable)
