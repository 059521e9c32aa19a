"""The customer's link: given for a time, taken back, and never more than its holder has reason for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.customer import (
    acts_of_customer,
    customer_by,
    receipt_no,
    require_measure,
    require_room_for_photos,
)
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.model import Actor, PhotoRef
from server.workflow.refusal import Refusal
from tests.workflow.branches import branch, rebased
from tests.workflow.builders import CUSTOMER, INSPECTOR, POLICY, Desk, item, refused

VISITOR = Actor(customer_by("l-1"), ("customer",))


def wish(desk: Desk, **changes: Any) -> c.WishAppointment:
    fields = {"wish_id": "w-1", "about": "energization", "at": desk.now + timedelta(days=3)}
    return c.WishAppointment(**{**fields, **changes})


def test_a_link_holds_until_its_end_or_until_it_is_taken_back() -> None:
    desk = Desk()
    desk.do(c.IssueLink(link_id="l-1", to="Mr Ke"))
    link = desk.case.links["l-1"]
    assert link.expires_at == link.issued_at + timedelta(days=POLICY.link_days)
    assert link.holds(link.expires_at - timedelta(seconds=1))
    assert not link.holds(link.expires_at)
    desk.do(c.RevokeLink(link_id="l-1", reason="lost"))
    revoked = desk.case.links["l-1"]
    assert not revoked.holds(link.issued_at)
    assert (revoked.revoked_by, revoked.revoked_reason) == ("wang.manager", "lost")


def test_the_same_link_again_changes_nothing() -> None:
    desk = Desk()
    desk.do(c.IssueLink(link_id="l-1"))
    assert desk.do(c.IssueLink(link_id="l-1")).events == ()
    assert refused(desk, c.IssueLink(link_id="l-1", to="another")).code == "link_exists"
    desk.do(c.RevokeLink(link_id="l-1", reason="lost"))
    assert desk.do(c.RevokeLink(link_id="l-1", reason="again")).events == ()
    assert desk.do(c.IssueLink(link_id="l-1")).events == ()
    assert desk.case.links["l-1"].revoked_at is not None


@pytest.mark.parametrize("days", [-1, 0, POLICY.link_max_days + 1])
def test_a_link_ends_in_the_future_and_not_too_late(days: int) -> None:
    desk = Desk()
    until = desk.now + timedelta(minutes=1, days=days)
    assert refused(desk, c.IssueLink(link_id="l-1", until=until)).code == "link_until_out_of_bounds"


@pytest.mark.parametrize("actor", [CUSTOMER, INSPECTOR])
def test_only_the_office_gives_links_and_takes_them_back(actor: Actor) -> None:
    desk = Desk()
    assert refused(desk, c.IssueLink(link_id="l-1"), actor).code == "role_missing"
    desk.do(c.IssueLink(link_id="l-1"))
    assert refused(desk, c.RevokeLink(link_id="l-1", reason="x"), actor).code == "role_missing"
    assert refused(desk, c.RevokeLink(link_id="l-2", reason="x")).code == "link_not_found"


def test_a_customer_asks_for_a_time_for_what_is_open() -> None:
    desk = Desk()
    desk.assign("t-1", "survey")
    desk.do(wish(desk, about="t-1"), VISITOR)
    assert desk.case.wishes["w-1"].about == "t-1"
    assert desk.do(wish(desk, about="t-1", at=desk.case.wishes["w-1"].at), VISITOR).events == ()
    assert refused(desk, wish(desk), VISITOR).code == "wish_exists"
    desk.submit("t-1", c.Accepted(items=(item("SH-01", "pass"),)))
    for about in ("t-1", "t-2"):
        assert refused(desk, wish(desk, wish_id="w-2", about=about)).code == "nothing_to_appoint"


@pytest.mark.parametrize("days", [-1, POLICY.wish_ahead_days + 1])
def test_a_time_is_asked_for_that_is_to_come(days: int) -> None:
    desk = Desk()
    at = desk.now + timedelta(days=days)
    assert refused(desk, wish(desk, at=at), VISITOR).code == "wish_out_of_bounds"


def test_acts_by_links_are_counted_by_the_day() -> None:
    desk = Desk()
    policy = replace(POLICY, link_acts_a_day=2)
    for n in range(2):
        require_measure(desk.case, desk.now, policy)
        desk.do(wish(desk, wish_id=f"w-{n}"), VISITOR)
    with pytest.raises(Refusal, match="too_many_acts"):
        require_measure(desk.case, desk.now, policy)
    require_measure(desk.case, desk.now + timedelta(days=1), policy)


def test_photos_by_links_are_counted_by_the_case() -> None:
    desk = Desk()
    desk.inspect("t-acc", "acceptance", item())
    desk.issue()
    photos = tuple(PhotoRef(f"p-{n}", None, verified=True) for n in range(2))
    answer = c.AnswerNotice(
        n=1, items={"CT-01": c.AnsweredItem("Mended.", photos)}, answered_by="Red Maple Textiles"
    )
    desk.do(answer, VISITOR)
    policy = replace(POLICY, link_photos=3)
    require_room_for_photos(desk.case, 1, policy)
    with pytest.raises(Refusal, match="too_many_photos"):
        require_room_for_photos(desk.case, 2, policy)


def test_a_receipt_stays_the_same_after_a_conflict() -> None:
    desk = Desk()
    desk.do(c.IssueLink(link_id="l-1"))
    winner, loser = branch(desk), branch(desk)
    winner.do(c.SetFacts(facts={"dual": True}))
    loser.do(wish(loser), VISITOR)
    loser.do(c.RevokeLink(link_id="l-1", reason="lost"))
    (told,) = acts_of_customer(loser.case)
    case = rebased(winner, loser).case
    assert case.links["l-1"].revoked_at is not None
    assert case.wishes["w-1"].at == loser.case.wishes["w-1"].at
    (again,) = acts_of_customer(case)
    assert again.hash != told.hash
    assert receipt_no(again) == receipt_no(told)


def test_a_case_from_before_there_were_links_still_loads() -> None:
    document = case_to_document(Desk().case)
    for name in ("links", "wishes"):
        document.pop(name)
    assert case_from_document(document) == Desk().case


def test_a_case_with_links_comes_back_as_it_was() -> None:
    desk = Desk()
    desk.do(c.IssueLink(link_id="l-1"))
    desk.do(wish(desk), VISITOR)
    assert case_from_document(case_to_document(desk.case)) == desk.case


def test_a_refusal_names_what_would_change_it() -> None:
    with pytest.raises(Refusal) as caught:
        require_measure(Desk().case, Desk().now, replace(POLICY, link_acts_a_day=0))
    assert caught.value.facts
