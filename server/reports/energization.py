"""The day of energization on paper: 送电任务单 with its gate sheet, and 新装(增容)送电单."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from server.reports.beside import Beside, Signed
from server.reports.heads import (
    blank,
    boxes,
    columns,
    customer_fields,
    evidence,
    field,
    numbered,
    reading,
    reading_rows,
    signers,
    supply_fields,
)
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
    Signature,
    Signatures,
    Style,
    Table,
    number_of,
    own_line,
)
from server.reports.wording import Wording, Words
from server.workflow.model import Case, EnergizationRecord, Entry, GateReason
from server.workflow.sheet import GateLine, StepLine
from server.workflow.switching import abort_rules

__all__ = ["order_paper", "record_paper", "record_signatures"]

#: Millimetres: code, condition, state, who and when, evidence or what is missing.
_GATE_WIDTHS = (12.0, 52.0, 20.0, 36.0, 0.0)
_PEOPLE_WIDTHS = (44.0, 34.0, 34.0, 0.0)
_STEP_WIDTHS = (9.0, 0.0, 34.0, 28.0, 34.0)
_EQUIPMENT_WIDTHS = (9.0, 0.0, 36.0, 40.0, 40.0)
_READING_COLUMNS = ("register", "reading", "remark")
_READING_WIDTHS = (60.0, 50.0, 0.0)
_GATE_STYLES: Mapping[str, Style] = {"unmet": "alarm", "waived": "strong"}
#: Who has a part in switching, and what is seen to before it; words in the catalogue.
_PEOPLE = ("lead", "dispatcher", "meter_crew", "maintenance", "customer_electrician", "watcher")
_SAFETY = ("earths", "interlock", "voltage_test", "barriers", "one_order")
#: Empty rows for what is written by hand.
_EQUIPMENT_ROWS, _READING_ROWS = 3, 4


def order_paper(case: Case, gates: Sequence[GateLine], steps: Sequence[StepLine], say: Wording) -> Paper:
    """The order to energize an authorized case, with its gate sheet and its steps."""
    energization = case.energization
    about = (
        *customer_fields(case, say),
        *supply_fields(case, say),
        field(say, "authorized_by", say.person(energization.authorized_by or "")),
        field(say, "authorized_at", say.moment(energization.authorized_at)),
        field(say, "authorization_note", own_line(energization.note), wide=True),
        field(say, "plan_no", evidence(case, "outage-approved")),
        *blank(say, "window", "line", "switch"),
    )
    return Paper(
        form="order",
        no=number_of(case.no, "order"),
        case_no=case.no,
        title=say.say("title_order"),
        organisation=case.organisation,
        blocks=(
            Fields(about),
            Heading(say.say("heading_gates")),
            _gate_table(gates, say),
            Heading(say.say("heading_people")),
            Table(
                columns(say, "role", "name", "phone", "signature"),
                _PEOPLE_WIDTHS,
                tuple(((Line(say.say(f"role_{role}")),), (), (), ()) for role in _PEOPLE),
            ),
            Heading(say.say("heading_steps")),
            _step_table(steps, say),
            Heading(say.say("heading_safety")),
            Passage(tuple(Box(say.say(f"safety_{one}")) for one in _SAFETY), framed=True),
            Heading(say.say("heading_dispatch")),
            Fields(blank(say, "dispatch_contact", "dispatch_phone", "order_no", "order_at")),
            Heading(say.say("heading_abort")),
            _aborts(say),
            signers(say, "lead", "dispatcher", "customer_electrician", "customer"),
        ),
    )


def _gate_table(gates: Sequence[GateLine], say: Wording) -> Table:
    """Each condition, whether it is met, by whose word, on what evidence."""
    head = columns(say, "code", "condition", "state", "confirmed", "basis")
    return Table(head, _GATE_WIDTHS, tuple(_gate(line, say) for line in gates))


def _gate(line: GateLine, say: Wording) -> tuple[Cell, ...]:
    gate = line.status
    style = _GATE_STYLES.get(gate.status, "plain")
    confirmed = tuple(
        told for one in line.words for told in (Line(say.person(one.by)), Line(say.moment(one.at), "small"))
    )
    return (
        own_line(gate.code),
        (Line(say.catalogued(f"gate.{gate.id}")),),
        (
            Line(say.say(f"gate_{gate.status}"), style),
            *((Line(say.say("gate_until", until=say.day(gate.until)), "small"),) if gate.until else ()),
        ),
        confirmed or (Line(say.say("by_system"), "small"),),
        (
            *(told for one in line.words for told in _basis(one, say)),
            *(Line(_reason(reason, say), style if style != "plain" else "small") for reason in gate.reasons),
        ),
    )


def _reason(reason: GateReason, say: Wording) -> Words:
    params = dict(reason.params)
    if "fact" in params:
        params["fact"] = say.catalogued(f"fact.{params['fact']}")
    return say.catalogued(f"gate_reason.{reason.code}", **params)


def _basis(entry: Entry, say: Wording) -> Iterator[Line]:
    if entry.evidence:
        yield Line(say.own(entry.evidence))
    if entry.documents or entry.photos:
        yield Line(say.own("、".join((*entry.documents, *entry.photos))), "small")
    if entry.note:
        yield Line(say.own(entry.note), "small")


def _step_table(steps: Sequence[StepLine], say: Wording) -> Table:
    """The steps in their order; those that were recorded with their times."""
    rows = []
    for number_, step in enumerate(steps, 1):
        told = say.catalogued(f"switching_step.{step.id}")
        often = say.say("step_times", times=step.times, minutes=step.minutes) if step.times > 1 else ()
        good = [tick for tick in step.ticks if tick.good]
        rows.append(
            (
                (Line((str(number_),)),),
                (Line(told), *((Line(often, "small"),) if often else ())),
                tuple(Line(say.moment(tick.at)) for tick in good),
                (Line(say.persons([tick.by for tick in good])),) if good else (),
                tuple(line for tick in good for line in own_line(_told(tick.readings))),
            )
        )
    return Table(columns(say, "no", "step", "done_at", "done_by", "reading"), _STEP_WIDTHS, tuple(rows))


def _told(readings: Mapping[str, Any]) -> str:
    return "；".join(f"{name} {reading(value)}" for name, value in readings.items())


def _aborts(say: Wording) -> Passage:
    rules = (Line(say.catalogued(f"abort_rule.{rule}")) for rule in abort_rules())
    return Passage(
        (Line(say.say("abort_lead"), "strong"), *rules, Blank(say.say("abort_by_hand"), 2)), framed=True
    )


def record_paper(case: Case, beside: Beside, say: Wording) -> Paper:
    """The record that the customer signs; what nobody recorded yet is left to be written on site."""
    record = case.energization.record
    by = "" if record is None else record.readings_by
    readings = {} if record is None else record.readings
    checks = (
        Line(say.say("readings_by", by=by) if by else say.say("readings_copied"), "small"),
        *boxes(say, ("meter_normal",), None),
        *boxes(say, ("terminal_normal",), None),
        Blank(say.say("customer_opinion"), 2),
    )
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
                columns(say, "no", "equipment", "rating", "serial", "maker"),
                _EQUIPMENT_WIDTHS,
                numbered(5, _EQUIPMENT_ROWS),
            ),
            Heading(say.say("heading_energized")),
            Fields(tuple(_recorded(record, say))),
            Heading(say.say("heading_readings")),
            Table(
                columns(say, "register", "reading", "remark"),
                _READING_WIDTHS,
                reading_rows(readings, _READING_ROWS),
            ),
            Passage(checks, framed=True),
            *_signed(record, beside, say),
        ),
    )


def record_signatures(case: Case) -> list[str]:
    """The ids of the signatures that the record names."""
    record = case.energization.record
    return [] if record is None else [one.ref for one in record.signatures]


def _signed(record: EnergizationRecord | None, beside: Beside, say: Wording) -> Iterator[Block]:
    """Who signed the record, drawn where a tablet kept the strokes, and places for who signs on paper."""
    places = [Signature(say.say(f"signer_{one}")) for one in ("lead", "meter_crew", "customer_electrician")]
    if record is None or not record.signatures:
        yield Signatures((*places, Signature(say.say("signer_customer"))))
        return
    given = []
    for one in record.signatures:
        kept = beside.signatures.get(one.ref, Signed())
        label = say.own(f"{one.party}  {one.ref}")
        given.append(Signature(label, say.person(one.name), say.moment(kept.at), kept.picture))
    yield Signatures((*given, *places))


def _recorded(record: EnergizationRecord | None, say: Wording) -> Iterator[Field]:
    if record is None:
        asked = ("energized_at", "transformer_start", "phase_check", "impulse", "lv_voltage", "participants")
        yield from blank(say, *asked)
        return
    yield field(say, "energized_at", say.moment(record.at))
    yield field(say, "transformer_start", say.moment(record.transformer_start_at))
    yield field(say, "phase_check", say.say(f"phase_{record.phase_check}"))
    yield field(say, "impulse", say.say("times", count=record.impulse_closings))
    yield field(say, "lv_voltage")
    yield field(say, "participants", say.persons(record.participants))
    yield field(say, "note", own_line(record.note), wide=True)
