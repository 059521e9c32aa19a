# mypy: disable-error-code="untyped-decorator"
"""Cases: open, list, show, amend, move."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, get_args

import marshmallow as ma
import msgspec
from flask import g, request

from checklists.loader import fact_definitions
from server.api.base import Schema, blueprint, roles
from server.api.casework import act, actor, command, etag, plain, scope, visible
from server.api.sites import check_site
from server.api.timing import ClockOut, StandingOut, timing
from server.casework.cases import Loaded
from server.casework.idempotency import KeyReused, reserve_id
from server.casework.numbers import NumberTaken
from server.intake.judging import SUPPLY_FACTS
from server.names import new_id
from server.problems import Problem, language
from server.readmodel.queries import SORTS, CaseFilter, ClockFilter, Place, list_cases
from server.readmodel.watching import urgent_clocks
from server.services import services
from server.texts import text
from server.workflow import commands
from server.workflow.audit import sound, traces
from server.workflow.clocks.measure import KINDS
from server.workflow.vocabulary import ProcessName

blp = blueprint("cases", "Connection cases 业扩报装工单.")

_LINE = ma.validate.Length(min=1, max=200)
_WORDS = ma.validate.Length(max=4000)
_DATUM = ma.validate.OneOf(["wgs84", "cgcs2000", "gcj02", "bd09"])
MAX_PAGE = 200
PROCESSES = get_args(ProcessName)


class CustomerSchema(Schema):
    name = ma.fields.String(required=True, validate=_LINE)
    account_no = ma.fields.String(validate=_WORDS)
    contact = ma.fields.String(validate=_WORDS)
    phone = ma.fields.String(validate=_WORDS)
    address = ma.fields.String(validate=_WORDS)


class SiteSchema(Schema):
    lon = ma.fields.Float(required=True, validate=ma.validate.Range(-180, 180))
    lat = ma.fields.Float(required=True, validate=ma.validate.Range(-90, 90))
    datum = ma.fields.String(validate=_DATUM)
    name = ma.fields.String(validate=_WORDS)
    county = ma.fields.String(validate=_WORDS)
    station = ma.fields.String(validate=_WORDS, metadata={"description": "The local station 供电所."})
    radius_m = ma.fields.Float(validate=ma.validate.Range(min=1, max=10_000), allow_none=True)
    boundary = ma.fields.List(
        ma.fields.List(ma.fields.List(ma.fields.Float(), validate=ma.validate.Length(equal=2))),
        allow_none=True,
        metadata={"description": "Rings of a GeoJSON polygon, [lon, lat]."},
    )


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


class CaseQuery(Schema):
    stage = ma.fields.String()
    manager = ma.fields.String()
    inspector = ma.fields.String()
    energization = ma.fields.String(
        validate=ma.validate.OneOf(["none", "authorized", "on_hold", "energized"])
    )
    overdue = ma.fields.Boolean(load_default=False)
    clock = ma.fields.String(
        validate=ma.validate.OneOf(get_args(ClockFilter)),
        metadata={"description": "Cases with a clock beyond its limit, past its second mark, or paused."},
    )
    clock_kind = ma.fields.String(validate=ma.validate.OneOf(KINDS))
    q = ma.fields.String(validate=ma.validate.Length(max=100))
    bbox = ma.fields.String(metadata={"description": "west,south,east,north in degrees, WGS-84"})
    sort = ma.fields.String(
        load_default="-updated", validate=ma.validate.OneOf([*SORTS, *(f"-{key}" for key in SORTS)])
    )
    offset = ma.fields.Integer(load_default=0, validate=ma.validate.Range(min=0, max=10_000_000))
    after = ma.fields.String(
        validate=ma.validate.Length(max=1000),
        metadata={"description": "`next` of the page before: goes on where that ended, whatever came since."},
    )
    limit = ma.fields.Integer(load_default=50, validate=ma.validate.Range(min=1, max=MAX_PAGE))


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


IDEMPOTENCY_HEADER = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "maxLength": 200},
    "description": "Sent again with the same body, it gives what the first request created.",
}


def case_view(known: Loaded) -> dict[str, Any]:
    body: dict[str, Any] = plain(known.case)
    for inner in ("log", "gates", "photos"):
        body.pop(inner, None)
    return {**body, "stage_title": text(f"stage.{known.case.stage}", language()), **timing(known.case)}


@blp.route("/cases", methods=["GET"])
@roles()
@blp.arguments(CaseQuery, location="query", unknown=ma.RAISE)
@blp.response(200, CasePage)
def find_cases(query: dict[str, Any]) -> dict[str, Any]:
    """Cases that you may see, filtered, sorted and paged."""
    wanted = case_filter(query)
    page = list_cases(
        services().readmodel,
        scope(),
        wanted,
        sort=query["sort"],
        offset=query["offset"],
        after=_place(query.get("after"), query["sort"]),
        limit=query["limit"],
    )
    urgent = urgent_clocks(services().readmodel, [row["id"] for row in page.rows], wanted.today)
    for row in page.rows:
        clock = urgent.get(row["id"])
        row["clock"] = clock and {**clock, "title": text(f"clock.{clock['clock']}", language())}
        row["ready"] = row["ready"] and wanted.today <= (row["ready_until"] or wanted.today)
    return {
        "items": page.rows,
        "total": page.total,
        "offset": query["offset"],
        "limit": query["limit"],
        "next": page.next and _token(page.next, query["sort"]),
    }


@blp.route("/cases", methods=["POST"])
@roles("manager", "admin")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(CaseIn)
@blp.response(201, CaseOut)
def open_case(body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Accept an application. Its two databases are made at once."""
    made = services()
    check_facts(body.get("facts", {}))
    check_site(body["site"])
    case_id = reserved_id(body)
    wanted = command(
        commands.OpenCase,
        id=case_id,
        organisation=g.actor.organisation,
        **{"manager": g.actor.name, **body},
    )
    check_manager(wanted.manager, g.actor.organisation)
    try:
        known = made.cases.open(wanted, actor())
    except NumberTaken:
        raise Problem(409, "case_no_taken", no=body["no"]) from None
    return case_view(known), {**etag(known), "Location": f"/api/v1/cases/{case_id}"}


@blp.route("/cases/<case_id>", methods=["GET"])
@roles()
@blp.response(200, CaseOut)
def show_case(case_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """One case."""
    known = visible(case_id)
    return case_view(known), etag(known)


@blp.route("/cases/<case_id>", methods=["PATCH"])
@roles("manager", "admin")
@blp.arguments(CasePatch)
@blp.response(200, CaseOut)
def amend_case(body: dict[str, Any], case_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Correct customer, site, supply, manager, title or process, with a reason."""
    case = visible(case_id).case
    if "manager" in body:
        check_manager(body["manager"], case.organisation)
    if "site" in body:
        check_site(body["site"])
    known = act(case_id, command(commands.AmendCase, **body))
    return case_view(known), etag(known)


@blp.route("/cases/<case_id>/facts", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(FactsIn)
@blp.response(200, CaseOut)
def set_facts(body: dict[str, Any], case_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Settle facts that gates and checklists depend on; null makes one unknown again."""
    check_facts(body["facts"])
    known = act(case_id, command(commands.SetFacts, **body))
    return case_view(known), etag(known)


@blp.route("/cases/<case_id>/transitions", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(TransitionIn)
@blp.response(200, CaseOut)
def move_case(body: dict[str, Any], case_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Move along the process."""
    known = act(case_id, command(commands.MoveStage, **body))
    return case_view(known), etag(known)


@blp.route("/cases/<case_id>/log", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, LogOut)
def show_log(case_id: str) -> dict[str, Any]:
    """The hash-chained log of every decision."""
    case = visible(case_id).case
    found = traces(case)
    return {"verified": sound(found), "traces": plain(found), "items": plain(case.log)}


def check_manager(name: str, organisation: str) -> None:
    """Raises Problem 422 unless this is somebody of the organisation who manages cases and may sign in.

    The manager reads the case's databases, so a slip of the pen must not name a stranger.
    """
    if not services().people.may_manage(name, organisation):
        raise Problem(422, "not_a_manager", name=name)


def check_facts(facts: Mapping[str, Any]) -> None:
    """Raises Problem 422 for a value that its fact cannot have; None takes a fact back.

    A checklist would take such a value for unknown and be stricter than anybody meant. The supply's own
    numbers are amended with the supply.
    """
    declared = fact_definitions()
    for name, value in facts.items():
        if name in SUPPLY_FACTS:
            raise Problem(422, "fact_of_the_supply", fact=name)
        if name in declared and declared[name].derived is not None:
            raise Problem(422, "fact_derived", fact=name, derived=declared[name].derived)
        if name in declared and value is not None and not declared[name].admits(value):
            kind = declared[name].type
            options = ", ".join(option.value for option in declared[name].options)
            raise Problem(422, "fact_value_invalid", fact=name, kind=kind, options=options)


def reserved_id(body: dict[str, Any]) -> str:
    """The id of what a request creates: by its `Idempotency-Key` if it has one. Raises Problem 422."""
    key = request.headers.get("Idempotency-Key")
    if not key:
        return new_id()
    made = services()
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    try:
        return reserve_id(
            made.store,
            made.names.registry,
            owner=g.actor.name,
            key=key,
            request_digest=digest,
            new_id=new_id,
            now=made.clock(),
        )
    except KeyReused:
        raise Problem(422, "idempotency_key_reused") from None


def _token(place: Place, sort: str) -> str:
    """A place in a list as one word for `after`. It holds for the order that it was given in."""
    return urlsafe_b64encode(msgspec.json.encode([sort, place.value, place.id])).decode().rstrip("=")


def _place(token: str | None, sort: str) -> Place | None:
    """The place that a token names. Raises Problem 422."""
    if token is None:
        return None
    try:
        plain = urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4))
        known, value, case_id = msgspec.json.decode(plain, type=tuple[str, str | float | None, str])
    except (ValueError, msgspec.DecodeError):
        raise Problem(422, "after_invalid") from None
    if known != sort:
        raise Problem(422, "after_invalid")
    return Place(value, case_id)


def case_filter(query: Mapping[str, Any]) -> CaseFilter:
    """What a list of cases is narrowed to by a CaseQuery. Raises Problem 422."""
    policy = services().cases.policy(g.actor.organisation)
    today = policy.day(services().clock()).isoformat()
    return CaseFilter(
        stage=query.get("stage"),
        manager=query.get("manager"),
        inspector=query.get("inspector"),
        energization=query.get("energization"),
        overdue_on=today if query["overdue"] else None,
        today=today,
        clock=query.get("clock"),
        clock_kind=query.get("clock_kind"),
        q=query.get("q"),
        bbox=_bbox(query.get("bbox")),
    )


def _bbox(given: str | None) -> tuple[float, float, float, float] | None:
    if given is None:
        return None
    try:
        west, south, east, north = (float(part) for part in given.split(","))
    except ValueError:
        raise Problem(422, "bbox_invalid") from None
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise Problem(422, "bbox_invalid")
    return west, south, east, north
