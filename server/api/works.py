# mypy: disable-error-code="untyped-decorator"
"""Works that need an outage: requested, often from a case, agreed to by several, planned."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import marshmallow as ma
import msgspec
from flask import g

from server.api.base import blueprint, roles
from server.api.casework import REQUIRED_MATCH, ReasonIn, if_match, may_see, plain, required_match
from server.api.keys import IDEMPOTENCY_HEADER, created_id
from server.api.listed import page_of
from server.api.networks import finding_rows
from server.api.work_shapes import (
    AgreeIn,
    NewWorkIn,
    SplitIn,
    WorkIn,
    WorkList,
    WorkOut,
    WorkParts,
    WorkQuery,
)
from server.outages.works import supplied_by
from server.people.model import Identity
from server.problems import Problem
from server.readmodel import scheduling as lists
from server.scheduling import requests
from server.scheduling.networks import UnknownNetwork
from server.scheduling.requests import Part, Particulars, Request, WorkRefused
from server.scheduling.works import StaleWork, UnknownWork, Works
from server.services import services
from server.workflow.policy import listed
from sync.store import Conflict

blp = blueprint("works", "Works that need an outage 停电工作申请.")

Answer = tuple[dict[str, Any], dict[str, str]]


def works() -> Works:
    """The works of this house."""
    return services().works


def found_work(work_id: str) -> Request:
    """A work of the present person's organisation. Raises Problem 404."""
    with _refused():
        return works().get(g.actor.organisation, work_id)[0]


def needed_for_works() -> tuple[str, ...]:
    """The functions that have to agree to a work."""
    return listed(services().cases.policy(g.actor.organisation).work_approvals)


def _today() -> date:
    made = services()
    return made.cases.policy(g.actor.organisation).day(made.clock())


def _view(known: Request, needed: Collection[str]) -> dict[str, Any]:
    row: dict[str, Any] = plain(known)
    del row["organisation"]
    agreed = {one.function for one in known.agreements}
    return {**row, "awaits": [one for one in needed if one not in agreed]}


def _answer(found: tuple[Request, str], findings: list[dict[str, Any]] | None = None) -> Answer:
    known, rev = found
    return {**_view(known, needed_for_works()), "findings": findings or []}, {"ETag": f'"{rev}"'}


@contextmanager
def _refused() -> Iterator[None]:
    """Says what is not there, not as it was read, or not to be done, as a problem."""
    try:
        yield
    except UnknownWork:
        raise Problem(404, "not_found") from None
    except StaleWork:
        raise Problem(412, "precondition_failed") from None
    except WorkRefused as refusal:
        code, params = refusal.code, refusal.params
        raise Problem(409, code, extra={"params": params}, **params) from None


def _asked(work_id: str, body: dict[str, Any]) -> tuple[Particulars, tuple[str, ...], list[dict[str, Any]]]:
    """The request in a body, checked against its network and cases, the feeders that supply its place, and
    what is odd. Raises Problem 422."""
    from server.outages.structure import misshapen  # noqa: PLC0415  only where a request is read

    body = {**body, "work": {**body["work"], "id": work_id}}
    shapeless = tuple(misshapen(body, Particulars))
    if shapeless:
        raise Problem(422, "work_unusable", extra=finding_rows(shapeless))
    asked = msgspec.convert(body, Particulars)
    for case in asked.cases:
        if not may_see(case):
            raise Problem(422, "work_case_unknown", case=case)
    networks = services().networks
    try:
        head = networks.get(g.actor.organisation, asked.network)
    except UnknownNetwork:
        raise Problem(422, "work_network_unknown", network=asked.network) from None
    index = networks.index(head)
    findings = tuple(requests.faults(asked, index.topology, _today()))
    told = finding_rows(findings)
    if any(one.grave for one in findings):
        raise Problem(422, "work_unusable", extra=told)
    return asked, supplied_by(asked.work, index.topology, index.fed), told["findings"]


@blp.route("/works", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.arguments(WorkQuery, location="query", unknown=ma.RAISE)
@blp.response(200, WorkList)
def list_works(query: dict[str, Any]) -> dict[str, Any]:
    """The works of your organisation, filtered, sorted and paged."""
    needed = needed_for_works()
    return page_of(
        query,
        lists.list_works,
        lists.WorkFilter,
        lambda one: _view(msgspec.json.decode(one, type=Request), needed),
    )


@blp.route("/works", methods=["POST"])
@roles("manager", "scheduler", "admin")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(NewWorkIn)
@blp.response(201, WorkOut)
def request_work(body: dict[str, Any]) -> Answer:
    """Request a work. What is wrong with it is told field by field (422 `work_unusable`)."""
    work_id = created_id(body)
    asked, feeders, odd = _asked(work_id, body)
    actor: Identity = g.actor
    made = requests.request(
        work_id,
        actor.organisation,
        asked,
        by=actor.name,
        at=services().clock(),
        needed=needed_for_works(),
        feeders=feeders,
    )
    try:
        return _answer(works().add(made), odd)
    except Conflict:
        raise Problem(409, "work_exists", id=work_id) from None


@blp.route("/works/<work_id>", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, WorkOut)
def show_work(work_id: str) -> Answer:
    """One work with who agreed to it and who has yet to."""
    with _refused():
        return _answer(works().get(g.actor.organisation, work_id))


@blp.route("/works/<work_id>", methods=["PATCH"])
@roles("manager", "scheduler", "admin")
@blp.doc(parameters=[REQUIRED_MATCH])
@blp.arguments(WorkIn(partial=True))
@blp.response(200, WorkOut)
def amend_work(body: dict[str, Any], work_id: str) -> Answer:
    """Change what is given; of `work`, all of it. Every agreement falls: it was to something else."""
    rev, actor = required_match(), g.actor
    with _refused():
        known, _ = works().get(actor.organisation, work_id)
        before = plain(known.asked)
        for name in ("id", "case", "notice"):
            before["work"].pop(name, None)
        asked, feeders, odd = _asked(work_id, {**before, **body})
        now, needed = services().clock(), needed_for_works()

        def change(request: Request) -> Request:
            return requests.amend(request, asked, by=actor.name, at=now, needed=needed, feeders=feeders)

        return _answer(works().change(actor.organisation, work_id, change, if_rev=rev), odd)


@blp.route("/works/<work_id>/approve", methods=["POST"])
@roles("manager", "scheduler", "admin")
@blp.doc(parameters=[REQUIRED_MATCH])
@blp.arguments(AgreeIn)
@blp.response(200, WorkOut)
def agree_to_work(body: dict[str, Any], work_id: str) -> Answer:
    """Agree for a function to the work as you read it. Each function needs a person of its own."""
    rev, actor = required_match(), g.actor
    now, needed = services().clock(), needed_for_works()

    def change(request: Request) -> Request:
        return requests.agree(request, by=actor.name, roles=actor.roles, at=now, needed=needed, **body)

    with _refused():
        return _answer(works().change(actor.organisation, work_id, change, if_rev=rev))


@blp.route("/works/<work_id>/split", methods=["POST"])
@roles("scheduler", "admin")
@blp.doc(parameters=[REQUIRED_MATCH])
@blp.arguments(SplitIn)
@blp.response(201, WorkParts)
def split_work(body: dict[str, Any], work_id: str) -> dict[str, Any]:
    """Split a work into parts on the same sections: requests of their own, `<id>-1` and so on, that are
    agreed to anew. The work itself is given up. What it would come to is asked before, of a plan
    (`enquiries`). Cut off in between, it is ended by asking again."""
    rev, actor, house = required_match(), g.actor, works()
    now, functions = services().clock(), needed_for_works()
    parts = tuple(msgspec.convert(one, Part) for one in body["parts"])
    tied = {
        known.id
        for known, _ in house.all(actor.organisation)
        if known.state in requests.OPEN and work_id in requests.tied_to(known.asked.work)
    }

    def halved(known: Request) -> tuple[Request, tuple[Request, ...]]:
        return requests.split(
            known, parts, in_order=body["in_order"], named_by=tied, by=actor.name, at=now, needed=functions
        )

    with _refused():
        known, found = house.get(actor.organisation, work_id)
        gone, made = halved(known)
        if gone != known and found != rev:
            raise Problem(412, "precondition_failed")
        for one in made:
            _require_free(house, one)
        # The work goes first: cut off in between, nothing is planned twice.
        house.change(actor.organisation, work_id, lambda known: halved(known)[0], if_rev=found)
        kept = [house.add(one)[0] for one in made]
    return {"items": [_view(one, functions) for one in kept]}


def _require_free(house: Works, made: Request) -> None:
    """Raises Problem 409 where the id of what is made is that of something else."""
    try:
        known, _ = house.get(made.organisation, made.id)
    except UnknownWork:
        return
    if (known.asked, known.requested_by) != (made.asked, made.requested_by):
        raise Problem(409, "work_exists", id=made.id)


@blp.route("/works/<work_id>/withdraw", methods=["POST"])
@roles("manager", "scheduler", "admin")
@blp.arguments(ReasonIn)
@blp.response(200, WorkOut)
def withdraw_work(body: dict[str, Any], work_id: str) -> Answer:
    """Give a work up that is in no published plan."""
    actor, now = g.actor, services().clock()

    def change(request: Request) -> Request:
        return requests.withdraw(request, by=actor.name, at=now, reason=body["reason"])

    with _refused():
        return _answer(works().change(actor.organisation, work_id, change, if_rev=if_match()))
