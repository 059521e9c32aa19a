# mypy: disable-error-code="untyped-decorator"
"""The day of energization: steps with their times, what breaks them off, and the check under load after."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from server.api.base import Schema, blueprint, roles
from server.api.casework import ReasonIn, act, command, etag, plain, visible
from server.api.energization import EnergizationOut, catch_up, energization_answer
from server.casework.cases import Loaded
from server.intake.hazards import HAZARD_CHECKLIST
from server.names import new_id
from server.problems import language
from server.services import services
from server.texts import both, text
from server.workflow import commands
from server.workflow.energization_commands import MAX_STEPS
from server.workflow.sheet import on_load_due, switching_sheet
from server.workflow.switching import abort_rules, on_load_points

blp = blueprint("switching", "The day of energization 送电当日, and the check under load 带负荷检查.")

_WORDS = ma.validate.Length(max=4000)
_EVIDENCE = ma.validate.Length(min=1, max=4000)
_READINGS = {"description": "What instruments said, by name: numbers, or words where it is none."}


class Reading(ma.fields.Field[float | str]):
    """A number, or words."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> float | str:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ma.ValidationError("Not a number and no words.")
        return value


class StepIn(Schema):
    step = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=100))
    at = ma.fields.AwareDateTime(required=True, metadata={"description": "When it was done."})
    by = ma.fields.String(validate=ma.validate.Length(max=200), load_default="")
    good = ma.fields.Boolean(
        load_default=True,
        metadata={"description": "False: it came out badly. Then it takes a note, and ends the switching."},
    )
    readings = ma.fields.Dict(
        keys=ma.fields.String(validate=ma.validate.Length(min=1, max=200)),
        values=Reading(),
        load_default=dict,
        metadata=_READINGS,
    )
    note = ma.fields.String(validate=_WORDS, load_default="")


class StepsIn(Schema):
    steps = ma.fields.List(
        ma.fields.Nested(StepIn), required=True, validate=ma.validate.Length(min=1, max=MAX_STEPS)
    )


class AbortIn(ReasonIn):
    rule = ma.fields.String(required=True, validate=ma.validate.OneOf(abort_rules()))


class IsolationIn(Schema):
    at = ma.fields.AwareDateTime(required=True, metadata={"description": "When it was seen dead."})
    evidence = ma.fields.String(required=True, validate=_EVIDENCE)


class OnLoadIn(Schema):
    check_id = ma.fields.String(validate=ma.validate.Regexp(r"^[0-9a-z][0-9a-z-]{0,63}\Z"))
    at = ma.fields.AwareDateTime(required=True)
    by = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=200))
    points = ma.fields.Dict(
        keys=ma.fields.String(validate=ma.validate.Length(min=1, max=100)),
        values=ma.fields.String(validate=ma.validate.OneOf(["pass", "fail"])),
        required=True,
        validate=ma.validate.Length(min=1, max=50),
    )
    evidence = ma.fields.String(required=True, validate=_EVIDENCE)
    readings = ma.fields.Dict(
        keys=ma.fields.String(validate=ma.validate.Length(min=1, max=200)),
        values=Reading(),
        load_default=dict,
        metadata=_READINGS,
    )
    note = ma.fields.String(validate=_WORDS, load_default="")


class StepOut(ma.Schema):
    id = ma.fields.String()
    title = ma.fields.String()
    closes = ma.fields.Boolean(metadata={"description": "From here on the installation is live."})
    times = ma.fields.Integer(metadata={"description": "How often it is done."})
    minutes = ma.fields.Integer(metadata={"description": "At least so long from one to the next of several."})
    ticks = ma.fields.List(ma.fields.Dict(), metadata={"description": "When it was done, in the last run."})


class AbortRuleOut(ma.Schema):
    rule = ma.fields.String()
    title = ma.fields.String()


class DayOut(ma.Schema):
    status = ma.fields.String()
    steps = ma.fields.List(ma.fields.Nested(StepOut))
    aborts = ma.fields.List(ma.fields.Nested(AbortRuleOut))


class PointOut(ma.Schema):
    id = ma.fields.String()
    title = ma.fields.String()


class OnLoadOut(ma.Schema):
    points = ma.fields.List(ma.fields.Nested(PointOut))
    due = ma.fields.Date(allow_none=True)
    overdue = ma.fields.Boolean()
    checks = ma.fields.List(ma.fields.Dict())


Answer = tuple[dict[str, Any], dict[str, str]]


def _day(known: Loaded) -> Answer:
    lang, case = language(), known.case
    steps = [
        {**plain(line), "title": text(f"switching_step.{line.id}", lang)}
        for line in switching_sheet(case, services().cases.policy(case.organisation))
    ]
    aborts = [{"rule": rule, "title": text(f"abort_rule.{rule}", lang)} for rule in abort_rules()]
    return {"status": case.energization.status, "steps": steps, "aborts": aborts}, etag(known)


def _on_load(known: Loaded) -> Answer:
    made, lang, case = services(), language(), known.case
    policy = made.cases.policy(case.organisation)
    due = on_load_due(case, policy)
    passed = bool(case.on_load_checks) and not case.on_load_checks[-1].failed
    body = {
        "points": [
            {"id": point, "title": text(f"on_load_point.{point}", lang)} for point in on_load_points(case)
        ],
        "due": due,
        "overdue": due is not None and not passed and policy.day(made.clock()) > due,
        "checks": plain(case.on_load_checks),
    }
    return body, etag(known)


@blp.route("/cases/<case_id>/energization/steps", methods=["GET"])
@roles()
@blp.response(200, DayOut)
def show_day(case_id: str) -> Answer:
    """The steps of the day in their order, when each was done, and the rules that break switching off."""
    return _day(visible(case_id))


@blp.route("/cases/<case_id>/energization/steps", methods=["POST"])
@roles("manager", "inspector", "scheduler")
@blp.arguments(StepsIn)
@blp.response(201, DayOut)
def record_steps(body: dict[str, Any], case_id: str) -> Answer:
    """Record steps in the order in which they were done. Those that are known change nothing."""
    catch_up(case_id)
    return _day(act(case_id, command(commands.RecordSteps, **body)))


@blp.route("/cases/<case_id>/energization/abort", methods=["POST"])
@roles("manager", "inspector", "scheduler", "admin")
@blp.arguments(AbortIn)
@blp.response(200, EnergizationOut)
def abort_switching(body: dict[str, Any], case_id: str) -> Answer:
    """Break switching off by a rule of the energization order. Energization is then on hold."""
    return energization_answer(act(case_id, command(commands.AbortSwitching, **body)))


@blp.route("/cases/<case_id>/energization/isolation", methods=["POST"])
@roles("manager", "inspector", "scheduler")
@blp.arguments(IsolationIn)
@blp.response(200, EnergizationOut)
def record_isolation(body: dict[str, Any], case_id: str) -> Answer:
    """Record that what was left live by switching that broke off is dead again. No hold ends before that."""
    return energization_answer(act(case_id, command(commands.RecordIsolation, **body)))


@blp.route("/cases/<case_id>/on-load-checks", methods=["GET"])
@roles()
@blp.response(200, OnLoadOut)
def show_on_load_checks(case_id: str) -> Answer:
    """What is looked at under load, by when, and how it came out."""
    return _on_load(visible(case_id))


@blp.route("/cases/<case_id>/on-load-checks", methods=["POST"])
@roles("manager", "inspector")
@blp.arguments(OnLoadIn)
@blp.response(201, OnLoadOut)
def record_on_load_check(body: dict[str, Any], case_id: str) -> Answer:
    """Record a check under load. What fails becomes an operational notice."""
    visible(case_id)
    recheck = services().library.latest(HAZARD_CHECKLIST)
    made = command(
        commands.RecordOnLoadCheck,
        **{"check_id": new_id(), **body},
        recheck={"id": recheck.id, "version": recheck.version},
        text=both("on_load.text"),
        remedy=both("on_load.remedy"),
    )
    return _on_load(act(case_id, made))
