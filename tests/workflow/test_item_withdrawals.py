"""Items withdrawn by themselves: by two persons, with a reason; they close nothing that is left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from server.workflow import commands as c
from server.workflow.cause import command_of
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.model import Actor, Notice, PhotoRef
from tests.workflow.branches import branch, held, lost, rebased
from tests.workflow.builders import (
    COLLEAGUE,
    DEPUTY,
    INSPECTOR,
    MANAGER,
    Desk,
    accepted,
    item,
    refused,
)


def issued(*severities: str) -> Desk:
    desk = Desk()
    found = zip("ABC", severities or ("major", "major", "major"), strict=False)
    desk.inspect("t-1", "acceptance", *(item(code, severity=one) for code, one in found))  # type: ignore[arg-type]
    desk.issue()
    return desk


def withdrawn(desk: Desk, *codes: str) -> None:
    desk.do(c.ProposeWithdrawal(n=1, reason="another site", items=codes), INSPECTOR)
    desk.do(c.ConfirmWithdrawal(n=1))


def states(desk: Desk) -> list[str]:
    return [one.state for one in desk.notice().items]


def shut(desk: Desk) -> bool:
    return any(one.code == "E04" and one.status == "unmet" for one in desk.case.gates)


def test_an_item_is_withdrawn_by_two_persons_with_a_reason_and_the_rest_stays_open() -> None:
    desk = issued()
    propose = c.ProposeWithdrawal(n=1, reason="another site", items=("A",))
    desk.do(propose)
    assert desk.do(propose).events == ()
    assert states(desk) == ["open"] * 3, "nothing before it is confirmed"
    assert refused(desk, c.ConfirmWithdrawal(n=1)).code == "second_person_withdraws"
    desk.do(c.ConfirmWithdrawal(n=1), DEPUTY)
    notice = desk.notice()
    assert (notice.state, notice.withdrawal, states(desk)) == ("issued", None, ["withdrawn", "open", "open"])
    said = notice.items[0].withdrawn
    assert said is not None
    assert (said.proposed_by, said.confirmed_by, said.reason) == (
        "wang.manager",
        DEPUTY.name,
        "another site",
    )
    assert shut(desk)
    assert desk.case.log[-1].event == "items_withdrawn"
    assert desk.case.log[-1].data["items"] == ["A"]


def test_a_withdrawn_item_does_not_close_the_loop_of_the_others() -> None:
    desk = issued()
    withdrawn(desk, "A")
    desk.answer()
    assert set(desk.notice().answers[-1].items) == {"B", "C"}
    desk.do(c.ScheduleReinspection(n=1, task_id="r-1", assignees=(COLLEAGUE.name,)))
    assert desk.task("r-1").items == ("B", "C")
    desk.submit("r-1", accepted(item("B", "pass"), item("C", "fail")), by=COLLEAGUE.name)
    assert (desk.notice().state, desk.notice().round) == ("issued", 2)
    assert desk.notice().items[0].due is not None
    assert states(desk) == ["withdrawn", "passed", "open"]
    desk.answer()
    desk.do(c.ScheduleReinspection(n=1, task_id="r-2", assignees=(COLLEAGUE.name,)))
    desk.submit("r-2", accepted(item("C", "pass")), by=COLLEAGUE.name)
    assert desk.notice().state == "closed"
    assert states(desk) == ["withdrawn", "passed", "passed"]
    assert not shut(desk)


def test_what_was_answered_but_for_a_withdrawn_item_is_answered() -> None:
    desk = issued()
    desk.answer(1, "B", "C")
    assert desk.notice().state == "issued"
    withdrawn(desk, "A")
    assert desk.notice().state == "answered"
    desk.do(c.ScheduleReinspection(n=1, task_id="r-1", assignees=(COLLEAGUE.name,)))
    assert desk.task("r-1").items == ("B", "C")


def test_withdrawing_all_that_is_left_withdraws_the_notice_and_closes_nothing() -> None:
    desk = issued()
    withdrawn(desk, "A", "B")
    assert desk.notice().open
    withdrawn(desk, "C")
    notice = desk.notice()
    assert (notice.state, notice.closed_by) == ("withdrawn", None)
    assert notice.withdrawal is not None
    assert (notice.withdrawal.proposed_by, notice.withdrawal.confirmed_by) == (INSPECTOR.name, "wang.manager")
    assert [entry.event for entry in desk.case.log[-2:]] == ["items_withdrawn", "notice_withdrawn"]


def test_the_last_open_item_beside_passed_ones_takes_the_same_two_persons() -> None:
    desk = issued("major", "major")
    desk.round(1, item("A", "pass"), item("B"))
    withdrawn(desk, "B")
    assert (desk.notice().state, states(desk)) == ("withdrawn", ["passed", "withdrawn"])


def test_nothing_is_withdrawn_while_somebody_is_on_his_way_to_look_at_it() -> None:
    desk = issued()
    desk.do(c.ProposeWithdrawal(n=1, reason="another site", items=("A",)), INSPECTOR)
    desk.answer()
    desk.do(c.ScheduleReinspection(n=1, task_id="r-1", assignees=(COLLEAGUE.name,)))
    assert refused(desk, c.ConfirmWithdrawal(n=1)).code == "no_withdrawal_proposed", "void since then"
    again = c.ProposeWithdrawal(n=1, reason="another site", items=("A",))
    assert refused(desk, again).code == "notice_not_withdrawable"


def test_only_what_is_unsettled_on_it_is_withdrawn() -> None:
    desk = issued("major", "major")
    desk.round(1, item("A", "pass"), item("B"))
    for code, why in (("A", "item_settled"), ("Z", "item_unknown")):
        wanted = c.ProposeWithdrawal(n=1, reason="x", items=(code,))
        assert refused(desk, wanted).code == why


def test_a_critical_item_that_is_left_is_as_strict_as_before() -> None:
    desk = issued("critical", "minor")
    withdrawn(desk, "B")
    desk.answer()
    own = c.ScheduleReinspection(n=1, task_id="r-1", assignees=(INSPECTOR.name,))
    assert refused(desk, own).code == "second_person_needed"


def test_specialists_meet_no_more_over_what_was_withdrawn() -> None:
    desk = issued("major", "major")
    desk.do(c.MarkCovered(n=1, item="A", reason="filled in"))
    withdrawn(desk, "A")
    desk.answer()
    desk.do(c.ScheduleReinspection(n=1, task_id="r-1", assignees=(COLLEAGUE.name,)))


def test_who_signed_a_draft_stood_for_all_of_it() -> None:
    desk = Desk()
    desk.inspect("t-1", "acceptance", item("A"), item("B"))
    desk.do(c.CosignNotice(n=1), DEPUTY)
    withdrawn(desk, "A")
    notice = desk.notice()
    assert (notice.state, notice.cosigned, states(desk)) == ("draft", (), ["withdrawn", "open"])
    assert desk.case.log[-1].data["unsigned"] == [DEPUTY.name]
    desk.issue()
    assert [one.due is None for one in desk.notice().items] == [True, False]


def test_photos_of_an_answer_to_what_was_withdrawn_hold_nothing_up() -> None:
    desk = issued("major", "major")
    desk.answer(1, "A", photos=[PhotoRef("p-1", None, False)])
    desk.answer(1, "B")
    order = c.ScheduleReinspection(n=1, task_id="r-1", assignees=(COLLEAGUE.name,))
    assert refused(desk, order).code == "answer_photos_unverified"
    withdrawn(desk, "A")
    desk.do(order)


def test_a_failure_that_another_server_saw_again_is_heard_though_it_was_withdrawn_here() -> None:
    base = issued("major", "major")
    base.answer()
    loser = branch(
        base,
        lambda d: d.do(c.ScheduleReinspection(n=1, task_id="r-1", assignees=(COLLEAGUE.name,))),
        lambda d: d.submit("r-1", accepted(item("A"), item("B", "pass")), by=COLLEAGUE.name),
    )
    winner = branch(base, lambda d: withdrawn(d, "A"), lambda d: d.hazard())
    case = held(winner, loser).case
    assert case.notices[1].items[0].state == "withdrawn"
    open_items = [
        one.code for notice in case.notices.values() if notice.open for one in notice.items if not one.settled
    ]
    assert "A" in open_items


def test_a_withdrawal_of_items_on_a_lost_branch_is_decided_anew() -> None:
    base = issued("major", "major")
    case = held(branch(base, lambda d: d.hazard()), branch(base, lambda d: withdrawn(d, "A"))).case
    assert [one.state for one in case.notices[1].items] == ["open", "open"]
    assert case.notices[1].withdrawal is not None, "the proposal stands"
    assert case.notices[1].withdrawal.items == ("A",)
    assert any(entry.event == "conflict_lost" for entry in case.log)


#: The notice is issued on 2 March 2026; its critical items are due within some days.
_DAY, _LATER = date(2026, 3, 4), date(2026, 3, 24)
#: What is said of A and B in one command, by whom, and what shows that B's part of it stands.
WORDS: dict[str, tuple[c.Command, Actor, Callable[[Notice], bool]]] = {
    "answer": (
        c.AnswerNotice(n=1, items={code: c.AnsweredItem("done") for code in ("A", "B")}, answered_by="Mr Lu"),
        MANAGER,
        lambda notice: list(notice.answers[-1].items) == ["B"] and notice.state == "answered",
    ),
    "dispute": (
        c.DisputeNotice(n=1, items=("A", "B"), reason="as drawn", disputed_by="Mr Lu"),
        MANAGER,
        lambda notice: notice.dispute is not None and notice.dispute.items == ("B",),
    ),
    "dates": (
        c.StateDates(n=1, dates={"A": _DAY, "B": _DAY}, stated_by="Mr Lu"),
        MANAGER,
        lambda notice: [one.due == _DAY for one in notice.items] == [False, True],
    ),
    "extension": (
        c.ExtendDeadlines(n=1, due={"A": _LATER, "B": _LATER}, reason="parts are late"),
        MANAGER,
        lambda notice: [one.due == _LATER for one in notice.items] == [False, True],
    ),
    "withdrawal": (
        c.ProposeWithdrawal(n=1, reason="another site", items=("A", "B")),
        DEPUTY,
        lambda notice: notice.withdrawal is not None and notice.withdrawal.items == ("B",),
    ),
}


@pytest.mark.parametrize("about", WORDS)
def test_what_was_said_elsewhere_of_several_items_stands_for_those_that_are_left(about: str) -> None:
    """Only what it said of the item withdrawn here is lost, and named; who said it is told."""
    command, actor, stands = WORDS[about]
    base = issued("critical", "critical")
    said = branch(base, lambda d: d.do(command, actor))
    assert len(said.case.log) > len(base.case.log)
    desk = rebased(branch(base, lambda d: withdrawn(d, "A")), said)
    assert stands(desk.notice())
    [told] = [entry for entry in desk.case.log if entry.event == "conflict_lost"]
    assert told.data["code"] == "item_withdrawn"
    assert told.data["params"] == {"n": 1, "item": "A"}
    assert told.data["by"] == actor.name
    assert told.cause is not None
    assert command_of(told.cause) == command, "what was said of the item is kept, word for word"


def test_what_was_said_of_withdrawn_items_alone_is_lost_whole() -> None:
    base = issued("major", "major")
    winner = branch(base, lambda d: withdrawn(d, "A"), lambda d: d.hazard())
    desk = rebased(winner, branch(base, lambda d: d.answer(1, "A")))
    assert lost(desk.case) == [("notice_answered", "item_not_open")]
    assert desk.notice().answers == ()


def test_a_part_that_was_lost_is_told_once_whatever_is_merged_with_what_again() -> None:
    base = issued("major", "major")
    said = branch(base, lambda d: d.answer(1))
    merged = rebased(branch(base, lambda d: withdrawn(d, "A")), said)
    again = held(branch(merged, lambda d: d.hazard("h-8")), said, branch(merged, lambda d: d.hazard("h-9")))
    assert len([one for one in lost(again.case) if one[1] == "item_withdrawn"]) == 1
    assert len(again.notice().answers) == 1
    elsewhere = held(branch(base, lambda d: d.hazard("h-7")), merged)
    assert [list(one.items) for one in elsewhere.notice().answers] == [["B"]]
    assert ("notice_answered", "item_withdrawn") in lost(elsewhere.case)
    whole = held(branch(said, lambda d: d.hazard("h-6")), merged)
    assert [list(one.items) for one in whole.notice().answers] == [["A", "B"]]
    assert ("notice_answered", "item_withdrawn") not in lost(whole.case), "here it stands"


@pytest.mark.parametrize("codes", [(), ("A",)])
def test_a_case_from_before_items_were_withdrawn_still_loads(codes: tuple[str, ...]) -> None:
    desk = issued()
    desk.do(c.ProposeWithdrawal(n=1, reason="x", items=codes))
    document = case_to_document(desk.case)
    for notice in document["notices"].values():
        for one in notice["items"]:
            one.pop("withdrawn", None)
        if not codes:
            notice["withdrawal"].pop("items")
    assert case_from_document(document) == desk.case
