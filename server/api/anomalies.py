# mypy: disable-error-code="untyped-decorator"
"""What monitors tell: in one case, and over all that one may see."""

from __future__ import annotations

from typing import Any, get_args

import marshmallow as ma
from flask import g

from server.api.base import Schema, blueprint, roles
from server.api.casework import plain, visible
from server.api.timing import moment
from server.problems import language
from server.readmodel.watching import AnomalyFilter, list_anomalies
from server.services import services
from server.texts import text
from server.workflow.monitors import AnomalyCode, MonitorName, Watch, anomalies

blp = blueprint("anomalies", "Monitors 监控.")

MAX_PAGE = 200


class AnomalyOut(ma.Schema):
    """Something to be looked at. `watch`: 1 station's clerk, 2 customer manager, 3 marketing specialist."""

    monitor = ma.fields.String()
    monitor_title = ma.fields.String()
    code = ma.fields.String()
    text = ma.fields.String()
    watch = ma.fields.Integer()
    watch_title = ma.fields.String()
    since = ma.fields.String()
    until = ma.fields.String(allow_none=True, metadata={"description": "It ends by itself before this day."})
    params = ma.fields.Dict()
    refs = ma.fields.List(ma.fields.String())


class AnomalyRow(AnomalyOut):
    case_id = ma.fields.String()
    no = ma.fields.String()
    customer = ma.fields.String()
    manager = ma.fields.String()
    stage = ma.fields.String()


class AnomalyList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(AnomalyOut))


class AnomalyPage(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(AnomalyRow))
    total = ma.fields.Integer()
    offset = ma.fields.Integer()
    limit = ma.fields.Integer()


class AnomalyQuery(Schema):
    monitor = ma.fields.String(validate=ma.validate.OneOf(get_args(MonitorName)))
    code = ma.fields.String(validate=ma.validate.OneOf(get_args(AnomalyCode)))
    watch = ma.fields.Integer(validate=ma.validate.OneOf(get_args(Watch)))
    manager = ma.fields.String(validate=ma.validate.Length(max=200))
    offset = ma.fields.Integer(load_default=0, validate=ma.validate.Range(min=0, max=10_000_000))
    limit = ma.fields.Integer(load_default=50, validate=ma.validate.Range(min=1, max=MAX_PAGE))


@blp.route("/cases/<case_id>/anomalies", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, AnomalyList)
def show_anomalies(case_id: str) -> dict[str, Any]:
    """What there is to look at in a case now, the gravest first."""
    case = visible(case_id).case
    found = anomalies(case, moment(case), services().cases.rules)
    return {"items": [_in_words(plain(one)) for one in found]}


@blp.route("/anomalies", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.arguments(AnomalyQuery, location="query", unknown=ma.RAISE)
@blp.response(200, AnomalyPage)
def find_anomalies(query: dict[str, Any]) -> dict[str, Any]:
    """What there is to look at in every case that you may see, filtered and paged, the gravest first."""
    policy = services().cases.policy(g.actor.organisation)
    offset, limit = query.pop("offset"), query.pop("limit")
    wanted = AnomalyFilter(today=policy.day(services().clock()).isoformat(), **query)
    rows, total = list_anomalies(
        services().readmodel, g.actor.organisation, wanted, offset=offset, limit=limit
    )
    return {"items": [_in_words(row) for row in rows], "total": total, "offset": offset, "limit": limit}


def _in_words(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "text": text(f"anomaly.{row['code']}", language(), **_params(row["params"])),
        "monitor_title": text(f"monitor.{row['monitor']}", language()),
        "watch_title": text(f"watch.{row['watch']}", language()),
    }


def _params(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters with what is named by a code in words."""
    named = {"clock": "clock", "kind": "clock_kind", "stage": "stage", "before": "stage"}
    if "clock" not in params:
        named["kind"] = "task_kind"
    words = {
        name: text(f"{prefix}.{params[name]}", language()) for name, prefix in named.items() if name in params
    }
    return {**params, **words}
