"""The read model can be dropped at any time: it says the same again, and never less than the newest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from server.casework import projecting
from server.casework.projection import project
from server.readmodel.database import ReadModel
from server.readmodel.tables import SCHEMA_VERSION, metadata
from server.workflow.model import Case
from tests.desk import ON_SITE, Desk, open_desk
from tests.readmodel.scheduled import plan, work


def rows(model: ReadModel) -> dict[str, list[tuple[Any, ...]]]:
    with model.engine.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
            # Numbers are never given twice, and pairs are compared anew: see tests/api/test_lookalikes.py.
            if table.name not in {"looks", "lookalikes"}
        }


def show(desk: Desk, case: Case, rev: str) -> None:
    project(desk.made.readmodel, case, rev, desk.made.cases.rules)


def busy(desk: Desk) -> str:
    """A case with all that a list shows: tasks, a notice, a photo, people, a meeting, a meter, a track."""
    case = desk.open_case(site={"lon": 121.9, "lat": 29.5, "datum": "wgs84"})
    task = desk.assign(case, "inspector", "colleague", due="2026-11-09")
    desk.assign(case, "colleague")
    desk.shoot(case, task)
    fixes = [{**ON_SITE, "at": desk.clock().isoformat()}]
    walked = {"_id": "track:t-1", "type": "track", "schema": 1, "by": "inspector", "datum": "wgs84"}
    desk.write("inspector", desk.forms(case), {**walked, "fixes": fixes})
    desk.intake()
    desk.submit(case, task, PF_01=desk.answer("fail", note="rust"))
    desk.intake()
    desk.post(f"/cases/{case}/notices/1/issue")
    called = {"kind": "joint_survey", "at": desk.clock().isoformat(), "place": "office"}
    here = [{"name": "manager", "department": "marketing"}]
    desk.post(f"/cases/{case}/meetings", {**called, "invited": here})
    meter = {"instrument": {"kind": "meter"}, "quantity": 1}
    needed = {"connect_on": "2026-12-10", "lines": [meter]}
    assert desk.ask("PUT", f"/cases/{case}/metering-plan", json=needed).status_code == 200
    desk.open_case(customer={"name": "甬江纺织"})
    desk.made.works.add(work("w-1", cases=(case,)))
    desk.made.plans.add(plan("p-1", works=("w-1",)), b"{}")
    return case


def test_a_rebuild_gives_the_same_rows(desk: Desk) -> None:
    busy(desk)
    before = rows(desk.made.readmodel)
    assert all(before.values()), "every table is tried"
    desk.made.readmodel.clear()
    assert not any(rows(desk.made.readmodel).values())
    assert desk.made.cases.project_all() == (2, 1)
    assert rows(desk.made.readmodel) == before


def test_several_processes_give_the_same_rows(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    busy(desk)
    before = rows(desk.made.readmodel)
    monkeypatch.setattr(projecting, "_FEW", 0)
    monkeypatch.setattr(projecting, "AT_ONCE", 1)
    assert projecting.rebuild(desk.made, processes=2) == (2, 1)
    after = rows(desk.made.readmodel)
    # Whoever was first has the first key.
    assert sum(map(len, after.values())) == sum(map(len, before.values()))
    assert [row[1:] for row in sorted(after["tasks"])] == [row[1:] for row in sorted(before["tasks"])]
    assert not desk.made.readmodel.incomplete
    assert {row["no"] for row in desk.get("/cases?q=甬江")["items"]}


def test_a_case_opened_as_the_lists_are_emptied_is_shown(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    busy(desk)
    monkeypatch.setattr(projecting, "_FEW", 0)
    clear = desk.made.readmodel.clear

    def opening_before() -> None:
        desk.open_case(customer={"name": "北仑机械"})
        clear()

    monkeypatch.setattr(desk.made.readmodel, "clear", opening_before)
    assert projecting.rebuild(desk.made, processes=2) == (3, 1)
    assert [row["customer"] for row in desk.get("/cases?q=北仑")["items"]] == ["北仑机械"]


def test_a_lost_file_is_made_again_at_the_next_start(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        desk.hire("colleague", "inspector")
        busy(desk)
        before = rows(desk.made.readmodel)
    for file in tmp_path.glob("readmodel.sqlite3*"):
        file.unlink()
    with open_desk(tmp_path) as desk:
        assert rows(desk.made.readmodel) == before
        assert desk.get("/cases")["total"] == 2


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 0, 99])
def test_a_file_of_another_version_is_made_again(tmp_path: Path, version: int) -> None:
    with open_desk(tmp_path) as desk:
        desk.hire("colleague", "inspector")
        busy(desk)
        before = rows(desk.made.readmodel)
        with desk.made.readmodel.engine.begin() as connection:
            connection.execute(text(f"PRAGMA user_version={version}"))
            connection.execute(text("DELETE FROM tasks"))
    with open_desk(tmp_path) as desk:
        assert rows(desk.made.readmodel) == before


def test_a_filling_that_was_cut_off_is_done_again_at_the_next_start(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        desk.hire("colleague", "inspector")
        busy(desk)
        before = rows(desk.made.readmodel)
        desk.made.readmodel.clear()  # and then the power goes
    with open_desk(tmp_path) as desk:
        assert rows(desk.made.readmodel) == before
        assert not desk.made.readmodel.incomplete


def test_an_older_decision_never_overwrites_a_newer_one(desk: Desk) -> None:
    case = desk.open_case()
    old = desk.made.cases.load(case)
    desk.patch(f"/cases/{case}", {"reason": "typo", "customer": {"name": "Newer"}})
    before = rows(desk.made.readmodel)
    show(desk, old.case, old.rev)
    assert rows(desk.made.readmodel) == before
    again = desk.made.cases.load(case)
    show(desk, again.case, again.rev)
    assert rows(desk.made.readmodel) == before


def test_a_generation_counts_as_a_number(desk: Desk) -> None:
    """The tenth revision is newer than the ninth, though its text sorts before it."""
    case = desk.open_case()
    known = desk.made.cases.load(case)
    for rev, name in (("9-a", "nine"), ("10-a", "ten"), ("9-b", "nine again")):
        from msgspec.structs import replace

        show(desk, replace(known.case, manager=name), rev)
    assert [row["manager"] for row in desk.get("/cases")["items"]] == ["ten"]


def test_what_left_the_case_leaves_the_lists(desk: Desk) -> None:
    case = desk.open_case()
    task = desk.assign(case)
    desk.patch(f"/cases/{case}/tasks/{task}", {"assignees": ["colleague"], "reason": "ill"})
    assert desk.get("/cases", by="inspector")["total"] == 0
    assert desk.get("/cases", by="colleague")["total"] == 1


def test_the_rows_count_what_is_open(desk: Desk) -> None:
    case = busy(desk)
    [row] = [row for row in desk.get("/cases")["items"] if row["id"] == case]
    assert (row["open_tasks"], row["open_notices"], row["ready"]) == (1, 1, False)
    assert row["next_due"] == "2026-11-17"


def test_a_filling_ends_with_every_index(desk: Desk) -> None:
    busy(desk)
    lists = desk.made.readmodel
    declared = {index.name for table in metadata.sorted_tables for index in table.indexes}

    def there() -> set[str]:
        with lists.engine.connect() as connection:
            named = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql NOTNULL"
            return set(connection.scalars(text(named)))

    assert there() == declared
    lists.clear()
    assert there() < declared
    # Somebody may change a case while the lists are filled.
    case = desk.open_case()
    desk.patch(f"/cases/{case}", {"reason": "typo", "customer": {"name": "Newer"}})
    desk.made.cases.project_all()
    assert there() == declared
    assert desk.get("/cases?q=Newer")["total"] == 1
