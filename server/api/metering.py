# mypy: disable-error-code="untyped-decorator"
"""Metering instruments: what a case needs, the stock, and a month's demand against it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any, get_args

import marshmallow as ma
from flask import Response, g

from checklists.xlsform.workbook import defused
from server.api.base import Schema, blueprint, roles
from server.api.casework import act, command, etag, if_match, plain, visible
from server.api.listed import MONTH
from server.casework.stock import StaleStock, Stock, StockLine, Stocks
from server.problems import Problem, language
from server.readmodel.surroundings import metering_demand
from server.services import services
from server.texts import text
from server.workflow import commands
from server.workflow.metering import Balance, InstrumentKind, balances

blp = blueprint("metering", "Metering instruments 计量器具需求与库存.")

_WORDS = ma.validate.Length(max=4000)
_PLATE = ma.validate.Length(max=100)
#: The columns of the month's list as CSV, each a text `metering_column.<name>`.
COLUMNS = ("kind", "type", "ratio", "accuracy", "needed", "backlog", "on_hand", "short", "cases")


class InstrumentSchema(Schema):
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(get_args(InstrumentKind)))
    type = ma.fields.String(validate=_PLATE)
    ratio = ma.fields.String(validate=_PLATE, metadata={"description": "As on the plate: `100/5`."})
    accuracy = ma.fields.String(validate=_PLATE, metadata={"description": "Its class: `0.5S`."})


class LineSchema(Schema):
    instrument = ma.fields.Nested(InstrumentSchema, required=True)
    quantity = ma.fields.Integer(required=True, validate=ma.validate.Range(min=1, max=10_000))


class PlanIn(Schema):
    connect_on = ma.fields.Date(required=True)
    lines = ma.fields.List(
        ma.fields.Nested(LineSchema), required=True, validate=ma.validate.Length(min=1, max=50)
    )
    note = ma.fields.String(validate=_WORDS)


class StockLineSchema(Schema):
    instrument = ma.fields.Nested(InstrumentSchema, required=True)
    on_hand = ma.fields.Integer(required=True, validate=ma.validate.Range(min=0, max=10_000_000))


class StockIn(Schema):
    lines = ma.fields.List(
        ma.fields.Nested(StockLineSchema), required=True, validate=ma.validate.Length(max=2000)
    )


class DemandQuery(Schema):
    month = ma.fields.String(
        required=True,
        validate=MONTH,
        metadata={"description": "In which cases are to connect: `2026-12`."},
    )
    format = ma.fields.String(load_default="json", validate=ma.validate.OneOf(["json", "csv"]))


class PlanOut(ma.Schema):
    """The plan, as it was said last; empty where nobody planned yet."""

    connect_on = ma.fields.String(allow_none=True)
    lines = ma.fields.List(ma.fields.Dict())
    note = ma.fields.String()
    planned_at = ma.fields.String(allow_none=True)
    planned_by = ma.fields.String(allow_none=True)


class StockOut(ma.Schema):
    lines = ma.fields.List(ma.fields.Dict())
    given_at = ma.fields.String(allow_none=True)
    given_by = ma.fields.String(allow_none=True)


class BalanceOut(ma.Schema):
    """An instrument's month. `short`: of what is needed, with the backlog of earlier months, not on hand."""

    kind = ma.fields.String()
    kind_title = ma.fields.String()
    type = ma.fields.String()
    ratio = ma.fields.String()
    accuracy = ma.fields.String()
    needed = ma.fields.Integer()
    backlog = ma.fields.Integer()
    on_hand = ma.fields.Integer()
    short = ma.fields.Integer()
    cases = ma.fields.List(ma.fields.String(), metadata={"description": "Application numbers."})


class DemandOut(ma.Schema):
    month = ma.fields.String()
    stock_given_at = ma.fields.String(allow_none=True, metadata={"description": "Null: nobody gave a stock."})
    items = ma.fields.List(ma.fields.Nested(BalanceOut))


Answer = tuple[dict[str, Any], dict[str, str]]


def _stocks() -> Stocks:
    made = services()
    return Stocks(made.store, made.names.registry, made.clock)


def _plan(plan: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {
        "connect_on": None,
        "lines": [],
        "note": "",
        "planned_at": None,
        "planned_by": None,
    }
    return nothing if plan is None else plain(plan)


@blp.route("/cases/<case_id>/metering-plan", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, PlanOut)
def show_plan(case_id: str) -> Answer:
    """Which instruments a case needs, and the day on which it is to connect."""
    known = visible(case_id)
    return _plan(known.case.metering), etag(known)


@blp.route("/cases/<case_id>/metering-plan", methods=["PUT"])
@roles("manager", "admin")
@blp.arguments(PlanIn)
@blp.response(200, PlanOut)
def plan_metering(body: dict[str, Any], case_id: str) -> Answer:
    """Say which instruments a case needs, in the place of what was said before."""
    known = act(case_id, command(commands.PlanMetering, **body))
    return _plan(known.case.metering), etag(known)


@blp.route("/metering/stock", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, StockOut)
def show_stock() -> Answer:
    """The stock of your organisation, as it was given last."""
    return _stock(*_stocks().get(g.actor.organisation))


@blp.route("/metering/stock", methods=["PUT"])
@roles("admin")
@blp.arguments(StockIn)
@blp.response(200, StockOut)
def give_stock(body: dict[str, Any]) -> Answer:
    """Give the whole stock as it is now. `If-Match` names the one that you read."""
    lines: list[StockLine] = [command(StockLine, **line) for line in body["lines"]]
    try:
        found = _stocks().put(g.actor.organisation, lines, by=g.actor.name, if_rev=if_match())
    except StaleStock:
        raise Problem(412, "precondition_failed") from None
    return _stock(*found)


def _stock(stock: Stock, rev: str | None) -> Answer:
    body = {name: plain(getattr(stock, name)) for name in ("lines", "given_at", "given_by")}
    return body, {"ETag": f'"{rev}"'} if rev else {}


@blp.route("/metering/demand", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.arguments(DemandQuery, location="query", unknown=ma.RAISE)
@blp.response(200, DemandOut)
@blp.alt_response(200, content_type="text/csv", success=True)
def show_demand(query: dict[str, Any]) -> Any:
    """A month's demand against the stock, what is short first; JSON or CSV."""
    organisation, month = g.actor.organisation, query["month"]
    stock, _ = _stocks().get(organisation)
    needs = metering_demand(services().readmodel, organisation, month)
    rows = [_row(one) for one in balances(month, needs, stock.by_instrument())]
    if query["format"] == "csv":
        name = f"metering-{month}.csv"
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(_as_csv(rows), mimetype="text/csv", headers=disposition)
    return {"month": month, "stock_given_at": plain(stock.given_at), "items": rows}


def _row(balance: Balance) -> dict[str, Any]:
    body = plain(balance)
    instrument = body.pop("instrument")
    return {**instrument, "kind_title": text(f"instrument.{instrument['kind']}", language()), **body}


def _as_csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """UTF-8 with a mark, by which spreadsheets know it; no cell begins a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([text(f"metering_column.{name}", language()) for name in COLUMNS])
    for row in rows:
        shown = {**row, "kind": row["kind_title"], "cases": ", ".join(row["cases"])}
        cells = [shown[name] for name in COLUMNS]
        writer.writerow([str(defused(one)) if isinstance(one, str) and one else one for one in cells])
    return b"\xef\xbb\xbf" + out.getvalue().encode()
