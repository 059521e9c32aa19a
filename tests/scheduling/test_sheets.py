"""A plan's workbook tells all of it: every work once, every outage, what is left out, every notice."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from msgspec.structs import replace

from server.scheduling.executing import Execution
from server.scheduling.sheets import Around, write_plan
from server.texts import LANGUAGES, catalogue, text
from tests.scheduling.demo_plan import MONTH, NAMES, PLAN

REASONS = {"T-13": ["T-13 is not in the plan.", "The supply of customer SCHOOL is guaranteed."]}


def rows(*announced: tuple[str, str], state: str | None = "announced") -> list[dict[str, Any]]:
    """The notices as the API tells them; `announced` are outages with the proof that they were."""
    found = []
    for one in PLAN.notices:
        said = [
            {"channel": "board", "proof": proof, "announced_at": "2026-05-26T08:00:00Z"}
            for outage, proof in announced
            if outage == one.outage
        ]
        row = {
            "outage": one.outage,
            "by": str(one.by),
            "start": one.start.isoformat(),
            "end": one.end.isoformat(),
            "feeders": one.feeders,
            "sections": one.sections,
            "customers": one.customers,
            "tell": one.tell,
            "text": {"en": f"Outage from {one.start}", "zh-CN": f"停电 {one.start}"},
            "kind": "planned",
            "announcements": said,
        }
        found.append(row if state is None else {**row, "state": state})
    return found


def around(
    notices: list[dict[str, Any]], reasons: dict[str, list[str]] | None = None, **executed: Execution
) -> Around:
    return Around(NAMES, notices, reasons or {}, executed, "Asia/Shanghai")


def book(path: Path, about: Around, lang: str = "en", **changes: Any) -> dict[str, list[dict[str, Any]]]:
    """The workbook by sheet, each row by its headings."""
    write_plan(path / "plan.xlsx", replace(MONTH, **changes), PLAN, about, lang)
    loaded = openpyxl.load_workbook(path / "plan.xlsx")
    found: dict[str, list[dict[str, Any]]] = {}
    for sheet in loaded:
        head, *rows = sheet.iter_rows(values_only=True)
        found[sheet.title] = [dict(zip(map(str, head), row, strict=True)) for row in rows]
    return found


def test_every_work_stands_once_and_every_outage_with_its_switching(tmp_path: Path) -> None:
    found = book(tmp_path, around(rows(), REASONS))
    placed = {row["Work"]: row for row in found["Works"]}
    assert len(placed) == len(found["Works"])
    out = {row["Work"]: row for row in found["Left out"]}
    assert placed.keys() | out.keys() == {one.id for one in MONTH.works}
    assert out["T-13"]["Why"] == "\n".join(REASONS["T-13"])
    assert placed["T-05"]["Outage"] == "live"
    assert (placed["T-05"]["Off"], placed["T-05"]["Day in reserve"]) == (None, None)
    outages = {row["Outage"]: row for row in found["Outages"]}
    for one in PLAN.outages:
        row = outages[one.id]
        assert (row["Off"], row["On"], row["Announce by"].date()) == (one.off, one.on, one.notify_by)
        assert row["Customer-hours"] == pytest.approx(one.customer_hours)
        assert row["Switching there"].count(". ") == len(one.there)
        assert row["Works"] == ", ".join(riding.work for riding in one.works)
    hours = {row["Day"]: row["Customer-hours"] for row in found["Days"]}
    assert sum(hours.values()) == pytest.approx(PLAN.customer_hours)


def test_every_outage_is_announced_in_words_and_each_announcement_has_its_proof(tmp_path: Path) -> None:
    first, second = PLAN.notices[:2]
    about = around(rows((first.outage, "photo 7"), (first.outage, "photo 8")))
    found = book(tmp_path, about)["Public notices"]
    assert len(found) == len(PLAN.notices) + 1
    assert [row["Proof"] for row in found[:3]] == ["photo 7", "photo 8", None]
    assert (found[0]["Outage"], found[2]["Outage"]) == (first.outage, second.outage)
    assert {row["State"] for row in found} == {"announced"}
    for row, one in zip(found[1:], PLAN.notices, strict=True):
        assert row["Words"] == f"Outage from {one.start}"
        assert NAMES[one.feeders[0]] in row["Lines"]
    unpublished = book(tmp_path, around(rows(state=None)))["Public notices"]
    assert {row["State"] for row in unpublished} == {None}


def test_no_cell_is_a_formula_and_none_breaks_the_workbook(tmp_path: Path) -> None:
    works = tuple(replace(one, name='=HYPERLINK("http://x")\x00') for one in MONTH.works)
    why = {"T-13": ["+1", "\x0b" + "x" * 40_000]}
    found = book(tmp_path, around(rows((PLAN.notices[0].outage, "@SUM(1)")), why), works=works)
    assert {row["Name"] for row in found["Works"]} == {'\'=HYPERLINK("http://x")'}
    assert found["Left out"][0]["Why"].startswith("'+1\nxxx")
    assert found["Public notices"][0]["Proof"] == "'@SUM(1)"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_heading_and_code_has_words(tmp_path: Path, lang: str) -> None:
    found = book(tmp_path, around(rows()), lang)
    told = [*found, *(head for rows in found.values() for row in rows for head in row)]
    told += [str(value) for rows in found.values() for row in rows for value in row.values()]
    assert not [one for one in told if "plan_sheet." in one]
    sheets = [words for code, words in catalogue(lang).items() if code.startswith("plan_sheet.sheet.")]
    assert list(found) == sheets
    assert all(len(name) <= 31 for name in sheets), "no sheet's name may be longer"
    assert text("plan_sheet.to.open", lang) in found[sheets[1]][0][text("plan_sheet.column.there", lang)]


def test_an_outage_that_took_place_tells_how_it_went_in_local_times(tmp_path: Path) -> None:
    first, second, third = PLAN.outages[:3]
    off = datetime(2026, 6, 1, 0, 5, tzinfo=UTC)
    plain: dict[str, Any] = {"works": (), "by": "anna", "at": off}
    went = Execution(outage=first.id, outcome="deviated", customer_hours=12.5, off=off, on=off, **plain)
    fell = Execution(outage=second.id, outcome="cancelled", customer_hours=0.0, **plain)
    found = book(tmp_path, around(rows(), {}, **{first.id: went, second.id: fell}))["Outages"]
    told = [(row["As it went"], row["Really off"], row["Real customer-hours"]) for row in found[:3]]
    assert told == [
        ("otherwise", datetime(2026, 6, 1, 8, 5), 12.5),  # noqa: DTZ001  as a sheet has it
        ("did not take place", None, 0.0),
        (None, None, None),
    ]
    assert third.id == found[2]["Outage"]
