# mypy: disable-error-code="untyped-decorator"
"""Rectification notices: issued, answered, re-inspected, closed by what was seen on site."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from server.api.base import Schema, blueprint, roles
from server.api.casework import ReasonIn, act, command, etag, plain, visible
from server.api.tasks import check_assignees, specialties_of
from server.casework.cases import Loaded
from server.intake.photos import photo_fact
from server.names import new_id
from server.problems import Problem
from server.services import services
from server.workflow import commands
from server.workflow.escalation import steps
from server.workflow.model import Case, Notice
from server.workflow.policy import Policy
from server.workflow.unsafe import specialists_wanted

blp = blueprint("notices", "Rectification notices 缺陷整改通知单.")

WORDS = ma.validate.Length(max=4000)
MAX_ANSWER_PHOTOS = 50


class IssueIn(Schema):
    due = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Date(),
        load_default=dict,
        metadata={"description": "A date of your own for single item codes."},
    )
    reason = ma.fields.String(
        validate=WORDS, load_default="", metadata={"description": "Asked for with a later day than usual."}
    )


class AnsweredItemSchema(Schema):
    text = ma.fields.String(validate=WORDS, load_default="")
    photos = ma.fields.List(
        ma.fields.String(validate=ma.validate.Length(min=1, max=100)),
        load_default=list,
        validate=ma.validate.Length(max=MAX_ANSWER_PHOTOS),
        metadata={"description": "Ids of photos uploaded to the case."},
    )


class AnswerIn(Schema):
    items = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Nested(AnsweredItemSchema),
        required=True,
        validate=ma.validate.Length(min=1, max=500),
    )
    answered_by = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=200))
    text = ma.fields.String(validate=WORDS, load_default="")
    dated = ma.fields.AwareDateTime(
        metadata={"description": "When it was given, if it came on paper before it was recorded."}
    )


class ReinspectIn(Schema):
    assignees = ma.fields.List(
        ma.fields.String(validate=ma.validate.Length(min=1, max=40)),
        required=True,
        validate=ma.validate.Length(min=1, max=20),
    )
    task_id = ma.fields.String(validate=ma.validate.Regexp(r"^[0-9a-z][0-9a-z-]{0,63}\Z"))
    due = ma.fields.Date(allow_none=True)
    note = ma.fields.String(validate=WORDS, load_default="")
    by_photos = ma.fields.Boolean(
        load_default=False,
        metadata={"description": "Nobody goes; for minor items, where the organisation allows it."},
    )


class WithdrawIn(ReasonIn):
    items = ma.fields.List(
        ma.fields.String(validate=ma.validate.Length(min=1, max=100)),
        validate=ma.validate.Length(max=500),
        metadata={"description": "Codes of the items that are withdrawn; none: the notice whole."},
    )


class NoticeOut(ma.Schema):
    n = ma.fields.Integer()
    state = ma.fields.String()
    stage = ma.fields.String()
    round = ma.fields.Integer()
    checklist = ma.fields.Dict()
    items = ma.fields.List(ma.fields.Dict())
    created_at = ma.fields.String()
    task_id = ma.fields.String(allow_none=True)
    hazard_id = ma.fields.String(allow_none=True)
    supplement_of = ma.fields.Integer(allow_none=True)
    operational = ma.fields.Boolean()
    issues = ma.fields.List(ma.fields.Dict())
    answers = ma.fields.List(ma.fields.Dict())
    reinspections = ma.fields.List(ma.fields.String())
    withdrawal = ma.fields.Dict(allow_none=True)
    closed_at = ma.fields.String(allow_none=True)
    closed_by = ma.fields.String(allow_none=True)
    heading = ma.fields.Dict()
    caution = ma.fields.String(
        allow_none=True, metadata={"description": "What it forbids until it is closed: `notice_caution.…`."}
    )
    cosigned = ma.fields.List(ma.fields.Dict())
    deliveries = ma.fields.List(ma.fields.Dict())
    acceptances = ma.fields.List(ma.fields.Dict())
    disputes = ma.fields.List(ma.fields.Dict())
    specialist_meetings = ma.fields.List(ma.fields.Dict())
    specialists_wanted = ma.fields.Dict(
        metadata={"description": "Items that specialists have to meet over first, by `specialists_cause.…`."}
    )
    reminders = ma.fields.List(ma.fields.Dict())
    escalation = ma.fields.List(
        ma.fields.Dict(), metadata={"description": "The steps of this round by their days, told or not."}
    )


class NoticeList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(NoticeOut))


Answered = tuple[dict[str, Any], dict[str, str]]


def answer(known: Loaded, n: int) -> Answered:
    """A notice as it is shown, with the case's revision."""
    return _notice(known.case, n), etag(known)


def _notice(case: Case, n: int) -> dict[str, Any]:
    notice = case.notices.get(n)
    if notice is None:
        raise Problem(404, "not_found")
    return notice_view(notice, services().cases.policy(case.organisation))


def notice_view(notice: Notice, policy: Policy) -> dict[str, Any]:
    """A notice as plain JSON, each item with the severity that holds now, and what it comes to by today's
    settings."""
    return {
        **plain(notice),
        "items": [{**plain(item), "severity": item.severity} for item in notice.items],
        "caution": notice.caution,
        "specialists_wanted": plain(specialists_wanted(notice, policy)),
        "escalation": [{**plain(step), "to": list(step.to)} for step in steps(notice, policy)],
    }


def act_on(case_id: str, n: int, kind: Any, **fields: Any) -> Answered:
    """Give a command on a notice that one may see. Raises Refusal, Problem."""
    _notice(visible(case_id).case, n)
    return answer(act(case_id, command(kind, n=n, **fields)), n)


@blp.route("/cases/<case_id>/notices", methods=["GET"])
@roles()
@blp.response(200, NoticeList)
def list_notices(case_id: str) -> dict[str, Any]:
    """Every notice of a case, oldest first."""
    case = visible(case_id).case
    policy = services().cases.policy(case.organisation)
    return {"items": [notice_view(case.notices[n], policy) for n in sorted(case.notices)]}


@blp.route("/cases/<case_id>/notices/<int:n>", methods=["GET"])
@roles()
@blp.response(200, NoticeOut)
def show_notice(case_id: str, n: int) -> Answered:
    """One notice with the history of each item through the rounds."""
    return answer(visible(case_id), n)


@blp.route("/cases/<case_id>/notices/<int:n>/issue", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(IssueIn)
@blp.response(200, NoticeOut)
def issue_notice(body: dict[str, Any], case_id: str, n: int) -> Answered:
    """Send a draft to the customer; the deadlines run from now."""
    return act_on(case_id, n, commands.IssueNotice, **body)


@blp.route("/cases/<case_id>/notices/<int:n>/answer", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(AnswerIn)
@blp.response(200, NoticeOut)
def answer_notice(body: dict[str, Any], case_id: str, n: int) -> Answered:
    """Record the customer's answer with its evidence."""
    visible(case_id)
    made = services()
    media = made.names.media(case_id)
    items = {}
    for code, item in body["items"].items():
        photos = []
        for photo in dict.fromkeys(item["photos"]):
            fact = photo_fact(made.store, media, photo)
            if fact.status == "absent":
                raise Problem(422, "photo_unknown", photo=photo)
            photos.append({"id": photo, "sha256": fact.sha256, "verified": fact.status == "verified"})
        items[code] = {"text": item["text"], "photos": photos}
    return act_on(
        case_id,
        n,
        commands.AnswerNotice,
        items=items,
        answered_by=body["answered_by"],
        text=body["text"],
        dated=body.get("dated"),
    )


@blp.route("/cases/<case_id>/notices/<int:n>/reinspect", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(ReinspectIn)
@blp.response(201, NoticeOut)
def schedule_reinspection(body: dict[str, Any], case_id: str, n: int) -> Answered:
    """Assign the re-inspection of exactly the items that have not passed."""
    check_assignees(body["assignees"], visible(case_id).case.organisation)
    task_id = body.pop("task_id", None) or new_id()
    limited = specialties_of(body["assignees"])
    return act_on(case_id, n, commands.ScheduleReinspection, task_id=task_id, specialties=limited, **body)


@blp.route("/cases/<case_id>/notices/<int:n>/withdraw", methods=["POST"])
@roles("manager", "inspector", "admin")
@blp.arguments(WithdrawIn)
@blp.response(200, NoticeOut)
def propose_withdrawal(body: dict[str, Any], case_id: str, n: int) -> Answered:
    """Propose to withdraw a notice raised in error, or items of it. Another person has to confirm."""
    return act_on(case_id, n, commands.ProposeWithdrawal, **body)


@blp.route("/cases/<case_id>/notices/<int:n>/withdraw/confirm", methods=["POST"])
@roles("manager", "admin")
@blp.response(200, NoticeOut)
def confirm_withdrawal(case_id: str, n: int) -> Answered:
    """Confirm a withdrawal that somebody else proposed: of the notice, or of the items that he named."""
    return act_on(case_id, n, commands.ConfirmWithdrawal)


@blp.route("/cases/<case_id>/notices/<int:n>/withdraw/reject", methods=["POST"])
@roles("manager", "inspector", "admin")
@blp.arguments(ReasonIn)
@blp.response(200, NoticeOut)
def reject_withdrawal(body: dict[str, Any], case_id: str, n: int) -> Answered:
    """Turn a proposed withdrawal down, or take one's own back."""
    return act_on(case_id, n, commands.RejectWithdrawal, **body)
