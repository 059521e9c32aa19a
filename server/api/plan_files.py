# mypy: disable-error-code="untyped-decorator"
"""Works and plans to take along: the month as a picture and as a workbook, requests and notices on paper."""

from __future__ import annotations

from typing import Any, cast

import marshmallow as ma
import msgspec
from flask import Response, g, request

from server.api.base import blueprint, roles
from server.api.casework import may_see
from server.api.paper_evidence import wording
from server.api.papers import PaperQuery
from server.api.pdf import ANSWERS, FILE, pdf
from server.api.plan_executions import executions
from server.api.plan_publishing import due_of, notice_row
from server.api.plans import found_plan, plans
from server.api.workbook import XLSX, workbook
from server.api.works import found_work, needed_for_works
from server.outages.instance import Instance
from server.outages.plan import Plan
from server.problems import Problem, language
from server.reports.wording import Printed
from server.scheduling.announcing import Notice
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


def _notice_rows(record: PlanRecord, result: Result, names: dict[str, str]) -> list[dict[str, Any]]:
    """What is to be announced, and how far that is; of a plan that is not published, what would be."""
    if record.state == "published":
        return [notice_row(one, names) for one in due_of(record)]
    nobody: frozenset[str] = frozenset()
    rows = [
        notice_row(Notice(notice=one, kind="planned", state="due", announcements=(), works=nobody), names)
        for one in result.plan.get("notices", ())
    ]
    return [{name: value for name, value in row.items() if name != "state"} for row in rows]


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
    names = _names(record.network, record.version)
    about = Around(
        names,
        _notice_rows(record, result, names),
        _reasons(result),
        executions().of(record),
        services().cases.policy(record.organisation).timezone,
    )
    lang = language()
    name = f"outages-{record.month}-{record.id}.xlsx"
    return workbook(name, lambda path: write_plan(path, instance, plan, about, lang))


@blp.route("/plans/<plan_id>/public-notices.pdf", methods=["GET"])
@roles(*_OFFICE)
@blp.arguments(NoticeQuery, location="query", unknown=ma.RAISE)
@blp.doc(responses=ANSWERS)
@blp.alt_response(409, description="Not published, or no such outage.")
def print_public_notice(query: dict[str, Any], plan_id: str) -> Response:
    """The public notice 停电公告 of a published plan, or of one of its outages; what is otherwise than was
    announced says so."""
    record = found_plan(plan_id)
    notices, plan = due_of(record), _made(plan_id)[2]
    only = query.get("outage")
    if only is not None:
        notices = [one for one in notices if one.notice["outage"] == only]
        if not notices:
            raise Problem(409, "plan_outage_unknown", outage=only)
    say = wording(record.organisation, cast("Printed", query.get("language") or language()))
    paper = public_notice_paper(
        notices,
        no=number_of(record) if only is None else f"{number_of(record)}-{only}",
        organisation=record.organisation,
        names=_names(record.network, record.version),
        reserve={one.id: one.rain_date for one in plan.outages},
        published_at=record.published_at or record.requested_at,
        say=say,
    )
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
            return Placed(number, outage.date, outage, said, executions().of(record).get(outage.id))
    return next((Placed(number, one.date, None) for one in plan.live if one.work == known.id), None)
