"""Defects by contractor: each notice counted once, by the days of the period, in no order of merit."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

from server.bulletins.contractors import Contractors, by_contractor
from server.bulletins.record import CaseRecord, NoticeRecord, packed, record_of, unpacked
from server.bulletins.values import Mean, Rate
from server.workflow import commands as c
from server.workflow.rectification import Contractor, Heading
from tests.bulletins.test_bulletins import NOVEMBER, POLICY, TODAY, case
from tests.workflow.builders import Desk, item


def notice(n: int = 1, **changes: Any) -> NoticeRecord:
    fields: dict[str, Any] = {
        "n": n,
        "stage": "acceptance",
        "severity": "major",
        "items": 2,
        "rounds": 1,
        "supplement": False,
        "issued": date(2026, 11, 3),
        "closed": date(2026, 11, 13),
        "withdrawn": None,
        "contractor": "Willow Electric",
    }
    return NoticeRecord(**{**fields, **changes})


def made(*records: CaseRecord, today: date = TODAY) -> Contractors:
    return by_contractor(records, NOVEMBER, organisation="north", today=today)


def test_what_is_counted_of_a_contractor() -> None:
    again = notice(2, rounds=3, supplement=True, closed=None, items=1)
    slow = notice(issued=date(2026, 11, 1), closed=date(2026, 11, 21), rounds=2)
    [row] = made(case(1, notices=(notice(), again)), case(2, notices=(slow,))).rows
    assert (row.contractor, row.cases, row.notices, row.defects, row.supplementary) == (
        "Willow Electric",
        2,
        3,
        5,
        1,
    )
    assert (row.rounds, row.first_round, row.days_to_close) == (Mean(3, 2.0), Rate(1, 2, 0.5), Mean(2, 15.0))


def test_only_notices_of_the_period_count_and_none_that_was_withdrawn() -> None:
    before, ahead = notice(issued=date(2026, 10, 31)), notice(issued=date(2026, 12, 1))
    gone = notice(withdrawn=date(2026, 11, 5), closed=None)
    assert made(case(notices=(before, ahead, gone, notice(issued=None)))).rows == ()
    [row] = made(case(notices=(gone,)), today=date(2026, 11, 4)).rows
    assert row.notices == 1, "it stood on that day"
    [row] = made(case(notices=(notice(),)), today=date(2026, 11, 12)).rows
    assert (row.first_round, row.days_to_close) == (Rate(0, 0, None), Mean(0, None))


def test_rows_stand_in_the_order_of_names_whatever_came_first() -> None:
    records = [case(n, notices=(notice(contractor=name),)) for n, name in enumerate(("b", "", "a", "b"))]
    found = made(*records)
    assert [(row.contractor, row.cases) for row in found.rows] == [("", 1), ("a", 1), ("b", 2)]
    random.Random(5).shuffle(records)
    assert made(*records) == found


def test_a_record_keeps_the_contractor_that_a_notice_names() -> None:
    desk = Desk()
    desk.inspect("t-1", "acceptance", item("A"))
    desk.do(c.AmendNotice(n=1, heading=Heading(contractor=Contractor(name="Willow Electric"))))
    desk.issue()
    record = unpacked(packed(record_of(desk.case, POLICY, (), ())))
    assert [one.contractor for one in record.notices] == ["Willow Electric"]
