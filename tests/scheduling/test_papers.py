"""An outage's request and the public notice, on paper: nothing made up, nothing left out, the same bytes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from server.reports.paper import print_paper, shown
from server.scheduling.papers import Placed, RequestFacts, public_notice_paper, request_paper
from server.scheduling.plans import Announcement
from server.scheduling.requests import Particulars, Request, agree, request, withdraw
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


def test_a_request_that_was_given_up_says_so_across_the_page() -> None:
    assert "已撤回" not in read(asked())
    assert "已撤回" in read(withdraw(asked(), by="anna", at=AT, reason="not needed"))


def test_the_same_request_is_the_same_bytes_and_another_has_another_seal() -> None:
    paper = request_paper(asked(), FACTS, BOTH)
    first = print_paper(shown(paper, BOTH), PRINTED)
    assert first == print_paper(shown(request_paper(asked(), FACTS, BOTH), BOTH), PRINTED)
    assert first != print_paper(shown(request_paper(asked(safety="more"), FACTS, BOTH), BOTH), PRINTED)


def notice(**changes: Any) -> str:
    about: dict[str, Any] = {"no": "2026-06/p", "organisation": "demo", "names": NAMES, "published_at": AT}
    paper = public_notice_paper(PLAN, **{**about, "say": CHINESE, **changes})
    return whole(printed(paper, CHINESE, "customer"))


def test_the_public_is_told_of_every_outage_when_where_and_on_which_line() -> None:
    told = notice()
    for one in PLAN.notices:
        assert tight(f"{one.start:%Y-%m-%d %H:%M} – {one.end:%H:%M}") in told
        assert all(tight(section) in told for section in one.sections)
        assert all(tight(NAMES[name]) in told for name in one.feeders)
    assert str(OUTAGE.rain_date) in told
    assert "视线路和设备为带电" in told


def test_a_notice_of_one_outage_tells_of_no_other() -> None:
    told = notice(only=OUTAGE.id)
    assert f"TG-2026-06/p-{OUTAGE.id}" in told
    others = [one for one in PLAN.notices if one.outage != OUTAGE.id and one.start != OUTAGE.off]
    assert others
    assert not [one for one in others if tight(f"{one.start:%Y-%m-%d %H:%M} –") in told]
    with pytest.raises(KeyError):
        notice(only="none")


def test_a_notice_that_holds_no_more_says_so() -> None:
    assert "已被新版本取代" in notice(stamp="superseded")
    assert "已撤回" in notice(stamp="withdrawn")


def test_an_outage_over_midnight_tells_both_days() -> None:
    first = PLAN.notices[0]
    later = replace(first, end=first.end.replace(day=first.end.day + 1))
    told = whole(
        printed(
            public_notice_paper(
                replace(PLAN, notices=(later,)),
                no="n",
                organisation="demo",
                names=NAMES,
                published_at=AT,
                say=CHINESE,
            )
        )
    )
    assert tight(f"{later.start:%Y-%m-%d %H:%M} – {later.end:%Y-%m-%d %H:%M}") in told
