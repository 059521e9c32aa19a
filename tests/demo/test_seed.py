"""The demo tells the truth: eight cases of one town, each where it says it is, all taken in by intake; and a
month of works that is balanced by whatever worker starts."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from geo.metric import distance_m
from server.app import create_app
from server.commands.common import is_empty
from server.demo import story
from server.demo.month import CASES, Month, following, moved
from server.demo.seed import as_demo, is_demo, seed_whole
from server.demo.town import ACCOUNTS, COLD_STORE, PASSWORD
from server.intake.worker import make_intake, make_planner
from server.scheduling.plans import PlanRecord, Plans
from server.scheduling.requests import faults
from server.scheduling.solver import Result
from server.scheduling.works import Works
from server.services import Services, assemble
from server.settings import Argon2Profile, Settings
from server.texts import LANGUAGES
from server.workflow.log import verify_log
from server.workflow.model import Case

TOWN_RADIUS_M = 6000
CHEAP = Argon2Profile(1024, 1, 1)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    settings = as_demo(Settings(data_dir=tmp_path_factory.mktemp("demo") / "data", argon2=CHEAP))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(story, "PHOTO_SIZE", (160, 120))
        told: list[str] = []
        seed_whole(settings, told.append)
    assert len(told) == 9
    made = assemble(settings)
    yield made
    made.close()


@pytest.fixture(scope="module")
def cases(demo: Services) -> list[Case]:
    return [demo.cases.load(case_id).case for case_id in demo.cases.ids()]


def test_the_demo_has_a_name_unless_the_installation_sets_its_own(demo: Services, tmp_path: Path) -> None:
    policy = demo.cases.policy("demo")
    assert [policy.name_of("demo", language) for language in LANGUAGES] == [
        "合闸演示供电公司",
        "Hezha Demo Power",
    ]
    own = Settings(data_dir=tmp_path, policy_file="own.yaml")
    assert as_demo(own).policy_file == "own.yaml"


def test_a_story_that_cannot_be_taken_in_ends(demo: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be taken up again for ever otherwise, and nobody would hear why."""
    intake = make_intake(demo)
    now = datetime.now(UTC)
    told = story.Story(demo, intake, story.DemoClock(), COLD_STORE, now, demo.cases.ids()[0])

    def fail(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(type(intake), "handle", fail)
    demo.store.put(demo.names.forms(told.case_id), {"_id": "stray"})
    with pytest.raises(OSError, match="no room"):
        told.settle()


def test_eight_cases_stand_at_different_stages(cases: list[Case]) -> None:
    places = {(case.stage, case.energization.status) for case in cases}
    assert len(cases) == 8
    assert {stage for stage, _ in places} >= {"survey", "scheme", "intermediate", "ready", "energized"}


def test_one_is_on_hold_because_of_a_hazard(cases: list[Case]) -> None:
    (held,) = [case for case in cases if case.energization.status == "on_hold"]
    assert held.hazards
    assert "notices-closed" in {gate.id for gate in held.gates if gate.status == "unmet"}


def test_one_is_in_its_second_round_for_one_item(cases: list[Case]) -> None:
    (second,) = [notice for case in cases for notice in case.notices.values() if notice.round == 2]
    assert second.state == "issued"
    assert {item.code: item.state for item in second.items} == {"ME-05": "open", "ME-09": "passed"}


def test_one_waits_for_photos(cases: list[Case]) -> None:
    waiting = [task for case in cases for task in case.tasks.values() if task.status == "awaiting_photos"]
    assert len(waiting) == 1


def test_every_log_verifies_and_runs_forward(cases: list[Case]) -> None:
    for case in cases:
        assert verify_log(case)
        times = [entry.at for entry in case.log]
        assert times == sorted(times)


def test_all_lie_in_one_town(cases: list[Case]) -> None:
    first = cases[0].site
    for case in cases:
        assert distance_m(first.lon, first.lat, case.site.lon, case.site.lat) < TOWN_RADIUS_M


def test_every_photo_was_verified_and_nothing_about_it_is_odd(demo: Services, cases: list[Case]) -> None:
    receipts = [
        receipt
        for case in cases
        for receipt in demo.store.all_docs(demo.names.media(case.id), prefix="photo-receipt:")
    ]
    assert len(receipts) > 100
    assert {receipt["status"] for receipt in receipts} == {"verified"}
    assert [receipt["flags"] for receipt in receipts if receipt["flags"]] == []


def test_every_form_that_was_sent_has_its_receipt(demo: Services, cases: list[Case]) -> None:
    for case in cases:
        for task in case.tasks.values():
            for submission in task.submissions:
                receipt = demo.store.get(demo.names.forms(case.id), f"receipt:{task.id}:{submission.n}")
                assert receipt["status"] == submission.outcome
                assert receipt["findings"] == []


def test_the_printed_accounts_sign_in(demo: Services) -> None:
    for name, _, roles in ACCOUNTS:
        signed_in = demo.people.login(name, PASSWORD)
        assert signed_in.user.roles == roles


def test_a_seeded_folder_is_known_for_one(demo: Services, tmp_path: Path) -> None:
    assert is_demo(demo.settings)
    assert not is_empty(demo.settings)
    assert is_empty(replace(demo.settings, data_dir=tmp_path / "new"))


@pytest.fixture(scope="module")
def plan(demo: Services) -> tuple[PlanRecord, Result]:
    """The plan that was left queued, once a worker has made it."""
    kept = Plans(demo.store, demo.names.registry)
    assert [one.state for one in kept.all()] == ["queued"]
    assert make_planner(demo).run_once()
    (made,) = kept.all()
    assert made.state == "made", made.fault
    return made, msgspec.json.decode(kept.result(made), type=Result)


def test_every_work_of_the_month_could_have_been_requested_by_hand(demo: Services) -> None:
    organisation = demo.settings.organisation
    (head,) = demo.networks.all(organisation)
    found = [known for known, _ in Works(demo.store, demo.names.registry).all(organisation)]
    assert len(found) == 14
    for known in found:
        assert known.state == "approved"
        wrong = faults(known.asked, demo.networks.index(head).topology, datetime.now(UTC).date())
        assert [one.code for one in wrong] == []
        persons = [known.requested_by, *(one.by for one in known.agreements)]
        assert len(set(persons)) == len(persons)
        assert set(persons) <= {name for name, _, _ in ACCOUNTS}
    waiting = {case for known in found for case in known.asked.cases}
    assert {demo.cases.load(case).case.no for case in waiting} == set(CASES.values())


def test_the_plan_of_the_month_holds_and_one_work_is_left_out_with_the_reasons(
    plan: tuple[PlanRecord, Result],
) -> None:
    record, result = plan
    assert record.summary is not None
    assert (record.summary.status, record.summary.wrong, record.summary.unplaced) == ("optimal", 0, 1)
    first, *_ = result.reasons
    assert first.work == "t-13"
    assert all("SCHOOL" in first.text[lang][1] for lang in LANGUAGES)


def test_every_outage_of_the_month_can_still_be_announced(plan: tuple[PlanRecord, Result]) -> None:
    _, result = plan
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    assert result.plan["notices"]
    assert min(date.fromisoformat(str(one["by"])) for one in result.plan["notices"]) >= today


@pytest.mark.parametrize("first", [date(2027, 2, 1), date(2026, 12, 1), date(2028, 2, 1)])
def test_the_month_may_be_any(first: date) -> None:
    month = Month(first)
    assert following(first - timedelta(days=1)) == month
    found = moved({"2026-06-30": "供应商到货 6 月 12 日", "past": ["2026-05-12", "a word"]}, month)
    last = following(first).first - timedelta(days=1)
    day = min(last, first.replace(day=28) + timedelta(days=2))
    assert found == {
        str(day): f"供应商到货 {first.month} 月 12 日",
        "past": [str(first - timedelta(days=20)), "a word"],
    }


def test_the_plan_can_be_agreed_to_and_published_and_the_cases_hear_of_it(
    demo: Services, plan: tuple[PlanRecord, Result]
) -> None:
    """By the accounts that are printed; works that wait for others are as they were asked for."""
    app, record = create_app(demo.settings), plan[0]
    client = app.test_client()

    def post(by: str, path: str, body: dict[str, str]) -> dict[str, Any]:
        token = demo.people.login(by, PASSWORD).access_token
        answer = client.post(f"/api/v1/{path}", json=body, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.get_json()
        return found

    for by, function in (
        ("scheduler2", "safety_maintenance"),
        ("dispatcher1", "dispatch"),
        ("manager1", "customer_centre"),
    ):
        post(by, f"plans/{record.id}/approve", {"function": function})
    published = post("scheduler1", f"plans/{record.id}/publish", {})
    assert published["state"] == "published"
    assert {one["work"] for one in published["told"]} == {name.lower() for name in CASES} - {"t-13"}
    assert [one["refused"] for one in published["told"]] == [None, None]
    app.extensions["hezha"].close()
