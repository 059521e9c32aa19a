"""What a customer disputes is settled by somebody who had no hand in it, and is open until then."""

from __future__ import annotations

from datetime import timedelta

import pytest

from server.workflow import commands as c
from server.workflow.model import Severity
from tests.workflow.builders import (
    ADMIN,
    COLLEAGUE,
    CUSTOMER,
    DEPUTY,
    INSPECTOR,
    MANAGER,
    Desk,
    accepted,
    item,
    refused,
)


def disputed(*severities: Severity, items: tuple[str, ...] = ("A",)) -> Desk:
    desk = Desk()
    found = [item(code, severity=one) for code, one in zip("ABC", severities or ("major",), strict=False)]
    desk.inspect("t-1", "acceptance", *found)
    desk.issue()
    desk.do(dispute(*items), CUSTOMER)
    return desk


def dispute(*items: str, reason: str = "built as drawn") -> c.DisputeNotice:
    return c.DisputeNotice(n=1, items=items or ("A",), reason=reason, disputed_by="Mr Lu")


def uphold() -> c.SettleDispute:
    return c.SettleDispute(n=1, decision="uphold", reason="the drawing was changed")


def regrade(**severities: Severity) -> c.SettleDispute:
    return c.SettleDispute(n=1, decision="regrade", reason="only a label", severities=severities)


def test_nobody_is_sent_to_reinspect_what_is_disputed() -> None:
    desk = disputed()
    desk.answer()
    order = c.ScheduleReinspection(n=1, task_id="r", assignees=(COLLEAGUE.name,))
    refusal = refused(desk, order)
    assert (refusal.code, refusal.facts) == ("dispute_open", ("notice:1",))
    assert "notices-closed" in desk.red()
    desk.do(uphold(), DEPUTY)
    desk.do(order)


def test_a_dispute_is_settled_by_somebody_who_had_no_hand_in_it() -> None:
    desk = disputed()
    for involved in (MANAGER, CUSTOMER, INSPECTOR):
        refusal = refused(desk, uphold(), involved)
        assert refusal.kind == "forbidden"
    assert refused(desk, uphold(), MANAGER).code == "second_person_settles"
    desk.do(uphold(), DEPUTY)
    [settled] = desk.notice().disputes
    assert settled.settlement is not None
    assert (settled.settlement.decision, settled.settlement.by) == ("upheld", DEPUTY.name)
    assert refused(desk, uphold(), DEPUTY).code == "no_dispute"


def test_whoever_signed_the_draft_or_found_it_failing_again_is_involved() -> None:
    desk = Desk()
    desk.inspect("t-1", "acceptance", item("A"))
    desk.do(c.CosignNotice(n=1), DEPUTY)
    desk.round(1, item("A"), issue=True)
    desk.do(dispute(), CUSTOMER)
    assert refused(desk, uphold(), DEPUTY).params["names"] == ", ".join(
        sorted({COLLEAGUE.name, DEPUTY.name, INSPECTOR.name, MANAGER.name, "hezha"})
    )
    desk.do(uphold(), ADMIN)


def test_another_severity_sets_another_day_and_the_first_words_stay() -> None:
    desk = disputed("major")
    before = desk.notice().items[0]
    desk.now += timedelta(days=2)
    desk.do(regrade(A="minor"), DEPUTY)
    after = desk.notice().items[0]
    assert (after.severity, after.result) == ("minor", before.result)
    assert after.due == desk.now.date() + timedelta(days=desk.policy.notice_days_minor)
    assert [one.kind for one in after.dues] == ["issued", "regraded"]


def test_what_becomes_graver_is_due_no_later_than_before() -> None:
    desk = disputed("minor")
    desk.do(regrade(A="critical"), DEPUTY)
    assert desk.notice().items[0].due == desk.now.date() + timedelta(days=desk.policy.notice_days_critical)
    desk = disputed("minor")
    desk.now += timedelta(days=29)
    due = desk.notice().items[0].due
    desk.do(regrade(A="critical"), DEPUTY)
    assert desk.notice().items[0].due == due


def test_what_became_critical_takes_a_second_person_to_close() -> None:
    desk = disputed("minor")
    desk.do(regrade(A="critical"), DEPUTY)
    desk.answer()
    order = c.ScheduleReinspection(n=1, task_id="r", assignees=(INSPECTOR.name,))
    assert refused(desk, order).code == "second_person_needed"


def test_a_failure_heard_as_grave_before_is_no_news_once_it_was_regraded() -> None:
    desk = disputed("critical")
    desk.do(regrade(A="minor"), DEPUTY)
    desk.submit("t-1", accepted(item("A", severity="critical")), revs=("9-b",))
    assert list(desk.case.notices) == [1]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (regrade(), "severities_wanted"),
        (c.SettleDispute(n=1, decision="uphold", reason="x", severities={"A": "minor"}), "severities_wanted"),
        (regrade(B="critical"), "regrade_of_nothing"),
        (regrade(A="major"), "regrade_of_nothing"),
        (regrade(Z="minor"), "item_unknown"),
    ],
)
def test_a_settlement_is_about_what_is_disputed(command: c.SettleDispute, code: str) -> None:
    assert refused(disputed("major", "minor"), command, DEPUTY).code == code


def test_withdrawing_takes_the_usual_two_persons() -> None:
    desk = disputed()
    desk.do(c.SettleDispute(n=1, decision="withdraw", reason="another site"), DEPUTY)
    assert desk.notice().dispute is not None, "not settled before it is confirmed"
    assert refused(desk, c.ConfirmWithdrawal(n=1), DEPUTY).code == "second_person_withdraws"
    desk.do(c.ConfirmWithdrawal(n=1))
    [settled] = desk.notice().disputes
    assert desk.notice().state == "withdrawn"
    assert settled.settlement is not None
    assert (settled.settlement.decision, settled.settlement.by) == ("withdrawn", DEPUTY.name)


def test_what_is_disputed_alone_is_withdrawn_alone() -> None:
    desk = disputed("major", "minor")
    desk.do(c.SettleDispute(n=1, decision="withdraw", reason="another site"), DEPUTY)
    desk.do(c.ConfirmWithdrawal(n=1))
    notice = desk.notice()
    assert (notice.state, notice.dispute) == ("issued", None)
    assert [one.state for one in notice.items] == ["withdrawn", "open"]
    assert notice.disputes[0].settlement is not None
    assert notice.disputes[0].settlement.decision == "withdrawn"


def test_a_withdrawal_turned_down_leaves_the_dispute_to_be_settled() -> None:
    desk = disputed()
    desk.do(c.SettleDispute(n=1, decision="withdraw", reason="another site"), DEPUTY)
    desk.do(c.RejectWithdrawal(n=1, reason="the same site"))
    desk.do(uphold(), ADMIN)


def test_one_dispute_at_a_time_and_the_same_one_once() -> None:
    desk = disputed()
    assert desk.do(dispute(), CUSTOMER).events == ()
    assert refused(desk, dispute("A", reason="no"), CUSTOMER).code == "dispute_open"
    assert refused(desk, c.AcceptNotice(n=1, accepted_by="Mr Lu"), CUSTOMER).code == "dispute_open"
    desk.do(uphold(), DEPUTY)
    desk.do(dispute("A", reason="a new drawing"), CUSTOMER)


@pytest.mark.parametrize(("items", "code"), [(("Z",), "item_unknown"), (("A", "A"), None)])
def test_a_dispute_names_open_items(items: tuple[str, ...], code: str | None) -> None:
    desk = Desk()
    desk.inspect("t-1", "acceptance", item("A"))
    assert refused(desk, dispute(*items), CUSTOMER).code == "notice_not_out"
    desk.issue()
    if code is None:
        desk.do(dispute(*items), CUSTOMER)
        assert desk.notice().disputes[0].items == ("A",)
    else:
        assert refused(desk, dispute(*items), CUSTOMER).code == code


def test_what_has_passed_is_not_disputed() -> None:
    desk = Desk()
    desk.inspect("t-1", "acceptance", item("A"), item("B"))
    desk.round(1, item("A", "pass"), item("B"), issue=True)
    assert refused(desk, dispute("A"), CUSTOMER).code == "item_passed"
