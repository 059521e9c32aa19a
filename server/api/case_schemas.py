"""What requests say of a case, and what answers show of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import marshmallow as ma

from geo.coords import DATUMS
from server.api.base import Schema
from server.api.timing import ClockOut, StandingOut
from server.workflow.vocabulary import ProcessName

_LINE = ma.validate.Length(min=1, max=200)
_WORDS = ma.validate.Length(max=4000)
_DATUM = ma.validate.OneOf(DATUMS)
PROCESSES = get_args(ProcessName)


class CustomerSchema(Schema):
    name = ma.fields.String(required=True, validate=_LINE)
    account_no = ma.fields.String(validate=_WORDS)
    contact = ma.fields.String(validate=_WORDS)
    phone = ma.fields.String(validate=_WORDS)
    address = ma.fields.String(validate=_WORDS)


_RINGS = ma.fields.List(
    ma.fields.List(ma.fields.List(ma.fields.Float(), validate=ma.validate.Length(equal=2)))
)
_RINGS_SHAPE = {
    "type": "array",
    "items": {
        "type": "array",
        "items": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
    },
}


class Boundary(ma.fields.Field[list[list[list[float]]]]):
    """The rings of a site's boundary, as they are or in a GeoJSON Polygon, in the site's datum."""

    def __init__(self, **given: Any) -> None:
        polygon = {
            "type": "object",
            "required": ["type", "coordinates"],
            "additionalProperties": False,
            "properties": {"type": {"type": "string", "enum": ["Polygon"]}, "coordinates": _RINGS_SHAPE},
        }
        told = "A GeoJSON Polygon or its rings, [lon, lat], in the datum that the site names."
        super().__init__(metadata={"description": told, "anyOf": [_RINGS_SHAPE, polygon]}, **given)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any
    ) -> list[list[list[float]]]:
        if isinstance(value, Mapping):
            if value.get("type") != "Polygon" or value.keys() != {"type", "coordinates"}:
                raise ma.ValidationError("Give a GeoJSON Polygon (type, coordinates), or its rings.")
            value = value["coordinates"]
        rings: list[list[list[float]]] = _RINGS.deserialize(value, attr, data, **more)
        return rings


class SiteSchema(Schema):
    lon = ma.fields.Float(required=True, validate=ma.validate.Range(-180, 180))
    lat = ma.fields.Float(required=True, validate=ma.validate.Range(-90, 90))
    datum = ma.fields.String(
        required=True,
        validate=_DATUM,
        error_messages={"required": f"Name the datum of the position: {', '.join(DATUMS)}."},
    )
    name = ma.fields.String(validate=_WORDS)
    county = ma.fields.String(validate=_WORDS)
    station = ma.fields.String(validate=_WORDS, metadata={"description": "The local station 供电所."})
    radius_m = ma.fields.Float(validate=ma.validate.Range(min=1, max=10_000), allow_none=True)
    boundary = Boundary(allow_none=True)


class SupplySchema(Schema):
    voltage_kv = ma.fields.Float(required=True, validate=ma.validate.Range(min=0.1, max=1000))
    capacity_kva = ma.fields.Float(required=True, validate=ma.validate.Range(min=0.1, max=1_000_000))
    existing_kva = ma.fields.Float(validate=ma.validate.Range(min=0, max=1_000_000), allow_none=True)
    mode = ma.fields.String(validate=_WORDS, allow_none=True)


class CaseIn(Schema):
    no = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=40))
    process = ma.fields.String(required=True, validate=ma.validate.OneOf(PROCESSES))
    customer = ma.fields.Nested(CustomerSchema, required=True)
    site = ma.fields.Nested(SiteSchema, required=True)
    supply = ma.fields.Nested(SupplySchema, required=True)
    manager = ma.fields.String(validate=_LINE, metadata={"description": "Default: who opens the case."})
    title = ma.fields.String(validate=_LINE)
    facts = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Raw(allow_none=True))
    reason = ma.fields.String(
        validate=_WORDS, metadata={"description": "Why facts are otherwise than a rule says."}
    )


class CasePatch(Schema):
    reason = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=4000))
    customer = ma.fields.Nested(CustomerSchema)
    site = ma.fields.Nested(SiteSchema)
    supply = ma.fields.Nested(SupplySchema)
    manager = ma.fields.String(validate=_LINE)
    title = ma.fields.String(validate=_LINE)
    process = ma.fields.String(validate=ma.validate.OneOf(PROCESSES))


class FactsIn(Schema):
    facts = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Raw(allow_none=True),
        required=True,
        validate=ma.validate.Length(min=1, max=200),
    )
    reason = ma.fields.String(validate=_WORDS, load_default="")


class TransitionIn(Schema):
    to = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=100))
    note = ma.fields.String(validate=_WORDS, load_default="")


class UrgentClock(ma.Schema):
    """A case's most urgent clock. `level`: none, first, second or full mark, over, or unknown (holidays)."""

    id = ma.fields.String()
    clock = ma.fields.String()
    title = ma.fields.String()
    kind = ma.fields.String()
    state = ma.fields.String()
    limit = ma.fields.Integer()
    unit = ma.fields.String()
    due = ma.fields.String(allow_none=True)
    level = ma.fields.String()


class CaseRow(ma.Schema):
    id = ma.fields.String()
    no = ma.fields.String()
    customer = ma.fields.String()
    address = ma.fields.String()
    process = ma.fields.String()
    voltage_kv = ma.fields.Float()
    capacity_kva = ma.fields.Float()
    manager = ma.fields.String()
    stage = ma.fields.String()
    energization = ma.fields.String()
    ready = ma.fields.Boolean()
    open_tasks = ma.fields.Integer()
    open_notices = ma.fields.Integer()
    next_due = ma.fields.String(allow_none=True)
    clock = ma.fields.Nested(UrgentClock, allow_none=True)
    lon = ma.fields.Float()
    lat = ma.fields.Float()
    opened_at = ma.fields.String()
    updated_at = ma.fields.String()


class CasePage(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(CaseRow))
    total = ma.fields.Integer()
    offset = ma.fields.Integer()
    limit = ma.fields.Integer()
    next = ma.fields.String(allow_none=True, metadata={"description": "For `after`, if more cases follow."})


class CaseOut(ma.Schema):
    """A case without its log. Tasks, notices and gates have routes of their own with more detail."""

    id = ma.fields.String()
    no = ma.fields.String()
    title = ma.fields.String()
    process = ma.fields.String()
    organisation = ma.fields.String()
    customer = ma.fields.Dict()
    site = ma.fields.Dict()
    supply = ma.fields.Dict()
    manager = ma.fields.String()
    stage = ma.fields.String()
    stage_title = ma.fields.String()
    standing = ma.fields.Nested(StandingOut)
    clocks = ma.fields.List(
        ma.fields.Nested(ClockOut), metadata={"description": "Those that have not ended."}
    )
    size_rules = ma.fields.List(ma.fields.Dict())
    history = ma.fields.List(ma.fields.Dict())
    facts = ma.fields.Dict()
    tasks = ma.fields.Dict()
    notices = ma.fields.Dict()
    entries = ma.fields.Dict()
    hazards = ma.fields.Dict()
    quarantine = ma.fields.Dict()
    pauses = ma.fields.Dict()
    energization = ma.fields.Dict()


class LogOut(ma.Schema):
    verified = ma.fields.Boolean(
        metadata={"description": "Every hash was computed again, and every part compared with its record."}
    )
    traces = ma.fields.List(
        ma.fields.Dict(), metadata={"description": "What no decision accounts for; see `hezha audit`."}
    )
    items = ma.fields.List(ma.fields.Dict())
