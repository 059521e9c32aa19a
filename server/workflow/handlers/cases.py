"""Opening a case, correcting what is known of it, and moving it along its process."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args

import msgspec
from msgspec.structs import replace

from server.workflow.approvals.values import ProposedChange
from server.workflow.cause import recorded
from server.workflow.commands import AmendCase, MoveStage, OpenCase, SetFacts
from server.workflow.draft import Draft
from server.workflow.facts import workflow_facts
from server.workflow.handlers.clearing import require_clear
from server.workflow.model import Actor, Case, Fact, FactValue, ProcessName
from server.workflow.policy import Policy
from server.workflow.processes import CANCELLED, PRECONDITIONS, RULES, process
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
    require_fit(draft)
    _settle(draft, command.facts, command.reason)
    _require_no_deviation(draft, command.facts)
    apply_rules(draft)
    return draft


def _require_no_deviation(draft: Draft, facts: Mapping[str, FactValue]) -> None:
    """Refuse a case that opens otherwise than a rule of its process says, where that takes an approval."""
    if not draft.policy.change_approval_required:
        return
    for name in sorted(set(facts) & set(draft.process.rules)):
        rule = draft.process.rules[name]
        if facts[name] is not None and facts[name] != RULES[rule](draft.case, draft.policy):
            params = {"rule": rule, "role": "manager"}
            raise Refusal("approval_required", params, facts=("command:ProposeChange",))


def amend_case(draft: Draft, command: AmendCase, *, approved: bool = False) -> None:
    """Correct parts of the case. `approved`: somebody else approved it; else it may take an approval."""
    draft.require_running()
    changes: dict[str, Any] = {}
    for name in ("process", "customer", "site", "supply", "manager", "title"):
        value = getattr(command, name)
        if value is not None and value != getattr(draft.case, name):
            changes[name] = value
    if not changes:
        return
    passed = "" if approved else require_clear(draft, ProposedChange(**changes))
    if "process" in changes:
        _require_reroutable(draft)
    before = {name: msgspec.to_builtins(getattr(draft.case, name)) for name in changes}
    draft.case = replace(draft.case, **changes)
    if "process" in changes and draft.case.stage not in draft.process.stages:
        params = {"stage": draft.case.stage, "process": draft.case.process}
        raise Refusal("process_lacks_stage", params, facts=(f"stage:{draft.process.start}",))
    if {"process", "supply"} & set(changes):
        require_fit(draft)
    draft.tell("case_amended", before=before, after=msgspec.to_builtins(changes), reason=command.reason)
    _tell_passed(draft, passed)
    apply_rules(draft)


def _tell_passed(draft: Draft, rule: str) -> None:
    if rule:
        draft.tell("passed_by_rule", subject="change", rule=rule)


def _require_reroutable(draft: Draft) -> None:
    """Refuse another process once the scheme stands: its conditions would be fewer, or late."""
    if not draft.process.stages[draft.case.stage].reroutes:
        stages = [name for name, row in draft.process.stages.items() if row.reroutes]
        params = {"stage": draft.case.stage, "names": ", ".join(stages)}
        raise Refusal("process_settled", params, facts=tuple(f"stage:{name}" for name in stages))


def require_fit(draft: Draft) -> None:
    """Refuse a supply that belongs to another process: fewer conditions are asked at low voltage."""
    kv = draft.case.supply.voltage_kv
    if draft.again or draft.process.voltage.admits(kv, draft.policy):
        return
    fits = [name for name in get_args(ProcessName) if process(name).voltage.admits(kv, draft.policy)]
    raise Refusal(
        "process_does_not_fit",
        {"process": draft.case.process, "kv": kv, "names": ", ".join(fits)},
        kind="invalid",
        facts=("field:process", "field:supply.voltage_kv"),
    )


def set_facts(draft: Draft, command: SetFacts, *, approved: bool = False) -> None:
    """Settle facts. `approved` as in `amend_case`."""
    draft.require_running()
    known, again = draft.case.facts, draft.again
    news = {n: value for n, value in command.facts.items() if _differs(known.get(n), value, again=again)}
    passed = require_clear(draft, ProposedChange(facts=news)) if news and not approved else ""
    _settle(draft, command.facts, command.reason)
    _tell_passed(draft, passed)
    apply_rules(draft)


def apply_rules(draft: Draft) -> None:
    """Have the rules of the process settle the facts that no person has settled."""
    facts = draft.case.facts
    news = {}
    for name, rule in draft.process.rules.items():
        value = RULES[rule](draft.case, draft.policy)
        fact = facts.get(name)
        if fact is None or (fact.rule and fact.value != value):
            news[name] = Fact(value, draft.actor.name, draft.now, rule=rule)
    if not news:
        return
    draft.case = replace(draft.case, facts={**facts, **news})
    draft.tell(
        "facts_ruled",
        after={name: fact.value for name, fact in news.items()},
        rules={name: fact.rule for name, fact in news.items()},
    )


def _settle(draft: Draft, facts: Mapping[str, FactValue], reason: str) -> None:
    """Settle facts; those that have this value already are left as they were settled.

    Who takes back a fact that the process has a rule for leaves it to the rule. Where branches of a case
    said different things of it, it is unknown, and the rule is silent until a person has spoken.
    """
    own = workflow_facts()
    for name, value in facts.items():
        if name not in own and name not in draft.policy.fact_names:
            raise Refusal("fact_not_known", {"fact": name}, kind="invalid", facts=(f"field:facts.{name}",))
        if name in own and not isinstance(value, bool | None):
            raise Refusal("fact_not_boolean", {"fact": name}, kind="invalid", facts=(f"field:facts.{name}",))
    known = draft.case.facts
    news = {
        name: value for name, value in facts.items() if _differs(known.get(name), value, again=draft.again)
    }
    if not news:
        return
    settled = {name: Fact(value, draft.actor.name, draft.now, reason) for name, value in news.items()}
    before = {name: known[name].value for name in news if name in known}
    back = {name for name, value in news.items() if value is None and name in draft.process.rules}
    facts_now = {**known, **settled}
    draft.case = replace(
        draft.case,
        facts=facts_now if draft.again else {n: fact for n, fact in facts_now.items() if n not in back},
    )
    _require_reason(draft, {name: news[name] for name in set(news) - back}, reason)
    draft.tell("facts_set", before=before, after=news, reason=reason)


def _require_reason(draft: Draft, news: Mapping[str, FactValue], reason: str) -> None:
    """Whoever says otherwise than a rule says why."""
    if reason.strip() or draft.again:
        return
    for name in sorted(set(news) & set(draft.process.rules)):
        rule = draft.process.rules[name]
        if news[name] != RULES[rule](draft.case, draft.policy):
            params = {"fact": name, "rule": rule}
            raise Refusal("reason_missing", params, kind="invalid", facts=("field:reason",))


def _differs(fact: Fact | None, value: FactValue, *, again: bool) -> bool:
    if fact is None:
        return value is not None
    if fact.rule and value is None:
        return again
    if fact.rule:
        return True
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
    unmet = {need: PRECONDITIONS[need](case, table, draft.policy, draft.now) for need in needs}
    if command.to != CANCELLED:
        draft.require_not_paused()
    reasons = [reason for found in unmet.values() for reason in found]
    if reasons:
        raise Refusal(
            "precondition_unmet",
            {
                "from": case.stage,
                "to": command.to,
                "names": ", ".join(need for need, found in unmet.items() if found),
                "reasons": msgspec.to_builtins(reasons),
            },
            facts=tuple(dict.fromkeys(ref for reason in reasons for ref in reason.refs)),
        )
    draft.enter_stage(command.to, command.note)
    draft.tell("stage_moved", **{"from": case.stage}, to=command.to, note=command.note)
