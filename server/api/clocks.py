# mypy: disable-error-code="untyped-decorator"
"""Clocks of a case: what is used of each limit, pauses, and the dated acts that begin and end things."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from server.api.base import Schema, blueprint, roles
from server.api.casework import act, command, etag, plain, visible
from server.api.timing import ClockOut, StandingOut, clock_view, moment, standing_view
from server.casework.cases import Loaded
from server.names import new_id
from server.problems import Problem, language
from server.services import services
from server.texts import both, text
from server.workflow import commands
from server.workflow.clocks.measure import KINDS, clocks, met
from server.workflow.clocks.standing import standing
from server.workflow.clocks.tables import pause_reasons

blp = blueprint("clocks", "Time limits and pauses 时限与暂停.")

_WORDS = ma.validate.Length(max=4000)
_EVIDENCE = ma.validate.Length(min=1, max=4000)


class PauseIn(Schema):
    pause_id = ma.fields.String(validate=ma.validate.Regexp(r"^[0-9a-z][0-9a-z-]{0,63}\Z"))
    reason = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=100))
    evidence = ma.fields.String(required=True, validate=_EVIDENCE)
    since = ma.fields.AwareDateTime(metadata={"description": "When it began; now if it says nothing."})
    message = ma.fields.String(
        validate=_WORDS,
        load_default="",
        metadata={"description": "For the customer, beside the reason's own words."},
    )


class ActIn(Schema):
    dated = ma.fields.AwareDateTime(required=True, metadata={"description": "When it was done."})
    evidence = ma.fields.String(required=True, validate=_EVIDENCE)


class ExtensionIn(ActIn):
    until = ma.fields.Date(required=True)


class PauseOut(ma.Schema):
    id = ma.fields.String()
    reason = ma.fields.String()
    title = ma.fields.String()
    side = ma.fields.String()
    held_by = ma.fields.String()
    since = ma.fields.String()
    until = ma.fields.String(allow_none=True)
    evidence = ma.fields.String()
    message = ma.fields.String()
    recorded_at = ma.fields.String()
    recorded_by = ma.fields.String()
    acts = ma.fields.List(ma.fields.Dict())


class ClocksOut(ma.Schema):
    at = ma.fields.String()
    standing = ma.fields.Nested(StandingOut)
    clocks = ma.fields.List(ma.fields.Nested(ClockOut))
    met = ma.fields.Dict(metadata={"description": "Whether every limit of a kind was kept; null while open."})
    pauses = ma.fields.List(ma.fields.Nested(PauseOut))


class ReasonOut(ma.Schema):
    code = ma.fields.String()
    title = ma.fields.Dict()
    side = ma.fields.String()
    held_by = ma.fields.String()
    counted_in = ma.fields.List(ma.fields.String())


class ReasonList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(ReasonOut))


Answer = tuple[dict[str, Any], dict[str, str]]


def _answer(known: Loaded) -> Answer:
    now, case = moment(known.case), known.case
    reasons = pause_reasons()
    found = clocks(case, now, services().cases.rules)
    pauses = [
        {
            **plain(pause),
            "until": plain(pause.until),
            "title": text(f"pause_reason.{pause.reason}", language()),
            "side": reasons[pause.reason].side if pause.reason in reasons else "",
            "held_by": reasons[pause.reason].held_by if pause.reason in reasons else "",
        }
        for pause in sorted(case.pauses.values(), key=lambda pause: (pause.since, pause.id))
    ]
    body = {
        "at": plain(now),
        "standing": standing_view(standing(case, now, services().cases.rules)),
        "clocks": [clock_view(clock) for clock in found],
        "met": {kind: met(found, kind) for kind in KINDS},
        "pauses": pauses,
    }
    return body, etag(known)


@blp.route("/pause-reasons", methods=["GET"])
@roles()
@blp.response(200, ReasonList)
def list_reasons() -> dict[str, Any]:
    """The reasons for which clocks stand still, and whose act ends each."""
    return {
        "items": [
            {"code": code, "title": both(f"pause_reason.{code}"), **plain(reason)}
            for code, reason in pause_reasons().items()
        ]
    }


@blp.route("/cases/<case_id>/clocks", methods=["GET"])
@roles()
@blp.response(200, ClocksOut)
def show_clocks(case_id: str) -> Answer:
    """Every clock of a case, those that have ended too, and every pause."""
    return _answer(visible(case_id))


@blp.route("/cases/<case_id>/pauses", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(PauseIn)
@blp.response(201, ClocksOut)
def pause_case(body: dict[str, Any], case_id: str) -> Answer:
    """Stop the clocks, for a reason and with evidence. The case moves on only once the pause has ended."""
    return _answer(act(case_id, command(commands.PauseClock, **{"pause_id": new_id(), **body})))


@blp.route("/cases/<case_id>/pauses/<pause_id>/acts", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(ActIn)
@blp.response(201, ClocksOut)
def resume_case(body: dict[str, Any], case_id: str, pause_id: str) -> Answer:
    """Record the dated act that ended a pause. Of several the earliest counts, however late it is known."""
    if pause_id not in visible(case_id).case.pauses:
        raise Problem(404, "not_found")
    return _answer(act(case_id, command(commands.ResumeClock, pause_id=pause_id, **body)))


@blp.route("/cases/<case_id>/stages/<int:n>/acts", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(ActIn)
@blp.response(201, ClocksOut)
def date_stage(body: dict[str, Any], case_id: str, n: int) -> Answer:
    """Record the customer's dated act that began the n-th stage of the history: an application, a receipt."""
    history = visible(case_id).case.history
    if not 1 <= n <= len(history):
        raise Problem(404, "not_found")
    stage = history[n - 1].stage
    visit = sum(entry.stage == stage for entry in history[:n])
    return _answer(act(case_id, command(commands.DateStage, stage=stage, visit=visit, **body)))


@blp.route("/cases/<case_id>/scheme/extensions", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(ExtensionIn)
@blp.response(201, ClocksOut)
def extend_scheme(body: dict[str, Any], case_id: str) -> Answer:
    """Let the scheme hold longer, as the customer asked in time."""
    return _answer(act(case_id, command(commands.ExtendScheme, **body)))
