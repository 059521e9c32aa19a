"""What closes an item beside a good form: the right person, a photo from after, a visit.

Lacking, it is looked at once more, and the customer hears of no new round.
"""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.closing import covered_unseen, may_close, specialties, specialty_of
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.model import CodedReason, ItemResult, PhotoRef, Presence, Task
from tests.workflow.builders import COLLEAGUE, INSPECTOR, Desk, accepted, item, refused

PROTECTION = {COLLEAGUE.name: ("protection",)}


def answered(*items: ItemResult, photos: tuple[PhotoRef, ...] = (), **policy: Any) -> Desk:
    desk = Desk()
    desk.policy = replace(desk.policy, **policy)
    desk.inspect("t-1", "acceptance", *items)
    desk.issue()
    desk.answer(1, photos=photos)
    return desk


def order(*people: str, **more: Any) -> c.ScheduleReinspection:
    assignees = people or (COLLEAGUE.name,)
    return c.ScheduleReinspection(**{"n": 1, "task_id": "r", "assignees": assignees, **more})


def look(desk: Desk, *items: ItemResult, by: str = COLLEAGUE.name, **more: Any) -> tuple[str, int, list[str]]:
    """Hand in the re-inspection; returns the notice's state and round, and what its first item lacks."""
    desk.submit("r", accepted(*items, **more), by=by)
    notice = desk.notice()
    return notice.state, notice.round, list(notice.items[0].rounds[-1].lacking)


def test_the_table_names_each_specialty_once() -> None:
    assert set(specialties()) == {"primary", "protection", "metering", "civil", "safety"}
    assert [specialty_of(code) for code in ("CM-03", "CR-01", "MG-03", "CT-03#5f0c", "?")] == [
        "metering",
        "protection",
        None,
        "primary",
        None,
    ]
    assert covered_unseen("MG-03")
    assert not covered_unseen("MG-01")


def test_nobody_is_excluded_for_whom_or_for_which_no_specialty_is_set() -> None:
    assert may_close({}, "anybody", "CR-01")
    assert may_close({"li": ("metering",)}, "li", "MG-01")
    assert not may_close({"li": ("metering",)}, "li", "CR-01")


def test_somebody_of_the_specialty_is_sent() -> None:
    desk = answered(item("CM-01"))
    refusal = refused(desk, order(specialties=PROTECTION))
    assert (refusal.code, refusal.params["specialty"]) == ("specialist_missing", "metering")
    desk.do(order(COLLEAGUE.name, INSPECTOR.name, specialties=PROTECTION))
    alone = c.Reassign(task_id="r", assignees=(COLLEAGUE.name,), reason="ill", specialties=PROTECTION)
    assert refused(desk, alone).code == "specialist_missing"


def test_what_somebody_of_another_specialty_saw_good_is_looked_at_again() -> None:
    desk = answered(item("CM-01"))
    desk.do(order(COLLEAGUE.name, INSPECTOR.name, specialties=PROTECTION))
    good = item("CM-01", "pass", by=COLLEAGUE.name)
    assert look(desk, good) == ("answered", 1, ["specialty"])
    assert desk.notice().items[0].state == "passed_once"
    assert "notices-closed" in desk.red()
    second = desk.reinspect(1, INSPECTOR.name)
    desk.submit(second.id, accepted(item("CM-01", "pass")), by=INSPECTOR.name)
    assert desk.notice().state == "closed"


def test_an_organisation_may_do_without_specialties() -> None:
    desk = answered(item("CM-01"), closing_by_specialty=False)
    desk.do(order(specialties=PROTECTION))
    assert look(desk, item("CM-01", "pass", by=COLLEAGUE.name))[0] == "closed"


def test_a_photo_from_before_asks_for_one_from_after() -> None:
    desk = answered(item("A", photos=["p-1"]))
    desk.do(order())
    assert look(desk, item("A", "pass")) == ("answered", 1, ["after_photo"])
    again = desk.reinspect(1, COLLEAGUE.name)
    desk.submit(again.id, accepted(item("A", "pass", photos=["p-1"])), by=COLLEAGUE.name)
    assert desk.notice().state == "answered", "the same photo shows no change"
    last = desk.reinspect(1, COLLEAGUE.name)
    desk.submit(last.id, accepted(item("A", "pass", photos=["p-2"])), by=COLLEAGUE.name)
    assert desk.notice().state == "closed"


def test_an_organisation_may_do_without_the_pair() -> None:
    desk = answered(item("A", photos=["p-1"]), after_photo_required=False)
    desk.do(order())
    assert look(desk, item("A", "pass"))[0] == "closed"


@pytest.mark.parametrize(
    ("severity", "on_site", "state"),
    [("critical", True, "answered"), ("critical", False, "closed"), ("major", True, "closed")],
)
def test_what_is_critical_is_not_closed_from_elsewhere(severity: Any, on_site: bool, state: str) -> None:
    desk = answered(item("A", severity=severity), critical_on_site=on_site)
    desk.do(order())
    away = (CodedReason("A", "presence_outside", {"distance_m": 900}),)
    found = look(desk, item("A", "pass", by=COLLEAGUE.name), findings=away)
    assert found == (state, 1, ["on_site"] if state == "answered" else [])


@pytest.mark.parametrize(
    ("there", "state"),
    [
        (Presence(standing="supported", on_site=("A",)), "closed"),
        (Presence(standing="supported", on_site=("B",), open=1), "answered"),
        (Presence(standing="contradicted", on_site=("B",), off_site=("A",)), "answered"),
        (Presence(standing="open", open=1), "answered"),
    ],
)
@pytest.mark.parametrize("severity", ["critical", "major"])
def test_what_is_critical_is_closed_only_where_something_shows_presence(
    there: Presence, state: str, severity: Any
) -> None:
    """An open verdict never counts as present."""
    desk = answered(item("A", severity=severity))
    desk.do(order())
    found = look(desk, item("A", "pass", by=COLLEAGUE.name), presence=there)
    assert found[0] == (state if severity == "critical" else "closed")
    assert found[2] == (["on_site"] if found[0] == "answered" else [])


PHOTO = PhotoRef("c-1", "aa", verified=True)


def test_minor_items_are_closed_by_photos_only_where_that_is_allowed() -> None:
    desk = answered(item("A", severity="minor", photos=["p-1"]), photos=(PHOTO,))
    assert refused(desk, order(by_photos=True)).code == "visit_wanted"
    desk.policy = replace(desk.policy, minor_by_photos=True)
    desk.do(order(by_photos=True))
    assert look(desk, item("A", "pass")) == ("closed", 1, [])


@pytest.mark.parametrize("why", ["major", "no photo"])
def test_photos_are_not_enough_for_what_is_grave_or_not_shown(why: str) -> None:
    severity: Any = "major" if why == "major" else "minor"
    photos = () if why == "no photo" else (PHOTO,)
    desk = answered(item("A", severity=severity), photos=photos, minor_by_photos=True)
    assert refused(desk, order(by_photos=True)).code == "photos_not_enough"


def test_a_failure_goes_into_the_next_round_whoever_saw_it() -> None:
    desk = answered(item("CM-01", photos=["p-1"]))
    desk.do(order(COLLEAGUE.name, INSPECTOR.name, specialties=PROTECTION))
    assert look(desk, item("CM-01", by=COLLEAGUE.name)) == ("issued", 2, [])


def test_tasks_and_rounds_from_before_these_rules_are_read() -> None:
    desk = answered(item("A"))
    desk.do(order())
    look(desk, item("A", "pass"))
    document = case_to_document(desk.case)
    for name in ("specialties", "by_photos"):
        del document["tasks"]["r"][name]
    del document["notices"]["1"]["items"][0]["rounds"][0]["lacking"]
    del document["tasks"]["r"]["submissions"][0]["presence"]
    case = case_from_document(document)
    old: Task = case.tasks["r"]
    assert (old.specialties, old.by_photos, old.submissions[0].presence) == ({}, False, None)
    assert case.notices[1].items[0].rounds[0].lacking == ()
