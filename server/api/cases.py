# mypy: disable-error-code="untyped-decorator"
"""Cases: open, list, show, amend, move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import g

from checklists.loader import fact_definitions
from server.api.base import blueprint, roles
from server.api.case_query import CaseQuery, case_filter
from server.api.case_schemas import CaseIn, CaseOut, CasePage, CasePatch, FactsIn, LogOut, TransitionIn
from server.api.casework import act, actor, command, etag, plain, scope, visible
from server.api.creating import IDEMPOTENCY_HEADER, reserved_id
from server.api.listed import place_of, place_token
from server.api.sites import check_site
from server.api.timing import timing
from server.casework.cases import Loaded
from server.casework.numbers import NumberTaken
from server.problems import Problem, language
from server.readmodel.queries import list_cases
from server.readmodel.watching import urgent_clocks
from server.services import services
from server.texts import text
from server.workflow import commands
from server.workflow.audit import sound, traces
from server.workflow.facts import SUPPLY_FACTS

blp = blueprint("cases", "Connection cases 业扩报装工单.")


def case_view(known: Loaded) -> dict[str, Any]:
    body: dict[str, Any] = plain(known.case)
    for inner in ("log", "gates", "photos"):
        body.pop(inner, None)
    return {**body, "stage_title": text(f"stage.{known.case.stage}", language()), **timing(known.case)}


@blp.route("/cases", methods=["GET"])
@roles()
@blp.arguments(CaseQuery, location="query", unknown=ma.RAISE)
@blp.response(200, CasePage)
def find_cases(query: dict[str, Any]) -> dict[str, Any]:
    """Cases that you may see, filtered, sorted and paged."""
    wanted = case_filter(query)
    page = list_cases(
        services().readmodel,
        scope(),
        wanted,
        sort=query["sort"],
        offset=query["offset"],
        after=place_of(query.get("after"), query["sort"]),
        limit=query["limit"],
    )
    urgent = urgent_clocks(services().readmodel, [row["id"] for row in page.rows], wanted.today)
    for row in page.rows:
        clock = urgent.get(row["id"])
        row["clock"] = clock and {**clock, "title": text(f"clock.{clock['clock']}", language())}
        row["ready"] = row["ready"] and wanted.today <= (row["ready_until"] or wanted.today)
    return {
        "items": page.rows,
        "total": page.total,
        "offset": query["offset"],
        "limit": query["limit"],
        "next": page.next and place_token(page.next, query["sort"]),
    }


@blp.route("/cases", methods=["POST"])
@roles("manager", "admin")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(CaseIn)
@blp.response(201, CaseOut)
def open_case(body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Accept an application. Its two databases are made at once."""
    made = services()
    check_facts(body.get("facts", {}))
    check_site(body["site"])
    case_id = reserved_id(body)
    wanted = command(
        commands.OpenCase,
        id=case_id,
        organisation=g.actor.organisation,
        **{"manager": g.actor.name, **body},
    )
    check_manager(wanted.manager, g.actor.organisation)
    try:
        known = made.cases.open(wanted, actor())
    except NumberTaken:
        raise Problem(409, "case_no_taken", no=body["no"]) from None
    return case_view(known), {**etag(known), "Location": f"/api/v1/cases/{case_id}"}


@blp.route("/cases/<case_id>", methods=["GET"])
@roles()
@blp.response(200, CaseOut)
def show_case(case_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """One case."""
    known = visible(case_id)
    return case_view(known), etag(known)


@blp.route("/cases/<case_id>", methods=["PATCH"])
@roles("manager", "admin")
@blp.arguments(CasePatch)
@blp.response(200, CaseOut)
def amend_case(body: dict[str, Any], case_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Correct customer, site, supply, manager, title or process, with a reason."""
    case = visible(case_id).case
    if "manager" in body:
        check_manager(body["manager"], case.organisation)
    if "site" in body:
        check_site(body["site"])
    known = act(case_id, command(commands.AmendCase, **body))
    return case_view(known), etag(known)


@blp.route("/cases/<case_id>/facts", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(FactsIn)
@blp.response(200, CaseOut)
def set_facts(body: dict[str, Any], case_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Settle facts that gates and checklists depend on; null makes one unknown again."""
    check_facts(body["facts"])
    known = act(case_id, command(commands.SetFacts, **body))
    return case_view(known), etag(known)


@blp.route("/cases/<case_id>/transitions", methods=["POST"])
@roles("manager", "admin")
@blp.arguments(TransitionIn)
@blp.response(200, CaseOut)
def move_case(body: dict[str, Any], case_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Move along the process."""
    known = act(case_id, command(commands.MoveStage, **body))
    return case_view(known), etag(known)


@blp.route("/cases/<case_id>/log", methods=["GET"])
@roles("manager", "scheduler", "admin", "auditor")
@blp.response(200, LogOut)
def show_log(case_id: str) -> dict[str, Any]:
    """The hash-chained log of every decision."""
    case = visible(case_id).case
    found = traces(case)
    return {"verified": sound(found), "traces": plain(found), "items": plain(case.log)}


def check_manager(name: str, organisation: str) -> None:
    """Raises Problem 422 unless this is somebody of the organisation who manages cases and may sign in.

    The manager reads the case's databases, so a slip of the pen must not name a stranger.
    """
    if not services().people.may_manage(name, organisation):
        raise Problem(422, "not_a_manager", name=name)


def check_facts(facts: Mapping[str, Any]) -> None:
    """Raises Problem 422 for a value that its fact cannot have; None takes a fact back.

    A checklist would take such a value for unknown and be stricter than anybody meant. The supply's own
    numbers are amended with the supply.
    """
    declared = fact_definitions()
    for name, value in facts.items():
        if name in SUPPLY_FACTS:
            raise Problem(422, "fact_of_the_supply", fact=name)
        if name in declared and declared[name].derived is not None:
            raise Problem(422, "fact_derived", fact=name, derived=declared[name].derived)
        if name in declared and value is not None and not declared[name].admits(value):
            kind = declared[name].type
            options = ", ".join(option.value for option in declared[name].options)
            raise Problem(422, "fact_value_invalid", fact=name, kind=kind, options=options)
