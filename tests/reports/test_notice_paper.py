"""The notice tells every defect with its limit, demand and deadline, and what became of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from server.reports.beside import Beside, Shot, drawn
from server.reports.beside import Signed as SignedBeside
from server.reports.notice import notice_paper, notice_photos, notice_signatures
from server.reports.paper import Signatures
from server.reports.wording import Wording
from server.workflow import commands as c
from server.workflow.model import Case, Text
from server.workflow.rectification import Signed
from tests.reports.papers import AT, CHINESE, failure, jpeg, printed, whole, with_notice
from tests.workflow.builders import COLLEAGUE, DEPUTY, INSPECTOR

PEOPLE = {INSPECTOR.name: "陈检查", COLLEAGUE.name: "林检查"}


def told(case: Case, say: Wording = CHINESE, beside: Beside | None = None) -> str:
    return whole(printed(notice_paper(case, 1, beside or Beside(), say), say))


def test_a_defect_is_told_with_value_limit_rule_demand_severity_and_deadline() -> None:
    case = with_notice(failure("ME-05", severity="critical"), failure("ME-09")).case
    words = told(case, Wording("zh-CN", name_of=lambda name: PEOPLE.get(name, name)))
    due = case.notices[1].items[0].due
    assert due is not None
    for expected in (
        *("缺陷整改通知单", "RedMapleTextiles", "330001", "2CanalRoad", "中间检查"),
        *("ME-05", "缺陷ME-05", "0.45m", "低于下限0.6m。", "请整改", "依据：GB50169", "现场情况：现场所见"),
        *("严重1项、一般1项", f"期限{due.isoformat()}", "未整改并复验合格,不得覆盖。", "陈检查", "第1轮"),
    ):
        assert expected in words, expected


def test_what_the_office_added_to_a_draft_is_printed() -> None:
    case = with_notice(failure("ME-05")).case
    notice = case.notices[1]
    heading = replace(notice.heading, weather="阴", note="两处一并整改", inspected_on=date(2026, 3, 2))
    heading = replace(heading, contractor=replace(heading.contractor, name="某施工单位", licence="承装-3"))
    wording = replace(notice.items[0].wording, place="东侧接地网", limit="0.8 m", demand="加深至 0.8 m")
    items = (replace(notice.items[0], wording=wording),)
    case = replace(case, notices={1: replace(notice, heading=heading, items=items)})
    words = told(case)
    for expected in ("天气阴", "两处一并整改", "2026-03-02", "某施工单位", "承装-3"):
        assert expected in words, expected
    for expected in ("部位：东侧接地网", "限值：0.8m", "加深至0.8m"):
        assert expected in words, expected


def test_a_draft_and_a_withdrawn_notice_are_stamped() -> None:
    draft = with_notice(failure("ME-05"), issued=False)
    assert notice_paper(draft.case, 1, Beside(), CHINESE).stamp == ("草稿",)
    issued = with_notice(failure("ME-05"))
    assert notice_paper(issued.case, 1, Beside(), CHINESE).stamp == ()
    issued.do(c.ProposeWithdrawal(n=1, reason="误判"))
    issued.do(c.ConfirmWithdrawal(n=1), DEPUTY)
    assert notice_paper(issued.case, 1, Beside(), CHINESE).stamp == ("已撤销",)
    assert "误判" in told(issued.case)


def test_an_item_that_was_withdrawn_by_itself_stays_on_the_paper_with_who_and_why() -> None:
    desk = with_notice(failure("ME-05"), failure("ME-09"))
    desk.do(c.ProposeWithdrawal(n=1, reason="误判此项", items=("ME-05",)))
    desk.do(c.ConfirmWithdrawal(n=1), DEPUTY)
    assert notice_paper(desk.case, 1, Beside(), CHINESE).stamp == ()
    words = told(desk.case)
    for expected in ("ME-05", "已撤销", "误判此项", DEPUTY.name, "ME-09"):
        assert expected in words, expected


def test_a_draft_has_no_deadline_but_room_for_one() -> None:
    words = told(with_notice(failure("ME-05"), issued=False).case)
    assert "期限2026" not in words
    assert "整改情况（客户填写）" in words


def test_the_history_of_a_round_is_printed_and_the_lines_for_a_first_answer_are_gone() -> None:
    desk = with_notice(failure("ME-05"))
    desk.do(
        c.AnswerNotice(
            n=1, items={"ME-05": c.AnsweredItem(text="已加深")}, answered_by="RedMaple", text="请复验"
        )
    )
    words = told(desk.case)
    for expected in ("已加深", "请复验", "客户回复", "RedMaple"):
        assert expected in words, expected
    assert "整改情况（客户填写）" not in words


def test_a_rule_that_nobody_verified_is_marked_and_habits_are_called_so() -> None:
    words = told(with_notice(failure("ME-05", certainty="verify", source="practice; S3 4.14")).case)
    assert "※依据待核" in words
    assert "行业惯例；业扩管理资料S34.14" in words
    assert "practice" not in words


def test_photos_of_defect_and_mending_are_shown_if_they_were_verified(tmp_path: Path) -> None:
    case = with_notice(failure("ME-05", photos=("p-1", "p-2"))).case
    assert notice_photos(case.notices[1]) == [("ME-05", ("p-1", "p-2"))]
    shots = {"p-1": Shot("a.jpg", "verified", AT, INSPECTOR.name), "p-2": Shot(None, "pending")}
    paper = notice_paper(case, 1, Beside(photos=shots), CHINESE)
    pdf = printed(paper, images={"a.jpg": jpeg(tmp_path / "a.jpg")})
    assert "p-1" in whole(pdf)
    assert "照片尚未核验" in whole(pdf)
    assert pdf.replace(b" ", b"").count(b"/Subtype/Image") == 1


@pytest.mark.parametrize("value", ["fail", "missing", None, {"lon": 1}, ["a"]])
def test_a_value_that_is_no_reading_is_left_to_the_reason(value: object) -> None:
    item = failure("ME-05", value=value, unit=None, reason=Text(zh="检查人员判定不合格。", en="not good."))
    assert "检查人员判定不合格。" in told(with_notice(item).case)


def test_a_delivery_is_told_and_its_signatures_are_drawn_in_their_places() -> None:
    desk = with_notice(failure("ME-05"))
    signed = (Signed(party="customer", name="周客户", signature="s-1"),)
    desk.do(c.DeliverNotice(n=1, mode="left", received_by="门卫", evidence="见证人某", signed=signed))
    desk.do(c.AcceptNotice(n=1, accepted_by="周客户"))
    notice = desk.case.notices[1]
    assert notice_signatures(notice) == ["s-1"]
    picture = drawn([[[0, 0], [9, 9]]])
    beside = Beside(signatures={"s-1": SignedBeside("周客户", AT, picture)})
    paper = notice_paper(desk.case, 1, beside, CHINESE)
    [places] = [block for block in paper.blocks if isinstance(block, Signatures)]
    assert [one.drawn for one in places.signatures] == [None, None, picture, None]
    assert places.signatures[2].name == ("周客户",)
    words = whole(printed(paper))
    for expected in ("留置送达", "门卫", "见证人某", "周客户接受"):
        assert expected in words, expected


def test_a_dispute_and_what_a_second_person_made_of_it_are_told() -> None:
    desk = with_notice(failure("ME-05"), failure("ME-09"))
    desk.do(c.DisputeNotice(n=1, items=("ME-05",), reason="图纸为 0.4 m", disputed_by="周客户"))
    assert "图纸为0.4m" in told(desk.case)
    regraded = c.SettleDispute(n=1, decision="regrade", reason="按图纸", severities={"ME-05": "minor"})
    desk.do(regraded, DEPUTY)
    words = told(desk.case)
    for expected in ("裁定：变更等级（deng.deputy）", "按图纸", "轻微", "原等级：一般", "一般1项、轻微1项"):
        assert expected in words, expected


def test_what_was_covered_unseen_and_what_specialists_demand_is_told() -> None:
    desk = with_notice(failure("ME-05"))
    desk.do(c.MarkCovered(n=1, item="ME-05", reason="已回填"))
    people = ("周专工", "吴专工", "郑专工")
    held = c.RecordSpecialists(
        n=1, held=desk.now, participants=people, decision="open_up", minutes="开挖两处"
    )
    desk.do(held)
    words = told(desk.case)
    for expected in ("未经检查已覆盖", "专题会", "要求开挖", "开挖两处", "周专工、吴专工、郑专工", "严重1项"):
        assert expected in words, expected
