"""An inspection's paper shows every item that was asked, its finding and verdict, and who signed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from checklists import load_definitions
from checklists.evaluate import evaluate
from checklists.model import Definition, Text
from checklists.overrides import Override
from checklists.sample import good_answers
from server.reports.answers import source_words, value_words
from server.reports.beside import Beside, Signed, drawn
from server.reports.inspection import Found, inspection_paper, item_photos
from server.reports.paper import Box, Fields, Line, Paper, Passage, Signatures
from server.workflow.model import Case, DeviceSignature, Presence, TaskKind
from tests.reports.papers import AT, BOTH, CHINESE, printed, whole
from tests.workflow.builders import Desk, item

LIBRARY = load_definitions()
FACTS = {"capacity_kva": 630.0, "voltage_kv": 10.0, "transformer_type": "dry", "dual": False, "gen": False}
OVERRIDE = Override(
    id="prov-1",
    organisation="xiangyang",
    item="ME-05",
    since=date(2026, 1, 1),
    basis=Text(zh="省公司规定", en="provincial rule"),
    source="P-12",
    min=0.8,
    unit="m",
)


def filled(definition: Definition, faults: dict[str, Any] | None = None, **more: Any) -> Found:
    """The form as a good site fills it in, with some answers otherwise."""
    at = AT.isoformat()
    answers = good_answers(definition, FACTS, photo_for=_photos, by="chen.inspector", at=at)
    for code, value in (faults or {}).items():
        answers[code] = {**answers[code], "value": value, "note": "现场所见"}
    visit = {"start": AT.timestamp(), "end": AT.timestamp()}
    judged = evaluate(definition, FACTS, answers, visit=visit)
    return Found(definition, answers, judged.items, visit=(AT, AT), **more)


def _photos(code: str, count: int) -> list[str]:
    return [f"{code}-{at}" for at in range(count)]


def settled(kind: TaskKind, *, failed: bool = False) -> Case:
    desk = Desk()
    desk.inspect("t-1", kind, *([item("ME-05")] if failed else []))
    return desk.case


def paper_of(kind: TaskKind, found: Found, *, failed: bool = False, beside: Beside | None = None) -> Paper:
    case = settled(kind, failed=failed)
    return inspection_paper(case, case.tasks["t-1"], found, beside or Beside(), CHINESE)


EARTHING = LIBRARY.latest("intermediate-earthing")


@pytest.mark.parametrize(
    ("kind", "checklist"),
    [("survey", "survey-hv"), ("intermediate", "intermediate-hv"), ("acceptance", "acceptance-hv")],
)
def test_every_item_that_was_asked_is_on_the_paper(kind: TaskKind, checklist: str) -> None:
    found = filled(LIBRARY.latest(checklist))
    words = whole(printed(paper_of(kind, found)))
    assert len(found.shown) > 15
    for one in found.shown:
        assert one.code.split("#")[0] in words, one.code
        if one.label:
            assert one.label.replace(" ", "") in words


def test_a_failure_stands_with_value_limit_and_note_and_ticks_the_opinion() -> None:
    good, bad = filled(EARTHING), filled(EARTHING, {"ME-05": 0.45})
    words = whole(printed(paper_of("intermediate", bad, failed=True)))
    for expected in ("0.45m", "低于下限0.6", "现场所见", "不合格1项", "缺陷整改通知单YK-2026-0001-QX1"):
        assert expected in words, expected
    assert ticked(paper_of("intermediate", bad, failed=True)) == ["不合格，整改后复验，复验合格前不得覆盖"]
    assert ticked(paper_of("intermediate", good)) == ["合格，同意覆盖"]


def ticked(paper: Paper) -> list[str]:
    passages = (block for block in paper.blocks if isinstance(block, Passage))
    return [one.text[0] for block in passages for one in block.lines if isinstance(one, Box) and one.ticked]


def test_what_is_not_accepted_ticks_nothing_and_is_stamped() -> None:
    desk = Desk()
    desk.assign("t-1", "intermediate")
    paper = inspection_paper(desk.case, desk.task("t-1"), filled(EARTHING), Beside(), CHINESE)
    assert paper.stamp == ("未审定",)
    assert ticked(paper) == []


def test_whether_it_was_done_on_site_is_told_where_it_was_judged() -> None:
    case = settled("intermediate")
    task = case.tasks["t-1"]
    there = Presence(standing="supported", on_site=("ME-05", "ME-09"), open=3)
    judged = replace(task, submissions=(replace(task.submissions[-1], presence=there),))
    case = replace(case, tasks={"t-1": judged})
    words = whole(printed(inspection_paper(case, judged, filled(EARTHING), Beside(), BOTH), BOTH))
    assert "有据2项,不明3项,相反0项" in words
    assert "Answersborneout:2;open:3;contradicted:0." in words
    assert "到场核验" not in whole(printed(paper_of("intermediate", filled(EARTHING))))


def test_limits_of_the_organisation_are_named_with_their_day_and_basis() -> None:
    words = whole(printed(paper_of("intermediate", filled(EARTHING, limits=(OVERRIDE,)))))
    for expected in ("本单位执行的限值", "≥0.8m", "省公司规定", "P-12", "2026-01-01"):
        assert expected in words, expected


def test_an_answer_that_a_safer_one_stands_before_is_shown_beside_it() -> None:
    other = {"value": 0.9, "by": "lin.inspector"}
    words = whole(printed(paper_of("intermediate", filled(EARTHING, superseded={"ME-05": (other,)}))))
    assert "另一填写：0.9m（lin.inspector）" in words


def test_signatures_are_drawn_and_parties_without_one_get_a_place_to_sign() -> None:
    found = filled(EARTHING)
    [signed] = [one for one in found.shown if one.type == "signature"]
    ids = [entry["signature"] for entry in signed.value]
    picture = drawn([[[0, 0], [9, 9]]])
    beside = Beside(signatures={ids[0]: Signed("周工", datetime(2026, 3, 3, tzinfo=UTC), picture)})
    [block] = signatures(paper_of("intermediate", found, beside=beside))
    assert len(block.signatures) == len(ids)
    assert (block.signatures[0].name, block.signatures[0].drawn) == (("周工",), picture)
    unsigned = Found(EARTHING, {}, tuple(one for one in found.items if one.type != "signature"))
    [block] = signatures(paper_of("intermediate", unsigned))
    assert [one.drawn for one in block.signatures] == [None] * 5


def signatures(paper: Paper) -> list[Signatures]:
    return [block for block in paper.blocks if isinstance(block, Signatures)]


def test_photos_come_by_item_and_those_of_entries_by_their_label() -> None:
    found = filled(LIBRARY.latest("acceptance-hv"))
    named = {code for code, _ in item_photos(found)}
    entries = [one for one in found.shown if one.label]
    assert entries
    assert named.isdisjoint({one.code for one in entries})
    assert f"CT-01 {entries[0].label}" in named


@pytest.mark.parametrize(
    ("code", "value", "words"),
    [
        ("ME-01", "pass", ("合格", "pass")),
        ("ME-05", 0.45, ("0.45 m",)),
        ("ME-05", "na", ("不适用", "not applicable")),
        ("MG-02", None, ()),
        ("MG-02", "词", ("词",)),
    ],
)
def test_a_value_in_words(code: str, value: Any, words: tuple[str, ...]) -> None:
    asked = EARTHING.by_code[code]
    assert value_words(value, asked.unit, asked, BOTH) == words


def test_places_are_printed_as_they_were_measured() -> None:
    survey = LIBRARY.latest("survey-hv")
    asked = next(one for one in survey.items if one.type == "location")
    place = {"lon": 121.5, "lat": 29.25, "accuracy_m": 7.6, "datum": "gcj02"}
    value = {point.point: place for point in asked.points} if asked.points else place
    assert "29.25000, 121.50000 GCJ02 ±8 m" in value_words(value, None, asked, CHINESE)[0]


def test_sources_that_are_no_rule_are_called_what_they_are() -> None:
    assert source_words("GB 50150; practice", BOTH) == (
        "GB 50150；行业惯例",
        "GB 50150；practice of the trade",
    )
    assert source_words("judgement", CHINESE) == ("工程判断",)
    assert source_words("S3 4.14", CHINESE) == ("业扩管理资料 S3 4.14",)
    assert source_words("", CHINESE) == ()


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        ((), "未经平板签名"),
        (("unsigned",), "未经平板签名"),
        (("signed", "draft"), "未经平板签名"),
        (("signed", "wrong"), "平板签名无效"),
        (("signed", "signed"), "已签名:tablet-1"),
    ],
)
def test_a_form_says_whether_tablets_signed_it(verdicts: tuple[Any, ...], words: str) -> None:
    case = settled("acceptance")
    task = case.tasks["t-1"]
    plain = DeviceSignature(rev="1-a", verdict="signed", received_at=AT, kid="K" * 43, device="tablet-1")
    branches = tuple(replace(plain, verdict=one) for one in verdicts)
    signed = replace(task.submissions[-1], device_signatures=branches)
    task = replace(task, submissions=(*task.submissions[:-1], signed))
    case = replace(case, tasks={task.id: task})
    paper = inspection_paper(case, task, filled(EARTHING), Beside(), CHINESE)
    [about, *_] = [block for block in paper.blocks if isinstance(block, Fields)]
    [told] = [one for one in about.fields if one.label[0] == "设备签名"]
    [line] = told.value
    assert isinstance(line, Line)
    assert "".join(line.text).replace("\u200b", "").startswith(words)
