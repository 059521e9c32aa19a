"""The day of energization on paper: 送电任务单 with its gate sheet, and 新装(增容)送电单."""

from __future__ import annotations

from collections.abc import Iterator

from checklists.reasons import number
from server.reports.heads import blank, boxes, customer_fields, field, signers, supply_fields
from server.reports.paper import (
    Blank,
    Block,
    Box,
    Cell,
    Field,
    Fields,
    Heading,
    Line,
    Paper,
    Passage,
    Table,
    number_of,
    own_line,
)
from server.reports.wording import Wording, Words
from server.workflow.model import Case, EnergizationRecord, Entry, GateStatus

__all__ = ["gate_blocks", "order_paper", "record_paper"]

#: Millimetres: code, condition, state, who and when, evidence or what is missing.
_GATE_WIDTHS = (12.0, 52.0, 20.0, 36.0, 0.0)
_PEOPLE_WIDTHS = (44.0, 34.0, 34.0, 0.0)
_STEP_WIDTHS = (9.0, 0.0, 30.0, 28.0, 34.0)
#: Who has a part in switching, and the steps in their order; words in the catalogue.
_PEOPLE = ("lead", "dispatcher", "meter_crew", "maintenance", "customer_electrician", "watcher")
_STEPS = (
    "site_clear",
    "insulation",
    "incoming",
    "phase_check",
    "impulse",
    "no_load",
    "lv_phase",
    "load",
    "on_load",
)
_SAFETY = ("earths", "interlock", "voltage_test", "barriers", "one_order")
_ABORT = (
    "new_defect",
    "gate_shut",
    "insulation_bad",
    "phase_bad",
    "protection_trip",
    "smell_noise",
    "weather",
)


def order_paper(case: Case, say: Wording) -> Paper:
    """The order to energize an authorized case, with the gates that the authorization rests on."""
    energization = case.energization
    authorized = (
        field(say, "authorized_by", say.person(energization.authorized_by or "")),
        field(say, "authorized_at", say.moment(energization.authorized_at)),
        field(say, "authorization_note", own_line(energization.note), wide=True),
    )
    return Paper(
        form="order",
        no=number_of(case.no, "order"),
        case_no=case.no,
        title=say.say("title_order"),
        organisation=case.organisation,
        blocks=(
            Fields(
                (
                    *customer_fields(case, say),
                    *supply_fields(case, say),
                    *authorized,
                    field(say, "plan_no", _evidence(case, "outage-approved")),
                    *blank(say, "window", "line", "switch"),
                )
            ),
            *gate_blocks(case, energization.gates or case.gates, say),
            Heading(say.say("heading_people")),
            Table(_head(say, "role", "name", "phone", "signature"), _PEOPLE_WIDTHS, tuple(_people(say))),
            Heading(say.say("heading_steps")),
            Table(
                _head(say, "no", "step", "done_at", "done_by", "reading"), _STEP_WIDTHS, tuple(_steps(say))
            ),
            Heading(say.say("heading_safety")),
            Passage(tuple(Box(say.say(f"safety_{one}")) for one in _SAFETY), framed=True),
            Heading(say.say("heading_dispatch")),
            Fields(blank(say, "dispatch_contact", "dispatch_phone", "order_no", "order_at")),
            Heading(say.say("heading_abort")),
            Passage(
                (
                    Line(say.say("abort_rule"), "strong"),
                    *(Line(say.say(f"abort_{one}")) for one in _ABORT),
                    Blank(say.say("abort_by_hand"), 2),
                ),
                framed=True,
            ),
            signers(say, "lead", "dispatcher", "customer_electrician", "customer"),
        ),
    )


def gate_blocks(case: Case, gates: tuple[GateStatus, ...], say: Wording) -> list[Block]:
    """The gate sheet: each condition, whether it is met, by whose word, on what evidence."""
    head = _head(say, "code", "condition", "state", "confirmed", "basis")
    rows = tuple(_gate(case, gate, say) for gate in gates)
    return [Heading(say.say("heading_gates")), Table(head, _GATE_WIDTHS, rows)]


def _gate(case: Case, gate: GateStatus, say: Wording) -> tuple[Cell, ...]:
    words = _standing(case, gate)
    shut = gate.status == "unmet"
    return (
        own_line(gate.code),
        (Line(say.catalogued(f"gate.{gate.id}")),),
        (Line(say.say(f"gate_{gate.status}"), "alarm" if shut else "plain"),),
        tuple(line for one in words for line in (Line(say.person(one.by)), Line(say.moment(one.at), "small")))
        or ((Line(say.say("by_system"), "small"),) if not shut else ()),
        (
            *(line for one in words for line in _basis(one, say)),
            *(
                Line(
                    say.catalogued(f"gate_reason.{reason.code}", **reason.params),
                    "alarm" if shut else "small",
                )
                for reason in gate.reasons
            ),
        ),
    )


def _basis(entry: Entry, say: Wording) -> Iterator[Line]:
    if entry.evidence:
        yield Line(say.own(entry.evidence))
    if entry.note:
        yield Line(say.own(entry.note), "small")


def _standing(case: Case, gate: GateStatus) -> tuple[Entry, ...]:
    """The words that decide a gate: all that say so since somebody last said otherwise."""
    entries = case.entries.get(gate.id, ())
    standing: list[Entry] = []
    for entry in reversed(entries):
        if standing and entry.status != standing[0].status:
            break
        standing.append(entry)
    return tuple(reversed(standing))


def _evidence(case: Case, gate: str) -> Cell:
    entries = case.entries.get(gate, ())
    return own_line(entries[-1].evidence) if entries and entries[-1].status == "met" else ()


def _head(say: Wording, *codes: str) -> tuple[Words, ...]:
    return tuple(say.say(f"column_{code}") for code in codes)


def _people(say: Wording) -> Iterator[tuple[Cell, ...]]:
    for role in _PEOPLE:
        yield ((Line(say.say(f"role_{role}")),), (), (), ())


def _steps(say: Wording) -> Iterator[tuple[Cell, ...]]:
    for count, step in enumerate(_STEPS, 1):
        yield ((Line((str(count),)),), (Line(say.say(f"step_{step}")),), (), (), ())


def record_paper(case: Case, say: Wording) -> Paper:
    """The record that the customer signs; what nobody recorded yet is left to be written on site."""
    record = case.energization.record
    return Paper(
        form="record",
        no=number_of(case.no, "record"),
        case_no=case.no,
        title=say.say("title_record"),
        organisation=case.organisation,
        blocks=(
            Fields((*customer_fields(case, say), *supply_fields(case, say), *blank(say, "line", "switch"))),
            Heading(say.say("heading_equipment")),
            Table(
                _head(say, "no", "equipment", "rating", "serial", "maker"),
                (9.0, 0.0, 36.0, 40.0, 40.0),
                tuple(((Line((str(count),)),), (), (), (), ()) for count in (1, 2, 3)),
            ),
            Heading(say.say("heading_energized")),
            Fields(tuple(_recorded(record, say))),
            Heading(say.say("heading_readings")),
            Table(
                _head(say, "register", "reading", "remark"), (60.0, 50.0, 0.0), tuple(_readings(record, say))
            ),
            Passage(
                (
                    Line(say.say("readings_copied"), "small"),
                    *boxes(say, ("meter_normal",), None),
                    *boxes(say, ("terminal_normal",), None),
                    Blank(say.say("customer_opinion"), 2),
                ),
                framed=True,
            ),
            signers(say, "lead", "meter_crew", "customer_electrician", "customer"),
        ),
    )


def _recorded(record: EnergizationRecord | None, say: Wording) -> Iterator[Field]:
    if record is None:
        yield from blank(
            say, "energized_at", "transformer_start", "phase_check", "impulse", "lv_voltage", "participants"
        )
        return
    yield field(say, "energized_at", say.moment(record.at))
    yield field(say, "transformer_start", say.moment(record.transformer_start_at))
    yield field(say, "phase_check", say.say(f"phase_{record.phase_check}"))
    yield field(say, "impulse", say.say("times", count=record.impulse_closings))
    yield field(say, "lv_voltage")
    yield field(say, "participants", say.persons(record.participants))
    yield field(say, "note", own_line(record.note), wide=True)


def _readings(record: EnergizationRecord | None, say: Wording) -> Iterator[tuple[Cell, ...]]:
    readings = {} if record is None else record.readings
    for name, value in readings.items():
        told = number(float(value)) if isinstance(value, int | float) else str(value)
        yield (own_line(str(name)), own_line(told), ())
    if not readings:
        for _ in range(4):
            yield ((), (), ())
