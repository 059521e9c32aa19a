"""Opening a case, correcting what is known of it, and moving it along its process."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from server.workflow.cause import recorded
from server.workflow.commands import AmendCase, MoveStage, OpenCase, SetFacts
from server.workflow.draft import Draft
from server.workflow.facts import workflow_facts
from server.workflow.model import Actor, Case, Fact, FactValue
from server.workflow.policy import Policy
from server.workflow.processes import PRECONDITIONS, process
from server.workflow.refusal import Refusal


def open_case(command: OpenCase, *, now: datetime, actor: Actor, policy: Policy) -> Draft:
    """A draft that holds the new case; the only handler that starts from nothing."""
    case = Case(
        id=command.id,
        no=command.no,
        process=command.process,
        organisation=command.organisation,
        title=command.title,
        customer=command.customer,
        site=command.site,
        supply=command.supply,
        manager=command.manager,
        stage=process(command.process).start,
    )
    draft = Draft(case, now=now, actor=actor, policy=policy, cause=recorded(command, actor))
    draft.enter_stage(case.stage, "")
    draft.tell("case_opened", no=case.no, process=case.process, manager=case.manager)
    _settle(draft, command.facts, "")
    return draft


def amend_case(draft: Draft, command: AmendCase) -> None:
    draft.require_running()
    changes: dict[str, Any] = {}
    for name in ("customer", "site", "supply", "manager", "title"):
        value = getattr(command, name)
        if value is not None and value != getattr(draft.case, name):
            changes[name] = value
    if not changes:
        return
    before = {name: msgspec.to_builtins(getattr(draft.case, name)) for name in changes}
    draft.case = replace(draft.case, **changes)
    draft.tell("case_amended", before=before, after=msgspec.to_builtins(changes), reason=command.reason)


def set_facts(draft: Draft, command: SetFacts) -> None:
    draft.require_running()
    _settle(draft, command.facts, command.reason)


def _settle(draft: Draft, facts: Mapping[str, FactValue], reason: str) -> None:
    """Settle facts; those that have this value already are left as they were settled."""
    own = workflow_facts()
    for name, value in facts.items():
        if name not in own and name not in draft.policy.fact_names:
            raise Refusal("fact_not_known", {"fact": name}, kind="invalid", facts=(f"field:facts.{name}",))
        if name in own and not isinstance(value, bool | None):
            raise Refusal("fact_not_boolean", {"fact": name}, kind="invalid", facts=(f"field:facts.{name}",))
    known = draft.case.facts
    news = {name: value for name, value in facts.items() if _differs(known.get(name), value)}
    if not news:
        return
    settled = {name: Fact(value, draft.actor.name, draft.now, reason) for name, value in news.items()}
    before = {name: known[name].value for name in news if name in known}
    draft.case = replace(draft.case, facts={**known, **settled})
    draft.tell("facts_set", before=before, after=news, reason=reason)


def _differs(fact: Fact | None, value: FactValue) -> bool:
    if fact is None:
        return value is not None
    # 1 == True in Python, but not for a gate.
    return fact.value != value or isinstance(fact.value, bool) != isinstance(value, bool)


def move_stage(draft: Draft, command: MoveStage) -> None:
    case = draft.case
    if command.to == case.stage:
        return
    table = draft.process
    if command.to not in table.stages:
        raise Refusal("stage_unknown", {"stage": command.to}, kind="invalid", facts=("field:to",))
    if command.to == table.energized:
        raise Refusal("energized_by_record_only", facts=("command:RecordEnergization",))
    needs = table.stages[case.stage].moves.get(command.to)
    if needs is None:
        allowed = tuple(table.stages[case.stage].moves)
        raise Refusal(
            "move_not_allowed",
            {"from": case.stage, "to": command.to, "names": ", ".join(allowed)},
            facts=tuple(f"stage:{name}" for name in allowed),
        )
    reasons = [reason for need in needs for reason in PRECONDITIONS[need](case)]
    if reasons:
        raise Refusal(
            "precondition_unmet",
            {
                "from": case.stage,
                "to": command.to,
                "names": ", ".join(need for need in needs if PRECONDITIONS[need](case)),
                "reasons": msgspec.to_builtins(reasons),
            },
            facts=tuple(dict.fromkeys(ref for reason in reasons for ref in reason.refs)),
        )
    draft.enter_stage(command.to, command.note)
    draft.tell("stage_moved", **{"from": case.stage}, to=command.to, note=command.note)
