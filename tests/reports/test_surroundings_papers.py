"""Minutes tell who was there and what was decided; a receipt what was handed over, to whom and how."""

from __future__ import annotations

from datetime import date
from typing import get_args

from server.reports.surroundings import minutes_paper, receipt_paper
from server.workflow import commands as c
from server.workflow.meetings import Department, MeetingDecision, Participant
from tests.reports.papers import CHINESE, printed, whole
from tests.workflow.builders import Desk

PEOPLE = (Participant(name="郑主任", department="marketing", organisation="象山公司", role="主持"),)


def called() -> Desk:
    desk = Desk()
    call = c.CallMeeting(
        meeting_id="m-1",
        kind="scheme_review",
        at=desk.now,
        place="二楼会议室",
        invited=PEOPLE,
        agenda="审定方案",
    )
    desk.do(call, at=desk.now)
    return desk


def test_a_meeting_that_was_not_held_is_an_invitation_with_room_for_minutes() -> None:
    desk = called()
    paper = minutes_paper(desk.case, desk.case.meetings["m-1"], CHINESE)
    assert paper.stamp == ("未召开",)
    words = whole(printed(paper))
    for expected in ("供电方案会审", "二楼会议室", "审定方案", "应邀人员", "郑主任", "YK-2026-0001-HY1"):
        assert expected in words, expected


def test_minutes_tell_outcome_decisions_and_who_was_excused() -> None:
    desk = called()
    absent: dict[Department, str] = dict.fromkeys(get_args(Department), "另有任务")
    del absent["marketing"]
    decided = (MeetingDecision(text="电源改接石浦变", responsible="规划", due=date(2026, 4, 1)),)
    minutes = c.RecordMinutes(
        meeting_id="m-1",
        held_at=desk.now,
        attended=PEOPLE,
        text="方案可行。",
        outcome="agreed_with_changes",
        decisions=decided,
        excused=absent,
    )
    desk.do(minutes, at=desk.now)
    paper = minutes_paper(desk.case, desk.case.meetings["m-1"], CHINESE)
    assert paper.stamp == ()
    words = whole(printed(paper))
    for expected in (
        "结论：修改后同意",
        "方案可行。",
        "电源改接石浦变",
        "2026-04-01",
        "设计单位缺席：另有任务",
    ):
        assert expected in words, expected


def test_a_cancelled_meeting_is_stamped() -> None:
    desk = called()
    desk.do(c.CancelMeeting(meeting_id="m-1", reason="改期"))
    assert minutes_paper(desk.case, desk.case.meetings["m-1"], CHINESE).stamp == ("已取消",)


def test_a_receipt_says_which_version_reached_whom_and_how() -> None:
    desk = Desk(facts={"mid_check_required": True, "dual": False, "gen": False})
    desk.inspect("t-mid", "intermediate")
    handed = c.HandOver(
        handover_id="h-1",
        kind="setting_sheet",
        version="DZ-3",
        received_by="周客户",
        dated=desk.now,
        mode="in_person",
        receipt="签收单 7",
    )
    desk.do(handed)
    words = whole(printed(receipt_paper(desk.case, desk.case.handovers["h-1"], CHINESE)))
    for expected in (
        "资料移交签收单",
        "保护定值单",
        "DZ-3",
        "周客户",
        "当面交付",
        "签收单7",
        "YK-2026-0001-YJ1",
    ):
        assert expected in words, expected
