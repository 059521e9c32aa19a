"""Killed at any write of a publishing, a worker ends it: nobody is told twice, no notice is lost, and what
cannot be ended gives back all that it took."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from server.casework.outages import GATE
from server.intake.worker import make_finishing, make_planner, publishing
from tests.api.test_networks import hand_in
from tests.api.test_plan_amending import PEOPLE, again
from tests.api.test_plan_publishing import MAY
from tests.api.test_plans import approved, body
from tests.desk import Clock, Desk, open_desk

JSON = dict[str, Any]
AT = MAY + timedelta(hours=1)


class Killed(BaseException):
    """The process is gone."""


def agreed(desk: Desk, plan: str) -> None:
    for function, by in PEOPLE:
        desk.post(f"/plans/{plan}/approve", {"function": function}, by=by)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan of June to which all have agreed; a case waits for one of its works."""
    folder = tmp_path_factory.mktemp("first")
    with open_desk(folder, clock=Clock(MAY)) as desk:
        assert hand_in(desk).status_code == 201
        for name in ("second", "third"):
            desk.hire(name, "scheduler")
        case = desk.open_case()
        desk.post(f"/cases/{case}/facts", {"facts": {"outage_needed": True}})
        approved(desk, ("T-01", "T-02", "T-06"), cases={"T-06": (case,)})
        desk.post("/plans", body(id="june"), by="scheduler")
        assert make_planner(desk.made).run_once()
        agreed(desk, "june")
        desk.intake()
    return folder


@pytest.fixture(scope="module")
def second(first: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, published and announced, and a version that moves the case's work and leaves out another."""
    folder = tmp_path_factory.mktemp("second")
    shutil.copytree(first, folder, dirs_exist_ok=True)
    with open_desk(folder, clock=Clock(MAY)) as desk:
        desk.post("/plans/june/publish", by="scheduler")
        for one in desk.get("/plans/june/public-notices")["items"]:
            told = {"outage": one["outage"], "channel": "web", "proof": "p", "announced_at": MAY.isoformat()}
            desk.post("/plans/june/public-notices", told)
        day = next(one for one in ("2026-06-22", "2026-06-23") if one != standing(desk, "june")["t-06"])
        pinned, dropped = {"t-06": {"pin": {"date": day}}}, {"t-01": {"code": "weather"}}
        answer = again(desk, id="next", hand=pinned, drop=dropped)
        assert answer.status_code == 201, answer.text
        assert make_planner(desk.made).run_once()
        agreed(desk, "next")
        desk.intake()
    return folder


def standing(desk: Desk, plan: str) -> dict[str, str]:
    made = desk.get(f"/plans/{plan}")["plan"]
    return {work["work"]: one["date"] for one in made["outages"] for work in one["works"]}


@contextmanager
def killed_at(desk: Desk, write: int) -> Iterator[Callable[[], bool]]:
    """The process dies instead of its n-th write. Whether it did is told."""
    store, left, died = type(desk.made.store), [write], [False]
    put = store.put

    def counted(self: Any, *args: Any, **kwargs: Any) -> str:
        if left[0] == 0:
            died[0] = True
            raise Killed
        left[0] -= 1
        return put(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "put", counted)
        with suppress(Killed):
            yield lambda: died[0]


def every_cut(folder: Path, plan: str, spare: Path) -> Iterator[tuple[int, Path]]:
    """The folder as it is left by a process killed at each of its writes, while it published a plan."""
    write, died = 0, True
    while died:
        left = spare / f"cut-{write}"
        shutil.copytree(folder, left)
        with open_desk(left, clock=Clock(AT)) as desk, killed_at(desk, write) as was_killed:
            publishing(desk.made).publish(desk.made.plans.get("demo", plan), by="scheduler", at=AT)
        died = was_killed()
        yield write, left
        shutil.rmtree(left)
        write += 1


@contextmanager
def restarted(folder: Path) -> Iterator[Desk]:
    """A worker on what was left, when what was left counts as cut off."""
    with open_desk(folder, clock=Clock(AT + timedelta(minutes=10))) as desk:
        yield desk


def recovered(desk: Desk) -> None:
    make_finishing(desk.made).run_once()
    desk.intake()
    make_finishing(desk.made).run_once()


def said(desk: Desk) -> list[tuple[str, ...]]:
    """What was said of the gate of the case that waits, and by which plans."""
    case = desk.get("/works/t-06")["asked"]["cases"][0]
    return [(word.status, *word.documents) for word in desk.case(case).entries.get(GATE, ())]


def test_a_plan_is_published_whole_whenever_its_process_was_killed(first: Path, tmp_path: Path) -> None:
    cuts = 0
    for write, left in every_cut(first, "june", tmp_path):
        with restarted(left) as desk:
            assert (desk.get("/plans/june")["publishing"] is None) == (
                desk.get("/plans/june")["state"] != "made" or write == 0
            )
            recovered(desk)
            if write == 0:
                assert {one["state"] for one in desk.get("/works")["items"]} == {"approved"}
                assert said(desk) == []
                desk.post("/plans/june/publish", by="scheduler")
            plan = desk.get("/plans/june")
            assert (plan["state"], plan["publishing"]) == ("published", None)
            assert plan["published_by"] == "scheduler"
            works = desk.get("/works?plan=june")["items"]
            assert {one["id"]: one["day"] for one in works} == standing(desk, "june")
            assert {one["state"] for one in works} == {"planned"}
            assert said(desk) == [("met", "2026-06/june")]
            notices = desk.get("/plans/june/public-notices")["items"]
            assert {one["outage"] for one in notices} == {one["id"] for one in plan["plan"]["outages"]}
            # By hand once more nothing is said again.
            desk.post("/plans/june/publish", by="scheduler")
            assert said(desk) == [("met", "2026-06/june")]
            cuts += 1
    assert cuts > 5, "every step was tried"


def test_a_version_takes_the_place_of_its_plan_whenever_its_process_was_killed(
    second: Path, tmp_path: Path
) -> None:
    notices = []
    for write, left in every_cut(second, "next", tmp_path):
        with restarted(left) as desk:
            recovered(desk)
            if write == 0:
                assert desk.get("/plans/june")["state"] == "published"
                desk.post("/plans/next/publish", by="scheduler")
            assert desk.get("/plans/next")["state"] == "published"
            base = desk.get("/plans/june")
            assert (base["state"], base["amended_by"]) == ("amended", "next")
            works = {
                one["id"]: (one["state"], one["plan"], one["day"]) for one in desk.get("/works")["items"]
            }
            days = standing(desk, "next")
            assert works.pop("t-01") == ("approved", "", None)
            assert works == {work: ("planned", "next", day) for work, day in days.items()}
            assert said(desk) == [("met", "2026-06/june"), ("met", "2026-06/next")]
            notices.append(desk.get("/plans/next/public-notices")["items"])
    # The last was not killed: whatever the others had to announce is the same.
    assert all(one == notices[-1] for one in notices)
    assert "corrected" in {one["kind"] for one in notices[-1]}


@pytest.mark.parametrize("plan", ["june", "next"])
def test_what_cannot_be_ended_gives_back_what_it_took_and_says_why(
    plan: str, first: Path, second: Path, tmp_path: Path
) -> None:
    told = 0
    for write, left in every_cut(first if plan == "june" else second, plan, tmp_path):
        with restarted(left) as desk:
            if write == 0 or desk.get(f"/plans/{plan}")["state"] != "made":
                continue
            # So long that no outage can be announced any more.
            desk.clock.forward(days=60)
            # Killed once more while it gives back.
            with killed_at(desk, write % 4):
                make_finishing(desk.made).run_once()
            recovered(desk)
            known = desk.get(f"/plans/{plan}")
            assert (known["state"], known["publishing"]) == ("made", None)
            assert known["unpublished"]["code"] in {"plan_notice_late", "plan_frozen"}
            assert known["unpublished"]["text"]["en"]
            if plan == "june":
                works = desk.get("/works")["items"]
                assert {(one["state"], one["plan"], one["day"]) for one in works} == {("approved", "", None)}
                assert said(desk) == []
            else:
                base = desk.get("/plans/june")
                assert (base["state"], base["amended_by"]) == ("published", "")
                days = standing(desk, "june")
                held = {one["id"]: (one["plan"], one["day"]) for one in desk.get("/works")["items"]}
                assert held == {work: ("june", day) for work, day in days.items()}
                assert said(desk) == [("met", "2026-06/june")]
            told += 1
    assert told > 2
