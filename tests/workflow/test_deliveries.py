"""A notice counts as received when it was delivered: by whom, how, and for the clocks from that day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.clocks.timeline import timeline
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.rectification import Signed
from tests.workflow.builders import COLLEAGUE, CUSTOMER, INSPECTOR, MANAGER, Desk, accepted, item, refused
from tests.workflow.timing import CHINA, Walk, china, to_construction


def issued() -> Desk:
    desk = Desk()
    desk.inspect("t-1", "acceptance", item("A"))
    desk.issue()
    return desk


def deliver(**changes: Any) -> c.DeliverNotice:
    return c.DeliverNotice(**{"n": 1, "mode": "on_site", "received_by": "Mr Lu", **changes})


def test_a_delivery_is_recorded_with_who_signed_for_it() -> None:
    desk = issued()
    signed = (Signed(party="customer", name="Mr Lu", signature="s-1"), Signed(party="contractor", name="Wu"))
    desk.do(deliver(signed=signed), INSPECTOR)
    [delivery] = desk.notice().deliveries
    assert (delivery.round, delivery.mode, delivery.at) == (1, "on_site", desk.now)
    assert (delivery.signed, delivery.recorded_by) == (signed, INSPECTOR.name)
    assert desk.notice().state == "issued", "a delivery is a fact, not a state"


@pytest.mark.parametrize("mode", ["post", "left"])
def test_where_nobody_signs_something_else_shows_that_it_arrived(mode: str) -> None:
    desk = issued()
    assert refused(desk, deliver(mode=mode)).facts == ("field:evidence",)
    desk.do(deliver(mode=mode, evidence="RB 4711"))


def test_the_same_delivery_twice_is_recorded_once() -> None:
    desk = issued()
    for command in (deliver(), deliver(mode="counter", at=desk.now)):
        desk.do(command)
        assert desk.do(command, COLLEAGUE).events == ()
    assert len(desk.notice().deliveries) == 2


def test_a_delivery_is_of_something_issued_and_not_before_it_was() -> None:
    desk = Desk()
    desk.inspect("t-1", "acceptance", item("A"))
    assert refused(desk, deliver()).code == "notice_not_out"
    desk.issue()
    assert refused(desk, deliver(at=desk.now - timedelta(hours=1))).code == "time_order"
    assert refused(desk, deliver(at=desk.now + timedelta(days=1))).code == "in_future"
    desk.round(1, item("A", "pass"))
    assert refused(desk, deliver()).code == "notice_not_out"


def test_a_customer_delivers_only_by_opening_it_now() -> None:
    desk = issued()
    for wrong in (deliver(), deliver(mode="electronic", at=desk.now)):
        refusal = refused(desk, wrong, CUSTOMER)
        assert (refusal.code, refusal.kind) == ("delivery_by_customer", "forbidden")
    desk.do(deliver(mode="electronic", received_by=CUSTOMER.name), CUSTOMER)


def test_whoever_speaks_to_a_notice_has_received_it() -> None:
    desk = issued()
    desk.answer()
    [delivery] = desk.notice().deliveries
    assert (delivery.mode, delivery.received_by) == ("implied", "Red Maple Textiles")
    said, implied = desk.case.log[-2:]
    assert (said.event, implied.event) == ("notice_answered", "notice_delivered")
    assert said.cause is not None, "what was said comes first: it is what a receipt is given for"


def test_a_later_proof_of_an_earlier_delivery_counts() -> None:
    desk = issued()
    before = desk.now
    desk.now += timedelta(days=3)
    desk.answer()
    desk.do(deliver(mode="post", evidence="RB 4711", at=before + timedelta(days=1)))
    notice = desk.notice()
    assert notice.received(notice.issues[0]) == before + timedelta(days=1)


def test_each_round_is_delivered_anew() -> None:
    desk = issued()
    desk.do(deliver())
    desk.round(1, item("A"))
    notice = desk.notice()
    assert notice.received(notice.issues[1]) is None
    desk.do(deliver())
    assert [one.round for one in desk.notice().deliveries] == [1, 2]


def test_a_customer_accepts_once_a_round() -> None:
    desk = issued()
    command = c.AcceptNotice(n=1, accepted_by="Mr Lu")
    desk.do(command, CUSTOMER)
    assert desk.do(command, CUSTOMER).events == ()
    assert [one.accepted_by for one in desk.notice().acceptances] == ["Mr Lu"]
    assert len(desk.notice().deliveries) == 1
    desk.round(1, item("A"))
    desk.do(command, MANAGER)
    assert [one.round for one in desk.notice().acceptances] == [1, 2]


def holders(walk: Walk, until: int) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for one in timeline(walk.case, china(2026, 3, until)):
        if one.stage == "intermediate" and (not found or found[-1][1] != one.holder):
            found.append((one.start.astimezone(CHINA).day, one.holder))
    return found


def out() -> Walk:
    walk = to_construction(china(2026, 3, 2)).on(china(2026, 3, 2), "intermediate")
    walk.now = china(2026, 3, 3)
    walk.inspect("t-m", "intermediate", item("ME-01"))
    walk.do(c.IssueNotice(n=1), at=china(2026, 3, 4))
    return walk


def test_the_clock_stops_on_delivery_and_not_on_issue() -> None:
    walk = out()
    assert holders(walk, 9) == [(2, "utility")]
    walk.do(deliver(mode="post", evidence="RB 4711", at=china(2026, 3, 6)), at=china(2026, 3, 10))
    assert holders(walk, 11) == [(2, "utility"), (6, "customer")]
    walk.now = china(2026, 3, 12)
    walk.answer(1)
    assert holders(walk, 13) == [(2, "utility"), (6, "customer"), (12, "utility")]


def test_while_a_dispute_waits_it_is_the_utility_s_time() -> None:
    walk = out()
    walk.do(deliver(), at=china(2026, 3, 5))
    dispute = c.DisputeNotice(n=1, items=("ME-01",), reason="as drawn", disputed_by="Mr Lu")
    walk.do(dispute, CUSTOMER, at=china(2026, 3, 9))
    walk.do(
        c.SettleDispute(n=1, decision="uphold", reason="not as drawn"),
        replace(MANAGER, name="deng.deputy"),
        at=china(2026, 3, 11),
    )
    assert holders(walk, 13) == [(2, "utility"), (5, "customer"), (9, "utility"), (11, "customer")]


def test_an_organisation_may_let_the_issue_stop_the_clock() -> None:
    walk = to_construction(china(2026, 3, 2)).on(china(2026, 3, 2), "intermediate")
    walk.policy = replace(walk.policy, delivery_stops_clock=False)
    walk.now = china(2026, 3, 3)
    walk.inspect("t-m", "intermediate", item("ME-01"))
    walk.do(c.IssueNotice(n=1), at=china(2026, 3, 4))
    assert holders(walk, 9) == [(2, "utility"), (4, "customer")]


def test_a_notice_from_before_deliveries_were_recorded_counts_from_its_issue() -> None:
    walk = out()
    document = case_to_document(walk.case)
    notice = document["notices"]["1"]
    for name in ("deliveries", "acceptances", "disputes"):
        del notice[name]
    del notice["issues"][0]["delivery_counts"]
    walk.case = case_from_document(document)
    assert holders(walk, 9) == [(2, "utility"), (4, "customer")]


@given(days=st.permutations([5, 6, 9, 11]))
@settings(max_examples=12, deadline=None)
def test_of_several_deliveries_the_earliest_counts_in_whatever_order_they_are_known(days: list[int]) -> None:
    walk = out()
    walk.now = china(2026, 3, 12)
    for day in days:
        walk.do(deliver(mode="post", evidence=f"RB {day}", at=china(2026, 3, day)))
    assert holders(walk, 13) == [(2, "utility"), (5, "customer")]


def test_a_form_on_its_way_does_not_mind_a_late_delivery() -> None:
    desk = issued()
    desk.answer()
    task = desk.reinspect()
    desk.do(deliver(at=desk.notice().issues[0].at))
    desk.submit(task.id, accepted(item("A", "pass")), by=COLLEAGUE.name)
    assert desk.notice().state == "closed"


def test_a_round_is_accepted_by_one_and_not_silently_by_another() -> None:
    desk = issued()
    desk.do(c.AcceptNotice(n=1, accepted_by="Mr Lu"))
    assert desk.do(c.AcceptNotice(n=1, accepted_by="Mr Lu")).events == ()
    refusal = refused(desk, c.AcceptNotice(n=1, accepted_by="Mrs Wu"))
    assert (refusal.code, refusal.params["by"]) == ("notice_accepted_already", "Mr Lu")
    himself = desk.do(c.AcceptNotice(n=1, accepted_by=CUSTOMER.name), CUSTOMER)
    assert himself.events == (), "the customer finds what the office wrote down for him"
    assert [one.accepted_by for one in desk.notice().acceptances] == ["Mr Lu"]
