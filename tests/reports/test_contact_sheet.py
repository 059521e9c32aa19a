"""A contact sheet shows each photo with time, place and verdict, and what is missing; pairs stand in rows."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from checklists.model import Text
from checklists.shots import ItemShots, ViewShots
from server.reports.contact_sheet import (
    MOST_ON_SHEET,
    Group,
    Seen,
    contact_sheet,
    on_sheet,
    pairs_sheet,
    sheet_number,
)
from server.workflow.model import PhotoRef
from server.workflow.pairs import pairs_of
from tests.reports.papers import AT, BOTH, CHINESE, failure, jpeg, many, printed, texts, whole, with_notice

SEEN = Seen("p.jpg", "verified", AT, "lin", "31.86100, 117.28300 WGS-84  ±8 m")
TRENCH = ItemShots(
    code="MZ-01",
    text=Text("隐蔽影像", "hidden work"),
    verdict="pass",
    wanted=2,
    photos=("p-1", "p-2"),
    verified=("p-1",),
    views=(
        ViewShots("wide", Text("全景", "the whole"), 1, ("p-1",)),
        ViewShots("plate", Text("铭牌", "the plate"), 1, ()),
    ),
)


def sheet(*groups: Group, seen: dict[str, Seen], tmp_path: Path, say: object = CHINESE) -> bytes:
    case = many(1)
    paper = contact_sheet(case, f"{case.no}-YX", groups, seen, say)  # type: ignore[arg-type]
    return printed(paper, say, images={"p.jpg": jpeg(tmp_path / "p.jpg")})  # type: ignore[arg-type]


def test_time_place_and_verdict_stand_under_each_picture(tmp_path: Path) -> None:
    flagged = replace(SEEN, flags=(("photo_edited", {"software": "Snapseed"}),))
    pdf = sheet(Group((), (TRENCH,)), seen={"p-1": flagged, "p-2": Seen()}, tmp_path=tmp_path)
    told = whole(pdf)
    for words in ("2026-03-0309:00", "31.86100,117.28300WGS-84±8m", "合格·已核验", "Snapseed", "p-1", "全景"):
        assert words in told, words
    assert "合格·照片尚未收到" in told
    assert "无位置" in told
    assert "第1页，共1页" in told


def test_a_sheet_says_what_its_items_lack(tmp_path: Path) -> None:
    told = whole(sheet(Group((), (TRENCH,)), seen={"p-1": SEEN}, tmp_path=tmp_path, say=BOTH))
    assert "1/2张" in told
    assert "1of2" in told
    assert "尚缺已核验照片1张" in told
    assert "Notshown:theplate(1)" in told
    assert "Notshown:thewhole" not in told
    assert "1项中0项齐全" in told


def test_photos_that_no_form_names_stand_in_a_group_of_their_own(tmp_path: Path) -> None:
    groups = (Group(("检查",), (TRENCH,)), Group(("其他影像",), others=(("notice:1", "p-9"), ("", "p-8"))))
    seen = dict.fromkeys(on_sheet(groups), SEEN)
    assert list(seen) == ["p-1", "p-2", "p-9", "p-8"]
    told = whole(sheet(*groups, seen=seen, tmp_path=tmp_path))
    assert told.index("p-2") < told.index("其他影像") < told.index("notice:1") < told.index("p-8")


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    made = [sheet(Group((), (TRENCH,)), seen={"p-1": SEEN}, tmp_path=tmp_path) for _ in range(2)]
    assert hashlib.sha256(made[0]).digest() == hashlib.sha256(made[1]).digest()
    later = replace(SEEN, taken_at=AT + timedelta(minutes=1))
    assert sheet(Group((), (TRENCH,)), seen={"p-1": later}, tmp_path=tmp_path) != made[0]


def test_sheets_are_bounded_and_the_rest_is_counted(tmp_path: Path) -> None:
    photos = tuple(f"p-{number}" for number in range(MOST_ON_SHEET + 7))
    group = Group((), others=tuple(("", photo) for photo in photos))
    kept = on_sheet([group])
    assert kept == list(photos[:MOST_ON_SHEET])
    pages = texts(sheet(group, seen=dict.fromkeys(kept, replace(SEEN, image=None)), tmp_path=tmp_path))
    assert "另有7张照片未打印" in pages[-1]
    assert f"第{len(pages)}页，共{len(pages)}页" in pages[-1]
    assert all(f"第{number}页，共{len(pages)}页" in page for number, page in enumerate(pages, 1))


def test_a_photo_that_two_items_name_is_counted_once(tmp_path: Path) -> None:
    other = ItemShots("MZ-02", Text("其他", "other"), "fail", 0, ("p-1",), ("p-1",))
    told = whole(sheet(Group((), (TRENCH, other)), seen={"p-1": SEEN, "p-2": SEEN}, tmp_path=tmp_path))
    assert "影像张数2" in told
    assert "未作要求" in told


def test_before_stands_beside_after_and_what_is_missing_is_said(tmp_path: Path) -> None:
    desk = with_notice(failure("AA-001", photos=("b-1", "b-2")), failure("AA-002", photos=("b-3",)))
    desk.answer(1, "AA-001", photos=[PhotoRef("c-1", None, True)])
    notice = desk.notice(1)
    seen = dict.fromkeys(("b-1", "b-2", "b-3", "c-1"), SEEN)
    paper = pairs_sheet(desk.case, notice, pairs_of(notice), seen, CHINESE)
    told = whole(printed(paper, images={"p.jpg": jpeg(tmp_path / "p.jpg")}))
    assert paper.no == f"{desk.case.no}-DB1"
    order = [
        told.index(words) for words in ("b-1", "整改后（第1轮，客户回复）", "c-1", "b-2", "AA-002", "b-3")
    ]
    assert order == sorted(order)
    assert told.count("缺整改后照片") == 1
    assert "缺整改前照片" not in told


def test_an_item_without_any_photo_says_so_on_both_sides() -> None:
    desk = with_notice(failure("AA-001"))
    told = whole(printed(pairs_sheet(desk.case, desk.notice(1), pairs_of(desk.notice(1)), {}, CHINESE)))
    assert "缺整改前照片" in told
    assert "缺整改后照片" in told


@pytest.mark.parametrize(("task", "no"), [("t-mid", "-YX-ZJ1"), ("t-two", "-YX-ZJ2"), ("t-acc", "-YX-JY1")])
def test_each_inspection_has_a_sheet_with_its_own_number(task: str, no: str) -> None:
    desk = with_notice(failure("AA-001"))
    desk.assign("t-two", "intermediate")
    desk.assign("t-acc", "acceptance")
    assert sheet_number(desk.case, desk.task(task)) == desk.case.no + no
