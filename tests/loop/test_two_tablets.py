"""Two inspectors fill in one form, each out of the other's sight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.loop.conftest import MakeInspector
from tests.loop.inspector import Inspector, clean
from tests.loop.office import JSON, Office
from tests.loop.paper import Form

pytestmark = pytest.mark.loop

CHECKLIST = "intermediate-earthing-cable"
#: What each of them finds: a critical and a major failure, and rods of which one is the shorter.
BY_WANG: JSON = {"fail": ["ME-09"], "values": {"ME-03": 3.5, "ME-04": 8}}
BY_LIU: JSON = {"fail": ["ME-05"], "values": {"ME-03": 3.0, "ME-04": 8}}


@dataclass
class Pair:
    """Two forms of one task, both filled in offline."""

    case: str
    task: str
    forms: dict[str, Form]


def both_fill_in(office: Office, wang: Inspector, liu: Inspector, no: str) -> Pair:
    case = office.open_case(no, facts={"direct_buried": False})
    task = office.assign(case, "intermediate", CHECKLIST, wang.name, liu.name)
    forms = {}
    for who, found in ((wang, BY_WANG), (liu, BY_LIU)):
        who.read_inbox()
        who.fetch(case)
        who.tablet.go_offline()
        forms[who.name] = who.fill_in(case, task, **found)
    for who in (wang, liu):
        who.tablet.go_online()
    return Pair(case, task, forms)


def plain(answer: JSON) -> tuple[Any, str]:
    """What was answered and by whom, without ids that are new each time."""
    value = answer["value"]
    return (len(value) if isinstance(value, list) else value), answer["by"]


def test_two_tablets_come_to_the_same_result_in_whichever_order_they_arrive(
    office: Office, inspector: MakeInspector, case_no: str
) -> None:
    """The safe answer stands, the other is kept beside it, and no answer, photo or signature is lost."""
    wang, liu = inspector("wang"), inspector("liu")
    results: list[JSON] = []
    for number, order in enumerate([(wang, liu), (liu, wang)]):
        pair = both_fill_in(office, wang, liu, f"{case_no}-{number}")
        first, second = order
        clean(first.push_forms(pair.case))
        first.await_receipt(pair.forms[first.name], "awaiting_photos")
        clean(second.push_forms(pair.case))
        for who in order:
            clean(who.push_media(pair.case))
        receipt = second.await_receipt(pair.forms[second.name], "accepted")
        assert receipt["judged"] == sorted(form.rev for form in pair.forms.values())
        assert first.await_receipt(pair.forms[first.name], "accepted") == receipt
        assert receipt["superseded"] == ["ME-03", "ME-05", "ME-09"]

        seen = office.inspection(pair.case, pair.task)
        assert seen["branches"] == 2
        every_photo = {photo for form in pair.forms.values() for photo in form.photos}
        assert seen["photos"] == dict.fromkeys(every_photo, "verified")
        nothing_lost(seen, pair, wang, liu)
        [notice] = office.notices(pair.case)
        results.append(
            {
                "answers": {code: plain(answer) for code, answer in seen["answers"].items()},
                "superseded": {
                    code: [plain(answer) for answer in kept] for code, kept in seen["superseded"].items()
                },
                "verdicts": {item["code"]: (item["verdict"], item["severity"]) for item in seen["items"]},
                "notice": [
                    (item["result"]["code"], item["result"]["severity"], item["result"]["by"])
                    for item in notice["items"]
                ],
                "gates": office.unmet(pair.case),
            }
        )
    assert results[0] == results[1]
    standing = results[0]["answers"]
    assert standing["ME-05"] == (0.4, liu.name)
    assert standing["ME-09"] == ("fail", wang.name)
    assert standing["ME-03"] == (3.0, liu.name), "the more cautious number stands"
    assert results[0]["superseded"]["ME-09"] == [("pass", liu.name)]
    assert results[0]["notice"] == [("ME-05", "critical", liu.name), ("ME-09", "major", wang.name)]


def nothing_lost(seen: JSON, pair: Pair, *people: Inspector) -> None:
    """Every answer of either tablet stands, is part of what stands, or is kept beside it."""
    for who in people:
        database = who.databases(pair.case)["forms"]
        form = pair.forms[who.name]
        mine = who.tablet.get(database, form.id, rev=form.rev)["answers"]
        for code, answer in mine.items():
            told = [seen["answers"][code], *seen["superseded"].get(code, ())]
            parts = [part for one in told for part in one.get("merged", [one])]
            assert answer in parts, (who.name, code)


def test_a_branch_that_arrives_after_acceptance_adds_its_failure_and_removes_none(
    office: Office, inspector: MakeInspector, case_no: str
) -> None:
    """The first tablet's failure is on a notice that went out; the second's becomes a supplement to it."""
    wang, liu = inspector("wang"), inspector("liu")
    pair = both_fill_in(office, wang, liu, case_no)
    accepted = wang.hand_in(pair.forms[wang.name])
    office.post(f"/cases/{pair.case}/notices/1/issue")
    before = office.notice(pair.case, 1)

    clean(liu.push_forms(pair.case))
    waiting = liu.await_receipt(pair.forms[liu.name], "awaiting_photos", after=accepted["n"])
    assert waiting["late"] is True
    assert "field-work-complete" in office.unmet(pair.case), "a late branch without its photos is open work"
    clean(liu.push_media(pair.case))
    receipt = liu.await_receipt(pair.forms[liu.name], "accepted", after=waiting["n"])
    assert receipt["late"] is True
    assert receipt["failed"] == ["ME-05", "ME-09"]

    first, supplement = office.notices(pair.case)
    assert first == before
    assert (supplement["supplement_of"], supplement["state"]) == (1, "draft")
    assert [item["result"]["code"] for item in supplement["items"]] == ["ME-05"]
    assert office.task(pair.case, pair.task)["failed"] == ["ME-09", "ME-05"]
    assert "field-work-complete" not in office.unmet(pair.case)
    assert {"notices-closed", "mid-check-passed"} <= office.unmet(pair.case)
