"""How clocks and standings are shown: on the case page, and on a page of their own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import marshmallow as ma

from server.api.casework import plain
from server.problems import language
from server.services import services
from server.texts import text
from server.workflow.clocks.measure import Clock, clocks
from server.workflow.clocks.standing import Standing, standing
from server.workflow.clocks.timeline import latest
from server.workflow.model import Case
from server.workflow.processes.rules import size_rules


class MarkOut(ma.Schema):
    percent = ma.fields.Integer()
    on = ma.fields.String()


class ClockOut(ma.Schema):
    """One clock. Days are those of `unit`; `level` is the percentage of the highest mark reached."""

    id = ma.fields.String(metadata={"description": "The limit that it is held to: profile and limit."})
    clock = ma.fields.String()
    title = ma.fields.String()
    kind = ma.fields.String()
    kind_title = ma.fields.String()
    state = ma.fields.String()
    run = ma.fields.Integer()
    limit = ma.fields.Integer()
    unit = ma.fields.String()
    used = ma.fields.Integer(allow_none=True)
    remaining = ma.fields.Integer(allow_none=True)
    level = ma.fields.Integer(allow_none=True)
    over = ma.fields.Boolean(allow_none=True)
    due = ma.fields.String(allow_none=True)
    marks = ma.fields.List(ma.fields.Nested(MarkOut))
    started_at = ma.fields.String()
    ended_at = ma.fields.String(allow_none=True)
    unknown_year = ma.fields.Integer(
        allow_none=True,
        metadata={"description": "Days of this year cannot be counted: its holidays are not known yet."},
    )


class StandingOut(ma.Schema):
    """Whose move it is, since when, and what is waited for."""

    holder = ma.fields.String()
    holder_title = ma.fields.String()
    why = ma.fields.String()
    why_title = ma.fields.String()
    since = ma.fields.String()
    side_state = ma.fields.String(allow_none=True)
    side_state_title = ma.fields.String()
    pauses = ma.fields.List(ma.fields.String())
    scheme_until = ma.fields.String(
        allow_none=True, metadata={"description": "The last day on which the scheme holds."}
    )


def timing(case: Case) -> dict[str, Any]:
    """`standing`, `clocks` that have not ended and `size_rules` of a case, now."""
    now, rules = moment(case), services().cases.rules
    return {
        "standing": standing_view(standing(case, now, rules)),
        "clocks": [clock_view(one) for one in clocks(case, now, rules) if one.state != "ended"],
        "size_rules": [
            {**plain(rule), "title": text(f"size_rule.{rule.id}", language(), kva=rule.kva)}
            for rule in size_rules(case, rules.at(now, case.organisation))
        ],
    }


def moment(case: Case) -> datetime:
    """Now; but never before what the case knows of, should this server's clock be behind another's."""
    return max(services().clock(), latest(case))


def clock_view(clock: Clock) -> dict[str, Any]:
    return {
        **plain(clock),
        "remaining": clock.remaining,
        "title": text(f"clock.{clock.clock}", language()),
        "kind_title": text(f"clock_kind.{clock.kind}", language()),
    }


def standing_view(stands: Standing | None) -> dict[str, Any] | None:
    if stands is None:
        return None
    return {
        **plain(stands),
        "holder_title": text(f"holder.{stands.holder}", language()),
        "why_title": text(f"pause_reason.{stands.why}", language()) if stands.why else "",
        "side_state_title": text(f"side_state.{stands.side_state}", language()) if stands.side_state else "",
    }
