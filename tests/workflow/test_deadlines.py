"""Days: the customer states one for what is critical, a manager gives more time, and both have an end."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.model import Severity
from tests.workflow.builders import CUSTOMER, DEPUTY, INSPECTOR, MANAGER, START, Desk, item, refused

DAY = START.date()


def issued(severity: Severity = "critical") -> Desk:
    desk = Desk()
    desk.inspect("t-1", "acceptance", item("A", severity=severity))
    desk.issue()
    return desk


def state(day: date, code: str = "A") -> c.StateDates:
    return c.StateDates(n=1, dates={code: day}, stated_by="Mr Lu")


def extend(day: date, code: str = "A") -> c.ExtendDeadlines:
    return c.ExtendDeadlines(n=1, due={code: day}, reason="the maker is late")


def test_a_critical_item_is_to_be_answered_in_a_week_and_mended_by_the_customer_s_day() -> None:
    desk = issued()
    assert desk.notice().items[0].due == DAY + timedelta(days=desk.policy.notice_days_critical)
    stated = DAY + timedelta(days=20)
    desk.do(state(stated), CUSTOMER)
    one = desk.notice().items[0]
    assert (one.due, one.dues[-1].kind, one.dues[-1].by) == (stated, "stated", "Mr Lu")
    assert desk.notice().deliveries[0].mode == "implied"
    assert desk.do(state(stated), MANAGER).events == ()


@pytest.mark.parametrize("days", [-1, 31])
def test_a_stated_day_is_neither_gone_by_nor_beyond_the_setting(days: int) -> None:
    desk = issued()
    expected = "due_in_past" if days < 0 else "due_too_late"
    assert refused(desk, state(DAY + timedelta(days=days)), CUSTOMER).code == expected
    desk.policy = replace(desk.policy, notice_stated_days=31)
    if days > 0:
        desk.do(state(DAY + timedelta(days=days)), CUSTOMER)


def test_a_customer_does_not_put_a_stated_day_off() -> None:
    desk = issued()
    desk.do(state(DAY + timedelta(days=10)), CUSTOMER)
    refusal = refused(desk, state(DAY + timedelta(days=12)), CUSTOMER)
    assert (refusal.code, refusal.facts) == ("date_stated", ("role:manager",))
    desk.do(state(DAY + timedelta(days=8)), CUSTOMER)
    desk.do(extend(DAY + timedelta(days=12)))
    assert desk.notice().items[0].due == DAY + timedelta(days=12)


def test_only_critical_items_ask_for_a_day() -> None:
    assert refused(issued("major"), state(DAY + timedelta(days=3)), CUSTOMER).code == "date_not_asked"
    assert refused(issued(), state(DAY, code="Z"), CUSTOMER).code == "item_unknown"


def test_more_time_is_a_manager_s_to_give() -> None:
    desk = issued("major")
    later = DAY + timedelta(days=20)
    for other in (INSPECTOR, CUSTOMER):
        assert refused(desk, extend(later), other).code == "role_missing"
    desk.do(extend(later), DEPUTY)
    one = desk.notice().items[0]
    assert (one.due, one.dues[-1].reason, one.dues[-1].by) == (later, "the maker is late", DEPUTY.name)
    assert desk.do(extend(later)).events == ()


def test_more_time_is_later_than_before_and_has_an_end() -> None:
    desk = issued("major")
    due = desk.notice().items[0].due
    assert due is not None
    assert refused(desk, extend(due)).code == "due_not_later"
    assert refused(desk, extend(DAY - timedelta(days=1))).code == "due_in_past"
    end = DAY + timedelta(days=desk.policy.notice_extension_days)
    assert refused(desk, extend(end + timedelta(days=1))).code == "due_too_late"
    desk.do(extend(end))


def test_a_new_round_begins_with_its_own_days() -> None:
    desk = issued()
    desk.do(state(DAY + timedelta(days=20)), CUSTOMER)
    desk.round(1, item("A", severity="critical"))
    one = desk.notice().items[0]
    assert one.due == DAY + timedelta(days=desk.policy.notice_days_critical)
    assert [(due.round, due.kind) for due in one.dues] == [(1, "issued"), (1, "stated"), (2, "issued")]
    desk.do(state(DAY + timedelta(days=9)), CUSTOMER)


def test_days_are_changed_while_the_customer_has_the_notice() -> None:
    desk = Desk()
    desk.inspect("t-1", "acceptance", item("A", severity="critical"))
    for command in (state(DAY), extend(DAY + timedelta(days=20))):
        assert refused(desk, command).code == "notice_not_out"
    desk.issue()
    desk.answer()
    assert refused(desk, extend(DAY + timedelta(days=20))).code == "notice_not_out"
