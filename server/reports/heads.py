"""What stands on most papers: who the customer is, what is supplied, whose case it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from checklists.reasons import number
from server.reports.paper import Block, Box, Cell, Field, Line, Signature, Signatures, own_line
from server.reports.wording import Wording, Words
from server.workflow.model import Case, NoticeStage, Supply, TaskKind

__all__ = [
    "blank",
    "boxes",
    "columns",
    "customer_fields",
    "entered",
    "evidence",
    "field",
    "kva",
    "notice_stage",
    "numbered",
    "reading",
    "reading_rows",
    "signers",
    "supply_fields",
]


def field(say: Wording, code: str, value: Words | Cell = (), *, wide: bool = False) -> Field:
    """A field of the catalogue; `value` is words or a cell, nothing leaves room to write."""
    return Field(say.say(f"field_{code}"), _cell(value), wide)


def blank(say: Wording, *codes: str) -> tuple[Field, ...]:
    """Fields to be filled in by hand."""
    return tuple(field(say, code) for code in codes)


def _cell(value: Words | Cell) -> Cell:
    words = tuple(one for one in value if isinstance(one, str))
    return (Line(words),) if words else tuple(one for one in value if not isinstance(one, str))


def customer_fields(case: Case, say: Wording) -> tuple[Field, ...]:
    customer = case.customer
    return (
        field(say, "customer", own_line(customer.name)),
        field(say, "account_no", own_line(customer.account_no)),
        field(say, "address", own_line(customer.address), wide=True),
        field(say, "contact", own_line(customer.contact)),
        field(say, "phone", own_line(customer.phone)),
    )


def supply_fields(case: Case, say: Wording) -> tuple[Field, ...]:
    supply = case.supply
    return (
        field(say, "voltage", (number(supply.voltage_kv, "kV"),)),
        field(say, "process", say.catalogued(f"process.{case.process}")),
        field(say, "existing", kva(supply.existing_kva)),
        field(say, "applied", kva(supply.capacity_kva)),
        field(say, "total", kva(total_kva(supply))),
        field(say, "mode", _mode(supply.mode or "", say)),
    )


def _mode(mode: str, say: Wording) -> Words:
    return say.say(f"mode_{mode}") if mode in ("single", "dual") else say.own(mode)


def total_kva(supply: Supply) -> float:
    return supply.capacity_kva + (supply.existing_kva or 0.0)


def kva(value: float | None) -> Words:
    return () if value is None else (number(value, "kVA"),)


def columns(say: Wording, *codes: str) -> tuple[Words, ...]:
    """The head of a table."""
    return tuple(say.say(f"column_{code}") for code in codes)


def numbered(width: int, rows: int, *, start: int = 1) -> tuple[tuple[Cell, ...], ...]:
    """Numbered rows to be filled in by hand."""
    return tuple(((Line((str(row),)),), *((),) * (width - 1)) for row in range(start, start + rows))


def entered(case: Case, stage: str) -> datetime | None:
    """When the case came to a stage, the last time."""
    return next((entry.begun for entry in reversed(case.history) if entry.stage == stage), None)


def reading_rows(readings: Mapping[str, Any], empty: int) -> tuple[tuple[Cell, ...], ...]:
    """Register, reading and room for a remark; `empty` rows where nothing was read off yet."""
    told = tuple((own_line(str(name)), own_line(reading(value)), ()) for name, value in readings.items())
    return told or (((), (), ()),) * empty


def reading(value: Any) -> str:
    """What was read off an instrument: a number, or words where it is none."""
    plain = isinstance(value, bool) or not isinstance(value, int | float)
    return str(value) if plain else number(float(value))


def evidence(case: Case, gate: str) -> Cell:
    """What was referred to when a gate was last confirmed; nothing if it is not."""
    entries = case.entries.get(gate, ())
    return own_line(entries[-1].evidence) if entries and entries[-1].status == "met" else ()


def notice_stage(stage: NoticeStage | TaskKind, say: Wording) -> Words:
    return say.say("stage_hazard") if stage == "hazard" else say.catalogued(f"task_kind.{stage}")


def boxes(say: Wording, codes: tuple[str, ...], ticked: str | None) -> Cell:
    """One box for each; at most one is ticked."""
    return tuple(Box(say.say(f"box_{code}"), code == ticked) for code in codes)


def signers(say: Wording, *codes: str) -> Block:
    """Places to sign by hand."""
    return Signatures(tuple(Signature(say.say(f"signer_{code}")) for code in codes))
