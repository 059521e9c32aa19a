"""What is sent of a work, and what is answered."""

from __future__ import annotations

from typing import get_args

import marshmallow as ma

from server.api.base import Schema
from server.api.keys import own_id
from server.api.listed import MONTH, after_place, page_size, sorted_by
from server.outages.instance import Kind, Window
from server.readmodel.scheduling import WORK_SORTS
from server.scheduling import requests

_LINE = ma.validate.Length(max=200)
_WORDS = ma.validate.Length(max=4000)


class ConsentSchema(Schema):
    customer = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=200))
    document = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=200))


class WorkIn(Schema):
    type = ma.fields.String(required=True, validate=ma.validate.OneOf(get_args(requests.RequestType)))
    network = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=64))
    work = ma.fields.Dict(
        required=True,
        metadata={
            "description": "For balancing: a work as docs/schemas/outage-instance-1.json has it, "
            "without id, case and notice."
        },
    )
    no = ma.fields.String(validate=_LINE, metadata={"description": "Your own number of it."})
    cases = ma.fields.List(
        ma.fields.String(validate=ma.validate.Length(min=1, max=64)),
        validate=ma.validate.Length(max=100),
        metadata={"description": "Cases that wait for it."},
    )
    line = ma.fields.String(validate=_LINE)
    switches = ma.fields.List(
        ma.fields.String(validate=ma.validate.Length(min=1, max=200)),
        validate=ma.validate.Length(max=100),
        metadata={"description": "Those that are to be opened, as far as that is known."},
    )
    stretch = ma.fields.String(validate=_LINE, metadata={"description": "From where to where."})
    sketch = ma.fields.String(validate=_LINE, metadata={"description": "The paper with the one-line sketch."})
    content = ma.fields.String(required=True, validate=_WORDS)
    contractor = ma.fields.String(validate=_LINE)
    leader = ma.fields.String(validate=_LINE)
    live_possible = ma.fields.Boolean(
        allow_none=True, metadata={"description": "Whether it can be done live; null: not assessed."}
    )
    live_reason = ma.fields.String(validate=_WORDS)
    transfer = ma.fields.String(validate=_WORDS, metadata={"description": "How load is moved meanwhile."})
    safety = ma.fields.String(validate=_WORDS)
    consents = ma.fields.List(ma.fields.Nested(ConsentSchema), validate=ma.validate.Length(max=1000))


class NewWorkIn(WorkIn):
    id = own_id()


class AgreeIn(Schema):
    function = ma.fields.String(required=True, validate=ma.validate.OneOf(get_args(requests.WorkFunction)))
    remark = ma.fields.String(validate=_WORDS, load_default="")


class PartIn(Schema):
    minutes = ma.fields.Integer(required=True, validate=ma.validate.Range(min=1, max=1_000_000))
    windows = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(get_args(Window))),
        validate=ma.validate.Length(min=1, max=3),
    )
    skill = ma.fields.String(validate=ma.validate.Length(min=1, max=200))
    name = ma.fields.String(validate=_LINE)


class SplitIn(Schema):
    parts = ma.fields.List(
        ma.fields.Nested(PartIn),
        required=True,
        validate=ma.validate.Length(min=2, max=20),
        metadata={"description": "What a part does not say is the work's own."},
    )
    in_order = ma.fields.Boolean(
        load_default=False, metadata={"description": "Each on a later day than the one before."}
    )


class WorkQuery(Schema):
    state = ma.fields.String(validate=ma.validate.OneOf(get_args(requests.RequestState)))
    case = ma.fields.String(validate=ma.validate.Length(min=1, max=64))
    network = ma.fields.String(validate=ma.validate.Length(min=1, max=64))
    plan = ma.fields.String(
        validate=ma.validate.Length(min=1, max=64), metadata={"description": "The published plan it is in."}
    )
    month = ma.fields.String(
        validate=MONTH,
        metadata={
            "description": "In which a published plan has it, else in which it is wanted, or earliest."
        },
    )
    kind = ma.fields.String(validate=ma.validate.OneOf(get_args(Kind)))
    feeder = ma.fields.String(
        validate=ma.validate.Length(min=1, max=200),
        metadata={"description": "One that supplied its place when it was asked for."},
    )
    sort = sorted_by(WORK_SORTS, "id")
    after = after_place()
    limit = page_size()


class WorkRowOut(ma.Schema):
    id = ma.fields.String()
    state = ma.fields.String(validate=ma.validate.OneOf(get_args(requests.RequestState)))
    asked = ma.fields.Dict()
    requested_by = ma.fields.String()
    agreements = ma.fields.List(ma.fields.Dict())
    awaits = ma.fields.List(ma.fields.String(), metadata={"description": "Functions that have not agreed."})
    history = ma.fields.List(ma.fields.Dict())
    feeders = ma.fields.List(
        ma.fields.String(), metadata={"description": "Those that supplied its place when it was asked for."}
    )
    plan = ma.fields.String(metadata={"description": "The published plan that it is in."})
    day = ma.fields.String(allow_none=True, metadata={"description": "On which that plan has it."})


class WorkOut(WorkRowOut):
    findings = ma.fields.List(
        ma.fields.Dict(), metadata={"description": "What is odd with it, as it was sent just now."}
    )


class WorkList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(WorkRowOut))
    total = ma.fields.Integer()
    next = ma.fields.String(allow_none=True, metadata={"description": "`after` of the page that follows."})


class WorkParts(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(WorkRowOut))
