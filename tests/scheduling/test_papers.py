"""An outage's request and the public notice, on paper: nothing made up, nothing left out, the same bytes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec

from server.reports.paper import print_paper, shown
from server.scheduling.announcing import Notice
from server.scheduling.executing import Execution, WorkResult
from server.scheduling.papers import Placed, RequestFacts, public_notice_paper, request_paper
from server.scheduling.plans import Announcement, ReasonCode
from server.scheduling.requests import Particulars, Request, agree, request, withdraw
from server.texts import LANGUAGES, catalogue
from tests.reports.papers import BOTH, CHINESE, PRINTED, printed, whole
from tests.scheduling.demo_plan import MONTH, NAMES, PLAN

AT = datetime(2026, 5, 10, 8, 0, tzinfo=UTC)
NEEDED = ("station", "maintenance", "dispatch", "marketing")
FACTS = RequestFacts({"case-1": "YK-2026-0411"}, NAMES, NEEDED)
WORK = next(one for one in MONTH.works if one.rain is not None)
OUTAGE = next(one for one in PLAN.outages if WORK.id in {riding.work for riding in one.works})


def tight(words: object) -> str:
    """Words as they are read back from a page: without spaces."""
    return "".join(str(words).split())


def asked(**changes: Any) -> Request:
    about: dict[str, Any] = {
        "type": "planned",
        "network": "wangchao",
        "work": {**msgspec.to_builtins(WORK), "earliest_because": "供应商到货"},
        "no": "2026-17",
        "cases": ("case-1",),
        "line": "10kV 渔港线",
        "switches": ("YG-K03",),
        "sketch": "图 3",
        "content": "更换绝缘子",
        "contractor": "青禾电力安装有限公司",
        "leader": "张工",
        "live_possible": False,
        "live_reason": "通道太窄",
        "transfer": "由南堤线转供",
        "safety": "验电、接地",
        "consents": ({"customer": "SCHOOL", "document": "函 12 号"},),
        **changes,
    }
    particulars = msgspec.convert(about, Particulars)
    return request("w-1", "demo", particulars, by="anna", at=AT, needed=NEEDED)


def read(known: Request, facts: RequestFacts = FACTS, say: Any = CHINESE) -> str:
    return whole(printed(request_paper(known, facts, say), say))


def test_a_request_tells_all_that_was_asked() -> None:
    told = read(asked())
    for words in (
        *("停电计划申请单", "TD-2026-17", "YK-2026-0411", "计划停电", "10kV 渔港线", "图 3", "更换绝缘子"),
        *("青禾电力安装有限公司", "张工", "不可以", "通道太窄", "由南堤线转供", "验电、接地", "函 12 号"),
        *(str(WORK.rain.last if WORK.rain else ""), f"{WORK.minutes} min", "上午、下午、全天"),
    ):
        assert tight(words) in told, words


def test_every_function_has_a_row_and_only_who_agreed_a_name() -> None:
    known = agree(asked(), "dispatch", by="ben", roles=("scheduler",), at=AT, needed=NEEDED, remark="同意")
    told = read(known)
    assert all(name in told for name in ("供电所", "运检", "调度", "营销"))
    assert "ben" in told
    assert told.count("同意") == 2, "in the remark, and in the heading of consents"


def test_a_request_without_a_plan_leaves_room_for_it() -> None:
    told = read(asked())
    assert "停电户数" in told
    assert "转供操作时短停" not in told


def test_a_planned_request_tells_times_customers_and_what_was_announced() -> None:
    said = [
        Announcement(
            outage=OUTAGE.id,
            channel=f"公告栏 {n}",
            proof="照片",
            announced_at=AT,
            recorded_by="anna",
            recorded_at=AT,
        )
        for n in range(6)
    ]
    told = read(
        asked(), RequestFacts({}, NAMES, NEEDED, Placed("2026-06/p", OUTAGE.date, OUTAGE, tuple(said)))
    )
    for words in (
        *(
            "2026-06/p",
            f"{OUTAGE.off:%Y-%m-%d %H:%M}",
            f"停电 {OUTAGE.customers_dead} 户",
            str(OUTAGE.rain_date),
        ),
        *("公告栏 3", "另有 2 条，见计划"),
    ):
        assert tight(words) in told, words
    assert "公告栏4" not in told
    live = read(asked(), RequestFacts({}, NAMES, NEEDED, Placed("2026-06/p", OUTAGE.date, None)))
    assert "带电作业日期" in live
    assert "停电户数" not in live


def test_an_outage_that_took_place_tells_its_times_and_why_they_differ() -> None:
    went = Execution(
        outage=OUTAGE.id,
        outcome="deviated",
        works=(WorkResult(work="w-1", done=False, code="crew_missing", remark="班组调走"),),
        customer_hours=31.25,
        by="anna",
        at=AT,
        off=datetime(2026, 6, 1, 0, 5, tzinfo=UTC),
        on=datetime(2026, 6, 1, 4, 0, tzinfo=UTC),
        code="weather",
        reason="雷雨",
    )
    placed = Placed("2026-06/p", OUTAGE.date, OUTAGE, (), went)
    told = read(asked(), RequestFacts({}, NAMES, NEEDED, placed))
    times = ("2026-06-01 08:05", "2026-06-01 12:00")
    for words in (*times, "未完成", "31.2", "天气原因", "雷雨", "人员不足", "班组调走"):
        assert tight(words) in told, words
    fell = Execution(
        outage=OUTAGE.id, outcome="cancelled", works=(), customer_hours=0.0, by="anna", at=AT, code="weather"
    )
    told = read(asked(), RequestFacts({}, NAMES, NEEDED, replace(placed, executed=fell)))
    assert "未停电" in told
    for code in get_args(ReasonCode):
        assert all(f"paper.outage_reason_{code}" in catalogue(lang) for lang in LANGUAGES)


def test_a_request_that_was_given_up_says_so_across_the_page() -> None:
    assert "已撤回" not in read(asked())
    assert "已撤回" in read(withdraw(asked(), by="anna", at=AT, reason="not needed"))


def test_the_same_request_is_the_same_bytes_and_another_has_another_seal() -> None:
    paper = request_paper(asked(), FACTS, BOTH)
    first = print_paper(shown(paper, BOTH), PRINTED)
    assert first == print_paper(shown(request_paper(asked(), FACTS, BOTH), BOTH), PRINTED)
    assert first != print_paper(shown(request_paper(asked(safety="more"), FACTS, BOTH), BOTH), PRINTED)


def announced(**changes: Any) -> list[Notice]:
    """The plan's notices as nobody has announced them yet, each with what `changes` says."""
    found = msgspec.to_builtins(PLAN.notices)
    plain: dict[str, Any] = {"kind": "planned", "state": "due", "announcements": (), "works": frozenset()}
    return [Notice(notice=one, **{**plain, **changes}) for one in found]


def notice(notices: list[Notice], no: str = "2026-06/p") -> str:
    reserve = {one.id: one.rain_date for one in PLAN.outages}
    about: dict[str, Any] = {"no": no, "organisation": "demo", "names": NAMES, "published_at": AT}
    paper = public_notice_paper(notices, reserve=reserve, say=CHINESE, **about)
    return whole(printed(paper, CHINESE, "customer"))


def test_the_public_is_told_of_every_outage_when_where_and_on_which_line() -> None:
    told = notice(announced())
    for one in PLAN.notices:
        assert tight(f"{one.start:%Y-%m-%d %H:%M} – {one.end:%H:%M}") in told
        assert all(tight(section) in told for section in one.sections)
        assert all(tight(NAMES[name]) in told for name in one.feeders)
    assert str(OUTAGE.rain_date) in told
    assert "视线路和设备为带电" in told
    assert "取消停电" not in told
    assert "原为" not in told


def test_what_is_otherwise_than_was_announced_says_so() -> None:
    was = {**announced()[0].notice, "from": "2026-05-31T08:00:00", "to": "2026-06-01T01:00:00"}
    corrected, gone = announced(kind="corrected", was=was)[0], announced(kind="withdrawn", was=was)[1]
    told = notice([corrected, gone])
    assert tight("原为 2026-05-31 08:00 – 2026-06-01 01:00") in told, "over midnight, both days"
    assert "取消停电" in told
    assert told.index(tight(corrected.notice["from"].replace("T", " ")[:16])) > 0


def test_an_outage_that_is_cancelled_has_no_day_in_reserve() -> None:
    kept = [one for one in announced() if one.notice["outage"] == OUTAGE.id]
    gone = [one for one in announced(kind="withdrawn") if one.notice["outage"] == OUTAGE.id]
    assert str(OUTAGE.rain_date) in notice(kept)
    assert str(OUTAGE.rain_date) not in notice(gone)
