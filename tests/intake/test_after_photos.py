"""A form that finds good what failed in a photo goes back to its tablet until there is a photo from after."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as replace_struct

from server.intake.judging import Evidence, judge_form
from server.workflow import commands as c
from server.workflow.closing import after_photos_wanted
from server.workflow.model import ChecklistRef
from tests.desk import MINI_FORM
from tests.intake.test_judging import VERIFIED, A, B, accepted, answer, evidence, leaf, returned_for
from tests.workflow import builders
from tests.workflow.builders import item


def reinspected(*photos: str) -> builders.Desk:
    """A re-inspection `t-1` of an item that failed, with these photos of it."""
    desk = builders.Desk()
    desk.assign("t-0", "acceptance", checklist=ChecklistRef("mini", 1))
    desk.submit("t-0", builders.accepted(item("PF-01", photos=photos)))
    desk.issue()
    desk.answer()
    desk.do(c.ScheduleReinspection(n=1, task_id="t-1", assignees=(A, B)))
    return desk


@pytest.mark.parametrize(
    ("photos", "value", "back"),
    [([], "pass", True), (["p-1"], "pass", False), ([], "fail", False)],
)
def test_what_is_good_again_is_shown(photos: list[str], value: str, back: bool) -> None:
    desk = reinspected("p-before")
    seen: dict[str, Any] = {"PF-01": answer(value, photos=photos, note="seen")}
    beside: Evidence = evidence({"p-1": replace(VERIFIED, item="PF-01")})
    form = {**leaf(), "answers": seen}
    found = judge_form(desk.case, desk.task("t-1"), MINI_FORM, [form], beside, desk.policy)
    if back:
        assert returned_for(found) == [("PF-01", "after_photo_missing")]
    else:
        assert [one.code for one in accepted(found).items] == ["PF-01"]


def test_a_form_that_is_settled_is_not_sent_back_for_a_photo() -> None:
    desk = reinspected("p-before")
    task = replace_struct(desk.task("t-1"), status="accepted")
    form = {**leaf(), "answers": {"PF-01": answer("pass")}}
    accepted(judge_form(desk.case, task, MINI_FORM, [form], evidence(), desk.policy))


def test_where_no_photo_was_taken_before_none_is_asked_for() -> None:
    bare, pair = reinspected(), reinspected("p-before")
    assert after_photos_wanted(bare.case, bare.task("t-1"), bare.policy) == frozenset()
    assert after_photos_wanted(pair.case, pair.task("t-1"), pair.policy) == {"PF-01"}
    without = replace_struct(pair.policy, after_photo_required=False)
    assert after_photos_wanted(pair.case, pair.task("t-1"), without) == frozenset()
