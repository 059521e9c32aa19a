"""A bulletin on paper tells every figure beside that of the period before, and says what it left out."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from server.bulletins.periods import PeriodKind
from server.bulletins.values import AnomalyLine, Bulletin, Group, Kpis, Mean, Miss, Rate, Said, StageLine
from server.reports.bulletin import MOST_ROWS, bulletin_paper
from server.reports.paper import print_paper, shown
from server.texts import catalogue
from server.workflow.clocks.tables import ClockKind
from tests.reports.papers import BOTH, CHINESE, PRINTED, printed, texts, whole

RATES: dict[ClockKind, Rate] = {
    "internal": Rate(6, 7, 6 / 7),
    "promise": Rate(7, 7, 1.0),
    "legal": Rate(0, 0, None),
}
KPIS = Kpis(
    opened=31,
    replied=9,
    energized=8,
    archived=7,
    cancelled=1,
    open=52,
    met=RATES,
    late_open={"internal": 3, "promise": 1, "legal": 0},
    connection_days=Mean(8, 8.25),
    calendar_days=Mean(8, 14.0),
    first_pass=Rate(5, 8, 0.625),
    first_pass_intermediate=Rate(0, 0, None),
    rounds=Mean(4, 1.5),
    days_to_close=Mean(4, 6.0),
    notices_issued=5,
    notices_closed=4,
    notices_open=3,
    supplementary=Rate(1, 5, 0.2),
    overdue_connections=RATES,
    rating=Mean(0, None),
)
SAID = Said(standing="unexplained")


def miss(number: int) -> Miss:
    return Miss(
        case_id=f"c-{number}",
        no=f"YK-{number:04}",
        customer="甲公司",
        manager="wang",
        county="象山",
        station="石浦",
        stage="survey",
        clock="survey",
        kind="internal",
        run=1,
        limit=3,
        unit="working",
        over_on=date(2026, 11, 5),
        ended=None,
        used=None,
        anomaly="a",
        said=SAID,
    )


BULLETIN = Bulletin(
    kind="weekly",
    period="2026-W45",
    first=date(2026, 11, 2),
    last=date(2026, 11, 8),
    until=date(2026, 11, 8),
    organisation="xiangyang",
    totals=KPIS,
    before=replace(KPIS, opened=27),
    stages=(
        StageLine(
            clock="survey",
            kind="internal",
            unit="working",
            ended=9,
            late=2,
            mean_used=2.5,
            open=4,
            open_late=1,
        ),
    ),
    groups=(Group(by="station", name="石浦供电所", rank=1, kpis=KPIS),),
    anomalies=(
        AnomalyLine(
            monitor="one_person",
            code="visit_alone",
            arisen=2,
            unexplained=1,
            late=0,
            waiting=1,
            staff=0,
            excused=0,
        ),
    ),
    watch=(),
    misses=(miss(1),),
)


def test_every_figure_is_told_with_what_it_is_of_and_the_period_before() -> None:
    words = whole(printed(bulletin_paper(BULLETIN, CHINESE)))
    told = catalogue("zh-CN")
    for name in Kpis.__struct_fields__:
        assert told[f"bulletin.figure.{name}"].replace(" ", "") in words, name
    for expected in ("受理户数3127", "85.7%", "6/7", "8.25", "62.5%", "石浦供电所", "单人作业", "YK-0001"):
        assert expected in words, expected


def test_what_there_is_nothing_of_is_a_dash_and_no_zero() -> None:
    words = whole(printed(bulletin_paper(BULLETIN, CHINESE)))
    assert "客户评价–0–" in words
    first_of_all = whole(printed(bulletin_paper(replace(BULLETIN, before=None), CHINESE)))
    assert "受理户数31" in first_of_all
    assert "3127" not in first_of_all


def test_a_period_that_goes_on_is_stamped() -> None:
    assert bulletin_paper(BULLETIN, CHINESE).stamp == ()
    assert bulletin_paper(replace(BULLETIN, until=date(2026, 11, 5)), CHINESE).stamp == ("期中",)


def test_long_lists_are_cut_and_say_so() -> None:
    misses = tuple(miss(number) for number in range(1, MOST_ROWS + 12))
    words = whole(printed(bulletin_paper(replace(BULLETIN, misses=misses), CHINESE)))
    assert f"YK-{MOST_ROWS:04}" in words
    assert f"YK-{MOST_ROWS + 1:04}" not in words
    assert "另有11行未打印" in words


@pytest.mark.parametrize("kind", ["weekly", "monthly", "quarterly"])
def test_a_bulletin_has_one_copy_and_a_title_of_its_kind(kind: PeriodKind) -> None:
    paper = bulletin_paper(replace(BULLETIN, kind=kind), BOTH)
    pages = texts(print_paper(shown(paper, BOTH, None), PRINTED))
    assert catalogue("zh-CN")[f"paper.title_bulletin_{kind}"] in pages[0]
    assert f"第{len(pages)}页，共{len(pages)}页" in pages[-1]
    assert "第一联" not in "".join(pages)
    assert "工单编号" not in pages[0]
