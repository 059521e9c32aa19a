"""Lists over HTTP: in with a report, out as they were asked for, and defused."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import openpyxl
import pytest

from tests.desk import Desk, open_desk, refused
from tests.transfer.lists import csv_text, row


def send(desk: Desk, data: bytes | str, *, by: str = "manager", **form: Any) -> Any:
    raw = data.encode() if isinstance(data, str) else data
    fields = {"file": (io.BytesIO(raw), "list.csv"), **form}
    return desk.ask("POST", "/cases/import", by=by, data=fields)


def test_a_list_is_taken_in_and_reported_on(desk: Desk) -> None:
    answer = send(desk, csv_text([row(1), row(2, 经度="east")]), dry_run="true")
    assert answer.status_code == 200
    dry = answer.get_json()
    assert (dry["dry_run"], dry["opened"], dry["refused"]) == (True, 1, 1)
    assert desk.get("/cases")["total"] == 0
    wet = send(desk, csv_text([row(1), row(2, 经度="east")])).get_json()
    assert {**wet, "dry_run": True} == dry
    (told,) = wet["findings"]
    assert (told["row"], told["field"], told["column"]) == (3, "site.lon", "经度")
    (shown,) = desk.get("/cases")["items"]
    assert (shown["no"], shown["manager"]) == ("YK-0001", "manager")


def test_a_request_takes_in_no_more_rows_than_the_setting_says(desk_of_two: Desk) -> None:
    report = send(desk_of_two, csv_text([row(n) for n in range(3)])).get_json()
    assert (report["complete"], report["opened"]) == (False, 2)
    assert report["findings"][0]["code"] == "too_many_rows"


@pytest.fixture
def desk_of_two(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with open_desk(tmp_path_factory.mktemp("two"), max_import_rows=2) as desk:
        yield desk


def test_changing_cases_takes_a_reason(desk: Desk) -> None:
    send(desk, csv_text([row(1)]))
    changed = csv_text([row(1, 客户名称="新名")])
    refused(send(desk, changed, update="true"), 422, "import_reason_missing")
    assert send(desk, changed, update="true", reason="as registered").get_json()["updated"] == 1


def test_what_is_no_list_is_told_and_never_a_crash(desk: Desk) -> None:
    for data in (b"", b"\x00\x01", b"PK\x03\x04", b"[1,2]", b"{", b"\xff\xfe\x00"):
        answer = send(desk, data)
        assert answer.status_code == 200, data
        assert answer.get_json()["complete"] is False
    refused(desk.ask("POST", "/cases/import", data={}), 422, "invalid_fields")


def filled(desk: Desk) -> str:
    desk.open_case(customer={"name": "=cmd|'/c calc'!A1", "address": '+1 Road, "East"\n2'})
    case = desk.open_case(customer={"name": "Blue Heron"})
    desk.assign(case, due="2026-12-01")
    return case


def test_lists_come_out_as_csv_without_formulas(desk: Desk) -> None:
    filled(desk)
    answer = desk.ask("GET", "/exports/cases?sort=no", headers={"Accept-Language": "en"})
    assert answer.content_type.startswith("text/csv")
    assert "cases.csv" in answer.headers["Content-Disposition"]
    assert answer.data.startswith(b"\xef\xbb\xbf")
    head, first, second = csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline=""))
    assert head[:3] == ["Application no", "Customer", "Address"]
    assert first[:3] == ["YK-0001", "'=cmd|'/c calc'!A1", '\'+1 Road, "East"\n2']
    assert second[1] == "Blue Heron"
    assert float(second[head.index("Longitude")]) == 121.87


def test_lists_come_out_as_json_and_as_workbooks(desk: Desk) -> None:
    filled(desk)
    found = json.loads(desk.ask("GET", "/exports/tasks?format=json").data)
    assert [(one["no"], one["kind"], one["assignees"]) for one in found] == [
        ("YK-0002", "acceptance", "inspector")
    ]
    assert json.loads(desk.ask("GET", "/exports/notices?format=json").data) == []
    answer = desk.ask("GET", "/exports/cases?format=xlsx&sort=no")
    rows = list(openpyxl.load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True))  # type: ignore[union-attr]
    assert [line[1] for line in rows] == ["客户名称", "'=cmd|'/c calc'!A1", "Blue Heron"]
    assert rows[2][4] == 10


def test_an_export_is_filtered_and_seen_like_the_list(desk: Desk) -> None:
    filled(desk)
    desk.hire("stranger", "manager", organisation="north")
    assert len(json.loads(desk.ask("GET", "/exports/cases?format=json&q=heron").data)) == 1
    assert json.loads(desk.ask("GET", "/exports/cases?format=json", by="stranger").data) == []
    refused(desk.ask("GET", "/exports/cases?format=pdf"), 422, "invalid_fields")
    refused(desk.ask("GET", "/exports/cases?limit=3"), 422, "invalid_fields")
    refused(desk.ask("GET", "/exports/users"), 404, "not_found")


def test_an_export_reaches_beyond_a_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.transfer.exporting._PAGE", 2)
    send(desk, csv_text([row(n) for n in range(7)]))
    for sort in ("no", "-updated"):
        found = json.loads(desk.ask("GET", f"/exports/cases?format=json&sort={sort}").data)
        assert len({one["no"] for one in found}) == len(found) == 7


def test_what_comes_out_goes_in_again_unchanged(desk: Desk) -> None:
    filled(desk)
    shifted = {"lon": 121.5432101, "lat": 29.8765432, "datum": "bd09"}
    case = desk.open_case(site=shifted)
    data = desk.ask("GET", "/exports/cases?format=json").data
    report = send(desk, data).get_json()
    assert (report["unchanged"], report["findings"]) == (3, [])
    moved = [{**one, "lon": one["lon"] + 0.001} for one in json.loads(data)]
    send(desk, json.dumps(moved), update="true", reason="surveyed")
    site = desk.case(case).site
    (out,) = (one for one in moved if abs(one["lon"] - 121.53) < 0.02)
    assert (site.lon, site.lat, site.datum) == (out["lon"], out["lat"], "wgs84")
