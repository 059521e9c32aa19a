"""What a monitor tells is explained by a person and audited by another; only the staff's faults count."""

from __future__ import annotations

from typing import get_args

import pytest

from server.texts import LANGUAGES, catalogue
from server.workflow import commands as c
from server.workflow.explanations import Audit, Fault, Standing, explanation_reasons, standing_of
from server.workflow.log import verify_log
from tests.workflow.builders import ADMIN, DEPUTY, INSPECTOR, MANAGER, Desk, item, refused

ALONE = "visit_alone task:t-acc"


def explained(reason: str = "customer_wish", words: str = "he asked for it") -> Desk:
    desk = Desk()
    desk.assign("t-acc", "acceptance", INSPECTOR.name)
    desk.do(c.ExplainAnomaly(anomaly=ALONE, reason=reason, words=words))
    return desk


def test_an_explanation_waits_for_its_audit_and_counts_against_nobody_once_that_accepts() -> None:
    desk = explained()
    known = desk.case.explanations[ALONE]
    assert (known.code, known.by, known.fault, known.audit) == (
        "visit_alone",
        MANAGER.name,
        "customer",
        "waiting",
    )
    assert standing_of(known) == "waiting"
    desk.do(c.AuditExplanation(anomaly=ALONE, accept=True), DEPUTY)
    assert standing_of(desk.case.explanations[ALONE]) == "excused"
    assert [entry.event for entry in desk.case.log[-2:]] == ["anomaly_explained", "explanation_audited"]
    assert verify_log(desk.case)


@pytest.mark.parametrize("reason", ["staff_alone", "staff_late"])
def test_what_the_staff_admit_is_theirs_whatever_an_audit_says(reason: str) -> None:
    desk = explained(reason)
    assert standing_of(desk.case.explanations[ALONE]) == "staff"
    desk.do(c.AuditExplanation(anomaly=ALONE, accept=True), DEPUTY)
    assert standing_of(desk.case.explanations[ALONE]) == "staff"


def test_a_rejected_explanation_is_the_staffs_until_a_better_one_is_given() -> None:
    desk = explained()
    assert (
        refused(desk, c.AuditExplanation(anomaly=ALONE, accept=False), DEPUTY).code == "audit_reason_missing"
    )
    desk.do(c.AuditExplanation(anomaly=ALONE, accept=False, words="no letter on file"), DEPUTY)
    assert standing_of(desk.case.explanations[ALONE]) == "staff"
    desk.do(c.ExplainAnomaly(anomaly=ALONE, reason="customer_wish", words="the letter, found"))
    assert standing_of(desk.case.explanations[ALONE]) == "waiting"


def test_nobody_audits_his_own_word_nor_the_manager_his_own_case() -> None:
    desk = explained()
    found = refused(desk, c.AuditExplanation(anomaly=ALONE, accept=True))
    assert (found.code, found.kind) == ("audit_needs_another", "forbidden")
    desk.do(c.ExplainAnomaly(anomaly=ALONE, reason="device_fault", words="tablet broke"), ADMIN)
    assert refused(desk, c.AuditExplanation(anomaly=ALONE, accept=True), ADMIN).code == "audit_needs_another"
    assert refused(desk, c.AuditExplanation(anomaly=ALONE, accept=True)).code == "audit_needs_another"


def test_what_an_audit_accepted_stands() -> None:
    desk = explained()
    desk.do(c.AuditExplanation(anomaly=ALONE, accept=True), DEPUTY)
    other = c.ExplainAnomaly(anomaly=ALONE, reason="mistaken", words="another thought")
    assert refused(desk, other).code == "explanation_settled"
    reject = c.AuditExplanation(anomaly=ALONE, accept=False, words="no")
    assert refused(desk, reject, DEPUTY).code == "explanation_settled"


def test_the_same_again_changes_nothing() -> None:
    desk = explained()
    assert not desk.do(
        c.ExplainAnomaly(anomaly=ALONE, reason="customer_wish", words="he asked for it"), ADMIN
    ).events
    desk.do(c.AuditExplanation(anomaly=ALONE, accept=True), DEPUTY)
    assert not desk.do(c.AuditExplanation(anomaly=ALONE, accept=True), DEPUTY).events


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (c.ExplainAnomaly(anomaly="no_such_code x", reason="mistaken", words="?"), "anomaly_unknown"),
        (c.ExplainAnomaly(anomaly=ALONE, reason="bad_mood", words="?"), "explanation_reason_unknown"),
        (c.ExplainAnomaly(anomaly=ALONE, reason="mistaken", words="  "), "explanation_empty"),
        (c.AuditExplanation(anomaly="due_soon x", accept=True), "explanation_unknown"),
    ],
)
def test_what_cannot_be_explained_is_refused(command: c.Command, code: str) -> None:
    assert refused(explained(), command, DEPUTY).code == code


def test_a_case_that_has_ended_is_explained_all_the_same() -> None:
    desk = Desk()
    desk.to_stage("survey")
    desk.inspect("t-survey", "survey", item("SH-01", "pass"))
    desk.do(c.MoveStage(to="cancelled"))
    desk.do(c.ExplainAnomaly(anomaly="reply_too_quick", reason="off_system", words="paper form"))
    assert set(desk.case.explanations) == {"reply_too_quick"}


def test_every_code_has_words() -> None:
    wanted = {f"explanation_reason.{code}" for code in explanation_reasons()}
    wanted |= {f"fault.{one}" for one in get_args(Fault)}
    wanted |= {f"explanation_standing.{one}" for one in get_args(Standing)}
    wanted |= {f"explanation_audit.{one}" for one in get_args(Audit)}
    for lang in LANGUAGES:
        assert wanted <= set(catalogue(lang))
