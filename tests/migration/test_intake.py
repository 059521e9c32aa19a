"""After a migration intake goes on as if there had been none: nothing skipped, nothing judged twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server.intake.intake import FOLLOWER
from server.intake.worker import make_follower, make_intake
from sync.follow import checkpoint_id
from sync.migration.move import Options, Report, migrate
from tests.desk import Desk, open_desk, run_intake
from tests.replication.kit import local_site

OPTIONS = Options(followers=(checkpoint_id(FOLLOWER),))


def move(source: Path, target: Path) -> Report:
    with local_site(source) as ours, local_site(target) as theirs:
        report = migrate(ours, theirs, lambda _: True, options=OPTIONS)
    for key in source.glob("*.key"):
        shutil.copy(key, target)
    return report


@contextmanager
def desk(folder: Path) -> Iterator[Desk]:
    folder.mkdir(exist_ok=True)
    with open_desk(folder) as opened:
        yield opened


def outcome(opened: Desk, case: str, task: str) -> list[tuple[str, str]]:
    return [(receipt["_id"], receipt["status"]) for receipt in opened.receipts(case, task)]


@pytest.mark.parametrize("rounds", [0, 1, 3, 1_000])
def test_a_form_is_taken_in_once_wherever_intake_stood(tmp_path: Path, rounds: int) -> None:
    """Intake had seen nothing, something or all of it before the move."""
    source, target = tmp_path / "source", tmp_path / "target"
    with desk(source) as before:
        case = before.open_case()
        task = before.assign(case, id="t-1")
        before.submit(case, task, PF_01=before.answer("fail", note="rust"))
        before.shoot(case, task)
        intake = make_intake(before.made)
        follower = make_follower(before.made, intake, intake.wants)
        for _ in range(rounds):
            if not follower.run_once():
                break
    report = move(source, target)
    assert report.differences == ()
    assert (rounds < 1_000) or report.again == ()
    with desk(source) as calm:
        calm.intake()
        expected = outcome(calm, case, task)
    with desk(target) as after:
        after.intake()
        assert outcome(after, case, task) == expected
        assert expected[-1][1] == "accepted"
        # Told again from the start, it changes nothing more.
        after.made.store.put_local(after.forms(case), checkpoint_id(FOLLOWER), {"seq": "0"})
        run_intake(after.made, make_intake(after.made))
        assert outcome(after, case, task) == expected


def test_people_sign_in_and_cases_are_listed_at_the_new_place(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    with desk(source) as before:
        case = before.open_case()
        listed = before.get("/cases")["items"]
    assert move(source, target).differences == ()
    with desk(target) as after:
        assert after.get("/cases")["items"] == listed
        assert [one["id"] for one in listed] == [case]
