"""Papers that a case fills in part: what it holds is printed, nothing is made up, the rest is left blank."""

from __future__ import annotations

from datetime import date

import pytest

from checklists import load_definitions
from server.reports.applications import parts_of
from server.reports.office import OFFICE_PAPERS, OfficeFacts, office_paper
from server.reports.paper import Box, Fields, FormName, Paper, Passage
from server.workflow import commands as c
from server.workflow.metering import Instrument, MeteringLine
from server.workflow.rectification import Contractor, Heading
from tests.reports.papers import CHINESE, failure, printed, whole, with_notice
from tests.workflow.builders import Desk

LIBRARY = load_definitions()
HIDDEN_WORKS = LIBRARY.latest("intermediate-hv")
FACTS = OfficeFacts(
    date(2027, 3, 2),
    ("construction",),
    LIBRARY.latest("acceptance-hv"),
    HIDDEN_WORKS,
    parts_of(HIDDEN_WORKS, [one for one in LIBRARY.all() if one.stage == "intermediate"]),
    notice_days=3,
)
APPLICATIONS: tuple[FormName, ...] = ("intermediate_application", "completion_application")


def made(form: FormName, desk: Desk | None = None) -> Paper:
    return office_paper(form, (desk or Desk()).case, FACTS, CHINESE)


@pytest.mark.parametrize("form", list(OFFICE_PAPERS))
def test_each_names_the_customer_and_leaves_room_for_what_nobody_knows(form: FormName) -> None:
    paper = made(form)
    words = whole(printed(paper))
    for expected in ("RedMapleTextiles", "330001", "10kV", "630kVA", paper.no, paper.title[0]):
        assert expected in words, expected
    known = {
        "客户名称",
        "户号",
        "用电地址",
        "供电电压",
        "业务流程",
        "申请容量",
        "合计容量",
        "有效期至",
        "下一环节",
    }
    settled = {"双（多）电源", "自备电源", "重要电力用户", "需设计审图", "专线供电"}
    filled = {
        field.label[0]
        for block in paper.blocks
        if isinstance(block, Fields)
        for field in block.fields
        if field.value
    }
    assert filled <= known | settled


def test_the_scheme_reply_says_until_when_it_holds_and_what_comes_next() -> None:
    words = whole(printed(made("scheme_reply")))
    for expected in ("有效期至2027-03-02", "下一环节施工", "双（多）电源否"):
        assert expected in words, expected


def test_a_joint_review_of_the_drawings_is_on_the_opinion_and_one_by_hand_has_room_for_it() -> None:
    """Of a review before the drawings were handed in anew, nothing is."""
    desk = Desk()
    desk.to_stage("survey")
    desk.inspect("t-1", "survey")
    desk.to_stage("scheme", "review", "reply", "design_review")
    alone = made("design_review", desk)
    assert ticked(alone) == []
    desk.hold_meeting("drawing_review", "agreed_with_changes")
    paper = made("design_review", desk)
    assert ticked(paper) == ["按上列意见修改后通过"]
    assert "As drawn." in repr(paper.blocks)
    words = whole(printed(paper))
    day = f"{desk.case.history[-1].begun:%Y-%m-%d}"
    for expected in (f"送审日期{day}", f"审核日期{day}", "设计单位", "图纸名称", "须在施工前重新送审"):
        assert expected in words, expected
    desk.do(c.MoveStage(to="reply"))
    desk.do(c.MoveStage(to="design_review"))
    assert ticked(made("design_review", desk)) == []


def ticked(paper: Paper) -> list[str]:
    boxes = [one for block in paper.blocks if isinstance(block, Passage) for one in block.lines]
    return [box.text[0] for box in boxes if isinstance(box, Box) and box.ticked]


def test_a_completion_application_lists_the_documents_that_the_checklist_asks_for() -> None:
    words = whole(printed(made("completion_application")))
    assert FACTS.documents is not None
    asked = [
        item.code for item in FACTS.documents.items if item.type == "file" and item.code.startswith("CD")
    ]
    assert len(asked) > 10
    for code in asked:
        assert code in words
    assert "设计变更证明（有设计变更）" in words


def test_an_intermediate_application_offers_each_part_that_is_looked_at_before_it_is_covered() -> None:
    """The parts are those of the checklists in force: what all of them share is about papers."""
    assert [part.id for part in FACTS.parts] == [
        "intermediate-earthing",
        "intermediate-lightning",
        "intermediate-cable",
        "intermediate-trench",
        "intermediate-civil",
    ]
    words = whole(printed(made("intermediate_application")))
    for expected in ("接地装置", "防雷（", "MG-05施工自检、监理（旁站）记录", "至少3日报验", "均未回填"):
        assert expected in words, expected
    for part in FACTS.parts:
        for item in part.items:
            assert item.text.zh.replace(" ", "") in words, item.code
    assert "本工程不要求中间检查" in words
    required = Desk(facts={"mid_check_required": True})
    assert "本工程不要求中间检查" not in whole(printed(made("intermediate_application", required)))
    bare = office_paper("intermediate_application", Desk().case, OfficeFacts(), CHINESE)
    assert "接地装置" not in whole(printed(bare)), "without a checklist the customer writes what he offers"


def test_a_second_application_tells_what_the_first_inspection_left_open_and_who_builds() -> None:
    desk = with_notice(failure("ME-05"), issued=False)
    assert "QX1" not in whole(printed(made("intermediate_application", desk))), "a draft is unsaid"
    builder = Contractor(name="绿柳电力工程", licence="承装四级 4-1-00023", site_lead="周工")
    desk.do(c.AmendNotice(n=1, heading=Heading(contractor=builder)))
    desk.do(c.IssueNotice(n=1))
    for form in APPLICATIONS:
        words = whole(printed(made(form, desk)))
        for expected in ("绿柳电力工程", "4-1-00023", "周工"):
            assert expected in words, (form, expected)
    assert "YK-2026-0001-QX1（中间检查，1项）" in whole(printed(made("intermediate_application", desk)))


def test_the_same_application_is_the_same_bytes() -> None:
    paper = made("intermediate_application")
    assert paper.no == "YK-2026-0001-ZBY"
    assert printed(paper) == printed(made("intermediate_application"))


def test_evidence_of_a_gate_stands_on_the_paper_that_it_is_about() -> None:
    desk = Desk(facts={**dict.fromkeys(("mid_check_required", "dual", "gen"), False), "relay": True})
    desk.do(c.RecordEntry(gate="settings-applied", status="met", evidence="定值单 DZ-7"))
    desk.do(c.RecordEntry(gate="metering-fitted", status="met", evidence="装接单 ZJ-7"))
    assert "定值单DZ-7" in whole(printed(made("settings", desk)))
    assert "装接单ZJ-7" in whole(printed(made("metering", desk)))
    desk.do(c.RecordEntry(gate="metering-fitted", status="unmet", note="封印缺失"))
    assert "装接单ZJ-7" not in whole(printed(made("metering", desk)))


def test_the_index_lists_what_the_case_has_and_asks_for_originals() -> None:
    desk = with_notice(failure("ME-05"))
    desk.do(c.RecordPaper(paper="supply-contract", state="in", reference="合同 HT-7", original=True))
    desk.do(c.RecordPaper(paper="p-9", state="owed", title="环评批复", due=date(2026, 9, 1)))
    words = whole(printed(made("index", desk)))
    own = ("YK-2026-0001-ZJ1", "YK-2026-0001-QX1", "用电申请", "供电方案答复单")
    for expected in (*own, "合同HT-7", "原件", "环评批复", "尚欠", "2026-09-01"):
        assert expected in words, expected
    draft = with_notice(failure("ME-05"), issued=False)
    assert "QX1" not in whole(printed(made("index", draft))), "a draft is no paper of the file"


def test_a_metering_sheet_has_a_row_for_each_instrument_of_the_plan() -> None:
    desk = Desk()
    transformer = Instrument(kind="ct", type="LZZBJ9-10", ratio="40/5", accuracy="0.2S")
    desk.do(
        c.PlanMetering(connect_on=date(2026, 9, 1), lines=(MeteringLine(instrument=transformer, quantity=2),))
    )
    words = whole(printed(made("metering", desk)))
    assert words.count("LZZBJ9-1040/50.2S") == 2
    assert "电能表示数" in words
    assert words.count("电压互感器") == 0, "only what is planned"
    many = MeteringLine(instrument=transformer, quantity=20)
    desk.do(c.PlanMetering(connect_on=date(2026, 9, 1), lines=(many,)))
    assert "另8只" in whole(printed(made("metering", desk)))
