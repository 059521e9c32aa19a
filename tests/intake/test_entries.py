"""What repeats on a form, from tablet to closed notice: each entry has findings and photos of its own."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

from tests.checklists.transformers import FORM, LISTED
from tests.desk import ON_SITE, Desk, picture

CHECKLIST = {"id": FORM.id, "version": FORM.version}


def filled(desk: Desk, by: str = "inspector", **changes: Any) -> dict[str, Any]:
    """Answers of a case whose facts nobody has settled; in `changes` T_02k stands for T-02 in entry k."""
    values: dict[str, Any] = {"A_01": "pass", "T": LISTED, "R_01": None}
    for key, rating in (("k", 230), ("m", 400)):
        values |= {f"T_01{key}": rating, f"T_02{key}": 500, f"T_03{key}": "pass"}
    given = {name: value for name, value in values.items() if value is not None}
    answers = {name: desk.answer(value, by=by, location=ON_SITE) for name, value in given.items()}
    answers |= changes
    named = {name.replace("_", "-"): one for name, one in answers.items() if one is not None}
    return {name if len(name) < 5 else f"{name[:4]}#{name[4:]}": one for name, one in named.items()}


def hand_in(desk: Desk, case: str, task: str, answers: dict[str, Any], by: str = "inspector") -> None:
    desk.write(by, desk.forms(case), desk.form(task, by=by, answers=answers, checklist=CHECKLIST))
    desk.intake()


def opened(desk: Desk) -> tuple[str, str]:
    case = desk.open_case()
    return case, desk.assign(case, "inspector", "colleague", checklist=CHECKLIST)


def last(desk: Desk, case: str, task: str) -> dict[str, Any]:
    return desk.receipts(case, task)[-1]


def reasons(desk: Desk, case: str, task: str) -> set[tuple[str, str]]:
    return {(reason["item"], reason["code"]) for reason in last(desk, case, task)["reasons"]}


def answered(desk: Desk, case: str, name: str) -> None:
    """The customer answers the notice, with a photo."""
    fields = {"photo": (io.BytesIO(picture(3)), "x.jpg"), "purpose": "notice:1"}
    photo = desk._good(desk.ask("POST", f"/cases/{case}/photos", data=fields))["id"]
    said = {name: {"text": "mended", "photos": [photo]}}
    desk.post(f"/cases/{case}/notices/1/answer", {"items": said, "answered_by": "Red Maple"})


def test_a_defect_in_one_entry_goes_round_until_that_entry_passes(desk: Desk) -> None:
    case, task = opened(desk)
    low = desk.answer(1, photos=["p-1"], location=ON_SITE)
    hand_in(desk, case, task, filled(desk, T_02m=low))
    assert last(desk, case, task)["missing_photos"] == ["p-1"]
    desk.shoot(case, task, item="T-02#m")
    desk.intake()
    assert (last(desk, case, task)["status"], last(desk, case, task)["failed"]) == ("accepted", ["T-02#m"])

    notice = desk.post(f"/cases/{case}/notices/1/issue")
    [item] = notice["items"]
    assert (item["result"]["code"], item["result"]["severity"]) == ("T-02#m", "critical")
    assert item["result"]["text"]["en"] == "2#主变: Insulation"
    answered(desk, case, "T-02#m")
    desk.post(f"/cases/{case}/notices/1/reinspect", {"assignees": ["colleague"], "task_id": "r-1"})
    assert desk.task(case, "r-1")["items"] == ["T-02#m"]
    hand_in(desk, case, "r-1", {"T-02#m": desk.answer(900, by="colleague")}, by="colleague")
    assert reasons(desk, case, "r-1") == {("T-02#m", "after_photo_missing")}
    desk.shoot(case, "r-1", photo="p-after", by="colleague", item="T-02#m")
    mended = desk.answer(900, by="colleague", photos=["p-after"], location=ON_SITE)
    form = desk.document(desk.forms(case), "inspection:r-1")
    form |= desk.form("r-1", by="colleague", answers={"T-02#m": mended}, checklist=CHECKLIST)
    desk.write("colleague", desk.forms(case), form)
    desk.intake()
    assert desk.get(f"/cases/{case}/notices/1")["state"] == "closed"
    seen = desk.get(f"/cases/{case}/inspections/r-1")["items"]
    assert [(one["code"], one["text"]["zh-CN"], one["verdict"]) for one in seen] == [
        ("T-02#m", "2#主变：绝缘电阻", "pass")
    ]


def test_a_broken_rule_is_closed_by_what_it_compares(desk: Desk) -> None:
    case, task = opened(desk)
    hand_in(desk, case, task, filled(desk, T_01m=desk.answer(315)))
    assert last(desk, case, task)["failed"] == ["R-01"]
    desk.post(f"/cases/{case}/notices/1/issue")
    answered(desk, case, "R-01")
    desk.post(f"/cases/{case}/notices/1/reinspect", {"assignees": ["colleague"], "task_id": "r-1"})
    hand_in(desk, case, "r-1", {}, by="colleague")
    wanted = {("T", "missing_answer"), ("T-01#k", "missing_answer"), ("T-01#m", "missing_answer")}
    assert reasons(desk, case, "r-1") == wanted
    seen = {name: filled(desk, by="colleague")[name] for name in ("T", "T-01#k", "T-01#m")}
    form = desk.document(desk.forms(case), "inspection:r-1")
    desk.write("colleague", desk.forms(case), {**form, "answers": seen, "status": "submitted"})
    desk.intake()
    assert desk.get(f"/cases/{case}/notices/1")["state"] == "closed"


def test_a_photo_of_one_entry_is_none_of_another(desk: Desk) -> None:
    case, task = opened(desk)
    desk.shoot(case, task, item="T-02#k")
    desk.intake()
    hand_in(desk, case, task, filled(desk, T_02m=desk.answer(1, photos=["p-1"])))
    assert reasons(desk, case, task) == {("T-02#m", "photo_of_another_item")}


def test_two_tablets_fill_in_an_entry_each(desk: Desk) -> None:
    case, task = opened(desk)
    ours = filled(desk, T=desk.answer(LISTED[:1]), T_01m=None, T_02m=None, T_03m=None)
    theirs = filled(desk, "colleague", T=desk.answer(LISTED[1:], by="colleague"), T_01k=None, T_02k=None)
    theirs.pop("T-03#k")
    base = desk.form(task, answers=ours, checklist=CHECKLIST)
    other = desk.form(task, by="colleague", answers=theirs, checklist=CHECKLIST)
    desk.graft("inspector", desk.forms(case), base, "aa")
    desk.graft("colleague", desk.forms(case), other, "bb")
    desk.intake()
    assert last(desk, case, task)["status"] == "accepted"
    merged = desk.get(f"/cases/{case}/inspections/{task}")["answers"]
    assert {one["entry"] for one in merged["T"]["value"]} == {"k", "m"}


def test_photos_on_their_way_are_waited_for_and_then_held_against_the_visit(desk: Desk) -> None:
    for late, verdict in ((timedelta(0), "pass"), (timedelta(hours=3), "warning")):
        case, task = opened(desk)
        hand_in(desk, case, task, filled(desk, A_01=desk.answer("pass", photos=[f"p-{verdict}"])))
        assert last(desk, case, task)["status"] == "awaiting_photos"
        desk.clock.now += late
        desk.shoot(case, task, photo=f"p-{verdict}", item="A-01")
        desk.intake()
        assert last(desk, case, task)["status"] == "accepted"
        items = {one["code"]: one for one in desk.get(f"/cases/{case}/inspections/{task}")["items"]}
        assert items["R-02"]["verdict"] == verdict
