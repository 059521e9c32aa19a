"""A list opens each application once, says what is wrong by row and field, and changes nothing unasked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from server.casework.numbers import claim_number
from server.people.service import UserChange
from server.transfer.importing import Report, Wanted, import_list
from server.transfer.sheets import Limits
from server.workflow.log import verify_log
from server.workflow.model import Actor
from tests.desk import SITE, Desk
from tests.transfer.lists import HEADINGS, csv_text, row, workbook

LIMITS = Limits(rows=1000, bytes=10_000_000)


def taken(desk: Desk, folder: Path, rows: Sequence[Sequence[Any]], **how: Any) -> Report:
    headings = how.pop("headings", HEADINGS)
    path = folder / "list.csv"
    path.write_text(csv_text(rows, headings))
    return import_file(desk, path, **how)


def import_file(desk: Desk, path: Path, **how: Any) -> Report:
    wanted = Wanted("demo", "manager", **how)
    return import_list(desk.made, path, wanted, Actor("manager", ("manager",)), LIMITS)


def counts(report: Report) -> dict[str, int]:
    names = ("rows", "opened", "unchanged", "changed", "updated", "refused")
    return {name: value for name in names if (value := getattr(report, name))}


def case_of(desk: Desk, no: str) -> Any:
    (found,) = [one for one in desk.get(f"/cases?q={no}")["items"] if one["no"] == no]
    return desk.case(found["id"])


def test_the_same_list_again_opens_nothing_twice(desk: Desk, tmp_path: Path) -> None:
    rows = [row(n) for n in range(1, 4)]
    assert counts(taken(desk, tmp_path, rows)) == {"rows": 3, "opened": 3}
    again = taken(desk, tmp_path, rows)
    assert counts(again) == {"rows": 3, "unchanged": 3}
    assert again.findings == []
    case = case_of(desk, "YK-0001")
    assert verify_log(case)
    assert (case.customer.name, case.process, case.manager) == ("客户 1", "hv", "manager")
    assert case.supply.capacity_kva == 630.0


def test_a_dry_run_says_the_same_and_changes_nothing(desk: Desk, tmp_path: Path) -> None:
    rows = [row(1), row(2, 经度="east"), row(3, **{"供电电压(kV)": "10 kV"})]
    before = desk.made.store.database_names()
    dry = taken(desk, tmp_path, rows, dry_run=True)
    assert desk.made.store.database_names() == before
    wet = taken(desk, tmp_path, rows)
    assert (counts(dry), dry.findings) == (counts(wet), wet.findings)
    assert counts(wet) == {"rows": 3, "opened": 2, "refused": 1}


def test_a_row_that_says_otherwise_is_reported_and_changed_only_when_asked(
    desk: Desk, tmp_path: Path
) -> None:
    taken(desk, tmp_path, [row(1), row(2)])
    changed = [row(1, 客户名称="新名"), row(2)]
    report = taken(desk, tmp_path, changed)
    assert counts(report) == {"rows": 2, "unchanged": 1, "changed": 1}
    (told,) = [finding.told() for finding in report.findings]
    assert (told["row"], told["field"], told["code"]) == (2, "customer", "case_differs")
    assert case_of(desk, "YK-0001").customer.name == "客户 1"
    dry = taken(desk, tmp_path, changed, update=True, reason="as registered", dry_run=True)
    assert case_of(desk, "YK-0001").customer.name == "客户 1"
    assert counts(dry) == counts(taken(desk, tmp_path, changed, update=True, reason="as registered"))
    case = case_of(desk, "YK-0001")
    assert case.customer.name == "新名"
    assert case.customer.address == "运河路 2 号"
    assert case.log[-1].data["reason"] == "as registered"
    assert counts(taken(desk, tmp_path, changed)) == {"rows": 2, "unchanged": 2}


def test_what_a_row_is_silent_on_stays(desk: Desk, tmp_path: Path) -> None:
    desk.hire("deputy", "manager")
    taken(desk, tmp_path, [[*row(1), "deputy"]], headings=(*HEADINGS, "客户经理"))
    assert counts(taken(desk, tmp_path, [row(1, 用电地址="")])) == {"rows": 1, "unchanged": 1}
    assert case_of(desk, "YK-0001").manager == "deputy"


def test_faults_are_told_by_row_field_and_heading(desk: Desk, tmp_path: Path) -> None:
    desk.hire("gone", "manager")
    desk.made.people.update_user("gone", UserChange(disabled=True), by="admin")
    rows = [
        [*row(1, 申请编号=""), "", ""],
        [*row(2, 经度="1e9"), "", ""],
        [*row(3, **{"申请容量(kVA)": "nan"}), "", ""],
        [*row(4), "煤气", ""],
        [*row(5), "低压", ""],
        [*row(6), "", "gone"],
        [*row(7, 经度=0, 纬度=0), "", ""],
        [*row(8, 申请编号="x" * 41), "", ""],
        [*row(9, 客户名称="=1+1"), "", ""],
        [*row(10), "", ""],
        [*row(10), "", ""],
        [*row(11, 客户名称="名" * 201), "", ""],
    ]
    report = taken(desk, tmp_path, rows, headings=(*HEADINGS, "业务流程", "客户经理"))
    assert counts(report) == {"rows": 12, "opened": 1, "refused": 11}
    told = [finding.told() for finding in report.findings]
    assert {(one["row"], one["field"], one["code"]) for one in told} >= {
        (2, "no", "value_missing"),
        (3, "site.lon", "not_a_number"),
        (4, "supply.capacity_kva", "not_a_number"),
        (5, "process", "not_a_process"),
        (6, "process", "process_does_not_fit"),
        (7, "manager", "not_a_manager"),
        (9, "no", "too_long"),
        (12, "no", "number_twice"),
        (13, None, "invalid"),
    }
    assert {one["row"] for one in told} == {2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13}
    for one in told:
        for words in one["text"].values():
            assert words
            assert "{" not in words


def test_a_position_without_a_datum_is_refused_and_never_guessed_at(desk: Desk, tmp_path: Path) -> None:
    rows = [row(1, 坐标系=""), row(2)]
    report = taken(desk, tmp_path, rows)
    assert counts(report) == {"rows": 2, "opened": 1, "refused": 1}
    assert [(one.row, one.field, one.code) for one in report.findings] == [(2, "site", "datum_missing")]
    assert counts(taken(desk, tmp_path, rows, datum="gcj02")) == {"rows": 2, "opened": 1, "unchanged": 1}
    held = {one["no"]: one["id"] for one in desk.get("/cases")["items"]}
    datums = {no: desk.case(case).site.datum for no, case in held.items()}
    assert datums == {"YK-0001": "gcj02", "YK-0002": "wgs84"}


def test_columns_that_stand_for_nothing_are_named(desk: Desk, tmp_path: Path) -> None:
    report = taken(desk, tmp_path, [[*row(1), "x", "y"]], headings=(*HEADINGS, "天气", "用户名称"))
    assert report.ignored_columns == ["天气"]
    assert [finding.code for finding in report.findings] == ["field_twice"]


def test_a_list_without_headings_is_told_once_and_not_row_by_row(desk: Desk, tmp_path: Path) -> None:
    first, *rows = ([str(cell) for cell in row(n)] for n in range(1, 4))
    report = taken(desk, tmp_path, rows, headings=first)
    assert (counts(report), report.complete) == ({}, False)
    [told] = report.told()["findings"]
    assert told["code"] == "no_heading_known"
    assert "YK-0001" in told["text"]["en"]
    other = tmp_path / "list.json"
    other.write_text(json.dumps([{"foo": 1}, {"bar": 2}]))
    assert [one.code for one in import_file(desk, other).findings] == ["no_heading_known"]


def test_what_was_cut_off_goes_on(desk: Desk, tmp_path: Path) -> None:
    made = desk.made
    claim_number(made.store, made.names.registry, "demo", "YK-0001", "cut-off", made.clock())
    assert counts(taken(desk, tmp_path, [row(1), row(2)])) == {"rows": 2, "opened": 2}
    assert made.cases.load("cut-off").case.no == "YK-0001"


def test_a_list_that_breaks_off_is_taken_in_up_to_there(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    good = {"no": "YK-0001", "customer": {"name": "a"}, "site": dict(SITE)}
    whole = {**good, "supply": {"voltage_kv": 10, "capacity_kva": 630}}
    path.write_text(f"[{json.dumps(whole)}, {{")
    report = import_file(desk, path)
    assert not report.complete
    assert counts(report) == {"rows": 1, "opened": 1}
    assert [finding.code for finding in report.findings] == ["broken_json"]


def test_numbers_are_known_within_an_organisation_alone(desk: Desk, tmp_path: Path) -> None:
    taken(desk, tmp_path, [row(1)])
    desk.hire("northern", "manager", organisation="north")
    path = tmp_path / "list.csv"
    north = Wanted("north", "northern")
    report = import_list(desk.made, path, north, Actor("northern", ("manager",)), LIMITS)
    assert counts(report) == {"rows": 1, "opened": 1}


@pytest.mark.parametrize("n", [1001])
def test_findings_beyond_measure_are_counted(desk: Desk, tmp_path: Path, n: int) -> None:
    path = tmp_path / "list.csv"
    path.write_text(csv_text([row(k, 经度="x") for k in range(n)]))
    wanted = Wanted("demo", "manager")
    limits = Limits(rows=n, bytes=10_000_000)
    report = import_list(desk.made, path, wanted, Actor("manager", ("manager",)), limits)
    assert (len(report.findings), report.findings_left_out, report.refused) == (1000, 1, n)


def test_a_workbook_is_taken_in_like_any_list(desk: Desk, tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [row(1), row(2)])
    assert counts(import_file(desk, path)) == {"rows": 2, "opened": 2}


# -- facts


FACTS = (*HEADINGS, "双电源", "dedicated line", "变压器型式", "facts.small_firm", "总容量 100 kVA 及以上")


def test_facts_have_columns_by_title_or_name(desk: Desk, tmp_path: Path) -> None:
    rows = [[*row(1), "是", "no", "干式", "√", "是"], [*row(2), "", "", "dry", "", ""]]
    report = taken(desk, tmp_path, rows, headings=FACTS)
    assert (counts(report), report.findings) == ({"rows": 2, "opened": 2}, [])
    assert report.ignored_columns == ["总容量 100 kVA 及以上"], "it follows from the capacity"
    told = {"dual": True, "dedicated": False, "transformer_type": "dry", "small_firm": True}
    for no, wanted in (("YK-0001", told), ("YK-0002", {"transformer_type": "dry"})):
        facts = case_of(desk, no).facts
        assert {name: fact.value for name, fact in facts.items() if not fact.rule} == wanted
    assert counts(taken(desk, tmp_path, rows, headings=FACTS)) == {"rows": 2, "unchanged": 2}


@pytest.mark.parametrize(
    ("heading", "cell"),
    [("双电源", "maybe"), ("变压器型式", "水冷"), ("dedicated line", "2"), ("facts.gen", "是否")],
)
def test_a_cell_that_no_fact_can_be_is_told_with_what_it_can(
    desk: Desk, tmp_path: Path, heading: str, cell: str
) -> None:
    report = taken(desk, tmp_path, [[*row(1), cell]], headings=(*HEADINGS, heading))
    assert counts(report) == {"rows": 1, "refused": 1}
    [told] = [finding.told() for finding in report.findings]
    assert (told["row"], told["column"], told["code"]) == (2, heading, "not_a_fact_value")
    assert cell in told["text"]["zh-CN"]
    assert "{" not in told["text"]["en"]


def test_who_says_otherwise_than_a_rule_says_why_in_the_list(desk: Desk, tmp_path: Path) -> None:
    headings = (*HEADINGS, "须做中间检查", "说明")
    report = taken(desk, tmp_path, [[*row(1), "否", ""], [*row(2), "否", "无隐蔽工程"]], headings=headings)
    assert counts(report) == {"rows": 2, "opened": 1, "refused": 1}
    assert [(one.code, one.row) for one in report.findings] == [("refusal.reason_missing", 2)]
    assert case_of(desk, "YK-0002").facts["mid_check_required"].reason == "无隐蔽工程"


def test_an_update_settles_what_nobody_knew_and_nothing_that_somebody_has_settled(
    desk: Desk, tmp_path: Path
) -> None:
    """Who was on site knows better than a list: a source that was found there does not go away."""
    taken(desk, tmp_path, [row(1)])
    case = case_of(desk, "YK-0001")
    desk.post(f"/cases/{case.id}/facts", {"facts": {"dual": True}, "reason": "seen on site"})
    headings, rows = (*HEADINGS, "双电源", "专线供电"), [[*row(1), "否", "否"]]
    report = taken(desk, tmp_path, rows, headings=headings)
    assert counts(report) == {"rows": 1, "changed": 1}
    assert report.findings[0].params["names"] == "facts.dedicated, facts.dual"
    asked = {"headings": headings, "update": True, "reason": "as registered"}
    dry = taken(desk, tmp_path, rows, dry_run=True, **asked)
    assert "dedicated" not in case_of(desk, "YK-0001").facts
    report = taken(desk, tmp_path, rows, **asked)
    assert counts(dry) == counts(report) == {"rows": 1, "updated": 1}
    assert [(one.code, one.field) for one in report.findings] == [("fact_settled", "facts.dual")]
    facts = case_of(desk, "YK-0001").facts
    assert (facts["dual"].value, facts["dedicated"].value) == (True, False)
    again = taken(desk, tmp_path, rows, **asked)
    assert counts(again) == {"rows": 1, "changed": 1}, "nothing is left that a list may settle"


def test_facts_of_a_json_list_are_read_as_the_api_takes_them(desk: Desk, tmp_path: Path) -> None:
    body = {**desk.application(), "facts": {"dual": True, "gen": False, "transformer_type": "oil"}}
    path = tmp_path / "list.json"
    path.write_text(json.dumps([body]))
    report = import_file(desk, path)
    assert (counts(report), report.findings) == ({"rows": 1, "opened": 1}, [])
    facts = case_of(desk, body["no"]).facts
    assert [facts[name].value for name in body["facts"]] == [True, False, "oil"]
