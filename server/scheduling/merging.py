"""Requests and plans that were written in two places at once: what stands of each leaf. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from server.scheduling.requests import Request, RequestState
from sync.store import Document

if TYPE_CHECKING:
    from server.scheduling.plans import PlanState

#: Of two, the one that goes further stands.
_ORDER: Mapping[PlanState, int] = {
    "queued": 0,
    "running": 1,
    "failed": 2,
    "cancelled": 3,
    "made": 4,
    "published": 5,
    "amended": 6,
    "withdrawn": 7,
}


def merged_plan(leaves: Sequence[Document]) -> Document:
    """Of a plan written in two places at once, the one that is further; whoever asked to cancel, agreed or
    announced is heard. Who agreed for two functions at once agreed for neither."""
    found = [leaf["plan"] for leaf in leaves]
    furthest = max(
        found, key=lambda one: (_ORDER[one["state"]], one["begun"], json.dumps(one, sort_keys=True))
    )
    every = sorted(
        (one for leaf in found for one in leaf["approvals"]),
        key=lambda one: (one["at"], one["by"]),
        reverse=True,
    )
    approvals = {one["function"]: one for one in every}  # of two for one function, the first
    persons = [one["by"] for one in approvals.values()]
    announced = {json.dumps(one, sort_keys=True): one for leaf in found for one in leaf["announcements"]}
    freed = [one for leaf in found for one in leaf.get("releases", ())]
    freed.sort(key=lambda one: one["kept_at"] or "")  # of two words on one, that it is kept
    releases = {(one["work"], one["at"], one["by"]): one for one in freed}
    begun = [one["publishing"] for one in found if one.get("publishing")]
    merged = {
        # Who goes on where nothing is left to do changes nothing.
        "publishing": max(begun, key=lambda one: (one["at"], one["by"]), default=None),
        "releases": [releases[key] for key in sorted(releases)],
        "amended_by": max(one.get("amended_by", "") for one in found),
        "cancel": any(one["cancel"] for one in found),
        "approvals": [
            approvals[name] for name in sorted(approvals) if persons.count(approvals[name]["by"]) == 1
        ],
        "announcements": [announced[key] for key in sorted(announced)],
    }
    return {**leaves[0], "plan": {**furthest, **merged}}


def merged_request(leaves: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of a request written in two places at once: what was withdrawn stays so, else the latest words stand.

    Agreements count only where every leaf asks for the same; the history of all is kept.
    """
    found = [msgspec.convert(leaf["request"], Request) for leaf in leaves]
    latest = max(
        found, key=lambda one: (one.history[-1].at, json.dumps(msgspec.to_builtins(one), sort_keys=True))
    )
    events = {(one.at, one.by, one.event, one.remark): one for leaf in found for one in leaf.history}
    history = tuple(events[key] for key in sorted(events))
    state: RequestState = latest.state
    agreements = latest.agreements
    if any(one.asked != latest.asked for one in found):
        state, agreements = "requested", ()
    else:
        # Of two who agreed for one function at once, the first; who did for two at once, for neither.
        by_function = {
            one.function: one
            for leaf in found
            for one in sorted(leaf.agreements, key=lambda one: (one.at, one.by), reverse=True)
        }
        persons = [one.by for one in by_function.values()]
        agreements = tuple(
            by_function[name] for name in sorted(by_function) if persons.count(by_function[name].by) == 1
        )
        if len(agreements) < len(latest.agreements):
            state = "requested"
    if any(one.state == "withdrawn" for one in found):
        state = "withdrawn"
    plan = min((one.plan for one in found if one.plan), default="")
    if plan and state != "withdrawn":
        # A published plan rests on it as it was when that took it.
        holding = next(one for one in found if one.plan == plan)
        latest, state, agreements = holding, holding.state, holding.agreements
    merged = replace(latest, state=state, agreements=agreements, history=history, plan=plan)
    return {**leaves[0], "request": msgspec.to_builtins(merged)}
