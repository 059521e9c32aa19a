# mypy: disable-error-code="untyped-decorator"
"""Tasks: who inspects what, with which checklist, and what came back."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g

from checklists.loader import UnknownChecklist
from checklists.model import Definition
from server.api.base import Schema, blueprint, roles
from server.api.casework import ReasonIn, act, command, etag, if_match, plain, visible
from server.intake.forms import Forms
from server.names import new_id
from server.problems import Problem
from server.services import services
from server.workflow import commands
from server.workflow.model import Case, Task

blp = blueprint("tasks", "Field work 现场任务.")

_PEOPLE = ma.fields.List(
    ma.fields.String(validate=ma.validate.Length(min=1, max=40)),
    required=True,
    validate=ma.validate.Length(min=1, max=20),
)


class ChecklistRefSchema(Schema):
    id = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=100))
    version = ma.fields.Integer(
        validate=ma.validate.Range(min=1), metadata={"description": "Default: newest."}
    )


class TaskIn(Schema):
    id = ma.fields.String(validate=ma.validate.Regexp(r"^[0-9a-z][0-9a-z-]{0,63}\Z"))
    kind = ma.fields.String(
        required=True, validate=ma.validate.OneOf(["survey", "intermediate", "acceptance"])
    )
    checklist = ma.fields.Nested(ChecklistRefSchema, required=True)
    assignees = _PEOPLE
    due = ma.fields.Date(allow_none=True)
    note = ma.fields.String(validate=ma.validate.Length(max=4000), load_default="")


class TaskPatch(Schema):
    assignees = _PEOPLE
    reason = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=4000))


class ChecklistChangeIn(Schema):
    version = ma.fields.Integer(
        validate=ma.validate.Range(min=1), metadata={"description": "Default: newest."}
    )
    reason = ma.fields.String(validate=ma.validate.Length(max=4000), load_default="")


class TaskOut(ma.Schema):
    id = ma.fields.String()
    kind = ma.fields.String()
    status = ma.fields.String()
    checklist = ma.fields.Dict()
    assignees = ma.fields.List(ma.fields.String())
    items = ma.fields.List(ma.fields.String(), allow_none=True)
    notice = ma.fields.Integer(allow_none=True)
    due = ma.fields.String(allow_none=True)
    note = ma.fields.String()
    created_at = ma.fields.String()
    created_by = ma.fields.String()
    failed = ma.fields.List(ma.fields.String())
    accepted = ma.fields.Integer(allow_none=True)
    late = ma.fields.Dict(allow_none=True)
    specialties = ma.fields.Dict(metadata={"description": "Of those of its people who have some set."})
    by_photos = ma.fields.Boolean(
        metadata={"description": "Nobody goes; what the customer's answer shows is judged."}
    )
    cancelled_reason = ma.fields.String(allow_none=True)
    signed = ma.fields.String(
        allow_none=True,
        metadata={
            "enum": ["signed", "unsigned", "wrong", None],
            "description": "Whether tablets signed what was judged last; null before anything was.",
        },
    )
    submissions = ma.fields.List(ma.fields.Dict())


class TaskList(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(TaskOut))


def check_assignees(names: list[str], organisation: str) -> None:
    """Raises Problem 422 unless each is an inspector of the organisation who may sign in."""
    for name in names:
        try:
            user = services().people.user(name)
        except Problem:
            user = None
        if (
            user is None
            or user.disabled
            or "inspector" not in user.roles
            or user.organisation != organisation
        ):
            raise Problem(422, "not_an_inspector", name=name)


def specialties_of(names: list[str]) -> dict[str, tuple[str, ...]]:
    """The specialties of those who have some set, by name."""
    people = services().people
    found = {name: people.user(name).specialties for name in names}
    return {name: given for name, given in found.items() if given}


def _answer(case: Case, task_id: str) -> dict[str, Any]:
    return _out(_task(case, task_id))


def _out(task: Task) -> dict[str, Any]:
    return {**plain(task), "signed": task.signed}


def _task(case: Case, task_id: str) -> Task:
    task = case.tasks.get(task_id)
    if task is None:
        raise Problem(404, "not_found")
    return task


def _published(checklist_id: str, version: int | None) -> Definition:
    """The version asked for, by default the newest. Raises Problem 422."""
    library = services().library
    try:
        return library.latest(checklist_id) if version is None else library.get(checklist_id, version)
    except UnknownChecklist:
        raise Problem(422, "checklist_unknown", checklist=checklist_id) from None


def checklist_for(kind: str, reference: dict[str, Any]) -> dict[str, Any]:
    """The checklist that a task of a kind is to have, by id and version. Raises Problem 422."""
    definition = _published(reference["id"], reference.get("version"))
    if definition.stage != kind:
        raise Problem(
            422, "checklist_of_other_stage", checklist=definition.id, stage=definition.stage, kind=kind
        )
    return {"id": definition.id, "version": definition.version}


@blp.route("/cases/<case_id>/tasks", methods=["GET"])
@roles()
@blp.response(200, TaskList)
def list_tasks(case_id: str) -> dict[str, Any]:
    """Every task of a case, in the order they were given."""
    tasks = visible(case_id).case.tasks.values()
    return {"items": [_out(task) for task in sorted(tasks, key=lambda task: (task.created_at, task.id))]}


@blp.route("/cases/<case_id>/tasks", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(TaskIn)
@blp.response(201, TaskOut)
def assign_task(body: dict[str, Any], case_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Assign field work. Its checklist's version is fixed now; the tablets learn of it at once.

    With an `id` of your own, the same request again finds the task that the first one made.
    """
    case = visible(case_id).case
    check_assignees(body["assignees"], case.organisation)
    body["checklist"] = checklist_for(body["kind"], body["checklist"])
    task_id = body.pop("id", None) or new_id()
    wanted = command(commands.AssignTask, task_id=task_id, **body)
    known = act(case_id, wanted)
    return _answer(known.case, task_id), etag(known)


@blp.route("/cases/<case_id>/tasks/<task_id>", methods=["GET"])
@roles()
@blp.response(200, TaskOut)
def show_task(case_id: str, task_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """One task with its submissions."""
    known = visible(case_id)
    return _answer(known.case, task_id), etag(known)


@blp.route("/cases/<case_id>/tasks/<task_id>", methods=["PATCH"])
@roles("manager", "admin")
@blp.arguments(TaskPatch)
@blp.response(200, TaskOut)
def reassign_task(body: dict[str, Any], case_id: str, task_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Give a task to other people. Who is taken off loses the case's databases at once."""
    case = visible(case_id).case
    check_assignees(body["assignees"], case.organisation)
    limited = specialties_of(body["assignees"])
    known = act(case_id, command(commands.Reassign, task_id=task_id, specialties=limited, **body))
    return _answer(known.case, task_id), etag(known)


@blp.route("/cases/<case_id>/tasks/<task_id>/checklist", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(ChecklistChangeIn)
@blp.response(200, TaskOut)
def change_checklist(
    body: dict[str, Any], case_id: str, task_id: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """Move a task that nobody has begun to a newer version of its checklist.

    A form that a tablet began before it heard of this comes back as made from another version.
    """
    case = visible(case_id).case
    task = _task(case, task_id)
    definition = _published(task.checklist.id, body.get("version"))
    wanted = command(
        commands.ChangeChecklist,
        task_id=task_id,
        checklist={"id": definition.id, "version": definition.version},
        answers=Forms(services()).arrived(case_id, task_id),
        reason=body["reason"],
    )
    known = act(case_id, wanted)
    return _answer(known.case, task_id), etag(known)


@blp.route("/cases/<case_id>/tasks/<task_id>/cancel", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(ReasonIn)
@blp.response(200, TaskOut)
def cancel_task(body: dict[str, Any], case_id: str, task_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Take a task back that was not accepted yet."""
    known = act(case_id, command(commands.CancelTask, task_id=task_id, **body))
    return _answer(known.case, task_id), etag(known)


@blp.route("/cases/<case_id>/tasks/<task_id>/return", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(ReasonIn)
@blp.response(200, TaskOut)
def return_task(body: dict[str, Any], case_id: str, task_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Give a form back that waits for photos or signatures which will not come; it is open for edits."""
    present = visible(case_id)
    if if_match() not in (None, present.rev):
        raise Problem(412, "precondition_failed")
    if _task(present.case, task_id).status != "awaiting_photos":
        raise Problem(409, "task_not_waiting", task=task_id)
    Forms(services()).give_back(case_id, task_id, by=g.actor.name, reason=body["reason"])
    known = visible(case_id)
    return _answer(known.case, task_id), etag(known)


@blp.route("/cases/<case_id>/tasks/<task_id>/settle-late", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(ReasonIn)
@blp.response(200, TaskOut)
def settle_late_branch(
    body: dict[str, Any], case_id: str, task_id: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """Give up waiting for a late branch of a settled form, as when its tablet was lost."""
    known = act(case_id, command(commands.SettleLateBranch, task_id=task_id, **body))
    return _answer(known.case, task_id), etag(known)
