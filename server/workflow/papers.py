"""The file of a case 案卷: which papers are asked for before it is archived, and what is still owed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
import yaml

from server.workflow.model import Case, GateReason
from server.workflow.vocabulary import ProcessName


class PaperRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A paper that the trade names. `original`: a copy is not enough."""

    id: str
    processes: tuple[ProcessName, ...]
    original: bool = False


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: Literal[1]
    papers: tuple[PaperRule, ...]


@cache
def paper_rules() -> Mapping[str, PaperRule]:
    """Every paper that the trade names, by its id."""
    text = (resources.files(__package__) / "papers.yaml").read_text("utf-8")
    return {rule.id: rule for rule in msgspec.convert(yaml.safe_load(text), _File).papers}


def owed_papers(case: Case) -> Iterator[GateReason]:
    """Why the case is not archived yet: papers promised or asked for, and conditions that were waived."""
    for rule in paper_rules().values():
        if case.process in rule.processes and rule.id not in case.papers:
            yield GateReason("paper_missing", {"paper": rule.id}, (f"paper:{rule.id}",))
    for paper in case.papers.values():
        if paper.state == "owed":
            yield GateReason("paper_owed", {"paper": paper.title or paper.id}, (f"paper:{paper.id}",))
    now = {status.id: status.status for status in case.gates}
    for status in case.energization.gates:
        if status.status == "waived" and now.get(status.id) not in {"met", "not_applicable"}:
            yield GateReason("waived_owed", {"gate": status.id}, (f"gate:{status.id}",))
