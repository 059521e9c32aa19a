"""One form, judged: a function of its branches, its photos and its case; nothing a tablet sends upsets it."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace as replace_value
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from geo.coords import Position
from geo.fence import circle
from server.intake.forms import named_photos
from server.intake.judging import (
    Evidence,
    Judged,
    PhotoFact,
    admitted,
    judge_form,
    submitter,
)
from server.intake.presence import photo_traces
from server.workflow.commands import Accepted, AwaitingPhotos, RecordSubmission, Returned
from server.workflow.decide import decide
from server.workflow.documents import case_from_document, case_to_document
from server.workflow.model import ChecklistRef, CodedReason, Presence, Task
from server.workflow.vocabulary import MAX_ID
from tests.desk import FAR_AWAY, MINI, MINI_FORM, MINI_SIGNED, ON_SITE, SITE
from tests.workflow import builders

QUICK = settings(max_examples=120, deadline=None)
AT = builders.START + timedelta(hours=1)
A, B = builders.INSPECTOR.name, builders.COLLEAGUE.name
FENCE = circle(Position(SITE["lon"], SITE["lat"]), 200.0)  # type: ignore[arg-type]


def case_with_task() -> builders.Desk:
    desk = builders.Desk()
    desk.assign("t-1", "acceptance", checklist=ChecklistRef("mini", 1))
    return desk


DESK = case_with_task()
TASK = DESK.task("t-1")


def answer(value: Any, by: Any = A, **more: Any) -> dict[str, Any]:
    """A position in it was taken at the same moment, unless it says when."""
    if isinstance(place := more.get("location"), dict):
        more["location"] = {"at": AT.isoformat(), **place}
    return {"value": value, "by": by, "at": AT.isoformat(), **more}


def leaf(by: str = A, rev: str = "1-aa", answers: Any = None, **changes: Any) -> dict[str, Any]:
    """A submitted branch in which everything passes."""
    good = {
        "PH-01": answer("pass", by, photos=["p-1"], location=ON_SITE),
        "PF-01": answer("pass", by),
        "NR-01": answer(2.5, by),
    }
    return {
        "_id": "inspection:t-1",
        "_rev": rev,
        "type": "inspection",
        "schema": 1,
        "task": "t-1",
        "checklist": dict(MINI),
        "answers": {**good, **(answers or {})},
        "status": "submitted",
        "submitted": {"by": by, "at": AT.isoformat(), "device": "t-1", "clock_skew_ms": 0},
        **changes,
    }


VERIFIED = PhotoFact("verified", "0" * 64, "t-1", "PH-01")


def evidence(photos: Mapping[str, PhotoFact] | None = None, **changes: Any) -> Evidence:
    fields: dict[str, Any] = {
        "photos": {"p-1": VERIFIED, "p-2": VERIFIED} if photos is None else photos,
        "signatures": set(),
        "fence": FENCE,
        "received_at": AT + timedelta(hours=2),
    }
    return Evidence(**{**fields, **changes})


def judged(*leaves: Mapping[str, Any], beside: Evidence | None = None, task: Task = TASK) -> Judged:
    return judge_form(
        DESK.case, task, MINI_FORM, [dict(one) for one in leaves], beside or evidence(), DESK.policy
    )


def accepted(found: Judged) -> Accepted:
    assert isinstance(found.outcome, Accepted), found.outcome
    return found.outcome


def verdicts(found: Judged) -> dict[str, str]:
    return {item.code: item.verdict for item in accepted(found).items}


def returned_for(found: Judged) -> list[tuple[str | None, str]]:
    assert isinstance(found.outcome, Returned), found.outcome
    return [(reason.item, reason.code) for reason in found.outcome.reasons]


def findings(found: Judged) -> list[tuple[str | None, str]]:
    return [(finding.item, finding.code) for finding in accepted(found).findings]


def test_a_good_form_is_accepted_item_by_item() -> None:
    found = judged(leaf())
    assert verdicts(found) == {"PH-01": "pass", "PF-01": "pass", "NR-01": "pass"}
    assert [(photo.id, photo.verified) for photo in accepted(found).photos] == [("p-1", True)]
    assert findings(found) == []


@pytest.mark.parametrize(
    ("answers", "failed"),
    [
        ({"PF-01": answer("fail", note="rust")}, "PF-01"),
        ({"NR-01": answer(4.01)}, "NR-01"),
        ({"PH-01": answer("fail", note="bent", photos=["p-1"])}, "PH-01"),
        ({"NR-01": answer(1.0, defect=True, note="wrong place")}, "NR-01"),
    ],
)
def test_the_server_judges_for_itself(answers: Any, failed: str) -> None:
    found = judged(leaf(answers=answers, verdict="pass", passed=True))
    assert {code for code, verdict in verdicts(found).items() if verdict == "fail"} == {failed}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"checklist": {"id": "mini", "version": 2}}, "checklist_mismatch"),
        ({"checklist": {"id": "other", "version": 1}}, "checklist_mismatch"),
        ({"checklist": None}, "checklist_mismatch"),
        ({"submitted": {"by": A, "at": "yesterday", "device": "t"}}, "submitted_time_unreadable"),
        ({"submitted": {"by": A, "at": AT.replace(tzinfo=None).isoformat()}}, "submitted_time_unreadable"),
        ({"submitted": {"by": A, "at": AT.isoformat(), "clock_skew_ms": True}}, "submitted_time_unreadable"),
        ({"submitted": {"by": A, "at": AT.isoformat(), "clock_skew_ms": 1e300}}, "submitted_time_unreadable"),
        ({"submitted": {"by": A, "at": (AT + timedelta(hours=3)).isoformat()}}, "clock_ahead"),
        ({"submitted": {"by": A, "at": (AT - timedelta(days=1)).isoformat()}}, "clock_behind"),
        ({"submitted": {"by": A, "at": AT.isoformat(), "clock_skew_ms": -1e8}}, "clock_ahead"),
        ({"submitted": {"by": A, "at": "0001-01-01T00:00:00+14:00"}}, "clock_behind"),
        ({"submitted": {"by": A, "at": "9999-12-31T23:59:59-14:00"}}, "clock_ahead"),
    ],
)
def test_what_cannot_be_judged_goes_back_with_the_reason(changes: Any, code: str) -> None:
    found = judged({**leaf(), **changes})
    assert (None, code) in returned_for(found)
    recorded(found, [{**leaf(), **changes}])


@pytest.mark.parametrize("answers", [None, [], "pass", 7, True])
def test_answers_that_are_no_object_are_unreadable(answers: Any) -> None:
    assert (None, "answers_unreadable") in returned_for(judged({**leaf(), "answers": answers}))


def test_more_answers_than_the_policy_takes_are_not_read() -> None:
    many = {f"X-{n}": answer("pass") for n in range(DESK.policy.max_answers)}
    assert returned_for(judged(leaf(answers=many))) == [(None, "too_many_answers")]


def test_a_receipt_lists_no_more_reasons_than_a_form_can_have_answers() -> None:
    strange = {f"strange{n}": n for n in range(10)}
    policy = msgspec.structs.replace(DESK.policy, max_answers=4)
    form = leaf(answers={"PF-01": answer("pass", **strange)})
    found = returned_for(judge_form(DESK.case, TASK, MINI_FORM, [form], evidence(), policy))
    assert found == [*[("PF-01", "unknown_field")] * 4, (None, "more_reasons")]


def test_more_photos_of_one_item_than_the_setting_allows_return_the_form() -> None:
    most = [f"p-{n}" for n in range(DESK.policy.max_photos_per_item)]
    photos = dict.fromkeys((*most, "p-more"), VERIFIED)
    as_many = leaf(answers={"PH-01": answer("pass", photos=most, location=ON_SITE)})
    assert verdicts(judged(as_many, beside=evidence(photos)))["PH-01"] == "pass"
    too_many = leaf(answers={"PH-01": answer("pass", photos=[*most, "p-more"], location=ON_SITE)})
    assert returned_for(judged(too_many, beside=evidence(photos))) == [("PH-01", "too_many_photos")]


def test_a_checklist_that_is_not_in_the_library_goes_back() -> None:
    found = judge_form(DESK.case, TASK, None, [leaf()], evidence(), DESK.policy)
    assert returned_for(found) == [(None, "checklist_unknown")]


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"PF-01": None}, ("PF-01", "not_an_answer")),
        ({"PF-01": answer("fail")}, ("PF-01", "missing_note")),
        ({"PF-01": answer("maybe")}, ("PF-01", "unknown_option")),
        ({"NR-01": answer("2.5")}, ("NR-01", "wrong_type")),
        ({"NR-01": answer(True)}, ("NR-01", "wrong_type")),
        ({"NR-01": {"value": 2.5, "by": A}}, ("NR-01", "wrong_type")),
        ({"PH-01": answer("pass")}, ("PH-01", "missing_photo")),
        ({"PH-01": answer("na", note="none here")}, ("PH-01", "na_not_allowed")),
        ({"XX-99": answer("pass")}, ("XX-99", "unknown_item")),
    ],
)
def test_an_incomplete_form_goes_back_item_by_item(answers: Any, reason: tuple[str, str]) -> None:
    assert reason in returned_for(judged(leaf(answers=answers)))


@pytest.mark.parametrize("fact", [PhotoFact("absent"), PhotoFact("pending", "0" * 64, "t-1", "PH-01")])
def test_a_photo_on_its_way_is_waited_for(fact: PhotoFact) -> None:
    assert judged(leaf(), beside=evidence({"p-1": fact})).outcome == AwaitingPhotos(("p-1",))


def signed_by(signature: str) -> dict[str, Any]:
    named = {"SG-01": answer([{"role": "customer", "signature": signature}])}
    return leaf(answers=named, checklist={"id": MINI_SIGNED.id, "version": 1})


SIGNED_TASK = msgspec.structs.replace(TASK, checklist=ChecklistRef(MINI_SIGNED.id, 1))


def judged_signed(signature: str, beside: Evidence) -> Judged:
    return judge_form(DESK.case, SIGNED_TASK, MINI_SIGNED, [signed_by(signature)], beside, DESK.policy)


def test_a_signature_on_its_way_is_waited_for_like_a_photo() -> None:
    assert judged_signed("s-1", evidence()).outcome == AwaitingPhotos((), ("s-1",))
    neither = evidence({"p-1": PhotoFact("absent")})
    assert judged_signed("s-1", neither).outcome == AwaitingPhotos(("p-1",), ("s-1",))
    assert accepted(judged_signed("s-1", evidence(signatures={"s-1"}))).findings == ()


def test_a_signature_that_cannot_be_is_not_waited_for() -> None:
    longest = "s" * MAX_ID
    assert judged_signed(longest, evidence()).outcome == AwaitingPhotos((), (longest,))
    assert returned_for(judged_signed(longest + "s", evidence())) == [(None, "too_long")]


def test_a_refused_photo_returns_the_form_with_the_photos_reason() -> None:
    refused = PhotoFact("refused", None, "t-1", "PH-01", reasons=(CodedReason(None, "photo_heic"),))
    found = judged(leaf(), beside=evidence({"p-1": refused}))
    assert returned_for(found) == [("PH-01", "photo_heic")]


@pytest.mark.parametrize(("task", "item"), [("t-1", "PF-01"), ("t-2", "PH-01"), ("", "")])
def test_a_photo_taken_for_something_else_is_no_evidence(task: str, item: str) -> None:
    other = PhotoFact("verified", "0" * 64, task, item)
    found = judged(leaf(), beside=evidence({"p-1": other}))
    assert returned_for(found) == [("PH-01", "photo_of_another_item")]


def test_flags_of_a_photo_are_findings_and_no_veto() -> None:
    flagged = PhotoFact("verified", "0" * 64, "t-1", "PH-01", flags=(CodedReason(None, "photo_edited"),))
    assert findings(judged(leaf(), beside=evidence({"p-1": flagged}))) == [("PH-01", "photo_edited")]


def presence(found: Judged) -> Presence:
    there = accepted(found).presence
    assert there is not None
    return there


UNTIMED = {**ON_SITE, "at": None}


@pytest.mark.parametrize(
    ("location", "standing", "finding"),
    [
        (ON_SITE, "supported", None),
        (FAR_AWAY, "contradicted", ("PH-01", "presence_outside")),
        ({**ON_SITE, "mock": True}, "contradicted", ("PH-01", "attendance_mock")),
        ({**ON_SITE, "accuracy_m": 50_000.0}, "open", ("PH-01", "presence_too_coarse")),
        ({**ON_SITE, "accuracy_m": 0}, "open", ("PH-01", "presence_no_accuracy")),
        ({**ON_SITE, "source": "manual"}, "open", ("PH-01", "attendance_manual")),
        (UNTIMED, "open", ("PH-01", "attendance_no_fix_time")),
        (None, "open", (None, "no_position")),
    ],
)
def test_presence_is_judged_item_by_item_and_never_a_veto(
    location: Any, standing: str, finding: tuple[str, str] | None
) -> None:
    given = {"PH-01": answer("pass", photos=["p-1"], **({"location": location} if location else {}))}
    there = presence(judged(leaf(answers=given)))
    assert there.standing == standing
    assert there.on_site == (("PH-01",) if standing == "supported" else ())
    assert there.off_site == (("PH-01",) if standing == "contradicted" else ())
    assert len(there.on_site) + len(there.off_site) + there.open == 3
    assert [(reason.item, reason.code) for reason in there.reasons] == ([finding] if finding else [])


def test_the_same_form_is_judged_by_the_organisations_own_thresholds() -> None:
    late = {**ON_SITE, "at": (AT - timedelta(minutes=30)).isoformat()}
    given = {"PH-01": answer("pass", photos=["p-1"], location=late)}
    assert presence(judged(leaf(answers=given))).standing == "supported", "the door before going in"
    strict = replace(DESK.policy, presence_indoor_minutes=10)
    found = judged(leaf(answers=given), beside=evidence(on_the_day=strict))
    assert (presence(found).standing, presence(found).reasons[0].code) == ("open", "attendance_fix_old")


def track(degrees_east: float) -> dict[str, Any]:
    fixes = [
        {**ON_SITE, "lon": SITE["lon"] + degrees_east, "at": (AT + timedelta(minutes=n)).isoformat()}  # type: ignore[operator]
        for n in range(-5, 6)
    ]
    return {"_id": "track:t", "by": A, "datum": "wgs84", "fixes": fixes}


def test_a_track_speaks_for_answers_without_a_position_and_against_those_with_one() -> None:
    there = presence(judged(leaf(), beside=evidence(tracks=[track(0.0)])))
    assert (there.standing, there.on_site, there.open) == ("supported", ("PH-01", "PF-01", "NR-01"), 0)
    elsewhere = presence(judged(leaf(), beside=evidence(tracks=[track(0.1)])))
    assert (elsewhere.standing, len(elsewhere.off_site)) == ("contradicted", 3)
    assert {reason.code for reason in elsewhere.reasons} == {"attendance_track_elsewhere"}
    assert elsewhere.reasons[0].params["distance_m"] > 9000


def test_what_the_camera_wrote_speaks_against_a_position_on_site() -> None:
    receipt = {"exif_taken_at": AT.isoformat(), "exif_location": {**FAR_AWAY, "accuracy_m": None}}
    fact = replace_value(VERIFIED, traces=photo_traces({"by": A, "device": "t-1"}, receipt))
    there = presence(judged(leaf(), beside=evidence({"p-1": fact, "p-2": VERIFIED})))
    assert (there.off_site, there.reasons[0].code) == (("PH-01",), "attendance_camera_differs")


def test_without_a_usable_site_nothing_is_said_about_presence() -> None:
    given = {"PH-01": answer("pass", photos=["p-1"], location=FAR_AWAY)}
    found = judged(leaf(answers=given), beside=evidence(fence=None))
    assert (findings(found), accepted(found).presence) == ([], None)


def test_a_failure_of_one_branch_beats_the_pass_of_the_other() -> None:
    passing, failing = leaf(A, "1-aa"), leaf(B, "1-bb", {"PF-01": answer("fail", B, note="rust")})
    found = judged(passing, failing)
    assert verdicts(found)["PF-01"] == "fail"
    assert [one["by"] for one in accepted(found).superseded["PF-01"]] == [A]


def test_a_reinspection_looks_at_its_items_alone() -> None:
    again = replace(TASK, kind="reinspection", items=("PF-01",))
    found = judged(leaf(answers={"NR-01": answer(99.0)}), task=again)
    assert verdicts(found) == {"PF-01": "pass"}


# -- who counts


@pytest.mark.parametrize(
    ("document", "revs", "counts"),
    [
        (leaf(A), (), True),
        (leaf("stranger"), (), False),
        (leaf("stranger"), ("1-aa",), True),
        ({**leaf(A), "_deleted": True}, ("1-aa",), False),
        ({**leaf(A), "status": "draft", "submitted": None}, (), True),
        ({**leaf(A, answers={"PF-01": answer("pass", "stranger")}), "status": "draft"}, (), False),
        ({**leaf(A), "submitted": None}, (), False),
        ({**leaf(A), "submitted": [A]}, (), False),
        ({**leaf(A), "submitted": {"by": [A]}}, (), False),
        ({**leaf(A), "status": "draft", "answers": {"PF-01": {"by": [A]}}}, (), False),
        ({**leaf(A), "status": "draft", "answers": 7}, (), True),
    ],
)
def test_a_branch_counts_if_it_is_an_assignees_or_was_let_in(document: Any, revs: Any, counts: bool) -> None:
    assert admitted(TASK, document, revs) is counts


def test_the_first_signature_stands_for_the_form() -> None:
    late = leaf(A, "1-aa", submitted={"by": A, "at": (AT + timedelta(minutes=5)).isoformat(), "device": "x"})
    skewed = leaf(B, "1-bb", submitted={"by": B, "at": AT.isoformat(), "clock_skew_ms": 60_000})
    found = submitter([late, skewed])
    assert found is not None
    assert (found.by, found.at, found.device) == (B, AT - timedelta(minutes=1), "")
    assert submitter([leaf(A, submitted={"by": A, "at": "?"})]) is None
    assert submitter([leaf(A, status="draft")]) is None


# -- whatever comes

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(["pass", "fail", "na", "p-1", A, AT.isoformat(), "x" * 150, "x" * 5000]),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["by", "at", "value", "photos", "note", "location", "merged", "defect", "PF-01", "?"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)
FIELDS = ("answers", "checklist", "submitted", "status", "task", "returned", "superseded", "odd")
PARTS = ("value", "by", "at", "photos", "note", "location", "instrument", "defect", "merged", "odd")


@st.composite
def damaged(draw: st.DrawFn, by: str = A, rev: str = "1-aa") -> dict[str, Any]:
    """A good branch with up to three parts of it replaced by anything."""
    document = leaf(by, rev)
    for _ in range(draw(st.integers(1, 3))):
        where, what = draw(st.sampled_from(("field", "answer", "part", "signature"))), draw(ANYTHING)
        code = draw(st.sampled_from(("PH-01", "PF-01", "NR-01", "ZZ-01")))
        answers = document["answers"]
        if where == "field":
            document[draw(st.sampled_from(FIELDS))] = what
        elif where == "signature" and isinstance(document["submitted"], dict):
            document["submitted"] = {
                **document["submitted"],
                draw(st.sampled_from(("by", "at", "device", "clock_skew_ms"))): what,
            }
        elif isinstance(answers, dict) and where == "answer":
            answers[code] = what
        elif isinstance(answers, dict) and isinstance(answers.get(code), dict):
            answers[code][draw(st.sampled_from(PARTS))] = what
    return document


def recorded(found: Judged, leaves: Sequence[Mapping[str, Any]]) -> None:
    """The case takes every outcome down, and can be read again afterwards."""
    desk = case_with_task()
    signed = submitter([dict(one) for one in leaves])
    command = RecordSubmission(
        task_id="t-1",
        revs=tuple(sorted({str(one["_rev"]) for one in leaves})),
        outcome=found.outcome,
        submitted_by=A,
        submitted_at=signed.at if signed else AT,
        device=signed.device if signed else "",
    )
    decision = decide(
        desk.case, command, now=AT + timedelta(hours=2), actor=builders.INTAKE, policy=desk.policy
    )
    assert len(decision.case.tasks["t-1"].submissions) == 1
    assert case_from_document(case_to_document(decision.case)) == decision.case


class Everything(dict[str, PhotoFact]):
    """Evidence in which every photo that is asked for is there, verified and of the right item."""

    def get(self, photo: str, default: Any = None) -> Any:
        return VERIFIED

    def __missing__(self, photo: str) -> PhotoFact:
        return VERIFIED


NOTHING: Mapping[str, PhotoFact] = {}


@pytest.mark.parametrize(
    "answers",
    [
        {"PH-01": answer("pass", photos=5)},
        {"PH-01": answer("pass", photos={"p-1": True})},
        {"PH-01": answer("pass", photos=["p" * 200])},
        {"PH-01": answer("pass", photos=[["p-1"], None, 7])},
        {"PH-01": answer("pass", by=[A], photos=["p-1"])},
        {"PF-01": answer("fail", note="x" * 2000)},
        {"PF-01": answer("pass", at="0001-01-01T00:00:00+14:00")},
        {"PF-01": answer("pass", at="9999-12-31T23:59:59-14:00")},
        {"PF-01": answer("pass", at="2026-11-02T08:00:60Z")},
        {"PF-01": answer("pass", location={"lon": 1e300, "lat": "x"})},
        {"NR-01": answer(10**400)},
        {"NR-01": answer(-0.0)},
        {"x" * 300: answer("pass")},
        {"": answer("pass")},
    ],
)
def test_odd_answers_are_taken_down_and_never_raise(answers: Any) -> None:
    document = leaf(answers=answers)
    named_photos([document])
    for photos in (Everything(), NOTHING):
        recorded(judged(document, beside=evidence(photos)), [document])


def test_notes_of_three_people_fit_into_a_notice() -> None:
    branches = [
        leaf(A, f"1-{n}", {"PF-01": answer("fail", A, note=str(n) * 2000, at=AT.isoformat())})
        for n in range(3)
    ]
    found = judged(*branches)
    item = next(item for item in accepted(found).items if item.code == "PF-01")
    assert item.note.startswith("000")
    recorded(found, branches)


@QUICK
@given(damaged())
def test_nothing_that_a_tablet_sends_raises_or_cannot_be_recorded(document: dict[str, Any]) -> None:
    before = copy.deepcopy(document)
    named_photos([document])
    admitted(TASK, document, ())
    for photos in (Everything(), NOTHING):
        found = judge_form(DESK.case, TASK, MINI_FORM, [document], evidence(photos), DESK.policy)
        recorded(found, [document])
    assert document == before, "what was sent is never changed"


@QUICK
@given(damaged())
def test_nothing_malformed_ever_passes(document: dict[str, Any]) -> None:
    found = judge_form(DESK.case, TASK, MINI_FORM, [document], evidence(Everything()), DESK.policy)
    if not isinstance(found.outcome, Accepted):
        return
    passed = {item.code for item in found.outcome.items if item.verdict == "pass"}
    answers = document["answers"]
    for code in passed:
        assert isinstance(answers[code]["by"], str)
        assert isinstance(answers[code]["at"], str)
    if "PF-01" in passed:
        assert answers["PF-01"]["value"] == "pass"
    if "NR-01" in passed:
        value = answers["NR-01"]["value"]
        assert isinstance(value, int | float)
        assert not isinstance(value, bool)
        assert math.isfinite(value)
        assert value <= 4
    if "PH-01" in passed:
        assert answers["PH-01"]["value"] == "pass"
        assert answers["PH-01"]["photos"]


BRANCH = st.builds(
    lambda by, rev, value, number, good: leaf(
        by,
        f"{1 + rev}-{rev:02x}{by[:2]}",
        {
            "PF-01": answer(value, by, **({} if value == "pass" else {"note": f"seen by {by}"})),
            "NR-01": answer(number, by),
            "PH-01": answer("pass" if good else "fail", by, photos=["p-1"], note="looked at"),
        },
    ),
    st.sampled_from((A, B)),
    st.integers(0, 9),
    st.sampled_from(("pass", "fail", "na")),
    st.sampled_from((1.0, 2.5, 4.0, 4.5, 30.0)),
    st.booleans(),
)


@QUICK
@given(st.lists(BRANCH, min_size=1, max_size=4, unique_by=lambda one: str(one["_rev"])), st.randoms())
def test_the_order_of_branches_never_matters(branches: list[dict[str, Any]], random: Any) -> None:
    shuffled = list(branches)
    random.shuffle(shuffled)
    assert judged(*branches).outcome == judged(*shuffled).outcome
    assert submitter(branches) == submitter(shuffled)


@QUICK
@given(st.lists(BRANCH, min_size=1, max_size=4, unique_by=lambda one: str(one["_rev"])))
def test_a_failure_seen_by_anybody_survives_judging(branches: list[dict[str, Any]]) -> None:
    together = verdicts(judged(*branches))
    for branch in branches:
        for code, verdict in verdicts(judged(branch)).items():
            if verdict == "fail":
                assert together[code] == "fail", code


@QUICK
@given(BRANCH, damaged(B, "1-dd"))
def test_a_malformed_branch_never_hides_a_failure(branch: dict[str, Any], broken: dict[str, Any]) -> None:
    """Together with a branch that cannot be read, the form goes back or the failure stands."""
    alone = {code for code, verdict in verdicts(judged(branch)).items() if verdict == "fail"}
    for order in ((branch, broken), (broken, branch)):
        found = judge_form(DESK.case, TASK, MINI_FORM, list(order), evidence(Everything()), DESK.policy)
        if isinstance(found.outcome, Accepted):
            failed = {item.code for item in found.outcome.items if item.verdict == "fail"}
            assert alone <= failed


@pytest.mark.parametrize("zone", [0, 8, 14, -12])
def test_times_are_compared_across_zones(zone: int) -> None:
    from datetime import timezone

    there = AT.astimezone(timezone(timedelta(hours=zone)))
    found = submitter([leaf(A, submitted={"by": A, "at": there.isoformat()})])
    assert found is not None
    assert found.at == AT
    assert found.at.astimezone(UTC) == datetime.fromisoformat(AT.isoformat())
