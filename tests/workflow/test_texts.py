"""Every code that the workflow can emit has words in both languages, with the same gaps to fill."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

import server.workflow
from server.texts import LANGUAGES, catalogue
from server.workflow import model
from server.workflow.aftercare import ContactKind, RatingMode
from server.workflow.approvals.table import approval_rules
from server.workflow.approvals.values import ApprovalState, Subject
from server.workflow.clocks.measure import ClockState
from server.workflow.clocks.tables import ClockKind, limits, pause_reasons
from server.workflow.clocks.timeline import RECTIFICATION
from server.workflow.closing import specialties
from server.workflow.duties import DutyKind
from server.workflow.escalation import Addressee
from server.workflow.facts import workflow_facts
from server.workflow.gates import gate_table
from server.workflow.handover import DeliveryMode, HandoverKind
from server.workflow.meetings import Department, MeetingKind, MeetingOutcome
from server.workflow.metering import InstrumentKind
from server.workflow.monitors import AnomalyCode, MonitorName, Watch
from server.workflow.processes import PRECONDITIONS, RULES, process
from server.workflow.processes.rules import size_rules
from server.workflow.rectification import (
    Caution,
    DisputeDecision,
    DueKind,
    Lack,
    Party,
    ReminderStep,
    SpecialistsCause,
    SpecialistsDecision,
)
from server.workflow.rectification import DeliveryMode as NoticeDelivery
from server.workflow.vocabulary import Holder
from tests.workflow.builders import POLICY, Desk

SOURCES = sorted(Path(server.workflow.__file__).parent.rglob("*.py"))
#: The functions whose first argument is a code, and the catalogue's prefix for it.
EMITTERS = {"Refusal": "refusal", "wrong_state": "refusal", "GateReason": "gate_reason", "tell": "event"}


def emitted() -> Iterator[str]:
    """Every code written in the sources."""
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if name not in EMITTERS:
                continue
            literals = [str(one.value) for one in ast.walk(first) if isinstance(one, ast.Constant)]
            if isinstance(first, ast.JoinedStr):
                literals = [f"submission_{kind}" for kind in get_args(model.OutcomeKind)]
            for literal in literals:
                yield f"{EMITTERS[name]}.{literal}"


def closed_sets() -> Iterator[str]:
    """Every value of a closed set that people get to see."""
    sets: dict[str, Any] = {
        "task_kind": model.TaskKind,
        "task_status": model.TaskStatus,
        "notice_state": model.NoticeState,
        "item_state": model.ItemState,
        "severity": model.Severity,
        "authorization": model.AuthorizationStatus,
        "hold_cause": model.HoldCause,
        "quarantine_state": model.QuarantineState,
        "process": model.ProcessName,
        "holder": Holder,
        "clock_kind": ClockKind,
        "monitor": MonitorName,
        "watch": Watch,
        "anomaly": AnomalyCode,
        "clock_state": ClockState,
        "notice_caution": Caution,
        "due_kind": DueKind,
        "notice_delivery": NoticeDelivery,
        "notice_party": Party,
        "dispute_decision": DisputeDecision,
        "lack": Lack,
        "specialists_cause": SpecialistsCause,
        "specialists_decision": SpecialistsDecision,
        "reminder_step": ReminderStep,
        "addressee": Addressee,
        "meeting": MeetingKind,
        "duty": DutyKind,
        "instrument": InstrumentKind,
        "contact": ContactKind,
        "rating_mode": RatingMode,
        "approval_state": ApprovalState,
        "approval_subject": Subject,
        "handover": HandoverKind,
        "delivery_mode": DeliveryMode,
        "meeting_outcome": MeetingOutcome,
        "department": Department,
    }
    for prefix, members in sets.items():
        yield from (f"{prefix}.{member}" for member in get_args(members))
    yield from (f"gate.{gate}" for gate in gate_table())
    yield from (f"specialty.{name}" for name in specialties())
    yield from (f"fact.{fact}" for fact in workflow_facts())
    yield from (f"approval_rule.{rule.id}" for rule in approval_rules())
    yield from (f"precondition.{name}" for name in PRECONDITIONS)
    yield from (f"rule.{name}" for name in RULES)
    yield from (f"pause_reason.{name}" for name in (*pause_reasons(), RECTIFICATION))
    yield from (f"clock.{name}" for name in limits().clocks)
    for name in get_args(model.ProcessName):
        table = process(name)
        yield from (f"stage.{stage}" for stage in table.stages)
        yield from (f"side_state.{state}" for state in table.side_states)
        yield from (
            f"rectification.{row.rectification}" for row in table.stages.values() if row.rectification
        )
    yield from (f"size_rule.{one.id}" for one in size_rules(Desk().case, POLICY))


CODES = sorted(set(emitted()) | set(closed_sets()) | {"gate_reason.fact_true"})


def test_the_search_finds_what_it_is_for() -> None:
    assert {"refusal.gates_unmet", "event.energized", "gate_reason.task_open"} <= set(CODES)
    assert {"refusal.notice_not_draft", "event.submission_returned", "stage.archived"} <= set(CODES)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_code_has_its_words(lang: str) -> None:
    assert [code for code in CODES if code not in catalogue(lang)] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_words_are_left_over(lang: str) -> None:
    prefixes = {code.split(".")[0] for code in CODES} - {"severity", "process", "fact"}
    ours = {code for code in catalogue(lang) if code.split(".")[0] in prefixes}
    assert sorted(ours - set(CODES)) == []


def gaps(words: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(words) if name}


def test_both_languages_leave_the_same_gaps() -> None:
    for code in CODES:
        assert gaps(catalogue("en")[code]) == gaps(catalogue("zh-CN")[code]), code
