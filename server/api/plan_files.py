# mypy: disable-error-code="untyped-decorator"
"""Works and plans to take along: the month as a picture and as a workbook, requests and notices on paper."""

from __future__ import annotations

from typing import Any, Literal, cast

import marshmallow as ma
import msgspec
from flask import Response, g, request

from server.api.base import blueprint, roles
from server.api.casework import may_see
from server.api.paper_evidence import wording
from server.api.papers import PaperQuery
from server.api.pdf import ANSWERS, FILE, pdf
from server.api.plans import found_plan, plans
from server.api.workbook import XLSX, workbook
from server.api.works import found_work, needed_for_works
from server.outages.instance import Instance
from server.outages.plan import Plan
from server.problems import Problem, language
from server.reports.wording import Printed
from server.scheduling.papers import Placed, RequestFacts, public_notice_paper, request_paper
from server.scheduling.picture import draw, feeders_of
from server.scheduling.plans import PlanRecord, UnknownPlan, number_of
from server.scheduling.requests import Request
from server.scheduling.sheets import Around, write_plan
from server.scheduling.solver import Result
from server.services import services

blp = blueprint("plan_files", "Works and plans as files 停电计划图表与单据.")

_OFFICE = ("manager", "scheduler", "admin", "auditor")
SVG = "image/svg+xml"
#: What stands across a notice that holds no more, by the plan's state.
_STAMPS: dict[str, Literal["superseded", "withdrawn"]] = {"amended": "superseded", "withdrawn": "withdrawn"}


class NoticeQuery(PaperQuery):
    outage = ma.fields.String(
        validate=ma.validate.Length(min=1, max=200),
        metadata={"description": "Of this outage alone; left out, of all of the plan."},
    )


def _made(plan_id: str) -> tuple[PlanRecord, Instance, Plan, Result]:
    """A plan that was made, with what it was asked. Raises Problem 404, 409."""
    record = found_plan(plan_id)
    if record.summary is None:
        raise Problem(409, "plan_not_made", state=record.state)
    instance = msgspec.json.decode(plans().instance(record), type=Instance)
    result = msgspec.json.decode(plans().result(record), type=Result)
    return record, instance, msgspec.convert(result.plan, Plan), result


def _names(network: str, version: str | None = None) -> dict[str, str]:
    """What the elements of a network are called, by id."""
    networks = services().networks
    found = msgspec.json.decode(networks.body(networks.get(g.actor.organisation, network, version)))
    return {one["id"]: one["properties"].get("name") or one["id"] for one in found["features"]}


def _reasons(result: Result) -> dict[str, list[str]]:
    return {one.work: one.text[language()] for one in result.reasons}


@blp.route("/plans/<plan_id>/picture.svg", methods=["GET"])
@roles(*_OFFICE)
@blp.doc(responses={"200": {"description": "The month, by feeder.", "content": {SVG: FILE}}})
@blp.alt_response(409, description="Not made.")
def draw_plan(plan_id: str) -> Response:
    """A plan as a Gantt chart by feeder, with the reasons for what is left out."""
    record, instance, plan, result = _made(plan_id)
    networks = services().networks
    index = networks.index(networks.get(record.organisation, record.network, record.version))
    feeders = feeders_of(instance.works, index.topology, index.fed)
    picture = draw(instance, plan, feeders, language(), reasons=_reasons(result))
    # Words of works stand in it. They are escaped; should that ever fail, it still runs nothing.
    headers = {
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
        "Vary": "Accept-Language",
    }
    response = Response(picture, mimetype=SVG, headers=headers)
    response.add_etag()
    response.make_conditional(request)
    return response


@blp.route("/plans/<plan_id>/plan.xlsx", methods=["GET"])
@roles(*_OFFICE)
@blp.doc(responses={"200": {"description": "The workbook.", "content": {XLSX: FILE}}})
@blp.alt_response(409, description="Not made.")
def export_plan(plan_id: str) -> Response:
    """A plan as a workbook: works, outages, what is left out and why, days, public notices."""
    record, instance, plan, result = _made(plan_id)
    about = Around(_names(record.network, record.version), record.announcements, _reasons(result))
    lang = language()
    name = f"outages-{record.month}-{record.id}.xlsx"
    return workbook(name, lambda path: write_plan(path, instance, plan, about, lang))


@blp.route("/plans/<plan_id>/public-notices.pdf", methods=["GET"])
@roles(*_OFFICE)
@blp.arguments(NoticeQuery, location="query", unknown=ma.RAISE)
@blp.doc(responses=ANSWERS)
@blp.alt_response(409, description="Not published, or no such outage.")
def print_public_notice(query: dict[str, Any], plan_id: str) -> Response:
    """The public notice 停电公告 of a published plan, or of one of its outages."""
    record = found_plan(plan_id)
    if record.published_at is None:
        raise Problem(409, "plan_not_published")
    record, _, plan, _ = _made(plan_id)
    say = wording(record.organisation, cast("Printed", query.get("language") or language()))
    try:
        paper = public_notice_paper(
            plan,
            no=number_of(record),
            organisation=record.organisation,
            names=_names(record.network, record.version),
            published_at=record.published_at or record.requested_at,
            say=say,
            stamp=_STAMPS.get(record.state, ""),
            only=query.get("outage"),
        )
    except KeyError:
        raise Problem(409, "plan_outage_unknown", outage=query["outage"]) from None
    return pdf(paper, say, None)


@blp.route("/works/<work_id>/request.pdf", methods=["GET"])
@roles(*_OFFICE)
@blp.arguments(PaperQuery, location="query", unknown=ma.RAISE)
@blp.doc(responses=ANSWERS)
def print_request(query: dict[str, Any], work_id: str) -> Response:
    """The request for an outage 停电计划申请单, with who agreed, and where a published plan has it."""
    known = found_work(work_id)
    say = wording(known.organisation, cast("Printed", query.get("language") or language()))
    return pdf(request_paper(known, _facts(known), say), say, query["copies"])


def _facts(known: Request) -> RequestFacts:
    made = services()
    cases = {one: made.cases.load(one).case.no for one in known.asked.cases if may_see(one)}
    record = _plan_of(known)
    if record is None:
        return RequestFacts(cases, _names(known.asked.network), needed_for_works())
    names = _names(record.network, record.version)
    return RequestFacts(cases, names, needed_for_works(), _placed(known, record, _made(record.id)[2]))


def _plan_of(known: Request) -> PlanRecord | None:
    if not known.plan:
        return None
    try:
        record = plans().get(g.actor.organisation, known.plan)
    except UnknownPlan:
        return None
    return record if record.published_at is not None else None


def _placed(known: Request, record: PlanRecord, plan: Plan) -> Placed | None:
    number = number_of(record)
    for outage in plan.outages:
        if known.id in {one.work for one in outage.works}:
            said = tuple(one for one in record.announcements if one.outage == outage.id)
            return Placed(number, outage.date, outage, said)
    return next((Placed(number, one.date, None) for one in plan.live if one.work == known.id), None)
