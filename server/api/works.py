# mypy: disable-error-code="untyped-decorator"
"""Works that need an outage: requested, often from a case, agreed to by several, planned."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, get_args

import marshmallow as ma
import msgspec
from flask import g

from server.api.base import Schema, blueprint, roles
from server.api.casework import REQUIRED_MATCH, ReasonIn, if_match, may_see, plain, required_match
from server.api.keys import IDEMPOTENCY_HEADER, created_id, own_id
from server.api.networks import finding_rows
from server.outages.instance import Window
from server.people.model import Identity
from server.problems import Problem
from server.scheduling import requests
from server.scheduling.networks import UnknownNetwork
from server.scheduling.requests import Part, Particulars, Request, WorkRefused
from server.scheduling.works import StaleWork, UnknownWork, Works
from server.services import services
from server.workflow.policy import listed
from sync.store import Conflict

blp = blueprint("works", "Works that need an outage 停电工作申请.")

MAX_PAGE = 500
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
    after = ma.fields.String(
        validate=ma.validate.Length(min=1, max=64), metadata={"description": "`next` of the page before."}
    )
    limit = ma.fields.Integer(load_default=100, validate=ma.validate.Range(min=1, max=MAX_PAGE))


class WorkRowOut(ma.Schema):
    id = ma.fields.String()
    state = ma.fields.String(validate=ma.validate.OneOf(get_args(requests.RequestState)))
    asked = ma.fields.Dict()
    requested_by = ma.fields.String()
    agreements = ma.fields.List(ma.fields.Dict())
    awaits = ma.fields.List(ma.fields.String(), metadata={"description": "Functions that have not agreed."})
    history = ma.fields.List(ma.fields.Dict())
    plan = ma.fields.String(metadata={"description": "The published plan that it is in."})


class WorkOut(WorkRowOut):
    findings = ma.fields.List(
        ma.fields.Dict(), metadata={"description": "What is odd with it, as it was sent just now."}
    )


class WorkList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(WorkRowOut))
    next = ma.fields.String(allow_none=True, metadata={"description": "`after` of the page that follows."})


Answer = tuple[dict[str, Any], dict[str, str]]


def works() -> Works:
    """The works of this house."""
    made = services()
    return Works(made.store, made.names.registry)


def found_work(work_id: str) -> Request:
    """A work of the present person's organisation. Raises Problem 404."""
    with _refused():
        return works().get(g.actor.organisation, work_id)[0]


def needed_for_works() -> tuple[str, ...]:
    """The functions that have to agree to a work."""
    return listed(services().cases.policy(g.actor.organisation).work_approvals)


def _today() -> date:
    made = services()
    return made.cases.policy(g.actor.organisation).day(made.clock())


def _view(known: Request, needed: Collection[str]) -> dict[str, Any]:
    row: dict[str, Any] = plain(known)
    del row["organisation"]
    agreed = {one.function for one in known.agreements}
    return {**row, "awaits": [one for one in needed if one not in agreed]}


def _answer(found: tuple[Request, str], findings: list[dict[str, Any]] | None = None) -> Answer:
    known, rev = found
    return {**_view(known, needed_for_works()), "findings": findings or []}, {"ETag": f'"{rev}"'}


@contextmanager
def _refused() -> Iterator[None]:
    """Says what is not there, not as it was read, or not to be done, as a problem."""
    try:
        yield
    except UnknownWork:
        raise Problem(404, "not_found") from None
    except StaleWork:
        raise Problem(412, "precondition_failed") from None
    except WorkRefused as refusal:
        code, params = refusal.code, refusal.params
        raise Problem(409, code, extra={"params": params}, **params) from None


def _asked(work_id: str, body: dict[str, Any]) -> tuple[Particulars, list[dict[str, Any]]]:
    """The request in a body, checked against its network and cases, with what is odd. Raises Problem 422."""
    from server.outages.structure import misshapen  # noqa: PLC0415  only where a request is read

    body = {**body, "work": {**body["work"], "id": work_id}}
    shapeless = tuple(misshapen(body, Particulars))
    if shapeless:
        raise Problem(422, "work_unusable", extra=finding_rows(shapeless))
    asked = msgspec.convert(body, Particulars)
    for case in asked.cases:
        if not may_see(case):
            raise Problem(422, "work_case_unknown", case=case)
    networks = services().networks
    try:
        head = networks.get(g.actor.organisation, asked.network)
    except UnknownNetwork:
        raise Problem(422, "work_network_unknown", network=asked.network) from None
    findings = tuple(requests.faults(asked, networks.index(head).topology, _today()))
    told = finding_rows(findings)
    if any(one.grave for one in findings):
        raise Problem(422, "work_unusable", extra=told)
    return asked, told["findings"]


@blp.route("/works", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.arguments(WorkQuery, location="query", unknown=ma.RAISE)
@blp.response(200, WorkList)
def list_works(query: dict[str, Any]) -> dict[str, Any]:
    """The works of your organisation, by id."""
    needed = needed_for_works()
    found, further = works().page(
        g.actor.organisation,
        lambda known: _matches(known, query),
        after=query.get("after"),
        limit=query["limit"],
    )
    return {"items": [_view(known, needed) for known in found], "next": found[-1].id if further else None}


def _matches(known: Request, query: dict[str, Any]) -> bool:
    return (
        query.get("state", known.state) == known.state
        and query.get("network", known.asked.network) == known.asked.network
        and query.get("plan", known.plan) == known.plan
        and ("case" not in query or query["case"] in known.asked.cases)
    )


@blp.route("/works", methods=["POST"])
@roles("manager", "scheduler", "admin")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(NewWorkIn)
@blp.response(201, WorkOut)
def request_work(body: dict[str, Any]) -> Answer:
    """Request a work. What is wrong with it is told field by field (422 `work_unusable`)."""
    work_id = created_id(body)
    asked, odd = _asked(work_id, body)
    actor: Identity = g.actor
    now = services().clock()
    made = requests.request(
        work_id, actor.organisation, asked, by=actor.name, at=now, needed=needed_for_works()
    )
    try:
        return _answer(works().add(made), odd)
    except Conflict:
        raise Problem(409, "work_exists", id=work_id) from None


@blp.route("/works/<work_id>", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, WorkOut)
def show_work(work_id: str) -> Answer:
    """One work with who agreed to it and who has yet to."""
    with _refused():
        return _answer(works().get(g.actor.organisation, work_id))


@blp.route("/works/<work_id>", methods=["PATCH"])
@roles("manager", "scheduler", "admin")
@blp.doc(parameters=[REQUIRED_MATCH])
@blp.arguments(WorkIn(partial=True))
@blp.response(200, WorkOut)
def amend_work(body: dict[str, Any], work_id: str) -> Answer:
    """Change what is given; of `work`, all of it. Every agreement falls: it was to something else."""
    rev, actor = required_match(), g.actor
    with _refused():
        known, _ = works().get(actor.organisation, work_id)
        before = plain(known.asked)
        for name in ("id", "case", "notice"):
            before["work"].pop(name, None)
        asked, odd = _asked(work_id, {**before, **body})
        now, needed = services().clock(), needed_for_works()

        def change(request: Request) -> Request:
            return requests.amend(request, asked, by=actor.name, at=now, needed=needed)

        return _answer(works().change(actor.organisation, work_id, change, if_rev=rev), odd)


@blp.route("/works/<work_id>/approve", methods=["POST"])
@roles("manager", "scheduler", "admin")
@blp.doc(parameters=[REQUIRED_MATCH])
@blp.arguments(AgreeIn)
@blp.response(200, WorkOut)
def agree_to_work(body: dict[str, Any], work_id: str) -> Answer:
    """Agree for a function to the work as you read it. Each function needs a person of its own."""
    rev, actor = required_match(), g.actor
    now, needed = services().clock(), needed_for_works()

    def change(request: Request) -> Request:
        return requests.agree(request, by=actor.name, roles=actor.roles, at=now, needed=needed, **body)

    with _refused():
        return _answer(works().change(actor.organisation, work_id, change, if_rev=rev))


@blp.route("/works/<work_id>/split", methods=["POST"])
@roles("scheduler", "admin")
@blp.doc(parameters=[REQUIRED_MATCH])
@blp.arguments(SplitIn)
@blp.response(201, WorkList)
def split_work(body: dict[str, Any], work_id: str) -> dict[str, Any]:
    """Split a work into parts on the same sections: requests of their own, `<id>-1` and so on, that are
    agreed to anew. The work itself is given up. What it would come to is asked before, of a plan
    (`enquiries`). Cut off in between, it is ended by asking again."""
    rev, actor, house = required_match(), g.actor, works()
    now, functions = services().clock(), needed_for_works()
    parts = tuple(msgspec.convert(one, Part) for one in body["parts"])
    tied = {
        known.id
        for known, _ in house.all(actor.organisation)
        if known.state in requests.OPEN and work_id in requests.tied_to(known.asked.work)
    }

    def halved(known: Request) -> tuple[Request, tuple[Request, ...]]:
        return requests.split(
            known, parts, in_order=body["in_order"], named_by=tied, by=actor.name, at=now, needed=functions
        )

    with _refused():
        known, found = house.get(actor.organisation, work_id)
        gone, made = halved(known)
        if gone != known and found != rev:
            raise Problem(412, "precondition_failed")
        for one in made:
            _require_free(house, one)
        # The work goes first: cut off in between, nothing is planned twice.
        house.change(actor.organisation, work_id, lambda known: halved(known)[0], if_rev=found)
        kept = [house.add(one)[0] for one in made]
    return {"items": [_view(one, functions) for one in kept], "next": None}


def _require_free(house: Works, made: Request) -> None:
    """Raises Problem 409 where the id of what is made is that of something else."""
    try:
        known, _ = house.get(made.organisation, made.id)
    except UnknownWork:
        return
    if (known.asked, known.requested_by) != (made.asked, made.requested_by):
        raise Problem(409, "work_exists", id=made.id)


@blp.route("/works/<work_id>/withdraw", methods=["POST"])
@roles("manager", "scheduler", "admin")
@blp.arguments(ReasonIn)
@blp.response(200, WorkOut)
def withdraw_work(body: dict[str, Any], work_id: str) -> Answer:
    """Give a work up that is in no published plan."""
    actor, now = g.actor, services().clock()

    def change(request: Request) -> Request:
        return requests.withdraw(request, by=actor.name, at=now, reason=body["reason"])

    with _refused():
        return _answer(works().change(actor.organisation, work_id, change, if_rev=if_match()))
