# mypy: disable-error-code="untyped-decorator"
"""Approval by rule: schemes and changes proposed, passed by a rule that is named, or by a person."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g

from server.api.absences import absences, colleague
from server.api.base import Schema, blueprint, roles
from server.api.case_schemas import PROCESSES, CustomerSchema, SiteSchema, SupplySchema
from server.api.cases import check_facts, check_manager
from server.api.casework import ReasonIn, act, actor, command, etag, plain, visible
from server.api.keys import IDEMPOTENCY_HEADER, created_id, own_id
from server.api.sites import check_site
from server.casework.cases import Loaded
from server.problems import Problem, language
from server.services import services
from server.texts import both, text
from server.workflow import commands
from server.workflow.approvals.substitutes import Escalation, escalation, stand_in_for
from server.workflow.approvals.table import approval_rules
from server.workflow.approvals.values import Approval
from server.workflow.model import Case

blp = blueprint("approvals", "Approval by rule 规则审批.")

_LINE = ma.validate.Length(min=1, max=200)
_WORDS = ma.validate.Length(max=4000)
_TEXT = ma.validate.Length(min=1, max=4000)


class SourceSchema(Schema):
    line = ma.fields.String(required=True, validate=_LINE)
    voltage_kv = ma.fields.Float(required=True, validate=ma.validate.Range(min=0.1, max=1000))
    capacity_kva = ma.fields.Float(required=True, validate=ma.validate.Range(min=0.1, max=1_000_000))
    standby = ma.fields.Boolean()


class FeeSchema(Schema):
    item = ma.fields.String(required=True, validate=_LINE)
    amount = ma.fields.Float(required=True, validate=ma.validate.Range(min=0, max=1e12))
    basis = ma.fields.String(required=True, validate=_TEXT)


class SchemeSchema(Schema):
    sources = ma.fields.List(
        ma.fields.Nested(SourceSchema), required=True, validate=ma.validate.Length(min=1, max=10)
    )
    boundary = ma.fields.String(required=True, validate=_TEXT)
    metering = ma.fields.String(required=True, validate=_TEXT)
    standard = ma.fields.Boolean(required=True, metadata={"description": "One of the standard schemes."})
    tariff = ma.fields.String(validate=_WORDS)
    protection = ma.fields.String(validate=_WORDS)
    compensation = ma.fields.String(validate=_WORDS)
    fees = ma.fields.List(ma.fields.Nested(FeeSchema), validate=ma.validate.Length(max=50))
    note = ma.fields.String(validate=_WORDS)


class SchemeIn(Schema):
    id = own_id()
    scheme = ma.fields.Nested(SchemeSchema, required=True)
    note = ma.fields.String(validate=_WORDS)


class ContractSchema(Schema):
    clause = ma.fields.String(required=True, validate=_LINE)
    before = ma.fields.String(validate=_WORDS, load_default="")
    after = ma.fields.String(required=True, validate=_TEXT)
    contract_no = ma.fields.String(validate=_WORDS)


class ChangeSchema(Schema):
    facts = ma.fields.Dict(
        keys=ma.fields.String(), values=ma.fields.Raw(allow_none=True), validate=ma.validate.Length(max=200)
    )
    process = ma.fields.String(validate=ma.validate.OneOf(PROCESSES))
    customer = ma.fields.Nested(CustomerSchema)
    site = ma.fields.Nested(SiteSchema)
    supply = ma.fields.Nested(SupplySchema)
    manager = ma.fields.String(validate=_LINE)
    title = ma.fields.String(validate=_LINE)
    contract = ma.fields.Nested(ContractSchema)


class ChangeIn(Schema):
    id = own_id()
    change = ma.fields.Nested(ChangeSchema, required=True)
    reason = ma.fields.String(required=True, validate=_TEXT)


class ApproverIn(Schema):
    person = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=40))
    reason = ma.fields.String(validate=_WORDS)


class DecisionIn(Schema):
    outcome = ma.fields.String(required=True, validate=ma.validate.OneOf(["approved", "rejected"]))
    reason = ma.fields.String(required=True, validate=_TEXT)


class ApprovalOut(ma.Schema):
    """One proposal. `rule` passed or routed it; it escalates on `remind_on` and `substitute_from`."""

    id = ma.fields.String()
    n = ma.fields.Integer()
    subject = ma.fields.String()
    state = ma.fields.String()
    state_title = ma.fields.String()
    reason = ma.fields.String()
    proposed_by = ma.fields.String()
    proposed_at = ma.fields.String()
    rule = ma.fields.String()
    rule_title = ma.fields.String()
    scheme = ma.fields.Dict(allow_none=True)
    change = ma.fields.Dict(allow_none=True)
    route = ma.fields.Dict(allow_none=True)
    approver = ma.fields.String(allow_none=True)
    named = ma.fields.List(ma.fields.Dict())
    remind_on = ma.fields.String(allow_none=True)
    substitute_from = ma.fields.String(allow_none=True)
    decided = ma.fields.Dict(allow_none=True)


class ApprovalList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(ApprovalOut))


class RuleOut(ma.Schema):
    id = ma.fields.String()
    title = ma.fields.Dict()
    subject = ma.fields.String()
    approve = ma.fields.Boolean()
    when = ma.fields.List(ma.fields.Dict())
    route = ma.fields.Dict(allow_none=True)
    source = ma.fields.String()


class RuleList(ma.Schema):
    required = ma.fields.Dict(metadata={"description": "Which subjects take an approval today."})
    items = ma.fields.List(ma.fields.Nested(RuleOut))


Answer = tuple[dict[str, Any], dict[str, str]]


def _escalation(case: Case, approval: Approval) -> Escalation:
    made = services()
    day = made.cases.policy(case.organisation).day(approval.proposed_at)
    return escalation(approval, day, made.cases.rules.calendar(case.organisation))


def _view(case: Case, approval: Approval) -> dict[str, Any]:
    body = plain(approval)
    for inner in ("basis", "visit"):
        body.pop(inner)
    return {
        **body,
        **plain(_escalation(case, approval)),
        "approver": approval.approver,
        "state_title": text(f"approval_state.{approval.state}", language()),
        "rule_title": text(f"approval_rule.{approval.rule}", language()) if approval.rule else "",
    }


def _answer(known: Loaded, approval_id: str) -> Answer:
    return _view(known.case, known.case.approvals[approval_id]), etag(known)


def _approval(case_id: str, approval_id: str) -> tuple[Case, Approval]:
    case = visible(case_id).case
    approval = case.approvals.get(approval_id)
    if approval is None:
        raise Problem(404, "not_found")
    return case, approval


@blp.route("/approval-rules", methods=["GET"])
@roles()
@blp.response(200, RuleList)
def list_rules() -> dict[str, Any]:
    """The rules in the order in which they are asked, and whether approvals are asked for today."""
    policy = services().cases.policy(g.actor.organisation)
    required = {"scheme": policy.scheme_approval_required, "change": policy.change_approval_required}
    items = [
        {
            "id": rule.id,
            "title": both(f"approval_rule.{rule.id}"),
            "subject": rule.subject,
            "approve": bool(rule.approve),
            "when": [{**one.kinds, "is": one.expected} for one in rule.when],
            "route": plain(rule.route),
            "source": rule.source,
        }
        for rule in approval_rules()
    ]
    return {"required": required, "items": items}


@blp.route("/cases/<case_id>/approvals", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, ApprovalList)
def list_approvals(case_id: str) -> Answer:
    """Every proposal of a case, oldest first."""
    known = visible(case_id)
    found = sorted(known.case.approvals.values(), key=lambda one: one.n)
    return {"items": [_view(known.case, one) for one in found]}, etag(known)


@blp.route("/cases/<case_id>/approvals/<approval_id>", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, ApprovalOut)
def show_approval(case_id: str, approval_id: str) -> Answer:
    """One proposal and what became of it."""
    _approval(case_id, approval_id)
    return _answer(visible(case_id), approval_id)


@blp.route("/cases/<case_id>/scheme/proposals", methods=["POST"])
@roles("manager", "admin")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(SchemeIn)
@blp.response(201, ApprovalOut)
def propose_scheme(body: dict[str, Any], case_id: str) -> Answer:
    """Propose the supply scheme that is to be replied. What is clear-cut passes at once."""
    approval_id = created_id(body)
    given = command(commands.ProposeScheme, approval_id=approval_id, **body)
    return _answer(act(case_id, given), approval_id)


@blp.route("/cases/<case_id>/changes", methods=["POST"])
@roles("manager", "admin")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(ChangeIn)
@blp.response(201, ApprovalOut)
def propose_change(body: dict[str, Any], case_id: str) -> Answer:
    """Propose a change. It is carried out once a rule passes it or somebody else approves it."""
    case, change = visible(case_id).case, body["change"]
    check_facts(change.get("facts", {}))
    if "site" in change:
        check_site(change["site"])
    if "manager" in change:
        check_manager(change["manager"], case.organisation)
    approval_id = created_id(body)
    given = command(commands.ProposeChange, approval_id=approval_id, **body)
    return _answer(act(case_id, given), approval_id)


@blp.route("/cases/<case_id>/approvals/<approval_id>/approver", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(ApproverIn)
@blp.response(200, ApprovalOut)
def name_approver(body: dict[str, Any], case_id: str, approval_id: str) -> Answer:
    """Name the one who is to decide. Who proposed it neither names nor is named."""
    case, approval = _approval(case_id, approval_id)
    person = colleague(body["person"], case.organisation)
    if approval.route and not {approval.route.role, approval.route.substitute} & set(person.roles):
        raise Problem(422, "not_a_decider", name=person.name)
    given = command(commands.NameApprover, approval_id=approval_id, **body)
    return _answer(act(case_id, given), approval_id)


@blp.route("/cases/<case_id>/approvals/<approval_id>/decide", methods=["POST"])
@roles("manager", "scheduler", "admin")
@blp.arguments(DecisionIn)
@blp.response(200, ApprovalOut)
def decide_approval(body: dict[str, Any], case_id: str, approval_id: str) -> Answer:
    """Approve or reject what somebody else proposed: as the one it went to, or in his place."""
    case, approval = _approval(case_id, approval_id)
    made = services()
    stand_in = stand_in_for(
        approval,
        actor(),
        made.cases.policy(case.organisation).day(made.clock()),
        absences=[one.absence for one in absences().all(case.organisation)],
        substitute_from=_escalation(case, approval).substitute_from,
    )
    given = command(commands.DecideApproval, approval_id=approval_id, stand_in=plain(stand_in), **body)
    return _answer(act(case_id, given), approval_id)


@blp.route("/cases/<case_id>/approvals/<approval_id>/withdraw", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(ReasonIn)
@blp.response(200, ApprovalOut)
def withdraw_proposal(body: dict[str, Any], case_id: str, approval_id: str) -> Answer:
    """Take a proposal back that waits: your own, or any as an administrator."""
    _approval(case_id, approval_id)
    given = command(commands.WithdrawProposal, approval_id=approval_id, **body)
    return _answer(act(case_id, given), approval_id)
