"""Bulletins, the ledger and explanations over HTTP: JSON and workbooks of what the lists know."""

from __future__ import annotations

import io
import itertools
import re
import time
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pytest
from pypdf import PdfReader

from server import workbooks
from server.texts import LANGUAGES, catalogue
from server.workflow.monitors import AnomalyCode
from tests.api.test_plan_amending import june
from tests.api.test_plan_executions import outage_of, went
from tests.desk import Clock, Desk, refused

__all__ = ["june"]


def forward(desk: Desk, **by: float) -> None:
    clock: Clock = desk.made.clock  # type: ignore[assignment]
    clock.forward(**by)


@pytest.fixture
def late(desk: Desk) -> Desk:
    """A case that is days beyond its first limits, and one whose customer's name looks like a formula."""
    desk.open_case(customer={"name": '=HYPERLINK("http://x")'}, site=dict(AREA))
    desk.open_case(site=dict(AREA))
    forward(desk, days=5)
    return desk


AREA = {"lon": 121.87, "lat": 29.48, "datum": "wgs84", "county": "象山", "station": "石浦"}


def book(answer: Any) -> dict[str, list[list[Any]]]:
    assert answer.status_code == 200, answer.text
    loaded = openpyxl.load_workbook(io.BytesIO(answer.data))
    return {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in loaded}


def test_a_week_in_json(late: Desk) -> None:
    found = late.get("/reports/bulletins/weekly/2026-W45")
    assert (found["first"], found["last"], found["until"]) == ("2026-11-02", "2026-11-08", "2026-11-07")
    assert found["totals"]["opened"] == found["totals"]["open"] == 2
    assert found["totals"]["late_open"]["internal"] == 2
    assert {group["name"] for group in found["groups"] if group["by"] == "station"} == {"石浦"}
    misses = {(miss["no"], miss["clock"], miss["over_on"]) for miss in found["misses"]}
    assert len({no for no, _, _ in misses}) == 2
    assert {said["said"]["standing"] for said in found["misses"]} == {"unexplained"}
    assert [one["watch"] for one in found["watch"]] == [3, 2, 1]


@pytest.mark.parametrize(
    "path", ["bulletins/monthly/2026-11", "bulletins/quarterly/2026-Q4", "ledger/2026-11"]
)
def test_a_report_is_right_the_moment_a_case_has_changed(late: Desk, path: str) -> None:
    def opened() -> int:
        found = late.get(f"/reports/{path}")
        pages = found.get("pages")
        return int(found["totals"]["opened"]) if pages is None else sum(page["open"] for page in pages)

    before = opened()
    late.open_case()
    assert opened() == before + 1


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("bulletins/daily/2026-11", 404, "not_found"),
        ("bulletins/weekly/2026-11", 422, "period_unknown"),
        ("bulletins/monthly/0001-01", 422, "period_unknown"),
        ("bulletins/monthly/2026-12", 422, "period_ahead"),
        ("ledger/2026-Q4", 422, "period_unknown"),
        ("ledger/2030-01", 422, "period_ahead"),
    ],
)
def test_what_is_no_period_is_refused(desk: Desk, path: str, status: int, code: str) -> None:
    refused(desk.ask("GET", f"/reports/{path}"), status, code)


def test_a_workbook_tells_the_same_and_no_cell_is_a_formula(late: Desk) -> None:
    found = book(late.ask("GET", "/reports/bulletins/weekly/2026-W45?format=xlsx"))
    words = catalogue("zh-CN")
    misses = found[words["bulletin.sheet.misses"]]
    told = late.get("/reports/bulletins/weekly/2026-W45")["misses"]
    assert len(misses) == 1 + len(told)
    assert misses[0][0] == words["bulletin.column.no"]
    names = {row[1] for row in misses[1:]}
    assert '\'=HYPERLINK("http://x")' in names, "a text, behind an apostrophe"
    figures = {(row[0], row[1]): row[2] for row in found[words["bulletin.sheet.figures"]]}
    assert figures[words["bulletin.figure.opened"], None] == 2
    english = late.ask(
        "GET", "/reports/bulletins/weekly/2026-W45?format=xlsx", headers={"Accept-Language": "en"}
    )
    assert "Limits passed" in book(english)
    ledger = book(late.ask("GET", "/reports/ledger/2026-11?format=xlsx"))
    assert list(ledger) == [words[f"bulletin.sheet.{name}"] for name in ("managers", "scores", "misses")]


def test_another_organisation_sees_nothing_of_it(late: Desk) -> None:
    late.hire("stranger", "manager", organisation="north")
    found = late.get("/reports/bulletins/weekly/2026-W45", by="stranger")
    assert (found["totals"]["opened"], found["misses"]) == (0, [])
    assert late.get("/reports/ledger/2026-11", by="stranger")["pages"] == []


def test_a_miss_is_explained_and_audited_and_the_lists_know(late: Desk) -> None:
    late.hire("deputy", "manager")
    case = late.get("/cases?sort=no")["items"][0]["id"]
    [miss, *_] = late.get(f"/cases/{case}/anomalies")["items"]
    assert miss["standing"] == "unexplained"
    body = {"anomaly": miss["anomaly"], "reason": "customer_papers", "words": "身份证明未到"}
    refused(
        late.ask("POST", f"/cases/{case}/explanations", json={**body, "anomaly": "due_soon clock:no:1"}),
        422,
        "anomaly_not_told",
    )
    [told] = late.post(f"/cases/{case}/explanations", body)["items"]
    assert (told["fault"], told["audit"], told["standing"]) == ("customer", "waiting", "waiting")
    assert late.post(f"/cases/{case}/explanations", body)["items"] == [told], "once is enough"
    audit = {"anomaly": miss["anomaly"], "accept": True}
    refused(late.ask("POST", f"/cases/{case}/explanations/audit", json=audit), 403, "audit_needs_another")
    late.post(f"/cases/{case}/explanations/audit", audit, by="deputy")
    listed = late.get("/anomalies?standing=excused")["items"]
    assert [(row["case_id"], row["anomaly"]) for row in listed] == [(case, miss["anomaly"])]
    said = [
        one["said"]
        for one in late.get("/reports/bulletins/weekly/2026-W45")["misses"]
        if (one["case_id"], one["anomaly"]) == (case, miss["anomaly"])
    ]
    for one in said:
        assert (one["standing"], one["by"], one["audited_by"]) == ("excused", "manager", "deputy")
    assert late.get(f"/cases/{case}/explanations", by="auditor")["items"][0]["audit"] == "accepted"


def test_reasons_are_told_with_whose_fault_each_is(desk: Desk) -> None:
    reasons = {row["code"]: row["fault"] for row in desk.get("/explanation-reasons")["items"]}
    assert reasons["staff_late"] == "staff"
    assert reasons["customer_papers"] == "customer"


def test_every_word_of_a_workbook_stands_in_both_languages() -> None:
    from typing import get_args

    from server.bulletins.values import GroupBy, Kpis
    from server.workflow.clocks.tables import Unit

    wanted = {f"bulletin.figure.{name}" for name in Kpis.__struct_fields__}
    wanted |= {f"bulletin.anomaly.{code}" for code in get_args(AnomalyCode)}
    wanted |= {f"bulletin.by.{name}" for name in get_args(GroupBy)}
    wanted |= {f"bulletin.unit.{name}" for name in get_args(Unit)}
    for lang in LANGUAGES:
        assert wanted <= set(catalogue(lang))
        names = [words for code, words in catalogue(lang).items() if code.startswith("bulletin.sheet.")]
        assert all(len(name) <= 31 for name in names), "no sheet's name may be longer"
        assert len(set(names)) == len(names)


def test_a_sheet_ends_where_the_format_does(monkeypatch: pytest.MonkeyPatch, late: Desk) -> None:
    monkeypatch.setattr(workbooks, "LAST_ROW", 2)
    found = book(late.ask("GET", "/reports/bulletins/weekly/2026-W45?format=xlsx"))
    assert max(len(rows) for rows in found.values()) == 2
    assert list(itertools.chain(*found.values())), "what fits is there"


def test_a_bulletin_is_printed_and_asked_for_once(late: Desk) -> None:
    path = "/reports/bulletins/weekly/2026-W45?format=pdf"
    answer = late.ask("GET", path)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    pages = PdfReader(io.BytesIO(answer.data)).pages
    words = re.sub(r"[\s\u200b]+", "", "".join(page.extract_text() for page in pages))
    for expected in ("业扩时限考核周报", "TB-2026-W45", "期中", "受理户数", "内部时限", f"共{len(pages)}页"):
        assert expected in words, expected
    for miss in late.get("/reports/bulletins/weekly/2026-W45")["misses"]:
        assert miss["no"] in words
    again = late.ask("GET", path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    refused(late.ask("GET", "/reports/ledger/2026-11?format=pdf"), 422, "invalid_fields")


def test_a_month_without_a_plan_says_so_and_tells_no_zeros(desk: Desk) -> None:
    path = "/reports/bulletins/monthly/2026-11"
    assert desk.get(path)["outages"] == {"plans": [], "figures": None, "before": None}
    words = catalogue("zh-CN")
    rows = book(desk.ask("GET", f"{path}?format=xlsx"))[words["bulletin.sheet.outages"]]
    assert [row[1] for row in rows[1:]] == [words["bulletin.outage.no_plan"]]
    assert words["bulletin.outage.no_plan"] in printed(desk, path)
    assert desk.get("/reports/bulletins/weekly/2026-W45")["outages"] is None


def printed(desk: Desk, path: str) -> str:
    """What the paper says, without its spaces."""
    data = desk.ask("GET", f"{path}?format=pdf").data
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages).replace(" ", "")


def test_month_and_quarter_tell_of_the_outages_that_were_planned(june: Desk) -> None:
    june.clock.now = datetime(2026, 7, 1, 1, 0, tzinfo=UTC)
    outage = outage_of(june, "t-06")
    june.post("/plans/june/executions", went(outage))
    figures = june.get("/outage-figures?month=2026-06")["figures"]
    month = june.get("/reports/bulletins/monthly/2026-06")["outages"]
    assert month == {"plans": ["2026-06/june"], "figures": figures, "before": None}
    assert (figures["recorded"], figures["of"]["on_time_rate"], figures["on_time_rate"]) == (1, 1, 1.0)
    quarter = june.get("/reports/bulletins/quarterly/2026-Q2")["outages"]
    assert (quarter["plans"], quarter["figures"]["hours_real"]) == (month["plans"], figures["hours_real"])
    # The month after has no plan of its own, and this one to compare with.
    after = june.get("/reports/bulletins/monthly/2026-07")["outages"]
    assert after == {"plans": [], "figures": None, "before": figures}
    words = catalogue("zh-CN")
    rows = book(june.ask("GET", "/reports/bulletins/monthly/2026-06?format=xlsx"))[
        words["bulletin.sheet.outages"]
    ]
    told = {row[0]: tuple(row[1:3]) for row in rows}
    assert told[words["bulletin.outage.plans"]][0] == "2026-06/june"
    assert told[words["bulletin.outage.hours_real"]] == (figures["hours_real"], None)
    assert told[words["bulletin.outage.on_time_rate"]] == (1.0, 1)
    paper = printed(june, "/reports/bulletins/monthly/2026-06")
    assert f"{words['bulletin.outage.on_time_rate']}100.0%1" in paper
    assert f"{figures['hours_real']:.2f}" in paper


@pytest.mark.parametrize("kind", ["json", "xlsx", "pdf"])
def test_the_same_figures_are_the_same_bytes(june: Desk, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked() -> bytes:
        return bytes(june.ask("GET", f"/reports/bulletins/monthly/2026-06?format={kind}").data)

    june.clock.now = datetime(2026, 6, 20, 1, 0, tzinfo=UTC)
    before = asked()
    # A file of the ZIP format knows times to two seconds.
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    assert asked() == before
