# mypy: disable-error-code="untyped-decorator"
"""Bulletins and the managers' ledger, as JSON, as workbooks, and on paper."""

from __future__ import annotations

from datetime import date
from typing import Any, cast, get_args

import marshmallow as ma
from flask import g

from server.api.base import Schema, blueprint, roles
from server.api.casework import plain
from server.api.paper_evidence import wording
from server.api.pdf import ANSWERS, FILE, PDF, pdf
from server.api.plans import looking_back
from server.api.workbook import XLSX, workbook
from server.bulletins.periods import Period, PeriodError, PeriodKind, named
from server.bulletins.sheets import write_bulletin, write_ledger
from server.casework.outage_figures import outages_of_period
from server.casework.reporting import bulletin_of, contractors_of, ledger_of
from server.problems import Problem, language
from server.reports.bulletin import bulletin_paper
from server.reports.wording import Printed
from server.services import services

blp = blueprint("bulletins", "Bulletins and ledger 通报与台账.")

_OFFICE = ("manager", "scheduler", "admin", "auditor")


class ReportQuery(Schema):
    format = ma.fields.String(load_default="json", validate=ma.validate.OneOf(["json", "xlsx"]))


class BulletinQuery(Schema):
    format = ma.fields.String(load_default="json", validate=ma.validate.OneOf(["json", "xlsx", "pdf"]))


class BulletinOut(ma.Schema):
    """A bulletin; docs/bulletins.md explains every figure."""

    kind = ma.fields.String()
    period = ma.fields.String()
    first = ma.fields.String()
    last = ma.fields.String()
    until = ma.fields.String(metadata={"description": "The last day that it looks at."})
    organisation = ma.fields.String()
    totals = ma.fields.Dict()
    before = ma.fields.Dict(allow_none=True, metadata={"description": "The period before."})
    stages = ma.fields.List(ma.fields.Dict())
    groups = ma.fields.List(ma.fields.Dict())
    anomalies = ma.fields.List(ma.fields.Dict())
    watch = ma.fields.List(ma.fields.Dict())
    misses = ma.fields.List(ma.fields.Dict())
    outages = ma.fields.Dict(
        allow_none=True,
        metadata={"description": "Of a month or quarter: its published plans, and their figures."},
    )


class LedgerOut(ma.Schema):
    """The ledger of a month: a page for each manager."""

    period = ma.fields.String()
    first = ma.fields.String()
    last = ma.fields.String()
    until = ma.fields.String()
    organisation = ma.fields.String()
    pages = ma.fields.List(ma.fields.Dict())


_BULLETIN = {
    "200": {"content": {"application/json": {"schema": BulletinOut}, XLSX: FILE, PDF: FILE}},
    "304": ANSWERS["304"],
}


class ContractorsOut(ma.Schema):
    """Defects by contractor, in the order of the names."""

    period = ma.fields.String()
    first = ma.fields.String()
    last = ma.fields.String()
    until = ma.fields.String()
    organisation = ma.fields.String()
    rows = ma.fields.List(ma.fields.Dict())


@blp.route("/reports/bulletins/<kind>/<period>", methods=["GET"])
@roles(*_OFFICE)
@blp.arguments(BulletinQuery, location="query", unknown=ma.RAISE)
@blp.response(200, BulletinOut)
@blp.doc(responses=_BULLETIN)
@blp.alt_response(404, description="No such kind of bulletin.")
def show_bulletin(query: dict[str, Any], kind: str, period: str) -> Any:
    """The weekly (`2026-W47`), monthly (`2026-11`) or quarterly (`2026-Q4`) bulletin of your organisation.

    Of a period that goes on it tells what there is so far."""
    if kind not in get_args(PeriodKind):
        raise Problem(404, "not_found")
    asked, today = _begun(kind, period)  # type: ignore[arg-type]
    made = services()
    organisation = g.actor.organisation
    outages = outages_of_period(looking_back(), organisation, asked, today)
    found = bulletin_of(made.readmodel, organisation, asked, today, made.cases.rules, outages)
    if query["format"] == "json":
        return plain(found)
    if query["format"] == "pdf":
        say = wording(g.actor.organisation, cast("Printed", language()))
        return pdf(bulletin_paper(found, say), say, None)
    return workbook(f"{kind}-{asked.name}.xlsx", lambda path: write_bulletin(path, found, language()))


@blp.route("/reports/ledger/<period>", methods=["GET"])
@roles(*_OFFICE)
@blp.arguments(ReportQuery, location="query", unknown=ma.RAISE)
@blp.response(200, LedgerOut)
def show_ledger(query: dict[str, Any], period: str) -> Any:
    """The managers' ledger of a month (`2026-11`): every finished case with its score, and what is late."""
    asked, today = _begun("monthly", period)
    made = services()
    found = ledger_of(made.readmodel, g.actor.organisation, asked, today, made.cases.rules)
    if query["format"] == "json":
        return plain(found)
    return workbook(f"ledger-{asked.name}.xlsx", lambda path: write_ledger(path, found, language()))


@blp.route("/reports/contractors/<kind>/<period>", methods=["GET"])
@roles("manager", "admin", "auditor")
@blp.response(200, ContractorsOut)
@blp.alt_response(404, description="No such kind of period.")
def show_contractors(kind: str, period: str) -> Any:
    """Defects by contractor in a week, month or quarter. For the utility's own eyes: it recommends nobody."""
    if kind not in get_args(PeriodKind):
        raise Problem(404, "not_found")
    asked, today = _begun(kind, period)  # type: ignore[arg-type]
    return plain(contractors_of(services().readmodel, g.actor.organisation, asked, today))


def _begun(kind: PeriodKind, name: str) -> tuple[Period, date]:
    """The period of this name, and today. Raises Problem 422 for none, and for one that is still to come."""
    made = services()
    today = made.cases.policy(g.actor.organisation).day(made.clock())
    try:
        found = named(kind, name)
        found.before  # noqa: B018  the first of all has none
    except PeriodError:
        raise Problem(422, "period_unknown", kind=kind) from None
    if found.first > today:
        raise Problem(422, "period_ahead", period=found.name)
    return found, today
