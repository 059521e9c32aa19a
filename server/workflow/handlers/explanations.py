"""Explaining what monitors tell, and auditing what was explained. Both go on after the case has ended."""

from __future__ import annotations

from typing import get_args

from msgspec.structs import replace

from server.workflow.draft import Draft
from server.workflow.explanation_commands import AuditExplanation, ExplainAnomaly
from server.workflow.explanations import Explanation, explanation_reasons
from server.workflow.monitors import AnomalyCode
from server.workflow.refusal import Refusal


def explain_anomaly(draft: Draft, command: ExplainAnomaly) -> None:
    code = command.anomaly.partition(" ")[0]
    if code not in get_args(AnomalyCode):
        params = {"anomaly": command.anomaly}
        raise Refusal("anomaly_unknown", params, kind="not_found", facts=("field:anomaly",))
    reasons = explanation_reasons()
    if command.reason not in reasons:
        params = {"reason": command.reason, "names": ", ".join(reasons)}
        raise Refusal("explanation_reason_unknown", params, kind="invalid", facts=("field:reason",))
    if not command.words.strip():
        raise Refusal("explanation_empty", kind="invalid", facts=("field:words",))
    known = draft.case.explanations.get(command.anomaly)
    if known is not None and (known.reason, known.words) == (command.reason, command.words):
        return
    if known is not None and known.audit == "accepted":
        params = {"by": known.audited_by or ""}
        raise Refusal("explanation_settled", params, facts=(f"anomaly:{command.anomaly}",))
    explanation = Explanation(
        anomaly=command.anomaly,
        code=code,
        reason=command.reason,
        words=command.words,
        by=draft.actor.name,
        at=draft.now,
    )
    _put(draft, explanation)
    draft.tell(
        "anomaly_explained",
        anomaly=explanation.anomaly,
        code=code,
        reason=explanation.reason,
        fault=explanation.fault,
        words=explanation.words,
    )


def audit_explanation(draft: Draft, command: AuditExplanation) -> None:
    known = draft.case.explanations.get(command.anomaly)
    if known is None:
        params = {"anomaly": command.anomaly}
        raise Refusal("explanation_unknown", params, kind="not_found", facts=(f"anomaly:{command.anomaly}",))
    if draft.actor.name in {known.by, draft.case.manager}:
        params = {"by": known.by, "manager": draft.case.manager}
        raise Refusal("audit_needs_another", params, kind="forbidden", facts=("person:another",))
    verdict = "accepted" if command.accept else "rejected"
    if known.audit == verdict:
        return
    if known.audit != "waiting":
        params = {"by": known.audited_by or ""}
        raise Refusal("explanation_settled", params, facts=(f"anomaly:{command.anomaly}",))
    if not command.accept and not command.words.strip():
        raise Refusal("audit_reason_missing", kind="invalid", facts=("field:words",))
    audited = replace(
        known,
        audit=verdict,
        audited_by=draft.actor.name,
        audited_at=draft.now,
        audit_words=command.words,
    )
    _put(draft, audited)
    draft.tell(
        "explanation_audited",
        anomaly=known.anomaly,
        accepted=command.accept,
        reason=known.reason,
        by=known.by,
        words=command.words,
    )


def _put(draft: Draft, explanation: Explanation) -> None:
    explanations = {**draft.case.explanations, explanation.anomaly: explanation}
    draft.case = replace(draft.case, explanations=explanations)
