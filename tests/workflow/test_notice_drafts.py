"""A notice before it is issued: completed, signed by two, due by severity; and never changed after."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from server.workflow import commands as c
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.rectification import Contractor, Heading, Wording
from tests.workflow.builders import (
    COLLEAGUE,
    DEPUTY,
    HAZARD_CHECKLIST,
    INSPECTOR,
    INTAKE,
    MANAGER,
    START,
    Desk,
    accepted,
    item,
    refused,
    text,
)

HEADING = Heading(
    inspected_on=date(2026, 3, 1),
    weather="rain",
    contractor=Contractor(name="Willow Electric", licence="4-330-0007, grade 4", site_lead="Mr Lu"),
    note="All works stand still meanwhile.",
)
WORDING = Wording(place="cable C2, joint 3", limit="0.8 m", standard="GB 50168", demand="with photos")


def drafted(*severities: str) -> Desk:
    desk = Desk()
    found = (item(code, severity=one) for code, one in zip("ABC", severities or ("major",), strict=False))  # type: ignore[arg-type]
    desk.inspect("t-1", "acceptance", *found)
    return desk


def test_a_draft_is_completed_and_the_form_s_own_words_stay() -> None:
    desk = drafted("major", "minor")
    before = desk.notice()
    assert before.heading.inspected_on == date(2026, 3, 2), "the day of the visit is known from the form"
    desk.do(c.AmendNotice(n=1, heading=HEADING, items={"B": WORDING}), INSPECTOR)
    notice = desk.notice()
    assert (notice.heading, notice.items[1].wording) == (HEADING, WORDING)
    assert [one.result for one in notice.items] == [one.result for one in before.items]
    assert notice.items[0] == before.items[0], "what is not named stays"


def test_the_same_amendment_twice_changes_nothing() -> None:
    desk = drafted()
    command = c.AmendNotice(n=1, heading=HEADING, due={"A": date(2026, 3, 5)})
    desk.do(command)
    assert desk.do(command).events == ()


def test_nothing_is_amended_once_it_is_out() -> None:
    desk = drafted()
    desk.issue()
    for command in (c.AmendNotice(n=1, heading=HEADING), c.CosignNotice(n=1), c.IssueNotice(n=1)):
        assert refused(desk, command).code == "notice_not_draft"


@pytest.mark.parametrize("what", ["items", "due"])
def test_an_amendment_names_items_of_the_notice(what: str) -> None:
    named = {"Z": WORDING} if what == "items" else {"Z": date(2026, 3, 5)}
    refusal = refused(drafted(), c.AmendNotice(n=1, **{what: named}))  # type: ignore[arg-type]
    assert (refusal.code, refusal.facts) == ("item_unknown", (f"field:{what}",))


def test_a_day_within_the_severity_s_limit_needs_no_reason_and_a_later_one_does() -> None:
    desk = drafted("major")
    usual = START.date() + timedelta(days=desk.policy.notice_days_major)
    late = {"A": usual + timedelta(days=1)}
    for command in (c.AmendNotice(n=1, due=late), c.IssueNotice(n=1, due=late, reason="  ")):
        refusal = refused(desk, command)
        assert (refusal.code, refusal.facts) == ("due_reason_missing", ("field:reason",))
    desk.do(c.AmendNotice(n=1, due={"A": usual}))
    desk.do(c.AmendNotice(n=1, due=late, reason="the maker delivers then"))
    desk.issue()
    [asked, issued] = desk.notice().items[0].dues
    assert (asked.kind, issued.kind, issued.due) == ("asked", "issued", late["A"])
    assert issued.reason == "the maker delivers then"


def test_a_day_asked_for_is_given_up_again() -> None:
    desk = drafted()
    desk.do(c.AmendNotice(n=1, due={"A": date(2026, 3, 4)}))
    desk.do(c.AmendNotice(n=1, due={"A": None}))
    desk.issue()
    assert desk.notice().items[0].due == START.date() + timedelta(days=desk.policy.notice_days_major)


def test_a_day_that_went_by_while_the_draft_lay_is_not_issued() -> None:
    desk = drafted()
    desk.do(c.AmendNotice(n=1, due={"A": date(2026, 3, 4)}))
    desk.now += timedelta(days=5)
    assert refused(desk, c.IssueNotice(n=1)).code == "due_in_past"
    desk.do(c.IssueNotice(n=1, due={"A": date(2026, 3, 9)}))


def test_who_raised_and_who_issues_are_two() -> None:
    desk = drafted()
    desk.issue()
    assert desk.notice().issues[0].issuers == (INSPECTOR.name, MANAGER.name)


def test_whoever_saw_a_hazard_does_not_issue_it_alone() -> None:
    desk = Desk()
    desk.hazard(by=MANAGER.name)
    assert desk.notice().heading.inspected_on == START.date()
    refusal = refused(desk, c.IssueNotice(n=1))
    assert (refusal.code, refusal.facts) == ("cosignature_missing", ("person:another",))
    desk.do(c.CosignNotice(n=1), MANAGER)
    assert refused(desk, c.IssueNotice(n=1)).code == "cosignature_missing", "one person twice is one person"
    desk.do(c.CosignNotice(n=1), COLLEAGUE)
    assert desk.do(c.CosignNotice(n=1), COLLEAGUE).events == ()
    desk.issue()
    assert desk.notice().issues[0].issuers == (MANAGER.name, COLLEAGUE.name)


def test_an_organisation_may_leave_it_to_one() -> None:
    desk = Desk()
    desk.policy = replace(desk.policy, notice_issuers=1)
    desk.hazard(by=MANAGER.name)
    desk.issue()


@pytest.mark.parametrize("change", ["amended", "extended"])
def test_a_signature_is_for_the_draft_as_it_was(change: str) -> None:
    desk = drafted()
    desk.do(c.CosignNotice(n=1), DEPUTY)
    desk.do(c.ProposeWithdrawal(n=1, reason="wrong site"))
    if change == "amended":
        desk.do(c.AmendNotice(n=1, heading=HEADING))
    else:
        desk.submit("t-1", accepted(item("N")), revs=("9-b",))
    assert desk.notice().cosigned == ()
    assert desk.notice().withdrawal is None
    assert desk.case.log[-1].data["unsigned"] == [DEPUTY.name]


def test_the_next_notice_knows_the_contractor_of_the_last() -> None:
    desk = drafted()
    desk.do(c.AmendNotice(n=1, heading=HEADING))
    desk.inspect("t-2", "acceptance", item("B"))
    desk.hazard()
    assert [desk.notice(n).heading.contractor for n in (2, 3)] == [HEADING.contractor] * 2
    assert desk.notice(2).heading.weather == "", "the weather is another day's"


def test_what_a_notice_forbids_goes_by_its_stage() -> None:
    desk = drafted()
    desk.inspect("t-2", "intermediate", item("ME-01"))
    assert [desk.notice(n).caution for n in (1, 2)] == ["no_energization", "no_cover"]


def test_a_notice_from_before_these_fields_is_read() -> None:
    desk = drafted()
    desk.issue()
    document = case_to_document(desk.case)
    [notice] = document["notices"].values()
    for name in ("heading", "cosigned"):
        del notice[name]
    for name in ("wording", "dues"):
        del notice["items"][0][name]
    del notice["issues"][0]["issuers"]
    old = case_from_document(document).notices[1]
    assert (old.heading, old.items[0].dues, old.issues[0].issuers) == (Heading(), (), ())
    assert old.items[0].due == desk.notice().items[0].due


def test_a_tablet_s_hazard_knows_no_contractor_where_none_was_named() -> None:
    desk = Desk()
    desk.do(
        c.ReportHazard(
            hazard_id="h-1",
            description="pit",
            at=START,
            by=INSPECTOR.name,
            checklist=HAZARD_CHECKLIST,
            text=text("pit closed"),
        ),
        INTAKE,
    )
    assert desk.notice().heading.contractor == Contractor()
