"""A plan to take along: its picture and its workbook once it is made, its notice once it is published."""

from __future__ import annotations

import io
from typing import Any
from xml.etree import ElementTree

import openpyxl

from tests.api.test_plan_amending import made, published
from tests.api.test_plan_publishing import agree, june, publish, waiting
from tests.desk import Desk, refused
from tests.reports.papers import whole

__all__ = ["june"]

ENGLISH = {"Accept-Language": "en"}
PDF = b"%PDF-"


def test_the_month_is_drawn_for_whoever_may_see_it(june: Desk) -> None:
    answer = june.ask("GET", "/plans/june/picture.svg", headers=ENGLISH)
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    words = [one.text or "" for one in ElementTree.fromstring(answer.text).iter()]
    assert "Outages of 2026-06, by feeder" in words
    assert any(one.startswith("t-01 渔港冷库增容搭火") for one in words)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    again = {**ENGLISH, "If-None-Match": answer.headers["ETag"]}
    assert june.ask("GET", "/plans/june/picture.svg", headers=again).status_code == 304
    chinese = june.ask("GET", "/plans/june/picture.svg", headers={"Accept-Language": "zh-CN"})
    assert "2026-06 停电计划" in chinese.text


def test_the_workbook_has_the_plan_and_its_notices(june: Desk) -> None:
    answer = june.ask("GET", "/plans/june/plan.xlsx", headers=ENGLISH)
    assert answer.status_code == 200
    assert "outages-2026-06-june.xlsx" in answer.headers["Content-Disposition"]
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    works = [row[0] for row in book["Works"].iter_rows(values_only=True)]
    assert sorted(map(str, works[1:])) == ["t-01", "t-02"]
    plan = june.get("/plans/june")["plan"]
    outages = [row[0] for row in book["Outages"].iter_rows(min_row=2, values_only=True)]
    assert outages == [one["id"] for one in plan["outages"]]
    told = [row[0] for row in book["Public notices"].iter_rows(min_row=2, values_only=True)]
    assert told == [one["outage"] for one in plan["notices"]]


def test_what_was_not_made_has_no_files(june: Desk) -> None:
    for name in ("picture.svg", "plan.xlsx", "public-notices.pdf"):
        refused(june.ask("GET", f"/plans/none/{name}"), 404, "not_found")
    refused(june.ask("GET", "/works/none/request.pdf"), 404, "not_found")
    asked: dict[str, Any] = june.get("/plans/june")
    assert asked["published_at"] is None
    refused(june.ask("GET", "/plans/june/public-notices.pdf"), 409, "plan_not_published")


def test_a_request_is_printed_and_knows_its_case_and_its_plan(june: Desk) -> None:
    path = "/works/t-01/request.pdf?language=zh-CN&copies=file"
    before = june.ask("GET", path)
    assert before.data.startswith(PDF)
    case = june.get(f"/cases/{waiting(june)}")
    told = whole(before.data)
    assert "停电计划申请单" in told
    assert str(case["no"]) in told
    assert "2026-06/june" not in told
    agree(june)
    assert publish(june).status_code == 200
    after = june.ask("GET", path, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200, "it says something else now"
    assert "2026-06/june" in whole(after.data)
    same = june.ask("GET", path, headers={"If-None-Match": after.headers["ETag"]})
    assert same.status_code == 304


def test_the_public_notice_is_of_a_plan_or_of_one_of_its_outages(june: Desk) -> None:
    agree(june)
    assert publish(june).status_code == 200
    path = "/plans/june/public-notices.pdf?language=zh-CN"
    every = whole(june.ask("GET", path).data)
    notices = june.get("/plans/june/public-notices")["items"]
    assert "停电公告" in every
    for one in notices:
        assert one["from"][:10] in every
        told = whole(june.ask("GET", f"{path}&outage={one['outage']}").data)
        assert f"TG-2026-06/june-{one['outage']}" in told
    refused(june.ask("GET", f"{path}&outage=none"), 409, "plan_outage_unknown")


def test_another_organisation_sees_none_of_it(june: Desk) -> None:
    june.hire("stranger", "scheduler", organisation="north")
    for path in ("/plans/june/picture.svg", "/plans/june/plan.xlsx", "/works/t-01/request.pdf"):
        refused(june.ask("GET", path, by="stranger"), 404, "not_found")


def test_the_notice_of_an_amended_plan_cancels_what_was_announced(june: Desk) -> None:
    agree(june)
    assert publish(june).status_code == 200
    outages = {
        work["work"]: one["id"] for one in june.get("/plans/june")["plan"]["outages"] for work in one["works"]
    }
    said = {"channel": "board", "proof": "photo 7", "announced_at": june.clock().isoformat()}
    june.post("/plans/june/public-notices", {"outage": outages["t-02"], **said})
    made(june, id="june-2", drop={"t-02": {"code": "material_late", "remark": ""}})
    published(june, "june-2")
    path = "public-notices.pdf?language=zh-CN"
    told = whole(june.ask("GET", f"/plans/june-2/{path}").data)
    assert "取消停电" in told or "变更，原为" in told
    assert "june-2" in refused(june.ask("GET", f"/plans/june/{path}"), 409, "plan_amended")["detail"]
    rows = openpyxl.load_workbook(
        io.BytesIO(june.ask("GET", "/plans/june-2/plan.xlsx", headers=ENGLISH).data)
    )
    kinds = [row[9] for row in rows["Public notices"].iter_rows(values_only=True)]
    assert kinds[0] == "Notice"
    assert {"withdrawn", "corrected"} & set(kinds)
