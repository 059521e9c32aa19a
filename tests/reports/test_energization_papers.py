"""The order carries every gate and step as they are, the record what was copied and signed, or blanks."""

from __future__ import annotations

from msgspec.structs import replace

from server.reports.beside import Beside, Signed, drawn
from server.reports.energization import order_paper, record_paper, record_signatures
from server.reports.paper import Paper, Signatures
from server.texts import text
from server.workflow import commands as c
from server.workflow.sheet import gate_sheet, switching_sheet
from server.workflow.switching import abort_rules
from tests.reports.papers import CHINESE, printed, whole
from tests.workflow.builders import INSPECTOR, Desk, authorized_desk, energized_desk


def order(desk: Desk) -> Paper:
    gates = gate_sheet(desk.case, desk.policy, desk.now)
    return order_paper(desk.case, gates, switching_sheet(desk.case, desk.policy), CHINESE)


def test_an_order_shows_every_gate_with_its_word_and_evidence() -> None:
    desk = authorized_desk()
    words = whole(printed(order(desk)))
    lines = gate_sheet(desk.case, desk.policy, desk.now)
    assert {"E01", "E19"} <= {line.status.code for line in lines}
    for line in lines:
        assert text(f"gate.{line.status.id}", "zh-CN").replace(" ", "") in words, line.status.id
        for word in line.words:
            assert word.evidence.replace(" ", "") in words
    assert words.count("满足") >= 15
    assert "未满足" not in words


def test_an_order_shows_the_steps_of_the_day_with_room_for_times_until_they_were_recorded() -> None:
    desk = authorized_desk()
    words = whole(printed(order(desk)))
    for step in switching_sheet(desk.case, desk.policy):
        assert text(f"switching_step.{step.id}", "zh-CN") in words
    assert "5次，间隔约5分钟" in words
    first = desk.steps()[0]
    desk.do(c.RecordSteps(steps=(replace(first, readings={"绝缘电阻": 2500.0}),)), INSPECTOR, at=first.at)
    again = whole(printed(order(desk)))
    assert "绝缘电阻2500" in again
    assert again.count(INSPECTOR.name) > words.count(INSPECTOR.name)


def test_an_order_names_every_rule_by_which_switching_is_broken_off() -> None:
    words = whole(printed(order(authorized_desk())))
    assert len(abort_rules()) > 5
    for rule in abort_rules():
        assert text(f"abort_rule.{rule}", "zh-CN").replace(" ", "") in words


def test_a_record_before_the_day_leaves_room_and_after_it_tells_what_was_copied() -> None:
    before = record_paper(authorized_desk().case, Beside(), CHINESE)
    assert [one.drawn for one in signatures(before).signatures] == [None] * 4
    assert "示数由客户抄录" in whole(printed(before))
    desk = energized_desk()
    assert record_signatures(desk.case) == ["signature:s-1"]
    picture = drawn([[[0, 0], [3, 4]]])
    beside = Beside(signatures={"signature:s-1": Signed("ke", desk.now, picture)})
    after = record_paper(desk.case, beside, CHINESE)
    assert [one.drawn for one in signatures(after).signatures] == [picture, None, None, None]
    words = whole(printed(after))
    for expected in ("kWh0", "示数由客户ke.customer抄录", "核相一致", "冲击合闸次数5次"):
        assert expected in words, expected


def signatures(paper: Paper) -> Signatures:
    return next(block for block in paper.blocks if isinstance(block, Signatures))
