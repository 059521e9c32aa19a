# mypy: disable-error-code="untyped-decorator"
"""What monitors tell: in one case, and over all that one may see."""

from __future__ import annotations

from typing import Any, get_args

import marshmallow as ma
from flask import g

from server.api.base import Schema, blueprint, roles
from server.api.casework import act, command, etag, plain, visible
from server.api.timing import moment
from server.casework.cases import Loaded
from server.problems import Problem, language
from server.readmodel.watching import AnomalyFilter, list_anomalies
from server.services import services
from server.texts import both, text
from server.workflow import commands
from server.workflow.explanations import Standing, explanation_reasons, standing_of
from server.workflow.model import Case
from server.workflow.monitors import Anomaly, AnomalyCode, MonitorName, Watch, anomalies, watched
from server.workflow.vocabulary import MAX_NAME, MAX_WORDS

blp = blueprint("anomalies", "Monitors 监控.")

MAX_PAGE = 200


Answer = tuple[dict[str, Any], dict[str, str]]


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
    anomaly = ma.fields.String(metadata={"description": "Its key, by which it is explained."})
    standing = ma.fields.String()
    standing_title = ma.fields.String()


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


class ExplanationIn(Schema):
    anomaly = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=MAX_NAME))
    reason = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=100))
    words = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=MAX_WORDS))


class AuditIn(Schema):
    anomaly = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=MAX_NAME))
    accept = ma.fields.Boolean(required=True)
    words = ma.fields.String(load_default="", validate=ma.validate.Length(max=MAX_WORDS))


class ExplanationOut(ma.Schema):
    """Why an anomaly came about, and what an audit found. It stays when the anomaly is there no more."""

    anomaly = ma.fields.String()
    code = ma.fields.String()
    reason = ma.fields.String()
    reason_title = ma.fields.String()
    fault = ma.fields.String()
    words = ma.fields.String()
    by = ma.fields.String()
    at = ma.fields.String()
    audit = ma.fields.String()
    audited_by = ma.fields.String(allow_none=True)
    audited_at = ma.fields.String(allow_none=True)
    audit_words = ma.fields.String()
    standing = ma.fields.String()
    standing_title = ma.fields.String()


class ExplanationList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(ExplanationOut))


class ExplanationReasonOut(ma.Schema):
    code = ma.fields.String()
    title = ma.fields.Dict()
    fault = ma.fields.String()


class ExplanationReasonList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(ExplanationReasonOut))


class AnomalyQuery(Schema):
    monitor = ma.fields.String(validate=ma.validate.OneOf(get_args(MonitorName)))
    code = ma.fields.String(validate=ma.validate.OneOf(get_args(AnomalyCode)))
    watch = ma.fields.Integer(validate=ma.validate.OneOf(get_args(Watch)))
    manager = ma.fields.String(validate=ma.validate.Length(max=MAX_NAME))
    standing = ma.fields.String(validate=ma.validate.OneOf(get_args(Standing)))
    offset = ma.fields.Integer(load_default=0, validate=ma.validate.Range(min=0, max=10_000_000))
    limit = ma.fields.Integer(load_default=50, validate=ma.validate.Range(min=1, max=MAX_PAGE))


@blp.route("/cases/<case_id>/anomalies", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, AnomalyList)
def show_anomalies(case_id: str) -> dict[str, Any]:
    """What there is to look at in a case now, the gravest first."""
    case = visible(case_id).case
    found = anomalies(case, moment(case), services().cases.rules)
    return {"items": [_in_words(_row(case, one)) for one in found]}


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


@blp.route("/explanation-reasons", methods=["GET"])
@roles()
@blp.response(200, ExplanationReasonList)
def list_explanation_reasons() -> dict[str, Any]:
    """The reasons that an explanation may give, and whose fault each is."""
    return {
        "items": [
            {"code": code, "title": both(f"explanation_reason.{code}"), "fault": reason.fault}
            for code, reason in explanation_reasons().items()
        ]
    }


@blp.route("/cases/<case_id>/explanations", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, ExplanationList)
def list_explanations(case_id: str) -> Answer:
    """Everything that was explained in a case."""
    return _explained(visible(case_id))


@blp.route("/cases/<case_id>/explanations", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(ExplanationIn)
@blp.response(201, ExplanationList)
def explain(body: dict[str, Any], case_id: str) -> Answer:
    """Say why an anomaly came about. The same explanation again changes nothing."""
    case = visible(case_id).case
    told = watched(case, moment(case), services().cases.rules)
    if body["anomaly"] not in {*case.explanations, *(one.key for one in told)}:
        raise Problem(422, "anomaly_not_told")
    return _explained(act(case_id, command(commands.ExplainAnomaly, **body)))


@blp.route("/cases/<case_id>/explanations/audit", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(AuditIn)
@blp.response(200, ExplanationList)
def audit(body: dict[str, Any], case_id: str) -> Answer:
    """Accept or reject an explanation: by nobody who gave it, and not by the case's manager."""
    return _explained(act(case_id, command(commands.AuditExplanation, **body)))


def _explained(known: Loaded) -> Answer:
    items = [
        {
            **plain(one),
            "fault": one.fault,
            "reason_title": text(f"explanation_reason.{one.reason}", language()),
            **_standing(standing_of(one)),
        }
        for one in sorted(known.case.explanations.values(), key=lambda one: (one.at, one.anomaly))
    ]
    return {"items": items}, etag(known)


def _row(case: Case, one: Anomaly) -> dict[str, Any]:
    return {**plain(one), "anomaly": one.key, "standing": standing_of(case.explanations.get(one.key))}


def _standing(standing: str) -> dict[str, str]:
    return {"standing": standing, "standing_title": text(f"explanation_standing.{standing}", language())}


def _in_words(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "text": text(f"anomaly.{row['code']}", language(), **_params(row["params"])),
        "monitor_title": text(f"monitor.{row['monitor']}", language()),
        "watch_title": text(f"watch.{row['watch']}", language()),
        **_standing(row["standing"]),
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
